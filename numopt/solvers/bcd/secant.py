"""Curvature of fixed blocks from their gradients at successive visits, where only values are known.

    s = x_b - x_b',  y = G_b - G_b'               of this visit and the last one
    B <- B - B s s'B / s'B s + y y' / s'y         BFGS, y damped so that B stays positive definite

Other blocks move between two visits, and G_b with them. Damping takes what is too much of that, and
the search along the step the rest.
"""

from typing import NamedTuple

import numpy as np

DAMPING = 0.2  # least share of s'B s that s'y shall have


class Secant(NamedTuple):
    """What is known of a block since its last visit."""

    matrix: np.ndarray  # B, (b, b), positive definite
    point: np.ndarray  # x_b, (b,)
    slope: np.ndarray  # G_b, (b,)
    fresh: bool  # whether B is still the first guess


def first(point, slope):
    """Return the `Secant` of a first visit; the step that it suggests is no longer than one."""
    size = max(1.0, float(np.linalg.norm(slope)))
    return Secant(size * np.eye(point.size), point, slope, fresh=True)


def renewed(known, point, slope):
    """Return the `Secant` of the next visit; a step that failed begins anew.

    References
    ----------
    .. [1] M. Powell, A Fast Algorithm for Nonlinearly Constrained Optimization Calculations, in:
       Numerical Analysis, Dundee 1977 (the damping).
    """
    s, y = point - known.point, slope - known.slope
    B = _scaled(known, s, y)
    Bs = B @ s
    curvature = s @ Bs
    if not (curvature > 0.0 and np.isfinite(y).all()):
        return first(point, slope)
    if s @ y < DAMPING * curvature:
        share = (1.0 - DAMPING) * curvature / (curvature - s @ y)
        y = share * y + (1.0 - share) * Bs
    B = B - np.outer(Bs, Bs) / curvature + np.outer(y, y) / (s @ y)
    return Secant(B, point, slope, fresh=False)


def _scaled(known, s, y):
    """Return the matrix; a first guess takes the size of the curvature along the first step."""
    along = abs(s @ y)
    if not (known.fresh and along > 0.0):
        return known.matrix
    return (y @ y / along) * np.eye(s.size)
