"""Passes over a plan that is stored: P_ij = u_i K_ij v_j, K being the plan of a point nearby.

While the potentials stay near those of K, no exponential is needed for the entries.
"""

import numpy as np
from numba import njit

from numopt.kernels.compress import compress, compress_room
from numopt.kernels.exponential import PART, exp2
from numopt.kernels.vectors import add_multiple, dot


@njit(cache=True)
def scaled_pass(K, v, f, a, tau, f_next, cols):
    """As `sinkhorn_pass`, for the plan K diag(v) with the row potentials f."""
    for i in range(f.size):
        weight = a[i] / dot(K[i], v)
        f_next[i] = f[i] + np.log2(weight)
        if tau != 1.0:
            f_next[i] *= tau
            weight = exp2(f_next[i] - f[i])
        add_multiple(weight, K[i], cols)
    for j in range(cols.size):
        cols[j] *= v[j]


@njit(**PART)
def scaled_row(u, k, v, out):
    """Set ``out = u k v``."""
    for j in range(v.size):
        out[j] = u * k[j] * v[j]


@njit(cache=True)
def scaled_kept(K, u, v, low, col_low, first, indptr, indices, data):
    """As `kept_entries`, for the plan diag(u) K diag(v)."""
    plan, room = np.empty(v.size), compress_room(v.size)
    for i in range(first, u.size):
        used = indptr[i]
        if data.size - used <= v.size:
            return i
        scaled_row(u[i], K[i], v, plan)
        indptr[i + 1] = compress(plan, low[i], col_low, *room, used, indices, data)
    return u.size


@njit(cache=True)
def scaled_plan(K, u, v, out):
    """Set ``out = diag(u) K diag(v)``."""
    for i in range(u.size):
        scaled_row(u[i], K[i], v, out[i])
