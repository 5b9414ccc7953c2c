"""The practical method with each of its linear solvers."""

import numpy as np
import pytest

import cutest_problems
import numopt
from numopt.bench.experiments.linear_algebra import Control, RidgeLogistic, rows, samples
from numopt.problems import pde_control

MODES = ["minres", "projected_cg", "nystrom"]


def solve(problem, linear_solver, **options):
    options["linear_solver"] = linear_solver
    return numopt.solve(problem, method="sketched_newton", options=options, rng=0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "name", ["BT11", "HS28", "HS42", "MARATOS", "HS71", "HS35", "HS43", "HS5", "RSNBRNE", "HS39"]
)
def test_products_are_enough(mode, name):
    problem = cutest_problems.load(name, compile=None)
    res, exact = solve(problem, mode), solve(problem, "exact")
    assert res.success
    assert res.fun == pytest.approx(exact.fun, rel=1e-4, abs=1e-4)
    assert res.counts["hess"] == 0
    assert res.counts["hessp"] > 0
    assert res.linear_solver == f"{mode}: as demanded"


@pytest.mark.parametrize("mode", MODES)
def test_restoration_without_a_hessian(mode):
    """Contradicting constraints: the end of the restoration is a least-squares point."""
    problem = numopt.CallableNLP(
        lambda x: x @ x, [3.0, 2.0], lambda x: 2 * x, lambda x: 2 * np.eye(2),
        constraints=[
            numopt.NonlinearRows(lambda x: x[0] ** 2 + x[1] ** 2, -np.inf, 1.0,
                jac=lambda x: 2 * x, hess=lambda x, v: 2 * v[0] * np.eye(2)),
            numopt.LinearRows([[1.0, 1.0]], 3.0, np.inf),
        ],
    )  # fmt: skip
    res = solve(problem, mode)
    assert not res.success
    assert res.constr_violation > 0.1


def test_control_problem_in_a_few_steps():
    problem = Control(12)
    exact, res = solve(problem, "exact"), solve(problem, "minres")
    assert res.success
    np.testing.assert_allclose(res.x, exact.x, atol=1e-5)
    assert res.counts["hessp"] <= 30


def smooth_control(p, N):
    """The control problem with a penalty on the gradient of the control."""
    W, Z = p.variables((N, N), start=1.0), p.variables((N, N), start=1.0)
    down, across, h = Z[1:] - Z[:-1], Z[:, 1:] - Z[:, :-1], 2.0 / (N + 1)
    slopes = (np.sum(down**2) + np.sum(across**2)) / h**2
    p.minimize(np.sum((W - pde_control.target(N)) ** 2) + 0.1 * (np.sum(Z**2) + slopes))
    side, top = np.zeros((N, 1)), np.zeros((1, N))
    left, right = np.hstack([side, W[:, :-1]]), np.hstack([W[:, 1:], side])
    above, below = np.vstack([top, W[:-1]]), np.vstack([W[1:], top])
    p.equal((left + right + above + below - 4 * W) / h**2 + Z)


def test_incomplete_factors_save_products():
    problem = numopt.PartiallySeparable.trace(smooth_control, N=16)
    exact, diagonal, res = (solve(problem, s) for s in ("exact", "minres", "incomplete"))
    assert res.success
    np.testing.assert_allclose(res.x, exact.x, atol=1e-4)
    assert res.counts["hessp"] < diagonal.counts["hessp"] / 4
    assert solve(pde_control.load(12), "incomplete").counts["hessp"] <= 10


@pytest.mark.parametrize("name", ["BT11", "HS28", "HS42", "MARATOS", "HS71", "HS35", "HS5", "HS39"])
def test_incomplete_factors_for_any_constraints(name):
    problem = cutest_problems.load(name, compile=None)
    res, exact = solve(problem, "incomplete"), solve(problem, "exact")
    assert res.success
    assert res.fun == pytest.approx(exact.fun, rel=1e-4, abs=1e-4)


def test_incomplete_factors_need_entries():
    problem = numopt.CallableNLP(
        lambda x: x @ x, np.ones(3), lambda x: 2 * x, hessp=lambda x, v: 2 * v
    )
    with pytest.raises(numopt.UnsupportedError, match="incomplete"):
        solve(problem, "incomplete")


def test_exact_linear_solver_says_what_it_did():
    res = solve(Control(3), "auto")
    assert res.linear_solver == "exact (dense, n + m = 27): the Hessian is available"
    res = solve(Control(16), "exact")
    assert res.linear_solver.startswith("exact (")
    assert res.linear_solver.endswith("n + m = 768): as demanded")


def test_auto_spares_the_hessian_where_only_products_are_given():
    n = 600
    d = 1.0 + np.arange(n) / n
    problem = numopt.CallableNLP(
        lambda x: 0.5 * x @ (d * x) - x.sum(), np.zeros(n), lambda x: d * x - 1.0,
        hessp=lambda x, v: d * v,
    )  # fmt: skip
    res = solve(problem, "auto")
    assert res.success
    np.testing.assert_allclose(res.x, 1 / d, atol=1e-5)
    assert res.linear_solver.startswith("projected_cg: no `hess`")
    assert res.counts["hessp"] < 60


def test_auto_updates_where_constraints_have_no_second_derivatives():
    rows = numopt.NonlinearRows(lambda x: x @ x, -np.inf, 4.0)
    problem = numopt.CallableNLP(
        lambda x: 0.5 * x @ x - x.sum(), np.zeros(501), lambda x: x - 1.0,
        hessp=lambda x, v: v, constraints=[rows],
    )  # fmt: skip
    assert not problem.only_products
    assert solve(problem, "auto", maxiter=1).linear_solver.startswith("exact")


def test_products_of_a_finite_sum(rng):
    problem = RidgeLogistic(samples(60, 8, rng), 1e-2)
    x, V = rng.standard_normal(8), rng.standard_normal((8, 3))
    H = problem.hess(x).toarray()
    np.testing.assert_allclose(problem.hess_products(x, None, V), H @ V, atol=1e-13)
    assert problem.counts.hessp == 3
    np.testing.assert_allclose(problem.hessp(x, None, V[:, 0]), H @ V[:, 0], atol=1e-13)
    h = 1e-6
    slope = (problem.grad(x + h * V[:, 0]) - problem.grad(x - h * V[:, 0])) / (2 * h)
    np.testing.assert_allclose(slope, H @ V[:, 0], atol=1e-8)


def test_quasi_newton_problems_are_refused():
    problem = numopt.CallableNLP(lambda x: x @ x, [1.0, 2.0])
    with pytest.raises(numopt.UnsupportedError, match="minres"):
        solve(problem, "minres")


@pytest.mark.parametrize(("variant", "name"), [("paper", "minres"), ("auto", "countsketch")])
def test_options_that_do_not_go_together(variant, name):
    with pytest.raises(numopt.OptionError, match="linear_solver"):
        numopt.SketchedNewton(variant=variant, linear_solver=name)


def test_report_of_the_experiments():
    lines = list(rows(samples_=200, features=20, sizes=(), grids=(4,)))
    assert sum("CONVERGED" in line for line in lines) >= 5
    assert not any("FAILED" in line for line in lines)
