"""Problems that are known by comparisons only: which of some points is better.

minimise f(x)   subject to   lb <= x <= ub,   where f itself is never seen
"""

from functools import cmp_to_key
from heapq import nsmallest
from typing import Any

import numpy as np

from numopt.core.errors import InputTypeError, ProblemError
from numopt.models.inputs import projected, real_vector, repeated
from numopt.models.problem import Problem


class Preference(Problem):
    """A problem whose points can be compared or ranked, for example by people.

    Parameters
    ----------
    x0 : array_like, shape (n,)
        Start point.
    compare : callable, optional
        ``compare(x, y) -> bool``: whether x is better than y.
    rank : callable, optional
        ``rank(X, k) -> k indices`` of the best rows of X, the best one first; X has shape (m, n).
        One of the two must be given.
    lb, ub : float or array_like, shape (n,)
        Bounds; no point outside is shown.
    name : str
        Name in tables and messages.

    Attributes
    ----------
    counts : Counts
        ``fun`` counts comparisons, or the points that were shown to `rank`.

    Raises
    ------
    InputTypeError, ProblemError
        For functions that are none, both or neither of them, and answers that are no ranking.

    Examples
    --------
    >>> taste = Preference([3.0, 1.0], compare=lambda x, y: abs(x).sum() < abs(y).sum())
    >>> taste.best(np.array([[1.0, 1.0], [0.5, 0.0], [2.0, 2.0]]), 2)
    array([1, 0])
    """

    kind = "preference"

    def __init__(
        self, x0, *, compare: Any = None, rank: Any = None, lb=-np.inf, ub=np.inf, name=""
    ):
        super().__init__()
        if (compare is None) == (rank is None):
            raise ProblemError("give one of `compare` and `rank`")
        if not callable(rank or compare):
            word = "rank" if rank else "compare"
            raise InputTypeError(f"`{word}` must be callable, got {type(rank or compare).__name__}")
        self.x0 = real_vector(x0, "x0", finite=True)
        self.n, self.name = self.x0.size, name
        self.lb, self.ub = repeated(lb, "lb", self.n), repeated(ub, "ub", self.n)
        if np.any(self.lb > self.ub):
            raise ProblemError("the bounds `lb` and `ub` cross")
        self.compare, self.rank = compare, rank

    def start(self, x0=None, strict=False):
        """Return the start point of a run; `x0` is moved into the bounds, with a warning."""
        return projected(super().start(x0), self.lb, self.ub, strict, depth=5)

    def features(self):
        """Return {"bounds"} if there are any, else nothing."""
        bounded = np.isfinite(self.lb).any() or np.isfinite(self.ub).any()
        return {"bounds"} if bounded else set()

    def best(self, X, k):
        """Return the indices of the k best rows of X, best first, shape (k,)."""
        if self.rank is not None:
            self.spend("fun", len(X))
            return _ranking(self.rank(X.copy(), k), len(X), k)
        key = cmp_to_key(lambda i, j: self._compared(X[i], X[j]))
        return np.array(nsmallest(k, range(len(X)), key=key))

    def _compared(self, x, y):
        self.spend("fun")
        answer = self.compare(x.copy(), y.copy())
        if not isinstance(answer, (bool, np.bool_)):
            raise InputTypeError(f"`compare` returned {type(answer).__name__}, expected a bool")
        return -1 if answer else 1


def _ranking(answer, m, k):
    order = np.asarray(answer)
    right = order.shape == (k,) and order.dtype.kind in "iu"
    if not right or len(set(order.tolist())) < k or order.min() < 0 or order.max() >= m:
        raise ProblemError(f"`rank` returned {answer!r}, expected {k} different indices below {m}")
    return order.astype(np.intp)
