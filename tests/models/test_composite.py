"""Losses and penalties: derivatives, block operations, proximal points, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_array

import numopt
from numopt.core.errors import InputTypeError, ProblemError

M, P, K = 12, 5, 3


def data(rng, sparse=False):
    X = rng.standard_normal((M, P)) + 0.5
    X[rng.uniform(size=X.shape) < 0.3] = 0.0
    return csc_array(X) if sparse else X


def one_hot(rng):
    Y = np.zeros((M, K))
    Y[np.arange(M), rng.integers(K, size=M)] = 1.0
    return Y


LOSSES = {
    "squares": lambda X, r, s: numopt.LeastSquares(X, r.standard_normal(M), s),
    "targets": lambda X, r, s: numopt.LeastSquares(X, r.standard_normal((M, K)), s),
    "logistic": lambda X, r, s: numopt.Logistic(X, np.sign(r.standard_normal(M)), s),
    "huber": lambda X, r, s: numopt.Huber(X, 3 * r.standard_normal(M), 1.0, s),
    "poisson": lambda X, r, s: numopt.Poisson(X, r.poisson(2.0, M), s),
    "multinomial": lambda X, r, s: numopt.Multinomial(X, one_hot(r), s),
}
FORMS = [(False, False, False), (True, False, True), (False, True, False), (True, True, True)]


def differences(f, x, h=1e-6):
    steps = h * np.eye(x.size)
    return np.array([(f(x + e) - f(x - e)) / (2 * h) for e in steps])


@pytest.mark.parametrize(("sparse", "intercept", "weighted"), FORMS)
@pytest.mark.parametrize("name", LOSSES)
def test_derivatives_and_block_operations(name, sparse, intercept, weighted, rng):
    s = rng.uniform(size=M) if weighted else None
    X = data(rng, sparse)
    loss = LOSSES[name](X, rng, s).fitted(intercept, standardize=weighted)
    x = 0.3 * rng.standard_normal(loss.n)
    state = loss.state(x)
    grad = loss.gradient(state)
    value = lambda x: loss.value(loss.state(x))  # noqa: E731
    np.testing.assert_allclose(grad, differences(value, x), atol=1e-5)

    b = rng.permutation(loss.n)[: loss.n // 2]
    np.testing.assert_allclose(loss.block_gradient(state, b), grad[b], atol=1e-7)
    slopes = differences(lambda x: loss.gradient(loss.state(x)), x)
    H = loss.hessian(state, b)
    np.testing.assert_allclose(H, slopes[np.ix_(b, b)], atol=1e-4)
    if name != "poisson":
        bound = loss.hessian_bound(b)
        assert np.linalg.eigvalsh(bound - H).min() > -1e-5
        assert np.all(loss.lipschitz()[b] >= np.diag(H) - 1e-5)

    delta = 0.1 * rng.standard_normal(b.size)
    loss.advance(state, b, delta)
    moved = x.copy()
    moved[b] += delta
    fresh = loss.state(moved)
    np.testing.assert_allclose(state.x, moved)
    np.testing.assert_allclose(loss.margins(state), loss.margins(fresh), atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_conjugate_closes_the_inequality_of_fenchel(name, rng):
    loss = LOSSES[name](data(rng), rng, rng.uniform(0.1, 1.0, M))
    state = loss.state(0.3 * rng.standard_normal(loss.n))
    residual = loss.residual(state)
    product = float(np.sum(residual * loss.margins(state)))
    assert loss.conjugate(residual) == pytest.approx(product - loss.value(state))
    half = loss.conjugate(0.5 * residual)
    assert half >= 0.5 * product - loss.value(state)


@pytest.mark.parametrize("sparse", [False, True])
def test_quadratic_form(sparse, rng):
    B = rng.standard_normal((6, 6))
    A, b = B @ B.T, rng.standard_normal(6)
    loss = numopt.QuadForm(csc_array(A) if sparse else A, b)
    state = loss.state(np.ones(6))
    block, delta = np.array([4, 1]), np.array([0.5, -2.0])
    loss.advance(state, block, delta)
    x = np.ones(6)
    x[block] += delta
    assert loss.value(state) == pytest.approx(0.5 * x @ A @ x - b @ x)
    np.testing.assert_allclose(loss.gradient(state), A @ x - b)
    np.testing.assert_allclose(loss.hessian(state, block), A[np.ix_(block, block)])
    np.testing.assert_allclose(loss.lipschitz(), np.diag(A))


def test_label_propagation_is_the_sum_over_edges(rng):
    W = np.triu(rng.uniform(size=(7, 7)), 1)
    W = W + W.T
    labels = np.array([1.0, np.nan, np.nan, -2.0, np.nan, np.nan, np.nan])
    loss = numopt.LabelPropagation(W, labels)

    def energy(x):
        full = labels.copy()
        full[loss.unlabelled] = x
        return 0.25 * np.sum(W * (full[:, None] - full) ** 2)

    x, y = rng.standard_normal((2, 5))
    left = loss.value(loss.state(x)) - loss.value(loss.state(y))
    assert left == pytest.approx(energy(x) - energy(y))
    assert loss.graph() is not None


PENALTIES = {
    "l1": numopt.L1(0.7, weights=[1.0, 0.0, 2.0, 0.5, 1.0, 1.0]),
    "positive": numopt.NonNegativeL1(0.4),
    "net": numopt.ElasticNet(0.5, 0.8),
    "box": numopt.BoxConstraint([-1, 0, -np.inf, 0, -2, -1], [1, 2, 0.5, np.inf, 2, 1]),
    "mcp": numopt.MCP(0.8, 3.0),
    "scad": numopt.SCAD(0.6, 3.7),
    "group": numopt.GroupL2(0.9, [[0, 3], [1], [2, 4, 5]], weights=[1.0, 2.0, 0.5]),
    "sparse group": numopt.SparseGroup(0.5, 0.4, 2),
    "rows": numopt.MultiTask(0.8),
}


@pytest.mark.parametrize("step", [0.3, 1.1])
@pytest.mark.parametrize("name", PENALTIES)
def test_proximal_points_are_minimisers(name, step, rng):
    g = PENALTIES[name].bound(6, 2)
    for _ in range(10):
        v = 2.0 * rng.standard_normal(6)
        u = g.prox(v, step)
        best = g.value(u) + np.sum((u - v) ** 2) / (2 * step)
        for size in (1e-3, 1.0):
            w = u + size * rng.standard_normal(6)
            assert g.value(w) + np.sum((w - v) ** 2) / (2 * step) >= best - 1e-12
        assert g.distance((u - v) / step, u).max() == pytest.approx(0.0, abs=1e-12)
        assert g.distance((u - v) / step + 10.0, u).max() > 1.0
        assert g.kink(u).shape == (g.units,)
        if g.groups is None:
            b = np.array([4, 0])
            np.testing.assert_allclose(g.prox(v[b], step, b), u[b])
        else:
            b = np.concatenate([g.groups[-1], g.groups[0]])
            np.testing.assert_allclose(g.prox(v[b], step, b), u[b])


@pytest.mark.parametrize("name", ["l1", "positive", "net", "box"])
def test_conjugate_of_a_separable_penalty(name, rng):
    g = PENALTIES[name].bound(6)
    low, high = g.slack()
    for _ in range(10):
        v = np.clip(2.0 * rng.standard_normal(6), low, high)
        value = g.conjugate(v)
        assert np.isfinite(value).all()
        grid = np.linspace(-8, 8, 1601)
        for j in range(6):
            one = numopt.Separable(g.lam[j], g.mu[j], g.lower[j], g.upper[j]).bound(1)
            best = max(v[j] * u - one.value(np.array([u])) for u in grid)
            assert value[j] == pytest.approx(best, abs=1e-2)
    assert np.isinf(g.conjugate(np.minimum(high, 9.0) + 1.0))[np.isfinite(high)].all()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: numopt.LeastSquares(np.ones(3), np.ones(3)), "X"),
        (lambda: numopt.LeastSquares(np.ones((3, 2)), np.ones(4)), "y"),
        (lambda: numopt.LeastSquares([[1.0, np.nan]], [1.0]), "column 1"),
        (lambda: numopt.LeastSquares([[1.0, np.inf]], [1.0]), "column 1"),
        (lambda: numopt.LeastSquares([[1.0]], [np.nan]), "y"),
        (lambda: numopt.LeastSquares([[1.0]], [1.0], sample_weight=-1.0), "sample_weight"),
        (lambda: numopt.Logistic([[1.0]], [0.0]), "-1 and 1"),
        (lambda: numopt.Multinomial([[1.0]], [[1.0, 1.0]]), "class"),
        (lambda: numopt.Poisson([[1.0]], [-1.0]), "negative"),
        (lambda: numopt.Huber([[1.0]], [1.0], delta=0.0), "delta"),
        (lambda: numopt.QuadForm([[1.0, 2.0], [0.0, 1.0]], [1.0, 1.0]), "symmetric"),
        (lambda: numopt.QuadForm([[-1.0]], [1.0]), "diagonal"),
        (lambda: numopt.L1(-1.0), "lam"),
        (lambda: numopt.L1(1.0, weights=[1.0, -2.0]), "weights"),
        (lambda: numopt.MCP(1.0, gamma=1.0), "gamma"),
        (lambda: numopt.SCAD(1.0, gamma=2.0), "gamma"),
        (lambda: numopt.BoxConstraint([1.0], [0.0]).bound(1), "variable 0"),
        (lambda: numopt.GroupL2(1.0, [[0], [0, 1]]).bound(2), "groups"),
        (lambda: numopt.MCP(1.0, gamma=1.5).bound(1).prox(np.ones(1), 2.0), "MCP"),
        (lambda: numopt.SCAD(1.0, gamma=2.5).bound(1).prox(np.ones(1), 2.0), "SCAD"),
    ],
)
def test_refusals(make, words):
    with pytest.raises(ProblemError, match=words):
        make()


@pytest.mark.parametrize(
    "X",
    [
        np.ma.masked_array([[1.0]], [[0]]),
        np.array([[1j]]),
        np.array([[object()]]),
        csc_array([[1j]]),
    ],
)
def test_types_of_data(X):
    with pytest.raises(InputTypeError, match="X"):
        numopt.LeastSquares(X, [1.0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_columns_are_read_where_they_lie(dtype, rng):
    X = np.asfortranarray(data(rng), dtype=dtype)
    S = csc_array(X)
    y = np.ones(M)
    assert np.shares_memory(numopt.LeastSquares(X, y).design.X, X)
    for problem in (numopt.LeastSquares(S, y), numopt.LeastSquares(S, y).fitted(True, True)):
        assert np.shares_memory(problem.design.X.data, S.data)
        assert np.shares_memory(problem.design.X.indices, S.indices)


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 10**6), st.integers(1, 9), st.sampled_from([0.1, 1.0, 3.0]), st.booleans())
def test_intercepts_are_minimisers_wherever_the_rows_lie(seed, m, delta, weighted):
    rng = np.random.default_rng(seed)
    X, size = rng.normal(size=(m, 2)), rng.choice([0.1, 1.0, 10.0])
    y, s = size * rng.normal(size=m), rng.uniform(0.1, 2.0, m) if weighted else None
    losses = [
        numopt.Huber(X, y, delta, s),
        numopt.Logistic(X, np.where(np.arange(m) % 2, 1.0, -1.0), s),
        numopt.Poisson(X, 1.0 + np.round(np.abs(y)), s),
    ]
    for loss in losses[: 3 if m > 1 else 1]:
        loss = loss.fitted(True, False)
        state = loss.state(rng.choice([0.1, 1.0]) * rng.normal(size=2))
        residual = loss.residual(state)
        assert abs(residual.sum()) <= 1e-7 * (1.0 + np.abs(residual).sum())
