"""Every rule with every update and partition: monotone, right, and as cheap as it should be."""

from functools import cache
from itertools import product

import numpy as np
import pytest
from scipy.sparse import csr_matrix, diags_array, eye_array, kron, random_array

import numopt
from numopt import (
    L1,
    MCP,
    SCAD,
    BoxConstraint,
    Composite,
    ElasticNet,
    GroupL2,
    LeastSquares,
    Logistic,
    Multinomial,
    OptionError,
    ProblemError,
    QuadForm,
    SparseGroup,
    Status,
    UserProx,
)
from numopt.solvers.bcd.objective import Units
from numopt.solvers.bcd.selection import BLIND, PROXIMAL, SMOOTH, unit_scores
from numopt.solvers.bcd.steps import UPDATES

N = 8
BLOCKS = {
    "natural": {"blocks": 3, "order": "natural"},
    "sorted": {"blocks": 3, "order": "sorted"},
    "random": {"blocks": 2, "order": "random"},
    "alternating": {"blocks": 4, "order": "alternating"},
    "list": {"blocks": [np.array([0, 5, 2]), np.array([1, 3, 4, 6, 7])]},
    "variable": {"blocks": "variable", "block_size": 3},
}
COMBINATIONS = list(product(SMOOTH + PROXIMAL + BLIND, UPDATES, BLOCKS))


def data(seed, m=30):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(m, N)) * rng.uniform(0.7, 1.5, N)
    return X, X @ rng.normal(size=N) + rng.normal(size=m)


def smooth_problem(seed):
    """Return a problem and its solution."""
    X, y = data(seed)
    if seed % 2:
        H = X.T @ X + 0.1 * np.eye(N)
        return Composite(QuadForm(H, X.T @ y)), np.linalg.solve(H, X.T @ y)
    return Composite(LeastSquares(X, y)), np.linalg.lstsq(X, y)[0]


@cache
def penalised_problem(seed):
    """Return a problem with a separable penalty and its solution, by plain coordinate descent."""
    X, y = data(seed)
    lam = 0.2 * np.abs(X.T @ y).max()
    penalty = [L1(lam), BoxConstraint(-0.5, 0.3), ElasticNet(lam, 0.5), L1(lam, positive=True)]
    P = Composite(LeastSquares(X, y), penalty[seed % 4])
    p, x, H = P.penalty, np.zeros(N), X.T @ X
    for _ in range(500):
        for j in range(N):
            step = 1.0 / H[j, j]
            g = H[j] @ x - X[:, j] @ y
            x[j] = p.prox(np.array([x[j] - step * g]), step, np.array([j]))[0]
    return P, x


def solved(P, rng=0, maxiter=20_000, tol=1e-11, **options):
    options |= {"maxiter": maxiter, "tol": tol}
    return numopt.solve(P, method="bcd", options=options, rng=rng, history=True)


def assert_right(res, x, name):
    assert res.success, (name, res.message)
    fun = np.array(res.history.fun)
    assert (np.diff(fun) <= 1e-12 * (1.0 + np.abs(fun[1:]))).all(), name
    np.testing.assert_allclose(res.x, x, atol=1e-8, err_msg=str(name))


@pytest.mark.parametrize(
    "penalty",
    [L1(2.0), ElasticNet(1.0, 3.0), MCP(1.5), SCAD(1.5), GroupL2(2.0, 2), SparseGroup(2.0, 1.0, 4)],
)
def test_changes_by_unit_add_up(penalty):
    rng = np.random.default_rng(1)
    p = penalty.bound(N)
    for x, y in 4.0 * rng.normal(size=(20, 2, N)) * (rng.random((20, 2, N)) < 0.7):
        assert p.change(x, y).sum() == pytest.approx(p.value(y) - p.value(x), abs=1e-12)


def run(problem, rule, update, blocks):
    P, x = problem
    res = solved(P, selection=rule, update=update, tol=1e-10, **BLOCKS[blocks])
    assert_right(res, x, (rule, update, blocks))


@pytest.mark.parametrize("update", UPDATES)
def test_each_rule_update_and_partition(update):
    for i, (rule, _, blocks) in enumerate(c for c in COMBINATIONS if c[1] == update):
        run(smooth_problem(i % 20), rule, update, blocks)


@pytest.mark.parametrize("update", [u for u in UPDATES if u != "newton"])
def test_each_proximal_rule(update):
    rules = [c for c in COMBINATIONS if c[1] == update and c[0] in PROXIMAL + BLIND]
    for i, (rule, _, blocks) in enumerate(rules):
        run(penalised_problem(i % 20), rule, update, blocks)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(20))
def test_all_combinations_on_each_problem(seed):
    for rule, update, blocks in COMBINATIONS:
        run(smooth_problem(seed), rule, update, blocks)
        if rule not in SMOOTH and update != "newton":
            run(penalised_problem(seed), rule, update, blocks)


def random_laplacian(seed, n=40):
    rng = np.random.default_rng(seed)
    W = random_array((n, n), density=0.08, rng=rng)
    W = csr_matrix(W + W.T)
    W.setdiag(0.0)
    W.eliminate_zeros()
    degree = np.asarray(W.sum(axis=1)).ravel()
    return csr_matrix(diags_array(degree + rng.uniform(0.1, 1.0, n)) - W), rng.normal(size=n)


@pytest.mark.parametrize("blocks", ["red_black", "forest", "greedy_forest", "random_forest"])
@pytest.mark.parametrize("update", [None, "matrix"])
def test_structured_blocks(blocks, update):
    for seed in range(5):
        A, b = random_laplacian(seed)
        res = solved(Composite(QuadForm(A, b)), blocks=blocks, update=update)
        assert_right(res, np.linalg.solve(A.toarray(), b), (blocks, seed))


@pytest.mark.parametrize("selection", ["gs", "gsd"])
def test_greedy_forests_by_both_scores(selection):
    A, b = random_laplacian(9)
    res = solved(Composite(QuadForm(A, b)), blocks="greedy_forest", selection=selection)
    assert_right(res, np.linalg.solve(A.toarray(), b), selection)


# -- guarantees ------------------------------------------------------------------------------


def best_progress(H, G, partition_size):
    """Return max_b |G_b|^2 / L_b and max_b G_b' H_b^-1 G_b over blocks in natural order."""
    blocks = [np.arange(s, min(s + partition_size, N)) for s in range(0, N, partition_size)]
    bounds = [G[b] @ G[b] / np.linalg.eigvalsh(H[np.ix_(b, b)])[-1] for b in blocks]
    exact = [G[b] @ np.linalg.solve(H[np.ix_(b, b)], G[b]) for b in blocks]
    return max(bounds), max(exact)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("size", [1, 3])
def test_guaranteed_progress(seed, size):
    X, y = data(seed)
    P, H = Composite(LeastSquares(X, y)), X.T @ X
    bound, exact = best_progress(H, -X.T @ y, size)
    common = {"blocks": size, "order": "natural", "maxiter": 1}
    by_gradient = solved(P, selection="gsl", update="gradient", **common)
    by_matrix = solved(P, selection="gsq", update="matrix", **common)
    start = 0.5 * y @ y
    assert by_gradient.fun <= start - 0.5 * bound * (1 - 1e-10)
    assert by_matrix.fun == pytest.approx(start - 0.5 * exact, rel=1e-7)
    others = [solved(P, selection=r, update="matrix", **common).fun for r in ("gs", "gsl", "gsd")]
    assert by_matrix.fun <= min(others) + 1e-7 * start


@pytest.mark.parametrize("seed", range(10))
def test_variable_gsq_makes_the_progress_of_gsd(seed):
    X, y = data(seed)
    P = Composite(LeastSquares(X, y))
    common = {"blocks": "variable", "block_size": 3, "update": "matrix", "maxiter": 1}
    gsq, gsd = (solved(P, selection=rule, **common).fun for rule in ("gsq", "gsd"))
    assert gsq <= gsd * (1 + 1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_proximal_scores_vanish_at_the_solution_only(seed):
    P, x = penalised_problem(seed)
    loss, units = P.loss, Units(None, N)
    L = loss.lipschitz()
    for rule in PROXIMAL:
        at = unit_scores(rule, x, loss.gradient(loss.state(x)), L, P.penalty, units)
        assert at.max() <= 1e-9 * (1.0 + L.max()), rule
        off = P.penalty.prox(x + 0.05, 0.0)
        away = unit_scores(rule, off, loss.gradient(loss.state(off)), L, P.penalty, units)
        assert away.max() > 1e-6, rule


def test_proximal_scores_of_groups_vanish_at_the_solution():
    X, y = data(3)
    P = Composite(LeastSquares(X, y), GroupL2(0.3 * np.linalg.norm(X.T @ y), 4))
    x, units = solved(P, update="gradient").x, Units(P.penalty.groups, N)
    G, L = P.loss.gradient(P.loss.state(x)), np.full(2, np.linalg.norm(X, 2) ** 2)
    for rule in PROXIMAL:
        assert unit_scores(rule, x, G, L, P.penalty, units).max() <= 1e-8
        assert unit_scores(rule, x + 0.1, G + 1.0, L, P.penalty, units).max() > 1e-6


# -- other losses and penalties --------------------------------------------------------------


def grouped_reference(P):
    """Return the minimiser by many proximal gradient steps."""
    x, L = np.zeros(P.n), np.linalg.norm(P.loss.design.X, 2) ** 2
    for _ in range(3000):
        x = P.penalty.prox(x - P.loss.gradient(P.loss.state(x)) / L, 1.0 / L)
    return x


@pytest.mark.parametrize("selection", ["gs-q", "gs-r", "gsl-r", "gs-s", "shuffle"])
@pytest.mark.parametrize("blocks", [1, 2, "variable"])
def test_groups(selection, blocks):
    X, y = data(5)
    groups = [np.array([0, 3]), np.array([1, 2, 7]), np.array([4, 5, 6])]
    lam = 0.2 * np.linalg.norm(X.T @ y)
    P = Composite(LeastSquares(X, y), SparseGroup(lam, 0.1 * lam, groups))
    res = solved(P, selection=selection, blocks=blocks, block_size=2)
    assert_right(res, grouped_reference(P), (selection, blocks))


def test_exact_updates_of_groups():
    X, y = data(6)
    P = Composite(LeastSquares(X, y), GroupL2(0.2 * np.linalg.norm(X.T @ y), 3))
    res = solved(P, update="exact", blocks=1)
    assert_right(res, grouped_reference(P), "exact")
    assert res.nit < solved(P, update="gradient", blocks=1).nit


@pytest.mark.parametrize("penalty", [MCP(2.0), SCAD(2.0)])
def test_concave_penalties_end_at_stationary_points(penalty):
    X, y = data(7)
    res = solved(Composite(LeastSquares(X, y), penalty), blocks=1, update="gradient")
    assert res.success
    assert res.kkt <= 1e-9 * np.abs(X.T @ y).max()


def test_a_proximal_map_of_the_user():
    X, y = data(8)
    P = Composite(
        LeastSquares(X, y),
        UserProx(lambda v, step, b: np.maximum(v, 0.0), lambda x: 0.0),
    )
    res = solved(P, selection="gs-r", blocks=2, update="gradient")
    box = solved(Composite(LeastSquares(X, y), BoxConstraint(0.0)), blocks=2)
    np.testing.assert_allclose(res.x, box.x, atol=1e-8)


def logistic(seed, penalty=None):
    X, y = data(seed, m=60)
    return Composite(Logistic(X, np.where(y + 5 * np.sin(np.arange(60)) > 0, 1.0, -1.0)), penalty)


@pytest.mark.parametrize("update", ["gradient", "matrix", "newton", "proximal_newton"])
@pytest.mark.parametrize("blocks", ["variable", 3])
@pytest.mark.parametrize("selection", ["gsq", "gsd", "shuffle"])
def test_logistic(update, blocks, selection):
    P = logistic(1)
    res = solved(P, update=update, blocks=blocks, block_size=3, selection=selection, tol=1e-10)
    best = solved(P, update="newton", blocks=N)
    assert_right(res, best.x, (update, blocks, selection))


@pytest.mark.parametrize("update", ["gradient", "matrix", "proximal_newton", "two_metric"])
def test_sparse_logistic(update):
    P = logistic(2, L1(4.0))
    res = solved(P, update=update, blocks="variable", block_size=3, tol=1e-10)
    best = solved(P, update="gradient", blocks=1, tol=1e-12)
    assert_right(res, best.x, update)
    np.testing.assert_array_equal(res.active_set, np.flatnonzero(best.x))
    assert 0 < res.identified_at <= res.nit


def test_one_variable_exactly():
    P = logistic(3)
    res = solved(P, update="exact", blocks=1, selection="gsd", tol=1e-10)
    assert_right(res, solved(P, update="newton", blocks=N).x, "exact")
    assert res.nit <= solved(P, update="gradient", blocks=1, selection="gsd", tol=1e-10).nit


@pytest.mark.parametrize("update", ["gradient", "matrix", "newton"])
def test_multinomial(update):
    rng = np.random.default_rng(0)
    X, k = rng.normal(size=(50, 4)), 3
    Y = np.eye(k)[rng.integers(k, size=50)]
    P = Composite(Multinomial(X, Y))
    res = solved(P, update=update, blocks="variable", block_size=4, selection="gsd", tol=1e-9)
    assert res.success
    assert (np.diff(res.history.fun) <= 1e-12 * 60).all()
    assert res.fun == pytest.approx(solved(P, update="newton", blocks=12, tol=1e-9).fun, rel=1e-10)


def test_constants_that_are_estimated_doubled_and_kept():
    P, x = smooth_problem(2)
    res = solved(P, lipschitz="adaptive", update="gradient", blocks=2, maxiter=50_000, tol=1e-10)
    assert_right(res, x, "adaptive")
    true = P.loss.lipschitz()
    assert (res.state[2].lipschitz <= 2.0 * max(1.0, 2 * np.linalg.norm(data(2)[0], 2) ** 2)).all()
    assert res.state[2].lipschitz.max() >= true.max() / 2.0


def test_constants_that_are_given_or_bounded_cheaply():
    P, x = smooth_problem(4)
    L = P.loss.lipschitz()
    for options in ({"lipschitz": L}, {"bound": "trace"}, {"bound": "rowsum"}):
        res = solved(P, update="gradient", blocks=2, selection="gsl", **options)
        assert_right(res, x, options)


def test_published_scores_are_sums_of_moduli():
    P, x = smooth_problem(1)
    assert_right(solved(P, blocks=3, selection="gsd", score_norm=1), x, 1)


# -- what it costs ---------------------------------------------------------------------------


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
    P, _ = smooth_problem(2)
    calls = counting(P)
    solved(P, selection="gsd", blocks="variable", block_size=2, maxiter=50, tol=1e-15)
    assert calls["full"] == 52


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


# -- mistakes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"blocks": "stripes"}, "`blocks` must be"),
        ({"selection": "greedy"}, "`selection` must be one of"),
        ({"update": "magic"}, "`update` must be one of"),
        ({"order": "odd"}, "`order` must be one of"),
        ({"bound": "none"}, "`bound` must be one of"),
        ({"score_norm": 3}, "`score_norm` must be one of"),
        ({"block_size": 0}, "`block_size` must be"),
        ({"refresh": 0}, "`refresh` must be"),
        ({"jac_block": 3}, "`jac_block` must be callable"),
        ({"refresh": 2, "selection": "shuffle"}, "`refresh` is for fixed blocks"),
        ({"refresh": 2, "blocks": "variable"}, "`refresh` is for fixed blocks"),
        ({"blocks": 0}, "`blocks` must be"),
        ({"lipschitz": "guess"}, "`lipschitz` must be"),
        ({"lipschitz": -1.0}, "`lipschitz` must be"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(OptionError, match=message):
        solved(smooth_problem(0)[0], **options)


@pytest.mark.parametrize(
    ("penalty", "options", "message"),
    [
        (L1(1.0), {"selection": "gs"}, "knows no penalty"),
        (L1(1.0), {"update": "newton", "selection": "gs-q"}, "no place for a penalty"),
        (MCP(1.0), {"update": "matrix"}, "separable penalty"),
        (GroupL2(1.0, 2), {"update": "exact", "blocks": 2}, "one group each"),
        (GroupL2(1.0, 2), {"update": "two_metric"}, "separable penalty"),
    ],
)
def test_combinations_that_make_no_sense(penalty, options, message):
    with pytest.raises(OptionError, match=message):
        solved(Composite(LeastSquares(*data(0)), penalty), **options)


def test_exact_updates_need_a_quadratic():
    with pytest.raises(OptionError, match="needs a quadratic loss"):
        solved(logistic(0), update="exact", blocks=2)


def test_forests_need_a_sparse_quadratic_form():
    for blocks in ("forest", "red_black", "greedy_forest", "random_forest"):
        with pytest.raises(ProblemError, match="sparse matrix"):
            solved(smooth_problem(0)[0], blocks=blocks)


def test_blocks_take_whole_groups():
    P = Composite(LeastSquares(*data(0)), GroupL2(1.0, 4))
    with pytest.raises(ProblemError, match="part of a group"):
        solved(P, blocks=[np.arange(3), np.arange(3, 8)])


def test_no_progress_ends_the_run():
    P = Composite(QuadForm(np.eye(2), np.zeros(2)), None)
    res = numopt.solve(P, [1e-320, 0.0], method="bcd", options={"blocks": 1, "tol": 5e-324})
    assert res.status in (Status.SMALL_STEP, Status.CONVERGED)


# -- compiled loops --------------------------------------------------------------------------


@pytest.mark.parametrize("penalty", [None, L1(0.3), ElasticNet(0.1, 0.5), BoxConstraint(-0.2, 0.1)])
@pytest.mark.parametrize("selection", ["gs-s", "gs-r", "gsl-r", "gs-q"])
def test_many_updates_in_one_iteration_are_the_same_updates(penalty, selection):
    A, b = random_laplacian(4)
    P = Composite(QuadForm(A, b), penalty)
    common = {"blocks": "variable", "block_size": 1, "selection": selection, "tol": 1e-15}
    slow, fast = solved(P, **common, maxiter=60), solved(P, **common, maxiter=3, inner=20)
    np.testing.assert_allclose(fast.x, slow.x, atol=1e-12)
    assert fast.nepoch == slow.nepoch
    end = solved(P, **common | {"tol": 1e-9}, inner=200)
    assert end.success
    assert (np.diff(end.history.fun) <= 1e-12).all()


@pytest.mark.parametrize("selection", ["gs", "gsl", "gsd"])
def test_many_updates_by_smooth_rules(selection):
    A, b = random_laplacian(5)
    res = solved(Composite(QuadForm(A, b)), blocks=1, selection=selection, inner=100, tol=1e-10)
    assert_right(res, np.linalg.solve(A.toarray(), b), selection)


def test_a_greedy_update_visits_the_neighbours_alone():
    from numopt.kernels import greedy

    A, b = random_laplacian(6)
    n, free = len(b), np.full(len(b), np.inf)
    x, G, zero = np.zeros(n), -b, np.zeros(n)
    visited = greedy.descend(
        A.indptr, A.indices, A.data, G, x, A.diagonal(), -free, free, zero, zero, greedy.MOVE, 50
    )
    assert visited <= 50 * np.diff(A.indptr).max()
    np.testing.assert_allclose(G, A @ x - b, atol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {"blocks": 2, "inner": 5},
        {"blocks": 1, "inner": 5, "selection": "shuffle"},
        {"blocks": 1, "inner": 5, "update": "newton"},
        {"blocks": 1, "inner": 0},
    ],
)
def test_many_updates_need_single_variables_and_a_greedy_rule(options):
    A, b = random_laplacian(7)
    with pytest.raises(OptionError, match="inner"):
        solved(Composite(QuadForm(A, b)), **options)
    with pytest.raises(OptionError, match="inner"):
        solved(smooth_problem(0)[0], blocks=1, selection="gs", inner=5)


# -- without options -------------------------------------------------------------------------


def test_box_constrained_quadratics_are_solved_by_newton_steps():
    rng = np.random.default_rng(0)
    Q = np.linalg.qr(rng.normal(size=(150, 150)))[0]
    A = (Q * np.geomspace(1.0, 1e6, 150)) @ Q.T
    A = 0.5 * (A + A.T)
    P = Composite(QuadForm(A, 2.0 * A @ rng.normal(size=150)), BoxConstraint(-1.0, 1.0))
    res = numopt.solve(P, tol=1e-10)
    assert res.success
    assert res.nit < 60
    g = A @ res.x - P.loss.b
    assert (np.abs(g[np.abs(res.x) < 1.0]) <= 1e-9 * np.abs(P.loss.b).max()).all()
    assert (g[res.x == 1.0] <= 0.0).all()
    assert (g[res.x == -1.0] >= 0.0).all()


def test_singular_quadratics_with_bounds():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(30, 80)), rng.normal(size=30)
    for penalty in (BoxConstraint(0.0), L1(2.0)):
        res = numopt.solve(Composite(QuadForm(X.T @ X, X.T @ y), penalty), tol=1e-9)
        ref = numopt.solve(Composite(LeastSquares(X, y), penalty), tol=1e-12)
        assert res.success
        assert res.fun + 0.5 * y @ y == pytest.approx(ref.fun, rel=1e-8, abs=1e-8)


def test_a_quadratic_without_a_penalty_takes_one_step():
    A, b = random_laplacian(8)
    res = numopt.solve(Composite(QuadForm(A, b)))
    assert res.success
    assert res.nit == 1


@pytest.mark.parametrize("penalty", [None, BoxConstraint(-0.3, np.inf), L1(1e-4)])
def test_large_sparse_quadratics_stay_sparse(penalty):
    n = 40
    T = diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(n, n))
    A = csr_matrix(kron(T, eye_array(n)) + kron(eye_array(n), T))
    P = Composite(QuadForm(A, np.full(n * n, -8.0 / n**2)), penalty)
    res = numopt.solve(P, tol=1e-10)
    assert res.success
    assert res.nit < 20
    assert P.penalty.distance(A @ res.x - P.loss.b, res.x).max() <= 1e-10


def test_points_far_out_have_no_value_and_raise_nothing():
    X, Y = np.ones((3, 2)), np.eye(3)
    loss = Composite(Multinomial(X, Y), intercept=True).loss
    with np.errstate(all="ignore"):
        assert not np.isfinite(loss.value(loss.state(np.full(6, 1e308) * [1, -1, 1, 1, -1, 1])))
