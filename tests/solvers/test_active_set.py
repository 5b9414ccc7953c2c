"""The active-set method: how fast it is, what it does not get on with, warm starts."""

from functools import cache, partial

import numpy as np
import pytest

import cutest_problems
import numopt
from numopt import Status

INF = np.inf
solve = partial(numopt.solve, method="sketched_newton", rng=0)


@cache
def problem(name):
    return cutest_problems.load(name, compile=None)


def solved(name, **options):
    return solve(problem(name), options={"inequalities": "active_set", **options})


# -- the path --------------------------------------------------------------------------------------

FAST = {
    "HS4": 3, "HS5": 8, "HS15": 8, "HS21": 3, "HS24": 6, "HS35": 3, "HS43": 8, "HS71": 8,
    "HS76": 3, "HS86": 6, "HS108": 12, "HS113": 9, "HS118": 3, "TORSION1": 5, "OPTMASS": 20,
}  # fmt: skip


@pytest.mark.parametrize(("name", "most"), FAST.items())
def test_few_evaluations(name, most):
    res = solved(name)
    assert res.success
    assert res.inequalities == "active_set: as demanded"
    assert max(res.nfev, res.counts["cons"]) <= most


@pytest.mark.parametrize("name", ["HS21", "HS35", "HS76", "HS118"])
def test_a_convex_quadratic_program_takes_one_step(name):
    assert solved(name).nit == 1


@pytest.mark.parametrize("name", ["SIPOW1", "PT"])
def test_many_linear_rows(name):
    """Linear programs in two variables with hundreds of rows are solved by their first one."""
    res = solve(problem(name))
    assert res.success
    assert res.nit == 1


def test_the_last_steps_converge_quadratically():
    history = numopt.solve(
        problem("HS71"), method="sketched_newton", options={"tol": 1e-13}, history=True
    ).history
    error = np.maximum(history.optimality, history.constr_violation)
    assert error[-2] < 1e-3
    assert error[-1] < 1e-8


@pytest.mark.parametrize("name", ["HS13", "HS55", "HS116", "SNAKE"])
def test_degenerate_and_badly_scaled(name):
    """Without the usual qualifications it does no worse than the barrier."""
    one, other = solved(name), solve(problem(name), options={"inequalities": "barrier"})
    assert one.success >= other.success


def test_equations_only():
    res = solved("HS40")
    assert res.success
    assert res.fun == pytest.approx(-0.25)


def test_an_inconsistent_linearisation():
    """At the start x^2 >= 4 and |x| <= 3 look infeasible together within any small radius."""
    rows = numopt.NonlinearRows(lambda x: x @ x, lower=4.0, jac=lambda x: 2 * x)
    p = numopt.CallableNLP(lambda x: x[0], [1e-3], lambda x: [1.0], lb=-3, ub=3, constraints=[rows])
    res = solve(p)
    assert res.success
    assert abs(res.x[0]) >= 2.0 - 1e-6


def test_undefined_points_are_refused():
    p = numopt.CallableNLP(
        lambda x: -np.log(x[0]) + x[0] + (x[1] - 1.0) ** 2,
        [0.01, 5.0],
        lambda x: [1.0 - 1.0 / x[0], 2.0 * (x[1] - 1.0)],
        ub=[INF, 4.0],
    )
    with np.errstate(invalid="ignore"):
        res = solve(p)
    assert res.success
    np.testing.assert_allclose(res.x, 1.0, atol=1e-5)


def test_without_derivatives():
    rows = numopt.NonlinearRows(lambda x: x @ x, upper=1.0)
    p = numopt.CallableNLP(lambda x: x[0] + 2 * x[1], [0.1, 0.1], constraints=[rows])
    res = solve(p, options={"tol": 1e-5})
    assert res.success
    assert res.inequalities.startswith("active_set")
    np.testing.assert_allclose(res.x, -np.array([1.0, 2.0]) / np.sqrt(5.0), atol=1e-4)


def test_the_same_answer_from_a_saved_state():
    whole = solved("HS113")
    half = solved("HS113", maxiter=3)
    assert half.status is Status.MAX_ITER
    rest = solve(problem("HS113"), state=half.state, options={"inequalities": "active_set"})
    np.testing.assert_array_equal(rest.x, whole.x)


# -- when it gives up ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("BIGGSC4", "stationary point that is no minimum"),
        ("BLOCKQP1", "stationary point that is no minimum"),
        ("MDHOLE", "too little progress"),
        ("COSHFUN", "its steps"),
    ],
)
def test_the_barrier_takes_over(name, why):
    res = solve(problem(name))
    assert res.success
    assert res.inequalities.startswith("barrier: took over from active_set")
    assert why in res.inequalities


def test_infeasible_problems_end_with_a_certificate():
    res = solved("BURKEHAN")
    assert res.status is Status.INFEASIBLE
    assert res.infeasibility["residual"] <= 1e-6


def test_an_unbounded_problem():
    p = numopt.CallableNLP(lambda x: -(x[0] ** 3), [1.0], lambda x: -3 * x**2, lb=0.0)
    assert solve(p).status is Status.UNBOUNDED


def test_all_variables_fixed():
    p = numopt.CallableNLP(lambda x: x @ x, [1.0, 2.0], lambda x: 2 * x, lb=[1, 2], ub=[1, 2])
    assert solve(p, options={"inequalities": "active_set"}).success


# -- the choice ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("HS71", {}, "active_set: n = 4, m = 2 is small"),
        ("HS71", {"inequalities": "barrier"}, "barrier: as demanded"),
        ("HS71", {"regularization": "gradient"}, "barrier: regularization"),
        ("HS40", {}, "barrier: not needed"),
    ],
)
def test_the_choice_is_told(name, options, told):
    res = solve(problem(name), options=options)
    assert res.success
    assert res.inequalities.startswith(told)


def test_large_problems_have_a_barrier():
    n = 400
    p = numopt.CallableNLP(lambda x: x @ x, np.ones(n), lambda x: 2 * x, lb=0.5)
    assert "is large" in solve(p).inequalities


def test_more_equations_than_variables():
    rows = numopt.NonlinearRows(lambda x: [x[0], x[0] ** 2], 1.0, 1.0)
    p = numopt.CallableNLP(lambda x: x[0], [0.9], lb=0.0, constraints=[rows])
    assert "more equations" in solve(p, options={"tol": 1e-5}).inequalities


def test_contradictory_options():
    with pytest.raises(numopt.OptionError, match="regularization"):
        solved("HS71", regularization="gradient")
    with pytest.raises(numopt.OptionError, match="is for variant='auto'"):
        solve(problem("HS40"), options={"variant": "paper", "inequalities": "barrier"})
    with pytest.raises(numopt.UnsupportedError, match="needs the Hessian as a matrix"):
        solved("HS71", linear_solver="minres")


# -- warm starts -----------------------------------------------------------------------------------


def tilted(name, size):
    """Return the problem with a slightly different objective and slightly moved rows."""
    p = cutest_problems.load(name, compile=None)
    rng, moved = np.random.default_rng(0), cutest_problems.load(name, compile=None)
    tilt, shift = size * rng.standard_normal(p.n), size * rng.standard_normal(p.m)
    moved._fun = lambda x: p._fun(x) + tilt @ x
    moved._grad = lambda x: p._grad(x) + tilt
    moved._cons = lambda x: p._cons(x) + shift
    return moved


@pytest.mark.parametrize("name", ["HS12", "HS43", "HS71", "HS76", "HS100", "HS113", "HS118"])
def test_a_perturbed_problem_takes_three_steps(name):
    first = solve(problem(name))
    options = {"multipliers": first.multipliers}
    again = solve(tilted(name, 1e-3), first.x, options=options)
    assert again.success
    assert again.nit <= 3
    assert again.inequalities.startswith("active_set")
