"""The KKT conditions of a nonlinear program, measured at a point: the judge of every method.

    L(x, y, z) = f(x) + y'c(x) - z_lower'(x - lb) + z_upper'(x - ub)

    stationarity      |grad f + J'y - z_lower + z_upper|_inf / s
    complementarity   largest |multiplier of a side| * (distance to that side) / s
    feasibility       largest violation of a bound or constraint

with y_i >= 0 where only the upper side of row i is active, y_i <= 0 at lower sides, z >= 0, and
s = max(1, mean size of the multipliers / 100), the scaling of Waechter and Biegler (2006), eq. 5.
A multiplier of a side that does not exist counts with its own size.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

LARGE_MULTIPLIERS = 100.0  # s_max of Waechter and Biegler (2006)
LAST_BITS = 4.0


class KKT(NamedTuple):
    """Residuals of the KKT conditions, all nonnegative floats."""

    stationarity: float
    complementarity: float
    feasibility: float

    @property
    def optimality(self):
        """The larger one of stationarity and complementarity."""
        return max(self.stationarity, self.complementarity)


def kkt_residual(problem, x, y, z_lower, z_upper, g, c, J):
    """Measure the KKT conditions of `problem` with the given derivatives.

    Parameters
    ----------
    problem : NLP
        Only its bounds are used; nothing is evaluated.
    x, z_lower, z_upper, g : ndarray, shape (n,)
        Point, multipliers of the bounds, gradient of f.
    y, c : ndarray, shape (m,)
        Multipliers and values of the constraints.
    J : sparse matrix or ndarray, shape (m, n)
        Jacobian of c.

    Returns
    -------
    KKT
        NaN or infinity where the data hold such values.
    """
    lagrange = g - z_lower + z_upper
    if problem.m:
        lagrange = lagrange + transposed_product(J, y)
    free = problem.lb < problem.ub  # a fixed variable has a multiplier of either sign
    if not free.all():
        lagrange, z_lower, z_upper = lagrange * free, z_lower * free, z_upper * free
    total = float(np.abs(y).sum() + z_lower.sum() + z_upper.sum())
    scale = max(1.0, total / max(1, problem.n + problem.m) / LARGE_MULTIPLIERS)
    sided = y * (problem.cl < problem.cu)  # an equation has a multiplier of either sign, too
    sides = (
        (z_lower, x - problem.lb),
        (z_upper, problem.ub - x),
        (-sided, c - problem.cl),
        (sided, problem.cu - c),
    )
    complementarity = max(_largest_product(multiplier, gap) for multiplier, gap in sides)
    stationarity = float(np.abs(lagrange).max()) if problem.n else 0.0
    return KKT(stationarity / scale, complementarity / scale, problem.violation(x, c))


def rounding_of_gradient(problem, x, y):
    """Return how far grad L moves where x moves by its last two bits, shape (n,).

    Where the entries of grad L are below this, no floating-point number near x is known to be
    closer to a stationary point.
    """
    return LAST_BITS * np.finfo(float).eps * (abs(problem.hess(x, y)) @ np.abs(x))


def row_violation(problem, c):
    """Return how far each row is outside of its sides, shape (m,)."""
    return np.maximum(0.0, np.maximum(problem.cl - c, c - problem.cu))


def violation_kkt(problem, x, y, z_lower, z_upper, c, J, weights, typical):
    """Measure how far x is from a stationary point of the violation of the rows.

        V(x) = sum_i weights_i * violation of row i   over   lb <= x <= ub

    Parameters
    ----------
    problem, x, z_lower, z_upper, c, J
        As in `kkt_residual`.
    y, weights : ndarray, shape (m,)
        Multipliers, -weights <= y <= weights: equal to the weight, with the sign of the violation,
        where a row is violated; zero where it has room.
    typical : float
        Size of J'y elsewhere: what counts as small where J vanishes.

    Returns
    -------
    KKT
        Stationarity relative to |J|'|y| or, if that is larger, to min(1, typical);
        complementarity relative to max(1, V).
    """
    free = problem.lb < problem.ub
    slope = (transposed_product(J, y) - z_lower + z_upper)[free]
    size = transposed_product(abs(J), np.abs(y))[free].max(initial=min(1.0, typical or 1.0))
    sides = (
        (z_lower * free, x - problem.lb),
        (z_upper * free, problem.ub - x),
        (-y, c - problem.cl),
        (y, problem.cu - c),
        (weights - y, c - problem.cu),
        (weights + y, problem.cl - c),
    )
    complementarity = max(_largest_product(multiplier, gap) for multiplier, gap in sides)
    total = max(1.0, float(weights @ row_violation(problem, c)))
    stationarity = float(np.abs(slope).max(initial=0.0)) / float(size)
    return KKT(stationarity, complementarity / total, problem.violation(x, c))


def transposed_product(J, y):
    """Return J'y for a Jacobian as an array or a sparse matrix, shape (n,)."""
    if not isinstance(J, csr_matrix):
        return J.T @ y
    weights = J.data * y.repeat(np.diff(J.indptr))  # a third of the time of the general product
    sums = np.bincount(J.indices, weights, minlength=J.shape[1])  # pyright: ignore
    return sums.astype(float, copy=False)  # without entries bincount returns integers


def _largest_product(multiplier, gap):
    active = multiplier > 0.0
    if not active.any():
        return 0.0
    size, gap = multiplier[active], np.maximum(gap[active], 0.0)
    return float(np.where(np.isinf(gap), size, size * gap).max())
