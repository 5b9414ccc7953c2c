"""Matrices of data by columns, dense or sparse, read where they lie.

A `Design` stands for X diag(scale). The scale is applied to the columns as they are used, so the
user's array is never copied, except to bring it into column order.
"""

import warnings
from typing import Any

import numpy as np
from scipy.sparse import csc_array, issparse

from numopt.core.errors import InputTypeError, ProblemError

WIDTH = 256  # columns that are converted or gathered at a time
LARGE_COPY = 2**30  # bytes: a copy for the sake of column order that a warning tells of


class Design:
    """The columns of a matrix of data, times a scale.

    Parameters
    ----------
    X : array_like or sparse matrix, shape (m, p)
        Fortran-ordered arrays and canonical CSC matrices are used as they are; everything else is
        copied once. float32 stays float32, other numbers become float64.
    scale : ndarray, shape (p,), optional
        Factors of the columns; None is one.

    Attributes
    ----------
    shape : tuple of int
    X : ndarray or csc_array, shape (m, p)
        The data, without the scale.
    scale : ndarray, shape (p,), or None
    sparse : bool

    Raises
    ------
    InputTypeError, ProblemError
        For masked, matrix, complex, object and string data, and wrong dimensions.

    Warns
    -----
    UserWarning
        If more than a gigabyte is copied.
    """

    def __init__(self, X, scale=None):
        self.X: Any = X.X if isinstance(X, Design) else by_columns(X)
        self.scale = scale
        self.shape: Any = self.X.shape
        self.sparse = issparse(self.X)

    def dot(self, w):
        """Return X diag(scale) w for w of shape (p,) or (p, k), in float64."""
        if self.scale is not None:
            w = (self.scale * w.T).T
        double = self.X.dtype == np.float64
        if double and self.sparse:
            return self.X @ w
        used = np.flatnonzero(w if w.ndim == 1 else w.any(axis=1))
        if double and 2 * used.size > self.shape[1]:
            return self.X @ w
        from numopt.kernels.products import combine, sparse_combine

        add: Any = sparse_combine if self.sparse else combine
        total = np.zeros((1 if w.ndim == 1 else w.shape[1], self.shape[0]))
        add(*self._arrays(), used, w[used].reshape(used.size, -1), total)
        return total[0] if w.ndim == 1 else total.T

    def _arrays(self):
        X = self.X
        return (X.data, X.indices, X.indptr) if self.sparse else (X,)

    def tdot(self, r):
        """Return diag(scale) X'r for r of shape (m,) or (m, k), in float64."""
        if self.X.dtype == np.float64:
            g = self.X.T @ r
        else:
            from numopt.kernels.products import correlate, sparse_correlate

            product: Any = sparse_correlate if self.sparse else correlate
            rows = np.ascontiguousarray(r.T, dtype=np.float64).reshape(-1, self.shape[0])
            g = product(*self._arrays(), rows).reshape(self.shape[1], *r.shape[1:])
        return g if self.scale is None else (self.scale * g.T).T

    def squares(self, weights=None):
        """Return the sums of weights_i X_ij^2 over the rows, shape (p,)."""
        return self._power_sums(2, weights)

    def cubes(self, weights=None):
        """Return the sums of weights_i |X_ij|^3 over the rows, shape (p,)."""
        return self._power_sums(3, weights)

    def _power_sums(self, power, weights):
        if self.sparse:
            sums = _sparse_power_sums(self.X, power, weights)
        elif power == 2 and weights is None and self.X.dtype == np.float64:
            sums = np.einsum("ij,ij->j", self.X, self.X)
        else:
            sums = _dense_power_sums(self.X, power, weights)
        return sums if self.scale is None else sums * self.scale**power

    def gram_sums(self, j, weights=None):
        """Return sum_i |x_j' diag(weights) x_i| for some columns x_j, shape (|j|,)."""
        if not self.sparse:
            block = self.columns(j)
            block = block if weights is None else weights[:, None] * block
            return np.abs(self.tdot(block)).sum(axis=0)
        block = self.X[:, j].T.astype(np.float64)
        block = block if weights is None else block.multiply(weights).tocsr()
        products = abs(block @ self.X)
        if self.scale is None:
            return np.asarray(products.sum(axis=1)).ravel()
        return self.scale[j] * (products @ self.scale)

    def columns(self, j):
        """Return columns as a dense array in float64, shape (m, |j|)."""
        if self.sparse:
            return self.block(j).toarray(order="F")
        block = self.X.T[j].T.astype(np.float64, copy=False)  # columns are contiguous
        return block if self.scale is None else block * self.scale[j]

    def block(self, j):
        """Return columns of sparse data as a CSC matrix in float64, shape (m, |j|).

        All columns as they are stored are the data themselves, not to be written to.
        """
        plain = self.scale is None and self.X.dtype == np.float64
        if plain and np.array_equal(j, np.arange(self.shape[1])):
            return self.X
        rows, owner, data = self.entries(j)
        indptr = np.zeros(len(j) + 1, dtype=rows.dtype)
        np.cumsum(np.bincount(owner, minlength=len(j)), out=indptr[1:])
        return csc_array((data, rows, indptr), shape=(self.shape[0], len(j)))

    def entries(self, j):
        """Return (rows, positions in j, values) of the stored entries of sparse columns."""
        indptr = self.X.indptr
        first, length = indptr[j], indptr[np.asarray(j) + 1] - indptr[j]
        owner = np.repeat(np.arange(len(j)), length)
        start = np.cumsum(length) - length
        where = np.arange(owner.size) + (first - start)[owner]
        data = self.X.data[where].astype(np.float64)
        if self.scale is not None:
            data *= self.scale[j][owner]
        return self.X.indices[where], owner, data


def by_columns(X):
    """Return a matrix of data as a Fortran-ordered array or a canonical CSC matrix."""
    if issparse(X):
        return _sparse_by_columns(X)
    if isinstance(X, (np.ma.MaskedArray, np.matrix)):
        raise InputTypeError(f"`X` is a {type(X).__name__}; pass a plain array")
    A = np.asarray(X)
    if A.dtype.kind not in "biuf":
        raise InputTypeError(f"`X` must hold real numbers, got dtype {A.dtype}")
    if A.ndim != 2:
        raise ProblemError(f"`X` must be a matrix of shape (m, p), got shape {A.shape}")
    dtype = _working_dtype(A.dtype)
    if A.flags.f_contiguous and A.dtype == dtype:
        return np.asarray(A)
    if A.size * dtype.itemsize > LARGE_COPY:
        warnings.warn(
            f"`X` of {A.size * dtype.itemsize / 2**30:.1f} GiB is copied into column order; "
            "np.asfortranarray beforehand avoids that",
            UserWarning,
            stacklevel=5,
        )
    return np.asfortranarray(A, dtype=dtype)


def _sparse_by_columns(X):
    if X.dtype.kind not in "biuf":
        raise InputTypeError(f"`X` must hold real numbers, got dtype {X.dtype}")
    if X.ndim != 2:
        raise ProblemError(f"`X` must be a matrix of shape (m, p), got shape {X.shape}")
    A: Any = csc_array(X)  # shares the arrays of a CSC matrix
    dtype = _working_dtype(A.dtype)
    if A.dtype != dtype:
        A = A.astype(dtype)
    if not A.has_canonical_format:
        A = A.copy()
        A.sum_duplicates()
    return A


def _working_dtype(dtype):
    return np.dtype(np.float32 if dtype in (np.float32, np.float16) else np.float64)


def _dense_power_sums(X, power, weights):
    sums = np.empty(X.shape[1])
    for start in range(0, X.shape[1], WIDTH):
        part = np.abs(X[:, start : start + WIDTH].astype(np.float64)) ** power
        sums[start : start + WIDTH] = part.sum(axis=0) if weights is None else weights @ part
    return sums


def _sparse_power_sums(X, power, weights):
    from numopt.kernels.products import sparse_power_sums

    weights = np.empty(0) if weights is None else np.asarray(weights, dtype=np.float64)
    return sparse_power_sums(X.data, X.indices, X.indptr, power, weights)
