"""Longer steps where Newton's method converges linearly because the solution is singular.

At a multiple root the steps d settle in one direction and shrink by a constant factor q, 1/2 for a
double and 2/3 for a triple root, so that the limit lies 1/(1 - q) steps ahead:

    q = d_last'd / d_last'd_last
    if d and d_last point the same way and q is well inside (0, 1):
        try d/(1 - q), and once more without the violation that its length causes
        take it if the KKT error falls at least as much as it did in the latest iteration, or to
        a tenth; never if it rises

See Griewank, On solving nonlinear equations with simple singularities or nearly singular
solutions, SIAM Review 27, 1985.
"""

from typing import Any, NamedTuple

import numpy as np

from numopt.linalg.kkt import SingularKKTError

SLOWEST, FASTEST = 0.95, 0.4  # the factors that are taken for linear convergence
SAME_WAY = 0.99  # cosine between two steps
PROGRESS = 0.1  # a long step that reduces the error to this is always taken


class Pace(NamedTuple):
    """What is remembered of the latest iteration."""

    dw: Any = None  # its step, if that was a whole Newton step
    error: float = np.inf  # the KKT error before it
    misses: int = 0  # long steps refused since the last one that was taken
    rest: int = 0  # iterations until the next attempt
    departure: Any = None  # the state before it, if it was a long step

    def factor(self, newton):
        """Return 1/(1 - q), or None if the steps do not look like those to a singular solution."""
        if self.dw is None or self.rest:
            return None
        dot, length = float(self.dw @ newton.dw), float(self.dw @ self.dw)
        same_way = dot >= SAME_WAY * np.sqrt(length * (newton.dw @ newton.dw)) > 0.0
        if not (same_way and FASTEST < dot / length < SLOWEST):
            return None
        return 1.0 / (1.0 - dot / length)

    def after(self, dw, error):
        """Return the pace after one more iteration; `dw` is None if it was not a whole step."""
        return Pace(dw, error, self.misses, max(0, self.rest - 1))

    def missed(self):
        """Return the pace after a refused attempt: the pauses double."""
        return self._replace(misses=self.misses + 1, rest=2 ** (self.misses + 1))


def long_step(model, s, newton, factor, error, before):
    """Return the state after `factor` times the Newton step, or None if that is too bad.

    Parameters
    ----------
    model, s
        As for `numopt.solvers.sketched_newton.interior.advance`, without bounds.
    newton : Newton
        The step at `s`.
    factor : float
        From `Pace.factor`.
    error : callable
        ``error(state) ->`` KKT error.
    before : float
        Its value at `s`.
    """
    enough = max(PROGRESS, min(1.0, before / s.pace.error)) * before
    dw, dy = factor * newton.dw, factor * newton.dy
    for _ in range(2):
        new = _at(model, s, s.w + dw, s.y + dy, factor)
        if new is None:
            return None
        if error(new) <= enough:
            return new._replace(pace=Pace(departure=s._replace(pace=Pace())))
        if 2.0 * np.abs(new.C).max(initial=0.0) < error(new):
            return None
        try:
            dw = dw + newton.system.solve(np.zeros(dw.size), -new.C)[0]
        except SingularKKTError:
            return None
    return None


def _at(model, s, w, y, alpha):
    """Return the state at (w, y), or None if a function is undefined there."""
    f, C = model.f(w), model.C(w)
    if not (np.isfinite(f) and np.isfinite(C).all() and model.differentiable(w)):
        return None
    return s._replace(w=w, y=y, f=f, C=C, g=model.g(w), A=model.A(w), alpha=alpha)
