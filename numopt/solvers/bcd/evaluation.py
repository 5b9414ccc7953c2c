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
    worst: int  # the unit where that is, or -1
    scores: np.ndarray  # of units: distance to leaving the kink, -inf off the kinks
    scale: float  # of the residual, in the dual point

    def left(self, dual):
        """Return the duality gap, or the violation where there is no dual."""
        best = max(dual, self.dual)
        return max(self.fun - best, 0.0) if best > -inf else self.kkt


def evaluate(problem, columns, point, slopes):
    """Return what is to be known of a point; ``slopes(residual)`` gives the gradient."""
    problem.spend("grad")
    loss, penalty = problem.loss, problem.penalty
    residual = loss.residual(point)
    grad = slopes(residual)
    if penalty.code == GROUPED:
        kkt, worst, scale, value, scores = _scan_groups(penalty, columns, grad, point.x)
    else:
        kkt, worst, scale, value, scores = _scan(penalty, columns, grad, point.x)
    fun = loss.value(point) + value
    dual = -inf
    if penalty.dual:
        dual = -loss.conjugate(scale * residual) - _conjugate(columns, grad, scale)
    return Evaluated(point, fun, grad, dual, kkt, worst, scores, scale)


def _scan(penalty, columns, grad, x):
    from numopt.kernels.coordinate import scan

    scores = np.empty(x.size)
    found = scan(penalty.code, grad, x, columns.norms, columns.pen, float(penalty.gamma), scores)
    return *found, scores


def _conjugate(columns, grad, scale):
    from numopt.kernels.coordinate import conjugate

    return 0.0 if columns.grouped else conjugate(grad, scale, columns.pen)


def _scan_groups(penalty, columns, grad, x):
    from numopt.models.penalties import soft

    distance = penalty.distance(grad, x)
    off = ~penalty.kink(x)
    pull = penalty.norms(soft(grad, penalty.lam1))
    norms = np.where(columns.norms > 0.0, columns.norms, 1.0)
    scores = np.where(off, -inf, (penalty.lam - pull) / norms)
    scores[np.isinf(penalty.lam)] = inf
    worst = int(distance.argmax()) if distance.size else -1
    kkt = float(distance.max(initial=0.0))
    return kkt, worst, penalty.feasible(grad), penalty.value(x), scores
