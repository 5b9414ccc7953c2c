"""Newton steps on the dual, for supports about as large as the number of rows."""

import numpy as np
import pytest

import numopt
from numopt.solvers.bcd import dual_newton, working_set
from numopt.solvers.bcd.dual_newton import DualNewton
from numopt.solvers.bcd.gram_path import Centred
from numopt.solvers.bcd.newton import Account


def crowded(seed=0, m=80, p=600, divisor=1000.0, weighted=False, **penalty):
    """Return a lasso whose solution has nearly as many nonzeros as there are rows."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((m, p))
    X[:, 1:] = 0.6 * X[:, :-1] + 0.8 * X[:, 1:]
    y = X[:, ::10] @ rng.standard_normal(p // 10) + rng.standard_normal(m)
    s = rng.uniform(0.5, 2.0, m) if weighted else None
    loss = numopt.LeastSquares(X, y, sample_weight=s)
    lam = np.abs(loss.gradient(loss.state(np.zeros(p)))).max() / divisor
    return numopt.Composite(loss, numopt.L1(lam, **penalty), intercept=weighted)


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_descends_to_the_gap_asked_for(positive, weighted):
    problem = crowded(weighted=weighted, positive=positive)
    dual, start = DualNewton(Centred(problem)), problem.state(problem.x0)
    goal = 1e-11 * problem.reference
    point, _ = dual.descend(np.arange(problem.n), start, goal)
    best = numopt.solve(problem, method="bcd", tol=1e-12)
    assert best.success
    assert best.fun - goal <= problem.value(point) <= best.fun + 2.0 * goal
    np.testing.assert_allclose(point.z, problem.state(point.x).z, atol=1e-9)
    np.testing.assert_allclose(point.x, best.x, atol=1e-4 * np.abs(best.x).max())


def test_never_a_higher_point():
    problem = crowded()
    dual, everything = DualNewton(Centred(problem)), np.arange(problem.n)
    for tol in (1e-2, 1e-6, 1e-12):
        start = problem.state(numopt.solve(problem, method="bcd", tol=tol).x)
        point, _ = dual.descend(everything, start, 1e-15)
        assert point is None or problem.value(point) < problem.value(start)


def test_taken_only_after_failures_and_for_dense_data_without_squares():
    problem, failed = crowded(), Account(price=dual_newton.FAILURES)
    assert DualNewton(Centred(problem)).take(failed)
    assert not DualNewton(Centred(problem)).take(Account())
    assert not DualNewton(Centred(problem)).take(None)
    assert not DualNewton(None).take(failed)
    ridge = numopt.Composite(problem.posed[0], numopt.ElasticNet(1.0, 1.0))
    assert not DualNewton(Centred(ridge)).take(failed)


def test_the_engine_uses_it(monkeypatch):
    calls, real = [], working_set.DualNewton.descend

    def counted(self, *args):
        calls.append(args)
        return real(self, *args)

    monkeypatch.setattr(working_set.DualNewton, "descend", counted)
    problem = crowded(m=200, p=3000, divisor=3000.0)
    res = numopt.solve(problem, method="bcd", tol=1e-10)
    assert res.success
    assert res.active_set.size > 180
    assert calls


@pytest.mark.parametrize("back", [1, 2, 3])
def test_a_continued_run_is_the_same_bit_for_bit(back):
    problem = crowded()
    whole = numopt.solve(problem, tol=1e-12)
    part = numopt.solve(problem, tol=1e-12, options={"maxiter": whole.nit - back})
    rest = numopt.solve(problem, tol=1e-12, state=part.state)
    assert rest.success
    np.testing.assert_array_equal(rest.x, whole.x)
