"""Backtracking with interpolation, kept inside fixed fractions of the last step."""

from math import inf, isfinite, sqrt

import numpy as np

SUFFICIENT = 1e-4  # of the decrease that the slope promises
SHRINK = 0.1, 0.5  # the next step lies between these fractions of the last one
MOST_TRIALS = 40
ROUNDING = 100 * float(np.finfo(np.float64).eps)


def backtrack(value, start, slope):
    """Return ``(step, value there)`` of the first trial with a sufficient decrease.

    Parameters
    ----------
    value : callable
        ``value(step) -> float``; a value that is not finite is refused.
    start, slope : float
        Value and slope at step 0; the slope is negative, or only an upper bound of the change.

    Returns
    -------
    tuple of float
        ``(0.0, start)`` where no trial was good enough.
    """
    step, last, noise = 1.0, None, ROUNDING * abs(start)
    for _ in range(MOST_TRIALS):
        found = value(step)
        if last is None and -slope <= noise and found <= start + noise:
            return step, found  # the last steps of Newton's method
        if found <= start + SUFFICIENT * step * slope and found < start:
            return step, found
        wanted = interpolated(start, slope, (step, found), last)
        last = step, found
        step = min(max(wanted, SHRINK[0] * step), SHRINK[1] * step)
    return 0.0, start


def interpolated(start, slope, now, last=None):
    """Return where the parabola through one trial, or the cubic through two, is lowest.

    Parameters
    ----------
    start, slope : float
        Value and slope at 0.
    now, last : tuple of float
        (step, value) of the trials.
    """
    step, found = now
    excess = found - start - slope * step
    if not isfinite(excess) or excess <= 0.0:
        return SHRINK[1] * step
    if last is None or not isfinite(last[1]):
        return -slope * step**2 / (2.0 * excess)
    return _lowest_of_cubic(slope, (step, excess), (last[0], last[1] - start - slope * last[0]))


def _lowest_of_cubic(slope, now, last):
    """Minimise a t^3 + b t^2 + slope t through two points whose excess over the line is given."""
    (t, e), (s, d) = now, last
    a = (e / t**2 - d / s**2) / (t - s)
    b = (t * d / s**2 - s * e / t**2) / (t - s)
    if a == 0.0:
        return -slope / (2.0 * b) if b > 0.0 else inf
    inner = b * b - 3.0 * a * slope
    return (sqrt(inner) - b) / (3.0 * a) if inner >= 0.0 else inf
