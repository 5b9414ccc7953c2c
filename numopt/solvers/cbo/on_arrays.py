"""The published dynamics with an ensemble of another array library, such as CuPy.

The algorithm of `numopt.solvers.cbo.plain`. Only the consensus point, its value and its distance
come to the host in an iteration, and the best value of each step.
"""

from typing import Any, NamedTuple

import numpy as np

from numopt.core.backend import namespace
from numopt.core.errors import InputTypeError, Status, Stop
from numopt.core.solver import Iterate
from numopt.kernels.arrays import namespace_of, on_host, placed
from numopt.models.array_values import array_values
from numopt.solvers.cbo import fused, plain, walls

KNOWN = frozenset({"memory", "memory_lam", "hopping", "sigma_factor"})  # beside the basic options


class State(NamedTuple):
    """As `plain.State`, with arrays of the library where nothing else is said."""

    X: Any  # particles, (N, n)
    f: Any  # their values, (N,)
    Y: Any  # best places that they have seen, (N, n), (0, n) without memory
    f_y: Any  # values there
    c: Any  # consensus point, (1, n)
    box: tuple  # lb and ub, (n,)
    x: np.ndarray  # consensus point on the host, (n,)
    fun: float  # value there
    spread: float  # median distance to it
    width: float  # the same at the start
    alpha: float
    sigma: float


def check(solver, problem):
    """Raise if the ensemble is of another library than the arrays of the problem's functions."""
    library = namespace(solver.ensemble)
    if library is not np and not _asked(problem):
        raise InputTypeError(
            f"`ensemble` is an array of {library.__name__}, but the functions take those of NumPy"
        )


def _asked(problem):
    return getattr(problem, "sample", None) is not None


def applies(solver, problem):
    """Tell whether the ensemble is to be of another library, and can be."""
    return _asked(problem) and solver.extras <= KNOWN


def remarks(solver, problem):
    """Return a sentence if the ensemble is on the host although the objective is not."""
    why = sorted(solver.extras - KNOWN)
    why += ["constraints"] if problem.m else []
    why += ["polish"] if solver.polish not in ("auto", "none") else []
    told = f"the ensemble was moved on the host because of {', '.join(why)}"
    return [told] if why and _asked(problem) else []


def init(solver, problem, x0, run):
    """Draw the ensemble and evaluate it."""
    from numopt.kernels.array_ensemble import clipped

    box = _box(problem)
    X = clipped(_first_ensemble(solver, problem, x0, run), box)
    f = array_values(problem, X)
    Y, f_y = (X, f) if solver.memory else (X[:0, :], f[:0])
    s = State(X, f, Y, f_y, X[:1, :], box, x0, np.nan, 1.0, 1.0, solver.alpha, solver.sigma)
    values = on_host(f).astype(np.float64)
    if not np.isfinite(values).any():
        return s
    s = _gathered(solver, s._replace(alpha=plain.first_alpha(solver, values)), first=True)
    s = _told(problem, s)
    return s._replace(width=max(s.spread, np.finfo(float).tiny))


def _box(problem):
    """Return finite bounds beside the ensemble; squares of its distances are finite in its type."""
    like = problem.sample
    largest = float(namespace_of(like).finfo(like.dtype).max)
    lb, ub = walls.box(problem, min(walls.FARTHEST, largest**0.4))
    return placed(lb, like), placed(ub, like)


def _first_ensemble(solver, problem, x0, run):
    if namespace(solver.ensemble) is np:
        return placed(plain.first_ensemble(solver, problem, x0, run), problem.sample)
    plain.check_ensemble(solver, problem)
    return namespace_of(problem.sample).astype(solver.ensemble, problem.sample.dtype)


def step(solver, problem, s, run):
    """Do `inner` steps of the dynamics."""
    from numopt.kernels.array_ensemble import Normals

    normals = Normals(run.rng, s.X)
    for _ in range(solver.inner):
        s = _step(solver, problem, s, normals)
    return _told(problem, s)


def _step(solver, problem, s, normals):
    X = _moved(solver, s, normals)
    f = array_values(problem, X)
    Y, f_y = s.Y, s.f_y
    if solver.memory:
        xp, better = namespace_of(X), f < f_y
        Y, f_y = xp.where(better[:, None], X, Y), xp.where(better, f, f_y)
    sigma = s.sigma * solver.sigma_factor
    return _gathered(solver, s._replace(X=X, f=f, Y=Y, f_y=f_y, sigma=sigma))


def _moved(solver, s, normals):
    """Return the ensemble after drift and noise."""
    from numopt.kernels.array_ensemble import clipped, move, move_by_covariance

    Z = normals(s.X.shape)
    if solver.hopping:
        return clipped(s.c + s.sigma * Z, s.box)
    drift, size, noise, cut = fused.dynamics(solver, s.sigma)
    if solver.noise == "covariance":
        X = move_by_covariance(s.X, s.f, s.alpha, s.c, Z, drift, size, s.box)
    else:
        X = move(s.X, s.c, Z, (drift, size, noise, cut), s.box)
    if solver.memory and solver.memory_lam:
        pull = solver.memory_lam * solver.dt, solver.memory_lam * size, noise, cut
        X = move(X, s.Y, normals(X.shape), pull, s.box)
    return X


def _gathered(solver, s, first=False):
    """Return the state with the consensus of its ensemble, and the next alpha."""
    from numopt.kernels.array_ensemble import consensus, following_alpha

    X, f = (s.Y, s.f_y) if solver.memory else (s.X, s.f)
    alpha = s.alpha
    if not first or solver.effective_share:
        alpha = following_alpha(f, alpha, fused.schedule(solver))
    return s._replace(c=consensus(X, f, alpha, s.c), alpha=alpha)


def _told(problem, s):
    """Return the state with what the host has to know of it; one evaluation."""
    from numopt.kernels.array_ensemble import median_spread

    xp = namespace_of(s.X)
    told = on_host(xp.concat((s.c[0, :], median_spread(s.X, s.c)))).astype(np.float64)
    if problem.room() < 1:
        raise Stop(Status.MAX_FUN)
    x = told[:-1].copy()
    return s._replace(x=x, spread=float(told[-1]), fun=problem.fun(x))


def report(solver, problem, s, run):
    """Return the consensus point; the measure is the median spread."""
    scalars = {"alpha": float(s.alpha), "sigma": float(s.sigma)}
    fields = {"population": s.X, "population_energies": s.f}
    return Iterate(s.x, float(s.fun), s.spread / s.width, 0.0, scalars, lambda: fields)
