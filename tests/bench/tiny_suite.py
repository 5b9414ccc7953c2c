"""A small collection for the tests: the interface of a suite, problems written by hand."""

from types import SimpleNamespace

import numpy as np
from scipy.sparse import csr_array

from numopt.models.nlp import NLP


class ROSENBR(NLP):
    f_best = 0.0

    def __init__(self):
        super().__init__([-1.2, 1.0], name="ROSENBR")

    def _fun(self, x):
        return 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2

    def _grad(self, x):
        r = x[1] - x[0] ** 2
        return np.array([-400.0 * x[0] * r - 2.0 * (1.0 - x[0]), 200.0 * r])

    def _hess(self, x, y):
        h = 1200.0 * x[0] ** 2 - 400.0 * x[1] + 2.0
        return csr_array(np.array([[h, -400.0 * x[0]], [-400.0 * x[0], 200.0]]))


class HS1(ROSENBR):
    """The same valley above x2 = -1.5."""

    def __init__(self):
        super().__init__()
        self.x0 = np.array([-2.0, 1.0])
        self.lb = np.array([-np.inf, -1.5])


class HS6(NLP):
    f_best = 0.0

    def __init__(self):
        super().__init__([-1.2, 1.0], cl=[0.0], cu=[0.0], name="HS6")

    def _fun(self, x):
        return (1.0 - x[0]) ** 2

    def _grad(self, x):
        return np.array([-2.0 * (1.0 - x[0]), 0.0])

    def _cons(self, x):
        return np.array([10.0 * (x[1] - x[0] ** 2)])

    def _jac(self, x):
        return csr_array(np.array([[-20.0 * x[0], 10.0]]))

    def _hess(self, x, y):
        return csr_array(np.array([[2.0 - 20.0 * y[0], 0.0], [0.0, 0.0]]))


class HS71(NLP):
    f_best = 17.0140173

    def __init__(self):
        super().__init__([1, 5, 5, 1], 1.0, 5.0, [25.0, 40.0], [np.inf, 40.0], name="HS71")

    def _fun(self, x):
        return x[0] * x[3] * (x[0] + x[1] + x[2]) + x[2]

    def _grad(self, x):
        s = x[0] + x[1] + x[2]
        return np.array([x[3] * (x[0] + s), x[0] * x[3], x[0] * x[3] + 1.0, x[0] * s])

    def _cons(self, x):
        return np.array([np.prod(x), x @ x])

    def _jac(self, x):
        return csr_array(np.stack([[np.prod(np.delete(x, i)) for i in range(4)], 2.0 * x]))

    def _hess(self, x, y):
        s = x[0] + x[1] + x[2]
        H = np.zeros((4, 4))
        H[0] = [x[3], x[3], x[3], x[0] + s]
        H[3, 1:3] = x[0]
        H = H + np.tril(H.T, -1) + np.triu(H.T, 1)
        H[0, 0] = 2.0 * x[3]
        P = [[np.prod(np.delete(x, [i, j])) * (i != j) for j in range(4)] for i in range(4)]
        return csr_array(H + y[0] * np.array(P) + 2.0 * y[1] * np.eye(4))


class HS35(NLP):
    """A quadratic program with one inequality, x >= 0."""

    f_best = 1.0 / 9.0
    A = np.array([[4.0, 2.0, 2.0], [2.0, 4.0, 0.0], [2.0, 0.0, 2.0]])
    b = np.array([-8.0, -6.0, -4.0])

    def __init__(self):
        super().__init__([0.5, 0.5, 0.5], 0.0, np.inf, [-np.inf], [3.0], name="HS35")

    def _fun(self, x):
        return 9.0 + self.b @ x + 0.5 * x @ self.A @ x

    def _grad(self, x):
        return self.b + self.A @ x

    def _cons(self, x):
        return np.array([x[0] + x[1] + 2.0 * x[2]])

    def _jac(self, x):
        return csr_array(np.array([[1.0, 1.0, 2.0]]))

    def _hess(self, x, y):
        return csr_array(self.A)


TABLE = {
    cls.__name__: SimpleNamespace(f_best=cls.f_best, definition=cls)
    for cls in (ROSENBR, HS1, HS6, HS71, HS35)
}


def names(kind=None, max_n=None):
    from numopt.cutest import kind_of

    loaded = {name: load(name) for name in TABLE}
    return [
        name
        for name, p in loaded.items()
        if kind in (None, kind_of(p)) and (max_n is None or p.n <= max_n)
    ]


def load(name):
    return TABLE[name].definition()


def entry(name):
    return TABLE[name]
