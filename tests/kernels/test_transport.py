"""The exponential, the passes over a plan, and the conjugate gradients, against plain NumPy."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix, random_array

from numopt.kernels import array_transport, schur, transport
from numopt.kernels.exponential import HIGHEST, LOWEST, exp2
from numopt.linalg.array_schur import DenseEntries, conjugate_gradients, listed
from numopt.linalg.schur import schur_solve
from numopt.models.passes import Kept

NOTHING = np.empty((0, 0))


def data(n=9, m=7, seed=0):
    rng = np.random.default_rng(seed)
    C = rng.uniform(size=(n, m))
    return C, rng.normal(size=n), rng.normal(size=m), rng.uniform(1, 2, size=n)


def test_power_of_two():
    x = np.concatenate([np.linspace(LOWEST, HIGHEST, 20_001), np.linspace(-2, 2, 20_001)])
    values, exact = np.array([exp2(v) for v in x]), np.exp2(x)
    assert np.max(np.abs(values - exact) / np.spacing(exact)) <= 3.0
    for k in range(-1000, 900, 50):
        assert exp2(float(k)) == 2.0**k


def test_power_of_two_at_the_ends():
    assert exp2(-np.inf) == exp2(LOWEST - 1.0) == 0.0
    assert exp2(np.inf) == exp2(1e300) == 2.0**HIGHEST
    assert np.isnan(exp2(np.nan))


@pytest.mark.parametrize("module", [transport, array_transport])
@pytest.mark.parametrize("tau", [1.0, 0.4])
def test_sinkhorn_pass(module, tau):
    C, f, g, a = data()
    f_next, cols = np.empty(9), np.zeros(7)
    module.sinkhorn_pass(0, C, NOTHING, NOTHING, f, g, 3.0, a, tau, f_next, cols, NOTHING)
    K = np.exp2(g - 3.0 * C)
    np.testing.assert_allclose(f_next, tau * np.log2(a / K.sum(axis=1)), rtol=1e-13)
    np.testing.assert_allclose(cols, (np.exp2(f_next)[:, None] * K).sum(axis=0), rtol=1e-13)


@pytest.mark.parametrize("shift", [-1e5, 1e5, -1200.0, 1200.0])
def test_rows_whose_sums_leave_the_range_of_numbers(shift):
    C, f, g, a = data()
    plain, moved, cols = np.empty(9), np.empty(9), np.zeros(7)
    transport.sinkhorn_pass(0, C, NOTHING, NOTHING, f, g, 3.0, a, 1.0, plain, cols.copy(), NOTHING)
    transport.sinkhorn_pass(0, C, NOTHING, NOTHING, f + shift, g, 3.0, a, 1.0, moved, cols, NOTHING)
    np.testing.assert_allclose(moved, plain, atol=1e-9)
    assert np.isfinite(cols).all()


@pytest.mark.parametrize("module", [transport, array_transport])
def test_logarithms_of_column_sums(module):
    C, f, _, _ = data()
    C[2, 3] = np.inf
    f = f - 5000.0
    top, total = np.full(7, -np.inf), np.zeros(7)
    for rows in (slice(0, 4), slice(4, 9)):
        module.log_columns(0, C[rows], NOTHING, NOTHING, f[rows], 3.0, top, total)
    expected = np.log2(np.exp2(f[:, None] + 5000.0 - 3.0 * C).sum(axis=0)) - 5000.0
    np.testing.assert_allclose(top + np.log2(total), expected, rtol=1e-13)


@pytest.mark.parametrize("module", [transport, array_transport])
def test_sums_and_costs_of_a_plan(module):
    C, f, g, _ = data()
    C[0, 0] = np.inf
    P = np.exp2(f[:, None] + g - 3.0 * C)
    rows, cols = np.empty(9), np.zeros(7)
    cost = module.plan_cost(0, C, NOTHING, NOTHING, f, g, 3.0, rows, cols)
    finite = np.where(np.isfinite(C), C, 0.0)
    assert cost == pytest.approx((P * finite).sum(), rel=1e-13)
    np.testing.assert_allclose(rows, P.sum(axis=1), rtol=1e-13)
    np.testing.assert_allclose(cols, P.sum(axis=0), rtol=1e-13)
    again = np.empty(9), np.zeros(7)
    module.marginals(0, C, NOTHING, NOTHING, f, g, 3.0, *again)
    np.testing.assert_allclose(again[0], rows, rtol=1e-14)
    u, v = np.r_[0.0, np.ones(8)], np.arange(7.0)
    outer = module.outer_cost(0, C, NOTHING, NOTHING, u, v)
    assert outer == pytest.approx(u @ finite @ v, rel=1e-13)
    beta = np.full(7, np.inf)
    module.lower_potentials(0, C, NOTHING, NOTHING, f, beta)
    np.testing.assert_allclose(beta, (C - f[:, None]).min(axis=0), rtol=1e-14)
    nearest, col_nearest = np.empty(9), np.full(7, np.inf)
    assert module.cheapest(0, C, NOTHING, NOTHING, nearest, col_nearest) == finite.max()
    np.testing.assert_array_equal(nearest, C.min(axis=1))
    np.testing.assert_array_equal(col_nearest, C.min(axis=0))


@pytest.mark.parametrize(
    ("metric", "order"), [(transport.SQEUCLIDEAN, 2), (transport.EUCLIDEAN, 2), (transport.L1, 1)]
)
def test_costs_of_points(metric, order):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(4, 3)), rng.normal(size=(5, 3))
    row = transport.cost_row(metric, 2, NOTHING, X, np.ascontiguousarray(Y.T), np.empty(5))
    exact = np.linalg.norm(X[2] - Y, ord=order, axis=1)
    exact = exact**2 if metric == transport.SQEUCLIDEAN else exact
    np.testing.assert_allclose(row, exact, rtol=1e-14)


def system(dense, n=30, m=20, seed=0):
    rng = np.random.default_rng(seed)
    P = random_array((n, m), density=0.3, rng=rng, format="csr").toarray()
    r, c = P.sum(axis=1) + 0.1, P.sum(axis=0) + 0.1
    S = np.diag(c) - P.T @ np.diag(1 / r) @ P
    if dense:
        return Kept(np.arange(n + 1) * m, np.empty(0, np.uint32), P.ravel()), r, c, S
    Q = csr_matrix(P)
    return Kept(Q.indptr.astype(np.int64), Q.indices.astype(np.uint32), Q.data), r, c, S


@pytest.mark.parametrize("dense", [False, True])
def test_conjugate_gradients(dense):
    kept, r, c, S = system(dense)
    h = np.random.default_rng(1).normal(size=20)
    np.testing.assert_allclose(schur.schur_diagonal(*kept, r, c), np.diag(S), rtol=1e-13)
    y, iterations = schur_solve(kept, r, c, h, 1e-12, 1000)
    assert 1 < iterations < 60
    np.testing.assert_allclose(S @ y, h, atol=1e-10)
    P = kept.data.reshape(30, 20) if dense else csr_matrix(kept[::-1], (30, 20)).toarray()
    rows, cols = np.nonzero(P)
    cut = np.searchsorted(rows, 11)
    blocks = [(rows[k], cols[k], P[rows[k], cols[k]]) for k in (slice(cut), slice(cut, None))]
    for entries in (DenseEntries(np, P), listed(np, blocks, P.shape)):
        assert entries.nnz == np.count_nonzero(P)
        again, _ = conjugate_gradients(entries, r, c, h, 1e-12, 1000)
        np.testing.assert_allclose(again, y, atol=1e-9)


@pytest.mark.parametrize("dense", [False, True])
def test_a_factor_where_conjugate_gradients_stall(dense):
    kept, r, c, S = system(dense)
    h = np.random.default_rng(1).normal(size=20)
    y, iterations = schur_solve(kept, r, c, h, 1e-12, 2)
    assert iterations == 2
    np.testing.assert_allclose(S @ y, h, atol=1e-12)


@pytest.mark.parametrize("dense", [False, True])
def test_transposed_product(dense):
    kept, _, _, _ = system(dense)
    P = kept.data.reshape(30, 20) if dense else csr_matrix(kept[::-1], (30, 20)).toarray()
    y, back = np.arange(30.0), np.zeros(20)
    schur.add_transposed(*kept, y, back)
    np.testing.assert_allclose(back, P.T @ y, rtol=1e-13)
