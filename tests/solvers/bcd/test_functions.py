"""Block coordinate descent on plain functions: what is called, how often, and what comes out."""

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der, rosen_hess

import numopt
from numopt import OptionError, ProblemError, UnsupportedError
from numopt.problems.pde_control import load

N = 6
WEIGHTS = np.linspace(1.0, 3.0, N)


class Convex:
    """sum_j w_j (x_j - 1)^2 / 2 + log(sum_j exp(x_j)), with counters."""

    def __init__(self):
        self.fun_calls = self.jac_calls = self.hess_calls = 0
        self.asked = []

    def fun(self, x):
        self.fun_calls += 1
        return 0.5 * WEIGHTS @ (x - 1.0) ** 2 + np.log(np.exp(x).sum())

    def gradient(self, x):
        return WEIGHTS * (x - 1.0) + np.exp(x) / np.exp(x).sum()

    def jac(self, x):
        self.jac_calls += 1
        return self.gradient(x)

    def jac_block(self, x, b):
        self.asked.append(len(b))
        return self.gradient(x)[b]

    def hess_block(self, x, b):
        self.hess_calls += 1
        p = np.exp(x) / np.exp(x).sum()
        return np.diag(WEIGHTS[b] + p[b]) - np.outer(p[b], p[b])


def minimise(f, options, **kwargs):
    options = {"blocks": 2, "tol": 1e-6} | options
    return numopt.minimize(f.fun, np.zeros(N), method="bcd", options=options, rng=0, **kwargs)


SOLUTION = minimise(Convex(), {"tol": 1e-11}, jac=Convex().jac).x


@pytest.mark.parametrize("selection", ["random", "cyclic", "shuffle"])
def test_blind_rules_call_the_block_gradient_alone(selection):
    f = Convex()
    res = minimise(f, {"jac_block": f.jac_block, "selection": selection}, jac=f.jac)
    assert res.success
    np.testing.assert_allclose(res.x, SOLUTION, atol=1e-6)
    assert f.jac_calls == 0
    assert f.asked.count(N) <= 3  # the checks at the end
    assert res.njev == len(f.asked)
    assert res.nfev == f.fun_calls


def test_block_hessians_are_used_where_they_are_given():
    f = Convex()
    options = {"jac_block": f.jac_block, "hess_block": f.hess_block, "selection": "cyclic"}
    res = minimise(f, options)
    assert res.success
    assert f.hess_calls == res.nhev == res.nit
    np.testing.assert_allclose(res.x, SOLUTION, atol=1e-6)


@pytest.mark.parametrize("selection", ["gs", "gsd", "gs-q"])
def test_greedy_rules_call_the_gradient(selection):
    f = Convex()
    res = minimise(f, {"selection": selection, "update": "gradient"}, jac=f.jac)
    assert res.success
    assert res.njev == f.jac_calls
    np.testing.assert_allclose(res.x, SOLUTION, atol=1e-6)


def test_scores_are_renewed_block_by_block():
    f = Convex()
    options = {"selection": "gs", "refresh": 1, "jac_block": f.jac_block, "update": "gradient"}
    res = minimise(f, options)
    assert res.success
    assert f.asked.count(N) <= 3
    assert len(f.asked) <= 2 * res.nit + 5


@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_without_derivatives_a_block_costs_its_size_and_one(blocks):
    f = Convex()
    options = {"blocks": blocks, "maxiter": 10, "update": "gradient", "lipschitz": 5.0}
    res = minimise(f, options)
    # x0, and in each iteration the new point and the differences along the next block
    assert res.nfev == f.fun_calls == 1 + blocks + 10 * (blocks + 1)
    assert res.nhev == res.njev == 0


def test_without_derivatives_it_converges():
    res = minimise(Convex(), {"tol": 1e-5})
    assert res.success
    np.testing.assert_allclose(res.x, SOLUTION, atol=1e-5)


@pytest.mark.parametrize("selection", ["shuffle", "gs-s", "gs-r", "gs-q"])
@pytest.mark.parametrize("update", ["gradient", "proximal_newton", "two_metric"])
@pytest.mark.parametrize("blocks", [2, "variable"])
def test_bounds(selection, update, blocks):
    f = Convex()
    options = {"selection": selection, "update": update, "blocks": blocks, "block_size": 2}
    bounds = [(0.6, None), (None, 0.2), (0.0, 2.0), (None, None), (1.0, 1.0), (-1.0, 0.8)]
    start, seen = np.array([0.8, 0.1, 1.0, 1.0, 1.0, 0.5]), []

    def fun(x):
        seen.append(x.copy())
        return f.fun(x)

    res = numopt.minimize(
        fun, start, jac=f.jac, bounds=bounds, method="bcd", options=options, tol=1e-8, rng=0
    )
    ref = numopt.minimize(f.fun, start, jac=f.jac, bounds=bounds, tol=1e-9)
    assert res.success
    assert res.certificate == "kkt"
    np.testing.assert_allclose(res.x, ref.x, atol=1e-6)
    low, high = np.array([(a or -9e9, b or 9e9) for a, b in bounds], dtype=float).T
    low[2] = 0.0
    assert all(((x >= low) & (x <= high)).all() for x in seen)
    g = f.gradient(res.x)
    free = (res.x > low) & (res.x < high)
    assert np.abs(g[free]).max(initial=0.0) <= 1e-8
    multipliers = res.multipliers
    np.testing.assert_allclose(g - multipliers["lower"] + multipliers["upper"], 0.0, atol=1e-8)


def test_differences_stay_inside_the_bounds():
    seen = []

    def fun(x):
        seen.append(x.copy())
        return rosen(x)

    res = numopt.minimize(
        fun, [0.2, 0.2], bounds=[(0.2, 0.5)] * 2, method="bcd", tol=1e-4, options={"blocks": 1}
    )
    assert res.success
    assert all(((x >= 0.2) & (x <= 0.5)).all() for x in seen)


@pytest.mark.parametrize("given", [{"jac": rosen_der, "hess": rosen_hess}, {"jac": rosen_der}])
def test_newton_on_the_whole_vector_needs_few_iterations(given):
    res = numopt.minimize(rosen, np.full(5, -1.0), method="bcd", **given)
    assert res.success
    assert res.nit < 50


def test_any_nonlinear_program_without_constraints():
    problem = load(3)
    with pytest.raises(UnsupportedError, match="eq"):
        numopt.solve(problem, method="bcd")


def test_alternating_least_squares():
    rng = np.random.default_rng(0)
    Y, r = rng.normal(size=(8, 2)) @ rng.normal(size=(2, 7)), 2
    users, items = np.arange(8 * r), np.arange(8 * r, 15 * r)

    def split(x):
        return x[users].reshape(8, r), x[items].reshape(7, r)

    def fun(x):
        U, V = split(x)
        return 0.5 * np.sum((Y - U @ V.T) ** 2) + 0.1 * (x @ x)

    def jac(x):
        U, V = split(x)
        R = U @ V.T - Y
        return np.concatenate([(R @ V).ravel(), (R.T @ U).ravel()]) + 0.2 * x

    def block_solve(x, b):
        U, V = split(x)
        F, T = (V, Y) if b[0] == 0 else (U, Y.T)
        return np.linalg.solve(F.T @ F + 0.2 * np.eye(r), F.T @ T.T).T.ravel()

    options = {"blocks": [users, items], "block_solve": block_solve, "selection": "cyclic"}
    res = numopt.minimize(
        fun, rng.normal(size=30), jac=jac, method="bcd", options=options, tol=1e-6, history=True
    )
    assert res.success
    assert (np.diff(res.history.fun) <= 1e-12).all()


def test_a_block_solver_that_raises_the_objective_is_told():
    f = Convex()
    with pytest.raises(ProblemError, match="raised the objective"):
        minimise(f, {"block_solve": lambda x, b: x[b] + 9.0}, jac=f.jac)


def test_a_block_solver_of_the_wrong_shape_is_told():
    f = Convex()
    with pytest.raises(ProblemError, match="expected"):
        minimise(f, {"block_solve": lambda x, b: np.zeros(5)}, jac=f.jac)


@pytest.mark.parametrize("name", ["jac_block", "hess_block"])
def test_block_functions_of_the_wrong_shape_are_told(name):
    f = Convex()
    options = {"jac_block": f.jac_block, "hess_block": f.hess_block}
    with pytest.raises(ProblemError, match=name):
        minimise(f, options | {name: lambda x, b: np.zeros(5)})


def test_matrix_updates_need_a_bound():
    f = Convex()
    with pytest.raises(OptionError, match="bound of its Hessian"):
        minimise(f, {"update": "matrix"}, jac=f.jac)
    with pytest.raises(OptionError, match="bound of its Hessian"):
        minimise(f, {"selection": "gsq"}, jac=f.jac)


def test_a_function_that_is_undefined_somewhere():
    res = numopt.minimize(
        lambda x: np.nan if x[0] <= 0.0 else x[0] - np.log(x[0]) + x[1] ** 2,
        [0.4, 3.0],
        jac=lambda x: np.array([1.0 - 1.0 / x[0], 2.0 * x[1]]),
        method="bcd",
        options={"update": "gradient", "blocks": 1},
    )
    assert res.success
    np.testing.assert_allclose(res.x, [1.0, 0.0], atol=1e-5)
