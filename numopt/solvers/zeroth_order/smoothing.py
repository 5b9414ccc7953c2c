"""Gradients of a smoothed objective from random directions, with momentum and averaging.

    for k = 0, 1, 2, ...
        g = 1/q sum_j (f(x + mu u_j) - f(x - mu u_j)) / 2mu u_j,    u_j ~ N(0, I), or sparse
        v = beta v + (1 - beta) g
        x = P(x - t v);   t grows where f falls and is halved, without a move, where it rises

With `step` given, t stays what it is and no value is compared.
"""

from typing import NamedTuple

import numpy as np

from numopt.core.errors import Status, Stop
from numopt.core.solver import Iterate
from numopt.solvers.zeroth_order.common import (
    clipped,
    finest_of,
    radius_of,
    residual,
    size_of,
    verified,
)

RADIUS = 1e-4  # mu, in units of the variables, where there is no noise
LATE = 3  # weight of the late iterates in the average, Shamir and Zhang, ICML 2013, section 4
GROWTH, SHRINKAGE = 1.5, 0.5
FIRST = 0.1  # size of the first move, in units of the variables
STUCK = 60  # halvings in a row


class State(NamedTuple):
    """The point that moves, the point that is reported, and the search for the step."""

    x: np.ndarray  # (n,)
    fun: float
    mean: np.ndarray  # average of the iterates, (n,)
    mean_fun: float
    v: np.ndarray  # averaged estimate of the gradient, (n,)
    t: float
    k: int  # steps so far
    idle: int  # halvings in a row
    mu: float


def init(solver, problem, x0, run):
    """Evaluate the start point."""
    fun, size = problem.fun(x0), finest_of(problem, x0)
    mu = radius_of(solver, size) or RADIUS * size
    zero = np.zeros(problem.n)
    return State(x0, fun, x0, fun, zero, solver.step_size, 0, 0, mu)


def step(solver, problem, s, run):
    """Do `inner` steps."""
    for _ in range(solver.inner):
        s = _step(solver, problem, s, run)
    if not solver.average:
        fun = s.fun if np.isfinite(s.fun) else problem.fun(s.x)
        return s._replace(fun=fun, mean=s.x, mean_fun=fun)
    return s._replace(mean_fun=problem.fun(s.mean))


def _step(solver, problem, s, run):
    g = _estimate(solver, problem, s, run)
    v = g if s.k == 0 else solver.momentum * s.v + (1.0 - solver.momentum) * g
    t = s.t or FIRST * size_of(problem, s.x) / max(float(np.linalg.norm(v)), 1e-300)
    x = clipped(problem, s.x - t * v)
    if solver.step_size:
        return _averaged(s._replace(x=x, fun=np.nan, v=v, t=t, k=s.k + 1))
    fun = problem.fun(x)
    if fun <= s.fun + 2.0 * solver.noise:
        return _averaged(s._replace(x=x, fun=fun, v=v, t=GROWTH * t, k=s.k + 1, idle=0))
    if s.idle >= STUCK:
        raise Stop(Status.SMALL_STEP)
    # Old directions are forgotten where they lead upwards.
    return _averaged(s._replace(v=g, t=SHRINKAGE * t, k=s.k + 1, idle=s.idle + 1))


def _averaged(s):
    weight = (LATE + 1.0) / (s.k + LATE)
    return s._replace(mean=s.mean + weight * (s.x - s.mean))


def _estimate(solver, problem, s, run):
    """Return the mean over q random directions, shape (n,)."""
    q, n = solver.samples or min(max(problem.n, 4), 20), problem.n
    U = run.normal((q, n)) * (problem.lb < problem.ub)
    if solver.density < 1.0:
        U = U * (run.rng.random((q, n)).argsort(axis=1) < max(1, round(solver.density * n)))
        U = U * np.sqrt(n / max(1, round(solver.density * n)))
    ends = clipped(problem, np.concatenate([s.x + s.mu * U, s.x - s.mu * U]))
    f = problem.values(ends, solver.trusting)
    rise = f[:q] - f[q:]
    if not np.isfinite(rise).all():
        raise Stop(Status.NONFINITE, "a difference of the objective")
    length = np.linalg.norm(ends[:q] - ends[q:], axis=1) / np.maximum(
        np.linalg.norm(U, axis=1), 1e-300
    )
    return (rise / np.maximum(length, 1e-300)) @ U / q


def report(solver, problem, s, run):
    """Return the average or the last point; the measure is that of the averaged estimate."""
    measure = residual(problem, s.x, s.v) if s.k else np.inf
    return Iterate(
        s.mean, float(s.mean_fun), measure, 0.0, {"step": float(s.t)}, lambda: {"radius": s.mu}
    )


def verify(solver, problem, it):
    """Recompute value and measure, by differences along the coordinates."""
    return verified(solver, problem, it)
