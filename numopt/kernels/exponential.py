"""A power of two without branches, so that loops over it become vector instructions."""

from typing import Any

import numpy as np
from numba import njit

# For what only kernels call: an entry from Python takes longer to compile than the rest.
PART: Any = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
LOWEST, HIGHEST = -1020.0, 900.0  # below: exactly zero; above: cut, so that sums stay finite

_SHIFT = 6755399441055744.0  # 1.5 * 2^52: adding it rounds to a whole number, in the lowest bits


@njit(cache=True, fastmath={"contract"})
def exp2(x):
    """Return 2^x to three units in the last place for -1020 <= x <= 900.

    It is 0 below, -infinity included, and 2^900 above; NaN stays NaN. Loops over it must not be
    compiled with flags that assume away NaN or infinity.
    """
    y = min(max(x, LOWEST), HIGHEST)
    shifted = y + _SHIFT
    r = y - (shifted - _SHIFT)
    # 2^r on [-1/2, 1/2], interpolated at Chebyshev points: relative error 3e-16.
    p = 7.072585949269223e-09
    p = p * r + 1.0208690299958306e-07
    p = p * r + 1.321544258792169e-06
    p = p * r + 1.5252657260200837e-05
    p = p * r + 0.0001540353044173605
    p = p * r + 0.0013333558230164974
    p = p * r + 0.009618129107606888
    p = p * r + 0.05550410866444772
    p = p * r + 0.24022650695910097
    p = p * r + 0.69314718055995
    p = p * r + 1.0
    bits = np.float64(p).view(np.int64) + (np.float64(shifted).view(np.int64) << 52)
    return 0.0 if x < LOWEST else np.int64(bits).view(np.float64)
