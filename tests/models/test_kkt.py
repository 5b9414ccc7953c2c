"""The judge: hand-made KKT points, and points that fail one condition each."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from numopt.models.kkt import kkt_residual, rounding_of_gradient, transposed_product
from numopt.models.nlp import NLP

NONE = np.zeros(2)
ROW = np.array([[1.0, 1.0]])


def measure(problem, x, g, *, y=(), z_lower=NONE, z_upper=NONE, c=(), J=None):
    J = np.zeros((problem.m, problem.n)) if J is None else J
    arrays = [np.asarray(a, dtype=float) for a in (x, y, z_lower, z_upper, g, c)]
    return kkt_residual(problem, *arrays, J)


def row(lower, upper):
    return NLP([0.0, 0.0], cl=[lower], cu=[upper])


BOX = NLP([0.5, 0.5], lb=0.0, ub=[1.0, np.inf])


@pytest.mark.parametrize("J", [ROW, csr_matrix(ROW)], ids=["dense", "sparse"])
@pytest.mark.parametrize(
    ("lower", "upper", "y"),
    [(2, 2, -3.0), (2, 2, 3.0), (-np.inf, 2, 3.0), (2, np.inf, -3.0), (0, 2, 3.0), (2, 5, -3.0)],
)
def test_active_rows(lower, upper, y, J):
    kkt = measure(row(lower, upper), [1, 1], [-y, -y], y=[y], c=[2], J=J)
    assert kkt == (0.0, 0.0, 0.0)
    assert kkt.optimality == 0.0


def test_active_bounds():
    at = [1.0, 0.0], [-3.0, 2.0]
    assert measure(BOX, *at, z_lower=[0, 2], z_upper=[3, 0]) == (0, 0, 0)


def test_interior_point():
    assert measure(BOX, [0.5, 7.0], [0.0, 0.0]) == (0, 0, 0)


def test_what_the_last_bits_of_x_change():
    class Steep(NLP):
        def _hess(self, x, y):
            return csr_matrix([[2e12, -1e12], [-1e12, 0.0]])

    blur = rounding_of_gradient(Steep([0.0, 0.0]), np.array([3.0, -0.5]), np.zeros(0))
    np.testing.assert_allclose(blur, 4 * np.finfo(float).eps * np.array([6.5e12, 3e12]))


def test_gradient_is_left_over():
    assert measure(BOX, [0.5, 7.0], [0.25, -0.5]).stationarity == 0.5
    assert measure(row(2, 2), [1, 1], [1, 3], y=[-1], c=[2], J=ROW).stationarity == 2.0


@pytest.mark.parametrize(
    ("lower", "upper", "y"), [(-np.inf, 2, -3.0), (2, np.inf, 3.0), (-7, 2, -0.25), (2, 9, 0.25)]
)
def test_multiplier_of_the_wrong_sign(lower, upper, y):
    """It belongs to the other side: at its distance, or with its size if there is none."""
    kkt = measure(row(lower, upper), [1, 1], [-y, -y], y=[y], c=[2], J=ROW)
    assert kkt.stationarity == 0
    other = lower if y < 0 else upper
    assert kkt.complementarity == abs(y) * (1 if np.isinf(other) else abs(2 - other))


def test_multiplier_of_an_inactive_side():
    kkt = measure(BOX, [0.5, 3.0], [2.0, 1.0], z_lower=[2, 1])
    assert kkt == (0.0, 3.0, 0.0)
    assert kkt.optimality == 3.0


def test_multiplier_of_a_side_that_does_not_exist():
    assert measure(BOX, [0.5, 3.0], [0.0, -5.0], z_upper=[0, 5]).complementarity == 5.0


@pytest.mark.parametrize(("x", "violation"), [([-0.5, 1], 0.5), ([1.25, 0], 0.25), ([1, -2], 2)])
def test_violated_bounds(x, violation):
    assert measure(BOX, x, [0, 0]).feasibility == violation


@pytest.mark.parametrize(("c", "violation"), [(0.5, 0.5), (1, 0), (2, 0), (5, 3)])
def test_violated_rows(c, violation):
    assert measure(row(1, 2), [1, 1], [0, 0], y=[0], c=[c], J=ROW).feasibility == violation


def test_fixed_variables_have_multipliers_of_either_sign_and_no_gradient():
    fixed = NLP([1.0, 1.0], lb=[1.0, 0.0], ub=[1.0, 4.0])
    assert measure(fixed, [1.0, 1.0], [77.0, 0.0]) == (0, 0, 0)
    assert measure(fixed, [1.0, 1.0], [7.0, 0.0], z_upper=[3, 0]) == (0, 0, 0)
    assert measure(fixed, [2.0, 1.0], [7.0, 0.0]).feasibility == 1.0


def test_large_multipliers_scale_the_measure_but_not_feasibility():
    y = 3e6  # the mean of three multipliers is 1e6, so the scale is 1e4
    kkt = measure(row(2, 2), [1, 1], [-y + 1, -y], y=[y], c=[2.5], J=ROW)
    assert kkt.stationarity == pytest.approx(1e-4)
    assert kkt.feasibility == 0.5


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_never_pass(bad):
    p = row(2, 2)
    assert not measure(p, [1, 1], [bad, 0], y=[0], c=[2], J=ROW).optimality <= 1e6
    assert not measure(p, [1, 1], [0, 0], y=[0], c=[bad], J=ROW).feasibility <= 1e6
    assert not measure(BOX, [bad, 1], [0, 0]).feasibility <= 1e6


def test_empty_problems():
    assert measure(NLP([]), [], [], z_lower=[], z_upper=[]) == (0, 0, 0)


def test_product_with_a_jacobian_without_entries():
    product = transposed_product(csr_matrix((2, 3)), np.ones(2))
    assert product.dtype == float
    np.testing.assert_array_equal(product, np.zeros(3))
