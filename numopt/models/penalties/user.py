"""A penalty that the user knows by its proximal points."""

import copy

import numpy as np

from numopt.models.inputs import real_array, real_scalar
from numopt.models.penalties.base import Penalty
from numopt.models.penalties.groups import partition_of


class UserProx(Penalty):
    """A penalty known by its proximal points.

    Parameters
    ----------
    prox : callable
        ``prox(v, step, b) -> array``: proximal points for the variables b.
    value : callable
        ``value(x) -> float`` of the whole vector.
    groups : int or list of array_like, optional
        Units in which it is separable; coordinates if None.

    Notes
    -----
    The distance to the subdifferential is measured by |x_b - prox_b(x_b - grad_b, 1)|.
    """

    code = -1
    convex = False  # nothing is known

    def __init__(self, prox, value, groups=None):
        self._prox, self._value, self._given = prox, value, groups

    def bound(self, n, columns=None):
        new = copy.copy(self)
        new.n = n
        new.groups = None if self._given is None else partition_of(self._given, n)
        return new

    def value(self, x):
        return real_scalar(self._value(x.copy()), "value")

    def prox(self, v, step, b=None):
        b = np.arange(self.n) if b is None else b
        return real_array(self._prox(v.copy(), step, b), "prox", v.shape)

    def distance(self, grad, x):
        if self.groups is None:
            return np.abs(x - self.prox(x - grad, 1.0))
        moves = [x[b] - self.prox(x[b] - grad[b], 1.0, b) for b in self.groups]
        return np.array([np.linalg.norm(d) for d in moves])

    def kink(self, x):
        return np.zeros(self.units, dtype=bool)
