"""SciPy's ways of posing a problem: `scipy.optimize.minimize`'s arguments become an NLP."""

import sys
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np

from numopt.core.backend import namespace, to_host
from numopt.core.errors import InputTypeError, OptionError, ProblemError
from numopt.core.workers import SerialMap, mapper
from numopt.models.callable_nlp import CallableNLP, LinearRows, NonlinearRows
from numopt.models.calls import OnArrays, WithArguments
from numopt.models.derivatives import FORMULAS
from numopt.models.inputs import float_dtype, projected, real_vector, repeated


def nlp_from_scipy(
    fun,
    x0,
    args=(),
    jac=None,
    hess=None,
    hessp=None,
    bounds=None,
    constraints=(),
    vectorized=False,
    workers=None,
    strict_x0=False,
    needs_x0=True,
    arrays=False,
    like=None,
):
    """Return the problem that these arguments of `scipy.optimize.minimize` pose.

    Parameters
    ----------
    fun, x0, args, jac, hess, hessp, bounds, constraints, vectorized, workers
        As in `numopt.minimize`.
    strict_x0 : bool
        Refuse an `x0` outside the bounds instead of moving it.
    needs_x0 : bool
        Refuse a missing `x0`; otherwise finite bounds will do, and the start is drawn.
    arrays : bool
        Accept an `x0` of another array library; the functions then get and return such arrays.
    like : array_like, optional
        Tells the library where `x0` is missing or a list.

    Returns
    -------
    CallableNLP
        Its start point is `x0`, moved into the bounds; of this a UserWarning tells.

    Raises
    ------
    InputTypeError, ProblemError, OptionError
        For arguments that make no sense.
    """
    drawn = x0 is None
    sample = _sample(x0, like) if arrays else None
    if drawn:
        x0 = _middle(bounds, needs_x0)
    elif sample is not None:
        x0 = to_host(x0)
    parallel = mapper(workers)
    if type(parallel) is SerialMap:
        parallel = None
    if vectorized and parallel:
        raise OptionError("`vectorized` and `workers` exclude each other; drop one of them")
    start = real_vector(x0, "x0", finite=True)
    lb, ub, keep_feasible = _sides(bounds, start.size)
    args = args if isinstance(args, tuple) else (args,)
    functions = (_with(fun, args), _formula(jac, args), _with(hess, args), _with(hessp, args))
    rows = [_rows(item) for item in _listed(constraints)]
    if sample is not None:
        functions = [_on_arrays(function, sample) for function in functions]
        rows = [_rows_on_arrays(item, sample) for item in rows]
    objective, grad, *second = functions
    problem = CallableNLP(
        objective,
        projected(start, lb, ub, strict_x0),
        grad,
        *second,
        lb=lb,
        ub=ub,
        constraints=rows,
        keep_feasible=keep_feasible,
        map=parallel,
        vectorized=vectorized,
    )
    problem.dtype = float_dtype(x0)
    problem.draws_start, problem.sample = drawn, sample
    return problem


def _sample(x0, like):
    """Return one entry of x0, or of `like`, that tells library, type and device; None for NumPy."""
    if namespace(like) is not np:
        namespace(x0, like)  # refuses a mixture
    array = like if namespace(x0) is np else x0
    if namespace(array) is np:
        return None
    sample = namespace(array).reshape(array, (-1,))[:1]
    if to_host(sample).dtype.kind != "f":
        raise InputTypeError(f"`x0` must hold floating-point numbers, got dtype {array.dtype}")
    return sample


def _on_arrays(function, sample):
    return OnArrays(function, sample) if callable(function) else function


def _rows_on_arrays(rows, sample):
    if isinstance(rows, LinearRows):
        return rows
    fun, jac, hess = (_on_arrays(f, sample) for f in (rows.fun, rows.jac, rows.hess))
    return replace(rows, fun=fun, jac=jac, hess=hess)


def _middle(bounds, needs_x0):
    """Return the middle of a finite box, which stands for a start point that is to be drawn."""
    if needs_x0:
        raise InputTypeError("`x0` is needed for a function; only a problem object carries one")
    n = np.size(bounds.lb) if _is_scipys(bounds, "Bounds") else len(bounds or ())
    lb, ub, _ = _sides(bounds, n)
    if n == 0 or not np.isfinite(np.subtract(ub, lb)).all():
        raise InputTypeError("`x0` may be missing only where `bounds` are finite")
    return np.add(lb, np.multiply(0.5, np.subtract(ub, lb)))


def called_by_scipy(
    solver,
    fun,
    x0,
    args=(),
    jac=None,
    hess=None,
    hessp=None,
    bounds=None,
    constraints=(),
    callback=None,
    **options,
):
    """Solve by `solver` as SciPy's ``minimize(..., method=solver)`` asks for it.

    Parameters
    ----------
    solver : Solver
        The method.
    fun, x0, args, jac, hess, hessp, bounds, constraints, callback
        As SciPy hands them over.
    **options
        SciPy's ``options`` and ``tol``.

    Returns
    -------
    OptimizeResult
    """
    from numopt.front import solve

    problem = nlp_from_scipy(fun, x0, args, jac, hess, hessp, bounds, constraints)
    return solve(problem, method=solver, options=options, callback=callback)


def _with(function, args):
    return WithArguments(function, args) if args and callable(function) else function


def _formula(jac, args=()):
    """Return the gradient as `CallableNLP` takes it."""
    if jac is True or callable(jac):
        return _with(jac, args)
    if jac is None or jac is False:
        return "2-point"
    if isinstance(jac, str) and jac in FORMULAS:
        return jac
    raise ProblemError(
        f"`jac` must be callable, True, False, None or one of {FORMULAS}, got {jac!r}"
    )


# -- bounds and the start point --------------------------------------------------------------------


def _sides(bounds, n):
    """Return (lb, ub, keep_feasible) of bounds in either of SciPy's forms."""
    if bounds is None:
        return -inf, inf, False
    if _is_scipys(bounds, "Bounds"):
        return repeated(bounds.lb, "lb", n), repeated(bounds.ub, "ub", n), bounds.keep_feasible
    pairs = [_pair(pair, i) for i, pair in enumerate(bounds)]
    if len(pairs) != n:
        raise ProblemError(f"`bounds` must hold a pair for each of {n} variables, got {len(pairs)}")
    lower, upper = ([pair[side] for pair in pairs] for side in (0, 1))
    return real_vector(lower, "lower bounds"), real_vector(upper, "upper bounds"), False


def _pair(pair, i):
    try:
        low, high = pair
    except (TypeError, ValueError):
        raise ProblemError(
            f"`bounds` must hold pairs (low, high) with None for infinity, entry {i} is {pair!r}"
        ) from None
    return -inf if low is None else low, inf if high is None else high


# -- constraints -----------------------------------------------------------------------------------


def _listed(constraints: Any):
    if constraints is None:
        return []
    own = (dict, LinearRows, NonlinearRows)
    if isinstance(constraints, own) or _constraint_class(constraints) is not None:
        return [constraints]
    return list(constraints)


def _constraint_class(item):
    for name in ("LinearConstraint", "NonlinearConstraint"):
        if _is_scipys(item, name):
            return name
    return None


def _rows(item):
    """Return one constraint of SciPy's in our form."""
    kind = _constraint_class(item)
    if kind == "LinearConstraint":
        return LinearRows(item.A, item.lb, item.ub)
    if kind == "NonlinearConstraint":
        rest = item.hess, item.finite_diff_jac_sparsity, item.finite_diff_rel_step
        return NonlinearRows(item.fun, item.lb, item.ub, _constraint_jac(item.jac), *rest)
    if isinstance(item, dict):
        return _rows_of_dict(item)
    if isinstance(item, (LinearRows, NonlinearRows)):
        return item
    raise InputTypeError(
        "a constraint must be a LinearConstraint, a NonlinearConstraint or a dict, "
        f"got {type(item).__name__}"
    )


def _rows_of_dict(item):
    unknown = set(item) - {"type", "fun", "jac", "args"}
    if unknown or "type" not in item or "fun" not in item:
        raise ProblemError(
            "a constraint dict has the keys 'type' and 'fun', and may have 'jac' and 'args'; "
            f"got {sorted(item)}"
        )
    kind = str(item["type"]).lower()
    if kind not in ("eq", "ineq"):
        raise ProblemError(f"the type of a constraint must be 'eq' or 'ineq', got {item['type']!r}")
    args = item.get("args", ())
    args = args if isinstance(args, tuple) else (args,)
    upper = 0.0 if kind == "eq" else inf
    jac = _constraint_jac(item.get("jac"), args)
    return NonlinearRows(_with(item["fun"], args), 0.0, upper, jac)


def _constraint_jac(jac, args=()):
    if jac is True:
        raise ProblemError("jac=True is for the objective only; give the constraint a callable")
    return _formula(jac, args)


def _is_scipys(item, name):
    """Return whether this is an object of a class of scipy.optimize, without importing that."""
    module = sys.modules.get("scipy.optimize")  # loaded if such an object exists
    return module is not None and isinstance(item, getattr(module, name))
