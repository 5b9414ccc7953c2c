"""What users give for transport: masses, regularisation, weights of relaxed marginals."""

import warnings

import numpy as np

from numopt.core.errors import ProblemError
from numopt.models.inputs import real_vector

BALANCED = 1e-8  # relative difference of the two masses that passes for rounding


def inverse_temperature(reg, eta):
    """Return eta from the one of the two that is given."""
    if (reg is None) == (eta is None):
        raise ProblemError("give either `reg` or `eta`, which is 1 / reg")
    name, value = ("reg", reg) if eta is None else ("eta", eta)
    if not 0 < value < np.inf:
        raise ProblemError(f"`{name}` must be positive and finite, got {value!r}")
    return float(value) if eta is not None else 1.0 / float(value)


def one_for_each(masses, size):
    """Return `masses` of each problem of a batch; a vector, or None, serves all."""
    if masses is None or np.ndim(masses) == 1:
        return [masses] * size
    if np.ndim(masses) != 2 or len(masses) != size:
        raise ProblemError(f"a batch of {size} costs has masses of shape {np.shape(masses)}")
    return masses


def warn_steep(steepness):
    """Warn that rounding limits the accuracy; called by a constructor."""
    from scipy.optimize import OptimizeWarning

    warnings.warn(
        f"eta times the range of the cost is {steepness:.1e}: rounding limits the violation that "
        "can be reached to about 1e-16 times that",
        OptimizeWarning,
        stacklevel=3,
    )


def weights_of(relax):
    """Return the weights of the two divergences."""
    pair = np.broadcast_to(np.asarray(relax, dtype=float), (2,))
    if not np.all(pair > 0):
        raise ProblemError(f"`relax` must be positive, got {relax!r}")
    return tuple(map(float, pair))


def transport_masses(a, name, n):
    """Return the masses that a user gave for n points."""
    a = np.full(n, 1.0 / n) if a is None else real_vector(a, name, n=n, finite=True)
    if a.min() < 0:
        i = int(a.argmin())
        raise ProblemError(f"`{name}` must hold masses that are not negative, entry {i} is {a[i]}")
    if not a.any():
        raise ProblemError(f"`{name}` must hold some mass, all its entries are zero")
    return a


def balanced_masses(a, b, balance):
    """Return `b` with the mass of `a`; refuse a difference unless it is to be rescaled."""
    if balance not in ("check", "rescale"):
        raise ProblemError(f"`balance` must be 'check' or 'rescale', got {balance!r}")
    mass, other = float(a.sum()), float(b.sum())
    if balance == "rescale":
        return b * (mass / other)
    if abs(mass - other) > BALANCED * max(mass, other):
        raise ProblemError(
            f"the masses differ: `a` sums to {mass!r}, `b` to {other!r}; correct them, or pass "
            "balance='rescale'"
        )
    return b
