"""Constrained Newton: its parts by hand, its hard cases, and the claims of its paper."""

from functools import cache, partial

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import LinearConstraint

import cutest_problems
import numopt
from numopt import Status
from numopt.models.kkt import kkt_residual
from numopt.models.nlp import NLP
from numopt.models.transforms import EqualityForm, gradient_scales
from numopt.solvers.sketched_newton import ROUNDING, merit
from numopt.solvers.sketched_newton.barrier import Barrier, longest_positive, push_inside
from numopt.solvers.sketched_newton.filter import GAMMA_THETA, Filter
from numopt.solvers.sketched_newton.newton import least_squares_multipliers, newton_step

INF = np.inf
solve = partial(numopt.solve, method="sketched_newton", rng=0)


@cache
def problem(name, **params):
    return cutest_problems.load(name, compile=None, **dict(params))


# -- the merit function ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["BT11", "ORTHREGB"])
@pytest.mark.parametrize("eta", [(0.0, 0.0), (1.0, 0.1), (300.0, 0.01)])
def test_slope_of_the_merit_function(name, eta, rng):
    p = problem(name)
    form = EqualityForm(p, *gradient_scales(p, p.x0), 500)
    w, y = p.x0 + 0.1 * rng.standard_normal(p.n), rng.standard_normal(p.m)

    def merit_at(w, y):
        return merit.value(form.f(w), form.C(w), form.g(w) + form.A(w).T @ y, y, *eta)

    for _ in range(4):
        dw, dy = rng.standard_normal(p.n), rng.standard_normal(p.m)
        g_L = form.g(w) + form.A(w).T @ y
        slope = merit.slope_parts(form.C(w), form.A(w), form.H(w, y), g_L, dw, dy).at(*eta)
        h = 1e-6
        difference = (merit_at(w + h * dw, y + h * dy) - merit_at(w - h * dw, y - h * dy)) / (2 * h)
        assert slope == pytest.approx(difference, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("name", ["BT11", "HS28", "BT3", "HS42", "MWRIGHT"])
def test_penalties_make_the_newton_step_a_direction_of_descent(name):
    p = problem(name)
    form = EqualityForm(p, *gradient_scales(p, p.x0), 500)
    w, y = p.x0, np.zeros(p.m)
    C, A, g_L, W = form.C(w), form.A(w), form.g(w), form.H(w, y)
    newton = newton_step(W, A, np.zeros(p.n), g_L, C, 0.0)
    slope = merit.slope_parts(C, A, W, g_L, newton.dw, newton.dy)
    eta = merit.penalties(slope, C, g_L)
    assert slope.at(*eta) <= -0.5 * eta[1] * (C @ C + g_L @ g_L) * (1 - 1e-9)


def test_no_penalties_make_an_ascent_direction_one_of_descent():
    C, g_L = np.zeros(1), np.ones(2)
    assert merit.penalties(merit.Slope(plain=1.0, squares=0.0, gradients=1.0), C, g_L) is None


# -- the barrier -----------------------------------------------------------------------------------


@pytest.fixture
def barrier():
    return Barrier(np.array([0.0, -INF, -1.0, -INF]), np.array([INF, 3.0, 2.0, INF]))


INNER = np.array([0.5, 1.0, 1.5, 7.0])


@pytest.mark.parametrize("mu", [1.0, 1e-3])
def test_gradient_of_the_barrier(barrier, mu):
    h = 1e-6
    differences = [
        (barrier.value(INNER + h * e, mu) - barrier.value(INNER - h * e, mu)) / (2 * h)
        for e in np.eye(4)
    ]
    np.testing.assert_allclose(barrier.gradient(INNER, mu), differences, rtol=1e-6, atol=1e-9)
    assert differences[3] == 0


def test_barrier_is_infinite_on_and_outside_its_bounds(barrier):
    for i, value in [(0, 0.0), (0, -1.0), (1, 3.0), (2, 2.5)]:
        w = INNER.copy()
        w[i] = value
        assert barrier.value(w, 0.1) == INF
    assert Barrier(np.full(2, -INF), np.full(2, INF)).value(np.ones(2), 0.1) == 0.0


def test_steps_of_the_multipliers_solve_the_linearised_complementarity(barrier, rng):
    mu, dw = 0.1, rng.standard_normal(4)
    z_lower, z_upper = barrier.start_multipliers(2.0)
    np.testing.assert_array_equal(z_lower, [2, 0, 2, 0])
    with np.errstate(invalid="ignore"):  # as in the loop
        dz_lower, dz_upper = barrier.multiplier_steps(INNER, dw, z_lower, z_upper, mu)
    below, above = INNER - barrier.lower, barrier.upper - INNER
    low, up = barrier.has_lower, barrier.has_upper
    with np.errstate(invalid="ignore"):
        lower_products = z_lower * (below + dw) + below * dz_lower
        upper_products = z_upper * (above - dw) + above * dz_upper
    np.testing.assert_allclose(lower_products[low], mu)
    np.testing.assert_allclose(upper_products[up], mu)
    assert (dz_lower[~low] == 0).all()
    assert (dz_upper[~up] == 0).all()


def test_fraction_to_the_boundary(barrier):
    dw = np.array([-1.0, 1.0, 0.0, 9.0])
    assert barrier.longest(INNER, dw, 0.9) == pytest.approx(0.45)
    assert barrier.longest(INNER, -0.1 * dw, 0.9) == 1.0
    assert longest_positive(np.array([1.0, 0.0]), np.array([-4.0, 0.0]), 0.8) == pytest.approx(0.2)


def test_multipliers_are_kept_near_mu_over_gap(barrier):
    z = np.array([1e30, 0.0, 0.0, 0.0])
    z_lower, z_upper = barrier.centred(INNER, z, z, 1e-2)
    assert z_lower[0] == pytest.approx(1e10 * 1e-2 / 0.5)
    assert z_lower[2] == pytest.approx(1e-10 * 1e-2 / 2.5)
    assert z_upper[3] == 0


def test_points_are_pushed_inside():
    lower, upper = np.array([0.0, 0.0, 100.0, -INF]), np.array([1.0, INF, INF, 5.0])
    with np.errstate(invalid="ignore"):  # as in the loop
        pushed = push_inside(np.array([2.0, -3.0, 0.0, 9.0]), lower, upper)
        again = push_inside(pushed, lower, upper)
    np.testing.assert_allclose(pushed, [0.99, 0.01, 101.0, 4.95])
    np.testing.assert_array_equal(again, pushed)


# -- the filter ------------------------------------------------------------------------------------


def test_filter_refuses_what_an_entry_dominates():
    f = Filter.around(1.0).added(1.0, 5.0)
    assert f.accepts(0.5, 9.0)
    assert f.accepts(2.0, 4.0)
    assert not f.accepts(2.0, 6.0)
    assert not f.accepts(1.0, 5.0), "the margin"
    assert not f.accepts(2e4, -9.0), "theta_max"
    assert f.emptied().accepts(2.0, 6.0)


def test_filter_forgets_dominated_entries():
    f = Filter.around(1.0).added(1.0, 5.0).added(3.0, 2.0)
    assert len(f.pairs) == 2
    assert len(f.added(0.5, 1.0).pairs) == 1


def test_filter_asks_for_decrease_of_phi_near_feasibility():
    f = Filter.around(1.0)
    flat, steep = -1e-9, -1.0
    assert f.switching(1.0, steep, 1e-5)
    assert not f.switching(1.0, flat, 1e-2)
    assert not f.switching(1.0, 1.0, 0.0)
    current = (1e-5, 5.0)
    assert f.passes((1e-5, 4.0), current, 1.0, steep) == (True, True)
    assert f.passes((0.0, 5.1), current, 1.0, steep) == (False, True)


def test_filter_takes_either_improvement_far_from_feasibility():
    f, current = Filter.around(1.0), (1.0, 5.0)
    assert f.passes((0.9, 50.0), current, 1.0, -1.0) == (True, False)
    assert f.passes((1.5, 4.0), current, 1.0, -1.0) == (True, False)
    assert f.passes((1.0, 5.0), current, 1.0, -1.0) == (False, False)
    assert f.passes(((1 - GAMMA_THETA / 2), 5.0), current, 1.0, -1.0) == (False, False)


@pytest.mark.parametrize("bad", [np.nan, INF])
def test_filter_refuses_undefined_points(bad):
    f = Filter.around(1.0)
    assert f.passes((bad, 1.0), (1.0, 5.0), 1.0, -1.0)[0] is False
    assert f.passes((0.1, bad), (1.0, 5.0), 1.0, -1.0)[0] is False


# -- the Newton step -------------------------------------------------------------------------------


def test_indefinite_hessians_are_shifted_until_the_step_descends(rng):
    H, A = np.diag([1.0, -2.0, 3.0]), np.array([[1.0, 0.0, 1.0]])
    g = rng.standard_normal(3)
    newton = newton_step(H, A, np.zeros(3), g, np.zeros(1), 0.0)
    assert newton.delta_w > 2.0
    assert newton.delta_c == 0.0
    assert g @ newton.dw < 0
    np.testing.assert_allclose(A @ newton.dw, 0, atol=1e-12)


def test_dependent_rows_are_regularised():
    A = np.array([[1.0, 1.0], [1.0, 1.0]])
    newton = newton_step(np.eye(2), A, np.zeros(2), np.ones(2), np.ones(2), 0.0)
    assert newton.delta_c > 0
    np.testing.assert_allclose(newton.dw, [-0.5, -0.5], atol=1e-6)


def test_least_squares_multipliers(rng):
    A, g = rng.standard_normal((2, 5)), rng.standard_normal(5)
    expected = np.linalg.lstsq(A.T, -g, rcond=None)[0]
    np.testing.assert_allclose(least_squares_multipliers(A, g), expected, atol=1e-12)
    dependent = np.vstack([A, A[0]])
    assert np.isfinite(least_squares_multipliers(dependent, g)).all()


# -- hard cases ------------------------------------------------------------------------------------


def bowl(n, **given):
    """The sum of (x - 1)^2 as a problem."""
    return numopt.CallableNLP(
        lambda x: float(((x - 1) ** 2).sum()),
        np.zeros(n),
        lambda x: 2 * (x - 1),
        lambda x: 2 * np.eye(n),
        **given,
    )


def certified(p, res, tol=1e-6):
    m = res.multipliers
    y = np.concatenate([np.zeros(0), *map(np.ravel, m["constraints"])])
    at = p.grad(res.x), p.cons(res.x), p.jac(res.x)
    kkt = kkt_residual(p, res.x, y, m["lower"], m["upper"], *at)
    return kkt.optimality <= tol and kkt.feasibility <= tol


@pytest.mark.parametrize("name", ["HS61", "BT8", "GOTTFR"])
def test_jacobians_without_full_rank(name):
    res = solve(problem(name))
    assert res.success
    assert certified(problem(name), res)


def test_restoration_finds_a_feasible_point():
    """A start from which no Newton step gets closer to x'x = 1, (x0 - 2)^2 + x1^2 = 1."""
    rows = numopt.NonlinearRows(
        lambda x: [x @ x, (x[0] - 2) ** 2 + x[1] ** 2],
        [1.0, 1.0],
        [1.0, 1.0],
        lambda x: [2 * x, 2 * (x - [2, 0])],
        lambda x, y: 2 * (y[0] + y[1]) * np.eye(2),
    )
    res = solve(bowl(2, constraints=[rows]), [-3.0, 1.0])
    np.testing.assert_allclose(res.x, [1, 0], atol=2e-3)
    assert res.constr_violation <= 1e-6 or res.status is Status.INFEASIBLE


@pytest.mark.parametrize("sides", [(-INF, -1.0), (-1.0, -0.5)])
def test_infeasible(sides):
    rows = numopt.NonlinearRows(
        lambda x: x @ x, *sides, lambda x: 2 * x, lambda x, y: 2 * y[0] * np.eye(2)
    )
    res = solve(bowl(2, constraints=[rows]), [0.1, 0.2])
    assert res.status is Status.INFEASIBLE
    assert not res.success


@pytest.mark.parametrize("lb", [-INF, 0.0])
def test_unbounded(lb):
    p = numopt.CallableNLP(
        lambda x: -x.sum(), np.ones(3), lambda x: -np.ones(3), lambda x: np.zeros((3, 3)), lb=lb
    )
    res = solve(p)
    assert res.status is Status.UNBOUNDED
    assert not res.success


@pytest.mark.parametrize("copies", [2, 5])
def test_duplicate_rows(copies):
    row = numopt.LinearRows(np.ones((copies, 2)), 1.0, 1.0)
    res = solve(bowl(2, constraints=[row]))
    assert res.success
    np.testing.assert_allclose(res.x, 0.5, atol=1e-6)
    assert f"Rank 1 of {copies} linear equality rows" in res.message
    y = res.multipliers["constraints"][0]
    assert np.count_nonzero(y) == 1
    np.testing.assert_allclose(y.sum(), 1, atol=1e-5)


def test_rows_left_out_keep_their_numbers():
    A = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [2.0, 2.0, 0.0], [0.0, 1.0, -1.0]])
    ball = numopt.NonlinearRows(lambda x: x @ x, upper=1.0, jac=lambda x: 2 * x)
    rows = numopt.LinearRows(A, A.sum(axis=1) / 2, A.sum(axis=1) / 2)
    p = bowl(3, constraints=[ball, rows])
    res = solve(p)
    assert certified(p, res)
    assert "Rank 2 of 4 linear equality rows, 2 left out" in res.message
    assert np.isin([1, 2], np.flatnonzero(res.multipliers["constraints"][1] == 0)).any()
    again = solve(p, options={"multipliers": res.multipliers}, x0=res.x)
    assert again.success
    assert again.nit <= 2
    first = solve(p, options={"maxiter": 1})
    assert "Rank 2 of 4" in solve(p, state=first.state).message


def test_contradictory_linear_rows_are_certified():
    A = np.array([[1.0, 1.0], [2.0, 2.0]])
    res = solve(bowl(2, constraints=[numopt.LinearRows(A, [1, 3], [1, 3])]))
    assert res.status is Status.INFEASIBLE
    assert res.infeasibility["farkas"]["radius"] > 1e6
    assert "Rank 1 of 2 linear equality rows; the sides" in res.message


def test_more_rows_than_variables():
    A = np.arange(1.0, 6.0)[:, None] * np.ones((1, 2))
    res = solve(bowl(2, constraints=[numopt.LinearRows(A, A.sum(axis=1), A.sum(axis=1))]))
    assert res.success
    np.testing.assert_allclose(res.x, 1, atol=1e-6)


def test_fixed_variables_equal_substituted_ones():
    lb, ub = np.array([-INF, 3.0, 0.0]), np.array([INF, 3.0, 0.5])
    res = solve(bowl(3, lb=lb, ub=ub, constraints=[numopt.LinearRows([[1, 1, 1]], 6, 6)]))
    small = solve(
        bowl(2, lb=lb[[0, 2]], ub=ub[[0, 2]], constraints=[numopt.LinearRows([[1, 1]], 3, 3)])
    )
    assert res.x[1] == 3.0
    np.testing.assert_allclose(res.x[[0, 2]], small.x, atol=1e-7)
    assert res.fun == pytest.approx(small.fun + 4.0)


@pytest.mark.parametrize("given", [{}, {"lb": 2.0}, {"ub": 0.5}, {"lb": -1.0, "ub": 4.0}])
def test_one_variable_without_rows(given):
    res = solve(bowl(1, **given))
    assert res.success
    expected = np.clip(1.0, given.get("lb", -INF), given.get("ub", INF))
    assert res.x[0] == pytest.approx(expected, abs=1e-5)
    assert certified(bowl(1, **given), res)


@pytest.mark.parametrize("name", ["HS71", "HS43", "HS7", "HS5", "BT11"])
def test_sparse_and_dense_paths_agree(name, monkeypatch):
    dense = solve(problem(name))
    monkeypatch.setattr("numopt.solvers.sketched_newton.DENSE_LIMIT", 0)
    sparse = solve(problem(name))
    assert dense.success
    assert sparse.success
    np.testing.assert_allclose(sparse.x, dense.x, atol=1e-5)


@pytest.mark.parametrize("name", ["LUKVLE1", "MCCORMCK"])
def test_large_problems_are_solved_sparse_as_they_would_be_dense(name, monkeypatch):
    large = cutest_problems.load(name, compile=None, n=2000)
    res = solve(large)
    assert res.success
    assert certified(large, res)
    p = cutest_problems.load(name, compile=None, n=600)
    sparse = solve(p)
    monkeypatch.setattr("numopt.solvers.sketched_newton.DENSE_LIMIT", 10_000)
    dense = solve(p)
    assert sparse.success
    assert dense.success
    np.testing.assert_allclose(sparse.x, dense.x, atol=1e-5)


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


# -- options ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"beta": 0.5},
        {"nu": 1.0},
        {"eta1": 0.0},
        {"block": -1},
        {"linear_solver": "rk"},
        {"lam0": 1.0},
        {"regularization": "gradient", "variant": "paper"},
        {"xi": 1},
    ],
)
def test_wrong_options(options):
    with pytest.raises(numopt.OptionError, match=next(iter(options))):
        numopt.SketchedNewton(**options) if "xi" not in options else solve(
            problem("HS6"), options=options
        )


@pytest.mark.parametrize("name", ["HS71", "HS5"])
def test_paper_variant_refuses_what_it_cannot_handle(name):
    with pytest.raises(numopt.UnsupportedError, match="variant='paper' cannot handle bounds"):
        solve(problem(name), options={"variant": "paper"})


def test_start_multipliers_of_the_paper_variant():
    """HS28 is quadratic: the first report has the residual at x0 with lam = lam0."""
    p = problem("HS28")
    for lam0 in (0.0, 1.0):
        options = {"variant": "paper", "lam0": lam0}
        first = next(numopt.iterate(p, method="sketched_newton", options=options))
        lagrange = p.grad(p.x0) + lam0 * p.jac(p.x0).T @ np.ones(p.m)
        expected = np.hypot(np.linalg.norm(lagrange), np.linalg.norm(p.cons(p.x0) - p.cl))
        assert first.optimality == pytest.approx(expected)


# -- the paper -------------------------------------------------------------------------------------

PAPER = [
    "BA-L1",
    "BA-L1SP",
    "BOOTH",
    "BT10",
    "BT11",
    "BT12",
    "BT2",
    "BT3",
    "BT5",
    "BT6",
    "BT9",
    "CUBENE",
    "DENSCHNCNE",
    "DENSCHNFNE",
    "GENHS28",
    "GOTTFR",
    "HELIXNE",
    "HIMMELBA",
    "HIMMELBC",
    "HIMMELBE",
    "HS100LNP",
    "HS28",
    "HS40",
    "HS42",
    "HS47",
    "HS48",
    "HS50",
    "HS51",
    "HS52",
    "HS56",
    "HS6",
    "HS7",
    "HS77",
    "HS78",
    "HS79",
    "INTEQNE",
    "MANCINONE",
    "MOREBVNE",
    "MWRIGHT",
    "ORTHREGB",
    "PRICE4NE",
    "RSNBRNE",
    "SINVALNE",
    "TRIGON1NE",
    "WAYSEA1NE",
    "WAYSEA2NE",
    "ZANGWIL3",
]


def all_of_the_paper(tol, **options):
    return {name: solve(problem(name), tol=tol, options=options) for name in PAPER}


def lost(results):
    return {name: res.status.name for name, res in results.items() if not res.success}


def medians(results):
    good = [res for res in results.values() if res.success]
    return np.median([r.nit for r in good]), np.median([r.counts["cons"] for r in good])


@pytest.mark.claims
def test_published_method_solves_45_of_47():
    results = all_of_the_paper(1e-4, variant="paper", linear_solver="exact")
    assert lost(results) == {"GOTTFR": "BREAKDOWN", "PRICE4NE": "BREAKDOWN"}
    assert medians(results) == (5, 7)


@pytest.mark.claims
def test_published_method_without_its_exit_solves_all():
    results = all_of_the_paper(1e-4, variant="paper", linear_solver="exact", xi_G=0)
    assert lost(results) == {}


@pytest.mark.claims
def test_default_solves_all_more_accurately():
    results = all_of_the_paper(1e-6)
    assert lost(results) == {}
    assert medians(results)[1] <= 7


@pytest.mark.claims
@pytest.mark.parametrize(
    ("name", "sketch"),
    [(name, sketch) for name in ("BT9", "HS28", "HS7", "BT3") for sketch in ("rk", "gv")]
    + [("BT3", "block_rows"), ("BT3", "block_gauss")],
)
def test_sketches_reproduce_for_a_seed(name, sketch):
    run = partial(
        numopt.solve,
        problem(name),
        method="sketched_newton",
        tol=1e-4,
        options={"variant": "paper", "linear_solver": sketch},
        history=True,
    )
    first, second, exact = run(rng=3), run(rng=3), solve(problem(name))
    assert first.success
    np.testing.assert_array_equal(first.x, second.x)
    np.testing.assert_array_equal(first.history.inner, second.history.inner)
    assert first.history.inner[1:].min() > 0
    assert first.fun == pytest.approx(exact.fun, abs=1e-3)


def test_the_published_variant_does_not_believe_its_own_report():
    problem = cutest_problems.load("HS6").armed()
    method = numopt.SketchedNewton(variant="paper")
    claim = numopt.Iterate(
        problem.x0, 0.0, 0.0, 0.0, {}, lambda: {"multipliers": {"constraints": np.ones(1)}}
    )
    fun, optimality, violation = method.verify(problem, claim)
    assert fun == pytest.approx(problem.fun(problem.x0))
    assert optimality > 1
    assert violation == pytest.approx(abs(problem.cons(problem.x0)[0]))
