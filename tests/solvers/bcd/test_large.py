"""Data are held once: what is made beside them is a few vectors."""

import numpy as np
import pytest

import numopt
from numopt.bench.sparse import large
from numopt.models import design


def vectors(X, y, make, share, weights=None):
    """Return the memory that a solution takes beside the data, in vectors of a number a column."""
    loss = (lambda X, y: make(X, y, sample_weight=weights)) if weights is not None else make

    def solution():
        return numopt.solve(large.posed(loss, X, y, share), tol=1e-6)

    solution()  # compiles
    res, more = large.more_memory(solution)
    assert res.success
    assert res.active_set.size
    return more / (8 * X.shape[1])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("make", [numopt.LeastSquares, numopt.Logistic])
def test_nothing_of_the_size_of_the_data_is_made(make, weighted, rng):
    X = large.random_columns(rng, p=20_000, m=2000)  # 150 vectors, with the indices
    y = large.targets(X, rng)
    weights = rng.uniform(0.5, 1.5, size=y.size) if weighted else None
    assert vectors(X, y if make is numopt.LeastSquares else np.sign(y), make, 0.5, weights) < 40


def test_single_precision_takes_less(rng):
    X = large.random_columns(rng, p=20_000, m=2000).astype(np.float32)  # 100 vectors
    assert vectors(X, large.targets(X, rng), numopt.LeastSquares, 0.5) < 40


@pytest.mark.parametrize("k", [1, 3])
def test_products_of_single_precision(k, rng):
    X = large.random_columns(rng, p=40, m=200).astype(np.float32)
    for scale in (None, rng.uniform(size=40)):
        D, dense = design.Design(X, scale), X.toarray().astype(np.float64)
        dense = dense if scale is None else dense * scale
        w, r = rng.normal(size=(40, k)), rng.normal(size=(200, k))
        w[::3] = 0.0
        np.testing.assert_allclose(D.dot(w), dense @ w, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(D.tdot(r), dense.T @ r, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(D.dot(w[:, 0]), dense @ w[:, 0], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(D.tdot(r[:, 0]), dense.T @ r[:, 0], rtol=1e-12, atol=1e-12)


def test_a_pass_over_all_columns_reads_the_data_where_they_lie(rng):
    X = large.random_columns(rng, p=3000, m=500)
    y = large.targets(X, rng)
    step, more = large.more_memory(
        lambda: large.epoch_of(large.posed(numopt.LeastSquares, X, y, 0.1))
    )
    assert more < 0.5 * X.data.nbytes
    first, _ = step()
    assert step()[0] < first  # it descends


def test_power_sums(rng):
    X = large.random_columns(rng, p=50, m=200).tolil()
    X[:, [0, 7, 8, 49]] = 0.0
    X, s = X.tocsc(), rng.uniform(size=200)
    for form in (X, X.toarray(), X.astype(np.float32)):
        D = design.Design(form)
        dense = X.toarray()
        np.testing.assert_allclose(D.squares(), (dense**2).sum(axis=0), rtol=1e-5)
        np.testing.assert_allclose(D.squares(s), s @ dense**2, rtol=1e-5)
        np.testing.assert_allclose(D.cubes(s), s @ np.abs(dense) ** 3, rtol=1e-5)


def test_report_of_a_small_case(monkeypatch):
    found = list(large.lines(columns=20_000))
    assert [line.split("|")[1].strip() for line in found[-2:]] == ["LeastSquares", "Logistic"]


@pytest.mark.claims
@pytest.mark.exhaustive
@pytest.mark.parametrize(("make", "share"), [(numopt.LeastSquares, 0.2), (numopt.Logistic, 0.3)])
def test_a_hundred_million_entries(make, share, rng):
    X = large.random_columns(rng)
    y = large.targets(X, rng)
    assert vectors(X, y if make is numopt.LeastSquares else np.sign(y), make, share) < 40
