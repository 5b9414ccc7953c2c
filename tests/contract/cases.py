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


@dataclass(frozen=True)
class BilevelCase:
    """A lower level of two variables, y = Bx with B = [[1, 1], [0, 2]], and a target for x and y.

    The target can be met exactly, so that no method is biased by its penalty.
    """

    name: str = "bilevel"
    methods: tuple = ("bamm", "f2sa", "f3sa", "implicit", "kkt", "lv_hba")
    x0: tuple = (2.0, 2.0)
    x: tuple = (1.0, -0.5)
    tol: float = 1e-9
    kind: str = "bilevel"
    features: frozenset = field(default_factory=frozenset)

    def problem(self):
        B, target = np.array([[1.0, 1.0], [0.0, 2.0]]), np.array(self.x)
        y = B @ target
        return numopt.Bilevel(
            lambda x, y: 0.5 * ((x - target) @ (x - target) + (y - B @ target) @ (y - B @ target)),
            lambda x, y: 0.5 * (y - B @ x) @ (y - B @ x),
            x0=(self.x0, 0 * y),
            grad_F=lambda x, y: (x - target, y - B @ target),
            grad_f=lambda x, y: (B.T @ (B @ x - y), y - B @ x),
            hvp=lambda x, y, v: (-B.T @ v, v),
        )

    def fun(self, x):
        return 0.0

    def run(self, method, **kwargs):
        kwargs.setdefault("tol", self.tol)
        return numopt.minimize(self.problem(), method=method, **kwargs)


@dataclass(frozen=True)
class MonotoneCase:
    """An inclusion; `value` is what the result shows at the solution."""

    name: str
    build: Any
    x0: tuple
    x: tuple
    value: float
    kind: str
    features: frozenset = field(default_factory=frozenset)

    def problem(self):
        return self.build(self.x0)

    def fun(self, x):
        return self.value

    def run(self, method, **kwargs):
        return numopt.minimize(self.problem(), method=method, **kwargs)


@dataclass(frozen=True)
class NonnegativeRankOneCase:
    """The best nonnegative matrix of rank one, which is that of the first singular vectors."""

    name: str
    Y: Any
    kind: str = "factorisation"
    features: frozenset = field(default_factory=frozenset)

    def problem(self):
        return numopt.NonnegativeFactorisation(self.Y, 1)

    @property
    def x0(self):
        return (1.0,) * sum(self.Y.shape)

    @property
    def x(self):
        U, s, Vt = np.linalg.svd(self.Y)
        return tuple(np.concatenate([np.abs(U[:, 0]), s[0] * np.abs(Vt[0])]))

    def fun(self, x):
        m = self.Y.shape[0]
        return 0.5 * np.sum((self.Y - np.outer(x[:m], x[m:])) ** 2)

    def run(self, method, **kwargs):
        return numopt.minimize(self.problem(), method=method, **kwargs)


@dataclass(frozen=True)
class PreferenceCase:
    """A bowl that is known by comparisons only; a result shows its measure as `fun`."""

    name: str = "preference"
    x0: tuple = (3.0, 1.0)
    x: tuple = (1.0, -2.0)
    kind: str = "preference"
    features: frozenset = field(default_factory=frozenset)

    def problem(self):
        def height(x):
            return (x[0] - self.x[0]) ** 2 + 3.0 * (x[1] - self.x[1]) ** 2

        return numopt.Preference(self.x0, compare=lambda x, y: bool(height(x) < height(y)))

    def fun(self, x):
        return 0.0

    def run(self, method, **kwargs):
        return numopt.minimize(self.problem(), method=method, **kwargs)


def game(x0):
    return numopt.MatrixGame([[3.0, -1.0], [-2.0, 1.0]], x0)


def program(x0):
    return numopt.LinearProgram([-3.0, -2.0], [[1.0, 1.0], [2.0, 1.0]], -np.inf, [4.0, 6.0], x0=x0)


def turning(x0):
    A, b = np.array([[1.0, 2.0], [-2.0, 1.0]]), np.array([-5.0, 0.0])
    return numopt.Inclusion(lambda u: A @ u + b, lambda v, t: np.clip(v, 0.0, 5.0), x0)


def lasso(x0):
    A, b = np.array([[2.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), np.array([2.0, 0.0, 0.5])
    return numopt.FiniteSum(A, b, "squared", numopt.Term("l1", 0.5), x0=x0)


@dataclass(frozen=True)
class CompositeCase:
    """A loss and a penalty, with CVXPY's words for both."""

    name: str
    make: Any  # () -> Composite
    objective: Any  # of a variable of CVXPY
    constraints: Any = lambda w: []
    methods: tuple = ("bcd",)
    kind: str = "composite"
    features: frozenset = field(default_factory=frozenset)

    def problem(self):
        return self.make()

    @property
    def x0(self):
        return (0.0,) * self.make().n

    @property
    def x(self):
        import cvxpy as cp

        w = cp.Variable(self.make().n)
        problem = cp.Problem(cp.Minimize(self.objective(w)), self.constraints(w))
        problem.solve(solver="CLARABEL", tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
        return tuple(w.value)

    def fun(self, x):
        return self.make().fun(np.asarray(x))

    def run(self, method, **kwargs):
        return numopt.minimize(self.make(), method=method, **kwargs)


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
        "box",
        rosenbrock,
        rosenbrock_grad,
        rosenbrock_hess,
        (0.1, 0.2),
        (0.5, 0.25),
        bounds=Bounds([-2, -2], [0.5, 2]),
        features=frozenset({"bounds"}),
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

RNG = np.random.default_rng(7)
DATA = RNG.standard_normal((20, 6))
TARGET = DATA @ np.array([2.0, -1.0, 0.0, 0.0, 1.0, 0.0]) + 0.3 * RNG.standard_normal(20)
LABELS = np.eye(3)[np.argmax(DATA[:, :3] + RNG.standard_normal((20, 3)), axis=1)]


def squares(w):
    import cvxpy as cp

    return 0.5 * cp.sum_squares(DATA @ w - TARGET)


def absolute(w):
    import cvxpy as cp

    return cp.norm1(w)


def pairs(w):
    import cvxpy as cp

    return sum(cp.norm(w[i : i + 2]) for i in (0, 2, 4))


def multinomial(w):
    import cvxpy as cp

    Z = DATA @ cp.reshape(w, (6, 3), order="C")
    return cp.sum(cp.log_sum_exp(Z, axis=1)) - cp.sum(cp.multiply(LABELS, Z))


COMPOSITE_CASES = [
    CompositeCase(
        "lasso",
        lambda: numopt.Composite(numopt.LeastSquares(DATA, TARGET), numopt.L1(3.0)),
        lambda w: squares(w) + 3.0 * absolute(w),
    ),
    CompositeCase(
        "box-constrained quadratic",
        lambda: numopt.Composite(
            numopt.QuadForm(DATA.T @ DATA, DATA.T @ TARGET), numopt.BoxConstraint(-0.5, 1.0)
        ),
        squares,
        lambda w: [w >= -0.5, w <= 1.0],
    ),
    CompositeCase(
        "group lasso",
        lambda: numopt.Composite(numopt.LeastSquares(DATA, TARGET), numopt.GroupL2(4.0, 2)),
        lambda w: squares(w) + 4.0 * pairs(w),
    ),
    CompositeCase(
        "multinomial",
        lambda: numopt.Composite(numopt.Multinomial(DATA, LABELS), numopt.L1(1.0)),
        lambda w: multinomial(w) + absolute(w),
    ),
]

DATA_CASES = [
    *COMPOSITE_CASES,
    TransportCase("two and three", (0.3, 0.7), (0.5, 0.3, 0.2), LINE, 20.0),
    TransportCase("cloud", (1 / 7,) * 7, (1 / 7,) * 7, SQUARES, 15.0),
    NonnegativeRankOneCase("nonnegative", np.array([[1.0, 2.0, 0.5], [0.3, 1.0, 2.0]])),
    QuadraticTransportCase("quadratic", (0.3, 0.7), (0.5, 0.3, 0.2), LINE, 0.02),
    BilevelCase(),
    PreferenceCase(),
    MonotoneCase(
        "game", game, (1.0, 0.0, 1.0, 0.0), (2 / 7, 5 / 7, 3 / 7, 4 / 7), 1 / 7, "bilinear"
    ),
    MonotoneCase("program", program, (0.0,) * 4, (2.0, 2.0, 1.0, 1.0), -10.0, "bilinear"),
    MonotoneCase("turning", turning, (0.3, 0.4), (1.0, 2.0), 0.0, "inclusion"),
    MonotoneCase("lasso", lasso, (0.0, 0.0), (0.6, 0.0), 0.65 / 6 + 0.3, "finite_sum"),
]
