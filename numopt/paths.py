"""Regularisation paths: one composite problem for many strengths of its penalty."""

from functools import partial

import numpy as np

from numopt.core.errors import ProblemError, Status, UnsupportedError
from numopt.core.result import OptimizeResult
from numopt.core.workers import mapper
from numopt.front import solve
from numopt.models.composite import Composite
from numopt.models.inputs import real_vector
from numopt.models.losses import LinearLoss
from numopt.solvers.bcd import BCD, gram_path

RATIO, WIDE_RATIO = (
    1e-3,
    1e-2,
)  # smallest lambda over largest; the second for more columns than rows


def path(
    problem,
    lambdas=None,
    *,
    n_lambdas=100,
    ratio=None,
    cv=None,
    workers=None,
    rng=None,
    method="bcd",
    tol=None,
    options=None,
):
    """Solve a composite problem for many strengths of its penalty, each from the last solution.

        minimise f(x) + lambda g(x)   for lambda_1 > lambda_2 > ...

    Parameters
    ----------
    problem : Composite
        Its penalty is multiplied by each lambda (of `MCP` and `SCAD`, their `lam`); so that lambda
        is what the penalty calls `lam`, pose it with ``lam=1``.
    lambdas : array_like, shape (k,), optional
        Positive and decreasing. By default `n_lambdas` values in geometric progression from
        `lambda_max`, the least for which only variables without penalty are used.
    n_lambdas : int
    ratio : float, optional
        Smallest lambda over the largest, between 0 and 1; by default 1e-3, or 1e-2 if there are
        more columns than rows.
    cv : int or iterable of (train, test), optional
        Cross-validation: a number of folds, or arrays of row indices.
    workers : int, map-like callable, Executor or Dask client, optional
        Where the folds are solved.
    rng : optional
        Deals the rows out to folds, see `minimize`; None keeps them in their order.
    method, tol, options
        As in `minimize`.

    Returns
    -------
    OptimizeResult
        ``lambdas`` (k,), ``lambda_max``; ``coefs`` (k, n) and ``intercepts`` (k, number of classes
        or targets) in the unit of the data; ``funs``, ``gaps`` (NaN where the method has none),
        ``statuses``, ``nits`` (k,); ``success``, and ``status`` and ``message`` of the first that
        is none. With
        `cv`, ``cv``: ``scores`` (folds, k), the mean loss of a held-out row, their ``mean`` and
        standard error ``error`` (k,), ``best``, the index of the least mean, and ``sparsest``, the
        first index whose mean is within one standard error of it.

    Raises
    ------
    UnsupportedError
        For penalties without a strength, and losses without rows to hold out.
    ProblemError
        For lambdas that are not positive and decreasing, for folds that do not fit, and where no
        lambda is given and all solutions are zero.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 8))
    >>> y = X[:, 0] - 2 * X[:, 1] + 0.1 * rng.standard_normal(60)
    >>> problem = numopt.Composite(numopt.LeastSquares(X, y), numopt.L1(1.0))
    >>> res = numopt.path(problem, n_lambdas=20, cv=5)
    >>> res.coefs.shape, np.flatnonzero(res.coefs[5])
    ((20, 8), array([0, 1]))
    """
    _check_problem(problem)
    common = {"method": method, "tol": tol, "options": options}
    if lambdas is None:
        top = lambda_max(problem, **common)
        if top == 0.0:
            raise ProblemError("no variable is used for any lambda; give `lambdas`")
        lambdas = top * np.geomspace(1.0, _ratio(ratio, problem), _count(n_lambdas))
    else:
        lambdas, top = _decreasing(lambdas), None
    result = _along(problem, lambdas, common)
    result.lambda_max = top
    if cv is not None:
        _check_rows(problem)
        folds = _folds(cv, problem.loss.m, rng)
        with mapper(workers) as pmap:
            result.cv = _scores(list(pmap(partial(_held_out, problem, lambdas, common), folds)))
    return result


def lambda_max(problem, **common):
    """Return the least factor of the penalty for which all variables that it acts on are zero.

    Parameters
    ----------
    problem : Composite
    **common
        Keywords of `solve`, for a problem with variables without penalty.
    """
    _check_problem(problem)
    gradient = _gradient(problem, problem.x0)
    free = problem.penalty.free()
    if not free.any():
        return problem.penalty.threshold(gradient)
    factor, x = problem.penalty.threshold(gradient), None
    while x is None or x[~free].any():
        factor = 2.0 * max(factor, np.finfo(float).tiny)
        x = solve(problem.times(factor), x, **common).x
    return problem.penalty.threshold(_gradient(problem, problem.start(x)))


def _gradient(problem, x):
    return problem.loss.gradient(problem.loss.state(x))


def _along(problem, lambdas, common):
    """Return the results of a path in one."""
    k, classes = lambdas.size, getattr(problem.loss, "k", 1)
    found = OptimizeResult(
        lambdas=lambdas,
        coefs=np.zeros((k, problem.n)),
        intercepts=np.zeros((k, classes)),
        funs=np.zeros(k),
        gaps=np.full(k, np.nan),
        nits=np.zeros(k, dtype=int),
        statuses=[Status.CONVERGED] * k,
        success=True,
        status=Status.CONVERGED,
        message=f"{common['method']}: a path of {k} values within tolerance.",
        cv=None,
    )
    plain = common["method"] == "bcd" and not common["options"]
    if plain and gram_path.fits(problem):
        _trace(problem, found, common)
    else:
        for row in range(k):
            _solve(problem, found, row, common)
    return found


def _solve(problem, found, row, common):
    """Solve for one lambda from the solution for the last one, or from what is in its row."""
    start = found.coefs[row if found.coefs[row].any() else max(row - 1, 0)]
    res = solve(problem.times(found.lambdas[row]), start, **common)
    found.coefs[row], found.funs[row], found.nits[row] = res.x, res.fun, res.nit
    found.gaps[row] = np.nan if res.gap is None else res.gap
    found.intercepts[row] = 0.0 if res.intercept is None else res.intercept
    found.statuses[row] = res.status
    if found.success and not res.success:
        found.success, found.status = False, res.status
        found.message = f"lambda {found.lambdas[row]:.3g}: {res.message}"


def _trace(problem, found, common):
    """Fill in what `gram_path` finds, and solve again what it has left above the tolerance."""
    tol = BCD().tol if common["tol"] is None else common["tol"]
    traced = gram_path.trace(problem, found.lambdas, tol)
    found.coefs[:] = problem.users(traced.coefs)
    found.funs[:], found.gaps[:], found.nits[:] = traced.values, traced.gaps, traced.passes
    if problem.intercept:
        found.intercepts[:, 0] = problem.loss.intercepts(traced.coefs)
    for row in np.flatnonzero(found.gaps > tol * problem.reference):
        _solve(problem, found, row, common)


# -- cross-validation ------------------------------------------------------------------------------


def _held_out(problem, lambdas, common, fold):
    """Return the mean loss of the rows that were held out, for each lambda, and their weight."""
    train, test = fold
    found = _along(problem.rows(train), lambdas, common)
    loss = problem.posed[0].rows(test)
    total = [_value(loss, x, c) for x, c in zip(found.coefs, found.intercepts, strict=True)]
    return np.array(total) / loss.weight


def _value(loss, x, intercept):
    """Return the loss of given coefficients and intercept."""
    point = loss.state(x)
    phi = loss.phi(point.z + intercept, loss.y)
    return float(phi.sum() if loss.s is None else loss.s @ phi)


def _scores(scores):
    scores = np.array(scores)
    mean = scores.mean(axis=0)
    error = scores.std(axis=0, ddof=1) / np.sqrt(len(scores)) if len(scores) > 1 else 0.0 * mean
    best = int(np.argmin(mean))
    sparsest = int(np.argmax(mean <= mean[best] + error[best]))
    return OptimizeResult(scores=scores, mean=mean, error=error, best=best, sparsest=sparsest)


def _folds(cv, m, rng):
    """Return pairs of row indices (train, test)."""
    if not hasattr(cv, "__index__"):
        return [_checked_fold(train, test, m) for train, test in cv]
    if isinstance(cv, bool) or not 2 <= cv <= m:
        raise ProblemError(f"`cv` must be between 2 and the number of rows, {m}, got {cv!r}")
    rows = np.arange(m) if rng is None else np.random.default_rng(rng).permutation(m)
    tests = [np.sort(part) for part in np.array_split(rows, cv)]
    return [(np.setdiff1d(rows, test), test) for test in tests]


def _checked_fold(train, test, m):
    parts = [np.asarray(part) for part in (train, test)]
    for part in parts:
        fine = part.ndim == 1 and part.size and part.dtype.kind in "iu"
        if not fine or part.min() < 0 or part.max() >= m:
            raise ProblemError(f"`cv` must hold pairs of arrays of row indices below {m}")
    return tuple(parts)


# -- checks ----------------------------------------------------------------------------------------


def _check_problem(problem):
    if not isinstance(problem, Composite):
        raise UnsupportedError(f"a path needs a Composite, got {type(problem).__name__}")
    if not problem.penalty.strengths or problem.penalty.free().all():
        name = type(problem.penalty).__name__
        raise UnsupportedError(f"the penalty {name} has no strength to vary")


def _check_rows(problem):
    if not isinstance(problem.posed[0], LinearLoss):
        name = type(problem.posed[0]).__name__
        raise UnsupportedError(f"the loss {name} has no rows to hold out; leave `cv` out")


def _decreasing(lambdas):
    lambdas = real_vector(lambdas, "lambdas", finite=True)
    if not lambdas.size or lambdas[-1] <= 0.0 or np.any(np.diff(lambdas) >= 0.0):
        raise ProblemError("`lambdas` must be positive and decreasing")
    return lambdas


def _ratio(ratio, problem):
    if ratio is None:
        m, p = getattr(problem.loss, "m", problem.n), problem.n
        return RATIO if m >= p else WIDE_RATIO
    ratio = float(real_vector(ratio, "ratio", n=1)[0])
    if not 0.0 < ratio < 1.0:
        raise ProblemError(f"`ratio` must be between 0 and 1, got {ratio!r}")
    return ratio


def _count(n_lambdas):
    if not hasattr(n_lambdas, "__index__") or isinstance(n_lambdas, bool) or n_lambdas < 1:
        raise ProblemError(f"`n_lambdas` must be a positive integer, got {n_lambdas!r}")
    return int(n_lambdas)
