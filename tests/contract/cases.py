"""Small problems with known answers, written as a user would: plain functions and SciPy objects."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import Bounds, NonlinearConstraint

import numopt
from numopt.scipy_like import nlp_from_scipy


@dataclass
class Calls:
    """Number of calls of each function, as the user sees them."""

    fun: int = 0
    grad: int = 0
    hess: int = 0
    cons: int = 0
    jac: int = 0

    def counting(self, kind, function):
        def counted(*args):
            setattr(self, kind, getattr(self, kind) + 1)
            return function(*args)

        return counted


@dataclass(frozen=True)
class Case:
    """A problem of class `kind`: functions, start, and the answer."""

    name: str
    fun: Any
    jac: Any
    hess: Any
    x0: tuple
    x: tuple  # the solution
    bounds: Any = None
    constraint: tuple = ()  # (c, J, hess of y'c, lower, upper)
    kind: str = "nlp"
    features: frozenset = field(default_factory=frozenset)

    def arguments(self, calls=None, fun=None):
        """Arguments of `minimize`, with counting functions."""
        calls = calls or Calls()
        given = {
            "fun": calls.counting("fun", fun or self.fun),
            "x0": list(self.x0),
            "jac": calls.counting("grad", self.jac),
            "hess": calls.counting("hess", self.hess),
            "bounds": self.bounds,
        }
        if self.constraint:
            c, J, H, lower, upper = self.constraint
            c, J = calls.counting("cons", c), calls.counting("jac", J)
            given["constraints"] = NonlinearConstraint(c, lower, upper, jac=J, hess=H)
        return given

    def problem(self, calls=None, fun=None):
        given = self.arguments(calls, fun)
        return nlp_from_scipy(**given)

    def run(self, method, calls=None, fun=None, **kwargs):
        return numopt.minimize(**self.arguments(calls, fun), method=method, **kwargs)


@dataclass(frozen=True)
class TransportCase:
    """Transport between two points and three; the data are all there is, no functions."""

    name: str
    a: tuple
    b: tuple
    cost: Any
    eta: float
    methods: tuple = ("sinkhorn", "sns")  # those with this regularisation
    kind: str = "transport"
    features: frozenset = field(default_factory=frozenset)

    def problem(self):
        return numopt.Transport(self.a, self.b, self.cost, eta=self.eta)

    @property
    def x0(self):
        return (0.0,) * (len(self.a) + len(self.b))

    @property
    def x(self):
        """Potentials by plain scaling of a matrix, in extended precision."""
        a, b = (np.array(v, dtype=np.longdouble) for v in (self.a, self.b))
        K = np.exp(-self.eta * self.problem().cost.dense().astype(np.longdouble))
        v = np.ones(b.size, dtype=np.longdouble)
        for _ in range(5000):
            u = a / (K @ v)
            v = b / (K.T @ u)
        alpha, beta = np.log(u) / self.eta, np.log(v) / self.eta
        return centred(a, alpha, beta)

    def fun(self, x):
        x, n = np.asarray(x), len(self.a)
        C = self.problem().cost.dense()
        P = np.exp(self.eta * (x[:n, None] + x[n:] - C))
        return float(np.sum(P * C) + np.sum(P * (np.log(P) - 1.0)) / self.eta)

    def run(self, method, **kwargs):
        return numopt.minimize(self.problem(), method=method, **kwargs)


@dataclass(frozen=True)
class QuadraticTransportCase(TransportCase):
    """The same with a squared norm so strong that every entry of the plan is positive."""

    methods: tuple = ("sparse_ot",)

    @property
    def x(self):
        a, b, C = np.array(self.a), np.array(self.b), self.problem().cost.dense()
        n, m = C.shape
        A = np.block([[m * np.eye(n), np.ones((n, m))], [np.ones((m, n)), n * np.eye(m)]])
        rhs = np.concatenate([a / self.eta + C.sum(axis=1), b / self.eta + C.sum(axis=0)])
        x = np.linalg.lstsq(A, rhs)[0]
        assert np.all(x[:n, None] + x[n:] > C)
        return centred(a, x[:n], x[n:])

    def fun(self, x):
        x, n = np.asarray(x), len(self.a)
        C = self.problem().cost.dense()
        T = self.eta * np.maximum(x[:n, None] + x[n:] - C, 0.0)
        return float(np.sum(T * C) + 0.5 / self.eta * np.sum(T**2))


def centred(a, alpha, beta):
    """Return the potentials whose first part has mean zero."""
    mean = a @ alpha / a.sum()
    return tuple(np.concatenate([alpha - mean, beta + mean]).astype(float))


def able(cls, case):
    ours = cls.name in getattr(case, "methods", (cls.name,))
    return ours and case.kind in cls.problems and case.features <= cls.accepts


def rosenbrock(x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


def rosenbrock_grad(x):
    return np.array([-400 * x[0] * (x[1] - x[0] ** 2) - 2 * (1 - x[0]), 200 * (x[1] - x[0] ** 2)])


def rosenbrock_hess(x):
    return np.array([[1200 * x[0] ** 2 - 400 * x[1] + 2, -400 * x[0]], [-400 * x[0], 200.0]])


def plane(x):
    return x[0] + x[1]


# A method that samples looks at a whole population before it says that nothing is defined.
MOST_UNDEFINED = {"cbo": 21}

CIRCLE = (
    lambda x: x @ x,
    lambda x: 2 * x,
    lambda x, y: 2 * y[0] * np.eye(x.size),
)

CASES = [
    Case("rosenbrock", rosenbrock, rosenbrock_grad, rosenbrock_hess, (-1.2, 1.0), (1.0, 1.0)),
    Case(
        "circle",
        plane,
        lambda x: np.ones(2),
        lambda x: np.zeros((2, 2)),
        (-1.5, -0.5),
        (-1.0, -1.0),
        constraint=(*CIRCLE, 2.0, 2.0),
        features=frozenset({"eq"}),
    ),
    Case(
        "box and disc",
        rosenbrock,
        rosenbrock_grad,
        rosenbrock_hess,
        (0.1, 0.2),
        (0.5, 0.25),
        bounds=Bounds([-2, -2], [0.5, 2]),
        constraint=(*CIRCLE, -np.inf, 2.0),
        features=frozenset({"bounds", "ineq"}),
    ),
]

LINE = np.abs(np.subtract.outer(np.array([0.0, 1.0]), np.array([0.2, 0.5, 1.5])))
CLOUD = np.random.default_rng(5).uniform(size=(2, 7, 2))
SQUARES = numopt.PointCloud(*CLOUD)

DATA_CASES = [
    TransportCase("two and three", (0.3, 0.7), (0.5, 0.3, 0.2), LINE, 20.0),
    TransportCase("cloud", (1 / 7,) * 7, (1 / 7,) * 7, SQUARES, 15.0),
    QuadraticTransportCase("quadratic", (0.3, 0.7), (0.5, 0.3, 0.2), LINE, 0.02),
]
