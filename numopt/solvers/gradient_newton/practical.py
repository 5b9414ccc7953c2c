"""The practical method: one factorisation an iteration, any symmetric H, gamma from what was seen.

    gamma = gamma0
    repeat until |g|_* <= tol                                     g = grad f(x), H = H(x)
        factorise H once for all shifts;  w = max(0, -smallest eigenvalue of H)
        repeat
            lam = |g|_* / gamma + w
            h = -(H + lam B)^-1 g                                 then |h| <= gamma
            rho = (f(x) - f(x + h)) / -(g'h + h'Hh/2)
            accept if rho >= 1/10, or  f(x) - f(x + h) >= |grad f(x + h)|_*^2 / (8 lam)
            gamma = (1/2) / (1 - rho) gamma, a factor between 1/2 and 2; no growth after a failure
        x = x + h

The second test is the paper's. Alone it refuses good steps that leave a large gradient behind: on a
quartic function each Newton step, for which lam is small. As the relative error 1 - rho of the
model is about proportional to the length of the step, the rule for gamma aims at an error of 1/2.

For sparse matrices and products w is zero until H + lam B proves indefinite, then a Ritz value, and
doubled where that does not suffice; this costs factorisations or products, but no evaluation. Once
the decrease drowns in rounding, the gradient must decrease instead.
"""

from typing import NamedTuple

import numpy as np

from numopt.core.errors import Status, Stop
from numopt.linalg.factor import Analyses
from numopt.linalg.shifted import NotPositiveError, shifted

TRIALS = 60
ENOUGH = 0.1  # smallest rho of an accepted step
AIM = 0.5  # at this 1 - rho
LARGEST_FACTOR = 2.0  # of gamma, up or down
UNDEFINED_CUT = 0.1  # of |h| where f is not finite
PURE_NEWTON = 1e12  # gamma beyond which lam = w
LARGEST_EXCESS = 2.0  # of |h| over gamma, where w is an estimate
ROUNDING = 1e-10  # decrease of f relative to 1 + |f| below which gradients judge


class Trial(NamedTuple):
    """A step and the parameters that it comes from."""

    h: np.ndarray  # where the metric is Euclidean, (n,)
    lam: float
    gamma: float
    length: float  # |h|


def step(problem, s, H, moved):
    """Return the next state; the arguments are those of `paper.step`."""
    g = s.metric.dual(s.g)
    family = shifted(H, g, problem.memo.setdefault("analyses", Analyses()))
    gamma = s.gamma
    for count in range(1, TRIALS + 1):
        trial = _trial(family, H, g, gamma)
        x = s.x + s.metric.primal(trial.h)
        if (x == s.x).all():
            break
        f, g_new, rho = _judged(problem, s, x, trial, g)
        gamma = _adapted(trial, rho, grow=count == 1 and g_new is not None)
        if g_new is not None:
            return moved(x, f, g_new, gamma, trial.lam, count, family.factorisations)
    raise Stop(Status.SMALL_STEP, f"no step accepted, the last one of length {trial.length:.1e}")


def _trial(family, H, g, gamma):
    """Return the step for gamma; for a smaller one where gamma is infinite and H indefinite."""
    size = float(np.linalg.norm(g))
    ridge = size / gamma if gamma <= PURE_NEWTON else 0.0
    for _ in range(TRIALS):
        lam = max(0.0, -family.smallest) + ridge
        try:
            h = family.solve(lam, g)
            length = float(np.linalg.norm(h))
            if length <= LARGEST_EXCESS * gamma:
                return Trial(h, lam, gamma, length)
        except NotPositiveError:
            pass
        family.lower(g)
        gamma = gamma if np.isfinite(gamma) else _cauchy_length(H, g)
        ridge = size / gamma
    raise Stop(Status.BREAKDOWN, "no shift makes the Hessian positive definite")


def _cauchy_length(H, g):
    """Return the length of the step along -g that curvature of the size |Hg| / |g| suggests."""
    curvature = np.linalg.norm(H @ g)
    return float(g @ g / curvature) if curvature > 0.0 else 1.0


def _judged(problem, s, x, trial, g):
    """Return f and rho at x, and the gradient if the step is accepted, else None."""
    f = problem.fun(x)
    expected = 0.5 * (trial.lam * trial.length**2 - g @ trial.h)
    if max(expected, abs(s.f - f)) <= ROUNDING * (1.0 + abs(s.f)):
        g_new = problem.grad(x)
        better = np.linalg.norm(s.metric.dual(g_new)) < np.linalg.norm(g)
        return f, g_new if better else None, 1.0 if better else 0.0
    rho = float((s.f - f) / expected)
    if not f < s.f:
        return f, None, rho
    g_new = problem.grad(x)
    after = s.metric.dual(g_new)
    good = rho >= ENOUGH or 8.0 * trial.lam * (s.f - f) >= after @ after
    return f, g_new if good else None, rho


def _adapted(trial, rho, grow):
    """Return gamma for the next trial."""
    if not np.isfinite(rho):
        return UNDEFINED_CUT * trial.length
    factor = AIM / max(1.0 - rho, AIM / LARGEST_FACTOR)
    if factor >= 1.0:
        return factor * trial.gamma if grow else trial.gamma
    # Where H dominates lam, gamma above |h| hardly acts on the step.
    return max(factor, 1.0 / LARGEST_FACTOR) * min(trial.gamma, 2.0 * trial.length)
