"""Losses other than squares by `bcd`: right answers, tight gaps, never above other libraries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_array, random_array

import numopt
from numopt import Composite
from numopt.solvers.bcd.tangents import TangentSets

PENALTIES = {
    "l1": lambda lam: numopt.L1(lam),
    "net": lambda lam: numopt.ElasticNet(lam, lam),
    "positive": lambda lam: numopt.NonNegativeL1(lam),
}


def drawn(kind, m, p, seed):
    """Return a loss of random data, columns of different sizes, and its largest slope at zero."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((m, p)) * 10.0 ** rng.uniform(-1.0, 0.5, p)
    z = X[:, :3].sum(axis=1) + rng.standard_normal(m)
    if kind == "logistic":
        loss = numopt.Logistic(X, np.where(z > 0.0, 1.0, -1.0))
    elif kind == "poisson":
        loss = numopt.Poisson(X, rng.poisson(np.exp(np.clip(z, None, 3.0))).astype(float))
    else:
        loss = numopt.Multinomial(X, np.eye(3)[rng.integers(3, size=m)])
    return loss, np.abs(loss.gradient(loss.state(np.zeros(loss.n)))).max()


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["logistic", "poisson", "multinomial"]),
    st.sampled_from(sorted(PENALTIES)),
    st.integers(6, 60),
    st.integers(3, 20),
    st.floats(0.01, 0.9),
    st.booleans(),
    st.integers(0, 10_000),
)
def test_proximal_newton_agrees_with_passes(kind, penalty, m, p, share, intercept, seed):
    loss, largest = drawn(kind, m, p, seed)
    problem = Composite(loss, PENALTIES[penalty](share * largest), intercept=intercept)
    res = numopt.minimize(problem, tol=1e-9)
    passes = numopt.minimize(problem, tol=1e-4, options={"newton_phase": False})
    slack = 1e-9 * problem.reference
    assert res.success, res.message
    assert res.fun <= passes.fun + slack
    assert res.fun >= passes.fun - passes.gap - slack


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("divisor", [3, 30])
def test_never_above_celer_at_the_same_tolerance(sparse, divisor):
    celer = pytest.importorskip("celer")
    for seed in range(4):
        rng = np.random.default_rng(seed)
        m, p = 80, 400
        X = random_array((m, p), density=0.1, format="csc", rng=rng) if sparse else None
        X = np.asfortranarray(rng.standard_normal((m, p))) if X is None else X
        y = np.where(X @ np.r_[np.ones(8), np.zeros(p - 8)] + 0.1 > 0.0, 1.0, -1.0)
        lam = np.abs(X.T @ y).max() / 2 / divisor
        problem = Composite(numopt.Logistic(X, y), numopt.L1(lam))
        res = numopt.minimize(problem, tol=1e-8)
        w = celer.celer_path(X, y, "logreg", alphas=[lam], tol=1e-8 * problem.reference)[1][:, 0]
        assert res.success
        assert res.fun <= problem.fun(w) + 1e-8 * problem.reference


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("penalty", [1.0, 30.0])
def test_logistic_agrees_with_scikit_learn(intercept, penalty, rng):
    linear_model = pytest.importorskip("sklearn.linear_model")
    X = rng.standard_normal((70, 20))
    y = np.where(X[:, 0] - X[:, 1] + rng.standard_normal(70) > 0.3, 1.0, -1.0)
    res = numopt.minimize(
        Composite(numopt.Logistic(X, y), numopt.L1(penalty / 10), intercept), tol=1e-12
    )
    peer = linear_model.LogisticRegression(
        l1_ratio=1.0, C=10 / penalty, solver="saga", fit_intercept=intercept, tol=1e-9,
        max_iter=200_000,
    ).fit(X, y)  # fmt: skip
    assert res.success
    np.testing.assert_allclose(res.x, peer.coef_[0], atol=1e-5)
    if intercept:
        assert res.intercept == pytest.approx(peer.intercept_[0], abs=1e-5)


@pytest.mark.parametrize("kind", ["logistic", "poisson", "multinomial"])
def test_a_few_steps_reach_the_last_digits(kind):
    loss, largest = drawn(kind, 60, 12, 1)
    res = numopt.minimize(Composite(loss, numopt.L1(largest / 20)), tol=1e-12)
    assert res.success, res.message
    assert res.nit <= 3


@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_rows_far_on_the_wrong_side_do_not_hide_the_last_digits(form):
    """Their second derivatives vanish, and dividing by them would blow up rounding errors."""
    rng = np.random.default_rng(2)
    X = random_array((300, 900), density=0.05, format="csc", rng=rng, data_sampler=rng.normal)
    z = 8.0 * (X @ np.where(np.arange(900) < 60, rng.standard_normal(900), 0.0))
    y = np.where(z > 0.0, 1.0, -1.0) * np.where(np.abs(z) > np.quantile(np.abs(z), 0.98), -1, 1)
    loss = numopt.Logistic(X if form == "sparse" else X.toarray(), y)
    largest = np.abs(loss.gradient(loss.state(np.zeros(900)))).max()
    res = numopt.minimize(Composite(loss, numopt.L1(largest / 50)), tol=1e-11)
    assert res.success, res.message


def test_classes_that_a_column_separates_need_large_steps():
    X = np.linspace(-1.0, 1.0, 40)[:, None] * [1.0, 0.0] + [[0.0, 0.5]]
    y = np.where(X[:, 0] > 0.0, 1.0, -1.0)
    res = numopt.minimize(Composite(numopt.Logistic(X, y), numopt.L1(1e-6)), tol=1e-9)
    assert res.success, res.message
    assert res.x[0] > 100.0


def test_without_a_penalty_the_gradient_vanishes(rng):
    X = rng.standard_normal((80, 6))
    y = np.where(X[:, 0] + rng.standard_normal(80) > 0.0, 1.0, -1.0)
    problem = Composite(numopt.Logistic(X, y), intercept=True)
    res = numopt.minimize(problem, tol=1e-10)
    assert res.success
    assert res.certificate == "kkt"
    state = problem.loss.state(res.x)
    assert np.abs(problem.loss.gradient(state)).max() <= 1e-10 * problem.largest_slope


@pytest.mark.parametrize("make", [numopt.LeastSquares, numopt.Logistic])
def test_a_start_on_an_empty_column_returns_to_zero(make, rng):
    X = rng.standard_normal((30, 5))
    X[:, 2] = 0.0
    y = np.where(X[:, 0] > 0.0, 1.0, -1.0)
    res = numopt.minimize(Composite(make(X, y), numopt.L1(1.0)), np.ones(5))
    assert res.success
    assert res.x[2] == 0.0


def test_weights_of_rows_count(rng):
    X = rng.standard_normal((50, 8))
    y = np.where(X[:, 0] + rng.standard_normal(50) > 0.0, 1.0, -1.0)
    times = rng.integers(0, 3, 50)
    again = np.repeat(np.arange(50), times)
    weighted = numopt.Logistic(X, y, sample_weight=times)
    a = numopt.minimize(Composite(weighted, numopt.L1(1.0), True), tol=1e-12)
    b = numopt.minimize(Composite(numopt.Logistic(X[again], y[again]), numopt.L1(1.0), True))
    np.testing.assert_allclose(a.x, b.x, atol=1e-5)


def test_a_path_is_that_of_single_solves(rng):
    X = rng.standard_normal((60, 30))
    y = np.where(X[:, 0] - X[:, 3] + rng.standard_normal(60) > 0.0, 1.0, -1.0)
    problem = Composite(numopt.Logistic(X, y), numopt.L1(1.0), intercept=True)
    res = numopt.path(problem, n_lambdas=15, ratio=0.02, tol=1e-10)
    assert res.success
    for row, factor in enumerate(res.lambdas):
        alone = numopt.minimize(problem.times(factor), tol=1e-10)
        np.testing.assert_allclose(res.coefs[row], alone.x, atol=1e-6)
        assert res.intercepts[row, 0] == pytest.approx(alone.intercept, abs=1e-6)


# -- which problems --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("problem", "able"),
    [
        (lambda X, y: Composite(numopt.Logistic(X, y), numopt.L1(1.0)), True),
        (lambda X, y: Composite(numopt.Logistic(X, y)), True),
        (lambda X, y: Composite(numopt.Poisson(X, y**2), numopt.NonNegativeL1(1.0)), True),
        (lambda X, y: Composite(numopt.Logistic(csc_array(X), y), numopt.L1(1.0)), False),
        (lambda X, y: Composite(numopt.Logistic(X, y), numopt.BoxConstraint(0.0, 1.0)), False),
        (lambda X, y: Composite(numopt.Logistic(X, y), numopt.GroupL2(1.0, 2)), False),
        (lambda X, y: Composite(numopt.Logistic(X, y), numopt.MCP(1.0, 20.0)), False),
        (lambda X, y: Composite(numopt.Huber(X, y), numopt.L1(1.0)), False),
        (lambda X, y: Composite(numopt.LeastSquares(X, y), numopt.L1(1.0)), False),
    ],
)
def test_what_proximal_newton_takes(problem, able, rng):
    X = rng.standard_normal((20, 4))
    found = problem(X, np.where(X[:, 0] > 0.0, 1.0, -1.0))
    ws = np.arange(4)
    assert TangentSets(found, True).take(ws) == able
    assert not TangentSets(found, False).take(ws)
    assert not TangentSets(found, True).take(np.arange(10_000))
