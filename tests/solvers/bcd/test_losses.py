"""The rules with other losses and penalties, and constants that are estimated."""

import numpy as np
import pytest
from rule_examples import (
    N,
    assert_right,
    data,
    logistic,
    smooth_problem,
    solved,
)

from numopt import (
    L1,
    MCP,
    SCAD,
    BoxConstraint,
    Composite,
    GroupL2,
    LeastSquares,
    Multinomial,
    SparseGroup,
    UserProx,
)


def grouped_reference(P):
    """Return the minimiser by many proximal gradient steps."""
    x, L = np.zeros(P.n), np.linalg.norm(P.loss.design.X, 2) ** 2
    for _ in range(3000):
        x = P.penalty.prox(x - P.loss.gradient(P.loss.state(x)) / L, 1.0 / L)
    return x


@pytest.mark.parametrize("selection", ["gs-q", "gs-r", "gsl-r", "gs-s", "shuffle"])
@pytest.mark.parametrize("blocks", [1, 2, "variable"])
def test_groups(selection, blocks):
    X, y = data(5)
    groups = [np.array([0, 3]), np.array([1, 2, 7]), np.array([4, 5, 6])]
    lam = 0.2 * np.linalg.norm(X.T @ y)
    P = Composite(LeastSquares(X, y), SparseGroup(lam, 0.1 * lam, groups))
    res = solved(P, selection=selection, blocks=blocks, block_size=2)
    assert_right(res, grouped_reference(P), (selection, blocks))


def test_exact_updates_of_groups():
    X, y = data(6)
    P = Composite(LeastSquares(X, y), GroupL2(0.2 * np.linalg.norm(X.T @ y), 3))
    res = solved(P, update="exact", blocks=1)
    assert_right(res, grouped_reference(P), "exact")
    assert res.nit < solved(P, update="gradient", blocks=1).nit


@pytest.mark.parametrize("penalty", [MCP(2.0), SCAD(2.0)])
def test_concave_penalties_end_at_stationary_points(penalty):
    X, y = data(7)
    res = solved(Composite(LeastSquares(X, y), penalty), blocks=1, update="gradient")
    assert res.success
    assert res.kkt <= 1e-9 * np.abs(X.T @ y).max()


def test_a_proximal_map_of_the_user():
    X, y = data(8)
    P = Composite(
        LeastSquares(X, y),
        UserProx(lambda v, step, b: np.maximum(v, 0.0), lambda x: 0.0),
    )
    res = solved(P, selection="gs-r", blocks=2, update="gradient")
    box = solved(Composite(LeastSquares(X, y), BoxConstraint(0.0)), blocks=2)
    np.testing.assert_allclose(res.x, box.x, atol=1e-8)


@pytest.mark.parametrize("update", ["gradient", "matrix", "newton", "proximal_newton"])
@pytest.mark.parametrize("blocks", ["variable", 3])
@pytest.mark.parametrize("selection", ["gsq", "gsd", "shuffle"])
def test_logistic(update, blocks, selection):
    P = logistic(1)
    res = solved(P, update=update, blocks=blocks, block_size=3, selection=selection, tol=1e-10)
    best = solved(P, update="newton", blocks=N)
    assert_right(res, best.x, (update, blocks, selection))


@pytest.mark.parametrize("update", ["gradient", "matrix", "proximal_newton", "two_metric"])
def test_sparse_logistic(update):
    P = logistic(2, L1(4.0))
    res = solved(P, update=update, blocks="variable", block_size=3, tol=1e-10)
    best = solved(P, update="gradient", blocks=1, tol=1e-12)
    assert_right(res, best.x, update)
    np.testing.assert_array_equal(res.active_set, np.flatnonzero(best.x))
    assert 0 < res.identified_at <= res.nit


def test_one_variable_exactly():
    P = logistic(3)
    res = solved(P, update="exact", blocks=1, selection="gsd", tol=1e-10)
    assert_right(res, solved(P, update="newton", blocks=N).x, "exact")
    assert res.nit <= solved(P, update="gradient", blocks=1, selection="gsd", tol=1e-10).nit


@pytest.mark.parametrize("update", ["gradient", "matrix", "newton"])
def test_multinomial(update):
    rng = np.random.default_rng(0)
    X, k = rng.normal(size=(50, 4)), 3
    Y = np.eye(k)[rng.integers(k, size=50)]
    P = Composite(Multinomial(X, Y))
    res = solved(P, update=update, blocks="variable", block_size=4, selection="gsd", tol=1e-9)
    assert res.success
    assert (np.diff(res.history.fun) <= 1e-12 * 60).all()
    assert res.fun == pytest.approx(solved(P, update="newton", blocks=12, tol=1e-9).fun, rel=1e-10)


def test_constants_that_are_estimated_doubled_and_kept():
    P, x = smooth_problem(2)
    res = solved(P, lipschitz="adaptive", update="gradient", blocks=2, maxiter=50_000, tol=1e-10)
    assert_right(res, x, "adaptive")
    true = P.loss.lipschitz()
    assert (res.state[2].lipschitz <= 2.0 * max(1.0, 2 * np.linalg.norm(data(2)[0], 2) ** 2)).all()
    assert res.state[2].lipschitz.max() >= true.max() / 2.0


def test_constants_that_are_given_or_bounded_cheaply():
    P, x = smooth_problem(4)
    L = P.loss.lipschitz()
    for options in ({"lipschitz": L}, {"bound": "trace"}, {"bound": "rowsum"}):
        res = solved(P, update="gradient", blocks=2, selection="gsl", **options)
        assert_right(res, x, options)


def test_published_scores_are_sums_of_moduli():
    P, x = smooth_problem(1)
    assert_right(solved(P, blocks=3, selection="gsd", score_norm=1), x, 1)
