"""Greedy descent on a sparse quadratic form, one variable at a time.

The scores of all variables are the leaves of a tournament: a binary tree in an array, in which
node k holds the larger of the scores of nodes 2k and 2k + 1, so that the winner is found, and a
changed score worked in, in O(log n).
"""

import numpy as np
from numba import njit

DISTANCE, MOVE, SCALED_MOVE, DECREASE = range(4)  # what a score is


@njit(cache=True)
def _minimiser(j, G, x, L, low, high, l1, l2):
    """Return the minimiser of the objective along variable j."""
    u = L[j] * x[j] - G[j]
    y = (max(u - l1[j], 0.0) + min(u + l1[j], 0.0)) / (L[j] + l2[j])
    return min(max(y, low[j]), high[j])


@njit(cache=True)
def _distance(j, G, x, low, high, l1, l2):
    """Return the distance of -G_j to the subdifferential of the term of variable j."""
    slope = G[j] + l2[j] * x[j]
    at_zero = x[j] == 0.0
    side = 0.0 if at_zero else np.sign(x[j]) * l1[j]
    down = slope + (l1[j] if at_zero else side)  # negative: x_j should grow
    up = slope - (l1[j] if at_zero else -side)  # positive: x_j should fall
    grow = 0.0 if x[j] >= high[j] else max(0.0, -down)
    fall = 0.0 if x[j] <= low[j] else max(0.0, up)
    return max(grow, fall)


@njit(cache=True)
def _score(rule, j, G, x, L, low, high, l1, l2):
    if rule == DISTANCE:
        return _distance(j, G, x, low, high, l1, l2)
    if L[j] + l2[j] <= 0.0:
        return 0.0
    d = _minimiser(j, G, x, L, low, high, l1, l2) - x[j]
    if rule == MOVE:
        return abs(d)
    if rule == SCALED_MOVE:
        return np.sqrt(L[j]) * abs(d)
    y = x[j] + d
    change = l1[j] * (abs(y) - abs(x[j])) + 0.5 * l2[j] * d * (y + x[j])
    return max(0.0, -(G[j] * d + 0.5 * L[j] * d * d + change))


@njit(cache=True)
def _enter(tree, leaf, score):
    """Set the score of a leaf and of all nodes above it."""
    tree[leaf] = score
    k = leaf // 2
    while k >= 1:
        tree[k] = max(tree[2 * k], tree[2 * k + 1])
        k //= 2


@njit(cache=True)
def _winner(tree, leaves):
    """Return the number of the first leaf with the largest score."""
    k = 1
    while k < leaves:
        k = 2 * k if tree[2 * k] >= tree[2 * k + 1] else 2 * k + 1
    return k - leaves


@njit(cache=True)
def descend(indptr, indices, data, G, x, L, low, high, l1, l2, rule, steps):
    """Update the variable with the highest score, `steps` times, in O(degree log n) each.

    Parameters
    ----------
    indptr, indices, data : ndarray
        Symmetric CSR matrix A.
    G, x : ndarray, shape (n,)
        Gradient A x - b and point; changed in place.
    L, low, high, l1, l2 : ndarray, shape (n,)
        Diagonal of A, bounds, and weights of |x_j| and x_j^2 / 2.
    rule : int
        DISTANCE, MOVE, SCALED_MOVE or DECREASE.
    steps : int
        Number of updates.

    Returns
    -------
    int
        Entries of A that were visited.
    """
    n = x.size
    leaves = 1
    while leaves < n:
        leaves *= 2
    tree = np.zeros(2 * leaves)
    for j in range(n):
        tree[leaves + j] = _score(rule, j, G, x, L, low, high, l1, l2)
    for k in range(leaves - 1, 0, -1):
        tree[k] = max(tree[2 * k], tree[2 * k + 1])
    visited = 0
    for _ in range(steps):
        if not tree[1] > 0.0:
            break
        j = _winner(tree, leaves)
        y = _minimiser(j, G, x, L, low, high, l1, l2)
        d = y - x[j]
        x[j] = y
        for k in range(indptr[j], indptr[j + 1]):
            G[indices[k]] += data[k] * d
        for k in range(indptr[j], indptr[j + 1]):
            i = indices[k]
            _enter(tree, leaves + i, _score(rule, i, G, x, L, low, high, l1, l2))
        visited += indptr[j + 1] - indptr[j]
    return visited
