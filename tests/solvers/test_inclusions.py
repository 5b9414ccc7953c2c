"""Methods for inclusions: certificates, guarantees, restarts, the claims, and bad operators."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import csr_matrix

import numopt
from numopt import FiniteSum, Inclusion, LinearProgram, MatrixGame, Status, Term, solve
from numopt.core.loop import Run
from numopt.problems import games, inclusions, traffic
from numopt.solvers.inclusions import halpern_vr

METHODS = ("rhpdhg", "extragradient", "halpern_vr")


def identity(v, t):
    return v


def recomputed(problem, res):
    """Return |F(u) + g| and the distance of g from G(u)."""
    u, g = res.x, res.g
    return np.linalg.norm(problem._operator(u) + g), np.linalg.norm(
        u - problem.resolvent(u + g, 1.0)
    )


# -- certificates ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("maxiter", [0, 3, 20])
def test_residual_is_recomputed_from_scratch(method, maxiter):
    problem = games.policeman(30)
    res = solve(problem, method=method, rng=0, options={"maxiter": maxiter})
    residual, error = recomputed(problem, res)
    assert residual == pytest.approx(res.residual, rel=1e-12, abs=1e-12)
    if maxiter:
        assert error <= 1e-12
    natural = problem.natural(res.x, problem._operator(res.x))
    assert natural <= residual + 1e-12


@pytest.mark.parametrize("options", [{}, {"estimator": "svrg"}, {"schedule": "paper"}])
def test_residual_of_sums_is_recomputed_from_scratch(options):
    problem = inclusions.lasso(300, 10)
    res = solve(problem, rng=0, tol=1e-8, options=options)
    residual, error = recomputed(problem, res)
    assert res.success
    assert residual == pytest.approx(res.residual, abs=1e-12)
    assert error <= 1e-12


def test_gap_brackets_the_value_of_the_game():
    problem = games.gaussian(20)
    A, n = problem.A.K, 20
    rows = np.column_stack([A, -np.ones(n)])
    value = linprog(
        np.append(np.zeros(n), 1.0), rows, np.zeros(n), [np.append(np.ones(n), 0.0)], [1.0],
        bounds=[(0, None)] * n + [(None, None)],
    ).fun  # fmt: skip
    res = solve(problem, tol=1e-9, options={"criterion": "gap"})
    assert res.success
    assert res.gap <= 1e-9
    assert abs(res.fun - value) <= res.gap + 1e-12
    assert "duality gap" in res.message


def test_a_false_element_of_G_is_no_success():
    solver, problem = numopt.RHPDHG(), games.policeman(10)
    it = solver.report(problem, solver.init(problem, problem.x0, Run(problem)), Run(problem))
    forged = it._replace(fields=lambda: it.fields() | {"g": -problem._operator(it.x)})
    assert solver.verify(problem, forged)[1] > 1e-3


def test_relative_criterion_is_relative_to_the_start():
    problem = inclusions.lasso(200, 8)
    res = solve(problem, rng=0, tol=1e-3, options={"criterion": "relative"})
    assert res.success
    assert res.residual <= 1e-3 * res.first_residual


def test_gap_is_refused_where_there_is_none():
    with pytest.raises(numopt.UnsupportedError, match="no duality gap"):
        solve(inclusions.lasso(20, 3), options={"criterion": "gap"})
    with pytest.raises(numopt.OptionError, match="no derivatives"):
        solve(games.policeman(5), options={"check_derivatives": "once"})


# -- answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("term", ["none", "l1", "box", "simplex", "group"])
@pytest.mark.parametrize("loss", ["squared", "logistic", "smooth_hinge", "squared_hinge"])
def test_sums_and_deterministic_methods_agree(loss, term):
    rng = np.random.default_rng(0)
    A = rng.standard_normal((200, 4))
    b = np.sign(A @ [1.0, -1.0, 0.0, 0.5] + 0.5 * rng.standard_normal(200))
    g = {
        "none": Term(),
        "l1": Term("l1", 0.05),
        "box": Term("box", lower=-0.1, upper=0.3),
        "simplex": Term("simplex", 0.7),
        "group": Term("group", 0.05, size=2),
    }[term]
    problem = FiniteSum(A, b, loss, g, ridge=0.01)
    first = solve(problem, rng=0, tol=1e-8)
    second = solve(problem, rng=0, tol=1e-8, method="extragradient")
    assert first.success
    assert second.success
    np.testing.assert_allclose(first.x, second.x, atol=1e-5)
    assert first.fun == pytest.approx(second.fun, abs=1e-9)


def test_lasso_reaches_the_solution_of_coordinate_descent():
    problem = inclusions.lasso(200, 8)
    A, b, lam = problem.A, problem.b, problem.term.weight
    x, n = np.zeros(8), len(b)
    for _ in range(300):
        for j in range(8):
            r = b - A @ x + A[:, j] * x[j]
            z = A[:, j] @ r / n
            x[j] = np.sign(z) * max(abs(z) - lam, 0.0) / (A[:, j] @ A[:, j] / n)
    res = solve(problem, rng=0, tol=1e-11)
    np.testing.assert_allclose(res.x, x, atol=1e-10)


def test_sparse_and_structured_games_are_the_dense_ones():
    dense = games.policeman(60)
    others = games.policeman(60, structured=True), MatrixGame(csr_matrix(dense.A.K))
    options = {"criterion": "gap"}
    results = [solve(p, tol=1e-6, options=options) for p in (dense, *others)]
    assert all(res.success for res in results)
    assert np.ptp([res.fun for res in results]) < 1e-6


@pytest.mark.parametrize("variant", ["eg", "forb", "eag", "ehalpern"])
def test_variants_of_extragradient(variant):
    problem = inclusions.auc(100, 4)
    res = solve(problem, rng=0, tol=1e-7, method="extragradient", options={"variant": variant})
    assert res.success
    assert np.linalg.norm(problem._operator(res.x)) <= 1e-7


def test_braess():
    network = traffic.braess()
    res = solve(network.problem, rng=0)
    assert res.success
    np.testing.assert_allclose(network.flows(res.primal), [4, 2, 2, 4, 2], atol=1e-4)
    assert -res.dual[0] == pytest.approx(92.0, abs=1e-4)  # time of every used route


def test_nash_cournot_is_an_equilibrium():
    problem = inclusions.nash_cournot(5)
    res = solve(problem, rng=0, tol=1e-8)
    assert res.success
    assert np.abs(problem._operator(res.x)[res.x > 0.1 + 1e-6]).max() < 1e-7


def test_constrained_qp_against_its_conditions():
    problem = inclusions.constrained_qp(20, 5)
    res = solve(problem, rng=0, tol=1e-7)
    r = problem.p + problem.grad_x(res.primal) + problem.K.K.T @ res.dual
    assert res.success
    assert np.abs(np.minimum(res.primal, r)).max() < 1e-6
    assert np.abs(problem.K.K @ res.primal + problem.q).max() < 1e-6


# -- linear programs -------------------------------------------------------------------------------


def random_program(m, n, seed):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((m, n)) * (rng.uniform(size=(m, n)) < 0.3)
    x = np.maximum(rng.standard_normal(n), 0.0)
    z = np.maximum(rng.standard_normal(n), 0.0) * (x == 0.0)
    return A, A @ x, A.T @ rng.standard_normal(m) + z


@pytest.mark.parametrize("options", [{}, {"criterion": "relative"}, {"metric": "none"}])
@pytest.mark.parametrize("form", [np.array, csr_matrix])
def test_programs_against_highs(form, options):
    A, b, c = random_program(15, 30, 1)
    res = solve(LinearProgram(c, form(A), b, b), tol=1e-6, options=options)
    assert res.success
    assert res.fun == pytest.approx(linprog(c, A_eq=A, b_eq=b).fun, abs=1e-4)
    assert res.dual_value == pytest.approx(res.fun, abs=1e-4)


@pytest.mark.parametrize("weight", ["fixed", "adaptive"])
def test_infeasible_program_has_a_ray(weight):
    p = LinearProgram([1.0, 1.0], [[1.0, 1.0], [1.0, 1.0]], [2.0, -np.inf], [np.inf, 1.0])
    res = solve(p, options={"weight": weight})
    assert res.status == Status.INFEASIBLE
    assert not res.success
    np.testing.assert_allclose(res.ray, [-1.0, 1.0], atol=1e-5)
    assert p.proves_infeasible(res.ray)
    assert not p.proves_infeasible(-res.ray)


@pytest.mark.parametrize("seed", range(3))
def test_random_infeasible_programs(seed):
    rng = np.random.default_rng(seed)
    y, A = rng.standard_normal(6), rng.standard_normal((6, 12))
    A -= np.outer(y, np.maximum(y @ A, 0.0) + 0.1) / (y @ y)  # y'A < 0 and y'b > 0
    res = solve(LinearProgram(rng.standard_normal(12), A, y, y), options={"maxiter": 20_000})
    assert res.status == Status.INFEASIBLE


def test_unbounded_program_has_a_ray():
    p = LinearProgram([-1.0, 0.0], [[1.0, -1.0]], -np.inf, 1.0)
    res = solve(p)
    assert res.status == Status.UNBOUNDED
    assert p.proves_unbounded(res.ray)
    assert not p.proves_unbounded(-res.ray)


# -- the two traps ---------------------------------------------------------------------------------


def recording(problem, **changes):
    """Return a copy of an inclusion that records its evaluations."""
    log = []

    def F(u):
        log.append(("full", u.copy(), None))
        return problem.user_F(u)

    def F_diff(idx, u, v):
        log.append(("difference", u.copy(), v.copy()))
        return problem.F_diff(idx, u, v)

    given = {"n": problem.components, "cocoercive": problem.cocoercive} | changes
    return Inclusion(F, identity, problem.x0, F_diff=F_diff, check=False, **given), log


def test_differences_start_where_the_estimate_was_formed():
    problem, log = recording(inclusions.turning(400, 8), L=3.0)
    solve(
        problem, method="halpern_vr", rng=0, options={"maxiter": 20, "refresh": 0.3, "tol": 1e-14}
    )
    kinds = {(a[0], b[0]) for a, b in pairwise(log)}
    assert ("full", "difference") in kinds
    assert ("difference", "difference") in kinds
    for before, now in pairwise(log):
        if now[0] == "difference":
            np.testing.assert_array_equal(now[2], before[1])


def test_svrg_takes_differences_to_the_latest_full_evaluation():
    problem, log = recording(inclusions.turning(400, 8), L=3.0)
    options = {"maxiter": 20, "estimator": "svrg", "refresh": 0.3, "tol": 1e-14}
    solve(problem, method="halpern_vr", rng=0, options=options)
    snapshot = None
    for kind, u, v in log:
        if kind == "difference":
            np.testing.assert_array_equal(v, snapshot)
        else:
            snapshot = u


def test_inner_snapshots_are_the_newest_points():
    problem, log = recording(games.quadratic_saddle(60), L=1.0)
    solve(problem, method="halpern_vr", rng=0, options={"maxiter": 3, "tol": 1e-14})
    full = [u for kind, u, _ in log if kind == "full"]
    assert len(full) > 20
    # Differences refer to the full evaluations in their order: none is taken up again.
    used = [tuple(v) for kind, _, v in log if kind == "difference"]
    order = {tuple(u): k for k, u in enumerate(full)}
    positions = [order[v] for v in used]
    assert positions == sorted(positions)


# -- schedules, restarts, guards -------------------------------------------------------------------


def test_published_probabilities():
    n = 100
    assert [halpern_vr.published_probability(k, n) for k in (0, 1)] == [1.0, 1.0]
    assert halpern_vr.published_probability(2, n) == pytest.approx(4 / 6)
    assert halpern_vr.published_probability(11, n) == pytest.approx(4 / 15)
    assert halpern_vr.published_probability(12, n) == pytest.approx(4 / 15)


def test_expected_cost_of_the_published_schedule():
    n, rng = 5000, np.random.default_rng(0)
    solver = numopt.HalpernVR(schedule="paper")
    counts = [solver._differences(n, 10_000, rng) for _ in range(2000)]
    iterations = np.sum(counts) + len(counts)
    cost = len(counts) * n + 2 * solver._batch(n) * np.sum(counts)
    assert cost / iterations == pytest.approx(6 * np.sqrt(n), rel=0.1)


def test_too_long_steps_are_halved():
    problem = inclusions.lasso(300, 10)
    res = solve(problem, rng=0, tol=1e-7, options={"step_factor": 50.0})
    assert res.success
    assert 4 * problem.curvature < res.L


def test_an_operator_that_is_not_monotone_is_remarked():
    A = np.array([[1.0, 0.0], [0.0, -0.5]])
    problem = Inclusion(lambda u: A @ u, lambda v, t: np.clip(v, -1.0, 1.0), [0.3, 0.2])
    res = solve(problem, rng=0, options={"maxiter": 50})
    assert "not monotone" in res.message
    assert res.message.count("not monotone") == 1


@pytest.mark.parametrize("method", ["extragradient", "halpern_vr"])
@pytest.mark.parametrize("cocoercive", [True, False])
def test_undefined_operator_ends_the_run(method, cocoercive):
    calls = []

    def F(u):
        calls.append(1)
        return u if len(calls) < 12 else np.full(3, np.nan)

    problem = Inclusion(F, identity, np.ones(3), cocoercive=cocoercive, check=False)
    res = solve(problem, method=method, rng=0, tol=1e-300)
    assert res.status == Status.NONFINITE
    assert np.isfinite(res.x).all()


def test_exceptions_reach_the_user_or_end_the_run():
    def F(u):
        raise ZeroDivisionError("mine")

    problem = Inclusion(F, identity, np.ones(3), check=False)
    with pytest.raises(ZeroDivisionError, match="mine"):
        solve(problem)
    res = solve(problem, options={"on_error": "nan"})
    assert res.status == Status.NONFINITE
    assert "ZeroDivisionError" in res.message


def test_degenerate_game():
    res = solve(games.nemirovski(20, exponent=1.0))  # the centred matrix is zero
    assert res.success
    assert res.fun == pytest.approx(20 / 39)


def test_budget_is_exact_in_compiled_code():
    problem = inclusions.logistic(2000, 5)
    for maxfun in (2, 3, 5):
        res = solve(problem, rng=0, tol=1e-14, options={"maxfun": maxfun})
        assert res.status == Status.MAX_FUN
        assert res.counts["components"] <= 2000 * maxfun


# -- claims ----------------------------------------------------------------------------------------


def test_policeman_to_residual_1e_4_in_at_most_500_epochs():
    res = solve(games.policeman(500), tol=1e-4)
    assert res.success
    assert res.epochs <= 250


def test_policeman_value():
    res = solve(games.policeman(500), tol=1e-8, options={"criterion": "gap"})
    assert res.success
    assert abs(res.fun - 0.001891482838) <= 1e-8


def test_a_hundred_thousand_houses():
    res = solve(games.policeman(100_000, structured=True), tol=1e-4, options={"criterion": "gap"})
    assert res.success
    assert res.gap <= 1e-4


def test_restarts_on_the_quadratic_saddle():
    res = solve(games.quadratic_saddle_point(200), tol=1e-10, options={"maxfun": 20_000})
    assert res.success


def test_rate_without_restarts():
    options = {"variant": "eag", "restart": False, "maxfun": 5000}
    problem = games.quadratic_saddle(60)
    res = solve(problem, rng=0, method="extragradient", options=options, tol=1e-14, history=True)
    epochs, residual = np.array(res.history["epochs"]), np.array(res.history["residual"])
    late = epochs > 100
    assert np.polyfit(np.log(epochs[late]), np.log(residual[late]), 1)[0] <= -0.9


def test_lasso_in_at_most_1152_epochs_over_twenty_seeds():
    problem = inclusions.lasso(4000, 100)
    epochs = [solve(problem, rng=seed, tol=1e-8).epochs for seed in range(20)]
    assert max(epochs) <= 1152 / 4
    assert max(epochs) <= 2 * np.median(epochs)
    assert min(epochs) >= np.median(epochs) / 2


def fista_passes(problem, tol):
    """Return the evaluations that accelerated proximal gradients with restarts need."""
    L, x = problem.curvature, problem.x0
    y, t, passes = x, 1.0, 0
    while True:
        w = y - problem._operator(y) / L
        passes += 1
        new = problem.resolvent(w, 1 / L)
        if L * np.linalg.norm(y - new) <= tol:
            return passes
        t = 1.0 if (y - new) @ (new - x) > 0 else t
        following = (1 + np.sqrt(1 + 4 * t * t)) / 2
        x, y, t = new, new + (t - 1) / following * (new - x), following


def test_variance_reduction_needs_a_fraction_of_the_passes_of_fista():
    problem = inclusions.logistic(300_000, 20, seed=5)
    tol = 1e-3 * np.linalg.norm(problem._operator(problem.x0))
    passes = fista_passes(problem, tol)
    for anchor in (True, False):
        res = solve(problem, rng=0, tol=tol, options={"anchor": anchor})
        assert res.success
        assert res.epochs <= 0.35 * passes
