"""Inexact Halpern iteration on the proximal points of F + G, by variance-reduced inner solves.

    u+ = lam u_0 + (1 - lam) v,   v ~ J_eta(F+G)(u),   lam = 1/(k + 2)

The inner problem, find v with 0 in B(v) + eta G(v), B(v) = eta F(v) + v - u, is strongly monotone:

    vbar = (1 - p) v + p w
    v+   = J_{gamma eta G}(vbar - gamma (B(w) + B_S(v) - B_S(w_before)))              (VR-FoRB)
    w_before = w;   w = v+ with probability p, and then B(w) is evaluated

It ends, tested where F(w) is exact, when |eta (F(w) + g) + w - u| <= c |u - w| / (k + 2)^2: the
left side bounds the distance of w to the proximal point. The next inner solve starts from w.
"""

from math import ceil, log, sqrt
from typing import Any, NamedTuple

import numpy as np

from numopt.linalg.restarts import Epoch
from numopt.models.monotone import Certified
from numopt.solvers.inclusions.base import estimated_lipschitz, first_point, watch_monotonicity

INNER, SLACK = 42.0, 19.0  # constants of the published number of inner iterations
THEORY = 0.9  # of gamma below its bound
WILD = 10.0  # growth of the inner residual at which gamma is halved
SURE = 1.1  # factor on an estimated constant
FEW = 0.5  # share of the components in a batch above which the whole F is evaluated


class State(NamedTuple):
    """The outer point, its anchor, and the latest inner solution."""

    point: Certified  # w
    u: Any  # (d,)
    anchor: Any  # (d,)
    first: float  # residual at the start
    L: float  # constant on average of a batch of components
    shortened: float = 1.0  # factor on gamma that the guard has set
    k: int = 0
    epoch: Epoch = Epoch()
    restarts: int = 0
    inner: int = 0  # iterations of inner solves


class Inner(NamedTuple):
    """Constants of the inner solves."""

    batch: int
    p: float
    eta: float
    gamma: float
    limit: int


def init(solver, problem, x0, run):
    """Return the first state."""
    n = problem.components
    batch = _batch(solver, n)
    L = SURE * estimated_lipschitz(problem, x0, problem.operator(x0), run.rng)
    if n > 1:
        L = max(L, (problem.lipschitz or sqrt(n) * L) / sqrt(batch))
    point = first_point(problem, x0, 1.0 / L)
    return State(point, point.u, point.u, point.residual, L)


def step(solver, problem, s, run):
    """Find the next proximal point and anchor it."""
    constants = _constants(solver, problem, s)
    point, used, wild = _inner_solve(solver, problem, s, constants, run)
    s = s._replace(inner=s.inner + used)
    if wild:
        return s._replace(shortened=0.5 * s.shortened)
    residual = point.residual
    s = s._replace(point=point)
    if solver.restart and s.epoch.over(residual, solver.sufficient):
        return s._replace(
            u=point.u, anchor=point.u, k=0, epoch=Epoch().seen(residual), restarts=s.restarts + 1
        )
    lam = 1.0 / (s.k + 2) if solver.anchor else 0.0
    u = lam * s.anchor + (1.0 - lam) * point.u
    return s._replace(u=u, k=s.k + 1, epoch=s.epoch.seen(residual))


def _batch(solver, n):
    return min(n, solver.batch) if solver.batch else ceil(sqrt(n))


def _constants(solver, problem, s):
    n = problem.components
    batch = _batch(solver, n)
    p = solver.refresh or batch / n
    if p > FEW:  # differences would save nothing
        p, eta, gamma = 1.0, 1.0 / s.L, 0.25
    else:
        eta = 1.0 / (sqrt(p) * s.L)
        gamma = sqrt(p * (1.0 - p)) / (1.0 + eta * s.L)
    limit = ceil(INNER * (n + sqrt(n)) * log(SLACK * (s.k + 2)) / batch)
    return Inner(batch, p, eta, THEORY * solver.step_factor * s.shortened * gamma, limit)


def _inner_solve(solver, problem, s, c, run):
    """Return the certified inner solution, the iterations made, and whether they diverged."""
    w, w_before, v = s.point, s.point, s.point.u
    goal, start = solver.inner_accuracy / (s.k + 2) ** 2, None
    for used in range(1, c.limit + 1):
        forward = c.eta * (w.F + _difference(problem, c, w, w_before, v, run)) + (
            w.u + v - w_before.u - s.u
        )
        arg = (1.0 - c.p) * v + c.p * w.u - c.gamma * forward
        v = problem.resolvent(arg, c.gamma * c.eta)
        w_before = w
        if c.p < 1.0 and run.rng.random() >= c.p:
            continue
        w = Certified(v, problem.operator(v), (arg - v) / (c.gamma * c.eta))
        watch_monotonicity(run, w.F - w_before.F, w.u - w_before.u)
        error = float(np.linalg.norm(c.eta * (w.F + w.g) + v - s.u))
        start = error if start is None else start
        if error <= goal * np.linalg.norm(s.u - v):
            return w, used, False
        if solver.measured(problem, w, s.first) <= solver.tol:
            return w, used, False
        if error > WILD * start:
            return w, used, True
    return w, c.limit, False


def _difference(problem, c, w, w_before, v, run):
    """Return an estimate of F(v) - F(w_before); it is exact just after an evaluation."""
    if v is w.u:
        return w.F - w_before.F
    return problem.difference(problem.sample(run.rng, c.batch), v, w_before.u)
