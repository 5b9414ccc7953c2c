"""The practical method: Newton on the barrier KKT system, safeguarded.

    minimise f(w)   subject to   C(w) = 0,   lower <= w <= upper

    repeat
        if a step on the active sides that the multipliers point to cuts the KKT error to a tenth:
            take it                                                          (`finish`)
        while the barrier problem is solved to 10 mu:  decrease mu
        (dw, dy) = Newton step for  grad f + A'y - mu/(w - lower) + mu/(upper - w) = 0,  C = 0
        alpha = longest step length within the bounds, then
            no bounds:  shorten until the exact augmented Lagrangian decreases or the filter
                accepts; where the steps shrink linearly try a much longer one first  (`singular`)
            bounds, or after the merit function has stalled:  halve until the filter accepts
            both with second-order corrections of the first trial; without rows, double a whole step
                along which the barrier function is concave
            after twelve short steps:  the whole step, unless the error explodes
        if no step length is acceptable:  restore feasibility                (`restoration`)
        w, y, z = w + alpha dw, y + alpha dy, z + alpha_z dz

The barrier, the filter and their constants are those of Waechter and Biegler, On the
implementation of an interior-point filter line-search algorithm, Math. Program. 106 (2006); the
merit function is that of Hong, Na, Mahoney and Kolar, ICML 2023.
"""

from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from numopt.core.errors import Status, Stop
from numopt.linalg.iterative import SymmetricProducts
from numopt.linalg.shifted import LowRank
from numopt.models.kkt import rounding_of_gradient, transposed_product
from numopt.solvers.sketched_newton.barrier import longest_positive
from numopt.solvers.sketched_newton.filter import Filter
from numopt.solvers.sketched_newton.finish import finishing_step
from numopt.solvers.sketched_newton.linesearch import (
    TINY,
    FilterSearch,
    MeritSearch,
    relative_size,
    trial_at,
)
from numopt.solvers.sketched_newton.newton import (
    RestorationNeeded,
    least_squares_multipliers,
    newton_step,
)
from numopt.solvers.sketched_newton.singular import Pace, long_step

MU_FACTOR, MU_POWER, BARRIER_TOL = 0.2, 1.5, 10.0
TO_BOUNDARY = 0.99  # tau_min: largest fraction of the way to a bound
LARGE_MULTIPLIER = 1e3  # least-squares multipliers above this are not used
SCALE_MULTIPLIER = 100.0  # s_max
SHORT_STEP = 0.1  # of the merit function; after two of them the filter takes over
PATIENCE = 12  # short steps in a row after which a whole step is tried
LEAP = 1e3  # by which it may increase the error
LESS_ERROR = 0.99  # a step that the filter refuses must reduce the KKT error by this factor
RADIUS_CHANGE = 10.0  # largest factor by which gamma changes in one step
FAR_BELOW = -1e12  # an objective that has fallen this far when the steps vanish has no bound


class State(NamedTuple):
    """One iterate of the interior method, with everything evaluated there."""

    w: Any  # free variables and slacks, (n,)
    y: Any  # multipliers of the rows, (m,)
    z_lower: Any  # multipliers of the bounds, (n,)
    z_upper: Any  # (n,)
    mu: float
    f: float
    C: Any  # (m,)
    g: Any  # (n,)
    A: Any  # (m, n)
    filter: Filter
    strategy: Any  # quasi-Newton approximation of the Hessian of f + y'C, or None
    delta_w: float = 0.0  # latest shift that was needed
    short: int = 0  # consecutive short steps of the merit function; -1: the filter has taken over
    tiny: int = 0  # consecutive steps at rounding level
    alpha: float = 0.0
    crawling: int = 0  # consecutive short steps
    violation: Any = None  # its multipliers, where the violation seems to be stationary
    renewed: bool = False  # the multipliers were computed afresh because no step was possible
    restorations: int = 0  # how often feasibility had to be restored
    gamma: float | None = None  # radius in which W predicts gradients; None: no gradient shift
    pace: Pace = Pace()  # of the latest steps, without bounds
    retreat: Any = None  # while on an active set: the interior state to go back to


def first_state(model, barrier, w, mu):
    """Return the state at the interior point w."""
    f, C, g, A = model.f(w), model.C(w), model.g(w), model.A(w)
    z_lower, z_upper = barrier.start_multipliers() if model.free else 2 * (np.zeros(model.n),)
    y = np.zeros(model.m)
    if model.m and model.free:
        inexact = bool(model.products)
        y = least_squares_multipliers(A, g - z_lower + z_upper, inexact, model.analyses)
        if not np.isfinite(y).all() or np.abs(y).max() > LARGE_MULTIPLIER:
            y = np.zeros(model.m)
    short = -1 if barrier.any or not model.m else 0
    around = Filter.around(np.abs(C).sum())
    strategy = model.new_strategy()
    return State(w, y, z_lower, z_upper, mu, f, C, g, A, around, strategy, short=short)


def barrier_error(s, barrier, mu):
    """Return the scaled error of the barrier problem, E_mu."""
    z_sum = float((s.z_lower + s.z_upper).sum())
    mean = (float(np.abs(s.y).sum()) + z_sum) / max(1, s.y.size + barrier.sides)
    scale_dual = max(1.0, mean / SCALE_MULTIPLIER)
    scale_gap = max(1.0, z_sum / max(1, barrier.sides) / SCALE_MULTIPLIER)
    dual = np.abs(s.g + s.A.T @ s.y - s.z_lower + s.z_upper).max(initial=0.0)
    gap = barrier.complementarity(s.w, s.z_lower, s.z_upper, mu)
    return max(dual / scale_dual, np.abs(s.C).max(initial=0.0), gap / scale_gap)


def decreased_mu(s, barrier, smallest):
    """Return the state with mu decreased as far as its error allows, and a new filter."""
    while barrier.any and s.mu > smallest:
        if barrier_error(s, barrier, s.mu) > BARRIER_TOL * s.mu and s.tiny < 2:
            break
        mu = max(smallest, min(MU_FACTOR * s.mu, s.mu**MU_POWER))
        s = s._replace(mu=mu, filter=s.filter.emptied(), tiny=0)
    return s


def advance(model, barrier, s, smallest_mu):
    """Return the next state.

    Raises
    ------
    RestorationNeeded
        If no usable step exists, the line search fails, or steps are at rounding level.
    Stop
        With UNBOUNDED or NONFINITE.
    """
    if barrier.any and model.finishes:
        found = _on_active_set(model, barrier, s)
        if found is not None:
            return found
        s = s if s.retreat is None else s.retreat
    s = decreased_mu(s, barrier, smallest_mu)
    if s.tiny >= 2:
        raise Stop(Status.UNBOUNDED) if s.f < FAR_BELOW else RestorationNeeded
    W = model.H(s.w, s.y) if s.strategy is None else model.approximation(s.strategy)
    if not _finite(W):
        raise Stop(Status.NONFINITE, "the Hessian")
    curvature = barrier.curvature(s.w, s.z_lower, s.z_upper)
    g_phi = s.g + barrier.gradient(s.w, s.mu)
    r_dual = g_phi + s.A.T @ s.y
    ridge = 0.0 if s.gamma is None else float(np.linalg.norm(r_dual)) / s.gamma
    newton = newton_step(W, s.A, curvature, r_dual, s.C, s.delta_w, s.mu, ridge, model.analyses)
    if barrier.any:
        return _filter_step(model, barrier, s, newton, g_phi)
    return _step_without_bounds(model, barrier, s, W, newton)


def _step_without_bounds(model, barrier, s, W, newton):
    def error(state):
        return barrier_error(state, barrier, 0.0)

    before, factor = error(s), s.pace.factor(newton)
    if factor is not None:
        new = long_step(model, s, newton, factor, error, before)
        if new is not None:
            return _finished(model, s, new, newton, -1)
        s = s._replace(pace=s.pace.missed())
    new = _merit_step(model, s, W, newton) if s.short in (0, 1) else None
    if new is None:
        new = _filter_step(model, barrier, s._replace(short=-1), newton, s.g)
    whole_step = newton.dw if new.alpha == 1.0 else None
    return new._replace(pace=s.pace.after(whole_step, before))


def _merit_step(model, s, W, newton):
    found = MeritSearch(model, s, W, newton).run()
    if found is None:
        return None
    return _finished(model, s, s._replace(**found), newton, s.short + 1)


def _on_active_set(model, barrier, s):
    found = finishing_step(model, barrier, s, lambda state: barrier_error(state, barrier, 0.0))
    if found is None:
        return None
    return found._replace(retreat=s if s.retreat is None else s.retreat)


def _filter_step(model, barrier, s, newton, g_phi):
    tau = max(TO_BOUNDARY, 1.0 - s.mu)
    if s.crawling >= PATIENCE:
        leap = _leap(model, barrier, s, newton, tau)
        if leap is not None:
            return leap
    found = FilterSearch(model, barrier, s, newton, g_phi, tau).run()
    if found is not None:
        return _moved(model, barrier, s, newton, tau, *found)
    # Where f and C are at rounding level only the KKT error can still tell progress.
    here = trial_at(model, barrier, s.w, s.mu, s.f, s.C)
    alpha = barrier.longest(s.w, newton.dw, tau)
    trial = trial_at(model, barrier, s.w + alpha * newton.dw, s.mu)
    if trial.finite and model.differentiable(trial.w):
        kept = s.filter.added(here.theta, here.phi)
        new = _moved(model, barrier, s, newton, tau, trial, alpha, kept)
        if barrier_error(new, barrier, s.mu) <= LESS_ERROR * barrier_error(s, barrier, s.mu):
            return new
    raise RestorationNeeded


def _leap(model, barrier, s, newton, tau):
    """Return the state after the whole step, whatever the filter says, or None if that is bad."""
    alpha = barrier.longest(s.w, newton.dw, tau)
    trial = trial_at(model, barrier, s.w + alpha * newton.dw, s.mu)
    if not (trial.finite and model.differentiable(trial.w)):
        return None
    new = _moved(model, barrier, s, newton, tau, trial, alpha, s.filter.emptied())
    worse = barrier_error(new, barrier, s.mu) > LEAP * barrier_error(s, barrier, s.mu)
    return None if worse else new._replace(crawling=0)


def _moved(model, barrier, s, newton, tau, trial, alpha, kept):
    """Return the state at an accepted trial point."""
    w = trial.w
    dz_lower, dz_upper = barrier.multiplier_steps(s.w, newton.dw, s.z_lower, s.z_upper, s.mu)
    alpha_z = min(
        longest_positive(s.z_lower, dz_lower, tau), longest_positive(s.z_upper, dz_upper, tau)
    )
    z_lower, z_upper = barrier.centred(
        w, s.z_lower + alpha_z * dz_lower, s.z_upper + alpha_z * dz_upper, s.mu
    )
    new = s._replace(
        w=w, y=s.y + alpha * newton.dy, z_lower=z_lower, z_upper=z_upper, f=trial.f, C=trial.C,
        g=model.g(w), A=model.A(w), filter=kept, alpha=alpha,
    )  # fmt: skip
    return _finished(model, s, new, newton, -1)


def _finished(model, s, new, newton, short):
    """Return the accepted state with its bookkeeping done."""
    tiny = new.alpha * relative_size(s.w, newton.dw) < TINY
    return new._replace(
        strategy=model.updated(s.strategy, s, new) if s.strategy is not None else None,
        delta_w=newton.delta_w or s.delta_w,
        short=short if new.alpha < SHORT_STEP else min(s.short, 0),
        tiny=s.tiny + 1 if tiny else 0,
        crawling=s.crawling + 1 if new.alpha < SHORT_STEP else 0,
        gamma=None if s.gamma is None else _adapted(s, new, newton),
    )


def _adapted(s, new, newton):
    """Return the radius in which the model of the gradient of f + y'C is as good as it was here."""
    step = new.w - s.w
    before, after = s.g + s.A.T @ new.y, new.g + new.A.T @ new.y
    error = np.linalg.norm(after - before - newton.system.H @ step)
    size = max(np.linalg.norm(r.g + r.A.T @ r.y - r.z_lower + r.z_upper) for r in (s, new))
    gamma = float(size * np.linalg.norm(step)) / max(error, np.finfo(float).tiny)
    return float(np.clip(gamma, s.gamma / RADIUS_CHANGE, RADIUS_CHANGE * s.gamma))


def within_rounding(form, s):
    """Return whether the last bits of x change grad L by more than its size."""
    problem, x, y = form.problem, form.full(s.w), form.row_multipliers(s.y)
    if problem.hess_kind == "quasi-newton" or problem.only_products:
        return False
    z = form.bound_multipliers(s.z_upper) - form.bound_multipliers(s.z_lower)
    lagrange = problem.grad(x) + transposed_product(problem.jac(x), y) + z
    return bool((np.abs(lagrange) <= rounding_of_gradient(problem, x, y)).all())


def _finite(W):
    if isinstance(W, SymmetricProducts):
        return W.finite
    if isinstance(W, LowRank):
        return True  # pairs that are not finite are refused
    values = W if isinstance(W, np.ndarray) else W.data
    return isfinite(values.sum()) or bool(np.isfinite(values).all())
