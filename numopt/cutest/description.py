"""Numbers that tell whether two codes mean the same problem."""

import numpy as np
from numpy.linalg import norm
from scipy.sparse import tril

from numopt.cutest.catalogue import kind_of

# Significant digits of the values.
_DIGITS = 14


def facts(problem):
    """Return counts, norms and inner products that characterise a problem.

    Parameters
    ----------
    problem : NLP

    Returns
    -------
    dict
        ``n, m``; ``kind``; ``var`` and ``con``, numbers of variables and constraints by their
        bounds; ``nnzj, nnzh``, stored entries of the Jacobian and of one triangle of the Hessian,
        and with ``_num`` those that are nonzero at the second point; ``norm_x0``; ``bound_sum,
        cbound_sum``, sums of lower bounds times cos(i) and upper bounds times sin(i); and for the
        start point ``x0`` and for ``x1 = x0 + 0.1 cos(i)``, i = 0, 1, ...:

        ======  =====================================  ======  ==================================
        f       value                                  J       Frobenius norm of the Jacobian
        g       norm of the gradient                   Jw      norm of J w, w_i = cos(i)
        c       norm of the constraints                JTy     norm of J'y
        g_w     gradient times w                       H       norm of the Hessian of f + y'c
        c_y     constraints times y_i = 1 / (i + 1)    Hw,     norm of H w, w'H w
                                                       wHw
        ======  =====================================  ======  ==================================

        From ``g_w`` on at x1 only; what belongs to constraints is absent where there are none, and
        what is not finite is None.
    """
    x1 = problem.x0 + 0.1 * np.cos(np.arange(problem.n))
    y = 1 / np.arange(1.0, problem.m + 1)
    with np.errstate(all="ignore"):
        J, H = problem.jac(x1), problem.hess(x1, y)
        first, second = _values(problem, problem.x0), _products(problem, x1, y, J, H)
    lower = tril(H)
    return {
        "name": problem.name,
        "params": getattr(problem, "params", {}),
        "classification": getattr(problem, "classification", ""),
        "kind": kind_of(problem),
        "n": problem.n,
        "m": problem.m,
        "var": _variables(problem),
        "con": _constraints(problem),
        "nonreal_vars": sum(k != "real" for k in getattr(problem, "variable_types", ())),
        "nnzj": J.nnz,
        "nnzh": lower.nnz,
        "nnzj_num": int(np.count_nonzero(J.data)),
        "nnzh_num": int(np.count_nonzero(lower.data)),
        "norm_x0": _rounded(norm(problem.x0)),
        "bound_sum": _rounded(_sum(problem.lb, problem.ub)),
        "cbound_sum": _rounded(_sum(problem.cl, problem.cu)),
        "x0": first,
        "x1": _values(problem, x1) | second,
    }


def _values(problem, x):
    f, g = problem.fun_and_grad(x)
    out = {"f": _rounded(f), "g": _rounded(norm(g))}
    return out | ({"c": _rounded(norm(problem.cons(x)))} if problem.m else {})


def _products(problem, x, y, J, H):
    w = np.cos(np.arange(problem.n))
    Hw = H @ w
    out = {"g_w": problem.grad(x) @ w}
    if problem.m:
        out |= {"c_y": problem.cons(x) @ y, "J": norm(J.data), "Jw": norm(J @ w)}
        out["JTy"] = norm(J.T @ y)
    out |= {"H": norm(H.data), "Hw": norm(Hw), "wHw": w @ Hw}
    return {key: _rounded(value) for key, value in out.items()}


def _rounded(value):
    return float(f"{value:.{_DIGITS}g}") if np.isfinite(value) else None


def _sum(lower, upper):
    low, up = (np.where(np.isfinite(side), side, 0.0) for side in (lower, upper))
    i = np.arange(lower.size)
    return low @ np.cos(i) + up @ np.sin(i)


def _sides(lower, upper):
    """Return masks: neither, lower only, upper only, both, equal sides."""
    has_low, has_up, equal = np.isfinite(lower), np.isfinite(upper), lower == upper
    both = has_low & has_up & ~equal
    return ~has_low & ~has_up, has_low & ~has_up, has_up & ~has_low, both, equal


def _variables(problem):
    names = ("free", "lower", "upper", "both", "fixed")
    return _counted(names, _sides(problem.lb, problem.ub))


def _constraints(problem):
    names = ("free", "ge", "le", "range", "eq")
    linear = getattr(problem, "is_linear", np.zeros(problem.m, dtype=bool))
    return _counted((*names, "linear"), (*_sides(problem.cl, problem.cu), linear))


def _counted(names, masks):
    return {name: int(mask.sum()) for name, mask in zip(names, masks, strict=True)}


def differences(found, expected, rtol=1e-10, rounding=1e-14):
    """Return what two facts of one problem disagree in, as sentences.

    Parameters
    ----------
    found, expected : dict
        See `facts`; what `expected` lacks is not compared.
    rtol : float
        Relative tolerance of values.
    rounding : float
        Relative rounding of numbers in the problem that is forgiven besides.
    """
    exact = ("n", "m", "kind", "var", "con", "nnzj_num", "nnzh_num", "nonreal_vars")
    out = [
        f"{key}: {found[key]}, expected {expected[key]}"
        for key in exact
        if key in expected and found[key] != expected[key]
    ]
    pairs = [(key, found[key], expected.get(key)) for key in ("norm_x0", "bound_sum", "cbound_sum")]
    for point in ("x0", "x1"):
        wanted = expected.get(point) or {}
        pairs += [(f"{k} at {point}", found[point].get(k), value) for k, value in wanted.items()]
    return out + [
        f"{key}: {mine!r}, expected {value!r}"
        for key, mine, value in pairs
        if value is not None
        and (mine is None or abs(mine - value) > _allowed(found, key, value, rtol, rounding))
    ]


# Norms of two factors that bound an inner product, and of the derivative that carries rounding of
# x into a value.
_FACTORS = {"g_w": ("g", "n"), "c_y": ("c", "m"), "Jw": ("J", "n"), "JTy": ("J", "m"),
            "Hw": ("H", "n"), "wHw": ("Hw", "n")}  # fmt: skip
_DERIVATIVES = {"f": "g", "g": "H", "g_w": "H", "c": "J", "c_y": "J"}


def _allowed(found, key, value, rtol, rounding):
    """Return how far a value may be off: relative to what cancels in it, and by rounding of x."""
    name, x1 = key.split()[0], found["x1"]
    factor, size = _FACTORS.get(name, ("", "n"))
    product = (x1.get(factor) or 0.0) * np.sqrt(found[size])
    slope = x1.get(_DERIVATIVES.get(name, "")) or 0.0
    return rtol * max(abs(value), product) + rounding * slope * (1 + found["norm_x0"])
