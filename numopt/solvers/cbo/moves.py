"""How the ensemble moves in one step: batches, drift, noise, memory, jumps, bounds, constraints."""

import numpy as np

from numopt.solvers.cbo import drift, fused, kicks, noise, walls
from numopt.solvers.cbo.surfaces import surface


def moved(solver, problem, s, run):
    """Return the state with the new ensemble, and the particles whose values are to be found."""
    everyone = np.arange(len(s.X))
    if kicks.due(solver, s):
        return kicks.kicked(solver, problem, s, run), everyone
    rows, order = _batch(solver, s, run)
    s = s._replace(order=order)
    if solver.batches == "full":
        return _displaced(solver, problem, s, everyone, run), rows
    if solver.batches == "partial":
        s = s._replace(c=_consensus_of(solver, s, rows))
    return _displaced(solver, problem, s, rows, run), rows


def _batch(solver, s, run):
    """Return the particles of the step, and those that are still to come."""
    everyone = np.arange(len(s.X))
    if not 0 < solver.batch_size < everyone.size:
        return everyone, s.order
    order = s.order
    if order.size < solver.batch_size:
        order = np.concatenate([order, run.rng.permutation(everyone)])
    return np.unique(order[: solver.batch_size]), order[solver.batch_size :]


def _consensus_of(solver, s, rows):
    from numopt.kernels.consensus import consensus

    X, f = (s.Y, s.f_y) if solver.memory else (s.X, s.f)
    c = s.c.copy()
    consensus(X[rows], f[rows], s.alpha, c[0])
    return c


def _displaced(solver, problem, s, rows, run):
    """Return the state after drift and noise of some particles."""
    lb, ub = walls.limits(solver, problem)
    X, moments = s.X.copy(), s.moments
    if solver.hopping:
        X[rows] = np.clip(s.x + s.sigma * run.normal((rows.size, X.shape[1])), lb, ub)
    elif solver.surface != "none":
        X = surface(solver).move(run, X, rows, s.c, *fused.dynamics(solver, s.sigma)[:3])
        X = surface(solver).project(X)
    else:
        moments = _drawn(solver, problem, s, X, rows, run, lb, ub)
    X = walls.kept(solver, problem, s.X, X, rows)
    if solver.handling in ("drift", "project"):
        X = problem.settled(solver, s, X, rows)
    return s._replace(X=X, moments=moments)


def _drawn(solver, problem, s, X, rows, run, lb, ub):
    """Move rows of X in free space, in place, and return the moments of Adam."""
    from numopt.kernels.ensemble import move

    dynamics = _, size, kind, cut = fused.dynamics(solver, s.sigma)
    moments = s.moments
    if _special(solver):
        pull, moments = drift.pull(solver, problem, s, rows)
        X[rows] = np.clip(X[rows] + (noise.increments(solver, s, rows, run) - pull), lb, ub)
    else:
        move(run.rng, rows, X, s.c, dynamics, lb, ub)
    if solver.memory and (solver.memory_lam or solver.memory_noise):
        own = solver.memory_sigma
        size = solver.memory_lam * size if own is None else own * np.sqrt(solver.dt)
        move(run.rng, rows, X, s.Y, (solver.memory_lam * solver.dt, size, kind, cut), lb, ub)
    if solver.jump_rate:
        X[rows] = np.clip(X[rows] + noise.jumps(solver, s, X, rows, run), lb, ub)
    return moments


def _special(solver):
    """Tell whether drift or noise are beyond the kernel."""
    named = solver.update != "euler" or solver.correction != "none"
    return named or solver.noise == "covariance" or solver.tail < 2.0 or solver.gradient > 0.0
