"""Progress that the theory promises, and scores that vanish at a solution only."""

import numpy as np
import pytest
from rule_examples import N, data, penalised_problem, solved

from numopt import (
    Composite,
    GroupL2,
    LeastSquares,
)
from numopt.solvers.bcd.objective import Units
from numopt.solvers.bcd.selection import PROXIMAL, unit_scores


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
