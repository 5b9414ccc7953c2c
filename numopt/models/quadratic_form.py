"""Quadratic forms as losses, among them label propagation on a graph.

Their `Point` keeps the gradient in the place of the products with the data.
"""

from typing import Any

import numpy as np
from scipy.sparse import csr_array, diags_array, issparse

from numopt.core.errors import InputTypeError, ProblemError
from numopt.models.inputs import real_matrix, real_vector
from numopt.models.losses import Loss, Point


class QuadForm(Loss):
    """A convex quadratic function.

        f(x) = 1/2 x'A x - b'x

    Parameters
    ----------
    A : array_like or sparse matrix, shape (n, n)
        Symmetric and positive semidefinite; that it is semidefinite is not checked.
    b : array_like, shape (n,)

    Raises
    ------
    InputTypeError, ProblemError
        For data that are not finite real numbers, shapes that do not fit, and a matrix that is not
        symmetric or has a negative diagonal entry.

    Examples
    --------
    >>> loss = numopt.QuadForm([[2.0, 0.0], [0.0, 4.0]], [2.0, 4.0])
    >>> loss.value(loss.state(np.ones(2)))
    -3.0
    """

    quadratic = True
    design = None
    intercept = False

    def __init__(self, A, b):
        self.b = real_vector(b, "b", finite=True)
        self.n = n = self.b.size
        self.A: Any = real_matrix(A, "A", (n, n), verb="has") if issparse(A) else _dense(A, n)
        self.sparse = issparse(self.A)
        if self.A.shape != (n, n):
            raise ProblemError(f"`A` must have shape {(n, n)}, got {self.A.shape}")
        self.diagonal = np.asarray(self.A.diagonal(), dtype=np.float64)
        self._check()

    def _check(self):
        entries = self.A.data if self.sparse else self.A
        if not np.isfinite(entries).all():
            raise ProblemError("`A` must hold finite numbers only")
        if (self.diagonal < 0.0).any():
            raise ProblemError("`A` has a negative diagonal entry: it is not semidefinite")
        if not _symmetric(self.A):
            raise ProblemError("`A` must be symmetric")

    def state(self, x):
        x = np.array(x, dtype=np.float64)
        return Point(x, (self.A @ x - self.b)[:, None], np.zeros(1))

    def value(self, state):
        return float(0.5 * state.x @ (state.z[:, 0] - self.b))

    def gradient(self, state):
        return state.z[:, 0].copy()

    def block_gradient(self, state, b):
        return state.z[b, 0]

    def advance(self, state, b, delta):
        state.x[b] += delta
        if not self.sparse:
            state.z[:, 0] += self.A[b].T @ delta
            return
        start, stop = self.A.indptr[b], self.A.indptr[np.asarray(b) + 1]
        owner = np.repeat(np.arange(len(b)), stop - start)
        where = np.arange(owner.size) + (start - np.cumsum(stop - start) + stop - start)[owner]
        change = self.A.data[where] * np.asarray(delta)[owner]
        np.add.at(state.z[:, 0], self.A.indices[where], change)

    def lipschitz(self):
        return self.diagonal.copy()

    def hessian_bound(self, b):
        block = self.A[np.ix_(b, b)]
        return block.toarray() if self.sparse else block

    def hessian(self, state, b):
        return self.hessian_bound(b)

    def product(self, state, d):
        return self.A @ d

    def row_sums(self):
        return np.asarray(abs(self.A).sum(axis=1)).ravel()

    def graph(self):
        return self.A if self.sparse else None


class LabelPropagation(QuadForm):
    """Labels spread over a weighted graph: neighbours shall differ little.

        f(x) = 1/2 x'(D - W)_UU x - (W_UL y_L)'x

    This is 1/4 sum_ij w_ij (x_i - x_j)^2 with the known labels inserted, without a constant.

    Parameters
    ----------
    W : array_like or sparse matrix, shape (N, N)
        Weights of the edges, symmetric and not negative.
    labels : array_like, shape (N,)
        Known labels, NaN where there is none.

    Attributes
    ----------
    unlabelled : ndarray
        The nodes that x stands for.
    """

    def __init__(self, W, labels):
        labels = _labels(labels)
        W = real_matrix(W, "W", (labels.size, labels.size), verb="has")
        if not (W.data >= 0.0).all():
            raise ProblemError("`W` must hold numbers that are not negative")
        if not _symmetric(W):
            raise ProblemError("`W` must be symmetric")
        unknown = np.isnan(labels)
        self.unlabelled = np.flatnonzero(unknown)
        known = np.flatnonzero(~unknown)
        rows = csr_array(W)[self.unlabelled]
        degree = np.asarray(rows.sum(axis=1)).ravel()
        A = diags_array(degree) - rows[:, self.unlabelled]
        super().__init__(A, rows[:, known] @ labels[known])


def _dense(A, n):
    if isinstance(A, (np.ma.MaskedArray, np.matrix)):
        raise InputTypeError(f"`A` is a {type(A).__name__}; pass a plain array")
    A = np.asarray(A)
    if A.dtype.kind not in "biuf":
        raise InputTypeError(f"`A` must hold real numbers, got dtype {A.dtype}")
    if A.ndim != 2:
        raise ProblemError(f"`A` must be a matrix of shape {(n, n)}, got shape {A.shape}")
    return np.array(A, dtype=np.float64)


def _symmetric(A):
    """Return whether a dense or sparse matrix is symmetric but for rounding."""
    if 0 in A.shape:
        return True
    return abs(A - A.T).max() <= 1e-10 * max(abs(A).max(), 1e-300)


def _labels(labels):
    """Return labels as a vector that may hold NaN, after checks."""
    known = np.asarray(labels)
    if known.dtype.kind not in "biuf" or isinstance(labels, np.ma.MaskedArray):
        raise InputTypeError(f"`labels` must hold real numbers, got dtype {known.dtype}")
    if known.ndim != 1 or np.isinf(known).any():
        raise ProblemError("`labels` must be a vector of finite numbers, and NaN where unknown")
    return known.astype(np.float64)
