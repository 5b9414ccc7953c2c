"""Published ways to treat constraints inside the dynamics."""

import numpy as np
import pytest
from cbo_examples import BOX, counted, plain
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, NonlinearConstraint

import numopt
from numopt import Status
from numopt.models.callable_nlp import CallableNLP, LinearRows, NonlinearRows
from numopt.problems.enclosed import ENCLOSED
from numopt.solvers.cbo.handling import Adaptive, Drifting, Projected, Ranked

HANDLINGS = ["adaptive", "rank", "drift"]
CASES = {case.name: case for case in ENCLOSED}
SHELL = NonlinearConstraint(lambda x: x @ x, 5.0, 6.0)
PLANE = LinearConstraint(np.ones((1, 3)), 1.5, 1.5)


def solve(case, handling, rng=0, **options):
    options = {"variant": "paper", "handling": handling, "maxfun": 15_000} | options
    return numopt.solve(CASES[case].problem(), method="cbo", options=options, rng=rng)


def constrained(constraints, fun=plain, **options):
    return numopt.minimize(
        fun, bounds=BOX, constraints=constraints, method="cbo", rng=0,
        options={"variant": "paper"} | options,
    )  # fmt: skip


def view(kind, rows, n=2, scale=None, rho=1.0, lb=-4.0, ub=6.0, fun=None):
    """Return a problem of a run as a handling sees it."""
    problem = CallableNLP(fun or plain, np.ones(n), lb=lb, ub=ub, constraints=rows).armed()
    best = np.inf, np.inf, problem.x0
    scale = np.ones(problem.m) if scale is None else np.array(scale)
    return kind(problem, scale, rho, 1e-6, 1.0, best)


@pytest.mark.parametrize("handling", HANDLINGS)
@pytest.mark.parametrize("case", ["g06", "townsend"])
def test_answers_are_feasible_and_good(case, handling):
    """Of six runs at least one finds the global minimum; all of them are feasible, recomputed."""
    problem, lowest = CASES[case].problem(), CASES[case].lowest
    values = []
    for rng in range(6):
        res = solve(case, handling, rng, maxfun=4000)
        assert problem.violation(res.x, problem.cons(res.x)) <= 1e-6
        assert res.fun == pytest.approx(problem.fun(res.x))
        values.append(res.fun)
        if res.fun <= lowest + 1e-4 * abs(lowest):
            break
    assert min(values) <= lowest + 0.25 * abs(lowest)


def test_projection_solves_linear_equations():
    runs = [solve("planes", "project", rng) for rng in range(4)]
    assert min(res.fun for res in runs) == pytest.approx(CASES["planes"].lowest, abs=1e-5)
    assert max(res.constr_violation for res in runs) <= 1e-9


def test_without_a_local_method_a_projected_answer_is_feasible():
    res = solve("planes", "project", polish="none", maxfun=6000)
    assert res.constr_violation <= 1e-9
    X = res.population
    A = np.array(CASES["planes"].rows.A)
    np.testing.assert_allclose(X @ A.T, np.tile([2.0, 1.0], (len(X), 1)), atol=1e-9)
    assert X.min() >= -4.0
    assert X.max() <= 6.0


def test_other_constraints_beside_a_projection_are_penalised():
    res = constrained([PLANE, SHELL], handling="project", maxfun=12_000)
    assert res.constr_violation <= 1e-6
    assert 5.0 - 1e-6 <= res.x @ res.x <= 6.0 + 1e-6
    assert res.x.sum() == pytest.approx(1.5, abs=1e-6)


@pytest.mark.parametrize("handling", [*HANDLINGS, "project"])
@pytest.mark.parametrize("maxfun", [1, 12, 33, 61, 200])
def test_budget_is_exact(handling, maxfun):
    (fun, calls), (row, rows) = counted(plain), counted(lambda x: x @ x)
    both = [NonlinearConstraint(row, 5.0, 6.0), PLANE]
    res = constrained(both, fun, handling=handling, maxfun=maxfun)
    assert len(calls) == res.nfev <= maxfun
    assert len(rows) == res.counts["cons"] <= maxfun
    assert np.isfinite(res.x).all()


@pytest.mark.parametrize("handling", HANDLINGS)
def test_no_feasible_point_is_never_a_success(handling):
    impossible = NonlinearConstraint(lambda x: x @ x, -2.0, -1.0)
    res = constrained(impossible, handling=handling, maxfun=3000)
    assert not res.success
    assert res.constr_violation >= 1.0
    assert res.status in (Status.INFEASIBLE, Status.MAX_FUN)


def test_inconsistent_equations_are_never_a_success():
    rows = LinearConstraint([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]], [1.0, 2.0], [1.0, 2.0])
    res = constrained(rows, handling="project", maxfun=3000)
    assert not res.success
    assert res.constr_violation >= 0.4


@pytest.mark.parametrize("handling", [*HANDLINGS, "project"])
def test_undefined_rows_are_no_feasible_points(handling):
    row = NonlinearConstraint(lambda x: np.nan if x[0] < 0.5 else x @ x, -np.inf, 30.0)
    res = constrained([row, PLANE], handling=handling, maxfun=4000)
    assert res.x[0] >= 0.5


@pytest.mark.parametrize("handling", ["rank", "drift"])
def test_same_seed_and_workers(handling):
    from concurrent.futures import ThreadPoolExecutor

    given = {"bounds": BOX, "constraints": SHELL, "method": "cbo", "rng": 4}
    given["options"] = {"variant": "paper", "handling": handling, "maxfun": 1500}
    one = numopt.minimize(plain, **given)
    with ThreadPoolExecutor(2) as pool:
        two = numopt.minimize(plain, workers=pool, **given)
    np.testing.assert_array_equal(one.x, two.x)
    assert (one.nfev, one.nit, one.counts) == (two.nfev, two.nit, two.counts)


def test_they_need_constraints():
    with pytest.raises(numopt.UnsupportedError, match="handling='rank' needs constraints"):
        numopt.minimize(
            plain, bounds=BOX, method="cbo", options={"variant": "paper", "handling": "rank"}
        )


def test_projection_needs_linear_equations():
    with pytest.raises(numopt.UnsupportedError, match="needs linear equations"):
        constrained(SHELL, handling="project")


# -- one by one -----------------------------------------------------------------------------------


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 2)), min_size=1, max_size=9))
def test_ranks_put_feasible_points_first(pairs):
    f, v = np.array(pairs, dtype=float).T
    ranks = view(Ranked, [NonlinearRows(lambda x: x[0], -np.inf, 0.0)]).penalised(f, v[:, None])
    assert sorted(ranks) == list(range(len(f)))
    for i in range(len(f)):
        for j in range(len(f)):
            if (v[i], f[i]) < (v[j], f[j]):
                assert ranks[i] < ranks[j]


def test_undefined_values_have_no_rank():
    seen = view(Ranked, [NonlinearRows(lambda x: x[0], -np.inf, 0.0)])
    ranks = seen.penalised(np.array([1.0, np.nan, 0.0]), np.array([[0.0], [0.0], [1e-9]]))
    np.testing.assert_array_equal(ranks, [1.0, np.nan, 0.0])  # 1e-9 is feasible


def test_the_weight_of_the_penalty_grows_where_the_consensus_is_infeasible():
    from types import SimpleNamespace

    from numopt.solvers.cbo.constrained import State

    seen = view(Adaptive, [NonlinearRows(lambda x: x[0], -np.inf, 0.0)], scale=[2.0], rho=5.0)
    seen.latest = np.array([[4.0], [0.0]])
    inner = SimpleNamespace(alpha=1.0, f=np.array([0.0, 1.0]))
    s = State(inner, None, None, 5.0, None, 0.0, 0, False, None, 1.0)
    new = seen.adapted(s)  # the mean square is 4 / (1 + 1 / e) > 1
    assert new.rho == pytest.approx(5.5)
    assert new.theta == pytest.approx(1.0 / 1.1)
    inner.f = np.array([50.0, 0.0])
    new = seen.adapted(s)
    assert new.rho == 5.0
    assert new.theta == pytest.approx(1.1)
    inner.f = np.array([np.nan, np.nan])
    assert seen.adapted(s) == s


def test_the_implicit_drift_is_the_step_with_the_hessian():
    """(I + 2 dt / eps J'J) (x_new - x) = d - 2 dt / eps J'u for the violated rows."""
    from types import SimpleNamespace

    rows = [
        NonlinearRows(lambda x: [x[0] ** 2 + x[1], x[0] - 9.0], -np.inf, 0.0,
                      jac=lambda x: [[2 * x[0], 1.0], [1.0, 0.0]]),
    ]  # fmt: skip
    seen = view(Drifting, rows, scale=[2.0, 1.0])
    x, d = np.array([1.0, 0.5]), np.array([0.3, -0.2])
    s = SimpleNamespace(X=np.array([x, [-1.0, -3.0]]))
    X = seen.settled(SimpleNamespace(dt=0.02), s, s.X + d, np.arange(2))
    J, u = np.array([[2.0, 1.0]]) / 2.0, np.array([0.75])
    factor = 2.0 * 0.02 / 0.01
    expected = np.linalg.solve(np.eye(2) + factor * J.T @ J, d - factor * J.T @ u)
    np.testing.assert_allclose(X[0], x + expected)
    np.testing.assert_allclose(X[1], s.X[1] + d)  # feasible: only moved
    assert seen.problem.counts.jac == 1


def test_first_particles_lie_on_the_equations_and_in_the_box():
    rows = [LinearRows(np.ones((1, 4)), 10.0, 10.0)]
    seen = view(Projected, rows, n=4)
    X = seen.first(np.random.default_rng(0).uniform(-4.0, 6.0, (50, 4)))
    np.testing.assert_allclose(X.sum(axis=1), 10.0, atol=1e-6)
    assert X.min() >= -4.0
    assert X.max() <= 6.0


def test_moves_on_the_equations_end_at_the_bounds_of_the_box():
    from types import SimpleNamespace

    seen = view(Projected, [LinearRows(np.ones((1, 2)), 2.0, 2.0)])
    c = np.array([1.0, 1.0])
    s = SimpleNamespace(x=c)
    X = seen.settled(None, s, np.array([[30.0, 0.0], [2.0, 1.0], [0.0, 9.0]]), np.arange(2))
    np.testing.assert_allclose(X[0], [6.0, -4.0])  # on the line, at the corner
    np.testing.assert_allclose(X[1], [1.5, 0.5])
    np.testing.assert_array_equal(X[2], [0.0, 9.0])  # not asked for


def test_fixed_variables_are_not_moved_by_the_projection():
    rows = [LinearRows([[1.0, 1.0, 1.0]], 3.0, 3.0)]
    seen = view(Projected, rows, n=3, lb=[-4.0, 2.0, -4.0], ub=[6.0, 2.0, 6.0])
    X = seen.first(np.array([[5.0, 2.0, 1.0]]))
    np.testing.assert_allclose(X, [[2.5, 2.0, -1.5]])
