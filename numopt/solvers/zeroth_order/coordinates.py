"""Gradients by differences along the coordinates, and projected quasi-Newton steps.

    g_j = (f(x + h e_j) - f(x - h e_j)) / 2h
    for k = 0, 1, 2, ...
        d = -H g in the variables that are free to move        H: inverse L-BFGS matrix
        shorten a until f(P(x + a d)) <= f(x) + 1e-4 <g, P(x + a d) - x>        P: clip to bounds
        lengthen it where f falls beyond with half of the first slope still
        x = P(x + a d), new differences

The second condition lets H learn kinks, so that f need not be smooth (Lewis and Overton, 2013).

With `density` below 1 only a random part of g is differenced anew; then H is a multiple of the
identity (Barzilai and Borwein), and f may rise to the highest of the last ten values.
"""

from typing import NamedTuple

import numpy as np

from numopt.core.errors import Status, Stop
from numopt.core.solver import Iterate
from numopt.solvers.zeroth_order.common import (
    clipped,
    finest_of,
    gradient,
    radius_of,
    residual,
    typical,
    verified,
)

DECREASE = 1e-4
WINDOW = 10  # values, where the gradient is partly old: Birgin, Martinez, Raydan, 2000
FLATTER = 0.5  # part of the first slope: weak Wolfe condition of Lewis and Overton, 2013
NARROW, MOST = 1e-3, 1e3  # end of a search between two lengths, and of longer ones
PAIRS, FEWER = 30, 10  # of the L-BFGS matrix, and with noise, as old ones are wrong by more of it
CURVED = 1e-10  # least s'y of a pair, relative to y'y
SHORTEST, LONGEST = 1e-30, 1e30  # steps t
FIRST = 0.1  # size of the first move, in units of the variables
EPS = np.finfo(float).eps


class State(NamedTuple):
    """A point, its gradient, and what is known of the curvature."""

    x: np.ndarray  # (n,)
    fun: float
    g: np.ndarray  # (n,)
    at: np.ndarray  # value of each variable when its entry of g was differenced, (n,)
    fresh: bool  # whether all of g belongs to x
    t: float  # length of a gradient step
    pairs: tuple  # the latest (s, y): changes of x and g
    recent: tuple  # latest values
    sizes: np.ndarray  # of the variables, (n,)
    radius: float  # of the differences; 0 balances truncation and rounding


def init(solver, problem, x0, run):
    """Evaluate the start point and all differences there."""
    fun, n = problem.fun(x0), problem.n
    radius = radius_of(solver, finest_of(problem, x0))
    s = State(x0, fun, np.full(n, np.nan), x0, True, 1.0, (), (fun,), np.ones(n), radius)
    if not np.isfinite(fun):
        return s
    s = s._replace(sizes=typical(problem, x0))
    s = _differenced(solver, problem, s, np.arange(n))
    slope = residual(problem, x0, s.g) or 1.0
    longest = FIRST * max(np.abs(x0).max(initial=0.0), s.sizes.min(initial=1.0))
    return s._replace(t=solver.step_size or longest / slope)


def _differenced(solver, problem, s, rows):
    """Return the state with some entries of the gradient differenced anew."""
    formula = "2-point" if solver.difference == "forward" else "3-point"
    g, at = s.g.copy(), s.at.copy()
    rest = rows, s.sizes, formula, s.radius, solver.trusting
    g[rows] = gradient(problem, s.x, s.fun, *rest)
    at[rows] = s.x[rows]
    return s._replace(g=g, at=at, fresh=len(rows) == problem.n)


def step(solver, problem, s, run):
    """Do one step; where old entries of the gradient mislead, difference all of them instead."""
    everything = np.arange(problem.n)
    done = residual(problem, s.x, s.g) <= solver.tol
    x, fun = (None, np.nan) if done and not s.fresh else _searched(solver, problem, s)
    if x is None and s.pairs:
        return s._replace(pairs=())
    if x is None and s.fresh:
        raise Stop(Status.SMALL_STEP)
    if x is None:
        return _differenced(solver, problem, s, everything)
    rows = everything
    if solver.density < 1.0:
        rows = np.sort(run.choice(problem.n, max(1, round(solver.density * problem.n))))
    moved = s._replace(x=x, fun=fun, recent=(*s.recent, fun)[-WINDOW:])
    kept = FEWER if solver.noise else PAIRS
    return _learned(s, _differenced(solver, problem, moved, rows), rows, kept)


def _learned(old, new, rows, kept):
    """Return the new state with the curvature that the differences of some rows have shown."""
    s, y = (new.at - old.at)[rows], (new.g - old.g)[rows]
    curved, square = s @ y, y @ y
    t = min(max(s @ s / curved, SHORTEST), LONGEST) if curved > 0.0 else old.t
    pairs = old.pairs
    if old.fresh and new.fresh and curved > CURVED * square:
        pairs = (*pairs, (s, y))[-kept:]
    return new._replace(t=t, pairs=pairs)


def _searched(solver, problem, s):
    """Return (x, fun) of an acceptable point along the projected direction, or (None, nan)."""
    d, a, low, high = _direction(problem, s), 1.0, 0.0, np.inf
    highest = (s.fun if s.fresh else max(s.recent)) + 2.0 * solver.noise
    found = None, np.nan
    while (a * np.abs(d) > EPS * np.maximum(EPS * s.sizes, np.abs(s.x))).any():
        x = clipped(problem, s.x + a * d)
        slope = s.g @ (x - s.x)
        if not slope < 0.0:
            break
        fun = problem.fun(x)
        if fun <= highest + DECREASE * slope:
            low, found = a, (x, fun)
            if a >= MOST or (x != s.x + a * d).any() or not _steep(solver, problem, s, found, d):
                break
            a = min(2.0 * a, 0.5 * (a + high))
        else:
            high, a = a, 0.5 * (low + a) if low else a * _shorter(fun - s.fun, slope)
        if low and high - low <= NARROW * high:
            break
    return found


def _steep(solver, problem, s, found, d):
    """Return whether f falls beyond a point nearly as it did at first: then the step is short."""
    if solver.noise or not s.fresh:
        return False
    x, fun = found
    h = np.cbrt(EPS) * max(s.sizes.min(), np.abs(x).max()) / np.abs(d).max()
    beyond = problem.fun(clipped(problem, x + h * d))
    return beyond - fun < FLATTER * h * (s.g @ d)


def _shorter(rise, slope):
    """Return the factor at which the parabola through value, slope and trial has its minimum."""
    best = 0.5 * slope / (slope - rise)
    return min(max(best, 0.1), 0.5) if np.isfinite(best) else 0.1


def _direction(problem, s):
    """Return -H g in the free variables, by two loops over the pairs; -t g if it is no descent."""
    g = np.where(_held(problem, s), 0.0, s.g)
    d, coefficients = -g, []
    for move, change in reversed(s.pairs):
        alpha = (move @ d) / (move @ change)
        d = d - alpha * change
        coefficients.append(alpha)
    d = d * s.t
    for (move, change), alpha in zip(s.pairs, reversed(coefficients), strict=True):
        d = d + (alpha - (change @ d) / (move @ change)) * move
    d = np.where(g == 0.0, 0.0, d)
    return d if s.g @ d < 0.0 else -s.t * g


def _held(problem, s):
    """Return which variables lie at a bound that a gradient step would cross."""
    low, high = s.x <= problem.lb, s.x >= problem.ub
    return (low & (s.g > 0.0)) | (high & (s.g < 0.0))


def report(solver, problem, s, run):
    """Return the point; its measure counts only when the whole gradient belongs to it."""
    measure = residual(problem, s.x, s.g) if s.fresh else np.inf
    return Iterate(
        s.x, float(s.fun), measure, 0.0, {"step": float(s.t)}, lambda: {"radius": s.radius}
    )


def verify(solver, problem, it):
    """Recompute value and measure."""
    return verified(solver, problem, it)
