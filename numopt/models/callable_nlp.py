"""Nonlinear programs out of plain callables, whose every call is moderated and counted."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count, pairwise
from math import inf
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, diags_array, vstack

from numopt.core.errors import InputTypeError, ProblemError, UnsupportedError
from numopt.kernels.arrays import placed
from numopt.linalg.lbfgs import LimitedBFGS
from numopt.models.calls import Caller, Tally, WithArguments
from numopt.models.derivatives import (
    dense_jacobian,
    grouped_columns,
    sparse_jacobian,
    typical_sizes,
)
from numopt.models.functions import ConstantRows, UserFunction, UserObjective, is_strategy
from numopt.models.inputs import float_dtype, real_matrix, repeated
from numopt.models.nlp import NLP

LARGEST_BFGS = 500  # variables up to which an approximate Hessian is a full matrix


@dataclass(frozen=True, eq=False)
class NonlinearRows:
    """Constraints ``lower <= fun(x) <= upper`` out of a callable.

    Parameters
    ----------
    fun : callable
        ``fun(x) -> float`` or array of shape (k,).
    lower, upper : float or array_like, shape (k,)
        Bounds of the values.
    jac : callable or {'2-point', '3-point', 'cs'}
        ``jac(x) -> `` array or sparse matrix of shape (k, n), or a difference formula.
    hess : callable, {'2-point', '3-point', 'cs'}, update strategy or None
        ``hess(x, v) ->`` Hessian of ``v'fun`` as an array, sparse matrix or LinearOperator of
        shape (n, n), or a formula for differences of `jac`, or SciPy's HessianUpdateStrategy. None
        takes differences if `jac` is a callable.
    sparsity : array_like or sparse matrix, shape (k, n), optional
        Where the Jacobian may be nonzero; groups the columns of its differences.
    rel_step : float or array_like of shape (n,), optional
        Steps of the differences relative to ``max(1, |x|)``.
    """

    fun: Callable
    lower: Any = -inf
    upper: Any = inf
    jac: Any = "2-point"
    hess: Any = None
    sparsity: Any = None
    rel_step: Any = None


@dataclass(frozen=True, eq=False)
class LinearRows:
    """Constraints ``lower <= A x <= upper``.

    Parameters
    ----------
    A : array_like or sparse matrix, shape (k, n)
        Coefficients; (n,) for one row. Copied.
    lower, upper : float or array_like, shape (k,)
        Bounds of the rows.
    """

    A: Any
    lower: Any = -inf
    upper: Any = inf


class CallableNLP(Caller, NLP):
    """A nonlinear program out of plain callables.

        minimise fun(x)   subject to   lower_i <= c_i(x) <= upper_i,   lb <= x <= ub

    Parameters
    ----------
    fun : callable
        ``fun(x) -> float``.
    x0 : array_like, shape (n,)
        Start point.
    grad : callable, True or {'2-point', '3-point', 'cs'}
        ``grad(x) ->`` array of shape (n,); True if `fun` returns ``(f, g)``; or a formula.
    hess : callable, {'2-point', '3-point', 'cs'}, update strategy or None
        ``hess(x) ->`` matrix of shape (n, n); otherwise as in `NonlinearRows`.
    hessp : callable, optional
        ``hessp(x, p) ->`` Hessian of `fun` times the vector p, shape (n,).
    lb, ub : array_like, shape (n,) or scalar
        Bounds; differences never leave them.
    constraints : sequence of NonlinearRows and LinearRows
        The rows of c, in this order; c is evaluated once at `x0`, to learn its size.
    keep_feasible : array_like of bool, shape (n,) or scalar
        Bounds outside of which `fun` is never called: there the objective is NaN.
    hess_sparsity : array_like or sparse matrix, shape (n, n), optional
        Where the Hessian of the Lagrangian may be nonzero; groups the columns of its differences.
    map : callable, optional
        ``map(function, points) -> list``, by which differences are evaluated.
    vectorized : bool or "columns"
        `fun` takes many points: an array (S, n), or (n, S), and returns (S,).
    on_error : {"raise", "nan"}
        Whether an exception of a user's function ends the run or counts as NaN; then one
        RuntimeWarning tells, and 20 in a row end the run.
    name : str
        Name in tables and messages.

    Attributes
    ----------
    hess_kind : {"exact", "differences", "quasi-newton"}
        What `hess` offers; for "quasi-newton" see `hess_strategy`.
    counts : Counts
        Calls of the user's functions, those for differences included; of several constraints, the
        calls of the one that was called most. A vectorised call counts its points.

    Raises
    ------
    InputTypeError, ProblemError
        For functions that are none, unknown formulas, and values of the wrong type or shape.

    Examples
    --------
    >>> ring = NonlinearRows(lambda x: x @ x, 1.0, 1.0, jac=lambda x: 2 * x)
    >>> problem = CallableNLP(lambda x: x[0], [0.6, 0.8], lambda x: [1, 0], constraints=[ring])
    >>> problem.jac(problem.x0).toarray(), problem.hess_kind
    (array([[1.2, 1.6]]), 'differences')
    """

    sample: Any = None  # an array of the library in which the user computes, if not NumPy

    def __init__(
        self,
        fun,
        x0,
        grad: Any = "2-point",
        hess=None,
        hessp=None,
        *,
        lb: Any = -inf,
        ub: Any = inf,
        constraints=(),
        keep_feasible=False,
        hess_sparsity=None,
        map=None,
        vectorized=False,
        on_error="raise",
        name="",
    ):
        if on_error not in ("raise", "nan"):
            raise ProblemError(f"`on_error` must be 'raise' or 'nan', got {on_error!r}")
        super().__init__(x0, lb, ub, name=name)
        self.map, self.tally = map, Tally()
        self.dtype = float_dtype(x0)
        self.keep_feasible = np.broadcast_to(np.asarray(keep_feasible, dtype=bool), (self.n,))
        self.objective = UserObjective(self.n, fun, grad, hess, hessp, vectorized)
        self._set_rows(list(constraints))
        self.on_error = on_error  # from here on: without a first value a size is unknown
        self._functions = [self.objective, *(r for r in self.rows if isinstance(r, UserFunction))]
        self.hess_kind, self.by_differences = _kinds(self._functions)
        self._hess_groups = None
        if hess_sparsity is not None:
            square = self.n, self.n
            pattern = real_matrix(hess_sparsity, "`hess_sparsity`", square, verb="has")
            self._hess_groups = grouped_columns(pattern, self.lb < self.ub)

    def _set_rows(self, constraints):
        self.rows = [self._rows_of(item, i) for i, item in enumerate(constraints)]
        values = [rows.first_value(self, self.x0) for rows in self.rows]
        self._shapes = [value.shape for value in values]
        ends = np.cumsum([0, *(value.size for value in values)])
        self.slices = [slice(a, b) for a, b in pairwise(ends)]
        sizes = [value.size for value in values]
        self._set_sides(
            _joined(map(_side, [item.lower for item in constraints], count(), sizes)),
            _joined(map(_side, [item.upper for item in constraints], count(), sizes)),
        )
        # Handed over to the first run, which then need not evaluate them at x0 again.
        known = self.x0.copy(), _joined(map(np.ravel, values)), Tally(dict(self.tally.calls))
        self._first = [known] if self.counts.cons else []

    def _rows_of(self, item, i):
        if isinstance(item, LinearRows):
            return ConstantRows(item.A, i, self.n)
        if isinstance(item, NonlinearRows):
            rest = item.fun, item.jac, item.hess, item.sparsity, item.rel_step
            return UserFunction(f"constraint {i}", i, self.n, *rest)
        raise InputTypeError(
            f"constraint {i} must be NonlinearRows or LinearRows, got {type(item).__name__}"
        )

    # -- hooks -------------------------------------------------------------------------------

    def begin(self, kind, amount=1):
        """Count nothing yet: each call of a user's function is counted where it is made."""

    def armed(self, maxfun=inf, maxtime=inf):
        """Return a view of this problem for one run.

        The first one takes over the evaluation of the constraints at the start point.
        """
        view = super().armed(maxfun, maxtime)
        view.tally = Tally()
        with suppress(IndexError):  # several threads may come for it
            x, c, view.tally = self._first.pop()
            view.memo = {"cons": (x.tobytes(), c)}
            view.counts.cons = 1
        return view

    def reset_counts(self):
        """Set all counters to zero."""
        super().reset_counts()
        self.tally = Tally()

    def _values(self, X):
        values = self.objective.values(self, X)
        if isinstance(values, np.ndarray):
            return [(slice(0, len(X)), values[:, 0])]
        return ((slice(i, i + 1), f) for i, f in enumerate(values))

    def cons_values(self, X):
        """Return c at each row of X, shape (k, m)."""
        parts = [
            [rows.value(self, x) for x in X]
            if isinstance(rows, ConstantRows)
            else list(rows.values(self, X))
            for rows in self.rows
        ]
        sizes = (part.stop - part.start for part in self.slices)
        shaped = [np.reshape(v, (len(X), k)) for v, k in zip(parts, sizes, strict=True)]
        return np.concatenate([np.zeros((len(X), 0)), *shaped], axis=1)

    def compiled(self):
        """Return (function, arguments) if the objective is compiled by Numba, or None."""
        user, args = self.objective.fun, ()
        if isinstance(user, WithArguments):
            user, args = user.function, user.args
        plain = self.map is None and not (self.objective.vectorized or self.objective.paired)
        return (user, args) if plain and type(user).__name__ == "CPUDispatcher" else None

    def account(self, amount):
        """Count calls of the compiled objective that were made elsewhere."""
        self.counts.fun += amount
        calls = self.tally.calls
        calls["fun", "objective"] = calls.get(("fun", "objective"), 0) + amount

    def _fun(self, x):
        if (self.keep_feasible & ((x < self.lb) | (x > self.ub))).any():
            return np.nan
        return self.objective.value(self, x)

    def _grad(self, x):
        return self.objective.jacobian(self, x, lambda: np.array([self.fun(x)]))

    def _fun_and_grad(self, x):
        return self.fun(x), self.grad(x)

    def _cons(self, x):
        return _joined(rows.value(self, x) for rows in self.rows)

    def _jac(self, x):
        blocks = [
            rows.jacobian(self, x, lambda part=part: self.cons(x)[part])
            for rows, part in zip(self.rows, self.slices, strict=True)
        ]
        if len(blocks) < 2:
            return blocks[0] if blocks else csr_matrix((0, self.n))
        return csr_matrix(vstack(blocks, format="csr"))

    def _hess(self, x, y):
        if self.hess_kind == "quasi-newton":
            raise UnsupportedError(
                "the Hessian is approximated from gradients here: use `hess_strategy`"
            )
        H = csr_matrix((self.n, self.n))
        differenced = {}
        for function, weights in self._weighted(y):
            if function.exact_hess:
                H = H + function.hessian(self, x, weights)
            else:
                differenced.setdefault(function.hess_formula, []).append((function, weights))
        for formula, terms in differenced.items():
            H = H + self._differenced_hessian(x, terms, formula)
        return csr_matrix(H)

    def _hessp(self, x, y, v):
        if self.objective.hessp is None or self.hess_kind != "exact":
            return self._hess(x, y) @ v
        terms = self._weighted(y)
        total = self.objective.hessian_times(self, x, v)
        return sum((f.hessian(self, x, w) @ v for f, w in terms[1:]), start=total)

    @property
    def only_products(self):
        """Whether a Hessian of the objective costs n products with vectors, and nothing else."""
        given = self.objective.hessp is not None and self.objective.hess is None
        return given and self.hess_kind == "exact"

    @property
    def linear_rows(self):
        """Which rows of c are known to be linear, shape (m,)."""
        linear = np.zeros(self.m, dtype=bool)
        for rows, part in zip(self.rows, self.slices, strict=True):
            linear[part] = isinstance(rows, ConstantRows)
        return linear

    # -- second derivatives ------------------------------------------------------------------

    def hess_strategy(self):
        """Return a fresh update strategy of the Hessian of the Lagrangian.

        Returns
        -------
        scipy.optimize.HessianUpdateStrategy
            A copy of the user's first one, or damped BFGS, of limited memory for n above 500; not
            yet initialised.
        """
        from copy import deepcopy

        for function in self._functions:
            if is_strategy(function.hess):
                return deepcopy(function.hess)
        if self.n > LARGEST_BFGS:
            return LimitedBFGS()
        from scipy.optimize import BFGS

        return BFGS(exception_strategy="damp_update")

    def _weighted(self, y):
        """Return (function, weights) of the objective and of each constraint that y involves."""
        terms: list[Any] = [(self.objective, np.ones(1))]
        for rows, part in zip(self.rows, self.slices, strict=True):
            if isinstance(rows, UserFunction) and y[part].any():
                terms.append((rows, y[part]))
        return terms

    def _differenced_hessian(self, x, terms, formula):
        """Return the Hessian of the sum of weights'function by differences of its gradient."""

        def gradients(points):
            points = list(points)
            each = [f.weighted_gradients(self, points, weights) for f, weights in terms]
            return (sum(parts) for parts in zip(*each, strict=True))

        known = sum(f.weighted_gradient_at(self, x, weights) for f, weights in terms)
        at = gradients, x, known, self.lb, self.ub
        how = {"formula": formula, "typical": self._sizes_in_gradients(f for f, _ in terms)}
        if self._hess_groups is None:
            G = csr_matrix(dense_jacobian(*at, **how))
        else:
            G = sparse_jacobian(*at, self._hess_groups, **how)
        moved = diags_array((self.lb < self.ub).astype(float))  # fixed variables are not
        return moved @ ((G + G.T) / 2) @ moved

    def typical_sizes(self, key, evaluate):
        """Return the typical sizes of the variables in one function, found once in each run."""
        if self.memo is None:
            return np.ones(self.n)
        place = "typical", key
        if place not in self.memo:
            self.memo[place] = typical_sizes(evaluate, self.x0, self.lb, self.ub)
        return self.memo[place]

    def _sizes_in_gradients(self, functions):
        """Return the smallest typical sizes of the variables in the gradients of some functions."""
        sizes = np.ones(self.n)
        for function in functions:

            def gradients(points, function=function):
                return function.weighted_gradients(self, points, np.ones(function.rows))

            sizes = np.minimum(sizes, self.typical_sizes(("gradient", function.key), gradients))
        return sizes

    # -- the result --------------------------------------------------------------------------

    def _deliver(self, result):
        """Replace the points of a result by arrays of the library of the start point."""
        holders = [result, *([result["best"]] if result.get("best") else [])]
        for holder in holders:
            for name in ("x", "population", "population_energies", "consensus_points"):
                if isinstance(holder.get(name), np.ndarray):
                    values = np.ascontiguousarray(holder[name])
                    holder[name] = placed(values, self.sample, dtype=self.sample.dtype)

    def present(self, result):
        """Return a result with `x` in the dtype of `x0` and multipliers by constraint object."""
        result["x"] = result["x"].astype(self.dtype)
        if result.get("best"):
            result["best"]["x"] = result["best"]["x"].astype(self.dtype)
        if self.sample is not None:
            self._deliver(result)
        if result.get("multipliers"):
            y = np.asarray(result["multipliers"]["constraints"])
            parts = zip(self.slices, self._shapes, strict=True)
            shaped = [y[part].reshape(shape) for part, shape in parts]
            result["multipliers"] = result["multipliers"] | {"constraints": shaped}
        return result


def _side(side, i, k):
    return repeated(side, f"bound of constraint {i}", k)


def _joined(vectors):
    return np.concatenate([np.zeros(0), *vectors])


def _kinds(functions):
    """Return what the Hessian of the Lagrangian is, and which derivatives are differences."""
    objective, *constraints = functions
    differenced = {"grad"} if not objective.exact_jac else set()
    differenced |= {"jac"} if not all(f.exact_jac for f in constraints) else set()
    if all(f.exact_hess for f in functions):
        return "exact", frozenset(differenced)
    inexact = [f for f in functions if not f.exact_hess]
    if any(is_strategy(f.hess) or not f.exact_jac for f in inexact):
        return "quasi-newton", frozenset(differenced)
    return "differences", frozenset(differenced | {"hess"})
