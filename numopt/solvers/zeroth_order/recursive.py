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
in orthonormal sets, so an estimate from n of them is exact where f is linear.
"""

from typing import NamedTuple

import numpy as np

from numopt.core.errors import Status, Stop
from numopt.core.solver import Iterate
from numopt.solvers.zeroth_order.common import clipped, radius_of, residual, size_of

RADIUS = 1e-3  # delta, in units of the variables
MOST = 1000  # directions of a fresh estimate
STUCK = 60  # halvings in a row


class State(NamedTuple):
    """The start of an epoch."""

    x: np.ndarray  # (n,)
    fun: float  # value at x
    low: float  # mean over the stencil around x
    v: np.ndarray  # fresh estimate, (n,)
    error: float  # its standard error
    eta: float
    delta: float
    idle: int  # halvings in a row


def init(solver, problem, x0, run):
    """Evaluate the start point and a fresh estimate there."""
    fun, delta = problem.fun(x0), radius_of(solver) or RADIUS * size_of(problem, x0)
    s = State(x0, fun, np.inf, np.full(problem.n, np.nan), np.inf, 0.0, delta, 0)
    if not np.isfinite(fun):
        return s
    s = _fresh(solver, problem, s, run)
    return s._replace(eta=solver.step_size or delta / max(float(np.linalg.norm(s.v)), 1e-300))


def _counts(solver, n):
    """Return b, m and b'."""
    b = solver.samples or min(10 * n, MOST)
    m = int(np.ceil(np.sqrt(b)))
    return b, m, int(np.ceil(b / m))


def _fresh(solver, problem, s, run):
    """Return the state with value, estimate and stencil mean at its point."""
    W = directions(run.rng, _counts(solver, problem.n)[0], problem.n)
    f = _ends(problem, s.x, s.delta, W)
    terms = _terms(f, s.delta, W)
    error = float(np.sqrt(terms.var(axis=0).sum() / len(W)))
    return s._replace(v=terms.mean(axis=0), error=error, low=float(f.mean()))


def _ends(problem, x, delta, W):
    """Return f at both ends of each direction, shape (2, k)."""
    ends = np.concatenate([x + delta * W, x - delta * W])
    f = problem.values(ends, candidates=False).reshape(2, -1)
    if not np.isfinite(f).all():
        raise Stop(Status.NONFINITE, "a difference of the objective")
    return f


def _terms(f, delta, W):
    return W.shape[1] * ((f[0] - f[1]) / (2.0 * delta))[:, None] * W


def directions(rng, k, n):
    """Return k directions, each uniform on the sphere, orthonormal in sets of n, shape (k, n)."""
    sets = []
    for _ in range(-(-k // n)):
        Q, R = np.linalg.qr(rng.standard_normal((n, n)))
        sets.append((Q * np.sign(np.diag(R))).T)
    return np.concatenate(sets)[:k] if sets else np.zeros((0, n))


def step(solver, problem, s, run):
    """Do one epoch."""
    _, m, few = _counts(solver, problem.n)
    x, v = s.x, s.v
    for _ in range(m - 1):
        y = clipped(problem, x - s.eta * v)
        W = directions(run.rng, few, problem.n)
        both = (_terms(_ends(problem, at, s.delta, W), s.delta, W) for at in (y, x))
        v = v + (next(both) - next(both)).mean(axis=0)
        x = y
    x = clipped(problem, x - s.eta * v)
    new = _fresh(solver, problem, s._replace(x=x, fun=problem.fun(x)), run)
    if solver.step_size or new.low < s.low:
        return new._replace(eta=solver.step_size or 2.0 * s.eta, idle=0)
    if s.idle >= STUCK:
        raise Stop(Status.SMALL_STEP)
    return s._replace(eta=0.5 * s.eta, idle=s.idle + 1)


def report(solver, problem, s, run):
    """Return the start of the epoch; the measure is the size of the fresh estimate."""
    scalars = {"step": float(s.eta), "error": s.error}
    measure = residual(problem, s.x, s.v) if np.isfinite(s.fun) else np.inf
    return Iterate(s.x, float(s.fun), measure, 0.0, scalars, lambda: {"radius": s.delta})


def verify(solver, problem, it):
    """Recompute value and measure, from directions of its own."""
    fun, delta = problem.fun(it.x), it.fields()["radius"]
    W = directions(np.random.default_rng(0), _counts(solver, problem.n)[0], problem.n)
    v = _terms(_ends(problem, it.x, delta, W), delta, W).mean(axis=0)
    return fun, residual(problem, it.x, v), 0.0
