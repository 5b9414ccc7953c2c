"""How far to go along a Newton step: the merit function, or the filter with corrections."""

from typing import Any, NamedTuple

import numpy as np

from numopt.linalg.kkt import SingularKKTError
from numopt.solvers.sketched_newton import merit

CORRECTIONS, CORRECTION_RATIO = 4, 0.99
LONGEST_EXTENSION = 1e6  # of a step along which the barrier function is concave
LONGEST_CORRECTION = 1.2  # relative to the step: longer ones did not help
MERIT_TRIALS = 10
CRAWL = 3  # short steps after which the filter search begins near the latest step length
GROWTH = 16.0  # at this multiple of it
EXPLOSION = 10.0  # by which a trial point may increase the KKT residual
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


class MeritSearch:
    """The line search of the exact augmented Lagrangian along one Newton step.

    A trial point is accepted if the merit function decreases, or if the filter has nothing against
    it and the KKT residual does not explode; after a long step to a singular solution, compared
    with the point that the long step left.
    """

    def __init__(self, model, s, W, newton):
        self.model, self.s, self.newton = model, s, newton
        self.g_L = s.g + s.A.T @ s.y
        self.theta = float(np.abs(s.C).sum())
        before = s.pace.departure or s
        self.reference = max(self.theta, float(np.abs(before.C).sum())), before.f
        residuals = _residual(self.g_L, s.C), _residual(before.g + before.A.T @ before.y, before.C)
        self.largest = EXPLOSION * max(residuals)
        slope = merit.slope_parts(s.C, s.A, W, self.g_L, newton.dw, newton.dy)
        eta = merit.penalties(slope, s.C, self.g_L)
        self.descends, self.eta = eta is not None, eta or (0.0, 0.0)
        self.start = merit.value(s.f, s.C, self.g_L, s.y, *self.eta)
        self.slope = slope.at(*self.eta)

    def run(self):
        """Return what is new at the first acceptable trial point, or None.

        Returns
        -------
        dict or None
            The new ``w, y, f, C, g, A, alpha, filter``.
        """
        if not self.descends:
            return None
        alpha = 1.0
        for _ in range(MERIT_TRIALS):
            found, value, C = self._trial(self.newton.dw, self.newton.dy, alpha)
            if found is None and alpha == 1.0:
                found = self._corrected(C)
            if found is not None:
                return found
            alpha *= 0.5 if alpha == 1.0 else self._shortening(alpha, value)
        return None

    def _trial(self, dw, dy, alpha):
        """Return (what is new there or None, merit function, C) at a trial point."""
        model, w, y = self.model, self.s.w + alpha * dw, self.s.y + alpha * dy
        f, C = model.f(w), model.C(w)
        if not (np.isfinite(f) and np.isfinite(C).all()):
            return None, np.inf, C
        g, A = model.g(w), model.A(w)
        g_L = g + A.T @ y
        value = merit.value(f, C, g_L, y, *self.eta)
        kept = self._judged(f, C, g_L, value, alpha)
        if kept is None:
            return None, value, C
        found = {"w": w, "y": y, "f": f, "C": C, "g": g, "A": A, "alpha": alpha, "filter": kept}
        return found, value, C

    def _judged(self, f, C, g_L, value, alpha):
        """Return the filter after acceptance of a trial point, or None if it is refused."""
        theta, slope = float(np.abs(C).sum()), float(self.s.g @ self.newton.dw)
        ok, by_armijo = self.s.filter.passes((theta, f), self.reference, alpha, slope)
        ok = ok and _residual(g_L, C) <= self.largest
        enough = merit.ARMIJO * alpha * self.slope + TINY * abs(self.start)
        if not (ok or value <= self.start + enough):
            return None
        return self.s.filter if ok and by_armijo else self.s.filter.added(*self.reference)

    def _corrected(self, C):
        """Try the whole step with a second-order correction, if its violation C asks for one."""
        if not np.abs(C).sum() >= self.theta > 0.0:
            return None
        try:
            dw, dy = self.newton.system.solve(-self.g_L, -(self.s.C + C))
        except SingularKKTError:
            return None
        longest = LONGEST_CORRECTION * np.linalg.norm(self.newton.dw)
        if not np.linalg.norm(dw - self.newton.dw) <= longest:
            return None
        return self._trial(dw, dy, 1.0)[0]

    def _shortening(self, alpha, value):
        """Return the factor to the least point of the parabola through start, slope and value."""
        rise = value - self.start - alpha * self.slope
        if not (np.isfinite(rise) and rise > 0.0):
            return 0.5
        return float(np.clip(-0.5 * alpha * self.slope / rise, 0.1, 0.5))


def _residual(g_L, C):
    return max(np.abs(g_L).max(initial=0.0), np.abs(C).max(initial=0.0))


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
        if s.crawling >= CRAWL:
            alpha = min(longest, max(shortest, GROWTH * s.alpha))
        while alpha >= shortest:
            trial = self._trial(alpha, dw)
            kept = self._judged(trial, current, alpha, slope)
            if kept is not None:
                return self._extended(trial, alpha, kept, current, slope)
            if self.model.m and alpha == longest and trial.theta >= current.theta:
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
