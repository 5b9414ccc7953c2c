"""Long steps to singular solutions: fewer iterations there, and no wrong ones elsewhere."""

import numpy as np
import pytest
from scipy.optimize import NonlinearConstraint

import numopt
from cutest_problems import load
from numopt.solvers.sketched_newton.newton import Newton
from numopt.solvers.sketched_newton.singular import Pace

ROOTS = [2, 3, 4]  # multiplicities


def multiple_root(power):
    """A root of the given multiplicity on a curve, and a simple one across it."""

    def fun(x):
        return np.array([(x[0] - 1.0) ** power, x[1] - x[0] ** 2])

    def jac(x):
        return np.array([[power * (x[0] - 1.0) ** (power - 1), 0.0], [-2.0 * x[0], 1.0]])

    def hess(x, y):
        curvature = power * (power - 1) * (x[0] - 1.0) ** (power - 2) * y[0]
        return np.array([[curvature - 2.0 * y[1], 0.0], [0.0, 0.0]])

    return NonlinearConstraint(fun, 0.0, 0.0, jac=jac, hess=hess)


def solved(constraint):
    return numopt.minimize(
        lambda x: 0.0, [2.0, 2.0], jac=lambda x: np.zeros(2), hess=lambda x: np.zeros((2, 2)),
        constraints=[constraint], options={"tol": 1e-10},
    )  # fmt: skip


@pytest.mark.parametrize("power", ROOTS)
def test_multiple_roots_are_found_much_faster_than_linearly(power):
    res = solved(multiple_root(power))
    halvings = np.log(1e-10 ** (1 / power)) / np.log(1.0 - 1.0 / power)  # plain Newton
    assert res.success
    assert abs(res.x[0] - 1.0) <= 1.001e-10 ** (1 / power)
    assert res.nit <= 9 < halvings


@pytest.mark.parametrize(
    ("name", "most"), [("BT8", 6), ("HS49", 6), ("PRICE4NE", 14), ("HS26", 16)]
)
def test_singular_problems_of_the_collection(name, most):
    res = numopt.solve(load(name), method="sketched_newton")
    assert res.success
    assert res.counts["cons"] <= most


@pytest.mark.parametrize("q", [1 / 2, 2 / 3, 0.9])
def test_factor_of_a_geometric_sequence(q):
    d = np.array([3.0, -1.0])
    assert Pace(dw=d).factor(_newton(q * d)) == pytest.approx(1.0 / (1.0 - q))


@pytest.mark.parametrize(
    "dw",
    [[0.3, -0.1], [2.9, -0.97], [-1.5, 0.5], [0.5, 1.5], [0.0, 0.0]],
    ids=["superlinear", "no progress", "back", "elsewhere", "at rest"],
)
def test_no_factor_for_other_steps(dw):
    assert Pace(dw=np.array([3.0, -1.0])).factor(_newton(np.array(dw))) is None


def test_pauses_double_after_misses():
    d = np.array([1.0])
    pace, pauses = Pace(dw=d), []
    for _ in range(3):
        pace = pace.missed()
        pauses.append(0)
        while pace.factor(_newton(0.5 * d)) is None:
            pace = pace.after(d, 1.0)
            pauses[-1] += 1
    assert pauses == [2, 4, 8]


def _newton(dw):
    return Newton(None, dw, np.zeros(0), 0.0, 0.0)
