"""Deterministic methods for monotone inclusions: two of plain steps, two with an anchor.

    eg        v  = J(u - eta F(u)),                        u+ = J(u - eta F(v))
    forb      u+ = J(u - eta (2 F(u) - F(u_before)))
    eag       v  = J(a - eta F(u)),                        u+ = J(a - eta F(v))
    ehalpern  v+ = J(a - eta_k F(v)),                      u+ = J(a - eta_k F(v+))

    a = lam u_0 + (1 - lam) u,   lam = 1/(k + 2),   J = (I + eta G)^-1,   eta = c / L

k counts from the last restart, where u_0 becomes the present point. Every new point comes out of a
resolvent, which gives an element of G there. L is the largest |F(u) - F(v)| / |u - v| seen in the
epoch before; where more is seen, an epoch begins with a shorter step.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Any, Literal, NamedTuple

import numpy as np

from numopt.linalg.restarts import Epoch
from numopt.models.monotone import Certified
from numopt.solvers.inclusions.base import (
    MonotoneSolver,
    certified,
    estimated_lipschitz,
    first_point,
    watch_monotonicity,
)

# eta L: below 1, 1/2, 1 (without G; [4]) and 1/(3 sqrt(3)).
FACTORS = {"eg": 0.9, "forb": 0.45, "eag": 0.9, "ehalpern": 0.19}
GROWTH = 1.1  # of an L that turned out too small


class State(NamedTuple):
    """The present point, the one before or the auxiliary one, the anchor, and the step."""

    point: Certified  # what is reported: u, or v for ehalpern
    u: Any  # (d,)
    F_before: Any  # F(u_before) for forb, (d,)
    anchor: Any  # (d,)
    first: float  # residual at the start
    L: float
    eta: float
    shown: float = 0.0  # largest constant in this epoch
    epoch: Epoch = Epoch()
    total: int = 0
    restarts: int = 0


@dataclass(frozen=True, kw_only=True)
class Extragradient(MonotoneSolver):
    """Options of ``method="extragradient"``: deterministic methods with the full operator.

    Parameters
    ----------
    variant : {"forb", "eg", "eag", "ehalpern"}
        Forward-reflected-backward, which is optimistic gradient descent-ascent; extragradient;
        extra-anchored gradient; Halpern iteration with one evaluation a step.
    restart : bool
        Begin an epoch when the residual has fallen enough, or falls no more: with a new anchor,
        and a step for the L that showed in the one before.
    sufficient : float
        Begin one when the residual has fallen by this factor; many short epochs cost more than
        few long ones where the problem is ill-conditioned.
    L : float
        First Lipschitz constant of F; 0 estimates it. A larger one that shows is taken over.
    criterion : {"residual", "relative", "gap"}
        What `tol` is for: |F(u) + g| with g in G(u); the same relative to the start; the duality
        gap, for games and linear programs.
    tol, maxiter, maxfun, maxtime, target, disp
        As for every method, see `Solver`.

    Notes
    -----
    A step costs two evaluations of F for ``"eg"`` and ``"eag"``, one for ``"forb"`` and
    ``"ehalpern"``. The residual of the anchored methods falls as O(1/k) at the last iterate without
    restarts; with them, linearly on problems that are sharp or strongly monotone.

    Result: ``residual, g`` (in G(u)), ``epochs`` (evaluations of F), ``restarts``, ``L``.

    References
    ----------
    .. [1] T. Yoon, E. K. Ryu, Accelerated algorithms for smooth convex-concave minimax problems
       with O(1/k^2) rate on squared gradient norm, ICML 2021.
    .. [2] X. Cai, C. Song, C. Guzmán, J. Diakonikolas, Stochastic Halpern iteration with variance
       reduction for stochastic monotone inclusions, NeurIPS 2022: E-Halpern, algorithm 2.
    .. [3] Y. Malitsky, M. K. Tam, A forward-backward splitting method for monotone inclusions
       without cocoercivity, SIAM Journal on Optimization 30, 2020.
    .. [4] S. Lee, D. Kim, Fast extra gradient methods for smooth structured nonconvex-nonconcave
       minimax problems, NeurIPS 2021.
    """

    name = "extragradient"
    reference = "Yoon, Ryu, ICML 2021"

    variant: Literal["forb", "eg", "eag", "ehalpern"] = "forb"
    restart: bool = True
    sufficient: float = 0.001
    L: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        self.require(0 <= self.L < np.inf, "L", "must be >= 0")
        self.require(0 < self.sufficient < 1, "sufficient", "must be between 0 and 1")

    def init(self, problem, x0, run):
        L = self.L or estimated_lipschitz(problem, x0, problem.operator(x0), run.rng)
        eta = FACTORS[self.variant] / L
        point = first_point(problem, x0, eta)
        return State(point, point.u, point.F, point.u, point.residual, L, eta)

    def step(self, problem, s, run):
        s, seen = getattr(self, f"_{self.variant}")(problem, s._replace(total=s.total + 1), run)
        s = s._replace(shown=max(s.shown, seen))
        if seen > s.L:
            return self._begun(s, GROWTH * seen)
        if self._over(s):
            return self._begun(s._replace(restarts=s.restarts + 1), GROWTH * s.shown or s.L)
        return s._replace(epoch=s.epoch.seen(s.point.residual))

    def _over(self, s):
        return self.restart and s.epoch.over(s.point.residual, self.sufficient, s.total)

    def _begun(self, s, L):
        """Begin an epoch at the present point, with a step for L."""
        u = s.point.u
        eta = FACTORS[self.variant] / L
        return s._replace(u=u, F_before=s.point.F, anchor=u, L=L, eta=eta, shown=0.0, epoch=Epoch())

    def _anchored(self, s):
        lam = 1.0 / (s.epoch.length + 2)
        return lam * s.anchor + (1.0 - lam) * s.u

    # -- the variants: each returns the next state and the Lipschitz constant that showed ----------

    def _eg(self, problem, s, run):
        return self._two_steps(problem, s, s.u, run)

    def _eag(self, problem, s, run):
        return self._two_steps(problem, s, self._anchored(s), run)

    def _two_steps(self, problem, s, a, run):
        v = problem.resolvent(a - s.eta * s.point.F, s.eta)
        F = problem.operator(v)
        seen = slope(F - s.point.F, v - s.u, run)
        if seen > s.L:
            return s, seen
        point = certified(problem, a - s.eta * F, s.eta)
        return s._replace(point=point, u=point.u), slope(point.F - F, point.u - v, run)

    def _forb(self, problem, s, run):
        forward = 2.0 * s.point.F - s.F_before
        point = certified(problem, s.u - s.eta * forward, s.eta)
        seen = slope(point.F - s.point.F, point.u - s.u, run)
        return s._replace(point=point, u=point.u, F_before=s.point.F), seen

    def _ehalpern(self, problem, s, run):
        a, eta = self._anchored(s), s.eta
        point = certified(problem, a - eta * s.point.F, eta)
        seen = slope(point.F - s.point.F, point.u - s.point.u, run)
        u = problem.resolvent(a - eta * point.F, eta)
        # Equation for eta_k of [2], algorithm 2.
        k, M = s.epoch.length + 1, 9.0 * s.L**2
        shrink = 1.0 - 1.0 / (k + 1) ** 2 - M * eta**2
        eta *= shrink * (k + 1) ** 2 / ((1.0 - M * eta**2) * k * (k + 2))
        return s._replace(point=point, u=u, eta=eta), seen

    def report(self, problem, s, run):
        it = super().report(problem, s, run)
        own = {"restarts": s.restarts, "L": s.L}
        return it._replace(scalars=it.scalars | {"L": s.L}, fields=lambda: it.fields() | own)


def slope(dF, du, run):
    """Return |dF| / |du|, or 0 where that is rounding; watch that F is monotone."""
    watch_monotonicity(run, dF, du)
    length = float(np.linalg.norm(du))
    return float(np.linalg.norm(dF)) / length if length > sqrt(np.finfo(float).eps) else 0.0
