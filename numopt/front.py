"""The front door: `minimize` for functions, `solve` for problems, `iterate` step by step."""

from typing import NamedTuple

import numpy as np

from numopt import solvers  # noqa: F401 - enters every method into the table
from numopt.core.backend import namespace
from numopt.core.errors import InputTypeError, ProblemError, UnsupportedError
from numopt.core.loop import Run, drive, iterates, verdict
from numopt.core.result import OptimizeResult
from numopt.core.solver import METHODS, Solver, get_solver
from numopt.core.watch import watch_list
from numopt.models.problem import Batch, Problem

DEFAULTS = {
    "nlp": "sketched_newton",
    "transport": "sns",
    "bilevel": "kkt",
    "bilinear": "rhpdhg",
    "inclusion": "extragradient",
    "finite_sum": "halpern_vr",
}  # kinds of problems that several methods solve


def minimize(
    fun,
    x0=None,
    args=(),
    method=None,
    jac=None,
    hess=None,
    hessp=None,
    bounds=None,
    constraints=(),
    tol=None,
    callback=None,
    options=None,
    *,
    rng=None,
    vectorized=False,
    workers=None,
    history=False,
):
    """Minimise a scalar function of one or more variables.

        minimise fun(x)   subject to   bounds and constraints

    The arguments are those of `scipy.optimize.minimize`, with the same meaning.

    Parameters
    ----------
    fun : callable or problem object
        ``fun(x, *args) -> float``. A numopt problem is passed on to `solve`.
    x0 : array_like, shape (n,)
        Start point; may be omitted for a problem that carries one, and for a method that draws one
        in a finite box.
    args : tuple
        Further arguments of `fun` and its derivatives.
    method : str, Solver or callable, optional
        See `methods`. By default, or if it is "auto", chosen by the class of the problem.
    jac, hess, hessp : callable, str, bool or HessianUpdateStrategy, optional
        Derivatives of `fun`: callables, ``jac=True`` if `fun` returns value and gradient, or
        ``'2-point'``, ``'3-point'``, ``'cs'`` for finite differences.
    bounds : Bounds or sequence of pairs, optional
        Bounds on the variables; None is infinite.
    constraints : LinearConstraint, NonlinearConstraint, dict, or a sequence of them
        Constraints, as in SciPy.
    tol : float, optional
        Tolerance of the method's stated measure and of feasibility.
    callback : callable, optional
        ``callback(intermediate_result)`` or ``callback(xk)``; raising StopIteration, or returning
        True, ends the run.
    options : dict, optional
        Options of the method; an unknown one is an error.
    rng : None, int, sequence of ints, SeedSequence, BitGenerator or Generator
        Pseudorandom number generator state. When None, a new Generator is created with entropy
        from the operating system; other types are passed to `numpy.random.default_rng`.
    vectorized : bool or "columns"
        `fun` takes many points: an array (S, n) with a point in each row, or SciPy's layout
        (n, S), and returns (S,).
    workers : int, map-like callable, Executor or Dask client, optional
        Where finite differences are evaluated.
    history : bool
        Keep a record of each iteration in ``res.history``.

    Returns
    -------
    OptimizeResult
        See `numopt.OptimizeResult`.

    Raises
    ------
    OptionError, UnsupportedError, ProblemError, InputTypeError
        For arguments that make no sense, before the first evaluation.

    Examples
    --------
    >>> import numopt
    >>> res = numopt.minimize(lambda x: (x[0] - 1)**2 + x[1]**2, [0.0, 3.0],
    ...                       constraints={"type": "eq", "fun": lambda x: x[0] + x[1] - 2})
    >>> res.success, res.x.round(6)
    (True, array([1.5, 0.5]))
    """
    common = {"callback": callback, "rng": rng, "history": history}
    if isinstance(fun, Problem):
        extra = (args, jac, hess, hessp, bounds, constraints, vectorized)
        _refuse_extra(extra, ((), None, None, None, None, (), False), type(fun).__name__)
        return solve(fun, x0, method=method, tol=tol, options=options, **common)
    if callable(method) and not isinstance(method, (type, Solver)):
        given = {"jac": jac, "hess": hess, "hessp": hessp, "bounds": bounds}
        given |= {"constraints": constraints, "callback": callback}
        return method(fun, x0, args=args, **given, **(options or {}))
    from numopt.scipy_like import nlp_from_scipy

    # Options first: a mistake in them is told before any function is evaluated.
    solver = get_solver(default_method("nlp") if method in (None, "auto") else method, options, tol)
    problem = nlp_from_scipy(
        fun,
        x0,
        args,
        jac,
        hess,
        hessp,
        bounds,
        constraints,
        vectorized,
        workers,
        solver.strict_x0,
        needs_x0=solver.needs_x0,
        arrays="array-api" in solver.backends,
        like=solver.like,
    )
    return solve(problem, method=solver, **common)


def solve(
    problem,
    x0=None,
    *,
    method=None,
    tol=None,
    callback=None,
    options=None,
    rng=None,
    history=False,
    state=None,
    stop=verdict,
):
    """Solve a numopt problem with any method that accepts it.

    Parameters
    ----------
    problem : Problem
        For example an `NLP`.
    x0 : array_like, shape (n,), optional
        Start point instead of the problem's own.
    method, tol, callback, options, rng, history
        As in `minimize`.
    state : object, optional
        ``res.state`` of an earlier run, which is then continued, bit for bit.
    stop : callable, optional
        ``stop(solver, iterate, run) -> Status or None`` instead of the built-in verdict.

    Returns
    -------
    OptimizeResult
        For a `Batch`: ``x`` and ``fun`` with a leading axis, ``success`` if all are, ``results``.
    """
    if isinstance(problem, Batch):
        extra = (callback, state, None if stop is verdict else stop, history or None)
        _refuse_for_batches(extra)
        return _solve_each(problem, x0, method=method, tol=tol, options=options, rng=rng)
    run = _prepare(problem, x0, method, tol, options, rng, state)
    record, watchers = watch_list(run.solver, history, callback)
    return drive(
        run.solver, run.problem, run.x0, run.run, watchers, run.state, stop=stop, history=record
    )


def iterate(problem, x0=None, *, method=None, tol=None, options=None, rng=None, state=None):
    """Run a method step by step: yield an `Iterate` for each iteration, without end.

    Parameters
    ----------
    problem, x0, method, tol, options, rng, state
        As in `solve`. No stopping rule is applied; the loop ends when the method raises `Stop`.

    Yields
    ------
    Iterate
        ``x, fun, optimality, violation, scalars``.
    """
    run = _prepare(problem, x0, method, tol, options, rng, state)
    for _, report in iterates(run.solver, run.problem, run.x0, run.run, run.state):
        yield report


def methods():
    """Return the table of methods: a list with one dictionary for each.

    Examples
    --------
    >>> import numopt
    >>> [row["name"] for row in numopt.methods()]
    ['alternating', 'bamm', 'bcd', 'cbo', 'extragradient', 'f2sa', 'f3sa', 'gradient_newton',
     'halpern_vr', 'implicit', 'kkt', 'lv_hba', 'rhpdhg', 'sinkhorn', 'sketched_newton', 'sns',
     'sparse_ot', 'zeroth_order']
    """
    return [
        {
            "name": name,
            "problems": cls.problems,
            "accepts": tuple(sorted(cls.accepts)),
            "measure": cls.measure,
            "certificate": cls.certificate,
            "backends": cls.backends,
            "reference": cls.reference,
        }
        for name, cls in sorted(METHODS.items())
    ]


def _refuse_for_batches(extra):
    for word, value in zip(("callback", "state", "stop", "history"), extra, strict=True):
        if value is not None:
            raise UnsupportedError(f"a batch takes no `{word}`; solve its problems one by one")


def _solve_each(batch, x0, **common):
    """Return the results of a batch in one."""
    starts = [None] * len(batch.problems) if x0 is None else x0
    if len(starts) != len(batch.problems):
        raise ProblemError(f"`x0` must hold {len(batch.problems)} start points, got {len(starts)}")
    pairs = zip(batch.problems, starts, strict=True)
    results = [solve(problem, start, **common) for problem, start in pairs]
    worst = next((r for r in results if not r.success), results[0])
    joint = {name: worst[name] for name in ("status", "message", "method")}
    joint |= {name: sum(r[name] for r in results) for name in ("nfev", "execution_time")}
    joint |= {name: max(r[name] for r in results) for name in ("nit", "optimality")}
    return OptimizeResult(
        x=np.stack([r.x for r in results]),
        fun=np.array([r.fun for r in results]),
        success=all(r.success for r in results),
        results=results,
        **joint,
    )


class _Prepared(NamedTuple):
    solver: object
    problem: object
    x0: object
    run: object
    state: object


def _prepare(problem, x0, method, tol, options, rng, state):
    if not isinstance(problem, Problem):
        raise InputTypeError(
            f"`problem` must be a numopt problem, got {type(problem).__name__}; "
            "use `minimize` for a function"
        )
    solver = get_solver(_method_for(problem, method), options, tol)
    solver.check(problem)
    _check_library(solver, x0)
    view = problem.armed(solver.maxfun, solver.maxtime)
    view.draws_start = problem.draws_start and x0 is None
    x0 = problem.start(x0, solver.strict_x0)
    view.x0, view.on_error = x0, solver.on_error
    _check_functions(solver, view)
    run = Run(view, rng)
    if state is not None:
        run.nit, run.rng.bit_generator.state, state = state
    return _Prepared(solver, view, x0, run, state)


def _check_library(solver, x0):
    library = namespace(x0).__name__
    if library not in solver.backends and "array-api" not in solver.backends:
        able = ", ".join(solver.backends)
        raise InputTypeError(
            f"method {solver.name!r} cannot work on arrays of {library} (`x0`), only of {able}"
        )


def _check_functions(solver, problem):
    """Do the checks at the start point that were asked for by options, outside the budget."""
    if solver.deterministic_check:
        values, problem = [], problem.armed()
        for _ in range(2):
            problem.memo.clear()
            values.append(problem.fun(problem.x0))
        if not np.array_equal(values[0], values[1], equal_nan=True):
            raise ProblemError(
                f"the objective is not deterministic: at `x0` it returned {values[0]!r} and then "
                f"{values[1]!r}; fix its random state, or drop `deterministic_check`"
            )
    if solver.check_derivatives != "no":
        from numopt.models.derivatives import check_derivatives

        directions = 2 if solver.check_derivatives == "once" else None
        for part in problem.armed().differentiable_parts():
            check_derivatives(part, directions=directions, raise_error=True)


def _method_for(problem, method):
    """Return the method asked for; None and "auto" leave the choice to the problem's kind."""
    if method is not None and method != "auto":
        return method
    choose = getattr(problem, "preferred_method", None)
    return choose() if choose else default_method(problem.kind)


def default_method(kind):
    """Return the name of the method that `solve` takes by default for this kind of problem."""
    if kind in DEFAULTS:
        return DEFAULTS[kind]
    for name, cls in METHODS.items():
        if kind in cls.problems:
            return name
    raise ProblemError(f"no method is registered for problems of kind {kind!r}")


def _refuse_extra(given, defaults, name):
    words = ("args", "jac", "hess", "hessp", "bounds", "constraints", "vectorized")
    for word, value, default in zip(words, given, defaults, strict=True):
        if value is not default and value != default:
            raise ProblemError(f"`{word}` is part of the {name} object; do not pass it again")
