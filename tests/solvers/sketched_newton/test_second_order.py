"""Quasi-Newton matrices, scaling, rounding, regularisation, limited memory."""

import numpy as np
import pytest
import scipy.sparse as sp
from newton_examples import INF, certified, problem, solve
from scipy.optimize import LinearConstraint

import cutest_problems
import numopt
from numopt import Status
from numopt.models.nlp import NLP
from numopt.solvers.sketched_newton import ROUNDING
from numopt.solvers.sketched_newton.newton import newton_step


@pytest.mark.parametrize("name", ["HS6", "HS35", "HS43", "HS7", "HS5", "HS28"])
def test_quasi_newton(name):
    from scipy.optimize import BFGS

    p = problem(name)
    rows = numopt.NonlinearRows(p.cons, p.cl, p.cu, lambda x: p.jac(x).toarray(), BFGS())
    given = {"lb": p.lb, "ub": p.ub, "constraints": [rows] if p.m else []}
    q = numopt.CallableNLP(p.fun, np.clip(p.x0, p.lb, p.ub), p.grad, BFGS(), **given)
    assert q.hess_kind == "quasi-newton"
    res = solve(q)
    assert res.success
    assert res.nhev == 0
    assert res.fun == pytest.approx(solve(p).fun, abs=1e-5)


class Scaled(NLP):
    """A problem with f multiplied by a factor."""

    def __init__(self, p, factor):
        super().__init__(p.x0, p.lb, p.ub, p.cl, p.cu)
        self.p, self.factor, self._cons, self._jac = p, factor, p._cons, p._jac

    def _fun(self, x):
        return self.factor * self.p._fun(x)

    def _grad(self, x):
        return self.factor * self.p._grad(x)

    def _hess(self, x, y):
        return self.factor * self.p._hess(x, y / self.factor)


@pytest.mark.parametrize("factor", [1e-12, 1e-6, 1e6, 1e12])
@pytest.mark.parametrize("name", ["HS1", "HS5", "HS110", "LEVYMONT", "HS35", "HS71", "HS99"])
def test_scaled_objectives(name, factor):
    p, q = problem(name), Scaled(problem(name), factor)
    res = solve(q)
    assert certified(q, res) if res.success else ROUNDING in res.message
    if factor > 1:
        np.testing.assert_allclose(res.fun / factor, solve(p).fun, rtol=1e-6, atol=1e-6)


def test_what_rounding_hides_is_told_and_no_success():
    res = solve(Scaled(problem("HS5"), 1e12))
    assert res.status is Status.SMALL_STEP
    assert ROUNDING in res.message
    assert solve(Scaled(problem("HS5"), 1e12), tol=1e-2).success


@pytest.mark.parametrize("lb", [-INF, -600.0])
def test_thousands_of_humps_are_passed_in_long_steps(lb):
    p = cutest_problems.load("GENHUMPS", compile=None)
    p.lb = np.full(p.n, lb)
    res = solve(p, tol=1e-5)
    assert certified(p, res, 1e-5)
    assert res.nit < 400
    assert abs(res.fun) < 1e-6


def test_rounding_does_not_excuse_an_unbounded_problem():
    assert solve(problem("INDEF")).status is Status.UNBOUNDED


BY_EQUATIONS = [
    "HS6",
    "HS7",
    "HS26",
    "HS39",
    "HS40",
    "HS46",
    "HS61",
    "HS77",
    "BT1",
    "BT11",
    "MARATOS",
]
BY_BOUNDS = ["HS1", "HS5", "HS10", "HS13", "HS15", "HS24", "HS35", "HS43", "HS71", "HS100", "HS104"]


@pytest.mark.parametrize("name", BY_EQUATIONS + BY_BOUNDS)
def test_gradient_regularization_solves_the_same_problems(name):
    p = problem(name)
    by_inertia, res = solve(p), solve(p, options={"regularization": "gradient"})
    assert certified(p, res)
    np.testing.assert_allclose(res.fun, by_inertia.fun, rtol=1e-4, atol=1e-4)


def test_gradient_shift():
    H, A = np.diag([1.0, -2.0, 3.0]), np.array([[1.0, 0.0, 1.0]])
    given = H, A, np.zeros(3), np.ones(3), np.ones(1), 0.0
    newton = newton_step(*given, ridge=4.0)
    assert newton.delta_w == 0
    K = np.block([[H + 4 * np.eye(3), A.T], [A, np.zeros((1, 1))]])
    np.testing.assert_allclose([*newton.dw, *newton.dy], np.linalg.solve(K, -np.ones(4)))
    assert newton_step(*given, ridge=0.5).delta_w > 1.5


def test_gradient_shift_fades_where_the_model_is_exact():
    res = solve(problem("HS28"), options={"regularization": "gradient"}, tol=1e-10)
    assert res.success
    assert 1 < res.nit <= 12
    assert res.state[2].inner.gamma == pytest.approx(10.0**res.nit)


def test_limited_memory_for_many_variables_without_second_derivatives():
    n = 900
    pairs = sp.diags_array([1.0, 1.0], offsets=[0, 1], shape=(n - 1, n), format="csr")
    products = numopt.NonlinearRows(lambda x: x[:-1] * x[1:], upper=0.2, sparsity=pairs)
    weights = 1.0 + np.arange(n) / n
    p = numopt.CallableNLP(
        lambda x: float(weights @ (x - 1) ** 2),
        np.zeros(n),
        lambda x: 2 * weights * (x - 1),
        lb=-1.0,
        ub=0.9,
        constraints=[products, numopt.LinearRows(np.ones((1, n)), n / 4, n / 4)],
    )
    assert p.hess_kind == "quasi-newton"
    res = solve(p)
    assert certified(p, res)
    assert res.nit < 100
    assert "approximated" in res.linear_solver
    inner = res.state[2].inner
    assert inner.strategy.get_matrix().V.shape[1] <= 20
    again = solve(p, state=solve(p, options={"maxiter": 5}).state)
    np.testing.assert_array_equal(again.x, res.x)


def test_restoration_with_limited_memory():
    n = 600
    ring = numopt.NonlinearRows(lambda x: np.array([x @ x, x[0] * x[1]]), [1.0, 0.4], [1.0, 0.4],
                                sparsity=np.ones((2, n)))  # fmt: skip
    start = np.r_[1e-3, -1e-3, np.full(n - 2, 1e-6)]
    p = numopt.CallableNLP(lambda x: x[2], start, lambda x: np.eye(n)[2], constraints=[ring])
    res = solve(p)
    assert certified(p, res, 1e-5)


def test_linear_programs_need_no_curvature():
    """The gradient never changes, so the quasi-Newton matrix must fade."""
    A = LinearConstraint([[1.0, 1.0, 1.0]], 1, 1)
    res = numopt.minimize(
        lambda x: x @ [1.0, 2.0, 3.0], [0.2, 0.3, 0.5], jac=lambda x: [1.0, 2.0, 3.0],
        bounds=[(0, None)] * 3, constraints=A,
    )  # fmt: skip
    assert res.success
    np.testing.assert_allclose(res.x, [1, 0, 0], atol=1e-5)
