"""Sketched least squares against numpy.linalg.lstsq; sketches against their distributions."""

import numpy as np
import pytest
import scipy.sparse as sp

from numopt.linalg.least_squares import (
    COPIES,
    count_sketch,
    multiplier_estimate,
    sketch_lsqr,
    srht,
)

SKETCHES = ["countsketch", "srht"]


def graded(n, k, rng, condition=1e6):
    """Return a tall matrix with singular values from 1 down to 1 / condition."""
    U = np.linalg.qr(rng.standard_normal((n, k)))[0]
    V = np.linalg.qr(rng.standard_normal((k, k)))[0]
    return (U * np.geomspace(1, 1 / condition, k)) @ V.T


@pytest.mark.parametrize("sketch", SKETCHES)
@pytest.mark.parametrize(("n", "k"), [(1, 1), (400, 1), (500, 30), (40, 30), (30, 30), (700, 5)])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix])
def test_full_rank(sketch, n, k, form, rng):
    A, b = graded(n, k, rng), rng.standard_normal(n)
    found = sketch_lsqr(form(A), b, rng, sketch=sketch)
    exact = np.linalg.lstsq(A, b, rcond=None)[0]
    assert found.converged
    assert found.rank == k
    assert found.steps <= 60
    residual = A @ found.x - b
    assert np.linalg.norm(A.T @ residual) < 1e-10 * np.linalg.norm(b)
    assert np.linalg.norm(found.x - exact) < 1e-4 * np.linalg.norm(exact)


@pytest.mark.parametrize("sketch", SKETCHES)
@pytest.mark.parametrize(("n", "k", "rank"), [(300, 20, 7), (20, 300, 7), (20, 20, 1), (50, 9, 0)])
def test_deficient_rank_gives_the_shortest_solution(sketch, n, k, rank, rng):
    A = rng.standard_normal((n, rank)) @ rng.standard_normal((rank, k))
    b = rng.standard_normal(n)
    found = sketch_lsqr(A, b, rng, sketch=sketch)
    assert found.rank == rank
    np.testing.assert_allclose(found.x, np.linalg.lstsq(A, b, rcond=1e-10)[0], atol=1e-9)


@pytest.mark.parametrize("sketch", SKETCHES)
@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix])
def test_wide_matrices(sketch, form, rng):
    A, b = graded(400, 20, rng, 1e3).T, rng.standard_normal(20)
    found = sketch_lsqr(form(A), b, rng, sketch=sketch)
    np.testing.assert_allclose(found.x, np.linalg.pinv(A) @ b, atol=1e-7)


def test_steps_do_not_depend_on_the_condition(rng):
    steps = [
        sketch_lsqr(graded(2000, 40, rng, c), rng.standard_normal(2000), rng).steps
        for c in (1e1, 1e8)
    ]
    assert max(steps) < 60
    assert abs(steps[0] - steps[1]) <= 20


@pytest.mark.parametrize("sketch", [count_sketch, srht])
def test_sketches_embed_a_subspace(sketch, rng):
    Q = np.linalg.qr(rng.standard_normal((1000, 20)))[0]
    sizes = np.linalg.svd(sketch(Q, 80, rng), compute_uv=False)
    assert sizes.max() < 2
    assert sizes.min() > 0.25


def test_count_sketch_has_its_nonzeros(rng):
    S = count_sketch(np.eye(50), 30, rng)
    assert S.shape == (32, 50)
    np.testing.assert_array_equal((S != 0).sum(axis=0), COPIES)
    np.testing.assert_allclose(np.abs(S[S != 0]), 1 / np.sqrt(COPIES))
    sparse = count_sketch(sp.eye(50), 30, np.random.default_rng(3))
    np.testing.assert_array_equal(sparse, count_sketch(np.eye(50), 30, np.random.default_rng(3)))


@pytest.mark.parametrize("n", [1, 2, 7, 16])
def test_a_whole_hadamard_transform_is_orthogonal(n, rng):
    S = srht(np.eye(n), 64, rng)
    np.testing.assert_allclose(S.T @ S, np.eye(n), atol=1e-13)


@pytest.mark.parametrize("sketch", SKETCHES)
def test_same_seed_same_result(sketch, rng):
    A, b = graded(300, 8, rng), rng.standard_normal(300)
    first, second, other = (
        sketch_lsqr(A, b, np.random.default_rng(seed), sketch=sketch).x for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_number_of_threads_does_not_matter(rng):
    threadpoolctl = pytest.importorskip("threadpoolctl")
    A, b = graded(3000, 40, rng), rng.standard_normal(3000)
    found = []
    for threads in (1, 4):
        with threadpoolctl.threadpool_limits(threads):
            sketches = [make(A, 160, np.random.default_rng(1)) for make in (count_sketch, srht)]
            found.append((*sketches, sketch_lsqr(A, b, np.random.default_rng(1))))
    (count, hadamard, one), (count_too, hadamard_too, many) = found
    np.testing.assert_array_equal(count, count_too)
    np.testing.assert_array_equal(hadamard, hadamard_too)
    np.testing.assert_allclose(one.x, many.x, rtol=1e-6)
    assert one.steps == many.steps


def test_multiplier_estimate(rng):
    A, g = rng.standard_normal((6, 90)), rng.standard_normal(90)
    y = np.linalg.lstsq(A.T, -g, rcond=None)[0]
    np.testing.assert_allclose(multiplier_estimate(A, g, rng), y, atol=1e-10)


def test_nothing_to_do(rng):
    for shape in ((5, 0), (0, 5), (5, 3), (3, 5)):
        found = sketch_lsqr(np.ones(shape), np.zeros(shape[0]), rng)
        np.testing.assert_array_equal(found.x, np.zeros(shape[1]))
    with pytest.raises(ValueError, match="finite"):
        sketch_lsqr(np.full((4, 2), np.nan), np.ones(4), rng)
