"""Progress that the theory promises, and scores that vanish at a solution only."""

import numpy as np
import pytest
from rule_examples import N, data, logistic, penalised_problem, smooth_problem, solved
from scipy.sparse import csc_array

import numopt
from numopt import (
    Composite,
    GroupL2,
    LeastSquares,
    Logistic,
    Multinomial,
    OptionError,
)
from numopt.solvers.bcd.objective import Units
from numopt.solvers.bcd.selection import PROXIMAL, cubic_decrease, unit_scores


def best_progress(H, G, partition_size):
    """Return max_b |G_b|^2 / L_b and max_b G_b' H_b^-1 G_b over blocks in natural order."""
    blocks = [np.arange(s, min(s + partition_size, N)) for s in range(0, N, partition_size)]
    bounds = [G[b] @ G[b] / np.linalg.eigvalsh(H[np.ix_(b, b)])[-1] for b in blocks]
    exact = [G[b] @ np.linalg.solve(H[np.ix_(b, b)], G[b]) for b in blocks]
    return max(bounds), max(exact)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("size", [1, 3])
def test_guaranteed_progress(seed, size):
    X, y = data(seed)
    P, H = Composite(LeastSquares(X, y)), X.T @ X
    bound, exact = best_progress(H, -X.T @ y, size)
    common = {"blocks": size, "order": "natural", "maxiter": 1}
    by_gradient = solved(P, selection="gsl", update="gradient", **common)
    by_matrix = solved(P, selection="gsq", update="matrix", **common)
    start = 0.5 * y @ y
    assert by_gradient.fun <= start - 0.5 * bound * (1 - 1e-10)
    assert by_matrix.fun == pytest.approx(start - 0.5 * exact, rel=1e-7)
    others = [solved(P, selection=r, update="matrix", **common).fun for r in ("gs", "gsl", "gsd")]
    assert by_matrix.fun <= min(others) + 1e-7 * start


@pytest.mark.parametrize("seed", range(10))
def test_variable_gsq_makes_the_progress_of_gsd(seed):
    X, y = data(seed)
    P = Composite(LeastSquares(X, y))
    common = {"blocks": "variable", "block_size": 3, "update": "matrix", "maxiter": 1}
    gsq, gsd = (solved(P, selection=rule, **common).fun for rule in ("gsq", "gsd"))
    assert gsq <= gsd * (1 + 1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_proximal_scores_vanish_at_the_solution_only(seed):
    P, x = penalised_problem(seed)
    loss, units = P.loss, Units(None, N)
    L = loss.lipschitz()
    for rule in PROXIMAL:
        at = unit_scores(rule, x, loss.gradient(loss.state(x)), L, P.penalty, units)
        assert at.max() <= 1e-9 * (1.0 + L.max()), rule
        off = P.penalty.prox(x + 0.05, 0.0)
        away = unit_scores(rule, off, loss.gradient(loss.state(off)), L, P.penalty, units)
        assert away.max() > 1e-6, rule


def test_proximal_scores_of_groups_vanish_at_the_solution():
    X, y = data(3)
    P = Composite(LeastSquares(X, y), GroupL2(0.3 * np.linalg.norm(X.T @ y), 4))
    x, units = solved(P, update="gradient").x, Units(P.penalty.groups, N)
    G, L = P.loss.gradient(P.loss.state(x)), np.full(2, np.linalg.norm(X, 2) ** 2)
    for rule in PROXIMAL:
        assert unit_scores(rule, x, G, L, P.penalty, units).max() <= 1e-8
        assert unit_scores(rule, x + 0.1, G + 1.0, L, P.penalty, units).max() > 1e-6


# -- the cubic model -------------------------------------------------------------------------


def test_decrease_of_the_cubic_model(rng):
    G, H, M = rng.normal(size=40), rng.uniform(size=40), rng.uniform(size=40)
    H[:5], M[5:10], M[10:12], H[10:12] = 0.0, 0.0, 0.0, 0.0
    G[12] = 0.0
    found = cubic_decrease(G, H, M)
    t = np.linspace(0.0, 100.0, 100_001)
    for j in range(40):
        values = abs(G[j]) * t - 0.5 * H[j] * t**2 - M[j] * t**3 / 6.0
        expected = 0.0 if H[j] == M[j] == 0.0 else values.max()
        assert found[j] == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("name", ["logistic", "multinomial", "sparse"])
def test_bounds_of_third_derivatives(name, rng):
    X, s = rng.normal(size=(15, 4)), rng.uniform(size=15)
    y = np.where(rng.uniform(size=15) < 0.5, 1.0, -1.0)
    if name == "multinomial":
        loss = Multinomial(X, np.eye(3)[rng.integers(3, size=15)], s)
    else:
        loss = Logistic(csc_array(X) if name == "sparse" else X, y, s)
    bound, step, n = loss.third(), 1e-4, loss.n
    for _ in range(20):
        x = 2.0 * rng.normal(size=n)
        at = loss.curvatures(loss.state(x))
        np.testing.assert_allclose(at, np.diag(loss.hessian(loss.state(x), np.arange(n))))
        for j in range(n):
            moved = loss.state(x + step * np.eye(n)[j])
            slope = abs(loss.curvatures(moved)[j] - at[j]) / step
            assert slope <= bound[j] * (1 + 1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_cubic_scores_are_progress_of_one_variable(seed):
    P = logistic(seed)
    state = P.loss.state(np.zeros(N))
    scores = cubic_decrease(P.loss.gradient(state), P.loss.curvatures(state), P.loss.third())
    res = solved(P, selection="gsc", blocks=1, update="exact", maxiter=1)
    assert res.fun <= P.loss.value(state) - scores.max() * (1 - 1e-10)
    assert np.flatnonzero(res.x) == np.argmax(scores)


def test_cubic_models_need_bounds():
    X, y = data(0)
    for P in (
        Composite(numopt.Huber(X, y)),
        Composite(numopt.Poisson(X, np.round(np.abs(y)))),
        Composite(Logistic(X, np.sign(y)), intercept=True),
    ):
        with pytest.raises(OptionError, match="third derivatives"):
            solved(P, selection="gsc", blocks=2)
    assert solved(Composite(LeastSquares(X, y), intercept=True), selection="gsc", blocks=2).success


def test_cheap_bounds_have_a_name():
    P, _ = smooth_problem(3)
    common = {"blocks": 3, "update": "gradient", "maxiter": 20}
    named = solved(P, selection="gsb", **common)
    np.testing.assert_array_equal(named.x, solved(P, selection="gsl", bound="trace", **common).x)
    by_rows = solved(P, selection="gsb", bound="rowsum", **common)
    same = solved(P, selection="gsl", bound="rowsum", **common)
    np.testing.assert_array_equal(by_rows.x, same.x)
    with pytest.raises(OptionError, match="fixed blocks"):
        solved(P, selection="gsb", blocks="variable")
