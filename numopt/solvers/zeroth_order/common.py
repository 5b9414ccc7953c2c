"""What the variants share: differences within a budget, the size of the variables, the measure."""

from typing import Any

import numpy as np

from numopt.core.errors import Status, Stop
from numopt.models.derivatives import Group, displaced, slopes, typical_sizes

CENTRAL = "3-point"
LARGEST = 0.5  # radius with noise, in units of the variables
WIDE = 1e-2  # differences for values that look constant, in units of the variables


def size_of(problem, x0):
    """Return the size of the variables: of a finite box the mean width, else ``max |x0|``, or 1."""
    width = problem.ub - problem.lb
    if np.isfinite(width).all() and width.any():
        return float(width.mean())
    return float(np.abs(x0).max(initial=0.0)) or 1.0


def finest_of(problem, x0):
    """Return the size that differences must respect: of a finite box the least width."""
    width = (problem.ub - problem.lb)[problem.lb < problem.ub]
    if width.size and np.isfinite(width).all():
        return float(width.min())
    return size_of(problem, x0)


def radius_of(solver, size=1.0):
    """Return the radius of differences that balances error and noise, 0 if nothing is known.

    Of f it is assumed that it changes by about 1 where x changes by its size.
    """
    return solver.radius or size * min(float(np.cbrt(solver.noise)), LARGEST)


def typical(problem, x0, candidates=True):
    """Return what the variables are compared with in differences, shape (n,)."""
    return typical_sizes(_evaluation(problem, candidates), x0, problem.lb, problem.ub)


def gradient(problem, x, fun, rows, sizes, formula=CENTRAL, step: Any = 0.0, candidates=True):
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
    step : float or ndarray, shape (k,)
        Length of the displacements; 0 balances truncation and rounding.
    candidates : bool
        Whether the points of the stencil may be answers.

    Raises
    ------
    Stop
        With NONFINITE, where a difference is not finite.
    """
    g, _ = _differences(problem, x, fun, rows, sizes, formula, step, candidates)
    if not np.isfinite(g).all():
        raise Stop(Status.NONFINITE, "a difference of the objective")
    return g


def _differences(problem, x, fun, rows, sizes, formula, step, candidates):
    """Return some entries of the gradient, and which of them saw no value other than `fun`."""
    lengths, relative, unit = np.zeros(x.size), None, sizes
    if np.any(step):
        lengths[rows] = step
        relative, unit = lengths / np.maximum(1.0, np.abs(x)), 1.0
    targets = displaced(x, formula, problem.lb, problem.ub, relative, unit)
    rows = np.asarray(rows)
    free = problem.lb[rows] < problem.ub[rows]
    values = np.zeros((0, 1))

    def evaluate(points):
        nonlocal values
        values = _evaluation(problem, candidates)(points)
        return values

    groups = [Group(slice(None), j) for j in rows[free]]
    found = slopes(evaluate, x, np.array([fun]), groups, targets)
    g, flat = np.zeros(rows.size), np.zeros(rows.size, dtype=bool)
    g[free] = [slope[0] for _, slope in found]
    flat[free] = (values.reshape(-1, len(targets)) == fun).all(axis=1)
    return g, flat


def _evaluation(problem, candidates=True):
    def evaluate(points):
        points = np.array(list(points))
        f = problem.values(points, candidates) if len(points) else np.zeros(0)
        return f[:, None]

    return evaluate


def clipped(problem, x):
    """Return the nearest point within the bounds."""
    return np.clip(x, problem.lb, problem.ub)


def inside(problem, x, c):
    """Return x moved into the box that is smaller by c on each side, or to its middle."""
    low, high = problem.lb + c, problem.ub - c
    narrow = low > high
    middle = np.where(narrow, problem.lb, 0.0) / 2.0 + np.where(narrow, problem.ub, 0.0) / 2.0
    return np.clip(x, np.where(narrow, middle, low), np.where(narrow, middle, high))


def residual(problem, x, g):
    """Return the largest entry of x - P(x - g), zero at a stationary point of the box."""
    move = np.clip(-g, problem.lb - x, problem.ub - x)  # far from zero, x - g may round to x
    return float(np.abs(move).max(initial=0.0))


def verified(solver, problem, it):
    """Return (fun, residual, 0), recomputed by central differences along all coordinates."""
    fun = problem.fun(it.x)
    if not np.isfinite(fun):
        return fun, np.inf, 0.0
    step = it.fields()["radius"] if solver.noise or solver.radius else 0.0
    g, hidden = confirmed(problem, it.x, fun, step)
    return fun, judged(solver, residual(problem, it.x, g), hidden), 0.0


def confirmed(problem, x, fun, step, candidates=True):
    """Return the gradient by central differences, and whether only wide ones show some entry.

    Values that were rounded, to single precision for example, are constant close to x: there a
    difference of zero says nothing about the slope.
    """
    rows = np.arange(x.size)
    sizes = np.ones(x.size) if step else typical(problem, x, candidates)
    g, flat = _differences(problem, x, fun, rows, sizes, CENTRAL, step, candidates)
    wide = WIDE * np.maximum(sizes, np.abs(x))
    rows = rows[flat & (step < wide)]
    g[rows] = gradient(problem, x, fun, rows, sizes, step=wide[rows], candidates=candidates)
    if not np.isfinite(g).all():
        raise Stop(Status.NONFINITE, "a difference of the objective")
    return g, bool(g[rows].any())


def judged(solver, measure, hidden):
    """Return the measure; where it fails for a hidden slope, end the run and say so."""
    if hidden and measure > solver.tol:
        raise Stop(
            Status.SMALL_STEP,
            f"f is constant near the point but not within {WIDE:g}, where the measure is "
            f"{measure:.2e}: if its values are rounded, give a larger `radius`",
        )
    return measure
