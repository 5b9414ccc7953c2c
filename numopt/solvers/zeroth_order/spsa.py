"""Simultaneous perturbation: two evaluations a step, for any number of variables.

    for k = 0, 1, 2, ...
        c_k = c / (k + 1)^0.101,   a_k = a / (k + 1 + A)^0.602
        g   = (f(x + c_k D) - f(x - c_k D)) / 2 c_k  1/D,           D_j = +1 or -1, at random
        x   = P(x - a_k g)

A is a tenth of all steps, and a such that the first move has the wanted size; no move is longer
than twice that. The second-order form learns the Hessian from two more values a step:

        h = (f(x + c_k D + c_k E) - f(x + c_k D) - f(x - c_k D + c_k E) + f(x - c_k D)) / 2 c_k^2
        M = (DE' + ED') / 2,   H = H + (h - D'HE) / |M|^2 M
        x = P(x - b_k |H|^-1 g),   b_k = 1/n (1 + A)^0.602 / (k + 1 + A)^0.602

From a multiple of the identity with the same first move. H is the nearest matrix that agrees with
the latest values (Leventhal and Lewis, 2011) rather than a mean (Spall, 2000); |H| has its absolute
eigenvalues, and is renewed every `inner` steps.
"""

from typing import NamedTuple

import numpy as np

from numopt.core.errors import Status, Stop
from numopt.core.solver import Iterate
from numopt.solvers.zeroth_order.common import (
    LARGEST,
    clipped,
    finest_of,
    inside,
    residual,
    size_of,
    verified,
)
from numopt.solvers.zeroth_order.smoothing import LATE

A_POWER, C_POWER = 0.602, 0.101  # Spall, IEEE Trans. Aerosp. Electron. Syst. 34, 1998
STABILITY = 0.1  # A, as a part of all steps
RADIUS, SMALLEST = 1e-2, 1e-6  # c, in units of the variables, where there is no noise; at least
FIRST = 0.1  # size of the first move, in units of the variables
LONGEST = 2.0  # move, in the size of the first one
NARROWEST = 0.25  # c at most, in the least width of a finite box
FLATTEST = 1e-2  # eigenvalue of |H|, relative to the largest one
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
    H: np.ndarray  # estimate of the Hessian, (n, n); (0, 0) if it is not wanted


def init(solver, problem, x0, run):
    """Evaluate the start point, and choose the gains."""
    fun, size, n = problem.fun(x0), size_of(problem, x0), problem.n
    finest, bounded = finest_of(problem, x0), np.isfinite(problem.ub - problem.lb).all()
    c = solver.radius or _balanced(solver, finest)
    c = min(c, NARROWEST * finest) if bounded else c
    cost = 4.0 if solver.second_order else 2.0
    steps = min(solver.maxiter * solver.inner, solver.maxfun / cost)
    first, H = solver.step_size or FIRST * size, np.zeros((0, 0))
    s = State(x0, fun, x0, fun, np.zeros(n), 0, 0.0, c, STABILITY * steps, LONGEST * first, H)
    if not np.isfinite(fun):
        return s
    slopes = [np.abs(_estimate(solver, problem, s, c, run)).max(initial=0.0) for _ in range(DRAWS)]
    a = first / max(float(np.mean(slopes)), 1e-300)
    if solver.second_order:
        s = s._replace(H=np.eye(n) / (n * a))
    return s._replace(a=a * (s.A + 1.0) ** A_POWER)


def _balanced(solver, size):
    """Return the first radius: differences of differences have more noise than differences."""
    if not solver.noise:
        return max(RADIUS * size, SMALLEST)
    power = 0.25 if solver.second_order else 1.0
    return size * min(max(solver.noise**power, SMALLEST), LARGEST)


def step(solver, problem, s, run):
    """Do `inner` steps."""
    inverse = absolute_inverse(s.H) if solver.second_order else None
    for _ in range(solver.inner):
        s = _step(solver, problem, s, run, inverse)
    if not solver.average:
        fun = s.fun if solver.blocking else problem.fun(s.x)
        return s._replace(fun=fun, mean=s.x, mean_fun=fun)
    return s._replace(mean_fun=problem.fun(s.mean))


def _step(solver, problem, s, run, inverse):
    c_k, a_k = s.c / (s.k + 1) ** C_POWER, s.a / (s.k + 1 + s.A) ** A_POWER
    if inverse is None:
        g, H = _estimate(solver, problem, s, c_k, run), s.H
        move = a_k * g
    else:
        g, H = _curved(solver, problem, s, c_k, run)
        b_k = ((s.A + 1.0) / (s.k + 1 + s.A)) ** A_POWER / max(problem.n, 1)
        move = b_k * (inverse @ g)
    x, fun = clipped(problem, s.x - np.clip(move, -s.longest, s.longest)), s.fun
    if solver.blocking:
        fun = problem.fun(x)
        if not fun <= s.fun + 2.0 * solver.noise:
            x, fun = s.x, s.fun
    weight = (LATE + 1.0) / (s.k + 1 + LATE)
    v = g if s.k == 0 else KEPT * s.v + (1.0 - KEPT) * g
    return s._replace(x=x, fun=fun, v=v, H=H, k=s.k + 1, mean=s.mean + weight * (x - s.mean))


def _estimate(solver, problem, s, c, run):
    """Return the estimate from one random sign for each variable, shape (n,)."""
    signs = 2.0 * run.integers(2, problem.n) - 1.0
    centre = inside(problem, s.x, c)
    f = _values(solver, problem, np.stack([centre + c * signs, centre - c * signs]))
    return _slope(problem, f, c, signs)


def _curved(solver, problem, s, c, run):
    """Return an estimate of the gradient, and the Hessian corrected by what four values show."""
    n = problem.n
    signs, others = (2.0 * run.integers(2, (2, n)) - 1.0) * (problem.lb < problem.ub)
    centre = inside(problem, s.x, 2.0 * c)
    ends = centre + c * np.stack([signs, -signs])
    f = _values(solver, problem, np.concatenate([ends, ends + c * others]))
    found = (f[2] - f[0] - f[3] + f[1]) / (2.0 * c * c)
    return _slope(problem, f, c, signs), corrected(s.H, found, signs, others)


def _values(solver, problem, points):
    f = problem.values(clipped(problem, points), solver.trusting)
    if not np.isfinite(f).all():
        raise Stop(Status.NONFINITE, "a difference of the objective")
    return f


def _slope(problem, f, c, signs):
    return np.where(problem.lb < problem.ub, (f[0] - f[1]) / (2.0 * c) * signs, 0.0)


def corrected(H, found, u, v):
    """Return the symmetric matrix nearest to H of which u'Hv is what was found, shape (n, n).

    Parameters
    ----------
    H : ndarray, shape (n, n)
        Symmetric.
    found : float
    u, v : ndarray, shape (n,)
    """
    square = (u @ u) * (v @ v) + (u @ v) ** 2  # 2 |M|^2
    half = (found - u @ H @ v) / max(square, 1e-300) * np.outer(u, v)
    return H + half + half.T


def absolute_inverse(H):
    """Return the inverse of |H|, whose eigenvalues are at least a part of the largest one."""
    values, Q = np.linalg.eigh(H)
    sizes = np.abs(values)
    return (Q / np.maximum(sizes, max(FLATTEST * sizes.max(initial=0.0), 1e-300))) @ Q.T


def report(solver, problem, s, run):
    """Return the average or the last point; the measure is that of the averaged estimate."""
    measure = residual(problem, s.x, s.v) if s.k else np.inf
    radius = s.c / max(s.k, 1) ** C_POWER
    return Iterate(s.mean, float(s.mean_fun), measure, 0.0, {}, lambda: {"radius": radius})


def verify(solver, problem, it):
    """Recompute value and measure, by differences along the coordinates."""
    return verified(solver, problem, it)
