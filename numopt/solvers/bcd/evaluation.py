"""What one pass over all columns tells about a point: its certificate."""

from math import inf
from typing import NamedTuple

import numpy as np

from numopt.models.losses import Point
from numopt.models.penalties import GROUPED


class Evaluated(NamedTuple):
    """A point with gradient, certificate and scores."""

    point: Point
    fun: float
    grad: np.ndarray  # (n,)
    dual: float  # value of the dual at the shrunk residual, or -inf
    kkt: float  # largest distance of -grad to the subdifferential
    scores: np.ndarray  # of units: distance to leaving the kink, -inf off the kinks

    def left(self, dual):
        """Return a bound of what is left to gain, or a guess where there is no dual."""
        if max(dual, self.dual) > -inf:
            return max(self.fun - max(dual, self.dual), 0.0)
        return self.kkt**2


def evaluate(problem, columns, point):
    """Return what is to be known of a point."""
    problem.spend("grad")
    loss, penalty = problem.loss, problem.penalty
    residual = loss.residual(point)
    grad = loss.design.tdot(residual if loss.k > 1 else residual[:, 0]).ravel()
    if penalty.code == GROUPED:
        kkt, scale, value, scores = _scan_groups(penalty, columns, grad, point.x)
    else:
        kkt, scale, value, scores = _scan(penalty, columns, grad, point.x)
    fun = loss.value(point) + value
    dual = -inf
    if penalty.dual:
        dual = -loss.conjugate(scale * residual) - _conjugate(penalty, grad, scale)
    return Evaluated(point, fun, grad, dual, kkt, scores)


def _scan(penalty, columns, grad, x):
    from numopt.kernels.coordinate import scan

    scores = np.empty(x.size)
    table = columns.tail[0]
    norms = columns.norms
    return *scan(penalty.code, grad, x, norms, table, float(penalty.gamma), scores), scores


def _conjugate(penalty, grad, scale):
    from numopt.kernels.coordinate import conjugate

    return 0.0 if penalty.code == GROUPED else conjugate(grad, scale, penalty.table())


def _scan_groups(penalty, columns, grad, x):
    from numopt.models.penalties import soft

    distance = penalty.distance(grad, x)
    off = ~penalty.kink(x)
    pull = penalty.norms(soft(grad, penalty.lam1))
    norms = np.where(columns.norms > 0.0, columns.norms, 1.0)
    scores = np.where(off, -inf, (penalty.lam - pull) / norms)
    scores[np.isinf(penalty.lam)] = inf
    return float(distance.max(initial=0.0)), penalty.feasible(grad), penalty.value(x), scores
