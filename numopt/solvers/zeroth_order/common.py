"""What the variants share: differences within a budget, the size of the variables, the measure."""

from typing import Any

import numpy as np

from numopt.core.errors import Status, Stop
from numopt.models.derivatives import Group, displaced, slopes, typical_sizes

CENTRAL = "3-point"


def size_of(problem, x0):
    """Return the size of the variables: of a finite box the mean width, else ``max |x0|``, or 1."""
    width = problem.ub - problem.lb
    if np.isfinite(width).all() and width.any():
        return float(width.mean())
    return float(np.abs(x0).max(initial=0.0)) or 1.0


def radius_of(solver):
    """Return the radius of differences that balances error and noise, 0 if nothing is known."""
    return solver.radius or float(np.cbrt(solver.noise))


def typical(problem, x0, candidates=True):
    """Return what the variables are compared with in differences, shape (n,)."""
    return typical_sizes(_evaluation(problem, candidates), x0, problem.lb, problem.ub)


def gradient(problem, x, fun, rows, sizes, formula=CENTRAL, step=0.0, candidates=True):
    """Return some entries of the gradient by differences along the coordinates, shape (k,).

    Parameters
    ----------
    x, fun : ndarray, float
        Point and value there.
    rows : ndarray of int, shape (k,)
        Which entries; those of fixed variables are zero.
    sizes : ndarray, shape (n,)
        From `typical`.
    formula : {"2-point", "3-point"}
    step : float
        Length of the displacement; 0 balances truncation and rounding.
    candidates : bool
        Whether the points of the stencil may be answers.

    Raises
    ------
    Stop
        With NONFINITE, where a difference is not finite.
    """
    relative = step / np.maximum(1.0, np.abs(x)) if step else None
    unit: Any = 1.0 if step else sizes
    targets = displaced(x, formula, problem.lb, problem.ub, relative, unit)
    free = [j for j in rows if problem.lb[j] < problem.ub[j]]
    groups = [Group(slice(None), j) for j in free]
    found = slopes(_evaluation(problem, candidates), x, np.array([fun]), groups, targets)
    entries = {group.cols: values[0] for group, values in found}
    g = np.array([entries.get(j, 0.0) for j in rows])
    if not np.isfinite(g).all():
        raise Stop(Status.NONFINITE, "a difference of the objective")
    return g


def _evaluation(problem, candidates=True):
    def evaluate(points):
        points = np.array(list(points))
        return problem.values(points, candidates)[:, None] if len(points) else []

    return evaluate


def clipped(problem, x):
    """Return the nearest point within the bounds."""
    return np.clip(x, problem.lb, problem.ub)


def residual(problem, x, g):
    """Return the largest entry of x - P(x - g), zero at a stationary point of the box."""
    return float(np.abs(x - clipped(problem, x - g)).max(initial=0.0))


def verified(problem, x, step=0.0):
    """Return (fun, residual) at x, recomputed by central differences along all coordinates."""
    fun = problem.fun(x)
    if not np.isfinite(fun):
        return fun, np.inf
    sizes = np.ones(x.size) if step else typical(problem, x)
    g = gradient(problem, x, fun, np.arange(x.size), sizes, step=step)
    return fun, residual(problem, x, g)
