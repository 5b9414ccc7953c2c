"""Sinkhorn's algorithm, in the logarithmic domain and cooled down step by step.

    f(g): the row potentials for which the rows of P = exp(f + g - eta C) are right

    for eta_k = ..., eta/4, eta/2, eta            (f and g scaled by eta_k / eta_(k-1))
        repeat                                    (three times; at eta to the end)
            g_j = g_j + log b_j - log (P'1)_j
            f = f(g)

One pass over the cost does both lines, with one exponential for each entry.
"""

from dataclasses import dataclass
from typing import NamedTuple

from numopt.models.passes import Point
from numopt.solvers.transport.base import EntropicSolver


class State(NamedTuple):
    """Potentials and how they were come by."""

    point: Point
    sinkhorn_iterations: int = 0


@dataclass(frozen=True, kw_only=True)
class Sinkhorn(EntropicSolver):
    """Options of ``method="sinkhorn"``: alternate scaling of rows and columns.

        minimise <C, P> + (1/eta) sum P (log P - 1)   subject to   P 1 = a,  P'1 = b

    Parameters
    ----------
    warm_up : int
        Sinkhorn iterations on each rung of the ladder ..., eta/4, eta/2.
    inner : int
        Sinkhorn iterations of one iteration at the final eta.
    tol, maxiter, maxfun, maxtime, target, disp
        As for every method, see `Solver`.

    Notes
    -----
    The measure is ``|P 1 - a|_1 + |P'1 - b|_1``, relative to the mass. A Sinkhorn iteration is one
    pass over the cost, which `nfev` counts. A plan of up to 2^24 entries is stored, which makes
    the passes near it two to three times faster; of a larger one nothing is stored.
    The number of iterations is of the order of eta times the range of the cost or worse: above some
    hundred, ``method="sns"`` is the better choice. A start point other than zero begins at the
    final eta. A `Barycenter` is solved in the same way, its plans in turn.

    Result: ``potentials`` (alpha, beta), and, worked out when read: ``plan``, ``rounded`` (a
    feasible plan near it), ``dual`` and ``gap``, ``lower`` and ``upper`` (bounds of the value
    without regularisation), ``exact`` (that value and its plan, by HiGHS).

    References
    ----------
    .. [1] M. Cuturi, Sinkhorn Distances, NeurIPS 2013.
    .. [2] B. Schmitzer, Stabilized Sparse Scaling Algorithms for Entropy Regularized Transport
       Problems, SIAM J. Sci. Comput. 41, 2019 (the logarithmic domain and the ladder).
    """

    name = "sinkhorn"
    problems = ("transport", "barycenter")
    reference = "Cuturi, NeurIPS 2013"
    counters = ("sinkhorn_iterations",)

    maxiter: int = 10_000
    warm_up: int = 3
    inner: int = 10

    def __post_init__(self):
        super().__post_init__()
        self.require(self.warm_up >= 1, "warm_up", "must be >= 1")
        self.require(self.inner >= 1, "inner", "must be >= 1")

    def init(self, problem, x0, run):
        return State(problem.first_point(x0))

    def step(self, problem, s, run):
        problem.refuse_infeasible(s.point)
        if s.point.eta < problem.eta:
            times = self.warm_up
            point = problem.sinkhorn(problem.heated(s.point), times - 1)
        else:
            times = self.inner
            point = problem.sinkhorn(s.point, times)
        return State(point, s.sinkhorn_iterations + times)
