"""Certificate of infeasibility: multipliers for which the violation of the rows is stationary.

    V(x) = sum_i w_i max(0, cl_i - c_i(x), c_i(x) - cu_i)   over   lb <= x <= ub

is least at x to first order if y_i lies in w_i [-1, 1], is w_i times the sign of the violation
where row i is violated and zero where the row has room, z >= 0 belongs to active bounds, and
J'y - z_lower + z_upper = 0. Where the rows that y combines are linear, this is Farkas' lemma:
every feasible x' would need

    gap + (J'y - z_lower + z_upper)'(x' - x) <= 0,
    gap = y'(c - its side) - z_lower'(x - lb) - z_upper'(ub - x) > 0,

so there is none with |x' - x|_1 < radius = gap / |J'y - z_lower + z_upper|_inf.
"""

from typing import NamedTuple

import numpy as np

from numopt.core.errors import Status, Stop
from numopt.models.kkt import row_violation, transposed_product, violation_kkt

TOL = 1e-6  # largest scaled residual of a certificate
NEGLIGIBLE = 1e-8  # multipliers below this, relative to the weight of their row, are rounding
NEARBY, SAME = 1e-3, 1e-10  # where and how well the Jacobian of linear rows must agree


class Multipliers(NamedTuple):
    """Multipliers of the violation sum |C(w)| of an equality form."""

    y: np.ndarray  # (form.m,)
    z_lower: np.ndarray  # (form.n,)
    z_upper: np.ndarray


def infeasibility(problem, form, s):
    """Measure the stationarity of the violation at the state s, from the problem alone.

    Parameters
    ----------
    problem : NLP
    form : EqualityForm
        The form in which the multipliers were found; its row scales are the weights.
    s : State
        With `Multipliers` in its field `violation`.

    Returns
    -------
    dict
        ``constraints`` (m,), ``lower``, ``upper`` (n,): the multipliers y and z; ``weights`` (m,);
        ``violation``: the weighted sum V; ``residual``: scaled violation of the conditions above;
        ``farkas``: None, or ``{"gap", "radius"}`` where the rows are linear.
    """
    x, multipliers = form.full(s.w), s.violation
    c, J = problem.cons(x), problem.jac(x)
    weights = form.f_scale * form.row_multipliers(np.ones(form.m))
    y = _admissible(problem, form.f_scale * form.row_multipliers(multipliers.y), weights)
    lower, upper = (form.f_scale * form.bound_multipliers(z) for z in multipliers[1:])
    elsewhere = problem.jac(problem.x0), problem.jac(_nearby(problem, x))
    typical = max(_size(problem, other, y) for other in elsewhere)
    kkt = violation_kkt(problem, x, y, lower, upper, c, J, weights, typical)
    farkas = None
    if _linear(y, J, elsewhere):
        farkas = _farkas(problem, x, y, lower, upper, c, J)
    return {
        "constraints": y,
        "lower": lower,
        "upper": upper,
        "weights": weights,
        "violation": float(weights @ row_violation(problem, c)),
        "residual": kkt.optimality,
        "farkas": farkas,
    }


def conclusion(infeasibility):
    """Return the `Stop` that a stationary violation leads to, if its certificate holds."""
    size, residual = infeasibility["violation"], infeasibility["residual"]
    if residual <= TOL:
        return Stop(Status.INFEASIBLE, f"their sum is {size:.2e}, its residual {residual:.1e}")
    return Stop(Status.SMALL_STEP, f"stuck at a violation of {size:.2e}, residual {residual:.1e}")


def all_fixed(s):
    """Return the state of a violated problem without free variables, with its multipliers."""
    none = np.zeros(s.w.size)
    return s._replace(violation=Multipliers(np.sign(s.C), none, none))


def _admissible(problem, y, weights):
    """Return y within its weights, of the signs that its sides allow, without rounding."""
    y = np.where(np.abs(y) <= NEGLIGIBLE * weights, 0.0, y)
    return np.clip(y, -weights * np.isfinite(problem.cl), weights * np.isfinite(problem.cu))


def _nearby(problem, x):
    move = NEARBY * (1.0 + np.abs(x)) * np.cos(np.arange(x.size))
    inside = (problem.lb <= x + move) & (x + move <= problem.ub)
    return np.clip(np.where(inside, x + move, x - move), problem.lb, problem.ub)


def _size(problem, J, y):
    """Return the largest entry of |J|'|y| over the free variables, or 1 if that is undefined."""
    sizes = transposed_product(abs(J), np.abs(y))[problem.lb < problem.ub]
    return float(np.nan_to_num(sizes.max(initial=0.0), nan=1.0, posinf=1.0))


def _linear(y, J, elsewhere):
    """Return whether the rows in y have the same Jacobian here and elsewhere."""
    used = np.flatnonzero(y)
    tolerance = SAME * np.abs(J[used].data).max(initial=0.0)
    changes = (np.abs((other[used] - J[used]).data) for other in elsewhere)
    return all((change <= tolerance).all() for change in changes)


def _farkas(problem, x, y, lower, upper, c, J):
    free = problem.lb < problem.ub
    residual = np.abs((transposed_product(J, y) - lower + upper) * free).max(initial=0.0)
    rows = _sum_product(y, c - problem.cu) + _sum_product(-y, problem.cl - c)
    gap = rows - _sum_product(lower, x - problem.lb) - _sum_product(upper, problem.ub - x)
    if not gap > 0.0:
        return None
    return {"gap": gap, "radius": gap / float(residual) if residual else np.inf}


def _sum_product(multipliers, distances):
    used = multipliers > 0.0
    return float(multipliers[used] @ distances[used])
