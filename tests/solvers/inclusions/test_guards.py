"""Schedules, restarts, bad operators, budgets."""

import numpy as np
import pytest
from inclusion_examples import identity

import numopt
from numopt import Inclusion, Status, solve
from numopt.problems import games, inclusions
from numopt.solvers.inclusions import halpern_vr


def test_published_probabilities():
    n = 100
    assert [halpern_vr.published_probability(k, n) for k in (0, 1)] == [1.0, 1.0]
    assert halpern_vr.published_probability(2, n) == pytest.approx(4 / 6)
    assert halpern_vr.published_probability(11, n) == pytest.approx(4 / 15)
    assert halpern_vr.published_probability(12, n) == pytest.approx(4 / 15)


def test_expected_cost_of_the_published_schedule():
    n, rng = 5000, np.random.default_rng(0)
    solver = numopt.HalpernVR(schedule="paper")
    counts = [solver._differences(n, 10_000, rng) for _ in range(2000)]
    iterations = np.sum(counts) + len(counts)
    cost = len(counts) * n + 2 * solver._batch(n) * np.sum(counts)
    assert cost / iterations == pytest.approx(6 * np.sqrt(n), rel=0.1)


def test_too_long_steps_are_halved():
    problem = inclusions.lasso(300, 10)
    res = solve(problem, rng=0, tol=1e-7, options={"step_factor": 50.0})
    assert res.success
    assert 4 * problem.curvature < res.L


def test_an_operator_that_is_not_monotone_is_remarked():
    A = np.array([[1.0, 0.0], [0.0, -0.5]])
    problem = Inclusion(lambda u: A @ u, lambda v, t: np.clip(v, -1.0, 1.0), [0.3, 0.2])
    res = solve(problem, rng=0, options={"maxiter": 50})
    assert "not monotone" in res.message
    assert res.message.count("not monotone") == 1


@pytest.mark.parametrize("method", ["extragradient", "halpern_vr"])
@pytest.mark.parametrize("cocoercive", [True, False])
def test_undefined_operator_ends_the_run(method, cocoercive):
    calls = []

    def F(u):
        calls.append(1)
        return u if len(calls) < 12 else np.full(3, np.nan)

    problem = Inclusion(F, identity, np.ones(3), cocoercive=cocoercive, check=False)
    res = solve(problem, method=method, rng=0, tol=1e-300)
    assert res.status == Status.NONFINITE
    assert np.isfinite(res.x).all()


def test_exceptions_reach_the_user_or_end_the_run():
    def F(u):
        raise ZeroDivisionError("mine")

    problem = Inclusion(F, identity, np.ones(3), check=False)
    with pytest.raises(ZeroDivisionError, match="mine"):
        solve(problem)
    res = solve(problem, options={"on_error": "nan"})
    assert res.status == Status.NONFINITE
    assert "ZeroDivisionError" in res.message


def test_degenerate_game():
    res = solve(games.nemirovski(20, exponent=1.0))  # the centred matrix is zero
    assert res.success
    assert res.fun == pytest.approx(20 / 39)


def test_budget_is_exact_in_compiled_code():
    problem = inclusions.logistic(2000, 5)
    for maxfun in (2, 3, 5):
        res = solve(problem, rng=0, tol=1e-14, options={"maxfun": maxfun})
        assert res.status == Status.MAX_FUN
        assert res.counts["components"] <= 2000 * maxfun
