"""KKT factorisations: inertia against eigenvalues, residual ratios over types of matrices."""

import numpy as np
import pytest
import scipy.sparse as sp

from numopt.linalg.factor import (
    FACTORS,
    Analyses,
    DenseLDL,
    FeralLDL,
    Inertia,
    QuasiDefiniteLDL,
    SingularKKTError,
    SparseLU,
    importable,
    sparse_kind,
)
from numopt.linalg.kkt import KKTSystem, best_kind

OPTIONAL = [
    pytest.param(kind, marks=pytest.mark.skipif(not importable(kind), reason=f"no {kind}"))
    for kind in ("feral", "qdldl")
]
EPS = np.finfo(float).eps
LARGEST_RATIO = 30.0


def orthogonal(n, rng):
    return np.linalg.qr(rng.standard_normal((n, n)))[0]


def symmetric(kind, n, rng):
    """Return a symmetric (n, n) matrix of a type, with its well separated inertia."""
    sign = rng.choice([-1.0, 1.0], n)
    sizes = {
        "random": rng.uniform(0.5, 2.0, n),
        "graded": np.logspace(0, -6, n),
        "ill conditioned": np.r_[np.ones(n - 1), 1e-9],
        "huge": 1e150 * rng.uniform(0.5, 2.0, n),
        "tiny": 1e-150 * rng.uniform(0.5, 2.0, n),
    }
    Q = orthogonal(n, rng)
    K = (Q * (sign * sizes[kind])) @ Q.T
    return (K + K.T) / 2, Inertia(int((sign > 0).sum()), int((sign < 0).sum()), 0)


KINDS = ["random", "graded", "ill conditioned", "huge", "tiny"]


def ratio(K, z, b):
    """LAPACK's measure of a solve: |b - K z| / (|K| |z| n eps)."""
    size = np.abs(K).sum(axis=1).max()
    # Divided first, so that the products of huge numbers do not overflow.
    r = np.abs(b - K @ z).max() / size
    return r / (np.abs(z).max() * z.size * EPS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 2, 5, 40])
@pytest.mark.parametrize("factorise", [DenseLDL, lambda K: SparseLU(sp.csc_matrix(K))])
def test_inertia_and_residual(kind, n, factorise, rng):
    K, inertia = symmetric(kind, n, rng)
    factor = factorise(K)
    assert factor.inertia in (None, inertia)
    if factorise is DenseLDL:
        assert factor.inertia == inertia
        b = K @ rng.standard_normal(n)
        assert ratio(K, factor.solve(b), b) < LARGEST_RATIO


@pytest.mark.parametrize("n", [1, 3, 20])
def test_positive_definite_sparse_matrices_always_reveal_their_inertia(n, rng):
    B = rng.standard_normal((n, n))
    factor = SparseLU(sp.csc_matrix(B @ B.T + n * np.eye(n)))
    assert factor.inertia == Inertia(n, 0, 0)


def test_rows_without_a_diagonal_need_a_pair_of_pivots():
    K = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert DenseLDL(K).inertia == Inertia(1, 1, 0)
    with pytest.raises(SingularKKTError):
        DenseLDL(np.zeros((2, 2)))


@pytest.mark.parametrize("K", [np.zeros((3, 3)), np.diag([1.0, 0.0, 2.0]), np.ones((2, 2))])
def test_singular(K):
    with pytest.raises(SingularKKTError):
        DenseLDL(K)
    with pytest.raises(SingularKKTError):
        SparseLU(sp.csc_matrix(K))


def blocks(n, m, rng, *, shift=0.0):
    B = rng.standard_normal((n, n))
    return B + B.T + shift * np.eye(n), rng.standard_normal((m, n)), rng.uniform(0, 1, n)


def full_matrix(H, A, diagonal, delta_c):
    return np.block([[H + np.diag(diagonal), A.T], [A, -delta_c * np.eye(A.shape[0])]])


@pytest.mark.parametrize(("n", "m"), [(1, 0), (1, 1), (4, 2), (6, 6), (12, 5), (3, 0)])
@pytest.mark.parametrize("delta_c", [0.0, 1e-8, 1.0])
@pytest.mark.parametrize("shift", [0.0, 20.0])
def test_system_dense_and_sparse(n, m, delta_c, shift, rng):
    H, A, diagonal = blocks(n, m, rng, shift=shift)
    K = full_matrix(H, A, diagonal, delta_c)
    values = np.linalg.eigvalsh(K)
    inertia = Inertia(int((values > 0).sum()), int((values < 0).sum()), 0)
    dense = KKTSystem(H, A, diagonal, delta_c)
    sparse = KKTSystem(sp.csr_matrix(H), sp.csr_matrix(A), diagonal, delta_c)
    assert dense.inertia == inertia
    assert sparse.inertia in (None, inertia)
    b = rng.standard_normal(n + m)
    for system in (dense, sparse):
        z = np.concatenate(system.solve(b[:n], b[n:]))
        assert ratio(K, z, b) < LARGEST_RATIO
        np.testing.assert_allclose(np.concatenate(system.product(z[:n], z[n:])), K @ z, atol=1e-11)


def test_step_of_the_right_inertia_is_a_minimiser_on_the_null_space(rng):
    H, A, diagonal = blocks(8, 3, rng, shift=10.0)
    system = KKTSystem(H, A, diagonal)
    assert system.inertia == Inertia(8, 3, 0)
    g = rng.standard_normal(8)
    p, y = system.solve(-g, np.zeros(3))
    np.testing.assert_allclose(A @ p, 0, atol=1e-12)
    np.testing.assert_allclose((H + np.diag(diagonal)) @ p + A.T @ y, -g, atol=1e-10)
    assert g @ p < 0


@pytest.mark.parametrize("sparse", [False, True])
def test_dependent_rows_are_singular_until_regularised(sparse):
    H, A = np.eye(3), np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 0.0]])
    if sparse:
        H, A = sp.csr_matrix(H), sp.csr_matrix(A)
    with pytest.raises(SingularKKTError):
        KKTSystem(H, A, np.zeros(3)).solve(np.ones(3), np.array([1.0, 3.0]))
    system = KKTSystem(H, A, np.zeros(3), 1e-4)
    assert system.inertia in (None, Inertia(3, 2, 0))
    p, y = system.solve(np.zeros(3), np.array([1.0, 2.0]))
    np.testing.assert_allclose(p, [0.5, 0.5, 0], atol=1e-4)
    np.testing.assert_allclose(y[1], 2 * y[0], rtol=1e-6)


def test_nonfinite_matrix_is_singular():
    with pytest.raises(SingularKKTError):
        KKTSystem(np.full((2, 2), np.nan), np.zeros((0, 2)), np.ones(2)).solve(
            np.ones(2), np.zeros(0)
        )


def test_arguments_are_not_changed(rng):
    H, A, diagonal = blocks(5, 2, rng)
    before = H.copy(), A.copy(), diagonal.copy()
    top, bottom = np.ones(5), np.ones(2)
    KKTSystem(H, A, diagonal, 1e-8).solve(top, bottom)
    for now, then in zip(
        (H, A, diagonal, top, bottom), (*before, np.ones(5), np.ones(2)), strict=True
    ):
        np.testing.assert_array_equal(now, then)


# -- the optional factorisations -------------------------------------------------------------------


def sparse_blocks(n, m, rng, *, shift):
    """A random sparse problem; the Hessian is diagonally dominant for a shift of 10."""
    B = sp.random(n, n, min(1.0, 3 / n), rng=rng, data_rvs=rng.standard_normal)
    A = sp.random(m, n, min(1.0, 3 / n), rng=rng, data_rvs=rng.standard_normal) + sp.eye(m, n)
    return sp.csr_matrix(B + B.T + shift * sp.eye(n)), sp.csr_matrix(A), rng.uniform(0, 1, n)


@pytest.mark.parametrize("kind", [*OPTIONAL, "lu", "dense"])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (7, 0), (30, 10), (200, 80)])
@pytest.mark.parametrize("shift", [0.0, 10.0])
@pytest.mark.parametrize("pivot", [0.0, 1e-8])
def test_every_kind_solves_the_same_system(kind, n, m, shift, pivot, rng):
    H, A, diagonal = sparse_blocks(n, m, rng, shift=shift)
    K = full_matrix(H.toarray(), A.toarray(), diagonal, 0.0)
    b = rng.standard_normal(n + m)
    system = KKTSystem(H, A, diagonal, 0.0, pivot, kind)
    z = np.concatenate(system.solve(b[:n], b[n:]))
    np.testing.assert_allclose(K @ z, b, atol=1e-8 * (1 + np.abs(z).max()))
    if shift and kind != "lu":
        assert system.inertia == Inertia(n, m, 0)


@pytest.mark.skipif(not importable("feral"), reason="no feral")
@pytest.mark.parametrize("kind", KINDS[:3])
@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_feral_inertia_and_residual(kind, n, rng):
    K, inertia = symmetric(kind, n, rng)
    factor = FeralLDL(sp.csc_matrix(K))
    assert factor.inertia == inertia
    b = K @ rng.standard_normal(n)
    assert ratio(K, factor.solve(b), b) < 1e4  # it perturbs pivots; refinement is the caller's


@pytest.mark.skipif(not importable("qdldl"), reason="no qdldl")
def test_quasi_definite_inertia(rng):
    n, m = 20, 8
    B, A = rng.standard_normal((n, n)), rng.standard_normal((m, n))
    K = np.block([[B @ B.T + np.eye(n), A.T], [A, -np.eye(m)]])
    factor = QuasiDefiniteLDL(sp.csc_matrix(K))
    assert factor.inertia == Inertia(n, m, 0)
    b = rng.standard_normal(n + m)
    assert ratio(K, factor.solve(b), b) < LARGEST_RATIO


def same_pattern(rng, n=60, m=20, count=3):
    """Quasi-definite matrices that differ by their values only, well and badly scaled."""
    H, A, _ = sparse_blocks(n, m, rng, shift=10.0)
    pattern = sp.bmat([[H, A.T], [A, -sp.eye(m)]], format="csc")
    pattern.sum_duplicates()
    for size in range(count):
        K = pattern.copy()
        scales = sp.diags(np.exp(size * rng.standard_normal(n + m)))
        yield sp.csc_matrix(scales @ K @ scales)


@pytest.mark.parametrize("kind", OPTIONAL)
def test_a_pattern_is_analysed_once(kind, rng):
    analyses, b = Analyses(), rng.standard_normal(80)
    for K in same_pattern(rng):
        reused, fresh = analyses.factor(kind, K), FACTORS[kind](K)
        assert reused.inertia == fresh.inertia == Inertia(60, 20, 0)
        np.testing.assert_array_equal(reused.solve(b), fresh.solve(b))  # to the last bit
    assert analyses.made == 1
    analyses.factor(kind, sp.eye(5, format="csc"))
    assert analyses.made == 2


@pytest.mark.parametrize("kind", OPTIONAL)
def test_an_earlier_factorisation_stays_valid(kind, rng):
    analyses, b = Analyses(), rng.standard_normal(80)
    first, second = same_pattern(rng, count=2)
    one = analyses.factor(kind, first)
    x = one.solve(b)
    other = analyses.factor(kind, second)
    y = other.solve(b)
    np.testing.assert_array_equal(one.solve(b), x)
    np.testing.assert_array_equal(other.solve(b), y)


@pytest.mark.parametrize("kind", OPTIONAL)
def test_a_singular_matrix_spoils_nothing(kind, rng):
    analyses, b = Analyses(), rng.standard_normal(80)
    (K,) = same_pattern(rng, count=1)
    x = analyses.factor(kind, K).solve(b)
    bad = K.copy()
    bad.data[:] = np.nan if kind == "feral" else 0.0
    with pytest.raises(SingularKKTError):
        analyses.factor(kind, bad)
    np.testing.assert_array_equal(analyses.factor(kind, K).solve(b), x)


def test_few_patterns_are_remembered():
    analyses = Analyses()
    for n in (1, 2, 3, 4, 5, 5, 4, 1):
        analyses.factor("qdldl" if importable("qdldl") else "lu", sp.eye(n, format="csc"))
    assert analyses.made == (6 if importable("qdldl") else 0)


def test_runs_use_one_analysis_for_each_pattern(monkeypatch):
    import cutest_problems
    import numopt

    made = []
    monkeypatch.setattr(Analyses, "__init__", recording(made, Analyses.__init__))
    monkeypatch.setattr("numopt.solvers.sketched_newton.DENSE_LIMIT", 0)
    res = numopt.solve(cutest_problems.load("DTOC2", compile=None), method="sketched_newton")
    assert res.success
    assert res.nit > 5
    assert max(a.made for a in made) <= 2 * (sparse_kind() != "lu")


def recording(seen, init):
    def recorded(self):
        seen.append(self)
        init(self)

    return recorded


@pytest.mark.parametrize("kind", [*OPTIONAL, "lu", "dense"])
def test_pivot_shift_leaves_no_trace_where_the_rank_is_full(kind, rng):
    H, A, diagonal = sparse_blocks(40, 15, rng, shift=10.0)
    exact = KKTSystem(H, A, diagonal, kind="dense").solve(np.ones(40), np.ones(15))
    shifted = KKTSystem(H, A, diagonal, 0.0, 1e-6, kind).solve(np.ones(40), np.ones(15))
    np.testing.assert_allclose(np.concatenate(shifted), np.concatenate(exact), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("kind", [*OPTIONAL, "lu", "dense"])
def test_pivot_shift_stays_where_rows_contradict_each_other(kind):
    H, A = sp.eye(3, format="csr"), sp.csr_matrix([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]])
    p, _ = KKTSystem(H, A, np.zeros(3), 0.0, 1e-4, kind).solve(np.zeros(3), np.array([1.0, 3.0]))
    np.testing.assert_allclose(p, [1.0, 1.0, 0.0], atol=1e-3)  # the least-squares solution


def test_choice_of_the_factorisation():
    full = sp.csr_matrix(np.ones((600, 600)))
    none, thin = sp.csr_matrix((0, 600)), sp.eye(600, format="csr")
    assert best_kind(np.eye(3), np.zeros((1, 3))) == "dense"
    assert best_kind(full, none) == "dense"
    assert best_kind(thin, full) == "dense"
    expected = [kind for kind in ("feral", "qdldl") if importable(kind)] + ["lu"]
    assert best_kind(thin, none) == expected[0]
