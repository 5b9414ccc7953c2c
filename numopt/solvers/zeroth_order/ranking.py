"""Descent from rankings: of some points only the order is seen, never a value.

    for k = 0, 1, 2, ...
        draw u_1..u_m ~ N(0, I) and rank the k best of x + mu u_i
        g = 1/|E| sum over the pairs "i better than j" of (u_j - u_i)
        rank x - l 2^-j g (j = 0..m-3), the best x + mu u_i, and x:  the best one is the next x;
        if that is x itself, average g over the next rounds; after some of them, mu is reduced

|E| = k (k - 1) / 2 + k (m - k) pairs are known, and l = mu sqrt(n).
"""

from typing import Any, NamedTuple

import numpy as np

from numopt.core.errors import Status, Stop
from numopt.core.solver import Iterate
from numopt.solvers.zeroth_order.common import clipped, radius_of, size_of

RADIUS = 0.1  # first mu, in units of the variables
PATIENCE = 5  # rounds without a move before mu is reduced


class State(NamedTuple):
    """The point, the radius, and the rounds since the last move."""

    x: np.ndarray  # (n,)
    fun: float  # value at x; NaN if there is none to see
    mu: float
    first: float  # the first mu
    g: np.ndarray  # mean of the estimates since the last move, (n,)
    rounds: int


def init(solver, problem, x0, run):
    """Take the start point as it is."""
    fun = np.nan if problem.kind == "preference" else problem.fun(x0)
    size = size_of(problem, x0)
    mu = radius_of(solver, size) or RADIUS * size
    return State(x0, fun, mu, mu, np.zeros(problem.n), 0)


def step(solver, problem, s, run):
    """Do one round: an estimate, and a search along it."""
    m, n = solver.samples or min(max(6, 4 + problem.n // 2), 15), problem.n
    queries = clipped(problem, s.x + s.mu * run.normal((m, n)))
    order, values = _best(solver, problem, queries, solver.best or m)
    u = (queries - s.x) / s.mu
    g = s.g + (estimate(u, order) - s.g) / (s.rounds + 1)
    reach = s.mu * np.sqrt(n) * 0.5 ** np.arange(m - 2)
    along = clipped(problem, s.x - reach[:, None] * g)
    points = np.concatenate([along, queries[order[:1]], s.x[None, :]])
    winner, fun = _winner(solver, problem, points, values[order[0]], s.fun)
    if (points[winner] == s.x).all():
        return _rested(solver, s._replace(g=g, rounds=s.rounds + 1))
    mu = s.mu / solver.shrink if winner == 0 else s.mu
    return s._replace(x=points[winner], fun=fun, mu=mu, g=np.zeros(n), rounds=0)


def estimate(u, order):
    """Return the mean of u_j - u_i over the pairs in which i is known to be better than j.

    Parameters
    ----------
    u : ndarray, shape (m, n)
        Displacements.
    order : ndarray of int, shape (k,)
        The k best rows, best first.
    """
    m, k = len(u), len(order)
    weights = np.full(m, float(k))
    weights[order] = 2.0 * np.arange(1, k + 1) - m - 1.0
    pairs = k * (k - 1) / 2 + k * (m - k)
    return weights @ u / max(pairs, 1.0)


def _best(solver, problem, X, k):
    """Return the k best rows, best first, and the values where there are any."""
    if problem.kind == "preference":
        return problem.best(X, k), np.full(len(X), np.nan)
    f = problem.values(X, solver.trusting)
    return np.argsort(np.where(np.isnan(f), np.inf, f), kind="stable")[:k], f


def _winner(solver, problem, points, query, fun) -> Any:
    """Return which point is the best, and its value; of equals, the one that comes last."""
    last = len(points) - 1
    if problem.kind == "preference":
        others = np.flatnonzero((points != points[last]).any(axis=1))
        some = np.append(others, last)
        return (int(some[problem.best(points[some], 1)[0]]) if others.size else last), np.nan
    known = [] if solver.noise else [query, fun]  # a lucky value must not stay for ever
    fresh = points[: len(points) - len(known)]
    f = np.append(problem.values(fresh, solver.trusting) if len(fresh) else [], known)
    f = np.where(np.isnan(f), np.inf, f)
    winner = last - int(np.argmin(f[::-1]))
    return winner, float(f[winner])


def _rested(solver, s):
    if s.rounds < PATIENCE or solver.shrink == 1.0:
        return s
    mu = solver.shrink * s.mu
    if mu <= np.finfo(float).eps * np.abs(s.x).max(initial=0.0):
        raise Stop(Status.SMALL_STEP)
    return s._replace(mu=mu, g=np.zeros(s.x.size), rounds=0)


def report(solver, problem, s, run):
    """Return the point; the measure is the radius, relative to the first one."""
    measure = s.mu / s.first
    fun = measure if problem.kind == "preference" else s.fun
    return Iterate(s.x, float(fun), measure, 0.0, {"radius": s.mu}, lambda: {"radius": s.mu})


def verify(solver, problem, it):
    """Look around the point once more: no neighbour along a coordinate may be better."""
    mu, n = it.fields()["radius"], problem.n
    around = np.concatenate([it.x + mu * np.eye(n), it.x - mu * np.eye(n)])
    around = np.unique(clipped(problem, around), axis=0)
    around = around[(around != it.x).any(axis=1)]
    if problem.kind == "preference":
        first = problem.best(np.concatenate([around, it.x[None, :]]), 1)[0]
        return it.fun, it.optimality if first == len(around) else np.inf, 0.0
    fun = problem.fun(it.x)
    better = (problem.values(around) < fun).any() if len(around) else False
    return fun, np.inf if better else it.optimality, 0.0
