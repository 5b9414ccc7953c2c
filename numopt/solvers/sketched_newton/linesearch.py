"""How far to go along a Newton step: the merit function, or the filter with corrections."""

from typing import Any, NamedTuple

import numpy as np

from numopt.linalg.kkt import SingularKKTError
from numopt.solvers.sketched_newton import merit

CORRECTIONS, CORRECTION_RATIO = 4, 0.99
MERIT_HALVINGS = 10
LONGEST_EXTENSION = 1e6  # of a step along which the barrier function is concave
EPS = float(np.finfo(float).eps)
TINY = 10 * EPS  # steps below this, relative to 1 + |w|, are at rounding level


class Trial(NamedTuple):
    """A point on the way: what the line search needs of it."""

    w: Any
    f: float
    C: Any
    theta: float
    phi: float

    @property
    def finite(self):
        """Whether f and C are."""
        return np.isfinite(self.phi) and np.isfinite(self.theta)


def trial_at(model, barrier, w, mu, f=None, C=None):
    """Return the `Trial` at w; unless f and C are given they are evaluated, and slacks improved."""
    if C is None:
        w, C = model.with_better_slacks(w, model.C(w))
    theta = float(np.abs(C).sum())
    f = model.f(w) if f is None else f
    return Trial(w, f, C, theta, float(f + barrier.value(w, mu)))


def relative_size(w, dw):
    """Return the largest change relative to 1 + |w|."""
    return float((np.abs(dw) / (1.0 + np.abs(w))).max()) if w.size else 0.0


def merit_search(model, s, W, newton):
    """Halve the step until the exact augmented Lagrangian decreases.

    Returns
    -------
    dict or None
        The new ``w, y, f, C, g, A, alpha``, or None if no step length does.
    """
    g_L = s.g + s.A.T @ s.y
    slope = merit.slope_parts(s.C, s.A, W, g_L, newton.dw, newton.dy)
    eta = merit.penalties(slope, s.C, g_L)
    if eta is None:
        return None
    start, descent = merit.value(s.f, s.C, g_L, s.y, *eta), slope.at(*eta)
    alpha = 1.0
    for _ in range(MERIT_HALVINGS):
        w, y = s.w + alpha * newton.dw, s.y + alpha * newton.dy
        f, C = model.f(w), model.C(w)
        if np.isfinite(f) and np.isfinite(C).all():
            g, A = model.g(w), model.A(w)
            value = merit.value(f, C, g + A.T @ y, y, *eta)
            if value <= start + merit.ARMIJO * alpha * descent + TINY * abs(start):
                return {"w": w, "y": y, "f": f, "C": C, "g": g, "A": A, "alpha": alpha}
        alpha *= 0.5
    return None


class FilterSearch(NamedTuple):
    """The filter line search along one Newton step.

    `g_phi` is the gradient of the barrier function, `tau` the fraction to the boundary.
    """

    model: Any
    barrier: Any
    s: Any
    newton: Any
    g_phi: Any
    tau: float

    def run(self):
        """Return (trial, alpha, filter) of the first acceptable trial point, or None."""
        s, dw = self.s, self.newton.dw
        current = trial_at(self.model, self.barrier, s.w, s.mu, s.f, s.C)
        slope, size = float(self.g_phi @ dw), relative_size(s.w, dw)
        alpha = longest = self.barrier.longest(s.w, dw, self.tau)
        if size < TINY:
            trial = self._trial(alpha, dw)
            return (trial, alpha, s.filter) if trial.finite else None
        shortest = max(s.filter.shortest(slope, current.theta), EPS / max(size, EPS))
        while alpha >= shortest:
            trial = self._trial(alpha, dw)
            kept = self._judged(trial, current, alpha, slope)
            if kept is not None:
                return self._extended(trial, alpha, kept, current, slope)
            if alpha == longest and trial.theta >= current.theta:
                corrected = self._corrected(trial, current, alpha, slope)
                if corrected is not None:
                    return corrected
            alpha *= 0.5
        return None

    def _trial(self, alpha, dw):
        return trial_at(self.model, self.barrier, self.s.w + alpha * dw, self.s.mu)

    def _judged(self, trial, current, alpha, slope):
        """Return the filter after acceptance of the trial point, or None if it is refused."""
        ok, by_armijo = self.s.filter.passes(trial[3:], current[3:], alpha, slope)
        if not ok or not self.model.differentiable(trial.w):
            return None
        return self.s.filter if by_armijo else self.s.filter.added(current.theta, current.phi)

    def _extended(self, trial, alpha, kept, current, slope):
        """Double a whole step along which phi is concave, for as long as phi falls.

        Such a step is as short as the shift of the Hessian happens to make it.
        """
        concave = current.phi - trial.phi > -alpha * slope > 0.0
        if self.model.m or not concave:
            return trial, alpha, kept
        while 1.0 <= alpha < LONGEST_EXTENSION:
            alpha *= 2.0
            if self.barrier.longest(self.s.w, alpha * self.newton.dw, self.tau) < 1.0:
                return trial, alpha / 2.0, kept
            longer = self._trial(alpha, self.newton.dw)
            found = self._judged(longer, current, alpha, slope) if longer.phi < trial.phi else None
            if found is None:
                return trial, alpha / 2.0, kept
            trial, kept = longer, found
        return trial, alpha, kept

    def _corrected(self, trial, current, alpha, slope):
        """Try second-order corrections: solve again for the violation that the full step left."""
        s, rows, theta = self.s, self.s.C, current.theta
        r_dual = self.g_phi + s.A.T @ s.y
        for _ in range(CORRECTIONS):
            if not np.isfinite(trial.theta):
                return None
            rows = alpha * rows + trial.C
            try:
                dw, _ = self.newton.system.solve(-r_dual, -rows)
            except SingularKKTError:
                return None
            alpha = self.barrier.longest(s.w, dw, self.tau)
            trial = self._trial(alpha, dw)
            kept = self._judged(trial, current, alpha, slope)
            if kept is not None:
                return trial, alpha, kept
            if trial.theta > CORRECTION_RATIO * theta:
                return None
            theta = trial.theta
        return None
