"""Costs of transport that are arrays of another library, or are evaluated from such arrays."""

from typing import Any

import numpy as np

from numopt.core.backend import namespace, to_host
from numopt.core.errors import InputTypeError, ProblemError
from numopt.kernels.arrays import placed

CLOUD_BLOCK = 1 << 22  # entries of a block of rows that is evaluated at a time
_NOTHING = np.empty((0, 0))


class ArrayCost:
    """A cost that is an array of another library with the array API, on its device.

    Parameters
    ----------
    C : array, shape (n, m)
        As for `DenseCost`.
    """

    def __init__(self, C):
        self.xp = namespace(C)
        self._describe(C, "cost")
        _check_costs(self.xp, C)
        self.C, self.shape = C, tuple(C.shape)

    def _describe(self, array, name):
        """Take type and place of the results from an array that was given."""
        if array.ndim != 2 or 0 in array.shape:
            raise ProblemError(f"`{name}` must be a matrix with entries, got shape {array.shape}")
        if not self.xp.isdtype(array.dtype, "real floating"):
            raise InputTypeError(
                f"`{name}` must hold floating-point numbers, got dtype {array.dtype}"
            )
        self.sample = array[:1, :1]
        self.dtype = to_host(self.sample).dtype

    def blocks(self):
        """Yield slices of rows, and for each the arguments of the kernels that describe it."""
        yield slice(0, self.shape[0]), (0, self.C, _NOTHING, _NOTHING)

    def take(self, rows, cols):
        """Return the cost between some of the points."""
        return ArrayCost(self._selected(self._selected(self.C, rows, 0), cols, 1))

    def _selected(self, array, index, axis):
        return self.xp.take(array, placed(index, self.sample, dtype=self.xp.int64), axis=axis)

    def dense(self, rows=slice(None)):
        """Return some rows of the matrix, a NumPy array."""
        return to_host(self.C[rows, :])

    def delivered(self, values):
        """Return a NumPy array as one of the library, on the device of the cost."""
        return placed(values, self.sample)


class ArrayCloud(ArrayCost):
    """As `PointCloud`, for points in arrays of another library; blocks of rows on the fly."""

    def __init__(self, X, Y, metric: Any = "sqeuclidean", *, scale=1.0):
        self.xp = xp = namespace(X, Y)
        self._describe(Y, "Y")
        self._describe(X, "X")
        for name, points in (("X", X), ("Y", Y)):
            if not bool(xp.all(xp.isfinite(points))):
                raise ProblemError(f"`{name}` must hold finite numbers only")
        self.X, self.Y, self.metric, self.scale = X, Y, metric, float(scale)
        self.shape = X.shape[0], Y.shape[0]

    def blocks(self):
        """Yield slices of rows, and for each the arguments of the kernels that describe it."""
        n, m = self.shape
        step = max(1, CLOUD_BLOCK // m)
        for first in range(0, n, step):
            rows = slice(first, min(first + step, n))
            yield rows, (0, self._block(rows), _NOTHING, _NOTHING)

    def take(self, rows, cols):
        """Return the cost between some of the points."""
        X, Y = self._selected(self.X, rows, 0), self._selected(self.Y, cols, 0)
        return ArrayCloud(X, Y, self.metric, scale=self.scale)

    def dense(self, rows=slice(None)):
        """Return some rows of the matrix, a NumPy array."""
        return to_host(self._block(rows))

    def _block(self, rows):
        xp, X, Y = self.xp, self.X[rows, :], self.Y
        C: Any
        if callable(self.metric):
            C = self.metric(X, Y)
            if tuple(C.shape) != (X.shape[0], Y.shape[0]):
                expected = X.shape[0], Y.shape[0]
                raise ProblemError(f"`metric` returned shape {C.shape}, expected {expected}")
            _check_costs(xp, C)
            return self.scale * C
        power = xp.abs if self.metric == "l1" else xp.square
        parts = [power(X[:, d][:, None] - Y[:, d][None, :]) for d in range(X.shape[1])]
        C = sum(parts[1:], start=parts[0])
        return self.scale * (xp.sqrt(C) if self.metric == "euclidean" else C)


def _check_costs(xp, C):
    if not bool(xp.all(C >= 0)):
        raise ProblemError("`cost` must be numbers that are not negative")
