"""Costs of transport: a matrix, or a function of points that is evaluated on the fly."""

from math import sqrt
from typing import Any

import numpy as np

from numopt.core.backend import namespace
from numopt.core.errors import InputTypeError, ProblemError
from numopt.models.array_costs import ArrayCloud, ArrayCost

METRICS = ("sqeuclidean", "euclidean", "l1")
BLOCK = 1 << 25  # entries of a block of rows: a kernel returns after some 30 ms
CALLED_BLOCK = 1 << 20  # the same where a block is stored
_NOTHING = np.empty((0, 0))


class DenseCost:
    """A cost that is a stored matrix.

    Parameters
    ----------
    C : array_like, shape (n, m)
        Not negative; +inf forbids an entry. A contiguous array of float64 is used without a copy.

    Attributes
    ----------
    dtype : dtype
        Of the numbers as given, float32 or float64; the arithmetic is in float64.

    Raises
    ------
    ProblemError
        For negative entries, NaN, and a wrong number of dimensions.
    """

    def __init__(self, C):
        C = _real(C, "cost", 2)
        self.dtype = C.dtype
        self.C = np.ascontiguousarray(C, dtype=np.float64)
        self.shape = self.C.shape
        _check_costs(self.C)

    def blocks(self):
        """Yield slices of rows, and for each the arguments of the kernels that describe it."""
        for rows in _slices(self.shape, BLOCK):
            yield rows, (0, self.C[rows], _NOTHING, _NOTHING)

    def take(self, rows, cols):
        """Return the cost between some of the points."""
        return DenseCost(self.C[np.ix_(rows, cols)].astype(self.dtype, copy=False))

    def transposed(self):
        """Return the cost with rows and columns exchanged."""
        return DenseCost(self.C.T)

    def dense(self, rows=slice(None)):
        """Return some rows of the matrix, an array."""
        return self.C[rows]


class PointCloud:
    """The cost between points, evaluated on the fly: the matrix is never stored.

    Parameters
    ----------
    X, Y : array_like, shapes (n, d) and (m, d)
        Points. For arrays of another library with the array API, the cost is evaluated by that
        library, in blocks of rows, and potentials and plan are its arrays.
    metric : {"sqeuclidean", "euclidean", "l1"} or callable
        A callable gets some rows of `X` and all of `Y`, and returns their costs, (k, m).
    scale : float
        Factor of the cost.

    Raises
    ------
    ProblemError
        For shapes that do not fit, numbers that are not finite, an unknown metric, and a callable
        that returns a wrong shape, NaN or a negative cost.

    Examples
    --------
    >>> cost = numopt.PointCloud([[0.0], [1.0]], [[0.0], [3.0]])
    >>> cost.dense()
    array([[0., 9.],
           [1., 4.]])
    """

    def __new__(cls, X=None, Y=None, metric: Any = "sqeuclidean", *, scale=1.0) -> Any:
        """Return an `ArrayCloud` for arrays of another library."""
        if X is None or not (_foreign(X) or _foreign(Y)):
            return super().__new__(cls)
        cloud = ArrayCloud(X, Y, metric, scale=scale)
        _check_cloud(cloud.X, cloud.Y, metric, scale)
        return cloud

    def __init__(self, X, Y, metric: Any = "sqeuclidean", *, scale=1.0):
        X, Y = _points(X, "X"), _points(Y, "Y")
        _check_cloud(X, Y, metric, scale)
        self.dtype = np.result_type(X, Y)
        self.X, self.Y = (np.ascontiguousarray(Z, dtype=np.float64) for Z in (X, Y))
        self.metric, self.scale = metric, float(scale)
        self.shape = self.X.shape[0], self.Y.shape[0]

    def blocks(self):
        """Yield slices of rows, and for each the arguments of the kernels that describe it."""
        if callable(self.metric):
            for rows in _slices(self.shape, CALLED_BLOCK):
                yield rows, (0, self.dense(rows), _NOTHING, _NOTHING)
            return
        unit = sqrt(self.scale) if self.metric == "sqeuclidean" else self.scale
        X, YT = self.X * unit, np.ascontiguousarray((self.Y * unit).T)
        code = 1 + METRICS.index(self.metric)
        for rows in _slices(self.shape, BLOCK):
            yield rows, (code, _NOTHING, X[rows], YT)

    def take(self, rows, cols):
        """Return the cost between some of the points."""
        X, Y = (Z.astype(self.dtype, copy=False) for Z in (self.X[rows], self.Y[cols]))
        return PointCloud(X, Y, self.metric, scale=self.scale)

    def stored_blocks(self):
        """Return slices of rows of which a whole matrix may be stored."""
        return _slices(self.shape, CALLED_BLOCK)

    def slopes(self, rows):
        """Yield for each coordinate the derivative of the cost in that of x, for some rows.

        Where the distance has a kink it is 0.
        """
        for d in range(self.X.shape[1]):
            difference = self.X[rows, d, None] - self.Y[:, d]
            if self.metric == "sqeuclidean":
                yield 2.0 * self.scale * difference
            elif self.metric == "l1":
                yield self.scale * np.sign(difference)
            else:
                distance = self.dense(rows) / self.scale
                yield self.scale * difference / np.where(distance > 0.0, distance, np.inf)

    def transposed(self):
        """Return the cost with rows and columns exchanged."""
        metric = self.metric
        if callable(metric):
            metric = _Exchanged(metric)
        return PointCloud(self.Y, self.X, metric, scale=self.scale)

    def dense(self, rows=slice(None)):
        """Return some rows of the matrix, an array."""
        X, Y = self.X[rows], self.Y
        C: Any
        if callable(self.metric):
            C = _real(self.metric(X.copy(), Y.copy()), "cost returned by `metric`", 2)
            if C.shape != (X.shape[0], Y.shape[0]):
                raise ProblemError(
                    f"`metric` returned shape {C.shape}, expected {(X.shape[0], Y.shape[0])}"
                )
            _check_costs(C)
        else:
            from scipy.spatial.distance import cdist

            name: Any = "cityblock" if self.metric == "l1" else self.metric
            C = cdist(X, Y, name)
        return np.ascontiguousarray(self.scale * C)


class _Exchanged:
    """A metric of the user with its arguments exchanged."""

    def __init__(self, metric):
        self.metric = metric

    def __call__(self, Y, X):
        return np.asarray(self.metric(X, Y)).T


def as_cost(cost) -> Any:
    """Return what a user gave for a cost as an object of this module."""
    if isinstance(cost, (DenseCost, ArrayCost, PointCloud)):
        return cost
    return ArrayCost(cost) if _foreign(cost) else DenseCost(cost)


def _foreign(array):
    return hasattr(array, "dtype") and namespace(array) is not np


def _check_cloud(X, Y, metric, scale):
    if X.shape[1] != Y.shape[1]:
        raise ProblemError(
            f"`X` and `Y` must have as many columns, got shapes {X.shape}, {Y.shape}"
        )
    if not callable(metric) and metric not in METRICS:
        raise ProblemError(f"`metric` must be one of {METRICS} or callable, got {metric!r}")
    if not 0 < scale < np.inf:
        raise ProblemError(f"`scale` must be positive and finite, got {scale!r}")


def _slices(shape, entries):
    step = max(1, entries // max(shape[1], 1))
    return [slice(i, min(i + step, shape[0])) for i in range(0, shape[0], step)]


def _points(X, name):
    X = _real(X, name, 2)
    if not np.isfinite(X).all():
        raise ProblemError(f"`{name}` must hold finite numbers only")
    return X


def _real(values, name, ndim):
    if isinstance(values, (np.ma.MaskedArray, np.matrix)):
        raise InputTypeError(f"`{name}` is a {type(values).__name__}; pass a plain array")
    if hasattr(values, "__array_namespace__") and not isinstance(values, (np.ndarray, np.generic)):
        raise InputTypeError(f"`{name}` is an array of another library; this needs a NumPy array")
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise InputTypeError(f"`{name}` must hold real numbers, got dtype {array.dtype}")
    if array.ndim != ndim or array.size == 0:
        raise ProblemError(f"`{name}` must be a matrix with entries, got shape {array.shape}")
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def _check_costs(C):
    low = C.min()  # NaN if one is
    if not low >= 0:
        i, j = np.argwhere(~(C >= 0))[0]
        advice = "" if np.isnan(low) else "; subtract the least cost: the plan stays the same"
        raise ProblemError(
            f"`cost` must be numbers that are not negative, entry ({i}, {j}) is {C[i, j]}{advice}"
        )
