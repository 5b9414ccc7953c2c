"""Fixed sparsity patterns.

Entries are found by sorting ``row * columns + column`` over all that contribute.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix


@dataclass
class Sparsity:
    """A CSR pattern: entries sorted by row, then by column.

    Attributes
    ----------
    indptr, indices : ndarray of int32
    places : list of list of ndarray
        Positions of the entries of each contributor, in the order they were given.
    columns : int
        Number of columns.
    """

    indptr: np.ndarray
    indices: np.ndarray
    places: list
    columns: int

    @property
    def nnz(self):
        """Number of entries."""
        return len(self.indices)

    @property
    def rows(self):
        """Row of each entry."""
        return np.repeat(np.arange(len(self.indptr) - 1, dtype=np.int32), np.diff(self.indptr))

    def matrix(self, data):
        """Return the matrix with the given values; its index arrays are shared and read-only."""
        matrix = csr_matrix.__new__(csr_matrix)
        vars(matrix).update(self._template)
        matrix.data = data
        return matrix

    @cached_property
    def _template(self):
        m = len(self.indptr) - 1
        data = np.zeros(self.nnz)
        matrix = csr_matrix((data, self.indices, self.indptr), shape=(m, self.columns))
        matrix.has_canonical_format = matrix.has_sorted_indices = True
        matrix.indices.flags.writeable = matrix.indptr.flags.writeable = False
        return {key: value for key, value in vars(matrix).items() if key != "data"}


def compress(contributors, shape):
    """Return the `Sparsity` of all entries.

    Parameters
    ----------
    contributors : list of list of (rows, cols)
        Integers or arrays of equal length (one may be a constant) per entry of each contributor.
    shape : (int, int)
    """
    keys = [_keys(r, c, shape[1]) for entries in contributors for r, c in entries]
    everything = np.concatenate(keys) if keys else np.zeros(0, dtype=np.int64)
    # The sequences are sorted, mostly: a merge sort profits from that.
    order = np.argsort(everything, kind="stable")
    ordered = everything[order]
    fresh = np.empty(ordered.size, dtype=bool)
    fresh[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=fresh[1:])
    position = np.empty(ordered.size, dtype=np.int32)
    position[order] = np.cumsum(fresh, dtype=np.int32) - 1
    rows, indices = np.divmod(ordered[fresh], max(shape[1], 1))
    indptr = np.zeros(shape[0] + 1, dtype=np.int32)
    np.cumsum(np.bincount(rows, minlength=shape[0]), out=indptr[1:])
    pieces = iter(np.split(position, np.cumsum([k.size for k in keys])[:-1]) if keys else [])
    places = [[next(pieces) for _ in entries] for entries in contributors]
    return Sparsity(indptr, indices.astype(np.int32), places, shape[1])


def _keys(rows, cols, width):
    return np.atleast_1d(np.asarray(rows, dtype=np.int64) * width + cols)
