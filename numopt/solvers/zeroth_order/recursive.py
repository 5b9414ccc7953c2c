"""Nonsmooth and nonconvex: recursive estimates of the gradient of a ball-smoothed objective.

    G(x; W) = n / (2 delta |W|) sum over w in W of (f(x + delta w) - f(x - delta w)) w

    for k = 0, 1, 2, ...                                            (one iteration = one epoch)
        v = G(x; W),   W: b fresh directions on the sphere
        repeat m - 1 times
            y = P(x - eta v)
            v = v + G(y; W) - G(x; W),   W: b' fresh directions, the same ones at both points
            x = y
        eta doubles if the mean of f over the fresh stencil fell; else it is halved, and x goes back

G(x) is the gradient of f averaged over the ball of radius delta, which is a convex combination of
subgradients within it: a point with G(x) = 0 is (delta, 0)-Goldstein stationary. Directions come
in orthonormal sets, so an estimate from n of them is exact where f is linear. The first balls are
larger: delta is divided by 4 after two epochs in a row that did not lower the mean.
"""

from typing import NamedTuple

import numpy as np

from numopt.core.errors import Status, Stop
from numopt.core.solver import Iterate
from numopt.solvers.zeroth_order.common import (
    WIDE,
    clipped,
    finest_of,
    inside,
    judged,
    radius_of,
    residual,
)

RADIUS = 1e-3  # delta, in units of the variables
FEWEST, MOST = 4, 1000  # directions of a fresh estimate
SURE = 10  # times n directions before a success
STUCK = 60  # halvings in a row
NARROWER = 0.25  # of delta, from one level to the next
WIDEST = 0.25  # first delta, in units of the variables
SHORTEST = 1e-5  # step, in radii of the ball
PATIENCE = 2  # halvings in a row before the next level


class Undefined(Stop):
    """Ends a run, or the search in a ball that is not the last one."""


class State(NamedTuple):
    """The start of an epoch."""

    x: np.ndarray  # (n,)
    fun: float  # value at x
    low: float  # mean over the stencil around x
    v: np.ndarray  # fresh estimate, (n,)
    error: float  # its standard error
    eta: float
    delta: float
    last: float  # delta at the end
    idle: int  # halvings in a row


def init(solver, problem, x0, run):
    """Evaluate the start point and a fresh estimate there."""
    fun, size = problem.fun(x0), finest_of(problem, x0)
    last = radius_of(solver, size) or RADIUS * size
    first = min(last / NARROWER**solver.levels, max(last, WIDEST * size))
    s = State(x0, fun, np.inf, np.full(problem.n, np.nan), np.inf, 0.0, first, last, 0)
    if not np.isfinite(fun):
        return s
    return _entered(solver, problem, s, run)


def _entered(solver, problem, s, run):
    """Return the state with a fresh estimate in a new ball, and a step as long as its radius."""
    s = _fresh(solver, problem, s, run)
    return s._replace(eta=solver.step_size or _reach(s))


def _reach(s):
    """Return the step as long as the radius of the ball."""
    return s.delta / max(float(np.linalg.norm(s.v)), 1e-300)


def _counts(solver, n):
    """Return b, m and b'."""
    b = solver.samples or min(max(n, FEWEST), MOST)
    m = int(np.ceil(np.sqrt(b)))
    return b, m, int(np.ceil(b / m))


def _fresh(solver, problem, s, run):
    """Return the state with a fresh estimate; in a smaller ball, where f is not finite in this."""
    n = problem.n
    try:
        s = _estimated(problem, s, directions(run.rng, _counts(solver, n)[0], n))
        if _measure(problem, s) > solver.tol or not _last(s):
            return s
        return _estimated(problem, s, directions(run.rng, _many(solver, n), n))
    except Undefined:
        if _last(s):
            raise
    return _fresh(solver, problem, _narrowed(s), run)


def _last(s):
    return s.delta <= s.last


def _narrowed(s):
    return s._replace(delta=max(NARROWER * s.delta, s.last), idle=0)


def _many(solver, n):
    """Return the number of directions that a success is based on."""
    return solver.samples or min(max(SURE * n, FEWEST), MOST)


def _estimated(problem, s, W):
    f = _ends(problem, s.x, s.delta, W)
    terms = _terms(f, s.delta, W)
    error = float(np.sqrt(terms.var(axis=0).sum() / len(W)))
    return s._replace(v=terms.mean(axis=0), error=error, low=float(f.mean()))


def _ends(problem, x, delta, W):
    """Return f at both ends of each direction, shape (2, k)."""
    centre = inside(problem, x, delta)
    ends = clipped(problem, np.concatenate([centre + delta * W, centre - delta * W]))
    f = problem.values(ends, candidates=False).reshape(2, -1)
    if not np.isfinite(f).all():
        raise Undefined(Status.NONFINITE, "a difference of the objective")
    return f


def _terms(f, delta, W):
    return W.shape[1] * ((f[0] - f[1]) / (2.0 * delta))[:, None] * W


def directions(rng, k, n):
    """Return k directions, each uniform on the sphere, orthonormal in sets of n, shape (k, n)."""
    sets = []
    for _ in range(-(-k // n) if n else 0):
        Q, R = np.linalg.qr(rng.standard_normal((n, n)))
        sets.append((Q * np.sign(np.diag(R))).T)
    return np.concatenate(sets)[:k] if sets else np.zeros((k, n))


def step(solver, problem, s, run):
    """Do one epoch, or go on to a smaller ball."""
    try:
        new = _epoch(solver, problem, s, run)
    except Undefined:
        if _last(s):
            raise
        return _entered(solver, problem, _narrowed(s), run)
    better = solver.step_size > 0 or new.low < s.low
    if better:
        s = new._replace(eta=solver.step_size or 2.0 * s.eta, idle=0)
    if not _last(s) and (s.idle >= PATIENCE or _measure(problem, s) <= solver.tol):
        return _entered(solver, problem, _narrowed(s), run)
    if better:
        return s
    if s.idle >= STUCK:
        raise Stop(Status.SMALL_STEP)
    if _last(s):
        s = _fresh(solver, problem, s, run)  # a lucky mean must not stay for ever
    eta = max(0.5 * s.eta, SHORTEST * _reach(s))
    return s._replace(eta=eta, idle=s.idle + 1)


def _epoch(solver, problem, s, run):
    """Return the state after m steps with corrected estimates."""
    _, m, few = _counts(solver, problem.n)
    x, v = s.x, s.v
    for _ in range(m - 1):
        y = clipped(problem, x - s.eta * v)
        W = directions(run.rng, few, problem.n)
        both = (_terms(_ends(problem, at, s.delta, W), s.delta, W) for at in (y, x))
        v = v + (next(both) - next(both)).mean(axis=0)
        x = y
    x = clipped(problem, x - s.eta * v)
    return _fresh(solver, problem, s._replace(x=x, fun=problem.fun(x)), run)


def _measure(problem, s):
    return residual(problem, s.x, s.v)


def report(solver, problem, s, run):
    """Return the start of the epoch; the measure is the size of the fresh estimate."""
    scalars = {"step": float(s.eta), "error": s.error}
    known = np.isfinite(s.fun) and _last(s)
    measure = _measure(problem, s) if known else np.inf
    return Iterate(s.x, float(s.fun), measure, 0.0, scalars, lambda: {"radius": s.delta})


def verify(solver, problem, it):
    """Recompute value and measure, from directions of its own."""
    fun, delta = problem.fun(it.x), it.fields()["radius"]
    W = directions(np.random.default_rng(0), _many(solver, problem.n), problem.n)
    v = _mean(problem, it.x, delta, W)
    hidden = not v.any()
    if hidden:
        v = _mean(problem, it.x, max(delta, WIDE * finest_of(problem, it.x)), W)
    return fun, judged(solver, residual(problem, it.x, v), hidden), 0.0


def _mean(problem, x, delta, W):
    return _terms(_ends(problem, x, delta, W), delta, W).mean(axis=0)
