"""Selecting the large entries of a row, without a branch for each entry."""

import numpy as np
from numba import njit

from numopt.kernels.exponential import PART


@njit(**PART)
def _mark(row, low, col_low, flags):
    for j in range(row.size):
        flags[j] = (row[j] >= low) | (row[j] >= col_low[j])


@njit(**PART)
def _marked_words(words, found):
    """List the words that are not zero and return their number."""
    count = 0
    for w in range(words.size):
        found[count] = w
        count += words[w] != 0
    return count


@njit(**PART)
def compress(row, low, col_low, flags, found, used, indices, data):
    """Append the entries that are at least ``min(low, col_low_j)`` from position `used` on.

    Parameters
    ----------
    flags, found : ndarray
        Room from `compress_room`.

    Returns
    -------
    int
        Where the next row begins; there must be room for one entry more than the row has.
    """
    _mark(row, low, col_low, flags)
    first = used
    for h in range(_marked_words(flags.view(np.uint64), found)):
        j = 8 * found[h]
        for k in range(8):
            indices[used] = j + k
            used += flags[j + k]
    for k in range(first, used):
        data[k] = row[indices[k]]
    return used


@njit(**PART)
def _mark_above(row, level, flags):
    for j in range(row.size):
        flags[j] = row[j] > level


@njit(**PART)
def indices_above(row, level, flags, found, indices):
    """List the indices of the entries above a level, and return their number.

    `indices` has room for one more than the row has entries.
    """
    _mark_above(row, level, flags)
    count = 0
    for h in range(_marked_words(flags.view(np.uint64), found)):
        j = 8 * found[h]
        for k in range(8):
            indices[count] = j + k
            count += flags[j + k]
    return count


@njit(**PART)
def compress_room(m):
    """Return what `compress` works with for rows of length m: a flag for each entry, and a list."""
    words = (m + 7) // 8
    return np.zeros(8 * words, dtype=np.uint8), np.empty(words + 1, dtype=np.uint32)
