"""What the rules ask of a loss, counted; and runs that go on where they stopped."""

import numpy as np
import pytest
from rule_examples import assert_right, data, logistic, random_laplacian, smooth_problem, solved
from scipy.sparse import csc_array

import numopt
from numopt import L1, Composite, LeastSquares, QuadForm
from numopt.solvers.bcd.selection import BLIND


def counting(P):
    """Let the loss of a problem count its full gradients and the entries of block gradients."""
    calls = {"full": 0, "entries": 0}
    loss, full, block = P.loss, P.loss.gradient, P.loss.block_gradient

    def gradient(state):
        calls["full"] += 1
        return full(state)

    def block_gradient(state, b):
        calls["entries"] += len(b)
        return block(state, b)

    loss.gradient, loss.block_gradient = gradient, block_gradient
    return calls


@pytest.mark.parametrize("selection", BLIND)
@pytest.mark.parametrize("blocks", [2, "variable"])
def test_blind_rules_never_form_the_gradient(selection, blocks):
    P, _ = smooth_problem(2)
    calls = counting(P)
    res = solved(P, selection=selection, blocks=blocks, block_size=2, maxiter=50, tol=1e-15)
    assert res.nit == 50
    assert calls["full"] == 1  # at zero, for the scale of the tolerance
    assert calls["entries"] == 2 * 51


def test_greedy_rules_form_one_gradient_in_each_iteration():
    P = logistic(2)
    calls = counting(P)
    solved(P, selection="gsd", blocks="variable", block_size=2, maxiter=50, tol=1e-15)
    assert calls["full"] == 52


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("blocks", [1, 2, "variable"])
def test_gradients_of_least_squares_are_kept_up_to_date(blocks, weighted, rng):
    X, y = rng.normal(size=(50, 12)), rng.normal(size=50)
    s = rng.uniform(0.5, 1.5, size=50) if weighted else None
    for form in (X, csc_array(X)):
        P = Composite(LeastSquares(form, y, s), intercept=weighted, standardize=weighted)
        calls = counting(P)
        options = {"selection": "gsd", "blocks": blocks, "block_size": 3, "maxiter": 250}
        res = solved(P, **options, tol=1e-15)
        assert calls["full"] <= 5 + res.nit / 50  # at the ends, and renewed now and then
        end = solved(P, **options | {"maxiter": 3000}, tol=1e-9)
        assert end.success
        assert end.fun == pytest.approx(numopt.solve(P, tol=1e-12).fun, rel=1e-10)


def test_runs_that_keep_gradients_up_to_date_continue_bit_for_bit():
    P = Composite(LeastSquares(*data(3)), L1(1.0))
    options = {"selection": "gs-q", "blocks": "variable", "block_size": 2, "tol": 1e-13}
    whole = numopt.solve(P, method="bcd", options=options | {"maxiter": 120})
    part = numopt.solve(P, method="bcd", options=options | {"maxiter": 6})
    rest = numopt.solve(P, method="bcd", options=options | {"maxiter": 120}, state=part.state)
    np.testing.assert_array_equal(whole.x, rest.x)
    assert whole.nit == rest.nit


def test_scores_of_the_oldest_blocks_alone_are_renewed():
    P, x = smooth_problem(2)
    calls = counting(P)
    res = solved(P, selection="gsl", blocks=2, refresh=1, maxiter=40, tol=1e-15)
    assert calls["full"] == 1
    assert calls["entries"] <= 2 * 2 * (res.nit + 1)
    assert_right(solved(P, selection="gsl", blocks=2, refresh=1), x, "refresh")


def test_epochs_are_counted_in_variables():
    P, _ = smooth_problem(2)
    assert solved(P, blocks=2, selection="cyclic", maxiter=8, tol=1e-15).nepoch == 2.0


@pytest.mark.parametrize("selection", ["shuffle", "lipschitz", "gs-q", "gsq"])
@pytest.mark.parametrize("blocks", [2, "variable"])
def test_a_run_continues_bit_for_bit(selection, blocks):
    P, _ = smooth_problem(2)
    options = {"selection": selection, "blocks": blocks, "block_size": 2, "order": "random"}
    whole = solved(P, **options)
    part = solved(P, **options, maxiter=7)
    rest = numopt.solve(
        P, method="bcd", options=options | {"maxiter": 20_000, "tol": 1e-11}, state=part.state
    )
    np.testing.assert_array_equal(whole.x, rest.x)
    assert whole.nit == rest.nit


# -- what a block reads: everything else is poisoned -------------------------------------------

READERS = {
    "squares": lambda X: LeastSquares(X, np.arange(12.0)),
    "logistic": lambda X: numopt.Logistic(X, np.where(np.arange(12) % 3, 1.0, -1.0)),
    "huber": lambda X: numopt.Huber(X, np.arange(12.0)),
    "poisson": lambda X: numopt.Poisson(X, np.arange(12.0)),
    "multinomial": lambda X: numopt.Multinomial(X, np.eye(3)[np.arange(12) % 3]),
}


def used(loss, x, b, poison):
    """Return what a visit of a block works out, after everything that it need not read is NaN."""
    state = loss.state(x)
    poison(state)
    slope, H = loss.block_gradient(state, b).copy(), loss.hessian_bound(b)
    loss.advance(state, b, np.ones(b.size))
    return slope, H, state.z


@pytest.mark.parametrize("form", [np.asfortranarray, csc_array])
@pytest.mark.parametrize("make", [READERS[name] for name in READERS if name != "poisson"])
def test_a_block_reads_its_own_columns_alone(make, form, rng):
    X = rng.normal(size=(12, 6)) * (rng.random((12, 6)) < 0.5)
    plain, loss = make(form(X)), make(form(X))
    k = loss.k
    x, b = 0.1 * rng.normal(size=loss.n), np.array([k, 4 * k])

    def poison(state):
        for j in (0, 2, 3, 5):
            if loss.design.sparse:
                loss.design.X.data[slice(*loss.design.X.indptr[j : j + 2])] = np.nan
            else:
                loss.design.X[:, j] = np.nan

    for found, expected in zip(
        used(loss, x, b, poison), used(plain, x, b, lambda state: None), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("make", READERS.values(), ids=READERS)
def test_a_sparse_column_looks_at_its_own_rows_alone(make, rng):
    X = np.zeros((12, 4))
    X[[1, 5, 7], 2] = 1.0, -2.0, 0.5
    loss = make(csc_array(X))
    b = np.array([2 * loss.k])
    state = loss.state(0.1 * rng.normal(size=loss.n))
    expected = loss.gradient(state)[b]
    untouched = np.setdiff1d(np.arange(12), [1, 5, 7])
    state.z[untouched] = np.nan
    np.testing.assert_allclose(loss.block_gradient(state, b), expected, rtol=1e-14)
    before = state.z.copy()
    loss.advance(state, b, np.ones(1))
    changed = ~np.isclose(before, state.z, equal_nan=True, rtol=0.0, atol=0.0)
    assert set(np.flatnonzero(changed.any(axis=1))) == {1, 5, 7}
    assert changed.sum() == 3  # one class


def test_a_node_reads_its_neighbours_alone(rng):
    A, c = random_laplacian(3)
    b = np.array([4, 11])
    neighbours = np.unique(np.concatenate([A[j].indices for j in b]))
    plain, loss = QuadForm(A, c), QuadForm(A, c)

    def poison(state):
        for i in np.setdiff1d(np.arange(len(c)), b):
            loss.A.data[slice(*loss.A.indptr[i : i + 2])] = np.nan
        state.z[np.setdiff1d(np.arange(len(c)), neighbours)] = np.nan

    x = rng.normal(size=len(c))
    slope, H, z = used(loss, x, b, poison)
    expected = used(plain, x, b, lambda state: None)
    np.testing.assert_array_equal(slope, expected[0])
    np.testing.assert_array_equal(H, expected[1])
    np.testing.assert_array_equal(z[neighbours], expected[2][neighbours])


@pytest.mark.parametrize("blocks", [2, "variable"])
def test_minimisers_of_blocks_by_the_user(blocks):
    P, x = smooth_problem(3)
    H, v = P.loss.A, P.loss.b
    sizes = []

    def block_solve(point, b):
        sizes.append(b.size)
        rest = np.setdiff1d(np.arange(len(v)), b)
        return np.linalg.solve(H[np.ix_(b, b)], v[b] - H[np.ix_(b, rest)] @ point[rest])

    options = {"blocks": blocks, "block_size": 2, "selection": "shuffle"}
    res = solved(P, block_solve=block_solve, **options)
    assert_right(res, x, blocks)
    assert set(sizes) == {2}
    np.testing.assert_allclose(solved(P, **options).x, res.x, atol=1e-9)
