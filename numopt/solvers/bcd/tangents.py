"""Proximal Newton steps on smooth losses over a small working set, with Hessians of columns.

    repeat
        G = Hessian of f,   c = -gradient of f                 in the variables that may move
        d = argmin  -c'd + d'G d / 2 + g(w + d)                one compiled call
        w = w + t d,    t = 1, or less where F does not fall

A variable may move if it is not zero, or is drawn off zero by the gradient. A pass of the inner
descent costs the square of their number, however many rows there are.
"""

import numpy as np

from numopt.models.losses import Logistic, Multinomial, Point, Poisson
from numopt.models.penalties import Separable
from numopt.solvers.bcd.linesearch import backtrack

LARGEST = 256  # variables for which their Hessian is worth its price
SEVERAL = 1000  # the same for several classes, where the alternative forgets how they interact
WRITTEN_OUT = 2**22  # entries of sparse data that are made dense for that
STEPS = 20  # on one working set
RELATIVE = 0.1  # of the violation at the start of a model: accuracy of its minimiser
PASSES = 2000  # on one model
FLOOR = 1e-10  # of the curvature for second derivatives of one: no model is flat


def fits(problem):
    """Return whether a problem has this form."""
    loss, penalty = problem.loss, problem.penalty
    if not (isinstance(loss, (Logistic, Multinomial, Poisson)) and isinstance(penalty, Separable)):
        return False
    signed = np.all(penalty.lower == -np.inf) or np.all(penalty.lower == 0.0)
    return bool(signed and np.all(penalty.upper == np.inf)) and (
        loss.k > 1 or not loss.design.sparse
    )


class TangentSets:
    """Decides once whether a problem has the form, and descends on its small working sets.

    Parameters
    ----------
    problem : Composite
    allowed : bool
        Without Newton steps there is no descent here.
    """

    def __init__(self, problem, allowed):
        self.loss, self.penalty = problem.loss, problem.penalty
        self.able = allowed and fits(problem)
        self.largest = LARGEST if self.loss.k == 1 else SEVERAL

    def take(self, ws):
        """Return whether a working set is to be descended on here."""
        if self.loss.design.sparse and self.loss.m * ws.size > WRITTEN_OUT:
            return False
        return self.able and ws.size <= self.largest

    def descend(self, ws, point, goal):
        """Return the point after descent to a gap of `goal`, a violation where there is no dual.

        Parameters
        ----------
        ws : ndarray of int
            Variables; all others are zero.
        point : Point
        goal : float
        """
        loss, k = self.loss, self.loss.k
        j = np.unique(ws // k)
        b = (j[:, None] * k + np.arange(k)).ravel()
        part = _Part(loss.columns(j), self.penalty, b, ws)
        at = Point(point.x[b], point.z, point.c)
        fun, c = part.value(at), part.descent(at)
        for _ in range(STEPS):
            A = part.moving(c, at.x)
            w, promised = part.minimiser(at, c, A)
            at, fun, step = part.moved(at, A, w, fun, promised)
            c = part.descent(at)
            left = part.violation(c, at.x)
            if self.penalty.dual:
                left = min(promised, left * np.abs(at.x).sum())
            if step == 0.0 or left <= goal:
                break
        x = point.x.copy()
        x[b] = at.x
        return Point(x, at.z, at.c)


class _Part:
    """The problem in the variables b of some columns; only those of the working set may move."""

    def __init__(self, loss, penalty, b, ws):
        self.loss, self.mu = loss, penalty.mu[b]
        self.lam = np.where(np.isin(b, ws), penalty.lam[b], np.inf)
        self.positive = bool(np.all(penalty.lower == 0.0))

    def value(self, at):
        """Return F."""
        from numopt.kernels.gram import penalty

        return self.loss.value(at) + penalty(at.x, self.lam, self.mu)

    def descent(self, at):
        """Return the negative gradient of f."""
        return -self.loss.gradient(at)

    def violation(self, c, x):
        """Return how far the point is from optimality, where -c is the gradient of f."""
        from numopt.kernels.gram import violation

        return violation(c, self.lam, self.mu, self.positive, x)

    def moving(self, c, x):
        """Return the variables that may move."""
        return np.flatnonzero((x != 0.0) | ((c if self.positive else np.abs(c)) > self.lam))

    def minimiser(self, at, c, A):
        """Return the minimiser of the model in the variables A, and how much lower it is."""
        from numopt.kernels.gram import minimise

        G, w = self.loss.hessian(at, A), at.x[A]
        G[np.diag_indices(A.size)] += FLOOR * self.loss.squares[A // self.loss.k]
        terms = (self.lam[A], self.mu[A], self.positive)
        promised = minimise(G, c[A], *terms, RELATIVE, PASSES, w)
        return w, max(promised, 0.0)

    def moved(self, at, A, w, fun, promised):
        """Return a point on the way to the values w of the variables A, F there and the step."""
        loss, d, last = self.loss, np.zeros_like(at.x), at
        d[A] = w - at.x[A]
        z = loss.design.dot(d.reshape(loss.p, loss.k)).reshape(loss.m, loss.k)

        def value(t):
            nonlocal last
            last = loss.moved(at, at.x + t * d, t * z, 0.0)
            return self.value(last)

        step, found = backtrack(value, fun, -promised)
        return (last, found, step) if step > 0.0 else (at, fun, step)
