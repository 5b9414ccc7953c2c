"""Restarted, reflected Halpern iteration of the primal-dual hybrid gradient method.

    min_x max_y   f(x) + p'x + y'Kx + q'y - h(y)

    x+ = prox_f(x - T (p + K'y)),   y+ = prox_h(y + S (q + K(2x+ - x)))                z+ = T(z)
    z  = (k + 1)/(k + 2) (2 z+ - z) + 1/(k + 2) z_0                 k since the last restart

T = tau/w diag(dx), S = tau w diag(dy): the metric (dx, dy) scales, the weight w balances, and
tau is one over the norm of K on the steps of the epoch before: near a solution only the part of K
on active variables matters.
A restart takes z+ as the new z_0. It is made when the fixed-point error

    e^2 = |x - x+|^2_{1/T} + |y - y+|^2_{1/S} - 2 <y - y+, K(x - x+)>

has fallen enough, or falls no more. K x and K'y are carried along, so that F(z+) and with it the
residual is known in each iteration, which costs one product with K and one with K'. At a restart a
game guesses exact strategies from z+ (`purified`).
"""

from dataclasses import dataclass
from math import exp, log
from typing import Any, Literal, NamedTuple

import numpy as np

from numopt.core.errors import Status, Stop
from numopt.linalg.restarts import Epoch
from numopt.models.monotone import Certified
from numopt.solvers.inclusions.base import MonotoneSolver

STEP = 0.998  # tau |K| in the metric, of cuPDLPx
SAFE = 1.02  # on a norm that turned out larger than its bound
SMOOTHING, INTEGRAL, LEAK = 0.99, 0.01, 0.3  # of the control of the weight, of cuPDLPx
LARGEST = log(10.0)  # change of log w at one restart: infeasible problems would drive it away
DEGENERATE = 1e-16, 1e12  # distances outside do not tell the weight
RAYS = 40  # iterations between two looks at whether the problem is infeasible


class Pair(NamedTuple):
    """A point with its products."""

    x: Any  # (n,)
    y: Any  # (m,)
    Kx: Any  # (m,)
    Kty: Any  # (n,)

    def combined(self, a, other, b):
        """Return a self + b other."""
        return Pair(*(a * v + b * w for v, w in zip(self, other, strict=True)))


class State(NamedTuple):
    """Where the iteration is, its anchor, and what restarts need."""

    z: Pair
    anchor: Pair
    point: Certified  # z+ of the latest iteration
    first: float  # residual at the start
    dx: Any  # metric, (n,)
    dy: Any  # (m,)
    norm: float  # of K in the metric, as far as it showed
    w: float  # primal weight
    integral: float = 0.0  # of the errors of log w
    best: tuple = (np.inf, 1.0)  # least residual at a restart, and the weight then
    shown: float = 0.0  # largest norm in this epoch
    epoch: Epoch = Epoch()
    total: int = 0  # iterations
    restarts: int = 0


@dataclass(frozen=True, kw_only=True)
class RHPDHG(MonotoneSolver):
    """Options of ``method="rhpdhg"``: restarted Halpern PDHG for games, linear programs, saddles.

    Parameters
    ----------
    criterion : {"residual", "relative", "gap"}
        What `tol` is for: |F(u) + g| with g in G(u); the same relative to the start, for linear
        programs the largest relative error of their optimality conditions; the duality gap.
    metric : {"norms", "none"}
        Scale each variable by one over the norm of its column or row of K, where the proximal maps
        allow, or do not.
    weight : {"problem", "fixed", "adaptive"}
        The ratio of dual to primal steps: adapted at restarts, fixed, or what the problem class
        suggests, adaptive for linear programs.
    reflect : bool
        Use 2 z+ - z instead of z+.
    sufficient : float
        Restart when the fixed-point error has fallen by this factor.
    tol, maxiter, maxfun, maxtime, target, disp
        As for every method, see `Solver`. An evaluation is a product with K and one with K'.

    Notes
    -----
    Each iteration costs one evaluation. Sharp problems, such as games and linear programs, converge
    linearly. The norm of K comes from a few steps of power iteration; a restart takes the largest
    |K d| / |d| that the epoch showed, and an iteration that shows more begins a new epoch.

    A linear program without a solution ends with INFEASIBLE or UNBOUNDED; ``res.ray`` proves it.

    Result: ``primal, dual, residual, g`` (in G(u)), ``epochs`` (evaluations of F), ``restarts``,
    ``weight``; ``gap`` for games and linear programs.

    References
    ----------
    .. [1] H. Lu, J. Yang, Restarted Halpern PDHG for linear programming, arXiv 2407.16144, 2024.
    .. [2] D. Applegate, O. Hinder, H. Lu, M. Lubin, Faster first-order primal-dual methods for
       linear programming using restarts and sharpness, Mathematical Programming 201, 2023.
    """

    name = "rhpdhg"
    problems = ("bilinear",)
    reference = "Lu, Yang, arXiv 2407.16144, 2024"

    metric: Literal["norms", "none"] = "norms"
    weight: Literal["problem", "fixed", "adaptive"] = "problem"
    reflect: bool = True
    sufficient: float = 0.1

    def __post_init__(self):
        super().__post_init__()
        self.require(0 < self.sufficient < 1, "sufficient", "must be between 0 and 1")

    def init(self, problem, x0, run):
        x, y = problem.split(x0)
        ones = np.ones(x.size), np.ones(y.size)
        dx, dy = problem.metric() if self.metric == "norms" else ones
        norm = max(problem.norm_of(dx, dy), np.finfo(float).tiny)
        z = Pair(x, y, *problem.products(x, y))
        w = problem.weight(dx, dy)
        s = State(z, z, None, 0.0, dx, dy, norm, w)  # pyright: ignore
        point = self._applied(problem, s)[1]
        return s._replace(point=point, first=point.residual)

    def step(self, problem, s, run):
        plus, point, error, norm = self._applied(problem, s)
        s = s._replace(point=point, total=s.total + 1, shown=max(s.shown, norm))
        if norm > s.norm:  # the steps were too long for the theory: begin again with shorter ones
            return self._restarted(problem, s._replace(norm=SAFE * norm), plus, keep_weight=True)
        if s.total % RAYS == 0:
            problem.refuse_unsolvable(plus.x - s.z.x, plus.y - s.z.y)
        if s.epoch.over(error, self.sufficient, s.total):
            return self._restarted(problem, s, plus)
        s = s._replace(epoch=s.epoch.seen(error))
        k = s.epoch.length
        moved = plus.combined(2.0, s.z, -1.0) if self.reflect else plus
        return s._replace(z=moved.combined(k / (k + 1), s.anchor, 1 / (k + 1)))

    def _steps(self, s):
        tau = STEP / s.norm
        return tau / s.w * s.dx, tau * s.w * s.dy

    def _applied(self, problem, s):
        """Return z+, the certified point that it is, the error e, and |K| as far as it showed."""
        z, (tx, ty) = s.z, self._steps(s)
        if not problem.diagonal:
            tx, ty = tx[0], ty[0]
        x = problem.prox_x(z.x - tx * (problem.p + z.Kty), tx)
        Kx = problem.K.times(x)
        slope = problem.q + 2.0 * Kx - z.Kx
        y = problem.prox_y(z.y + ty * slope, ty)
        problem.pay(problem.components)
        plus = Pair(x, y, Kx, problem.K.adjoint(y))
        dx, dy, Kdx = z.x - x, z.y - y, z.Kx - Kx
        g = np.concatenate([dx / tx - problem.p - z.Kty, dy / ty + slope])
        u = np.concatenate([x, y])
        point = Certified(u, problem.assembled(plus.Kx, plus.Kty), g)
        if not np.isfinite(point.F).all():
            raise Stop(Status.NONFINITE, "a product is not finite")
        norm = max(
            _ratio(np.sum(s.dy * Kdx**2), np.sum(dx**2 / s.dx), x @ x),
            _ratio(np.sum(s.dx * (z.Kty - plus.Kty) ** 2), np.sum(dy**2 / s.dy), y @ y),
        )
        square = np.sum(dx**2 / tx) + np.sum(dy**2 / ty) - 2.0 * (dy @ Kdx)
        return plus, point, float(np.sqrt(max(square, 0.0))), float(norm)

    # -- restarts ----------------------------------------------------------------------------

    def _restarted(self, problem, s, plus, keep_weight=False):
        adaptive = self.weight == "adaptive" or (
            self.weight == "problem" and problem.adaptive_weight
        )
        if not keep_weight:
            s = self._weighted(s, plus) if adaptive else s
            s = s._replace(norm=SAFE * s.shown if s.shown > 0.0 else s.norm)
            s, plus = self._purified(problem, s, plus)
        return s._replace(z=plus, anchor=plus, shown=0.0, epoch=Epoch(), restarts=s.restarts + 1)

    def _purified(self, problem, s, plus):
        """Take over the point that the problem guesses, if it is better."""
        guess = problem.purified(s.point)
        if guess is None or not self._worth(problem, s, guess) < self._worth(problem, s, s.point):
            return s, plus
        pair = Pair(*problem.split(guess.u), *problem.taken_apart(guess.F))
        return s._replace(point=guess), pair

    def _worth(self, problem, s, point):
        return self.measured(problem, point, s.first)

    def _weighted(self, s, plus):
        """Move the weight towards the ratio of the distances that x and y went in this epoch."""
        x = np.sqrt(np.sum((plus.x - s.anchor.x) ** 2 / s.dx))
        y = np.sqrt(np.sum((plus.y - s.anchor.y) ** 2 / s.dy))
        best = min(s.best, (s.point.residual, s.w))
        if not all(DEGENERATE[0] < d < DEGENERATE[1] for d in (x, y)):
            return s._replace(w=best[1], integral=0.0, best=best)
        error = min(max(log(y / x) - log(s.w), -LARGEST), LARGEST)
        integral = LEAK * s.integral + error
        w = s.w * exp(SMOOTHING * error + INTEGRAL * integral)
        return s._replace(w=w, integral=integral, best=best)

    def report(self, problem, s, run):
        it = super().report(problem, s, run)
        own = {"restarts": s.restarts, "weight": s.w}
        return it._replace(
            scalars=it.scalars | {k: float(v) for k, v in own.items()},
            fields=lambda: it.fields() | own,
        )


def _ratio(product, length, size):
    """Return the root of product / length, or 0 where that is rounding."""
    return float(np.sqrt(product / length)) if length > 1e-16 * size else 0.0
