"""A small composite problem, and the losses on its data."""

import numpy as np

from numopt import (
    Composite,
    Huber,
    LeastSquares,
    Logistic,
    Multinomial,
    Poisson,
)

NAN, INF = np.nan, np.inf
X = np.array([[1.0, 0.2, 0.0], [0.3, 1.0, 0.5], [0.0, -0.4, 1.0], [1.0, 1.0, 1.0]])
Y = np.array([1.0, -2.0, 0.5, 3.0])
SIGNS = np.sign(Y)
CLASSES = np.eye(2)[[0, 1, 1, 0]]
RULES = {"blocks": 2}  # asks for the engine of rules


def problem(penalty=None, loss=None, **kwargs):
    return Composite(loss or LeastSquares(X, Y), penalty, **kwargs)


class Own(Exception):
    pass


LOSSES = {
    "squares": lambda X, s=None: LeastSquares(X, Y, s),
    "logistic": lambda X, s=None: Logistic(X, SIGNS, s),
    "huber": lambda X, s=None: Huber(X, Y, 1.0, s),
    "poisson": lambda X, s=None: Poisson(X, np.abs(Y), s),
    "multinomial": lambda X, s=None: Multinomial(X, CLASSES, s),
}
