"""Semismooth Newton for plans with quadratic regularisation, exactly sparse.

    h(alpha) = <a, alpha> + <b, beta(alpha)> - (gamma/2) |T|^2,
               T_ij = max(alpha_i + beta_j - C_ij, 0) / gamma   on the k largest of column j,
               beta(alpha) such that the columns of T are right

    for gamma_k = ..., 16 gamma, 4 gamma, gamma, without k; then with k
                                                        (each to a violation of 1e-2, the last: tol)
        sigma  = pattern of T,  s = mu gamma |a - T 1|
        (diag(sigma 1) - sigma diag(sigma'1)^-1 sigma' + s I) d = gamma (a - T 1)
        alpha  = alpha + t d,  t = 1, 1/2, 1/4, 1/10: the first with rho > 0,
                 rho = gain of h over that of its quadratic model
        mu     = 4 mu if rho < 1/4,  mu / 2 if rho > 3/4

A row without entries goes to where its first one becomes active. Near the solution the pattern no
longer changes, and a step is exact.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from numopt.core.errors import Status, Stop, UnsupportedError
from numopt.core.solver import Iterate, Solver
from numopt.linalg.schur import schur_solve
from numopt.models.plans import SparseCertificate
from numopt.models.sparse_transport import SparsePoint, SparseSemidual
from numopt.solvers.transport.base import PROOFS, ROUNDING, lazy_fields

STEPS = (1.0, 0.5, 0.25, 0.1)
SPARSE_PROOFS = tuple(name for name in PROOFS if name != "gradients")
MU_MIN, MU_MAX = 1e-3, 1e12
RUNG_TOL = 1e-2
CG_TOL, CG_FLOOR, CG_GOAL, CG_LIMIT = 0.1, 1e-10, 0.1, 100


class State(NamedTuple):
    """Potentials and plan, and the damping of the next step."""

    point: SparsePoint
    k: int = 0  # the limit, once it is on
    mu: float = 1.0
    newton_iterations: int = 0
    cg_iterations: int = 0


@dataclass(frozen=True, kw_only=True)
class SparseOT(Solver):
    """Options of ``method="sparse_ot"``: transport plans with few entries.

        minimise <C, T> + (gamma/2) |T|^2   subject to   T 1 = a,  T'1 = b,  T >= 0,  |t_j|_0 <= k

    Parameters
    ----------
    k : int
        Largest number of entries in each column of the plan; 0 is no limit.
    tol, maxiter, maxfun, maxtime, target, disp
        As for every method, see `Solver`.

    Notes
    -----
    `reg` of the problem is gamma, here the weight of the squared norm instead of the entropy. The
    measure is ``|T 1 - a|_1``, relative to the mass; the columns are right up to rounding. An
    iteration costs one to four passes over the cost, and a sparse system with the pattern of the
    plan. With `k` the problem is not convex: what is solved is its bidual. Where the k-th and the
    next entry of a column tie, no plan with k entries in each column belongs to the dual solution;
    then the run ends with SMALL_STEP and says so.

    Result: ``potentials`` (alpha, beta), ``nnz``, ``column_entries`` (largest number in a column),
    ``newton_iterations``, ``cg_iterations``, and, worked out when read: ``plan`` (a CSR matrix),
    ``rounded`` (a feasible plan near it, not sparse), ``dual``, ``gap``, ``lower`` and ``upper``
    (bounds of the value without regularisation), ``exact`` (that value and its plan).

    References
    ----------
    .. [1] D. A. Lorenz, P. Manns, C. Meyer, Quadratically Regularized Optimal Transport, Appl.
       Math. Optim. 83, 2021.
    .. [2] T. Liu, J. Puigcerver, M. Blondel, Sparsity-Constrained Optimal Transport, ICLR 2023.
    """

    name = "sparse_ot"
    measure = "marginal violation (1-norm)"
    certificate = "marginals"
    problems = ("transport",)
    reference = "Liu, Puigcerver, Blondel, ICLR 2023"

    tol: float = 1e-9
    k: int = 0

    def __post_init__(self):
        super().__post_init__()
        self.require(self.k >= 0, "k", "must be >= 0")

    def check(self, problem):
        super().check(problem)
        if problem.on_arrays:
            raise UnsupportedError(f"method {self.name!r} works on NumPy arrays only")
        n, m = problem.shape
        fits = self.k == 0 or self.k * m >= n
        self.require(fits, "k", f"must be at least {-(-n // m)}, for {m} columns to cover {n} rows")

    def init(self, problem, x0, run):
        gamma = 1.0 / problem.eta
        if not x0.any():
            top = problem.shape[0] * max(problem.range, np.finfo(float).tiny) / problem.mass
            gamma *= 4.0 ** max(0, round(np.log2(max(top / gamma, 1.0)) / 2))
        warm = self.k if x0.any() else 0
        return State(SparseSemidual(problem, warm).point(gamma, *problem.split(x0)), warm)

    def step(self, problem, s, run):
        dual, gamma = SparseSemidual(problem, s.k), s.point.gamma
        if not self._last(problem, s) and dual.violation(s.point)[0] <= RUNG_TOL:
            k = self.k if gamma == 1.0 / problem.eta else 0
            gamma = max(gamma / 4.0, 1.0 / problem.eta)
            point = SparseSemidual(problem, k).point(gamma, *s.point[1:3])
            return s._replace(point=point, k=k, mu=1.0)
        d, slope, iterations = self._direction(problem, dual, s)
        point, mu = self._trial(dual, s, d, slope)
        return State(point, s.k, mu, s.newton_iterations + 1, s.cg_iterations + iterations)

    def _last(self, problem, s):
        return s.point.gamma == 1.0 / problem.eta and s.k == self.k

    def _direction(self, problem, dual, s):
        """Return the step, the slope and the curvature along it, and the CG iterations."""
        point, gamma = s.point, s.point.gamma
        plan = point.plan._replace(data=np.ones(point.plan.nnz))
        per_column = np.maximum(np.diff(plan.indptr), 1).astype(float)
        per_row = np.bincount(plan.indices, minlength=problem.shape[0]).astype(float)
        missing = problem.a - point.rows
        error = dual.violation(point)[0]
        goal = self.tol if self._last(problem, s) else RUNG_TOL
        shift = s.mu * gamma * np.linalg.norm(missing) / problem.range
        rtol = max(min(CG_TOL, error), CG_FLOOR, CG_GOAL * goal / error)
        empty = per_row == 0.0
        c = np.where(empty, 1.0, per_row) + shift
        d, iterations = schur_solve(plan, per_column, c, gamma * missing, rtol, CG_LIMIT)
        if empty.any():
            first = dual.nearest(point.beta) - point.alpha
            d = np.where(empty, first + gamma * problem.a, d)
        slope = float(missing @ d)
        return d, slope, iterations

    def _trial(self, dual, s, d, slope):
        """Return the next point and damping; the same point if no step is accepted."""
        value = dual.value(s.point)
        noise = 16 * ROUNDING * float(np.abs(s.point.alpha).max() + np.abs(s.point.beta).max())
        error = dual.violation(s.point)[0]
        for t in STEPS if slope > 0.0 else ():
            trial = dual.point(s.point.gamma, s.point.alpha + t * d, s.point.beta)
            rho = (dual.value(trial) - value) / (slope * t * (1.0 - 0.5 * t))
            if slope <= noise * dual.problem.mass:
                rho = 1.0 if dual.violation(trial)[0] < 0.9 * error else -1.0
            if rho > 0.0:
                mu = 4.0 * s.mu if rho < 0.25 else s.mu / 2.0 if rho > 0.75 else s.mu
                return trial, max(mu, MU_MIN)
        if s.mu >= MU_MAX:
            tie = "; entries tie, the plan with `k` entries a column is not feasible"
            raise Stop(Status.SMALL_STEP, "no step increases the dual value" + tie * bool(self.k))
        return s.point, 64.0 * s.mu

    def report(self, problem, s, run):
        dual, point = SparseSemidual(problem, s.k), s.point
        total, largest = dual.violation(point)
        if not self._last(problem, s):
            total = largest = max(total, 1.0 - 0.5 / (problem.eta * point.gamma))
        mean = float(problem.a @ point.alpha) / problem.mass
        x = np.concatenate([point.alpha - mean, point.beta + mean])
        counters = {"newton_iterations": s.newton_iterations, "cg_iterations": s.cg_iterations}
        scalars = {"gamma": point.gamma} | {k: float(v) for k, v in counters.items()}
        fields = lambda: {  # noqa: E731
            **counters,
            "nnz": point.plan.nnz,
            "column_entries": int(np.diff(point.plan.indptr).max()),
            **lazy_fields(SparseCertificate(dual, point), SPARSE_PROOFS),
        }
        return Iterate(x, dual.objective(point), total, largest, scalars, fields)

    def verify(self, problem, it):
        dual = SparseSemidual(problem, self.k)
        point = dual.point(1.0 / problem.eta, *problem.split(it.x))
        return dual.objective(point), *dual.violation(point)
