"""Forests and colourings of a sparse symmetric graph, and elimination along a forest.

A graph comes as `indptr` and `indices` of a symmetric CSR matrix; diagonal entries are no edges.
"""

import numpy as np
from numba import njit

NOT_A_FOREST = -1  # returned where a cycle is met
NOT_POSITIVE = -2  # returned where a pivot is not positive


@njit(cache=True)
def _root(parent, v):
    """Return the root of the tree of v, halving the path on the way."""
    while parent[v] != v:
        parent[v] = parent[parent[v]]
        v = parent[v]
    return v


@njit(cache=True)
def forests(indptr, indices, order, most):
    """Put each node, in `order`, into the first forest in which it closes no cycle.

    Parameters
    ----------
    indptr, indices : ndarray of int
        The graph.
    order : ndarray of int, shape (n,)
        Nodes, first come first served.
    most : int
        Largest number of forests.

    Returns
    -------
    ndarray of int, shape (n,)
        Number of the forest of each node; -1 for one that fits into none of them.
    """
    n = indptr.size - 1
    label = np.full(n, -1, dtype=np.int64)
    parent = np.arange(n)
    root_met_by = np.full(n, -1, dtype=np.int64)
    closed_for = np.full(n + 1, -1, dtype=np.int64)
    for v in order:
        for k in range(indptr[v], indptr[v + 1]):
            u = indices[k]
            if label[u] >= 0:
                root = _root(parent, u)
                if root_met_by[root] == v:
                    closed_for[label[u]] = v
                root_met_by[root] = v
        forest = 0
        while closed_for[forest] == v:
            forest += 1
        if forest < most:
            label[v] = forest
            for k in range(indptr[v], indptr[v + 1]):
                if label[indices[k]] == forest:
                    parent[_root(parent, indices[k])] = v
    return label


@njit(cache=True)
def colours(indptr, indices, order):
    """Give each node, in `order`, the rarest colour that no neighbour has, or a new one.

    Returns
    -------
    ndarray of int, shape (n,)
        Colour of each node, 0, 1, ...
    """
    n = indptr.size - 1
    colour = np.full(n, -1, dtype=np.int64)
    size = np.zeros(n, dtype=np.int64)
    taken_for = np.full(n, -1, dtype=np.int64)
    used = 0
    for v in order:
        for k in range(indptr[v], indptr[v + 1]):
            if colour[indices[k]] >= 0:
                taken_for[colour[indices[k]]] = v
        best = used
        for c in range(used):
            if taken_for[c] != v and (best == used or size[c] < size[best]):
                best = c
        colour[v] = best
        size[best] += 1
        used = max(used, best + 1)
    return colour


@njit(cache=True)
def rooted(indptr, indices, data, block, place, order, parent, weight, diagonal):
    """Lay out the subgraph of a block as rooted trees, parents before children.

    Parameters
    ----------
    indptr, indices, data : ndarray
        Symmetric CSR matrix.
    block : ndarray of int, shape (b,)
        Distinct nodes.
    place : ndarray of int, shape (n,)
        All -1, and left like that: scratch space.
    order, parent, weight, diagonal : ndarray, shape (b,)
        Filled: positions in `block` in the order of a breadth-first search; and by position the
        parent's position (-1 for a root), the entry that joins the two, and the diagonal entry.

    Returns
    -------
    int
        0, or NOT_A_FOREST.
    """
    b = block.size
    for i in range(b):
        place[block[i]] = i
        parent[i] = -2  # not yet reached
        diagonal[i] = 0.0
    outcome, filled = 0, 0
    for root in range(b):
        if parent[root] != -2:
            continue
        parent[root], weight[root], order[filled] = -1, 0.0, root
        head = filled
        filled += 1
        while head < filled:
            i = order[head]
            head += 1
            for k in range(indptr[block[i]], indptr[block[i] + 1]):
                j = place[indices[k]]
                if j == i:
                    diagonal[i] += data[k]
                elif j >= 0 and j != parent[i] and data[k] != 0.0:
                    if parent[j] != -2:
                        outcome = NOT_A_FOREST
                    else:
                        parent[j], weight[j], order[filled] = i, data[k], j
                        filled += 1
    for i in range(b):
        place[block[i]] = -1
    return outcome


@njit(cache=True)
def eliminate(order, parent, weight, diagonal, x):
    """Solve the system of a forest: from the leaves to the roots and back, in O(b).

    Parameters
    ----------
    order, parent, weight, diagonal : ndarray, shape (b,)
        As `rooted` fills them.
    x : ndarray, shape (b,)
        Right-hand side on entry, solution on return.

    Returns
    -------
    int
        0, or NOT_POSITIVE.

    Notes
    -----
    This is Gaussian elimination without fill, and equal to Gaussian belief propagation.
    """
    b = order.size
    pivot = diagonal.copy()
    for k in range(b - 1, -1, -1):
        i = order[k]
        if not pivot[i] > 0.0:
            return NOT_POSITIVE
        p = parent[i]
        if p >= 0:
            factor = weight[i] / pivot[i]
            pivot[p] -= factor * weight[i]
            x[p] -= factor * x[i]
    for k in range(b):
        i = order[k]
        if parent[i] >= 0:
            x[i] -= weight[i] * x[parent[i]]
        x[i] /= pivot[i]
    return 0
