"""Partitions, scores, block steps and the line search, as functions of arrays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numopt.core.errors import ProblemError
from numopt.solvers.bcd.linesearch import SHRINK, backtrack
from numopt.solvers.bcd.partition import Partition, lattice_combs, ordered, runs
from numopt.solvers.bcd.selection import (
    QuadraticScores,
    block_scores,
    largest,
    sparse_model_block,
)
from numopt.solvers.bcd.update import (
    Terms,
    model_step,
    newton_direction,
    secular_step,
    solve_positive,
    two_metric,
)


def positive(rng, n, rank=None):
    B = rng.normal(size=(rank or n, n))
    return B.T @ B


# -- partitions ------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["sorted", "natural", "random", "alternating"])
@pytest.mark.parametrize(("n", "size"), [(10, 3), (9, 3), (1, 1), (4, 9)])
def test_orders_are_permutations_cut_into_runs(order, n, size, rng):
    L = rng.uniform(size=n)
    blocks = runs(ordered(order, L, rng), size)
    partition = Partition(blocks, n)
    assert sorted(partition.flat) == list(range(n))
    assert partition.disjoint
    assert {block.size for block in blocks[:-1]} <= {size}


def test_orders_by_constants(rng):
    L = np.array([3.0, 1.0, 4.0, 2.0, 5.0])
    assert list(ordered("sorted", L, rng)) == [4, 2, 0, 3, 1]
    assert list(ordered("alternating", L, rng)) == [1, 4, 3, 2, 0]


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([[0, 1]], "leave out variable 2"),
        ([[0, 1], [2, 3]], "outside"),
        ([[0, -1], [1, 2]], "outside"),
        ([[0, 0], [1, 2]], "twice"),
        ([[0, 1, 2], []], "not empty"),
        ([[0.5, 1.0], [2.0]], "vector of indices"),
        ([], "leave out"),
    ],
)
def test_bad_blocks(blocks, message):
    with pytest.raises(ProblemError, match=message):
        Partition(blocks, 3)


def test_overlapping_blocks_are_a_cover():
    partition = Partition([[0, 1], [1, 2]], 3)
    assert not partition.disjoint
    np.testing.assert_array_equal(partition.sums(np.array([1.0, 2.0, 4.0])), [3.0, 6.0])
    np.testing.assert_array_equal(partition.maxima(np.array([1.0, 2.0, 4.0])), [2.0, 4.0])


def test_combs_cover_the_lattice():
    first, second = lattice_combs(4, 6)
    assert sorted([*first, *second]) == list(range(24))


# -- scores ----------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.integers(2, 12), st.integers(1, 5))
def test_scores_of_fixed_blocks(seed, n, size):
    rng = np.random.default_rng(seed)
    H, G = positive(rng, n), rng.normal(size=n)
    partition = Partition(runs(rng.permutation(n), size), n)
    L = np.diag(H).copy()
    L_b = np.array([np.linalg.eigvalsh(H[np.ix_(b, b)])[-1] for b in partition])
    scores = {rule: block_scores(rule, G, partition, L, L_b) for rule in ("gs", "gsl", "gsd")}
    scores["gsq"] = QuadraticScores(partition, lambda b: H[np.ix_(b, b)])(G)
    for k, b in enumerate(partition):
        assert scores["gs"][k] == pytest.approx(G[b] @ G[b])
        assert scores["gsl"][k] == pytest.approx(G[b] @ G[b] / L_b[k])
        assert scores["gsd"][k] == pytest.approx(np.sum(G[b] ** 2 / L[b]))
        exact = G[b] @ np.linalg.solve(H[np.ix_(b, b)], G[b])
        assert scores["gsq"][k] == pytest.approx(exact, rel=1e-5)
    assert (scores["gsq"] >= scores["gsl"] * (1 - 1e-8)).all()


def test_scores_of_sums_of_moduli():
    partition = Partition([[0, 1], [2]], 3)
    G, L, L_b = np.array([3.0, -4.0, 6.0]), np.array([9.0, 16.0, 4.0]), np.array([25.0, 4.0])
    assert list(block_scores("gs", G, partition, L, L_b, norm=1)) == [7.0, 6.0]
    assert list(block_scores("gsl", G, partition, L, L_b, norm=1)) == [7.0 / 5.0, 3.0]
    assert list(block_scores("gsd", G, partition, L, L_b, norm=1)) == [2.0, 3.0]


def test_empty_columns_have_no_score():
    partition = Partition([[0], [1]], 2)
    G, L = np.array([0.0, 1.0]), np.array([0.0, 2.0])
    assert list(block_scores("gsd", G, partition, L, L)) == [0.0, pytest.approx(0.5)]
    assert list(block_scores("gsl", G, partition, L, L)) == [0.0, pytest.approx(0.5)]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.integers(2, 15), st.data())
def test_the_sparse_model_is_never_worse_than_its_start(seed, n, data):
    rng = np.random.default_rng(seed)
    size = data.draw(st.integers(1, n))
    H, G = positive(rng, n, n + 2), rng.normal(size=n)
    start = largest(np.abs(G) / np.sqrt(np.diag(H)), size)

    def gain(b):
        return G[b] @ np.linalg.solve(H[np.ix_(b, b)], G[b])

    d = -np.linalg.solve(H[np.ix_(start, start)], G[start])
    found = sparse_model_block(G, lambda v: H @ v, np.diag(H), start, d)
    assert found.size == size == np.unique(found).size
    assert gain(found) >= gain(start) * (1 - 1e-10)


def test_largest_takes_all_when_asked_for_more():
    assert list(largest(np.array([1.0, 3.0, 2.0]), 2)) == [1, 2]
    assert list(largest(np.array([1.0, 3.0, 2.0]), 5)) == [0, 1, 2]


# -- steps -----------------------------------------------------------------------------------


def test_positive_systems_regular_and_singular(rng):
    H, v = positive(rng, 6), rng.normal(size=6)
    np.testing.assert_allclose(H @ solve_positive(H, v), v, atol=1e-8)
    low_rank = positive(rng, 6, rank=3)
    v = low_rank @ v
    np.testing.assert_allclose(low_rank @ solve_positive(low_rank, v), v, atol=1e-6)
    assert np.isfinite(solve_positive(np.zeros((2, 2)), np.zeros(2))).all()


def test_newton_direction_descends_on_indefinite_matrices(rng):
    for _ in range(20):
        B, g = rng.normal(size=(5, 5)), rng.normal(size=5)
        assert g @ newton_direction(B + B.T, g) < 0.0
    H, g = positive(rng, 5), rng.normal(size=5)
    np.testing.assert_allclose(newton_direction(H, g), -np.linalg.solve(H, g), rtol=1e-8)


def test_model_step_against_a_conic_solver(rng):
    cvxpy = pytest.importorskip("cvxpy")
    n = 6
    H, g, x = positive(rng, n) + 0.1 * np.eye(n), 3 * rng.normal(size=n), rng.uniform(size=n)
    terms = Terms(np.full(n, -0.5), np.full(n, 2.0), rng.uniform(size=n), rng.uniform(size=n))
    d = cvxpy.Variable(n)
    y = x + d
    value = g @ d + 0.5 * cvxpy.quad_form(d, cvxpy.psd_wrap(H))
    value += terms.l1 @ cvxpy.abs(y) + 0.5 * terms.l2 @ cvxpy.square(y)
    cvxpy.Problem(cvxpy.Minimize(value), [y >= terms.low, y <= terms.high]).solve(
        solver="CLARABEL", tol_gap_abs=1e-12, tol_gap_rel=1e-12, tol_feas=1e-12
    )
    np.testing.assert_allclose(model_step(H, g, x, terms), d.value, atol=1e-6)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 8), st.floats(0.0, 5.0))
def test_secular_step_is_stationary(seed, n, lam):
    rng = np.random.default_rng(seed)
    H, v = positive(rng, n, n + 2), rng.normal(size=n)
    w = secular_step(H, v, lam)
    if np.linalg.norm(v) <= lam:
        assert not w.any()
    else:
        residual = H @ w - v + (lam * w / np.linalg.norm(w) if lam else 0.0)
        assert np.abs(residual).max() <= 1e-9 * (1 + np.abs(v).max())


def test_two_metric_finds_active_variables():
    terms = Terms(np.zeros(3), np.full(3, np.inf), np.zeros(3), np.zeros(3))
    H, x = np.diag([2.0, 2.0, 4.0]), np.array([0.0, 1.0, 0.0])
    step = two_metric(H, np.array([1.0, 2.0, -4.0]), x, terms)
    assert list(step.active) == [True, False, False]
    np.testing.assert_allclose(step.direction, [-0.5, -1.0, 1.0])


def test_two_metric_keeps_to_the_orthant():
    free = np.full(3, np.inf)
    terms = Terms(-free, free, np.ones(3), np.zeros(3))
    step = two_metric(np.eye(3), np.array([0.5, -3.0, 0.0]), np.array([0.0, 0.0, -2.0]), terms)
    assert (step.low[0], step.high[0]) == (0.0, 0.0)
    assert (step.low[1], step.high[1]) == (0.0, np.inf)
    assert (step.low[2], step.high[2]) == (-np.inf, 0.0)
    np.testing.assert_allclose(step.slope, [0.5, -2.0, -1.0])


def test_prox_of_the_separable_terms():
    terms = Terms(np.array([-1.0]), np.array([0.5]), np.array([0.2]), np.array([1.0]))
    assert terms.prox(np.array([0.7]), 1.0) == pytest.approx((0.7 - 0.2) / 2.0)
    assert terms.prox(np.array([9.0]), 1.0) == 0.5


# -- line search -----------------------------------------------------------------------------


def test_line_search_takes_the_full_step_when_it_is_good():
    assert backtrack(lambda t: (t - 1.0) ** 2, 1.0, -2.0) == (1.0, 0.0)


def test_line_search_stays_inside_its_fractions():
    seen = []

    def value(t):
        seen.append(t)
        return np.inf if t > 1e-3 else -t

    step, found = backtrack(value, 0.0, -1.0)
    assert found < 0.0 < step <= 1e-3
    ratios = np.array(seen[1:]) / seen[:-1]
    assert (ratios >= SHRINK[0] - 1e-12).all()
    assert (ratios <= SHRINK[1] + 1e-12).all()


def test_line_search_gives_up_at_an_ascent():
    assert backtrack(lambda t: 1.0 + t, 1.0, -1.0) == (0.0, 1.0)


@settings(deadline=None, max_examples=50)
@given(st.floats(0.1, 30.0), st.floats(0.1, 5.0))
def test_line_search_decreases(curvature, power):
    def value(t):
        return curvature * t ** (1.0 + power) - t

    step, found = backtrack(value, 0.0, -1.0)
    assert step > 0.0
    assert found == value(step) <= -1e-4 * step
