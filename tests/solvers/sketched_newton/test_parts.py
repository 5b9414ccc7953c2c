"""The merit function, the barrier, the filter and the Newton step."""

import numpy as np
import pytest
from newton_examples import INF, problem

from numopt.models.transforms import EqualityForm, gradient_scales
from numopt.solvers.sketched_newton import merit
from numopt.solvers.sketched_newton.barrier import Barrier, longest_positive, push_inside
from numopt.solvers.sketched_newton.filter import GAMMA_THETA, Filter
from numopt.solvers.sketched_newton.newton import least_squares_multipliers, newton_step

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
