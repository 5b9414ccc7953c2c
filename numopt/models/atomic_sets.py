"""Convex hulls of simple points, for which a linear function is minimised without effort.

extreme(g) = argmin { <g, v> : v in the set }
"""

from bisect import bisect_left

import numpy as np

from numopt.core.errors import ProblemError
from numopt.linalg.projections import simplex
from numopt.models.sets import ConvexSet


class L1Ball(ConvexSet):
    """All v whose absolute values sum to `radius` at most.

    Parameters
    ----------
    radius : float
        Positive.

    Examples
    --------
    >>> L1Ball(2.0).extreme(np.array([1.0, -3.0]))
    array([0., 2.])
    """

    def __init__(self, radius=1.0):
        self.radius = _positive(radius, "L1Ball")

    def project(self, v):
        if np.abs(v).sum() <= self.radius:
            return v.copy()
        return np.sign(v) * simplex(np.abs(v), radius=self.radius)

    def extreme(self, g):
        j = np.argmax(np.abs(g))
        return np.where(np.arange(g.size) == j, -np.sign(g[j]) * self.radius, 0.0)


class KSparsePolytope(ConvexSet):
    """Convex hull of the vectors with k entries `radius` or -`radius`, the others zero.

    These are the v with ``|v_i| <= radius`` whose absolute values sum to k times that at most.

    Parameters
    ----------
    k : int
        Positive.
    radius : float
        Positive.

    Examples
    --------
    >>> KSparsePolytope(2).extreme(np.array([1.0, -3.0, 2.0]))
    array([ 0.,  1., -1.])
    """

    def __init__(self, k, radius=1.0):
        if not (isinstance(k, (int, np.integer)) and k > 0):
            raise ProblemError(f"`k` of `KSparsePolytope` must be a positive integer, got {k!r}")
        self.k, self.radius = int(k), _positive(radius, "KSparsePolytope")

    def project(self, v):
        size, most = np.abs(v), self.k * self.radius
        shift = 0.0
        if np.minimum(size, self.radius).sum() > most:
            shift = self._shift(size, most)
        return np.sign(v) * np.clip(size - shift, 0.0, self.radius)

    def _shift(self, size, most):
        """Return what to subtract so that the entries, cut at 0 and `radius`, sum to `most`."""

        def total(shift):
            return np.clip(size - shift, 0.0, self.radius).sum()

        corners = np.sort(np.concatenate([size, np.maximum(size - self.radius, 0.0)]))
        after = bisect_left(corners, -most, key=lambda shift: -total(shift))
        ends = corners[after - 1 : after + 1]  # between them the sum is linear
        return float(np.interp(-most, [-total(shift) for shift in ends], ends))

    def extreme(self, g):
        largest = np.argsort(-np.abs(g), kind="stable")[: self.k]
        v = np.zeros(g.size)
        v[largest] = -np.sign(g[largest]) * self.radius
        return v


class NuclearBall(ConvexSet):
    """All matrices, as vectors row by row, whose singular values sum to `radius` at most.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    radius : float
        Positive.
    """

    def __init__(self, shape, radius=1.0):
        self.shape, self.radius = tuple(shape), _positive(radius, "NuclearBall")
        self.n = self.shape[0] * self.shape[1]

    def project(self, v):
        U, s, Vt = np.linalg.svd(v.reshape(self.shape), full_matrices=False)
        return (
            v.copy()
            if s.sum() <= self.radius
            else ((U * simplex(s, radius=self.radius)) @ Vt).ravel()
        )

    def extreme(self, g):
        U, _, Vt = np.linalg.svd(g.reshape(self.shape), full_matrices=False)
        return -self.radius * np.outer(U[:, 0], Vt[0]).ravel()


class Spectrahedron(ConvexSet):
    """All symmetric matrices V >= 0, as vectors row by row, of trace `radius`.

    Parameters
    ----------
    size : int
        Number of rows.
    radius : float
        Positive.
    """

    def __init__(self, size, radius=1.0):
        self.size, self.radius = int(size), _positive(radius, "Spectrahedron")
        self.n = self.size**2

    def project(self, v):
        values, Q = np.linalg.eigh(self._symmetric(v))
        return ((Q * simplex(values, radius=self.radius)) @ Q.T).ravel()

    def extreme(self, g):
        _, Q = np.linalg.eigh(self._symmetric(g))
        return self.radius * np.outer(Q[:, 0], Q[:, 0]).ravel()

    def _symmetric(self, v):
        V = v.reshape(self.size, self.size)
        return (V + V.T) / 2.0


def _positive(radius, name):
    if not 0 < radius < np.inf:
        raise ProblemError(f"the radius of `{name}` must be positive, got {radius!r}")
    return float(radius)
