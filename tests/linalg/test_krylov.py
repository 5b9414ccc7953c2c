"""MINRES and projected CG on KKT systems: answers of dense algebra, true residuals, curvature."""

import numpy as np
import pytest
import scipy.sparse as sp

from numopt.linalg.factor import SingularKKTError
from numopt.linalg.krylov import (
    Diagonal,
    IncompleteCholesky,
    SchurPreconditioner,
    minres,
    projected_cg,
)

SIZES = [(1, 0), (2, 1), (30, 0), (30, 7), (40, 40)]


def blocks(n, m, rng, *, definite=True):
    B = rng.standard_normal((n, n))
    H = B @ B.T + np.eye(n) if definite else B + B.T
    return H, rng.standard_normal((m, n)) + 20 * np.eye(m, n)


def residuals(H, G, delta_c, k, top, bottom):
    first = top - H @ k.p - G.T @ k.y
    return np.linalg.norm(first), np.linalg.norm(bottom - G @ k.p + delta_c * k.y)


@pytest.mark.parametrize(("n", "m"), SIZES)
@pytest.mark.parametrize("definite", [True, False])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix])
def test_minres(n, m, definite, form, rng):
    H, G = blocks(n, m, rng, definite=definite)
    top, bottom = rng.standard_normal(n), 1e-6 * rng.standard_normal(m)
    pre = SchurPreconditioner(Diagonal(H.diagonal()), form(G))
    targets = 1e-8, 1e-12  # each block to its own size
    k = minres(lambda v: H @ v, form(G), top, bottom, pre, targets, 5000)
    assert k.converged
    found = residuals(H, G, 0.0, k, top, bottom)
    np.testing.assert_allclose(found, k.residual, atol=1e-13)
    assert found[0] <= 1e-8 * 1.0001
    assert k.curvature == pytest.approx(k.p @ H @ k.p, rel=1e-6, abs=1e-10)
    assert found[1] <= 1e-12 * 1.1
    if definite and n > m:
        K = np.block([[H, G.T], [G, np.zeros((m, m))]])
        z = np.linalg.solve(K, np.r_[top, bottom])
        np.testing.assert_allclose(np.r_[k.p, k.y], z, atol=1e-6)


def test_minres_with_the_exact_blocks_needs_three_steps(rng):
    d = rng.uniform(1, 100, 50)
    G = rng.standard_normal((20, 50))
    pre = SchurPreconditioner(Diagonal(d), G)
    k = minres(lambda v: d * v, G, np.ones(50), np.ones(20), pre, (1e-9, 1e-9))
    assert k.converged
    assert k.steps == 3


def test_minres_with_regularised_rows_of_deficient_rank(rng):
    H, G = blocks(20, 3, rng)
    G = np.vstack([G, G])
    with pytest.raises(SingularKKTError):
        SchurPreconditioner(Diagonal(H.diagonal()), G)
    pre = SchurPreconditioner(Diagonal(H.diagonal()), G, 1e-2)
    k = minres(lambda v: H @ v, G, np.ones(20), np.ones(6), pre, (1e-9, 1e-9), delta_c=1e-2)
    assert k.converged
    assert max(residuals(H, G, 1e-2, k, np.ones(20), np.ones(6))) <= 1e-9


def test_minres_stops_at_its_limit_and_does_nothing_for_zero(rng):
    H, G = blocks(30, 5, rng)
    pre = SchurPreconditioner(Diagonal(H.diagonal()), G)
    k = minres(lambda v: H @ v, G, np.ones(30), np.ones(5), pre, (0.0, 0.0), 4)
    assert k.steps == 4
    assert not k.converged
    k = minres(lambda v: H @ v, G, np.zeros(30), np.zeros(5), pre, (0.0, 0.0))
    assert k.steps == 0
    assert k.converged


def test_minres_of_an_inconsistent_system_reports_a_residual():
    pre = SchurPreconditioner(Diagonal(np.ones(2)), np.zeros((0, 2)))
    H = np.diag([1.0, 0.0])
    k = minres(lambda v: H @ v, np.zeros((0, 2)), np.ones(2), np.zeros(0), pre, (1e-8, 1e-8))
    assert not k.converged
    np.testing.assert_allclose(k.residual, (1.0, 0.0), atol=1e-9)


def test_minres_is_scale_free(rng):
    H, G = blocks(25, 6, rng)
    steps = []
    for size in (1e-100, 1.0, 1e100):
        pre = SchurPreconditioner(Diagonal(H.diagonal()), G)
        top, bottom = np.full(25, size), np.zeros(6)
        k = minres(lambda v: H @ v, G, top, bottom, pre, (1e-8 * size, 1e-8 * size))
        assert k.converged
        steps.append(k.steps)
    assert max(steps) - min(steps) <= 1


@pytest.mark.parametrize(("n", "m"), SIZES)
@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix])
def test_projected_cg(n, m, form, rng):
    H, G = blocks(n, m, rng)
    top, bottom = rng.standard_normal(n), rng.standard_normal(m)
    pre = SchurPreconditioner(Diagonal(H.diagonal()), form(G))
    k = projected_cg(lambda v: H @ v, top, bottom, pre, (1e-9, 1e-8))
    assert k.converged
    assert k.negative is None
    assert k.curvature == pytest.approx(k.p @ H @ k.p, rel=1e-6, abs=1e-10)
    found = residuals(H, G, 0.0, k, top, bottom)
    np.testing.assert_allclose(found, k.residual, atol=1e-12)
    z = np.linalg.solve(np.block([[H, G.T], [G, np.zeros((m, m))]]), np.r_[top, bottom])
    np.testing.assert_allclose(np.r_[k.p, k.y], z, atol=1e-6 * (1 + np.abs(z).max()))


def test_projected_cg_finds_negative_curvature_only_on_the_null_space(rng):
    """The first coordinate is concave but fixed by the row; the last one is free."""
    H = np.diag([-5.0, 1.0, 2.0, 3.0])
    pre = SchurPreconditioner(Diagonal(np.ones(4)), np.eye(4)[:1])
    k = projected_cg(lambda v: H @ v, np.ones(4), np.ones(1), pre, (1e-10, 1e-10))
    assert k.converged
    np.testing.assert_allclose(k.p, [1, 1, 0.5, 1 / 3], atol=1e-10)
    H[3, 3] = -3.0
    k = projected_cg(lambda v: H @ v, np.ones(4), np.ones(1), pre, (1e-10, 1e-10))
    assert not k.converged
    assert k.negative @ H @ k.negative <= 0
    assert abs(k.negative[0]) < 1e-14
    assert abs(k.p[0] - 1) < 1e-14


def test_projected_cg_keeps_its_digits_near_the_solution(rng):
    """Without the residual update the multiplier part of r would drown the projection."""
    H, G = blocks(60, 10, rng)
    top = 1e8 * G.T @ rng.standard_normal(10) + rng.standard_normal(60)
    pre = SchurPreconditioner(Diagonal(H.diagonal()), G)
    k = projected_cg(lambda v: H @ v, top, np.zeros(10), pre, (1e-4, 1e-6))
    assert k.converged


def laplacian(N):
    T = sp.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(N, N))
    return sp.csr_matrix(sp.kron(T, sp.eye(N)) + sp.kron(sp.eye(N), T))


def test_incomplete_factors_are_symmetric_and_save_steps(rng):
    H = laplacian(30) + 1e-3 * sp.eye(900)
    bhat, b, x = IncompleteCholesky(H), rng.standard_normal(900), rng.standard_normal(900)
    assert x @ bhat.solve(b) == pytest.approx(b @ bhat.solve(x))
    assert b @ bhat.solve(b) > 0
    none, target = sp.csr_matrix((0, 900)), (1e-8 * np.linalg.norm(b), 0.0)
    steps = []
    for pre in (Diagonal(H.diagonal()), bhat):
        k = minres(lambda v: H @ v, none, b, np.zeros(0), SchurPreconditioner(pre, none), target)
        assert k.converged
        np.testing.assert_allclose(H @ k.p, b, atol=1e-6)
        steps.append(k.steps)
    assert steps[1] < steps[0] / 8


def test_incomplete_factors_of_a_tridiagonal_matrix_are_complete(rng):
    H = sp.diags_array([-1.0, 2.5, -1.0], offsets=[-1, 0, 1], shape=(50, 50), format="csr")
    b = rng.standard_normal((50, 2))
    np.testing.assert_allclose(H @ IncompleteCholesky(H).solve(b), b, atol=1e-12)


def test_incomplete_factors_of_an_indefinite_matrix_are_definite(rng):
    bhat = IncompleteCholesky(laplacian(12) - 0.5 * sp.eye(144))
    inverse = bhat.solve(np.eye(144))
    assert np.linalg.eigvalsh((inverse + inverse.T) / 2)[0] > 0
