"""Whether particles come nearer to a consensus point that stands still."""

import warnings
from math import inf

import numpy as np

from numopt.core.errors import ConvergenceWarning
from numopt.solvers.cbo.noise import stable

DRAWS = 20_000
MANY = 32  # stable squares that are summed; more of them scale like k^(2 / tail)


def warn_if_expanding(solver, n):
    """Tell if the typical particle moves away from a fixed consensus point in n dimensions."""
    rate = spreading(solver, n)
    if rate >= 0.0:
        warnings.warn(
            f"method 'cbo': particles spread by a factor {np.exp(rate):.3g} a step; "
            "lower `sigma` or `dt`",
            ConvergenceWarning,
            stacklevel=6,
        )


def spreading(solver, n):
    """Return the mean logarithm of what a step makes of the distance |x - c|, for a fixed c.

    Truncated noise spreads near to c as if it were not truncated; the pull of the memory is a
    second move, to a place that is taken for c. Where no rate is known it is -inf: hopping and
    Adam have steps of a fixed size, covariance noise shrinks with the weights, whatever sigma is.
    """
    if solver.hopping or solver.noise == "covariance" or solver.update == "adam":
        return -inf
    d = 1 if solver.noise == "anisotropic" else n
    if solver.surface != "none":
        d = min(d, n - solver.columns * (solver.columns + 1) // 2)  # of the tangent space
    rate = _rate(solver, solver.lam, solver.sigma, max(d, 1))
    if solver.memory and (solver.memory_lam or solver.memory_noise):
        rate += _rate(solver, solver.memory_lam, solver.memory_noise, max(d, 1))
    return rate


def _rate(solver, lam, sigma, d):
    """Return E log |(1 - lam dt) e + sigma dt^(1 / tail) z| with a unit vector e of length d."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal(DRAWS) if solver.tail == 2 else stable(rng, DRAWS, solver.tail)
    size = np.float64(sigma) * solver.dt ** (1.0 / solver.tail)
    square = (1.0 - lam * solver.dt + size * z) ** 2
    if d > 1:
        square = square + size**2 * _rest(solver, rng, d - 1)
    with np.errstate(divide="ignore"):
        return float(0.5 * np.mean(np.log(square)))


def _rest(solver, rng, k):
    """Draw sums of k squares of the noise."""
    if solver.tail == 2:
        return rng.chisquare(k, DRAWS)
    some = sum(stable(rng, DRAWS, solver.tail) ** 2 for _ in range(min(k, MANY)))
    return some * max(k / MANY, 1.0) ** (2.0 / solver.tail)
