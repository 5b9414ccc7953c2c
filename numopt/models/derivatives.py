"""Finite differences inside the bounds, grouped columns, and the check of derivatives.

    '2-point'   (F(x + h e_j) - F(x)) / h
    '3-point'   ((F(x + a e_j) - F(x)) b/a - (F(x + b e_j) - F(x)) a/b) / (b - a)
    'cs'        Im F(x + i h e_j) / h

The three-point formula is the central difference for b = -a and the one-sided one for b = 2a, and
stays of second order where rounding or a bound moves a point. Columns of the Jacobian that share
no row are differenced together (Curtis, Powell and Reid, 1974, J. Inst. Maths Applics 13, 117-119).
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

from numopt.core.errors import DerivativeError
from numopt.models.inputs import real_vector

EPS = np.finfo(np.float64).eps
# Steps relative to the size of x that balance truncation and rounding; 'cs' has no cancellation.
RELATIVE_STEP = {"2-point": EPS ** (1 / 2), "3-point": EPS ** (1 / 3), "cs": 1e-20}
FORMULAS = tuple(RELATIVE_STEP)
TINY_START = 1e-3  # start values below this are looked at by `typical_sizes`
CLEAR_CHANGE = 1e-10  # relative to the function: a larger change is not rounding
SAME_SLOPE = 1e-3  # relative difference of two slopes that is no cause for a shorter step


class Group(NamedTuple):
    """Entries of a Jacobian that one displacement of the variables determines.

    Attributes
    ----------
    rows, cols : ndarray of int, or slice and int
        Positions of the entries; no row occurs with two columns.
    """

    rows: Any
    cols: Any


def single_columns(free):
    """Return one `Group` for each free variable, for a dense Jacobian.

    Parameters
    ----------
    free : ndarray of bool, shape (n,)
        False for fixed variables, which are not moved.
    """
    return [Group(slice(None), j) for j in np.flatnonzero(free)]


def grouped_columns(pattern, free):
    """Return groups of columns that share no row, by the first fit in decreasing size.

    Parameters
    ----------
    pattern : sparse matrix, shape (m, n)
        Its stored entries are where the Jacobian may be nonzero.
    free : ndarray of bool, shape (n,)
        False for fixed variables, which are not moved.

    Returns
    -------
    list of Group
    """
    columns = pattern.tocsc()
    starts, rows = columns.indptr, columns.indices
    taken = [set() for _ in range(pattern.shape[0])]  # groups that have an entry in the row
    members = []
    for j in np.argsort(-np.diff(starts), kind="stable"):
        mine = rows[starts[j] : starts[j + 1]]
        if not free[j] or not mine.size:
            continue
        g = _first_missing(set().union(*(taken[i] for i in mine)))
        if g == len(members):
            members.append([])
        members[g].append(j)
        for i in mine:
            taken[i].add(g)
    return [_as_group(starts, rows, group) for group in members]


def _first_missing(numbers):
    g = 0
    while g in numbers:
        g += 1
    return g


def _as_group(starts, rows, group):
    parts = [rows[starts[j] : starts[j + 1]] for j in group]
    return Group(np.concatenate(parts), np.repeat(group, [part.size for part in parts]))


def displaced(x, formula, lb, ub, rel_step=None, typical=1.0):
    """Return the coordinates at which differences are taken, all inside the bounds.

    Parameters
    ----------
    x, lb, ub : ndarray, shape (n,)
        Point and bounds.
    formula : {'2-point', '3-point', 'cs'}
        Difference formula.
    rel_step : float or ndarray of shape (n,), optional
        Steps relative to ``max(typical, |x|)`` instead of the formula's own; a negative sign
        prefers the step downwards.
    typical : float or ndarray of shape (n,)
        Sizes of the variables, see `typical_sizes`.

    Returns
    -------
    ndarray, shape (1, n) or (2, n)
        Where an interval is narrower than the step, the largest step that fits.
    """
    step = RELATIVE_STEP[formula] if rel_step is None else rel_step
    h = np.broadcast_to(np.abs(step) * np.maximum(typical, np.abs(x)), x.shape)
    if formula == "cs":
        return (x + 1j * h)[None, :]
    up, down = np.maximum(ub - x, 0.0), np.maximum(x - lb, 0.0)
    room = np.maximum(up, down)
    prefer_up = np.copysign(1.0, x if rel_step is None else rel_step + 0.0 * x) > 0.0
    fits = np.where(prefer_up, up, down) >= h
    sign = np.where(np.where(fits, prefer_up, up >= down), 1.0, -1.0)
    if formula == "2-point":
        steps = (sign * np.minimum(h, room))[None, :]
    else:
        steps = _second_order_steps(h, up, down, room)
    return np.clip(x + steps, lb, ub)


def _second_order_steps(h, up, down, room):
    """Return (a, b) of the three-point formula: central where that allows the longer step."""
    one_sided = np.where(up >= down, 1.0, -1.0) * np.minimum(h, room / 2)
    central = np.minimum(h, np.minimum(up, down))
    middle = central >= np.abs(one_sided)
    return np.where(middle, [central, -central], [one_sided, 2 * one_sided])


def slopes(evaluate, x, f, groups, targets):
    """Yield ``(group, derivatives of its entries)`` for each group, in order.

    Parameters
    ----------
    evaluate : callable
        ``evaluate(points) -> iterable of arrays of shape (m,)`` in the order of the points, an
        iterator over vectors of shape (n,).
    x, f : ndarray, shape (n,), (m,)
        Point and value there.
    groups : list of Group
        What to difference together.
    targets : ndarray, shape (1, n) or (2, n)
        Coordinates from `displaced`.
    """
    steps = targets - x
    points = (_moved(x, target, group) for group in groups for target in targets)
    values = iter(evaluate(points))
    for group in groups:
        at = [next(values)[group.rows] for _ in targets]
        with np.errstate(all="ignore"):  # not finite where the function is not
            yield group, _slope(f[group.rows], at, steps[:, group.cols])


def _moved(x, target, group):
    point = x.astype(target.dtype)
    point[group.cols] = target[group.cols]
    return point


def _slope(f, at, steps):
    if len(at) == 2:
        a, b = steps
        second_order = ((at[0] - f) * (b / a) - (at[1] - f) * (a / b)) / (b - a)
        # Between neighbouring floating-point numbers there is room for one point only.
        return np.where((a == 0.0) | (a == b), (at[1] - f) / b, second_order)
    if np.iscomplexobj(steps):
        return at[0].imag / steps[0].imag
    return (at[0] - f) / steps[0]


def typical_sizes(evaluate, x, lb, ub):
    """Return what the variables should be compared with, shape (n,): 1, or ``|x|`` if that is tiny.

    A tiny start value of a variable may be its natural size, or next to zero. It is its size if a
    step relative to it changes the function clearly, and by another slope than a step relative to
    1. This costs three evaluations if one start value is tiny, and two for each further one.

    Parameters
    ----------
    evaluate : callable
        As for `slopes`.
    x, lb, ub : ndarray, shape (n,)
        Start point and bounds.
    """
    typical, size = np.ones(x.size), np.abs(x)
    tiny = np.flatnonzero((size > 0.0) & (size < TINY_START) & (lb < ub))
    if not tiny.size:
        return typical
    targets = np.vstack([displaced(x, "2-point", lb, ub, typical=t) for t in (size, 1.0)])
    groups = [Group(slice(None), j) for j in tiny]
    points = (_moved(x, target, group) for group in groups for target in targets)
    f, *values = evaluate([x, *points])
    for j, near, far in zip(tiny, values[::2], values[1::2], strict=True):
        short, long = targets[:, j] - x[j]
        change, slope, other = near - f, (near - f) / short, (far - f) / long
        clear = np.abs(change).max() >= CLEAR_CHANGE * np.abs(f).max()
        if clear and np.abs(slope - other).max() > SAME_SLOPE * np.abs(slope).max():
            typical[j] = size[j]
    return typical


def dense_jacobian(evaluate, x, f, lb, ub, formula="2-point", rel_step=None, typical=1.0):
    """Return the Jacobian by differences, an array of shape (m, n); see `slopes`, `displaced`."""
    J = np.zeros((f.size, x.size))
    targets = displaced(x, formula, lb, ub, rel_step, typical)
    for group, values in slopes(evaluate, x, f, single_columns(lb < ub), targets):
        J[group.rows, group.cols] = values
    return J


def sparse_jacobian(evaluate, x, f, lb, ub, groups, formula="2-point", rel_step=None, typical=1.0):
    """Return the Jacobian by differences of grouped columns, a CSR matrix of shape (m, n)."""
    targets = displaced(x, formula, lb, ub, rel_step, typical)
    found = list(slopes(evaluate, x, f, groups, targets))
    if not found:
        return csr_matrix((f.size, x.size))
    rows = np.concatenate([group.rows for group, _ in found])
    cols = np.concatenate([group.cols for group, _ in found])
    values = np.concatenate([values for _, values in found])
    return csr_matrix((values, (rows, cols)), shape=(f.size, x.size))


def probe_sparsity(fun, x):
    """Return where the Jacobian of `fun` may be nonzero, found by letting NaN run through it.

    Parameters
    ----------
    fun : callable
        ``fun(x) -> array of shape (m,)``; called n times, with NaN as one of the variables.
    x : array_like, shape (n,)
        The other variables.

    Returns
    -------
    csr_matrix of bool, shape (m, n)
        Safe as long as `fun` does not branch on the values of its variables: a product with zero
        counts as a dependence.
    """
    x = real_vector(x, "x")
    columns = []
    for j in range(x.size):
        probe = x.copy()
        probe[j] = np.nan
        with np.errstate(all="ignore"):
            columns.append(np.isnan(np.atleast_1d(fun(probe))))
    return csr_matrix(np.column_stack(columns)) if columns else csr_matrix((0, 0), dtype=bool)


# -- checking given derivatives ------------------------------------------------------------------


class Mismatch(NamedTuple):
    """One entry of a derivative, as given and as differences say; `error` is relative."""

    name: str
    index: tuple
    given: float
    expected: float
    error: float

    def __str__(self):
        where = f"[{', '.join(map(str, self.index))}]"
        return (
            f"{self.name}{where}: given {self.given:.8g}, expected {self.expected:.8g} "
            f"(relative error {self.error:.1e})"
        )


@dataclass(frozen=True)
class DerivativeReport:
    """What `check_derivatives` found.

    Attributes
    ----------
    x : ndarray, shape (n,)
        The point of the check.
    tol : float
        Relative error up to which an entry counts as right.
    checked : tuple of str
        Names of the derivatives that were compared.
    worst : tuple of Mismatch
        The entries of largest error, in decreasing order.
    """

    x: np.ndarray
    tol: float
    checked: tuple
    worst: tuple

    @property
    def error(self):
        """The largest relative error."""
        return self.worst[0].error if self.worst else 0.0

    @property
    def ok(self):
        """Whether all entries are right to within the tolerance."""
        return self.error <= self.tol

    def __repr__(self):
        head = f"derivatives {'agree' if self.ok else 'DISAGREE'} with differences"
        lines = [f"{head}: {', '.join(self.checked)}; tolerance {self.tol:.1e}"]
        return "\n".join(lines + [f"  {entry}" for entry in self.worst])


def check_derivatives(
    problem, x=None, *, directions=None, tol=1e-4, rng=0, worst=5, raise_error=False
):
    """Compare the derivatives of a nonlinear program with central differences.

    Parameters
    ----------
    problem : NLP
        Its counters are not touched.
    x : array_like, shape (n,), optional
        Where; by default a random point near the start point, inside the bounds.
    directions : int, optional
        Compare only along this many random directions, at two evaluations for each; by default
        every entry of the gradient, of the Jacobian, and of the Hessian of the Lagrangian (with
        random multipliers) is compared, unless the Hessian comes from differences itself.
    tol : float
        Relative error up to which an entry counts as right.
    rng : None, int or Generator
        Pseudorandom number generator state of the point, the directions and the multipliers.
    worst : int
        Number of entries in the report.
    raise_error : bool
        Whether to raise instead of returning a report that is not `ok`.

    Returns
    -------
    DerivativeReport

    Raises
    ------
    DerivativeError
        If asked for: names the worst entry, the given and the expected value.

    Notes
    -----
    The error of an entry is ``|given - expected| / max(|given|, |expected|)``, where the difference
    is first reduced by an estimate of the error of the differences, so that zeros compare well;
    along directions there is no such estimate, so avoid stationary points.
    """
    rng = np.random.default_rng(rng)
    view = problem.armed()
    x = _nearby(view, rng) if x is None else real_vector(x, "x", n=view.n)
    compare = _along if directions is not None else _entries
    results = list(compare(view, x, rng, directions))
    found = [entry for result in results for entry in _worst(*result, worst)]
    found = tuple(sorted(found, key=lambda entry: -entry.error)[:worst])
    report = DerivativeReport(x, tol, tuple(name for name, *_ in results), found)
    if raise_error and not report.ok:
        raise DerivativeError(f"wrong derivative, {report.worst[0]}")
    return report


def _nearby(problem, rng):
    """Return a point near x0 that has no accidental zeros, strictly inside the bounds if it can."""
    shift = 1e-2 * np.maximum(1.0, np.abs(problem.x0)) * rng.uniform(-1.0, 1.0, problem.n)
    up, down = problem.ub - problem.x0, problem.x0 - problem.lb
    shift = np.where(shift > up, np.maximum(-np.abs(shift), -down / 2), shift)
    shift = np.where(-shift > down, np.minimum(np.abs(shift), up / 2), shift)
    return np.clip(problem.x0 + shift, problem.lb, problem.ub)


def _entries(problem, x, rng, _directions):
    """Yield (name, given, expected, rounding) of each derivative, entry by entry."""
    lb, ub = problem.lb, problem.ub
    if "grad" not in problem.by_differences:
        f, g = np.array([problem.fun(x)]), problem.grad(x)[None, :]
        yield "gradient", *_compared(lambda p: np.array([problem.fun(p)]), x, f, g, lb, ub)
    if problem.m:
        J = problem.jac(x).toarray()
        yield "Jacobian", *_compared(problem.cons, x, problem.cons(x), J, lb, ub)
    if not problem.by_differences:
        y = rng.standard_normal(problem.m)

        def lagrange(p):
            return problem.grad(p) + problem.jac(p).T @ y

        H = problem.hess(x, y).toarray()
        yield "Hessian", *_compared(lagrange, x, lagrange(x), H, lb, ub)


def _compared(function, x, f, given, lb, ub):
    """Return given and expected columns, the error of the latter, and the columns' numbers.

    Differences with half the step are the expected values; how far they are from those with the
    full step tells their truncation error.
    """
    step = RELATIVE_STEP["3-point"]
    full, half = (
        dense_jacobian(lambda points: map(function, points), x, f, lb, ub, "3-point", h)
        for h in (step, step / 2)
    )
    free = np.flatnonzero(lb < ub)
    steps = np.abs(displaced(x, "3-point", lb, ub, step / 2) - x).min(axis=0)[free]
    with np.errstate(all="ignore"):
        error = 10 * EPS * np.abs(f)[:, None] / steps + np.abs(full - half)[:, free]
    return given[:, free], half[:, free], np.where(np.isfinite(error), error, 0.0), free


def _along(problem, x, rng, directions):
    """Yield (name, given, expected, rounding) of the derivatives along random directions."""
    D = [_direction(problem, x, rng) for _ in range(directions)]
    h = RELATIVE_STEP["3-point"]
    functions = [("gradient", lambda p: np.array([problem.fun(p)]), problem.grad(x)[None, :])]
    if problem.m:
        functions.append(("Jacobian", problem.cons, problem.jac(x)))
    ends = [[(function(x + h * d), function(x - h * d)) for _, function, _ in functions] for d in D]
    for k, (name, _, J) in enumerate(functions):
        pairs = [end[k] for end in ends]
        with np.errstate(all="ignore"):
            expected = np.column_stack([(above - below) / (2 * h) for above, below in pairs])
            size = np.column_stack([np.abs(above) + np.abs(below) for above, below in pairs])
        given = np.column_stack([J @ d for d in D])
        yield f"{name} along directions", given, expected, 5 * EPS * size / h, np.arange(directions)


def _direction(problem, x, rng):
    """Return a random direction along which the central step stays inside the bounds."""
    d = rng.standard_normal(problem.n) * np.maximum(1.0, np.abs(x))
    room = np.minimum(problem.ub - x, x - problem.lb) / RELATIVE_STEP["3-point"]
    return np.clip(d, -np.maximum(room, 0.0), np.maximum(room, 0.0)) * (1 - EPS)


def _worst(name, given, expected, rounding, columns, count):
    """Return the entries of largest relative error; one that is not finite is always wrong."""
    with np.errstate(all="ignore"):
        gap = np.maximum(np.abs(given - expected) - rounding, 0.0)
        scale = np.maximum(np.abs(given), np.abs(expected))
        error = np.where(gap == 0.0, 0.0, gap / scale)
    error = np.where(np.isfinite(given) & np.isfinite(expected), error, np.inf)
    order = np.argsort(-error, axis=None, kind="stable")[:count]
    found = []
    for i, j in zip(*np.unravel_index(order, error.shape), strict=True):
        index = (int(columns[j]),) if given.shape[0] == 1 else (int(i), int(columns[j]))
        found.append(Mismatch(name, index, given[i, j], expected[i, j], float(error[i, j])))
    return found
