"""Variance-reduced Halpern iteration for 0 in F(u) + G(u), F = (1/n) sum_i F_i.

Cocoercive on average (gradients of convex functions): a single loop,

    u+ = J_eta(lam u_0 + (1 - lam) u - eta f),   lam = 2/(k + 4)
    f+ = F(u+)                                                       with probability p
         f + (1/b) sum_{i in S} (F_i(u+) - F_i(u))                   otherwise        (page)
         F(w) + (1/b) sum_{i in S} (F_i(u+) - F_i(w))                otherwise        (svrg)

S being b components and w the latest point with f = F(w). A step of the loop here is the iterations
up to the next evaluation of the whole F, where the residual is known and restarts are decided.
Monotone only (games, saddle points): inexact proximal points, see `proximal_point`.
"""

from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any, Literal, NamedTuple

import numpy as np

from numopt.core.errors import Status, Stop
from numopt.linalg.restarts import Epoch
from numopt.models.monotone import Certified
from numopt.solvers.inclusions import proximal_point
from numopt.solvers.inclusions.base import (
    MonotoneSolver,
    estimated_lipschitz,
    watch_monotonicity,
)

SVRG_BLOCK = 32  # rows in a difference of svrg
SURE = 1.1  # factor on an estimated constant
WILD = 10.0  # growth of the residual within an epoch at which the step is halved
HALVINGS = 30


class State(NamedTuple):
    """A point at which F is exact, the anchor, and what restarts and the guard need."""

    point: Certified
    anchor: Any  # (d,)
    best: Certified  # of this epoch
    first: float  # residual at the start
    L: float
    k: int = 0  # iterations since the restart
    epoch: Epoch = Epoch()
    restarts: int = 0
    halvings: int = 0


@dataclass(frozen=True, kw_only=True)
class HalpernVR(MonotoneSolver):
    """Options of ``method="halpern_vr"``: variance-reduced Halpern iteration for finite sums.

    Parameters
    ----------
    anchor : bool
        Keep the anchor term; without it, a proximal gradient method with the same estimates.
    estimator : {"page", "svrg"}
        Differences to the point before, or to the latest point with an exact F.
    schedule : {"practical", "paper"}
        Constant `refresh` and `batch`, step 1 / (constant of F); or, as published, batches of
        sqrt(n), probabilities that fall like 4/k to 4/sqrt(n), and step 1/(4 L) with the constant L
        on average.
    step_factor : float
        Factor on the step.
    batch : int
        Components in a difference; 0 takes sqrt(n)/4, or 32 for ``"svrg"``.
    refresh : float
        Probability of evaluating the whole F; 0 takes 1 / (sqrt(n) + 5), or twice the batch over n
        for ``"svrg"``.
    restart : bool
        Restart the anchor when the residual has fallen enough.
    sufficient : float
        Restart when the residual has fallen by this factor.
    inner_accuracy : float
        Of the inner solves for problems that are monotone only: they end when the distance to the
        proximal point is at most this times the distance moved, over (k + 2)^2.
    criterion : {"residual", "relative", "gap"}
        What `tol` is for: |F(u) + g| with g in G(u); the same relative to the start; the duality
        gap, for games and linear programs.
    tol, maxiter, maxfun, maxtime, target, disp
        As for every method, see `Solver`. An evaluation is n components; a difference costs two.

    Notes
    -----
    Which algorithm runs is decided by the problem: the single loop if its components are cocoercive
    on average, the inexact proximal-point algorithm otherwise. Without restarts the single loop has
    a guarantee on the residual of its last iterate, with the schedule of the paper. If the residual
    grows tenfold within an epoch, the step is halved and the best point is taken up again.

    Result: ``residual, g`` (in G(u)), ``epochs`` (components evaluated over n), ``restarts, L``.

    References
    ----------
    .. [1] X. Cai, A. Alacaoglu, J. Diakonikolas, Variance reduced Halpern iteration for finite-sum
       monotone inclusions, ICLR 2024, arXiv 2310.02987.
    .. [2] X. Cai, C. Song, C. Guzmán, J. Diakonikolas, Stochastic Halpern iteration with variance
       reduction for stochastic monotone inclusions, NeurIPS 2022, arXiv 2203.09436.
    .. [3] D. Kovalev, S. Horváth, P. Richtárik, Don't jump through hoops and remove those loops:
       SVRG and Katyusha are better without the outer loop, ALT 2020.
    """

    name = "halpern_vr"
    reference = "Cai, Alacaoglu, Diakonikolas, ICLR 2024"

    anchor: bool = True
    estimator: Literal["page", "svrg"] = "page"
    schedule: Literal["practical", "paper"] = "practical"
    step_factor: float = 1.0
    batch: int = 0
    refresh: float = 0.0
    restart: bool = True
    sufficient: float = 0.2
    inner_accuracy: float = 0.5

    def __post_init__(self):
        super().__post_init__()
        self.require(0 < self.step_factor < np.inf, "step_factor", "must be > 0 and finite")
        self.require(self.batch >= 0, "batch", "must be >= 0")
        self.require(0 <= self.refresh <= 1, "refresh", "must be between 0 and 1")
        self.require(0 < self.sufficient < 1, "sufficient", "must be between 0 and 1")
        self.require(0 < self.inner_accuracy < 1, "inner_accuracy", "must be between 0 and 1")

    def init(self, problem, x0, run):
        if not problem.cocoercive:
            return proximal_point.init(self, problem, x0, run)
        L = self._constant(problem, x0, run)
        # The element of G belongs to the next point; at this one it gives the natural residual.
        F, t = problem.operator(x0), 1.0 / L
        point = Certified(x0, F, (x0 - t * F - problem.resolvent(x0 - t * F, t)) / t)
        return State(point, x0, point, point.residual, L)

    def _constant(self, problem, x0, run):
        """Return the constant that the step is one over."""
        known = getattr(problem, "curvature", problem.lipschitz)
        if self.schedule == "paper" and problem.lipschitz:
            return 4.0 * problem.lipschitz
        return known or SURE * estimated_lipschitz(problem, x0, problem.operator(x0), run.rng)

    def step(self, problem, s, run):
        if not problem.cocoercive:
            return proximal_point.step(self, problem, s, run)
        eta, n = self.step_factor / s.L, problem.components
        count, batch = self._differences(n, s.k, run.rng), self._batch(n)
        affordable = max(0, problem.affordable() - n) // (2 * batch)
        plan = min(count, affordable), batch, self.estimator == "svrg"
        run_stretch = getattr(problem, "stretch", None) or _stretch_of(problem)
        u, w = run_stretch(s.point, s.anchor, self.anchor, s.k, eta, plan, run.rng)
        if not np.isfinite(u).all():
            return self._shortened(s)
        point = Certified(u, problem.operator(u), (w - u) / eta)
        watch_monotonicity(run, point.F - s.point.F, u - s.point.u)
        return self._judged(s._replace(point=point, k=s.k + plan[0] + 1))

    def _batch(self, n):
        if self.batch:
            return min(self.batch, n)
        if self.schedule == "paper":
            return ceil(sqrt(n))
        return min(n, SVRG_BLOCK if self.estimator == "svrg" else ceil(sqrt(n) / 4))

    def _differences(self, n, k, rng):
        """Draw the number of differences until the next evaluation of the whole F."""
        if self.schedule == "practical":
            p = self.refresh or self._default_refresh(n)
            return int(rng.geometric(p)) - 1
        count = 0
        while rng.random() >= published_probability(k + count + 1, n):
            count += 1
        return count

    def _default_refresh(self, n):
        if self.estimator == "svrg":
            return min(1.0, 2.0 * self._batch(n) / n)
        return 1.0 / (sqrt(n) + 5.0) if n > 1 else 1.0

    def _judged(self, s):
        """Restart the anchor, or go back with half the step, or go on."""
        residual = s.point.residual
        if residual > WILD * s.best.residual:
            return self._shortened(s)
        if self.restart and s.epoch.over(residual, self.sufficient):
            return s._replace(
                anchor=s.point.u, best=s.point, k=0, epoch=Epoch().seen(residual),
                restarts=s.restarts + 1,
            )  # fmt: skip
        best = s.point if residual < s.best.residual else s.best
        return s._replace(best=best, epoch=s.epoch.seen(residual))

    def _shortened(self, s):
        if s.halvings == HALVINGS:
            raise Stop(Status.SMALL_STEP, "the residual grows however short the steps are")
        u = s.best.u
        return s._replace(
            point=s.best, anchor=u, L=2.0 * s.L, k=0, epoch=Epoch(), halvings=s.halvings + 1
        )

    def report(self, problem, s, run):
        it = super().report(problem, s, run)
        own = {"restarts": s.restarts, "L": s.L}
        return it._replace(scalars=it.scalars | {"L": s.L}, fields=lambda: it.fields() | own)


def published_probability(k, n):
    """Return the probability of a full evaluation at iteration k, counted from 0, of [1]."""
    if k <= 1:
        return 1.0
    return 4.0 / (k + 4) if k - 1 <= sqrt(n) else 4.0 / (sqrt(n) + 5.0)


def _stretch_of(problem):
    """Return the iterations up to the next full evaluation for operators that are not compiled."""

    def stretch(point, anchor, anchored, k, eta, plan, rng):
        (count, batch, snapshot), f, before = plan, point.F, point.u
        for t in range(count + 1):
            lam = 2.0 / (k + t + 4) if anchored else 0.0
            w = lam * anchor + (1.0 - lam) * before - eta * f
            u = problem.resolvent(w, eta)
            if t == count:
                break
            idx = problem.sample(rng, batch)
            if snapshot:
                f = point.F + problem.difference(idx, u, point.u)
            else:
                f = f + problem.difference(idx, u, before)
            before = u
        return u, w

    return stretch
