"""Gradient-regularised Newton: `practical` is the default, `paper` as published."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy.sparse.linalg import LinearOperator

from numopt.core.errors import OptionError, ProblemError, Status, Stop, UnsupportedError
from numopt.core.solver import Iterate, Solver
from numopt.linalg.metric import Metric
from numopt.models.transforms import updated_strategy
from numopt.solvers.gradient_newton import paper, practical


class State(NamedTuple):
    """One iterate, and what the search for gamma remembers."""

    x: np.ndarray  # (n,)
    f: float
    g: np.ndarray  # gradient, (n,)
    gamma: float
    metric: Metric
    strategy: Any  # update of a quasi-Newton matrix, or None
    lam: float = 0.0
    trials: int = 0  # of the latest iteration
    factorisations: int = 0  # of the whole run


@dataclass(frozen=True, kw_only=True)
class GradientNewton(Solver):
    """Options of ``method="gradient_newton"``: Newton regularised by the norm of the gradient.

        minimise f(x)

    Each step is ``-(H + lam B)^-1 g`` with ``lam = |g|_* / gamma``, where H may be an approximation
    of the Hessian, however crude: gamma adapts to it.

    Parameters
    ----------
    variant : {"auto", "paper"}
        ``"auto"`` is the practical method: any symmetric H, one factorisation an iteration, gamma
        from the errors that were seen. ``"paper"`` is the published one, for comparison.
    hessian : "exact", "products", another name, or callable
        ``"products"`` forms no matrix. Another name is one of ``problem.approximations``. A
        callable ``hessian(x)`` returns an array, a sparse matrix, a LinearOperator or a
        `LowRank`; see `numopt.models.approximations`.
    metric : "identity", "diagonal" or array_like, shape (n,) or (n, n)
        The matrix B: the diagonal of H at the start point (for one more evaluation of it), a vector
        for a diagonal matrix, or any symmetric positive definite one of condition below 1e12.
    gamma0 : float
        Start value of gamma; infinity tries Newton's step first. 0 stands for infinity, and for 1
        in ``"paper"``.
    tol, maxiter, maxfun, maxtime, target, disp
        As for every method, see `Solver`.

    Notes
    -----
    The measure is the dual norm of the gradient, (g'B^-1 g)^(1/2). An iteration costs one Hessian,
    one factorisation (of a sparse H: one for each trial, after one analysis of its pattern) and one
    or a few evaluations of f.

    Scalars of the history: ``gamma, lam, trials, factorisations`` (the latter of the whole run).

    References
    ----------
    .. [1] A. Semenov, M. Jaggi, N. Doikov, Gradient-Normalized Smoothness for Optimization with
       Approximate Hessians, ICLR 2026.
    """

    name = "gradient_newton"
    measure = "gradient norm (dual)"
    certificate = "gradient"
    reference = "Semenov, Jaggi, Doikov, ICLR 2026"

    variant: Literal["auto", "paper"] = "auto"
    hessian: Any = "exact"
    metric: Any = "identity"
    gamma0: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        self.require(self.gamma0 >= 0, "gamma0", "must be >= 0")
        known = callable(self.hessian) or isinstance(self.hessian, str)
        self.require(known, "hessian", "must be a name or a callable")
        self.require(_is_metric(self.metric), "metric", f"must be {METRICS}")

    def check(self, problem):
        super().check(problem)
        ready = getattr(problem, "approximations", {})
        if isinstance(self.hessian, str) and self.hessian not in ("exact", "products", *ready):
            raise UnsupportedError(
                f"method 'gradient_newton': the problem has no approximation {self.hessian!r}; "
                f"`hessian` may be: {', '.join(('exact', 'products', *ready))}, or a callable"
            )

    def init(self, problem, x0, run):
        f, g = problem.fun(x0), problem.grad(x0)
        strategy = None
        if self.hessian == "exact" and problem.hess_kind == "quasi-newton":
            strategy = problem.hess_strategy()
            strategy.initialize(problem.n, "hess")
        gamma = self.gamma0 or (1.0 if self.variant == "paper" else np.inf)
        s = State(x0, f, g, gamma, Metric(), strategy)
        if np.isfinite(f) and np.isfinite(g).all():
            s = s._replace(metric=self._metric(problem, s))
        return s

    def step(self, problem, s, run):
        H = self._hessian(problem, s)
        if not np.isfinite(s.g).all():
            raise Stop(Status.NONFINITE, "the gradient")

        def moved(x, f, g, gamma, lam, trials, factorisations):
            strategy = s.strategy and updated_strategy(s.strategy, x - s.x, g - s.g)
            total = s.factorisations + factorisations
            return State(x, f, g, gamma, s.metric, strategy, lam, trials, total)

        variant = paper if self.variant == "paper" else practical
        try:
            return variant.step(problem, s, s.metric.congruent(H), moved)
        except FloatingPointError as error:
            raise Stop(Status.NONFINITE, str(error)) from None

    def report(self, problem, s, run):
        names = ("gamma", "lam", "trials", "factorisations")
        scalars = {name: float(getattr(s, name)) for name in names}
        fields = {"metric": s.metric}
        return Iterate(s.x, s.f, _norm(s.metric, s.g), 0.0, scalars, lambda: fields)

    def verify(self, problem, it):
        return problem.fun(it.x), _norm(it.fields()["metric"], problem.grad(it.x)), 0.0

    def _metric(self, problem, s):
        if isinstance(self.metric, str):
            if self.metric == "identity":
                return Metric()
            H: Any = self._hessian(problem, s)
            if isinstance(H, LinearOperator):
                raise UnsupportedError(
                    f"method {self.name!r}: metric='diagonal' needs the entries of the Hessian"
                )
            return self._usable(H.diagonal())
        B = np.asarray(self.metric, dtype=float)
        self.require(B.shape in ((problem.n,), (problem.n,) * 2), "metric", f"must be {METRICS}")
        return self._usable(B)

    def _usable(self, B):
        try:
            return Metric(B)
        except ValueError as error:
            raise OptionError(f"method {self.name!r}: {error}") from None

    def _hessian(self, problem, s):
        """Return H at the current point, in any form."""
        if s.strategy is not None:
            return s.strategy.get_matrix()
        if self.hessian == "exact":
            return problem.hess(s.x)
        if self.hessian == "products":
            product = lambda v: problem.hessp(s.x, None, np.ravel(v))  # noqa: E731
            return LinearOperator((problem.n,) * 2, matvec=product, dtype=float)  # pyright: ignore
        source = self.hessian if callable(self.hessian) else problem.approximations[self.hessian]
        problem.spend("hess")
        return _checked(source(s.x.copy()), problem.n)


METRICS = "'identity', 'diagonal', or an array of shape (n,) or (n, n)"


def _is_metric(value):
    if isinstance(value, str):
        return value in ("identity", "diagonal")
    try:
        B = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        return False
    return B.ndim in (1, 2) and B.size > 0 and B.shape[0] == B.shape[-1]


def _checked(H, n):
    """Return what a user's approximation returned, an array if it was a list."""
    H = H if hasattr(H, "shape") else np.asarray(H, dtype=float)
    if H.shape != (n, n):
        raise ProblemError(f"`hessian` returned shape {H.shape}, expected {(n, n)}")
    return H


def _norm(metric, g):
    return float(np.linalg.norm(metric.dual(g)))
