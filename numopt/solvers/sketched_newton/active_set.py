"""Sequential quadratic programming: Newton on the active sides that a quadratic program finds.

    minimise f(x)   subject to   lower <= c(x) <= upper,   lb <= x <= ub

    repeat
        (d, y, z, W) = solution of the quadratic program within the radius       (`subproblem`)
        if the filter refuses x + d:
            d = the same with the curvature of the rows along d made up for
        if the filter accepts x + d:   x = x + d;   twice the radius if it was in the way
        else:                          half of the step is the new radius

As soon as W is the right working set, this is Newton's method on the KKT conditions. It gives up,
and the interior method takes over, if the radius vanishes, the KKT error does not go down, or it
arrives at a stationary point that is no minimum.

R. Fletcher, S. Leyffer, Nonlinear programming without a penalty function, Math. Program. 91, 2002.
"""

from typing import Any, NamedTuple

import numpy as np

from numopt.linalg.convexify import indefinite
from numopt.solvers.sketched_newton.filter import Filter
from numopt.solvers.sketched_newton.interior import barrier_error
from numopt.solvers.sketched_newton.subproblem import LARGEST_CAP, Subproblem, all_sides, dense

FIRST_RADIUS, SMALLEST_RADIUS = 10.0, 1e-9
GOOD_MODEL = 0.75  # part of the predicted decrease that lets the radius grow
NEARLY_FEASIBLE = 1e-4  # a violation below this does not keep the radius from growing
SLACK = 1e-12  # relative rounding errors of f
ROUNDS = 3  # quadratic programs at one point, while multipliers or working set are unknown
PATIENCE, PROGRESS = 20, 0.5  # steps in which the KKT error must fall by this factor


class GivenUp(Exception):  # noqa: N818 - a signal
    """The active-set method does not get on; its text says why."""


class State(NamedTuple):
    """One iterate of the active-set method, with everything evaluated there."""

    w: Any  # free variables, and slacks as close to their rows as their bounds allow, (n,)
    y: Any  # multipliers of the rows, (m,)
    z_lower: Any  # multipliers of the bounds, (n,)
    z_upper: Any  # (n,)
    f: float
    C: Any  # (m,)
    g: Any  # (n,)
    A: Any  # (m, n)
    filter: Filter
    strategy: Any  # quasi-Newton approximation of the Hessian of f + y'C, or None
    working: Any  # int, (m + n_x,): sides of rows and variables that were met, +1 or -1, else 0
    start: Any  # w at the start, for the method that takes over
    radius: float = FIRST_RADIUS
    known: bool = False  # whether y is more than a guess
    error: float = np.inf  # smallest KKT error so far
    stalled: int = 0  # steps since it has fallen
    alpha: float = 0.0
    mu: float = 0.0
    delta_w: float = 0.0
    violation: Any = None


class Trial(NamedTuple):
    """A point at the end of a step."""

    w: Any
    f: float
    C: Any
    theta: float


def first_state(model, barrier, w, multipliers=None):
    """Return the state at w; `multipliers` (y, z_lower, z_upper) of this form if they are known."""
    w, C = model.with_best_slacks(w, model.C(w))
    f, g, A = model.f(w), model.g(w), model.A(w)
    y, z_lower, z_upper = multipliers or (np.zeros(model.m), *barrier.start_multipliers())
    around, strategy = Filter.around(np.abs(C).sum()), model.new_strategy()
    working = np.zeros(model.m + model.n_x, int)
    s = State(w, y, z_lower, z_upper, f, C, g, A, around, strategy, working, start=w)
    return s if multipliers is None else s._replace(working=_held(model, s), known=True)


def advance(model, barrier, s, tol):
    """Return the next state; a stationary point is one where the KKT error is at most `tol`.

    Raises
    ------
    GivenUp
        See the module.
    """
    qp, step = _first_step(model, s)
    radius = s.radius
    while step is not None:
        found = _accepted(model, s, qp, step, radius)
        if found is not None:
            new = _moved(model, s, radius, *found)
            return _watched(model, barrier, s, new, tol, not qp.convex.changed)
        radius = 0.5 * min(radius, step.length)
        if radius < SMALLEST_RADIUS:
            raise GivenUp("its steps became too short")
        step = qp.solve(radius, step.working)
    raise GivenUp("a quadratic program could not be solved")


def _watched(model, barrier, s, new, tol, convex):
    """Return the new state with its progress noted; `convex` if H was so at the old one."""
    error = barrier_error(new, barrier, 0.0)
    if error <= tol and not convex and new.strategy is None and _saddle(model, new):
        raise GivenUp("it found a stationary point that is no minimum")
    stalled = 0 if error <= PROGRESS * s.error else s.stalled + 1
    if stalled > PATIENCE:
        raise GivenUp("its steps made too little progress")
    return new._replace(error=min(error, s.error), stalled=stalled)


def _saddle(model, s):
    """Return whether the Hessian has negative curvature along the sides that are held."""
    A = np.concatenate([dense(s.A, model.n_x), np.eye(model.n_x)])
    return indefinite(_hessian(model, s, s.y), A[_held(model, s) != 0])


def _held(model, s):
    """Return +1 or -1 for the rows and variables whose multiplier exceeds their distance to it.

    That identifies the active sides near a solution (Facchinei, Fischer and Kanzow 1998).
    """
    lower, upper = all_sides(model, s.w, s.C)
    pull = np.concatenate([s.y, (s.z_upper - s.z_lower)[: model.n_x]])
    side = (pull > upper).astype(int) - (pull < lower)
    return np.where(lower == upper, 1, side)


def _hessian(model, s, y):
    H = model.H(s.w, y) if s.strategy is None else model.approximation(s.strategy)
    H = dense(H, model.n_x)[: model.n_x]
    if not np.isfinite(H).all():
        raise GivenUp("the Hessian was not finite")
    return H


def _first_step(model, s):
    """Return the quadratic program at s and its solution.

    It is solved again with another Hessian while the working set changes for which that was
    convexified, and at the very first point, where y is not known before: it costs no evaluation
    of f or c.
    """
    y, working, known = s.y, s.working, s.known or not model.m
    for _ in range(ROUNDS):
        qp = Subproblem(model, s, _hessian(model, s, y), working)
        step = qp.solve(s.radius, working)
        if step is None:
            break
        settled = not qp.convex.changed or np.array_equal(step.working, working)
        if settled and known:
            break
        y, working = s.y if known else step.y, step.working
    return qp, step


# -- acceptance --------------------------------------------------------------------------------


def _accepted(model, s, qp, step, radius):
    """Return (step, trial, filter) for the step or a corrected one, or None if both are refused."""
    theta = float(np.abs(s.C).sum())
    trial = _trial_at(model, s.w, step.d)
    kept = _judged(model, s, theta, step, trial)
    if kept is None and 0.0 < trial.theta < np.inf:
        corrected = qp.solve(radius, step.working, _bend(s, trial))
        if corrected is None:
            return None
        step = step._replace(d=corrected.d, working=corrected.working)
        trial = _trial_at(model, s.w, step.d)
        kept = _judged(model, s, theta, step, trial)
    return None if kept is None else (step, trial, kept)


def _judged(model, s, theta, step, trial):
    """Return the filter after acceptance of the trial point, or None if it is refused."""
    if trial.f - s.f > LARGEST_CAP * theta + SLACK * abs(s.f):
        return None  # not even for a point that meets all rows
    current = theta, s.f
    ok, by_armijo = s.filter.passes((trial.theta, trial.f), current, 1.0, step.change)
    if not ok or not model.differentiable(trial.w):
        return None
    return s.filter if by_armijo else s.filter.added(*current)


def _trial_at(model, w, d):
    n = d.size
    w = w.copy()
    w[:n] = np.clip(w[:n] + d, model.lower[:n], model.upper[:n])
    w, C = model.with_best_slacks(w, model.C(w))
    theta = float(np.abs(C).sum())
    return Trial(w, model.f(w) if np.isfinite(theta) else np.inf, C, theta)


def _bend(s, trial):
    """Return by how much the sides of the rows must move to make up for their curvature."""
    return s.A @ (trial.w - s.w) - (trial.C - s.C)


def _moved(model, s, radius, step, trial, kept):
    """Return the state at an accepted trial point."""
    w, n = trial.w, model.n_x
    g, A = model.g(w), model.A(w)
    pull = np.concatenate([step.z, -(A.T @ step.y)[n:]])
    new = s._replace(
        w=w, y=step.y, z_lower=np.maximum(-pull, 0.0), z_upper=np.maximum(pull, 0.0), f=trial.f,
        C=trial.C, g=g, A=A, filter=kept, working=step.working, alpha=1.0, known=True,
        radius=2.0 * radius if _confined(s, radius, step, trial) else radius,
    )  # fmt: skip
    if s.strategy is None:
        return new
    return new._replace(strategy=model.updated(s.strategy, s, new))


def _confined(s, radius, step, trial):
    """Return whether a larger radius would have been better."""
    good = s.f - trial.f >= -GOOD_MODEL * step.change
    feasible = trial.theta <= max(NEARLY_FEASIBLE, float(np.abs(s.C).sum()))
    return step.length >= 0.9 * radius and good and feasible
