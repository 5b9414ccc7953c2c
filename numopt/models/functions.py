"""A user's functions with what is known of their derivatives.

The methods that evaluate get the problem on whose account the calls are made.
"""

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from numopt.core.errors import ProblemError
from numopt.models.calls import Accept, AcceptPair
from numopt.models.derivatives import FORMULAS, dense_jacobian, grouped_columns, sparse_jacobian
from numopt.models.inputs import real_matrix, real_vector


class UserFunction:
    """A function R^n -> R^k: some rows of the constraints.

    Parameters
    ----------
    label : str
        Who it is, for messages.
    key : int
        Its place among the constraints.
    n : int
        Number of variables.
    fun, jac, hess, sparsity, rel_step
        As in `NonlinearRows`.
    """

    kinds = ("cons", "jac")
    rows = 1

    def __init__(self, label, key, n, fun, jac, hess, sparsity=None, rel_step=None):
        self.label, self.key, self.n = label, key, n
        self.fun, self.jac, self.hess = _callable(fun, label, "fun"), jac, hess
        self.sparsity, self.groups = sparsity, None
        self.rel_step = None if rel_step is None else real_vector(rel_step, "rel_step", n=n)
        self.exact_jac, self.exact_hess = callable(jac), callable(hess)
        self._check_forms()

    def _check_forms(self):
        if not self.exact_jac and not _is_formula(self.jac):
            raise ProblemError(
                f"{self.label}: `jac` must be callable or one of {FORMULAS}, got {self.jac!r}"
            )
        known = self.hess is None or self.exact_hess or is_strategy(self.hess)
        if not known and not _is_formula(self.hess):
            raise ProblemError(
                f"{self.label}: `hess` must be callable, one of {FORMULAS}, a "
                f"HessianUpdateStrategy or None, got {self.hess!r}"
            )
        if _is_formula(self.hess) and not self.exact_jac:
            raise ProblemError(
                f"{self.label}: hess={self.hess!r} takes differences of `jac`, which is itself "
                "differenced; give a callable `jac`, or an update strategy as `hess`"
            )

    @property
    def hess_formula(self):
        """The formula for differences of the gradient."""
        return self.hess if isinstance(self.hess, str) else "2-point"

    def first_value(self, problem, x):
        """Evaluate once, and learn the number of rows."""

        def accept(value, dtype):
            return Accept(self.label, (None,))(value, dtype).reshape(np.shape(value))

        value = problem.ask("cons", self.key, self.fun, x, accept)
        self._set_rows(value.size, problem.lb < problem.ub)
        return value

    def _set_rows(self, k, free):
        self.rows = k
        self.accept = Accept(self.label, (k,))
        self.accept_jac = Accept(f"jac of {self.label}", (k, self.n))
        self.accept_hess = Accept(f"hess of {self.label}", (self.n, self.n))
        if self.sparsity is not None:
            pattern = real_matrix(self.sparsity, "`sparsity`", (k, self.n), verb="has")
            self.groups = grouped_columns(pattern, free)

    def value(self, problem, x):
        """Return the value, shape (k,)."""
        return problem.ask("cons", self.key, self.fun, x, self.accept)

    def values(self, problem, points):
        """Return an iterator over the values at many points."""
        return problem.ask_many("cons", self.key, self.fun, points, self.accept)

    def jacobian(self, problem, x, known):
        """Return the Jacobian, CSR of shape (k, n); `known` returns the value at x."""
        if self.exact_jac:
            return problem.ask("jac", self.key, self.jac, x, self.accept_jac)
        return csr_matrix(self._differenced(problem, x, known()))

    def _differenced(self, problem, x, f):
        def evaluate(points):
            return self.values(problem, points)

        at = evaluate, x, f, problem.lb, problem.ub
        typical = 1.0
        if self.rel_step is None and self.jac != "cs":
            typical = problem.typical_sizes(self.key, evaluate)
        how = {"formula": self.jac, "rel_step": self.rel_step, "typical": typical}
        if self.groups is None:
            return dense_jacobian(*at, **how)
        return sparse_jacobian(*at, self.groups, **how)

    def weighted_gradients(self, problem, points, weights):
        """Return an iterator over J'weights at many points."""
        jacobians = problem.ask_many("jac", self.key, self.jac, points, self.accept_jac)
        return (J.T @ weights for J in jacobians)

    def weighted_gradient_at(self, problem, x, weights):
        """Return J'weights at x, from the problem's memory if it is there."""
        return problem.jac(x)[problem.slices[self.key]].T @ weights

    def hessian(self, problem, x, weights):
        """Return the given Hessian of weights'function, CSR of shape (n, n)."""

        def user(point):
            return self.hess(point, weights.copy())

        return problem.ask("hess", self.key, user, x, self.accept_hess)


class UserObjective(UserFunction):
    """The objective: one row, which may come together with its gradient, or vectorised.

    Parameters
    ----------
    n, fun, grad, hess, hessp, vectorized
        As in `CallableNLP`.
    """

    def __init__(self, n, fun, grad, hess, hessp, vectorized):
        self.paired, self.vectorized = grad is True, vectorized
        self.hessp: Any = hessp if hessp is None else _callable(hessp, "objective", "hessp")
        super().__init__("objective", "objective", n, fun, fun if self.paired else grad, hess)
        self.exact_hess = self.exact_hess or (hessp is not None and hess is None)
        self.accept = Accept("objective", ())
        self.accept_grad = Accept("gradient of the objective", (n,))
        self.accept_pair = AcceptPair(self.accept, self.accept_grad)
        self.accept_hess = Accept("hess of the objective", (n, n))
        self.accept_hessp = Accept("hessp of the objective", (n,))
        if vectorized not in (False, True, "columns"):
            raise ProblemError(f"`vectorized` must be a bool or 'columns', got {vectorized!r}")
        if vectorized and self.paired:
            raise ProblemError("a vectorised `fun` cannot return its gradient; give the gradient")

    def value(self, problem, x):
        """Return f(x)."""
        if self.paired:
            return self._pair(problem, x)[0]
        if self.vectorized:
            return float(self._all_at_once(problem, x)[0])
        return problem.ask("fun", self.key, self.fun, x, self.accept)

    def values(self, problem, points):
        """Return an iterator over f at many points, each of shape (1,)."""
        if self.vectorized:
            X = points if isinstance(points, np.ndarray) else np.array(list(points))
            return self._all_at_once(problem, X)[:, None]
        values = problem.ask_many("fun", self.key, self.fun, points, self.accept)
        return (np.array([f]) for f in values)

    def _all_at_once(self, problem, X):
        def user(X):
            return self.fun(np.ascontiguousarray(X.T) if self.vectorized == "columns" else X)

        X = X.reshape(-1, self.n)
        accept = Accept("objective", (len(X),))
        return problem.ask("fun", self.key, user, X, accept, amount=len(X))

    def _pair(self, problem, x):
        known = problem.tally.pair
        if known is None or not np.array_equal(known[0], x):
            known = x.copy(), problem.ask("fun", self.key, self.fun, x, self.accept_pair)
            problem.tally.pair = known
        return known[1]

    def jacobian(self, problem, x, known):
        """Return the gradient, shape (n,); `known` returns f(x) as an array."""
        if self.paired:
            return self._pair(problem, x)[1].copy()
        if self.exact_jac:
            return problem.ask("grad", self.key, self.jac, x, self.accept_grad)
        return self._differenced(problem, x, known())[0]

    def weighted_gradients(self, problem, points, weights):
        """Return an iterator over the gradients at many points."""
        if self.paired:
            pairs = problem.ask_many("fun", self.key, self.fun, points, self.accept_pair)
            return (g for _, g in pairs)
        return problem.ask_many("grad", self.key, self.jac, points, self.accept_grad)

    def weighted_gradient_at(self, problem, x, weights):
        """Return the gradient at x, from the problem's memory if it is there."""
        return problem.grad(x)

    def hessian(self, problem, x, weights):
        """Return the given Hessian; out of n products if only these are given."""
        if self.hess is not None:
            return problem.ask("hess", self.key, self.hess, x, self.accept_hess)
        H = np.zeros((self.n, self.n))
        for j, e in enumerate(np.eye(self.n)):
            H[:, j] = self.hessian_times(problem, x, e)
        return csr_matrix(H)

    def hessian_times(self, problem, x, v):
        """Return the given product of the Hessian with v."""

        def user(point):
            return self.hessp(point, v.copy())

        return problem.ask("hessp", self.key, user, x, self.accept_hessp)


class ConstantRows:
    """The rows of a constant matrix; methods as in `UserFunction`.

    Parameters
    ----------
    A : array_like or sparse matrix, shape (k, n)
        Copied.
    i, n : int
        Place among the constraints; number of variables.
    """

    def __init__(self, A, i, n):
        name = f"`A` of constraint {i}"
        self.A = real_matrix(A, name, (None, n), verb="has")
        entries = self.A.tocoo()
        bad = np.flatnonzero(~np.isfinite(entries.data))
        if bad.size:
            k = bad[0]
            where = f"entry ({entries.row[k]}, {entries.col[k]}) is {entries.data[k]}"
            raise ProblemError(f"{name} must hold finite numbers only, {where}")

    def first_value(self, problem, x):
        """Return the value, shape (k,)."""
        return self.A @ x

    value = first_value

    def jacobian(self, problem, x, known):
        """Return the matrix itself."""
        return self.A


def is_strategy(hess):
    """Return whether this is one of SciPy's strategies for updating a Hessian."""
    return hasattr(hess, "initialize") and hasattr(hess, "update") and hasattr(hess, "dot")


def _is_formula(value):
    return isinstance(value, str) and value in FORMULAS


def _callable(function, label, word):
    if not callable(function):
        raise ProblemError(f"`{word}` of {label} must be callable, got {type(function).__name__}")
    return function
