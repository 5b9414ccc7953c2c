"""Implicit differentiation: descent on Phi(x) = F(x, y(x)), y(x) the solution of the lower level.

y  from  grad_y f(x, y) = 0                        truncated Newton from the last y
q  from  (d2f/dydy) q = grad_y F(x, y)             conjugate gradients from the last q
grad Phi = grad_x F - (d2f/dxdy) q
x  by projected limited-memory BFGS on a box, by spectral projected gradients on other sets
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from numopt.core.errors import Status, Stop
from numopt.solvers.bilevel.base import BilevelSolver
from numopt.solvers.bilevel.descent import Descent, Stuck, advance, begin, region_of
from numopt.solvers.bilevel.newton import Metric, conjugate_gradients, newton


class Inner(NamedTuple):
    """What is found at an x."""

    y: np.ndarray  # (m,)
    q: np.ndarray  # (m,)
    metric: Metric


class State(NamedTuple):
    """The outer descent, whose oracle finds an `Inner`, and whether it is at its end."""

    outer: Descent
    finished: bool = False


@dataclass(frozen=True, kw_only=True)
class Implicit(BilevelSolver):
    """Options of ``method="implicit"``: implicit differentiation of a smooth lower level.

        minimise F(x, y(x)) over x in X,   y(x) = argmin f(x, .),  f(x, .) strongly convex

    Parameters
    ----------
    inner_tol : float
        Largest entry of grad_y f at which the lower level counts as solved; less for a small `tol`.
    linear_tol : float
        Relative residual of the linear systems.
    tol, maxiter, maxfun, maxtime, target, disp
        As for every method, see `Solver`.

    Notes
    -----
    An iteration costs one or more solutions of the lower level, each some products with its
    Hessian (`hvp` of `Bilevel`, or differences), and one linear system. The method goes on to a
    stationarity of `tol` where it can; where no step is accepted any more, its root is enough.

    Result: the fields of every bilevel result, see `numopt.models.bilevel`: ``y, certificates,
    lower_fun, multipliers, stationarity, calls``.

    References
    ----------
    .. [1] M. Blondel et al., Efficient and modular implicit differentiation, NeurIPS 2022.
    .. [2] F. Pedregosa, Hyperparameter optimization with approximate gradient, ICML 2016.
    """

    name = "implicit"
    accepts = frozenset({"X", "implicit sets"})
    reference = "Blondel et al., NeurIPS 2022"

    inner_tol: float = 1e-7
    linear_tol: float = 1e-7

    def __post_init__(self):
        super().__post_init__()
        self.require(self.inner_tol > 0, "inner_tol", "must be > 0")
        self.require(0 < self.linear_tol < 1, "linear_tol", "must lie between 0 and 1")

    def init(self, problem, x0, run):
        x, y = self.begin(problem, x0, run)
        return State(begin(self._oracle(problem), x, Inner(y, np.zeros(problem.m), Metric())))

    def step(self, problem, s, run):
        if s.finished:
            raise Stop(Status.SMALL_STEP)
        try:
            outer = advance(self._oracle(problem), s.outer, region_of(problem.X, problem.n))
        except Stuck:
            return s._replace(finished=True)
        return State(outer)

    def report(self, problem, s, run):
        at = s.outer.at
        residual = region_of(problem.X, problem.n).residual(at.w, at.g)
        return self.reported(problem, at.w, at.extra.y, residual, finished=s.finished)

    def _oracle(self, problem):
        inner, linear = min(self.inner_tol, 0.01 * self.tol), min(self.linear_tol, self.tol)
        return lambda x, known: hypergradient(problem, x, known, inner, linear)


def hypergradient(problem, x, known, inner_tol, linear_tol):
    """Return (Phi(x), its gradient, `Inner`).

    Parameters
    ----------
    problem : Bilevel
    x : ndarray, shape (n,)
    known : Inner
        Of a point nearby.
    inner_tol, linear_tol : float
        See `Implicit`.
    """
    found = newton(
        lambda t: problem.f(x, t),
        lambda t: problem.grad_f_y(x, t),
        lambda t, v: problem.hvp(x, t, v)[1],
        known.y,
        inner_tol,
        metric=known.metric,
    )
    if not np.isfinite(found.g).all():
        return np.inf, np.full(x.size, np.nan), known
    y, (gx, gy) = found.y, problem.grad_F(x, found.y)
    along = lambda v: problem.hvp(x, y, v)[1]  # noqa: E731
    metric = found.metric.renewed(along, y.size)
    q, steps = conjugate_gradients(along, gy, known.q, linear_tol, metric)
    gradient = gx - problem.hvp(x, y, q)[0]
    return problem.F(x, y), gradient, Inner(y, q, metric.used(steps))
