"""Consensus-based optimisation as published.

    draw x_1..x_N in the box, or from N(x0, radius^2 I) where there is none
    for k = 0, 1, 2, ...
        w_i = exp(-alpha (f(x_i) - min f))
        c   = sum_i w_i x_i / sum_i w_i
        x_i = x_i - lam dt (x_i - c) + sigma sqrt(dt) D(x_i - c) z_i,   z_i ~ N(0, I)

D(v) is diag(v), |v| I, or the root of the weighted covariance. With ``memory`` the consensus is
that of the best places y_i that each particle has seen, which also attract it; with
``kernel_width`` each particle has a consensus of its own, of those near to it; with ``batch_size``
only some particles move in a step; with ``clusters`` those with the same nearest centre share a
consensus; with ``tail`` the noise is stable and heavy-tailed. Consensus hopping replaces the last
line by x_i = c + sigma z_i.
"""

from typing import NamedTuple

import numpy as np

from numopt.core.backend import to_host
from numopt.core.errors import Status, Stop
from numopt.core.solver import Iterate
from numopt.solvers.cbo import fused
from numopt.solvers.cbo.groups import clustered, own_consensus, seeds
from numopt.solvers.cbo.surfaces import surface

FEWEST = 10  # particles that a reduction leaves


class State(NamedTuple):
    """The ensemble, what it remembers, and its consensus."""

    X: np.ndarray  # particles, (N, n)
    f: np.ndarray  # their values, (N,)
    Y: np.ndarray  # best places that they have seen, (N, n), (0, n) without memory
    f_y: np.ndarray  # values there
    c: np.ndarray  # consensus point, (1, n), or of each particle, (N, n)
    x: np.ndarray  # consensus point of all, (n,)
    fun: float  # value there
    alpha: float
    sigma: float
    width: float  # median spread at the start
    order: np.ndarray  # particles still to come in batches, (k,)


def init(solver, problem, x0, run):
    """Draw the ensemble and evaluate it."""
    X = np.clip(first_ensemble(solver, problem, x0, run), problem.lb, problem.ub)
    X = surface(solver).project(X)
    f = problem.values(X)
    if not np.isfinite(f).any():
        return _state(solver, X, f, X[:0], f[:0], x0, np.nan)
    Y, f_y = (X, f) if solver.memory else (X[:0], f[:0])
    s = _state(solver, X, f, Y, f_y, x0, np.nan)._replace(alpha=first_alpha(solver, f))
    s = _consensus(solver, problem, s)
    return s._replace(width=max(_spread(s), np.finfo(float).tiny))


def first_ensemble(solver, problem, x0, run):
    """Return the ensemble that was given, or draw it; some of it may lie outside the bounds."""
    n = problem.n
    if solver.ensemble is not None:
        check_ensemble(solver, problem)
        return np.array(to_host(solver.ensemble), dtype=float)
    count = solver.n_particles or min(max(20 * n, 40), 200)
    boxed = bool(np.isfinite(problem.ub - problem.lb).all())
    if not boxed or solver.radius:
        size = solver.radius or np.abs(x0).max(initial=0.0) or 1.0
        return x0 + size * run.normal((count, n))
    X = problem.lb + (problem.ub - problem.lb) * run.rng.random((count, n))
    X[0] = X[0] if problem.draws_start else x0
    return X


def check_ensemble(solver, problem):
    """Raise unless the ensemble that was given fits the problem."""
    shape = np.shape(solver.ensemble)
    fits = len(shape) == 2 and shape[1] == problem.n
    solver.require(fits, "ensemble", f"must have shape (N, {problem.n})")


def first_alpha(solver, f):
    """Return alpha at the start, by default one over the standard deviation of the values."""
    return solver.alpha or 1.0 / max(float(np.std(f[np.isfinite(f)])), 1e-300)


def _state(solver, X, f, Y, f_y, x, fun):
    none = np.zeros(0, dtype=np.int64)
    return State(X, f, Y, f_y, x[None, :], x, fun, solver.alpha, solver.sigma, 1.0, none)


def step(solver, problem, s, run):
    """Do `inner` steps of the dynamics."""
    if fused.applies(solver):
        s = fused.steps(solver, problem, s, run)
    else:
        for _ in range(solver.inner):
            s = _step(solver, problem, s, run)
    return s._replace(fun=_value_at(problem, s))


def _step(solver, problem, s, run):
    rows, order = _batch(solver, s, run)
    X = _moved(solver, problem, s, rows, run)
    X = surface(solver).project(X)
    f = s.f.copy()
    f[rows] = problem.values(X[rows])
    Y, f_y = s.Y, s.f_y
    if solver.memory:
        better = f < f_y
        Y, f_y = np.where(better[:, None], X, Y), np.where(better, f, f_y)
    new = s._replace(X=X, f=f, Y=Y, f_y=f_y, order=order, sigma=s.sigma * solver.sigma_factor)
    if solver.reduction:
        new = _reduced(solver, new, _variance(s.X), run)
    return _consensus(solver, problem, new, evaluate=False)


def _variance(X):
    return float(((X - X.mean(axis=0)) ** 2).sum(axis=1).mean())


def _reduced(solver, s, before, run):
    """Return the state with ceil(N (1 + reduction (after - before) / before)) particles.

    They are chosen at random, as the variance of the ensemble has shrunk (Fornasier et al., 2021).
    """
    change = min(_variance(s.X) / max(before, 1e-300) - 1.0, 0.0)
    count = max(int(np.ceil(len(s.X) * (1.0 + solver.reduction * change))), FEWEST)
    if count >= len(s.X):
        return s
    kept = np.sort(run.choice(len(s.X), count))
    s = s._replace(X=s.X[kept], f=s.f[kept], c=s.c[kept] if len(s.c) > 1 else s.c)
    return s._replace(Y=s.Y[kept], f_y=s.f_y[kept]) if solver.memory else s


def _batch(solver, s, run):
    """Return the particles that move, and those that are still to come."""
    everyone = np.arange(len(s.X))
    if not 0 < solver.batch_size < everyone.size:
        return everyone, s.order
    order = s.order
    if order.size < solver.batch_size:
        order = np.concatenate([order, run.rng.permutation(everyone)])
    return np.unique(order[: solver.batch_size]), order[solver.batch_size :]


def _moved(solver, problem, s, rows, run):
    """Return the ensemble after drift and noise."""
    from numopt.kernels.ensemble import move

    X = s.X.copy()
    if solver.hopping:
        X[rows] = s.x + s.sigma * run.normal((rows.size, X.shape[1]))
        return np.clip(X, problem.lb, problem.ub)
    dynamics = drift, size, noise, cut = fused.dynamics(solver, s.sigma)
    if solver.surface != "none":
        return surface(solver).move(run, X, rows, s.c, drift, size, noise)
    if solver.noise == "covariance":
        root = _root_of_covariance(solver, s)
        noises = size * run.normal((rows.size, X.shape[1])) @ root.T
        X[rows] += noises - drift * (X - s.c)[rows]
        X = np.clip(X, problem.lb, problem.ub)
    elif solver.tail < 2.0:
        X[rows] += _heavy(solver, s, X, rows, run) - drift * (X - s.c)[rows]
        X = np.clip(X, problem.lb, problem.ub)
    else:
        move(run.rng, rows, X, s.c, dynamics, problem.lb, problem.ub)
    if solver.memory and solver.memory_lam:
        pull = solver.memory_lam * solver.dt, solver.memory_lam * size, noise, cut
        move(run.rng, rows, X, s.Y, pull, problem.lb, problem.ub)
    return _jumped(solver, problem, s, X, rows, run)


def _heavy(solver, s, X, rows, run):
    """Return increments of symmetric stable noise, scaled by dt^(1 / tail)."""
    U = (X - s.c)[rows]
    if solver.noise == "isotropic":
        D = np.minimum(np.linalg.norm(U, axis=1, keepdims=True), solver.truncate)
    else:
        D = np.clip(U, -solver.truncate, solver.truncate)
    return s.sigma * solver.dt ** (1.0 / solver.tail) * D * stable(run.rng, U.shape, solver.tail)


def stable(rng, shape, tail):
    """Draw symmetric stable numbers of index `tail`; 2 is the standard normal law.

    Chambers, Mallows, Stuck, J. Amer. Statist. Assoc. 71, 1976, equation 4.1.
    """
    u = np.pi * (rng.random(shape) - 0.5)
    w = rng.standard_exponential(shape)
    front = np.sin(tail * u) / np.cos(u) ** (1.0 / tail)
    return front * (np.cos((1.0 - tail) * u) / w) ** ((1.0 - tail) / tail) / np.sqrt(2.0)


def _jumped(solver, problem, s, X, rows, run):
    """Add a normal jump of the size of the distance, at random times that become rarer."""
    if not solver.jump_rate:
        return X
    rate = solver.jump_rate * solver.dt / (1.0 + run.nit * solver.inner * solver.dt)
    jump = run.rng.random(rows.size) < rate
    U = (X - s.c)[rows] * run.normal((rows.size, X.shape[1])) * s.sigma
    X[rows] += np.where(jump[:, None], U, 0.0)
    return np.clip(X, problem.lb, problem.ub)


def _root_of_covariance(solver, s):
    """Return a square root of the weighted covariance, by its eigenvalues."""
    w = _weights(s.f, s.alpha)
    U = s.X - s.x
    C = (U.T * w) @ U / w.sum()
    values, Q = np.linalg.eigh(C)
    return Q * np.sqrt(np.maximum(values, 0.0))


def _weights(f, alpha):
    finite = np.where(np.isnan(f), np.inf, f)
    e = alpha * (finite - finite.min())
    return np.exp(-np.where(finite == finite.min(), 0.0, e))


def _consensus(solver, problem, s, evaluate=True):
    """Return the state with the consensus of its ensemble, and the next alpha."""
    from numopt.kernels.consensus import consensus
    from numopt.kernels.ensemble import next_alpha

    X, f = (s.Y, s.f_y) if solver.memory else (s.X, s.f)
    alpha, x = s.alpha, s.x.copy()
    if not evaluate or solver.effective_share:
        alpha = next_alpha(f, s.alpha, solver.alpha_factor, solver.effective_share)
    consensus(X, f, alpha, x)
    x = surface(solver).project(x[None, :])[0]
    c = x[None, :]
    if solver.kernel_width:
        c = own_consensus(X, f, alpha, solver.kernel_width)
    elif solver.clusters:
        c = clustered(X, f, alpha, s.c if len(s.c) > 1 else seeds(X, f, solver.clusters))
    s = s._replace(c=c, x=x, alpha=alpha)
    return s._replace(fun=_value_at(problem, s)) if evaluate else s


def _value_at(problem, s):
    """Return the value at the consensus point, which costs one evaluation."""
    if problem.room() < 1:
        raise Stop(Status.MAX_FUN)
    return problem.fun(s.x)


def _spread(s):
    from numopt.kernels.consensus import median_spread

    if len(s.c) > 1:
        return float(np.median(np.abs(s.X - s.c).max(axis=1)))
    return float(median_spread(s.X, s.c[0], np.empty(len(s.X))))


def report(solver, problem, s, run):
    """Return the consensus point, or the best one of many; the measure is the median spread."""
    x, fun = s.x, s.fun
    if (solver.kernel_width or solver.clusters) and np.isfinite(s.f).any():
        best = int(np.nanargmin(s.f))
        x, fun = s.X[best], float(s.f[best])
    scalars = {"alpha": float(s.alpha), "sigma": float(s.sigma)}
    fields = {"population": s.X, "population_energies": s.f}
    if solver.clusters:
        fields["consensus_points"] = np.unique(s.c, axis=0)
    return Iterate(x, float(fun), _spread(s) / s.width, 0.0, scalars, lambda: fields)
