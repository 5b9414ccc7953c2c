"""Steps on one block: what to do with its gradient and Hessian. Pure functions of arrays."""

from contextlib import suppress
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve, eigh, eigvalsh, pinvh
from scipy.sparse import csc_array, diags_array, eye_array, issparse
from scipy.sparse.linalg import splu

from numopt.core.errors import Status, Stop

RIDGE = 1e-10  # relative to the mean of the diagonal, for the second attempt
INDEFINITE = 1e-8  # relative size of an eigenvalue that is negative by more than rounding
SMALL_PIVOT = 1e-6  # of a Cholesky factor, relative to the largest
NOISE = 1e-9  # relative size of a component of the gradient along which H is zero
MODEL_TOLERANCE = 1e-10
MODEL_SWEEPS = 10_000
NEARLY_ACTIVE = 1e-4  # largest distance to a bound at which a variable may count as active


class Terms(NamedTuple):
    """The separable term sum_j l1_j |x_j| + l2_j x_j^2 / 2 on low <= x <= high, for one block.

    Attributes
    ----------
    low, high, l1, l2 : ndarray, shape (b,)
        Bounds, possibly infinite, and weights.
    """

    low: np.ndarray
    high: np.ndarray
    l1: np.ndarray
    l2: np.ndarray

    def prox(self, v, step):
        """Return the minimiser of |y - v|^2 / (2 step) + term(y); `step` may be a vector."""
        shrunk = np.sign(v) * np.maximum(np.abs(v) - step * self.l1, 0.0)
        return np.clip(shrunk / (1.0 + step * self.l2), self.low, self.high)


def positive_solver(H):
    """Return the function ``v -> H^+ v`` of a symmetric positive semidefinite matrix (b, b).

    Cholesky, then Cholesky with a small ridge, then the pseudo-inverse.

    Raises
    ------
    Stop
        With BREAKDOWN, if the matrix has a negative eigenvalue.
    """
    ridge = RIDGE * max(np.trace(H) / len(H), np.finfo(np.float64).tiny)
    for shift in (0.0, ridge):
        try:
            return partial(cho_solve, cho_factor(H + shift * np.eye(len(H))))
        except LinAlgError:
            continue
    values = eigvalsh(H)
    if values[0] < -INDEFINITE * np.abs(values).max():
        raise Stop(Status.BREAKDOWN, "the Hessian is not positive semidefinite on a block")
    return partial(np.matmul, pinvh(H))


def sparse_solver(H):
    """Return the function ``v -> H^-1 v`` of a sparse symmetric positive definite matrix (b, b).

    Where no factorisation exists the diagonal is raised a little.
    """
    H, identity = csc_array(H), eye_array(H.diagonal().size)
    ridge = RIDGE * max(H.diagonal().mean(), np.finfo(np.float64).tiny)
    for shift in (0.0, ridge):
        with suppress(RuntimeError):  # exactly singular
            shifted = csc_array(H + shift * identity)
            return splu(shifted, "MMD_AT_PLUS_A", 0.0, options={"SymmetricMode": True}).solve
    return np.divide(1.0, np.maximum(H.diagonal(), ridge)).__mul__


def solve_positive(H, v):
    """Return H^+ v, see `positive_solver`."""
    return positive_solver(H)(v)


def newton_direction(H, g):
    """Return a descent direction -M^-1 g, M being H with the modulus of its eigenvalues.

    For a positive definite H this is Newton's direction, found by Cholesky. Where H is nearly
    singular, the part of g that is there by rounding only is left out. Of a sparse H the
    eigenvalues are not worked out; a direction that does not descend gives way to a scaled -g.
    """
    if issparse(H):
        d = -sparse_solver(H)(g)
        return d if g @ d < 0.0 and np.isfinite(d).all() else -g / abs(H).sum(axis=1).max()
    try:
        factor, lower = cho_factor(H)
        pivots = np.diag(factor)
        if pivots.min() > SMALL_PIVOT * pivots.max():
            return -cho_solve((factor, lower), g)
    except LinAlgError:
        pass
    values, vectors = eigh(H)
    sizes, u = np.abs(values), vectors.T @ g
    flat = sizes <= RIDGE * sizes.max()
    sizes[flat] = max(RIDGE * sizes.max(), np.finfo(np.float64).tiny)
    u[flat & (np.abs(u) <= NOISE * np.linalg.norm(g))] = 0.0
    return -vectors @ (u / sizes)


def model_step(H, g, x, terms):
    """Return the minimiser d of g'd + d'H d / 2 + terms(x + d), by coordinate descent.

    Parameters
    ----------
    H : ndarray, shape (b, b)
        Symmetric and positive semidefinite.
    g, x : ndarray, shape (b,)
        Gradient and point.
    terms : Terms
        Separable terms.
    """
    from numopt.kernels.block_quadratic import minimise_block

    H = np.ascontiguousarray(H)
    low, high, l1, l2 = terms
    return minimise_block(H, g, x, low, high, l1, l2, MODEL_TOLERANCE, MODEL_SWEEPS)


def secular_step(H, v, lam):
    """Return the minimiser of w'H w / 2 - v'w + lam |w|_2.

    Parameters
    ----------
    H : ndarray, shape (b, b)
        Symmetric and positive definite.
    v : ndarray, shape (b,)
        Linear term.
    lam : float
        Weight of the norm.

    Notes
    -----
    w is 0 if ``|v| <= lam``. Otherwise ``w = (H + (lam/t) I)^-1 v`` with the t > 0 for which
    ``|w| = t``: a scalar equation, solved by Newton's method inside a bracket.
    """
    if np.linalg.norm(v) <= lam:
        return np.zeros_like(v)
    values, vectors = eigh(H)
    values, u = np.maximum(values, 0.0), vectors.T @ v
    if lam == 0.0:
        return solve_positive(H, v)
    t = _secular_root(values, u, lam)
    return vectors @ (u * t / (values * t + lam))


def _secular_root(values, u, lam):
    """Return the t > 0 with sum_i u_i^2 / (values_i t + lam)^2 = 1; the sum falls from above 1."""
    low = 0.0
    high = (np.linalg.norm(u) - lam) / max(values.min(), np.finfo(np.float64).tiny)
    t = (np.linalg.norm(u) - lam) / values.max()
    for _ in range(200):
        ratio = u / (values * t + lam)
        excess = np.sqrt(ratio @ ratio) - 1.0
        low, high = (t, high) if excess > 0.0 else (low, t)
        slope = -(ratio**2 @ (values / (values * t + lam))) / (excess + 1.0)
        new = t - excess / slope * (excess + 1.0)  # Newton on 1 / norm, nearly linear in t
        if not low < new < high:
            new = (low + high) / 2.0
        if abs(new - t) <= 4 * np.finfo(np.float64).eps * t:
            return new
        t = new
    return t


class TwoMetricStep(NamedTuple):
    """A direction along whose projection to search, and what it is expected to gain.

    Attributes
    ----------
    direction : ndarray, shape (b,)
        Scaled gradient on the active variables, Newton's on the others.
    active : ndarray of bool, shape (b,)
        Variables at a bound, or at zero, that the gradient pushes against it.
    low, high : ndarray, shape (b,)
        Box to project on: the bounds and the orthant.
    slope : ndarray, shape (b,)
        Derivative of the objective on that box.
    """

    direction: np.ndarray
    active: np.ndarray
    low: np.ndarray
    high: np.ndarray
    slope: np.ndarray


def two_metric(H, g, x, terms):
    """Return the step of two-metric projection, on the orthant of x or of its steepest descent.

    Parameters
    ----------
    H, g, x, terms
        As for `model_step`; H may be sparse, and indefinite.

    References
    ----------
    .. [1] D. Bertsekas, Projected Newton Methods for Optimization Problems with Simple
       Constraints, SIAM J. Control Optim. 20, 1982.
    """
    low, high, slope = _orthant(g, x, terms)
    width = np.linalg.norm(x - np.clip(x - slope, low, high))
    near = min(NEARLY_ACTIVE, width)
    active = ((x <= low + near) & (slope > 0.0)) | ((x >= high - near) & (slope < 0.0))
    active |= low == high
    curved = H + (diags_array(terms.l2) if issparse(H) else np.diag(terms.l2))
    diagonal = curved.diagonal()
    direction = -slope / np.where(diagonal > 0.0, diagonal, 1.0)
    free = np.flatnonzero(~active)
    if free.size:
        direction[free] = newton_direction(curved[free][:, free], slope[free])
    return TwoMetricStep(direction, active, low, high, slope)


def _orthant(g, x, terms):
    """Return (low, high, slope) of the smooth piece of the objective to work on."""
    slope = g + terms.l2 * x
    sign = np.where(x != 0.0, np.sign(x), -np.sign(slope) * (np.abs(slope) > terms.l1))
    kinked = terms.l1 > 0.0
    low = np.where(kinked & (sign >= 0.0), np.maximum(terms.low, 0.0), terms.low)
    high = np.where(kinked & (sign <= 0.0), np.minimum(terms.high, 0.0), terms.high)
    return low, high, slope + np.where(sign == 0.0, 0.0, terms.l1) * sign
