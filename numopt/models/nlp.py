"""Nonlinear programs: minimise f(x) subject to cl <= c(x) <= cu and lb <= x <= ub."""

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from numopt.core.errors import ProblemError, Status, Stop
from numopt.models.inputs import projected, real_vector
from numopt.models.problem import Problem


class NLP(Problem):
    """A nonlinear program.

        minimise f(x)   subject to   cl <= c(x) <= cu,   lb <= x <= ub

    Subclasses set the attributes and implement the hooks ``_fun, _grad, _cons, _jac, _hess`` (and
    ``_hessp, _fun_and_grad`` where there is something better than the defaults below), which get a
    contiguous float64 vector that they must not change. The public methods check their arguments,
    count, keep the budget, and during a run remember the latest value of each function, so asking
    twice at one point costs one evaluation.

    Parameters
    ----------
    x0 : array_like, shape (n,)
        Start point.
    lb, ub : array_like, shape (n,) or scalar
        Bounds; infinite where there is none. ``lb == ub`` fixes a variable.
    cl, cu : array_like, shape (m,)
        Bounds of the constraints; equal for an equation.
    name : str
        Name in tables and messages.

    Attributes
    ----------
    n, m : int
        Number of variables and of constraints.
    counts : Counts
        Exact number of evaluations of each kind.

    Raises
    ------
    ProblemError
        For shapes that do not fit, NaN, ``lb > ub``, or bounds that no number satisfies.
    """

    kind = "nlp"
    only_products = False  # whether `hessp` is much cheaper than `hess`
    hess_kind = "exact"  # what `hess` offers: "exact", "differences" or "quasi-newton"
    by_differences = frozenset()  # which of "grad", "jac" and "hess" involve finite differences

    def __init__(
        self, x0, lb: Any = -np.inf, ub: Any = np.inf, cl: Any = (), cu: Any = (), name=""
    ):
        super().__init__()
        self.x0 = real_vector(x0, "x0", finite=True)
        self.n = self.x0.size
        self.lb = real_vector(lb, "lb", n=self.n)
        self.ub = real_vector(ub, "ub", n=self.n)
        self.name = name
        _refuse_crossed(self.lb, self.ub, "lb", "ub")
        self._set_sides(cl, cu)

    def _set_sides(self, cl, cu):
        self.cl = real_vector(cl, "cl")
        self.m = self.cl.size
        self.cu = real_vector(cu, "cu", n=self.m)
        _refuse_crossed(self.cl, self.cu, "cl", "cu")

    def start(self, x0=None, strict=False):
        """Return the start point of a run; `x0` is moved into the bounds, with a warning."""
        if x0 is None and not strict:
            return self.x0  # posed so on purpose; methods move it inside
        return projected(super().start(x0), self.lb, self.ub, strict, depth=5)

    # -- evaluations -------------------------------------------------------------------------

    def fun(self, x):
        """Return f(x), a float; not finite where f is undefined."""
        return self._recall("fun", self._fun, x)

    def values(self, X, candidates=True):
        """Return f at each row of X, shape (k,).

        Parameters
        ----------
        X : ndarray, shape (k, n)
        candidates : bool
            Whether a run remembers the best of them, which is its answer if it ends in a step.

        Raises
        ------
        Stop
            With MAX_FUN, after the rows that the budget allows.
        """
        room = self.room()
        if self.memo is not None and room < len(X):
            if room >= 1:
                self.values(X[: int(room)], candidates)
            raise Stop(Status.MAX_FUN)
        values = np.empty(len(X))
        for rows, f in self._values(X):
            values[rows] = f
            if candidates:
                self.keep_best(X[rows], values[rows])
        return values

    def keep_best(self, X, values):
        """Remember the best of some points, as the answer of a run that ends within a step."""
        low = np.fmin.reduce(values)  # NaN only where there is nothing else
        if self.memo is not None and low < self.best_known()[0]:
            self.memo["best"] = float(low), X[(values == low).argmax()].copy()

    def _values(self, X):
        """Yield slices of the rows and the values there, as soon as they are known."""
        for i, x in enumerate(X):
            self.begin("fun")
            yield slice(i, i + 1), self._fun(x)

    def cons_values(self, X):
        """Return c at each row of X, shape (k, m)."""
        if self.m == 0:
            return np.zeros((len(X), 0))
        C = np.empty((len(X), self.m))
        for c, x in zip(C, X, strict=True):
            self.begin("cons")
            c[:] = self._cons(x)
        return C

    def compiled(self) -> Any:
        """Return (function, arguments) of an objective that Numba has compiled, or None.

        A method that calls ``function(x, *arguments)`` counts the calls by `account`.
        """

    def grad(self, x):
        """Return the gradient of f, shape (n,)."""
        return self._recall("grad", self._grad, x)

    def cons(self, x):
        """Return c(x), shape (m,)."""
        return self._recall("cons", self._cons, x)

    def jac(self, x):
        """Return the Jacobian of c, a CSR matrix of shape (m, n)."""
        return self._recall("jac", self._jac, x)

    def hess(self, x, y=None):
        """Return the Hessian in x of f + y'c, a symmetric sparse matrix of shape (n, n)."""
        x, y = self.point(x), self.weights(y)
        self.begin("hess")
        return self._hess(x, y)

    def hessp(self, x, y, v):
        """Return the Hessian in x of f + y'c times the vector v, shape (n,)."""
        x, y, v = self.point(x), self.weights(y), self.point(v)
        self.begin("hessp")
        return self._hessp(x, y, v)

    def hess_products(self, x, y, V):
        """Return the Hessian in x of f + y'c times each column of V, shape (n, k).

        A problem for which many products at once are cheaper than one after the other, such as a
        finite sum, overrides ``_hess_products``.
        """
        x, y, V = self.point(x), self.weights(y), np.asarray(V, dtype=np.float64)
        if V.ndim != 2 or V.shape[0] != self.n:
            raise ProblemError(f"expected an array of shape ({self.n}, k), got shape {V.shape}")
        self.begin("hessp", V.shape[1])
        return self._hess_products(x, y, V)

    def fun_and_grad(self, x):
        """Return f(x) and its gradient, sharing work where the problem can."""
        x = self.point(x)
        self.begin("fun")
        self.begin("grad")
        return self._fun_and_grad(x)

    # -- hooks -------------------------------------------------------------------------------

    def _fun(self, x):
        raise NotImplementedError

    def _grad(self, x):
        raise NotImplementedError

    def _cons(self, x):
        return np.zeros(0)

    def _jac(self, x):
        return csr_matrix((0, self.n))

    def _hess(self, x, y):
        raise NotImplementedError

    def _hessp(self, x, y, v):
        return self._hess(x, y) @ v

    def _hess_products(self, x, y, V):
        products = [self._hessp(x, y, np.ascontiguousarray(v)) for v in V.T]
        return np.array(products).reshape(-1, self.n).T

    def _fun_and_grad(self, x):
        return self._fun(x), self._grad(x)

    # -- helpers -----------------------------------------------------------------------------

    def begin(self, kind, amount=1):
        """Count evaluations that are about to be made."""
        self.spend(kind, amount)

    def point(self, x):
        """Return x as a contiguous float64 vector of length n, without a copy if it is one."""
        if type(x) is not np.ndarray or x.dtype != np.float64 or not x.flags.c_contiguous:
            x = np.ascontiguousarray(x, dtype=np.float64)
        if x.shape != (self.n,):
            raise ProblemError(f"expected a vector of shape ({self.n},), got shape {x.shape}")
        return x

    def weights(self, y):
        """Return the constraint weights y as a float64 vector of length m (default: zeros)."""
        if y is None:
            return np.zeros(self.m)
        y = np.ascontiguousarray(y, dtype=np.float64)
        if y.shape != (self.m,):
            raise ProblemError(f"expected weights of shape ({self.m},), got shape {y.shape}")
        return y

    @property
    def linear_rows(self):
        """Which rows of c are known to be linear, shape (m,)."""
        return np.zeros(self.m, dtype=bool)

    def features(self):
        """Return which of "bounds", "eq" and "ineq" this problem has."""
        found = set()
        if np.isfinite(self.lb).any() or np.isfinite(self.ub).any():
            found.add("bounds")
        if (self.cl == self.cu).any():
            found.add("eq")
        if (self.cl < self.cu).any():
            found.add("ineq")
        return found

    def known_at(self, x):
        """Return (fun, violation) at a point as far as a run has evaluated them."""
        fun = self._remembered("fun", x, np.nan)
        c = self._remembered("cons", x, np.zeros(0) if self.m == 0 else None)
        return fun, np.inf if c is None else self.violation(x, c)

    def _remembered(self, kind, x, default):
        known = (self.memo or {}).get(kind)
        return known[1] if known is not None and known[0] == x.tobytes() else default

    def _recall(self, kind, hook, x):
        x = self.point(x)
        if self.memo is None:
            self.begin(kind)
            return hook(x)
        key = x.tobytes()
        known = self.memo.get(kind)
        if known is not None and known[0] == key:
            return known[1]
        self.begin(kind)
        value = hook(x)
        self.memo[kind] = key, value
        return value

    def violation(self, x, c):
        """Return the largest violation of bounds and constraints, in the units of the problem.

        Parameters
        ----------
        x : ndarray, shape (n,)
            The point.
        c : ndarray, shape (m,)
            Constraint values there; NaN makes the violation infinite.
        """
        worst = 0.0
        for lower, value, upper in ((self.lb, x, self.ub), (self.cl, c, self.cu)):
            if value.size:
                outside = np.maximum(lower - value, value - upper).max()
                worst = max(worst, float(outside)) if outside == outside else np.inf
        return worst


def _refuse_crossed(lower, upper, lower_name, upper_name):
    bad = np.flatnonzero((lower > upper) | (lower == np.inf) | (upper == -np.inf))
    if bad.size:
        i = bad[0]
        raise ProblemError(
            f"no number lies between `{lower_name}` and `{upper_name}` at index {i}: "
            f"{lower[i]} and {upper[i]}"
        )
