"""Truncated Newton for smooth convex functions of y, by products with the Hessian.

    d from  H d = -g  by conjugate gradients to |H d + g| <= min(0.1, |g|) |g|,   y = y + t d

The conjugate gradients are preconditioned by the factors of a Hessian nearby, where there are some:
they are made when as many products were spent as that takes.
"""

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import cho_solve, cholesky

ARMIJO, HALVINGS = 1e-4, 40
FORCING = 0.1
ROUNDING = 1e-13
LARGEST_FACTOR = 2000
LIFT = 1e-10  # of the diagonal of a Hessian before it is factorised, relative to its largest entry


class Metric(NamedTuple):
    """A Cholesky factor of a Hessian nearby, and the products spent since it was made."""

    factor: Any = None  # (m, m) or None
    spent: int = 0

    def solve(self, r):
        """Return H^-1 r, or r without a factor."""
        return r if self.factor is None else cho_solve((self.factor, True), r, check_finite=False)

    def used(self, steps):
        """Return the metric after more products."""
        return self._replace(spent=self.spent + steps)

    def renewed(self, product, m):
        """Return the metric, with a new factor if as many products were spent as that takes."""
        if self.spent < m or m > LARGEST_FACTOR:
            return self
        H = np.column_stack([product(e) for e in np.eye(m)])
        H = (H + H.T) / 2
        lift = LIFT * np.abs(H.diagonal()).max(initial=0.0)
        try:
            return Metric(cholesky(H + lift * np.eye(m), lower=True, check_finite=False))
        except np.linalg.LinAlgError:
            return Metric(self.factor)


class Solved(NamedTuple):
    """The last point, its gradient, and the metric."""

    y: np.ndarray  # (m,)
    g: np.ndarray  # (m,)
    metric: Metric


def newton(value, gradient, product, y, tol, maxiter=50, metric=None):
    """Minimise a smooth convex function.

    Parameters
    ----------
    value, gradient : callable
        ``value(y) -> float``, ``gradient(y) -> (m,)``.
    product : callable
        ``product(y, v) ->`` Hessian times v, (m,).
    y : ndarray, shape (m,)
    tol : float
        Of the gradient in the largest-entry norm.
    maxiter : int
    metric : Metric, optional

    Returns
    -------
    Solved
        Where rounding stops the descent, the point so far.
    """
    g, metric = gradient(y), metric or Metric()
    for _ in range(maxiter):
        size = float(np.abs(g).max(initial=0.0))
        if not size > tol:
            break
        along = partial(product, y)
        metric = metric.renewed(along, y.size)
        d, steps = conjugate_gradients(along, -g, rtol=min(FORCING, size), metric=metric)
        metric = metric.used(steps)
        after = _searched(value, gradient, y, g, d)
        if after is None:
            break
        y, g = after
    return Solved(y, g, metric)


def _searched(value, gradient, y, g, d):
    """Return (y, g) after a step along d, None if no step is any good."""
    whole = y + d
    g_whole = gradient(whole)
    if np.abs(g_whole).max() <= 0.5 * np.abs(g).max() and d @ g < 0.0:
        return whole, g_whole
    now, slope, t = value(y), float(d @ g), 1.0
    for _ in range(HALVINGS):
        trial = y + t * d
        gain = now - value(trial)
        if gain >= -ARMIJO * t * slope - ROUNDING * abs(now) and t * abs(slope) > ROUNDING * abs(
            now
        ):
            return trial, g_whole if t == 1.0 else gradient(trial)
        t /= 2
    return None


def conjugate_gradients(product, b, x=None, rtol=1e-8, metric=None):
    """Return x with |A x - b| <= rtol |b|, or as far as A is positive definite, and the steps made.

    Parameters
    ----------
    product : callable
        ``product(v) -> A v``.
    b : ndarray, shape (m,)
    x : ndarray, shape (m,), optional
        First guess.
    rtol : float
    metric : Metric, optional
        Preconditioner.
    """
    metric = metric or Metric()
    r = b.copy() if x is None else b - product(x)
    x = np.zeros_like(b) if x is None else x.copy()
    target = rtol * float(np.linalg.norm(b))
    z = metric.solve(r)
    p, rz = z.copy(), float(r @ z)
    for steps in range(2 * b.size + 10):
        if np.linalg.norm(r) <= target:
            return x, steps
        Ap = product(p)
        curvature = float(p @ Ap)
        if not curvature > 0.0:
            return (x if x.any() else z), steps + 1
        x += rz / curvature * p
        r -= rz / curvature * Ap
        z = metric.solve(r)
        rz, before = float(r @ z), rz
        p = z + (rz / before) * p
    return x, 2 * b.size + 10
