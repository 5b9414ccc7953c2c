"""Implicit differentiation and F2SA: gradients, penalties, batches, averages."""

import numpy as np
import pytest
from bilevel_examples import answer, quadratic

import numopt
from numopt import Bilevel, minimize
from numopt.problems.hyperparameters import regularisation
from numopt.solvers.bilevel.certificate import solve_lower
from numopt.solvers.bilevel.f2sa import Pair, penalised
from numopt.solvers.bilevel.implicit import Inner, hypergradient
from numopt.solvers.bilevel.newton import Metric, conjugate_gradients, newton


def test_error_of_the_gradient_halves_as_the_penalty_doubles():
    pytest.importorskip("sklearn")
    P = regularisation().problem()
    x = np.full(P.n, np.log(1e-2))
    start = Inner(np.zeros(P.m), np.zeros(P.m), Metric())
    _, exact, inner = hypergradient(P, x, start, 1e-10, 1e-10)
    errors = []
    for c in (20.0, 40.0, 80.0, 160.0):
        pair = Pair(inner.y, inner.y, (None, None), np.inf)
        errors.append(np.linalg.norm(penalised(P, x, pair, c, 1e-6)[1] - exact))
    ratios = np.array(errors[1:]) / errors[:-1]
    np.testing.assert_allclose(ratios, 0.5, atol=0.1)


def test_extrapolation_is_more_accurate():
    P = quadratic()
    c = {"penalty0": 50.0, "maxiter": 60}
    plain = minimize(P, method="f2sa", tol=1e-3, options=c)
    better = minimize(P, method="f2sa", tol=1e-3, options=c | {"extrapolate": True})
    assert np.abs(better.x - answer()).max() <= np.abs(plain.x - answer()).max()


def test_implicit_on_features():
    pytest.importorskip("sklearn")
    task = regularisation(1)
    res = minimize(task.problem(), method="implicit")
    assert res.success
    assert task.F(res.x, res.y) <= 0.025


@pytest.mark.parametrize("method", ["f2sa", "f3sa"])
def test_batches(method):
    pytest.importorskip("sklearn")
    task = regularisation(0)
    P, options = task.problem(batches=True), {"maxiter": 2, "check_every": 20}
    one, two, other = (minimize(P, method=method, options=options, rng=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.x, two.x)
    assert not np.array_equal(one.x, other.x)
    start = task.F(P.x0, solve_lower(P, *P.split(P.x0))[1])
    assert one.fun < start


LOOPS = {"f2sa": {"variant": "paper"}, "f3sa": {}, "bamm": {}}


@pytest.mark.parametrize("method", LOOPS)
def test_normalised_steps_have_one_length(method):
    """However large F is: the steps are those for F/1000."""
    options = LOOPS[method] | {"normalise": True, "maxiter": 1, "check_every": 1, "step_x": 0.1}
    moved = []
    for size in (1.0, 1e3):
        P = Bilevel(
            lambda x, y: size * float((x - 1.0) @ (x - 1.0)),  # noqa: B023
            lambda x, y: float((y - x) @ (y - x)),
            n=2,
            m=2,
            grad_F=lambda x, y: (2.0 * size * (x - 1.0), 0.0 * y),  # noqa: B023
            grad_f=lambda x, y: (2.0 * (x - y), 2.0 * (y - x)),
        )
        moved.append(minimize(P, method=method, options=options, rng=0).x)
    assert np.linalg.norm(moved[0]) > 1e-3
    np.testing.assert_allclose(moved[0], moved[1], rtol=1e-10)


@pytest.mark.parametrize("method", LOOPS)
def test_normalised_steps_descend(method):
    options = LOOPS[method] | {"normalise": True, "maxiter": 10}
    res = minimize(quadratic(), method=method, options=options, rng=0)
    assert res.fun < 0.8 * quadratic().F(np.zeros(3), np.zeros(2))


@pytest.mark.parametrize("method", ["f2sa", "bamm"])
def test_tracking_now_and_then_saves_gradients(method):
    options = LOOPS[method] | {"maxiter": 5, "check_every": 6}
    often, seldom = (
        minimize(quadratic(), method=method, options=options | {"update_every": k}, rng=0)
        for k in (1, 3)
    )
    assert seldom.fun < quadratic().F(np.zeros(3), np.zeros(2))
    if method == "f2sa":  # in bamm y rests, the linear system does not
        assert seldom.calls["grad_f"] < 0.5 * often.calls["grad_f"]
    assert not np.array_equal(seldom.x, often.x)


def test_averaged_objectives_reach_the_solution():
    res = minimize(quadratic(), method="bamm", tol=1e-3)
    assert res.success
    np.testing.assert_allclose(res.x, answer(), atol=3e-2)


def test_averaged_objectives_where_only_the_upper_level_is_strongly_convex():
    """The lower level leaves y2 free, so that its own linear system is singular."""
    P = Bilevel(
        lambda x, y: float((x[0] - 1.0) ** 2 + y[0] ** 2 + (y[1] - 2.0) ** 2),
        lambda x, y: float((y[0] - x[0]) ** 2),
        n=1,
        m=2,
        grad_F=lambda x, y: (2.0 * (x - 1.0), 2.0 * np.array([y[0], y[1] - 2.0])),
        grad_f=lambda x, y: (2.0 * (x - y[0]), np.array([2.0 * (y[0] - x[0]), 0.0])),
        hvp=lambda x, y, v: (np.array([-2.0 * v[0]]), np.array([2.0 * v[0], 0.0])),
    )
    res = minimize(P, method="bamm", options={"maxiter": 200, "mu_power": 0.3}, rng=0)
    np.testing.assert_allclose([res.x[0], *res.y], [0.5, 0.5, 2.0], atol=5e-2)
    assert not res.certificates["unique_lower"]


@pytest.mark.parametrize("given", [{"variant": "paper"}, {"batch": 5}])
def test_extrapolation_needs_exact_functions(given):
    P = quadratic(n_lower=10) if "batch" in given else quadratic()
    with pytest.raises(numopt.OptionError, match="`extrapolate` needs exact functions"):
        minimize(P, method="f2sa", options={"extrapolate": True, **given})


def test_newton_and_conjugate_gradients():
    rng = np.random.default_rng(0)
    Q = rng.standard_normal((30, 30))
    H, b = Q @ Q.T + 1e-3 * np.eye(30), rng.standard_normal(30)
    x, steps = conjugate_gradients(lambda v: H @ v, b, rtol=1e-10)
    np.testing.assert_allclose(H @ x, b, atol=1e-6)
    metric = Metric(spent=steps).renewed(lambda v: H @ v, 30)
    assert conjugate_gradients(lambda v: H @ v, b, rtol=1e-8, metric=metric)[1] <= 4
    found = newton(
        lambda y: 0.5 * y @ H @ y - b @ y + 0.25 * np.sum(y**4),
        lambda y: H @ y - b + y**3,
        lambda y, v: H @ v + 3 * y**2 * v,
        np.zeros(30),
        1e-9,
    )
    assert np.abs(found.g).max() <= 1e-9
