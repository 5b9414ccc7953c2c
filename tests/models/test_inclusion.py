"""Inclusions, saddle points, games, programs and sums: what they compute and what they refuse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

import numopt
from numopt import FiniteSum, Inclusion, LinearProgram, MatrixGame, ProblemError, SaddlePoint, Term
from numopt.linalg.coupling import centred, coupling, estimated_norms, spectral_norm
from numopt.models.monotone import Certified
from numopt.problems import games, inclusions, traffic

A = np.random.default_rng(0).standard_normal((6, 4))


def identity(v, t):
    return v


# -- games -----------------------------------------------------------------------------------------


class ByProducts:
    shape = A.shape

    def matvec(self, x):
        return A @ x

    def rmatvec(self, y):
        return A.T @ y


@pytest.mark.parametrize("form", [A, A.tolist(), csr_matrix(A), ByProducts()])
def test_forms_of_a_game(form):
    game = MatrixGame(form)
    means = A - A.mean(axis=1)[:, None] - A.mean(axis=0) + A.mean()
    rng = np.random.default_rng(1)
    x, y = rng.dirichlet(np.ones(4)), rng.dirichlet(np.ones(6))
    np.testing.assert_allclose(game.K.times(x), means @ x, atol=1e-14)
    np.testing.assert_allclose(game.K.adjoint(y), means.T @ y, atol=1e-14)
    u = np.concatenate([x, y])
    point = Certified(u, game.operator(u), np.zeros(10))
    np.testing.assert_allclose(game.payoffs(point)[0], A @ x, atol=1e-14)
    np.testing.assert_allclose(game.payoffs(point)[1], A.T @ y, atol=1e-14)
    assert game.objective(point) == pytest.approx(y @ A @ x, abs=1e-14)
    assert game.gap(point) == pytest.approx((A @ x).max() - (A.T @ y).min(), abs=1e-14)


@pytest.mark.parametrize("form", [A, csr_matrix(A)])
def test_differences_of_a_game_are_unbiased(form):
    game = MatrixGame(form)
    rows, columns, L = game.sampling()
    rng = np.random.default_rng(0)
    u, v = rng.standard_normal((2, 10))
    mean, square = np.zeros(10), 0.0
    for i, p in enumerate(rows):
        for j, q in enumerate(columns):
            d = game.difference(np.array([[i, j]]), u, v)
            mean += p * q * d
            square += p * q * (d @ d)
    np.testing.assert_allclose(mean, game.operator(u) - game.operator(v), atol=1e-12)
    # Norms of sparse rows and columns, less their means, are estimated.
    slack = 1 + 1e-12 if form is A else 1.5
    assert np.sqrt(square) <= slack * L * np.linalg.norm(u - v)


def test_centring_keeps_sparse_matrices_sparse_and_shrinks_the_norm():
    dense, sparse = games.policeman(100), games.policeman(100, structured=True)
    assert type(MatrixGame(csr_matrix(A)).K).__name__ == "Centred"
    ones = np.ones(100)
    assert spectral_norm(dense.K, ones, ones, 50) < 0.05 * np.linalg.norm(dense.A.K, 2)
    x = np.random.default_rng(0).dirichlet(ones)
    np.testing.assert_allclose(sparse.K.times(x), dense.K.times(x), atol=1e-12)
    np.testing.assert_allclose(sparse.K.adjoint(x), dense.K.adjoint(x), atol=1e-12)


def test_estimated_norms_are_near_the_norms():
    K = coupling(np.random.default_rng(0).standard_normal((50, 80)))
    for estimate, exact in zip(estimated_norms(K), K.norms(), strict=True):
        assert 0.3 < np.median(estimate / exact) < 2.0
    assert centred(coupling(np.ones((3, 4))))[0].norms()[0].max() < 1e-15


# -- linear programs -------------------------------------------------------------------------------


def program(seed=0, m=5, n=8):
    rng = np.random.default_rng(seed)
    K = rng.standard_normal((m, n))
    return LinearProgram(rng.standard_normal(n), K, -1.0, 1.0, -1.0, 2.0)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_weak_duality(seed):
    p, rng = program(seed), np.random.default_rng(seed)
    x, y = rng.uniform(-1, 2, size=8), rng.standard_normal(5)
    x *= min(1.0, 1.0 / np.abs(p.K.K @ x).max())
    u = np.concatenate([np.clip(x, -1, 2), y])
    point = Certified(u, p.operator(u), np.zeros(13))
    if p.violation(point) == 0.0:
        assert p.dual_value(point) <= p.objective(point) + 1e-12


def test_mps_files(tmp_path):
    pytest.importorskip("highspy")
    text = """NAME tiny
ROWS
 N cost
 L first
 G second
 E third
COLUMNS
 x cost 1 first 1
 x second 1
 y cost 2 first 1
 y third -1
 z cost -1 third 1
RHS
 rhs first 4 second 1
 rhs third 7
BOUNDS
 UP bnd x 4
 LO bnd y -1
 UP bnd y 1
ENDATA
"""
    path = tmp_path / "tiny.mps"
    path.write_text(text)
    p = LinearProgram.from_mps(path)
    np.testing.assert_array_equal(p.p, [1, 2, -1])
    np.testing.assert_array_equal(p.cu, [4, np.inf, 7])
    np.testing.assert_array_equal(p.ub, [4, 1, np.inf])
    res = numopt.solve(p, tol=1e-7)
    np.testing.assert_allclose(res.primal, [1, -1, 6], atol=1e-6)
    with pytest.raises(ProblemError, match="cannot be read"):
        LinearProgram.from_mps(tmp_path / "absent.mps")


# -- finite sums -----------------------------------------------------------------------------------

TERMS = [
    Term(),
    Term("l1", 0.3),
    Term("box", lower=-0.2, upper=0.5),
    Term("simplex", 2.0),
    Term("group", 0.4, size=2),
]


@pytest.mark.parametrize("loss", ["squared", "logistic", "smooth_hinge", "squared_hinge"])
def test_gradients_of_losses(loss):
    rng = np.random.default_rng(0)
    b = np.sign(rng.standard_normal(30))
    p = FiniteSum(rng.standard_normal((30, 4)), b, loss, ridge=0.1)
    x, d = rng.standard_normal((2, 4))
    h = 1e-6
    slope = (p.value_and_operator(x + h * d)[0] - p.value_and_operator(x - h * d)[0]) / (2 * h)
    assert slope == pytest.approx(p.operator(x) @ d, abs=1e-8)
    mean = np.mean([p.difference(np.array([i]), x, d) for i in range(30)], axis=0)
    np.testing.assert_allclose(mean, p.operator(x) - p.operator(d), atol=1e-14)
    y = rng.standard_normal(4)
    change = p.operator(x) - p.operator(y)
    assert np.linalg.norm(change) <= p.curvature * np.linalg.norm(x - y) <= p.lipschitz * 1e3


@pytest.mark.parametrize("term", TERMS, ids=lambda t: t.kind)
def test_compiled_proximal_maps_are_those_of_the_terms(term):
    from numopt.kernels.finite_sums import prox

    rng = np.random.default_rng(0)
    p = FiniteSum(np.eye(6), np.zeros(6), "squared", term)
    for t in (0.1, 2.0):
        v = rng.standard_normal(6)
        w = v.copy()
        prox(p._codes[1][0], w, t, *p._codes[1][1:])
        np.testing.assert_allclose(w, term.prox(v, t), atol=1e-15)


def test_blocks_wrap_around():
    p = FiniteSum(np.arange(10.0).reshape(5, 2) + 1.0, np.zeros(5))
    u, v = np.ones(2), np.zeros(2)
    expected = p.A[[4, 0]].T @ (p.A[[4, 0]] @ u) / 2
    np.testing.assert_allclose(p.difference(np.array([4, 0]), u, v), expected)


# -- counting --------------------------------------------------------------------------------------


def test_an_evaluation_is_n_components_and_a_difference_two():
    p = inclusions.lasso(100, 5)
    p.operator(p.x0)
    assert (p.counts.fun, p.counts.components) == (1, 100)
    p.difference(np.arange(30), p.x0, p.x0 + 1)
    assert (p.counts.fun, p.counts.components) == (2, 160)
    p.difference(np.arange(20), p.x0, p.x0 + 1)
    assert (p.counts.fun, p.counts.components) == (2, 200)


def test_calls_are_counted_as_the_users_functions_see_them():
    calls, q = {"full": 0, "parts": 0}, games.quadratic_saddle(20)

    def F(u):
        calls["full"] += 1
        return q.user_F(u)

    def F_diff(idx, u, v):
        calls["parts"] += 2 * len(idx)
        return q.F_diff(idx, u, v)

    p = Inclusion(F, identity, q.x0, F_diff=F_diff, n=20, check=False)
    res = numopt.solve(p, method="halpern_vr", rng=0, options={"maxiter": 5})
    assert res.counts["components"] == 20 * calls["full"] + calls["parts"]
    assert res.epochs == res.counts["components"] / 20
    assert res.nfev == np.ceil(res.epochs)


# -- problems --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "problem",
    [inclusions.auc(50, 4), inclusions.turning(60, 8), games.quadratic_saddle(20)],
    ids=["auc", "turning", "quadratic"],
)
def test_components_of_problems_average_to_the_operator(problem):
    rng = np.random.default_rng(0)
    u, v = rng.standard_normal((2, problem.n))
    each = [problem._difference(np.array([i]), u, v) for i in range(problem.components)]
    expected = problem._operator(u) - problem._operator(v)
    np.testing.assert_allclose(np.mean(each, axis=0), expected, atol=1e-12)


@pytest.mark.parametrize(
    "problem",
    [
        inclusions.auc(50, 4),
        inclusions.turning(60, 8),
        inclusions.constrained_qp(12, 4),
        inclusions.robust_least_squares(20, 4),
        inclusions.nash_cournot(),
        traffic.braess().problem,
        games.policeman(20),
        games.nemirovski(20),
    ],
)
def test_problems_are_monotone(problem):
    rng = np.random.default_rng(0)
    for _ in range(20):
        pair = (problem.resolvent(10.0 * rng.standard_normal(problem.n), 1.0) for _ in range(2))
        u, v = pair
        assert (problem._operator(u) - problem._operator(v)) @ (u - v) >= -1e-9


def test_the_two_forms_of_the_quadratic_saddle_have_one_solution():
    forms = games.quadratic_saddle(10), games.quadratic_saddle_point(10)
    solutions = [numopt.solve(p, rng=0, tol=1e-9).x for p in forms]
    np.testing.assert_allclose(*solutions, atol=1e-6)


def test_sioux_falls_has_its_trips():
    network = traffic.sioux_falls()
    assert network.k == 76
    total = sum(float(v) for v in traffic.SIOUX_FALLS_TRIPS.split())
    assert total == 3606.0


# -- refusals --------------------------------------------------------------------------------------


def inclusion(**changes):
    given = {"F": lambda u: u, "resolvent": identity, "x0": np.ones(3)} | changes
    return Inclusion(**given)


BAD = [
    ({"F": 3}, "`F` must be callable"),
    ({"x0": [np.nan, 0.0]}, "`x0`"),
    ({"F": lambda u: u[:2]}, "`F` returned shape"),
    ({"F": lambda u: np.full(3, np.nan)}, "`F` is not finite at `x0`"),
    ({"resolvent": lambda v, t: v[:1]}, "`resolvent` returned shape"),
    ({"resolvent": lambda v, t: 2.0 * v}, "not the resolvent of a monotone operator"),
    ({"resolvent": lambda v, t: v[[1, 0, 2]]}, "not the resolvent of a monotone operator"),
    ({"resolvent": lambda v, t: v / 0.0 if t > 0 else v}, "`resolvent` is not finite"),
    ({"F_batch": lambda idx, u: u}, "`n`, the number of components, is needed"),
    ({"n": 3}, "`n` needs `F_batch`"),
    ({"F_batch": lambda idx, u: u, "n": 0}, "`n` must be a positive whole number"),
    ({"F_batch": lambda idx, u: 2.0 * u, "n": 3}, "is not `F` at `x0`"),
    ({"F_batch": lambda idx, u: np.eye(3)[idx].sum(axis=0) * u, "n": 4}, "does not fit"),
    ({"L": -1.0}, "`L` must be positive"),
    ({"F_batch": lambda idx, u: u, "n": 2, "probs": [0.5, 0.6]}, "`probs` must be probabilities"),
]


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize(("changes", "match"), BAD, ids=[m for _, m in BAD])
def test_refused_inclusions(changes, match):
    with pytest.raises(ProblemError, match=match):
        inclusion(**changes)


REFUSED = {
    "no matrix": lambda: MatrixGame([1.0, 2.0]),
    "not finite": lambda: MatrixGame([[1.0, np.nan]]),
    "empty": lambda: MatrixGame(np.zeros((0, 3))),
    "sparse not finite": lambda: MatrixGame(csr_matrix([[1.0, np.inf]])),
    "words": lambda: MatrixGame([["a", "b"]]),
    "cost": lambda: LinearProgram([1.0], np.eye(2)),
    "crossed": lambda: LinearProgram([1.0, 1.0], np.eye(2), 1.0, 0.0),
    "crossed bounds": lambda: LinearProgram([1.0, 1.0], np.eye(2), 0.0, 1.0, 2.0, 1.0),
    "wrong infinity": lambda: LinearProgram([1.0, 1.0], np.eye(2), np.inf, np.inf),
    "p": lambda: SaddlePoint(np.eye(2), p=np.ones(3)),
    "prox": lambda: SaddlePoint(np.eye(2), 3.0),
    "loss": lambda: FiniteSum(np.eye(2), np.ones(2), "absolute"),
    "labels": lambda: FiniteSum(np.eye(2), np.array([0.0, 1.0]), "logistic"),
    "rows": lambda: FiniteSum(np.eye(2), np.ones(3)),
    "vector": lambda: FiniteSum(np.ones(2), np.ones(2)),
    "data": lambda: FiniteSum(np.full((2, 2), np.nan), np.ones(2)),
    "ridge": lambda: FiniteSum(np.eye(2), np.ones(2), ridge=-1.0),
    "groups": lambda: FiniteSum(np.eye(3), np.ones(3), "squared", Term("group", 1.0, size=2)),
    "term": lambda: Term("l0"),
    "weight": lambda: Term("l1", -1.0),
    "box": lambda: Term("box", lower=1.0, upper=0.0),
}


@pytest.mark.parametrize("build", REFUSED.values(), ids=REFUSED)
def test_refused_problems(build):
    with pytest.raises(ProblemError):
        build()


def test_a_product_of_the_wrong_shape_is_refused():
    class Wrong(ByProducts):
        def rmatvec(self, y):
            return A @ A.T @ y

    with pytest.raises(ProblemError, match="product"):
        MatrixGame(Wrong())
