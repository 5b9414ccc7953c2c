"""Where a run begins: at a point where the functions are defined, cold or warm."""

from functools import partial

import numpy as np

from numopt.core.errors import OptionError, Status, Stop
from numopt.solvers.sketched_newton import active_set, interior
from numopt.solvers.sketched_newton.barrier import push_inside

MOVES = 10  # points tried when a function is undefined at the start point
PUSH = 1e-6  # a warm start is moved inside its bounds by no more than this, relatively
SMALLEST_MU, LARGEST_MU = 1e-8, 0.1


def defined(problem, x0, run):
    """Return x0 inside its bounds, moved a little further if a function is undefined there.

    Raises
    ------
    Stop
        With UNBOUNDED, or NONFINITE if no such point is found.
    """
    x = push_inside(x0, problem.lb, problem.ub)
    for move in range(MOVES + 1):
        f, c = problem.fun(x), problem.cons(x)
        if f == -np.inf:
            raise Stop(Status.UNBOUNDED, "the objective is -inf")
        if np.isfinite(f) and np.isfinite(c).all():
            return x
        distance = 10.0 ** (move / 2 - 4) * (1.0 + np.abs(x0))
        x = push_inside(x0 + distance * run.normal(x0.shape), problem.lb, problem.ub)
    raise Stop(Status.NONFINITE, "near the start point")


def interior_state(form, barrier, x, multipliers=None):
    """Return the first state of the interior method at `x`.

    Parameters
    ----------
    form, barrier : EqualityForm, Barrier
    x : ndarray, shape (problem.n,)
    multipliers : dict, optional
        For a warm start: ``constraints`` (an array, or one for each constraint object), ``lower``
        and ``upper``, in the sign of ``res.multipliers``.

    Raises
    ------
    OptionError
        If they do not fit the problem.
    """
    if multipliers is None:
        w, mu = form.start(x, push_inside), LARGEST_MU if barrier.any else 0.0
        return interior.first_state(form, barrier, w, mu)
    y, z_lower, z_upper = form.scaled_multipliers(*_checked(form.problem, multipliers))
    w = form.start(x, partial(push_inside, relative=PUSH))
    mu = np.clip(barrier.average(w, z_lower, z_upper), SMALLEST_MU, LARGEST_MU)
    mu = float(mu) if barrier.any else 0.0
    s = interior.first_state(form, barrier, w, mu)
    centre_lower, centre_upper = barrier.centres(w, mu)
    z_lower, z_upper = np.maximum(z_lower, centre_lower), np.maximum(z_upper, centre_upper)
    return s._replace(y=y, z_lower=z_lower, z_upper=z_upper)


def active_set_state(form, barrier, x, multipliers=None):
    """Return the first state of the active-set method; parameters as for `interior_state`."""
    if multipliers is None:
        return active_set.first_state(form, barrier, form.start(x, push_inside))
    known = form.scaled_multipliers(*_checked(form.problem, multipliers))
    return active_set.first_state(form, barrier, form.start(x, np.clip), known)


def _checked(problem, multipliers):
    try:
        rows = multipliers["constraints"]
        y = np.concatenate([np.zeros(0), *(np.ravel(part) for part in rows)])
        parts = y, np.ravel(multipliers["lower"]), np.ravel(multipliers["upper"])
    except (KeyError, TypeError):
        raise OptionError(
            "method 'sketched_newton': `multipliers` must be a dict with `constraints`, `lower` "
            f"and `upper`, as in `res.multipliers`, got {type(multipliers).__name__}"
        ) from None
    sizes, expected = tuple(part.size for part in parts), (problem.m, problem.n, problem.n)
    if sizes != expected:
        raise OptionError(
            f"method 'sketched_newton': `multipliers` must have {expected} entries (constraints, "
            f"lower, upper), got {sizes}"
        )
    return parts
