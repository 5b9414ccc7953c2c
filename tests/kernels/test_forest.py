"""Forests and colourings of random graphs, and the elimination along a forest."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix, diags_array
from scipy.sparse.csgraph import connected_components

from numopt.core.errors import ProblemError, Stop
from numopt.kernels.forest import colours, forests
from numopt.solvers.bcd.forests import ForestSystem


def random_graph(rng, n, edges):
    """Return the Laplacian of a random weighted graph, plus the identity."""
    i, j = rng.integers(n, size=(2, edges))
    w = rng.uniform(0.5, 2.0, edges) * (i != j)
    W = csr_matrix((w, (i, j)), shape=(n, n))
    W = csr_matrix(W + W.T)
    W.eliminate_zeros()
    return csr_matrix(diags_array(np.asarray(W.sum(axis=1)).ravel() + 1.0) - W)


def is_forest(H, block):
    sub = csr_matrix(H[block][:, block])
    edges = (sub.nnz - np.count_nonzero(sub.diagonal())) // 2
    trees = connected_components(sub, directed=False)[0]
    return edges == len(block) - trees


@st.composite
def graphs(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    n = draw(st.integers(1, 30))
    return random_graph(rng, n, draw(st.integers(0, 60))), rng.permutation(n)


@settings(deadline=None, max_examples=60)
@given(graphs())
def test_forests_cover_and_hold_no_cycle(case):
    H, order = case
    label = forests(H.indptr, H.indices, order, H.shape[0])
    assert label.min() >= 0
    for k in range(label.max() + 1):
        assert is_forest(H, np.flatnonzero(label == k))


@settings(deadline=None, max_examples=60)
@given(graphs())
def test_one_forest_is_maximal(case):
    H, order = case
    chosen = np.flatnonzero(forests(H.indptr, H.indices, order, 1) == 0)
    assert is_forest(H, chosen)
    for v in np.setdiff1d(np.arange(H.shape[0]), chosen):
        assert not is_forest(H, np.append(chosen, v))


@settings(deadline=None, max_examples=60)
@given(graphs())
def test_no_edge_joins_nodes_of_one_colour(case):
    H, order = case
    colour = colours(H.indptr, H.indices, order)
    rows, cols = H.nonzero()
    assert (colour[rows] != colour[cols])[rows != cols].all()
    assert set(colour) == set(range(colour.max() + 1))


@settings(deadline=None, max_examples=60)
@given(graphs())
def test_elimination_is_the_dense_solution(case):
    H, order = case
    block = np.flatnonzero(forests(H.indptr, H.indices, order, 1) == 0)
    v = np.cos(np.arange(block.size))
    x = ForestSystem(H, block).solve(v)
    np.testing.assert_allclose(
        x, np.linalg.solve(H[block][:, block].toarray(), v), rtol=1e-10, atol=1e-10
    )


def test_long_path_against_dense():
    n = 300
    H = csr_matrix(diags_array([-1.0, 2.0 + 1e-3, -1.0], offsets=[-1, 0, 1], shape=(n, n)))
    v = np.random.default_rng(0).normal(size=n)
    x = ForestSystem(H, np.arange(n)).solve(v)
    dense = np.linalg.solve(H.toarray(), v)
    assert np.abs(x - dense).max() <= 1e-10 * np.abs(dense).max()


def test_a_cycle_is_refused():
    H = csr_matrix(np.ones((3, 3)) + 3 * np.eye(3))
    with pytest.raises(ProblemError, match="cycle"):
        ForestSystem(H, [0, 1, 2])


def test_an_indefinite_block_breaks_down():
    H = csr_matrix(np.array([[1.0, 2.0], [2.0, 1.0]]))
    with pytest.raises(Stop, match="not positive definite"):
        ForestSystem(H, [0, 1]).solve(np.ones(2))


def test_the_first_neighbour_wins_and_the_rarest_colour():
    H = csr_matrix(np.array([[1, 1, 1], [1, 1, 1], [1, 1, 1]], dtype=float))
    assert list(forests(H.indptr, H.indices, np.array([2, 0, 1]), 3)) == [0, 1, 0]
    star = csr_matrix(np.array([[1, 1, 1], [1, 1, 0], [1, 0, 1]], dtype=float))
    assert list(colours(star.indptr, star.indices, np.array([0, 1, 2]))) == [0, 1, 1]
