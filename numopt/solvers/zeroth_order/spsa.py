"""Simultaneous perturbation: two evaluations a step, for any number of variables.

    for k = 0, 1, 2, ...
        c_k = c / (k + 1)^0.101,   a_k = a / (k + 1 + A)^0.602
        g   = (f(x + c_k D) - f(x - c_k D)) / 2 c_k  1/D,           D_j = +1 or -1, at random
        x   = P(x - a_k g)

A is a tenth of all steps, and a such that the first move has the wanted size; no move is longer
than twice that.
"""

from typing import NamedTuple

import numpy as np

from numopt.core.errors import Status, Stop
from numopt.core.solver import Iterate
from numopt.solvers.zeroth_order.common import clipped, radius_of, residual, size_of, verified
from numopt.solvers.zeroth_order.smoothing import LATE

A_POWER, C_POWER = 0.602, 0.101  # Spall, IEEE Trans. Aerosp. Electron. Syst. 34, 1998
STABILITY = 0.1  # A, as a part of all steps
RADIUS, SMALLEST = 1e-2, 1e-6  # c, in units of the variables, where there is no noise; at least
FIRST = 0.1  # size of the first move, in units of the variables
LONGEST = 2.0  # move, in the size of the first one
DRAWS = 10  # estimates for the size of the first gradient
KEPT = 0.9  # of the estimate in the measure


class State(NamedTuple):
    """The point that moves, the point that is reported, and the gains."""

    x: np.ndarray  # (n,)
    fun: float  # value at x, where it is known
    mean: np.ndarray  # average of the iterates, (n,)
    mean_fun: float
    v: np.ndarray  # averaged estimate of the gradient, (n,)
    k: int
    a: float
    c: float
    A: float
    longest: float  # size of a move at most


def init(solver, problem, x0, run):
    """Evaluate the start point, and choose the gains."""
    fun, size, n = problem.fun(x0), size_of(problem, x0), problem.n
    c = radius_of(solver) or max(RADIUS * size, SMALLEST)
    if solver.noise and not solver.radius:
        c = max(solver.noise, SMALLEST * size)
    steps = min(solver.maxiter * solver.inner, solver.maxfun / 2.0)
    first = solver.step_size or FIRST * size
    s = State(x0, fun, x0, fun, np.zeros(n), 0, 0.0, c, STABILITY * steps, LONGEST * first)
    if not np.isfinite(fun):
        return s
    slopes = [np.abs(_estimate(solver, problem, s, c, run)).max(initial=0.0) for _ in range(DRAWS)]
    return s._replace(a=first * (s.A + 1.0) ** A_POWER / max(float(np.mean(slopes)), 1e-300))


def step(solver, problem, s, run):
    """Do `inner` steps."""
    for _ in range(solver.inner):
        s = _step(solver, problem, s, run)
    if not solver.average:
        fun = s.fun if solver.blocking else problem.fun(s.x)
        return s._replace(fun=fun, mean=s.x, mean_fun=fun)
    return s._replace(mean_fun=problem.fun(s.mean))


def _step(solver, problem, s, run):
    c_k, a_k = s.c / (s.k + 1) ** C_POWER, s.a / (s.k + 1 + s.A) ** A_POWER
    g = _estimate(solver, problem, s, c_k, run)
    move = np.clip(a_k * g, -s.longest, s.longest)
    x, fun = clipped(problem, s.x - move), s.fun
    if solver.blocking:
        fun = problem.fun(x)
        if not fun <= s.fun + 2.0 * solver.noise:
            x, fun = s.x, s.fun
    weight = (LATE + 1.0) / (s.k + 1 + LATE)
    v = g if s.k == 0 else KEPT * s.v + (1.0 - KEPT) * g
    return s._replace(x=x, fun=fun, v=v, k=s.k + 1, mean=s.mean + weight * (x - s.mean))


def _estimate(solver, problem, s, c, run):
    """Return the estimate from one random sign for each variable, shape (n,)."""
    signs = 2.0 * run.integers(2, problem.n) - 1.0
    free = problem.lb < problem.ub
    centre = _inside(problem, s.x, c)
    ends = np.stack([centre + c * signs, centre - c * signs])
    f = problem.values(clipped(problem, ends), solver.trusting)
    if not np.isfinite(f).all():
        raise Stop(Status.NONFINITE, "a difference of the objective")
    return np.where(free, (f[0] - f[1]) / (2.0 * c) * signs, 0.0)


def _inside(problem, x, c):
    """Return x moved into the box that is smaller by c on each side, or to its middle."""
    low, high = problem.lb + c, problem.ub - c
    narrow = low > high
    middle = np.where(narrow, problem.lb, 0.0) / 2.0 + np.where(narrow, problem.ub, 0.0) / 2.0
    return np.clip(x, np.where(narrow, middle, low), np.where(narrow, middle, high))


def report(solver, problem, s, run):
    """Return the average or the last point; the measure is that of the averaged estimate."""
    measure = residual(problem, s.x, s.v) if s.k else np.inf
    return Iterate(s.mean, float(s.mean_fun), measure)


def verify(solver, problem, it):
    """Recompute value and measure, by differences along the coordinates."""
    return (*verified(problem, it.x, radius_of(solver)), 0.0)
