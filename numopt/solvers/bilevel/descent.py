"""Descent over a set by gradients only: projected BFGS, or spectral projections.

    box         d = -H g on the variables that are free,  w(t) = Proj(w + t d)
    other sets  d = Proj(w - a g) - w,  a = s's / s'y,    w(t) = w + t d

with t = 1, 1/2, ... until the value is below the largest of the latest ones by 1e-4 g'(w(t) - w).
The first is monotone; the second looks back ten steps (Birgin, Martinez, Raydan, SIAM J. Optim. 10,
2000). H is made of pairs s = w - w_before, y = g - g_before: a matrix up to 100 variables, out of
the latest 20 pairs beyond.
"""

from typing import Any, NamedTuple

import numpy as np

ARMIJO, HALVINGS = 1e-4, 40
PAIRS = 20
DENSE = 100  # variables up to which H is a matrix
LOOK_BACK = 10
CURVED = 1e-12  # s'y, relative to |s| |y|, that a pair needs
CAUTIOUS = 0.5  # step relative to the inverse of the curvature seen
NOISE = 1e-14  # relative decrease that passes for rounding
LONGEST, SHORTEST = 1e10, 1e-10  # spectral step


class Stuck(Exception):  # noqa: N818 - a signal
    """No step is accepted."""


class Point(NamedTuple):
    """A point with its value and gradient, and what the oracle found on the way."""

    w: np.ndarray  # (n,)
    value: float
    g: np.ndarray  # (n,)
    extra: Any = None


class Descent(NamedTuple):
    """The latest point, pairs, matrix and values."""

    at: Point
    S: np.ndarray  # (k, n)
    Y: np.ndarray  # (k, n)
    H: Any = None  # (n, n), or None
    recent: tuple = ()
    scale: float = 1.0  # first trial step, relative to 1 / |g|


class Region(NamedTuple):
    """Where the variables may go: a box, or a set by its projection."""

    lb: Any = -np.inf
    ub: Any = np.inf
    projection: Any = None

    def project(self, w):
        """Return the nearest point."""
        return np.clip(w, self.lb, self.ub) if self.projection is None else self.projection(w)

    def residual(self, w, g):
        """Return |Proj(w - g) - w| in the Euclidean norm."""
        return float(np.linalg.norm(self.project(w - g) - w))


def region_of(where, n):
    """Return the `Region` of a set or None."""
    if where is None:
        return Region()
    explicit = where.explicit(n)
    if explicit is None or len(explicit.A) or explicit.centre is not None:
        return Region(projection=where.project)
    return Region(explicit.lb, explicit.ub)


def begin(oracle, w, extra=None):
    """Return the first state; ``oracle(w, extra) -> (value, gradient, extra)``."""
    none = np.zeros((0, w.size))
    return Descent(Point(w, *oracle(w, extra)), none, none)


def forget(s, point):
    """Return a state at a point without memory of earlier ones, for a changed function."""
    none = np.zeros((0, point.w.size))
    return Descent(point, none, none, scale=s.scale)


def advance(oracle, s, region):
    """Return the state after one step.

    Raises
    ------
    Stuck
        If no step is accepted, even along the negative gradient.
    """
    search = _along_box if region.projection is None else _along_set
    try:
        return _remember(s, search(oracle, s, region))
    except Stuck:
        if not len(s.S):
            raise
    s = forget(s, s.at)
    return _remember(s, search(oracle, s, region))


def minimise(oracle, w, region, tol, maxiter, extra=None, memory=None):
    """Return the `Descent` at its end, from w to a residual of `tol`.

    Parameters
    ----------
    oracle : callable
        As for `begin`.
    w : ndarray, shape (n,)
    region : Region
    tol : float
    maxiter : int
    extra : object
        For the oracle.
    memory : Descent, optional
        Of a similar function, whose pairs are begun with.
    """
    s = begin(oracle, w, extra)
    if memory is not None:
        s = s._replace(S=memory.S, Y=memory.Y, H=memory.H)
    for _ in range(maxiter):
        if not region.residual(s.at.w, s.at.g) > tol:
            break
        try:
            s = advance(oracle, s, region)
        except Stuck:
            break
    return s


def secant_step(step, move, change, larger):
    """Return half the inverse of the curvature along the last step, at most `larger` times `step`.

    Parameters
    ----------
    step : float
        The last step size.
    move, change : ndarray, shape (n,)
        Last step, and the change of the gradient along it.
    larger : float
    """
    seen = float(np.linalg.norm(change))
    if not move.any() or seen == 0.0:
        return step
    return min(larger * step, CAUTIOUS * float(np.linalg.norm(move)) / seen)


def _along_box(oracle, s, region):
    w, value, g, extra = s.at
    held = ((w <= region.lb) & (g > 0.0)) | ((w >= region.ub) & (g < 0.0))
    free = np.where(held, 0.0, g)
    d = np.where(held, 0.0, _downhill(s, free))
    if not d @ g < -1e-12 * np.linalg.norm(d) * np.linalg.norm(free):
        d = -free
    t = 1.0 if len(s.S) else s.scale / max(1.0, float(np.linalg.norm(free)))
    for _ in range(HALVINGS):
        point = Point(after := region.project(w + t * d), *oracle(after, extra))
        if _accepted(point, value, g @ (after - w), value):
            return point
        t /= 2
    raise Stuck


def _along_set(oracle, s, region):
    w, value, g, extra = s.at
    a = s.scale / max(1.0, float(np.linalg.norm(g)))
    if len(s.S):
        a = np.clip(s.S[-1] @ s.S[-1] / (s.S[-1] @ s.Y[-1]), SHORTEST, LONGEST)
    d = region.project(w - a * g) - w
    highest, t = max((value, *s.recent)), 1.0
    for _ in range(HALVINGS):
        point = Point(after := w + t * d, *oracle(after, extra))
        if _accepted(point, highest, t * (g @ d), value):
            return point
        t /= 2
    raise Stuck


def _accepted(point, highest, slope, value):
    noise = NOISE * (1.0 + abs(value))
    low = point.value <= highest + ARMIJO * slope + noise
    return slope < 0.0 and bool(low) and bool(np.isfinite(point.g).all())


def _remember(s, point):
    """Return the state at the next point, with the pair that leads there."""
    step, change = point.w - s.at.w, point.g - s.at.g
    recent = (*s.recent, s.at.value)[1 - LOOK_BACK :]
    if step @ change <= CURVED * np.linalg.norm(step) * np.linalg.norm(change):
        return s._replace(at=point, recent=recent)
    H = _updated(s, step, change) if step.size <= DENSE and step.size else None
    kept = 1 if H is not None else PAIRS
    S, Y = np.vstack([s.S, step])[-kept:], np.vstack([s.Y, change])[-kept:]
    return s._replace(at=point, S=S, Y=Y, H=H, recent=recent)


def _updated(s, step, change):
    """Return the BFGS update of the inverse Hessian."""
    curved = step @ change
    H = s.H if s.H is not None else curved / (change @ change) * np.eye(step.size)
    Hy = H @ change
    lean = np.outer(Hy, step)
    return H + ((curved + change @ Hy) / curved * np.outer(step, step) - lean - lean.T) / curved


def _downhill(s, g):
    """Return -H g."""
    return -(s.H @ g) if s.H is not None else _two_loops(s, g)


def _two_loops(s, g):
    """Return -H g."""
    d, weights = -g, []
    for step, change in zip(s.S[::-1], s.Y[::-1], strict=True):
        weight = (step @ d) / (step @ change)
        d = d - weight * change
        weights.append(weight)
    if len(s.S):
        d = d * ((s.S[-1] @ s.Y[-1]) / (s.Y[-1] @ s.Y[-1]))
    for step, change, weight in zip(s.S, s.Y, weights[::-1], strict=True):
        d = d + (weight - (change @ d) / (step @ change)) * step
    return d
