"""Data of composite problems with something wrong in them, and forms that are right."""

import numpy as np
import pytest
from composite_examples import CLASSES, INF, LOSSES, NAN, RULES, SIGNS, X, Y, problem
from scipy.sparse import coo_array, csc_array, csr_array, csr_matrix, issparse

import numopt
from numopt import (
    L1,
    BoxConstraint,
    Composite,
    Huber,
    InputTypeError,
    LabelPropagation,
    LeastSquares,
    Logistic,
    Multinomial,
    Poisson,
    ProblemError,
    QuadForm,
    Status,
    solve,
)


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("make", LOSSES.values(), ids=LOSSES)
def test_data_that_are_not_finite(make, sparse, bad):
    broken = X.copy()
    broken[2, 1] = bad
    with pytest.raises(ProblemError, match="`X` must hold finite numbers only, column 1"):
        make(csc_array(broken) if sparse else broken)


@pytest.mark.parametrize("make", LOSSES.values(), ids=LOSSES)
def test_columns_too_large_for_their_squares(make):
    with pytest.raises(ProblemError, match="column 2 is too large"):
        make(X * [1.0, 1.0, 1e200])


@pytest.mark.parametrize(
    ("s", "match"),
    [
        ([1.0, NAN, 1.0, 1.0], "`sample_weight` must hold numbers only, entry 1"),
        ([1.0, INF, 1.0, 1.0], "`sample_weight` must be finite"),
        ([1.0, -1.0, 1.0, 1.0], "not negative"),
        ([1.0, 1.0], "`sample_weight` must have 4 entries"),
        (np.ones((4, 1)), "`sample_weight` must be a vector"),
    ],
)
@pytest.mark.parametrize("make", LOSSES.values(), ids=LOSSES)
def test_weights_of_rows(make, s, match):
    with pytest.raises(ProblemError, match=match):
        make(X, s)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: LeastSquares(X, Y[:2]), "`y` must have 4 rows"),
        (lambda: LeastSquares(X, 1.0), "`y` must have 4 rows"),
        (lambda: LeastSquares(X, [1.0, INF, 0.0, 0.0]), "`y` must hold finite numbers"),
        (lambda: LeastSquares(X, [1.0, NAN, 0.0, 0.0]), "`y` must hold finite numbers"),
        (lambda: LeastSquares(X[0], Y), "`X` must be a matrix"),
        (lambda: LeastSquares(np.zeros((2, 2, 2)), Y[:2]), "`X` must be a matrix"),
        (lambda: LeastSquares(coo_array(np.ones(4)), Y), "`X` must be a matrix"),
        (lambda: Logistic(X, [0, 1, 1, 0]), "-1 and 1 only"),
        (lambda: Logistic(X, [1.0, NAN, -1.0, 1.0]), "finite numbers"),
        (lambda: Logistic(X, SIGNS[:, None]), "`y` must be a vector"),
        (lambda: Multinomial(X, [0, 1, 1, 0]), "a column for each class"),
        (lambda: Multinomial(X, np.ones((4, 2))), "a single one in each row"),
        (lambda: Multinomial(X, CLASSES * [1.0, NAN]), "finite numbers"),
        (lambda: Poisson(X, Y), "not be negative"),
        (lambda: Huber(X, Y, delta=-1.0), "`delta` must be positive"),
        (lambda: Huber(X, Y, delta=NAN), "`delta`"),
        (lambda: QuadForm([[NAN]], [1.0]), "`A` must hold finite numbers"),
        (lambda: QuadForm(csr_array([[INF]]), [1.0]), "`A` must hold finite numbers"),
        (lambda: QuadForm(np.eye(2), [1.0]), "`A` must have shape"),
        (lambda: QuadForm(np.ones(2), [1.0, 1.0]), "`A` must be a matrix"),
        (lambda: QuadForm([[1.0]], [NAN]), "`b` must hold finite numbers"),
        (lambda: QuadForm([[1.0, 2.0], [0.0, 1.0]], [1.0, 1.0]), "`A` must be symmetric"),
        (lambda: QuadForm([[-1.0]], [1.0]), "negative diagonal"),
        (lambda: LabelPropagation([[0, -1], [-1, 0]], [NAN, 1.0]), "`W` must hold numbers"),
        (lambda: LabelPropagation([[0, NAN], [NAN, 0]], [NAN, 1.0]), "`W` must hold numbers"),
        (lambda: LabelPropagation([[0, 1], [0, 0]], [NAN, 1.0]), "`W` must be symmetric"),
        (lambda: LabelPropagation([[0, 1], [1, 0]], [NAN, INF]), "`labels`"),
        (lambda: LabelPropagation([[0, 1], [1, 0]], [[NAN, 1.0]]), "`labels`"),
        (lambda: problem(loss=QuadForm([[1.0]], [1.0]), intercept=True), "no meaning"),
        (lambda: problem(loss=QuadForm([[1.0]], [1.0]), standardize=True), "no meaning"),
        (lambda: problem(loss=LeastSquares(X, Y, 0.0), intercept=True), "a row with weight"),
    ],
)
def test_wrong_data(make, match):
    with pytest.raises(ProblemError, match=match):
        make()


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: LeastSquares(np.ma.masked_array(X, X > 0.9), Y), "X"),
        (lambda: LeastSquares(np.matrix(X), Y), "X"),
        (lambda: LeastSquares(X.astype(object), Y), "X"),
        (lambda: LeastSquares(X + 0j, Y), "X"),
        (lambda: LeastSquares(csc_array(X + 0j), Y), "X"),
        (lambda: LeastSquares(X.astype(str), Y), "X"),
        (lambda: LeastSquares(None, Y), "X"),
        (lambda: LeastSquares(X, np.ma.masked_array(Y, Y < 0.0)), "y"),
        (lambda: Multinomial(X, np.ma.masked_array(CLASSES, CLASSES > 9)), "y"),
        (lambda: LeastSquares(X, Y + 0j), "y"),
        (lambda: Logistic(X, ["a", "b", "a", "b"]), "y"),
        (lambda: LeastSquares(X, Y, sample_weight=["a"] * 4), "sample_weight"),
        (lambda: QuadForm(np.ma.masked_array(np.eye(2)), [1.0, 1.0]), "A"),
        (lambda: QuadForm([[1j]], [1.0]), "A"),
        (lambda: LabelPropagation([[0, 1], [1, 0]], ["a", "b"]), "labels"),
        (lambda: L1("1"), "lam"),
        (lambda: L1(None), "lam"),
        (lambda: Composite(3.0), "loss"),
        (lambda: problem(3.0), "penalty"),
        (lambda: solve(problem(), ["a"] * 3), "x0"),
    ],
)
def test_types(make, name):
    with pytest.raises(InputTypeError, match=f"`{name}`"):
        make()


def forms():
    """Return the same data in many forms."""
    whole, wide = np.round(10 * X), np.zeros((4, 6))
    wide[:, ::2] = whole
    sparse = csc_array(whole)
    far = csc_array(sparse)
    far.indices, far.indptr = far.indices.astype(np.int64), far.indptr.astype(np.int64)
    entries = sparse.tocoo()
    twice = coo_array(
        (np.tile(entries.data / 2, 2), (np.tile(entries.row, 2), np.tile(entries.col, 2))),
        shape=X.shape,
    )
    stored_zeros = csc_array((np.zeros(4), ([0, 1, 2, 3], [2, 2, 0, 1])), shape=X.shape) + sparse
    frozen = np.asfortranarray(whole)
    frozen.setflags(write=False)
    found = {
        "C": np.ascontiguousarray(whole),
        "strided": wide[:, ::2],
        "reversed": whole[::-1, ::-1].copy()[::-1, ::-1],
        "read-only": frozen,
        "big-endian": whole.astype(">f8"),
        "float32": whole.astype(np.float32),
        "float16": whole.astype(np.float16),
        "int": whole.astype(int),
        "list": whole.tolist(),
        "subclass": whole.view(type("Sub", (np.ndarray,), {})),
        "int64 indices": far,
        "duplicates": twice,
        "stored zeros": stored_zeros,
        "csr_matrix": csr_matrix(whole),
    }
    return found | {name: sparse.asformat(name) for name in ("bsr", "dia", "dok", "lil", "csr")}


@pytest.mark.parametrize("name", forms())
def test_forms_of_data_are_the_same_problem_and_left_alone(name):
    reference = solve(problem(L1(5.0), LeastSquares(np.round(10 * X), Y)), tol=1e-12)
    given = forms()[name]
    before = given.copy()
    res = solve(problem(L1(5.0), LeastSquares(given, Y)), tol=1e-12)
    assert res.success
    np.testing.assert_allclose(res.x, reference.x, rtol=1e-10, atol=1e-12)
    if isinstance(given, list):
        assert given == before
    else:
        same = given - before
        assert not (same.toarray() if issparse(same) else same).any()


@pytest.mark.parametrize("options", [{}, RULES])
@pytest.mark.parametrize("make", LOSSES.values(), ids=LOSSES)
def test_constant_and_empty_columns(make, options):
    wide = np.column_stack([X, np.zeros(4), np.full(4, 2.0), np.zeros(4)])
    for given in (wide, csc_array(wide)):
        loss = make(given)
        res = solve(Composite(loss, L1(0.1), intercept=True), method="bcd", options=options)
        assert res.success
        kept = res.x.reshape(6, -1)
        assert not kept[[3, 5]].any()
        assert not kept[4].any()  # the intercept does its work, and costs nothing


@pytest.mark.parametrize("options", [{}, RULES])
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0), (1, 1)])
def test_empty_and_tiny_data(shape, options):
    loss = LeastSquares(np.full(shape, 2.0), np.ones(shape[0]))
    for penalty in (None, L1(0.1), BoxConstraint(-1.0, 1.0)):
        res = solve(Composite(loss, penalty), method="bcd", options=options)
        assert res.success
        assert res.x.shape == shape[1:]


@pytest.mark.parametrize("options", [{}, RULES, {"blocks": "variable"}, {"blocks": "forest"}])
def test_no_variables_at_all(options):
    P = Composite(LabelPropagation([[0, 1], [1, 0]], [1.0, 1.0]))
    res = solve(P, method="bcd", options=options)
    assert res.status == Status.CONVERGED
    assert res.x.size == 0


def test_functions_of_no_variables():
    res = numopt.minimize(lambda x: 3.0, [], method="bcd")
    assert res.success
    assert (res.nfev, res.fun) == (1, 3.0)


@pytest.mark.parametrize("size", [1e-100, 1e-12, 1.0, 1e12, 1e100])
def test_scales_of_the_targets(size):
    plain = solve(problem(L1(0.3)), tol=1e-12)
    res = solve(problem(L1(0.3 * size), LeastSquares(X, size * Y)), tol=1e-12)
    assert res.success
    np.testing.assert_allclose(res.x / size, plain.x, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"blocks": 2}, {"blocks": 1, "selection": "gs-q"}])
def test_quadratics_that_are_not_convex_are_no_success(options):
    P = Composite(QuadForm([[1.0, 2.0], [2.0, 1.0]], [1.0, 1.0]))
    res = solve(P, method="bcd", options=options)
    assert not res.success
