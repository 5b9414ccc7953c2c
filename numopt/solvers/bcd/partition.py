"""Partitions of the variables into blocks, fixed for a run."""

from functools import cached_property

import numpy as np
from scipy.sparse.csgraph import reverse_cuthill_mckee

from numopt.core.errors import ProblemError

ORDERS = ("sorted", "natural", "random", "alternating")
STRUCTURED = ("red_black", "forest")


class Partition:
    """Blocks of indices, laid out one after the other.

    Parameters
    ----------
    blocks : sequence of array_like of int
        Not empty, without repetition inside a block; together they cover 0, ..., n - 1.
    n : int
        Number of variables.

    Raises
    ------
    ProblemError
        For blocks that break these rules.
    """

    def __init__(self, blocks, n):
        self.blocks = [_checked(block, i, n) for i, block in enumerate(blocks)]
        self.flat = np.concatenate([np.empty(0, dtype=np.int64), *self.blocks])
        missing = np.setdiff1d(np.arange(n), self.flat)
        if missing.size:
            raise ProblemError(f"`blocks` leave out variable {missing[0]}; each must be in a block")
        self.sizes = np.array([block.size for block in self.blocks])
        self.starts = np.cumsum(self.sizes) - self.sizes

    def __len__(self):
        return len(self.blocks)

    def __getitem__(self, k):
        return self.blocks[k]

    def sums(self, values):
        """Return the sum over each block of values by variable, shape (number of blocks,)."""
        return np.add.reduceat(values[self.flat], self.starts)

    def maxima(self, values):
        """Return the largest value in each block, shape (number of blocks,)."""
        return np.maximum.reduceat(values[self.flat], self.starts)

    @cached_property
    def disjoint(self):
        """Whether no variable is in two blocks."""
        return np.unique(self.flat).size == self.flat.size


def _checked(block, i, n):
    block = np.asarray(block)
    if block.ndim != 1 or not block.size or not np.issubdtype(block.dtype, np.integer):
        raise ProblemError(f"block {i} must be a vector of indices, and not empty")
    if block.min() < 0 or block.max() >= n:
        raise ProblemError(f"block {i} holds an index outside 0, ..., {n - 1}")
    if np.unique(block).size != block.size:
        raise ProblemError(f"block {i} holds an index twice")
    return block.astype(np.int64)


def runs(order, size):
    """Return the consecutive pieces of `size` indices of an order; the last may be short."""
    return [order[k : k + size] for k in range(0, len(order), size)]


def ordered(order, lipschitz, rng):
    """Return all indices in the order in which they are cut into blocks.

    Parameters
    ----------
    order : {"sorted", "natural", "random", "alternating"}
        By decreasing Lipschitz constant; 0, 1, ...; shuffled; smallest, largest, second smallest...
    lipschitz : ndarray, shape (n,)
        Constants of the coordinates.
    rng : Generator
        Used by "random" alone.
    """
    n = lipschitz.size
    if order == "natural":
        return np.arange(n)
    if order == "random":
        return rng.permutation(n)
    if order == "sorted":
        return np.argsort(-lipschitz, kind="stable")
    rising = np.argsort(lipschitz, kind="stable")
    mixed = np.empty(n, dtype=np.int64)
    mixed[0::2], mixed[1::2] = rising[: (n + 1) // 2], rising[::-1][: n // 2]
    return mixed


def structured(kind, graph, lipschitz):
    """Return the blocks of a graph: independent sets, or forests.

    Parameters
    ----------
    kind : {"red_black", "forest"}
        Colour classes, two of them if the graph is bipartite; or forests, each node being put into
        the first one in which it closes no cycle.
    graph : CSR matrix, shape (n, n)
        Symmetric pattern of the Hessian.
    lipschitz : ndarray, shape (n,)
        Constants of the coordinates; nodes take their turn by decreasing ones.
    """
    from numopt.kernels import forest

    order = np.argsort(-lipschitz, kind="stable")
    if kind == "red_black":
        breadth_first = reverse_cuthill_mckee(graph, symmetric_mode=True)[::-1]
        orders = order, breadth_first.astype(order.dtype)
        tried = [forest.colours(graph.indptr, graph.indices, o) for o in orders]
        labels = min(tried, key=np.max)
    else:
        labels = forest.forests(graph.indptr, graph.indices, order, graph.shape[0])
    return [np.flatnonzero(labels == k) for k in range(labels.max() + 1)]


def largest_forest(graph, order):
    """Return the nodes of the forest that is grown greedily in the given order, shape (b,).

    Costs O(nnz) besides the sorting that led to `order`.
    """
    from numopt.kernels import forest

    return np.flatnonzero(forest.forests(graph.indptr, graph.indices, order, 1) == 0)


def lattice_combs(rows, columns):
    """Return the two combs that cover a lattice, each of them a forest.

    Node (r, c) has the number ``r + rows * c``. The first comb has row 0 as its back and the even
    columns, but for their last node, as its teeth; the second has the last row and the odd columns.

    Examples
    --------
    >>> [block.size for block in lattice_combs(50, 50)]
    [1250, 1250]
    """
    r, c = np.arange(rows * columns) % rows, np.arange(rows * columns) // rows
    first = (r == 0) | ((c % 2 == 0) & (r < rows - 1))
    return [np.flatnonzero(first), np.flatnonzero(~first)]
