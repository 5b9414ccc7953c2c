"""Systems with many shifts, in every form of H, against dense solves; and the change of metric."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from numopt.linalg.metric import Metric
from numopt.linalg.shifted import (
    EigenFamily,
    FreshFamily,
    LanczosFamily,
    LowRank,
    LowRankFamily,
    NotPositiveError,
    TridiagonalFamily,
    shifted,
)

n = 40


@pytest.fixture
def H(rng):
    A = rng.standard_normal((n, n))
    return A + A.T


def low_rank(rng, diag):
    return LowRank(rng.standard_normal((n, 3)), np.array([1.0, 2.0, 0.5]), diag)


FAMILIES = {
    "eigen": EigenFamily,
    "tridiagonal": TridiagonalFamily,
    "Cholesky": FreshFamily,
    "sparse": lambda H: FreshFamily(csr_matrix(H)),
}


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("beyond", [1e-3, 1.0, 1e4])
def test_solves(name, beyond, H, rng):
    family, g = FAMILIES[name](H), rng.standard_normal(n)
    lowest = np.linalg.eigvalsh(H)[0]
    lam = beyond - lowest
    expected = -np.linalg.solve(H + lam * np.eye(n), g)
    np.testing.assert_allclose(family.solve(lam, g), expected, rtol=1e-9, atol=1e-9)
    if name in ("eigen", "tridiagonal"):
        assert family.smallest == pytest.approx(lowest)
    with pytest.raises(NotPositiveError):
        family.solve(-0.1 - lowest, g)


@pytest.mark.parametrize("diag", [0.0, 0.3, "vector"])
@pytest.mark.parametrize("lam", [1e-3, 1.0])
def test_low_rank_is_the_dense_matrix(diag, lam, rng):
    V = low_rank(rng, rng.random(n) if diag == "vector" else diag)
    g = rng.standard_normal(n)
    K = V.toarray() + lam * np.eye(n)
    h = LowRankFamily(V).solve(lam, g)
    np.testing.assert_allclose(K @ h, -g, atol=1e-10)
    np.testing.assert_allclose(V @ g, V.toarray() @ g)
    np.testing.assert_allclose(V.diagonal(), V.toarray().diagonal())
    assert LowRankFamily(V).smallest <= np.linalg.eigvalsh(V.toarray())[0] + 1e-12


def test_low_rank_with_negative_weights(rng):
    V = LowRank(rng.standard_normal((n, 2)), np.array([1.0, -1.0]))
    family = LowRankFamily(V)
    assert family.smallest == pytest.approx(np.linalg.eigvalsh(V.toarray())[0])
    with pytest.raises(NotPositiveError):
        family.solve(-0.9 * family.smallest, np.ones(n))


def test_one_lanczos_basis_serves_all_shifts(rng):
    A = rng.standard_normal((n, n))
    H, g, products = A @ A.T, rng.standard_normal(n), []
    counted = LinearOperator((n, n), matvec=lambda v: products.append(v) or H @ v, dtype=float)
    family, made = LanczosFamily(counted, g), []
    for lam in (1.0, 10.0, 100.0):
        h = family.solve(lam, g)
        assert np.linalg.norm(H @ h + lam * h + g) <= 1.1e-4 * np.linalg.norm(g)
        made.append(len(products))
    assert made[0] == made[2] <= n


def test_lanczos_meets_negative_curvature(H, rng):
    with pytest.raises(NotPositiveError):
        LanczosFamily(aslinearoperator(H), rng.standard_normal(n)).solve(1.0, rng.random(n))


@pytest.mark.parametrize("form", [csr_matrix, aslinearoperator])
def test_estimates_of_the_smallest_eigenvalue(form, H, rng):
    g = rng.standard_normal(n)
    make = FreshFamily if form is csr_matrix else lambda H: LanczosFamily(H, g)
    family = make(form(H))
    lowest = np.linalg.eigvalsh(H)[0]
    assert family.smallest == 0.0
    for _ in range(50):
        try:
            family.solve(-family.smallest, g)
            break
        except NotPositiveError:
            family.lower(g)
    assert 2.5 * lowest <= family.smallest <= lowest


@pytest.mark.parametrize("size", [1, 2, 600])
def test_sizes(size, rng):
    H = np.diag(np.arange(1.0, size + 1.0))
    g = rng.standard_normal(size)
    for form in (H, csr_matrix(H), aslinearoperator(H), LowRank(np.eye(size), H.diagonal())):
        h = shifted(form, g).solve(2.0, g)
        np.testing.assert_allclose((H.diagonal() + 2.0) * h, -g, atol=2e-3)


def test_a_hessian_that_is_not_finite():
    H = np.full((3, 3), np.nan)
    for form in (H, csr_matrix(H), aslinearoperator(H), LowRank(H, np.ones(3))):
        with pytest.raises(FloatingPointError):
            shifted(form, np.ones(3))


# -- the metric ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["identity", "vector", "matrix"])
def test_change_of_variables(kind, H, rng):
    A = rng.standard_normal((n, n))
    B = {"identity": None, "vector": 1.0 + rng.random(n), "matrix": A @ A.T + np.eye(n)}[kind]
    full = np.eye(n) if B is None else np.diag(B) if B.ndim == 1 else B
    metric, g, h = Metric(B), rng.standard_normal(n), rng.standard_normal(n)
    assert np.linalg.norm(metric.dual(g)) ** 2 == pytest.approx(g @ np.linalg.solve(full, g))
    assert metric.dual(g) @ h == pytest.approx(g @ metric.primal(h))
    V = low_rank(rng, 0.0)
    for form in (H, csr_matrix(H), aslinearoperator(H), V, low_rank(rng, 0.5)):
        dense = form.toarray() if hasattr(form, "toarray") else H
        step = metric.primal(metric.congruent(form) @ metric.dual(full @ h))
        np.testing.assert_allclose(full @ step, dense @ h, rtol=1e-6, atol=1e-6)
    assert isinstance(metric.congruent(V), LowRank)


@pytest.mark.parametrize("B", [np.array([1.0, -1.0]), np.array([1.0, 1e-13]), np.ones((2, 2))])
def test_unusable_metrics(B):
    with pytest.raises(ValueError, match="metric"):
        Metric(B)


def test_negative_curvature_that_lanczos_cannot_see_is_shifted_all_the_same():
    d = np.linspace(1.0, 2.0, 50)
    d[7] = -3.0
    g = np.ones(50)
    g[7] = 0.0  # so the Krylov space of g lacks the eigenvector
    family = FreshFamily(csr_matrix(np.diag(d)))
    for _ in range(30):
        try:
            family.solve(-family.smallest, g)
            break
        except NotPositiveError:
            family.lower(g)
    assert 3.0 < -family.smallest < 12.0
