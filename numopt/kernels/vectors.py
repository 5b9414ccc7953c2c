"""Sums over dense rows that the compiler may reorder, for kernels that call them in a loop."""

from numba import njit

from numopt.kernels.exponential import PART

SUMS = {"contract", "reassoc", "nsz"}  # sums may be reordered; NaN and infinity keep their meaning


@njit(fastmath=SUMS, **PART)
def dot(x, y):
    """Return the inner product."""
    total = 0.0
    for j in range(x.size):
        total += x[j] * y[j]
    return total


@njit(fastmath=SUMS, **PART)
def add_multiple(t, x, out):
    """Add t x to `out`."""
    for j in range(x.size):
        out[j] += t * x[j]
