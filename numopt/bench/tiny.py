"""Tiny problems of every kind: solving them imports and compiles what a method needs."""

import numpy as np
from scipy.sparse import csc_array, csr_array

import numopt
from numopt.models.nlp import NLP

MATRIX = np.array([[3.0, -1.0], [-2.0, 1.0], [1.0, 2.0]])
SIGNS = np.array([1.0, -1.0, 1.0])


class Tiny(NLP):
    """Minimise x1^4 + x2^2, with or without the line x1 + x2 = 1 and bounds."""

    def __init__(self, line, bounds):
        bounds = (-5.0, 5.0) if bounds else (-np.inf, np.inf)
        rows = ([1.0], [1.0]) if line else ((), ())
        super().__init__([2.0, 2.0], *bounds, *rows, name="TINY")

    def _fun(self, x):
        return x[0] ** 4 + x[1] ** 2

    def _grad(self, x):
        return np.array([4.0 * x[0] ** 3, 2.0 * x[1]])

    def _cons(self, x):
        return np.full(self.m, x[0] + x[1])

    def _jac(self, x):
        return csr_array(np.ones((self.m, 2)))

    def _hess(self, x, y):
        return csr_array(np.diag([12.0 * x[0] ** 2, 2.0]))


def _transport():
    points = np.arange(6.0).reshape(3, 2) / 6.0
    yield numopt.Transport(None, None, numopt.PointCloud(points, 1.0 - points), reg=0.05)


def _composite():
    for X in (MATRIX, csc_array(MATRIX)):
        yield numopt.Composite(numopt.LeastSquares(X, SIGNS), numopt.L1(0.1))
        yield numopt.Composite(numopt.Logistic(X, SIGNS), numopt.L1(0.1))
        yield numopt.Composite(numopt.LeastSquares(X, SIGNS), numopt.GroupL2(0.1, 2))
        yield numopt.Composite(numopt.QuadForm(X.T @ X, SIGNS[:2]), numopt.L1(0.1))


def _factorisation():
    Y = np.arange(1.0, 7.0).reshape(2, 3)
    yield numopt.NonnegativeFactorisation(Y, 1)
    yield numopt.MatrixCompletion(Y, 1)


def _inclusion():
    turn = np.array([[1.0, 2.0], [-2.0, 1.0]])
    yield numopt.Inclusion(lambda u: turn @ u - 1.0, lambda v, t: np.maximum(v, 0.0), np.ones(2))


def _finite_sum():
    for loss in ("squared", "logistic"):
        yield numopt.FiniteSum(MATRIX, SIGNS, loss, numopt.Term("l1", 0.1), ridge=0.1)


def _bilinear():
    yield numopt.MatrixGame(MATRIX)


def _bilevel():
    yield numopt.Bilevel(
        lambda x, y: (x[0] - 0.5) ** 2 + (y[0] - 0.5) ** 2,  # both levels agree: quick for all
        lambda x, y: (y[0] - x[0]) ** 2,
        x0=([0.2], [0.3]),
        X=numopt.Box(0.0, 1.0),
        autodiff="trace",
    )


EXAMPLES = {
    "bilevel": _bilevel,
    "bilinear": _bilinear,
    "composite": _composite,
    "factorisation": _factorisation,
    "finite_sum": _finite_sum,
    "inclusion": _inclusion,
    "transport": _transport,
}
