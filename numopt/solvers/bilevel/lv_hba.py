"""LV-HBA: the lower level as one inequality on its proximal Lagrangian value function v.

    minimise F(x, y) + c (f(x, y) - v(x, y, z))   over   (x, y) in C,  z in Z

    for c = c_0, 8 c_0, 64 c_0, ... until the penalty term does not matter any more
        (x, y, z) = a minimiser from the last one, v and its gradient at saddle points (t, l)
    y = solution of the lower level at x, by the proximal method of multipliers (y, z) <- (t, l)
    polish: (x, y, l) along the KKT conditions of the lower level, relaxed less and less

The published single loop is ``variant="paper"``, see `numopt.solvers.bilevel.single_loop`.
"""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from numopt.core.errors import Status, Stop
from numopt.solvers.bilevel import single_loop
from numopt.solvers.bilevel.base import BilevelSolver
from numopt.solvers.bilevel.certificate import convexity, nested, solve_lower
from numopt.solvers.bilevel.descent import Stuck, advance, begin, minimise, region_of
from numopt.solvers.bilevel.replacement import candidate, first_vector
from numopt.solvers.bilevel.value_gap import (
    Penalised,
    PenalisedNLP,
    Prox,
    first_penalty,
    first_prox,
    joint_region,
    row_scales,
    saddle,
)

WIDE = 1e6  # prox where saddle points are computed, relative to that of the published loop
GROWTH = 8.0  # of the penalty
LOOSE = 0.1  # size of the gradient that ends a penalty, relative to that where it began
RUNGS = 12
FAR = 0.02  # relative difference of F at y and at the lower solution that asks for a larger penalty
SADDLE_TOL, LOOSEST = 1e-10, 1e-6
ACCURACY = 3e-5  # of saddle points, relative to |grad_y F| / c
RESOLVES, WIDER = 30, 4.0  # steps of the proximal method of multipliers, growth of gamma1, gamma2
STILL = 1e-10  # relative change of y at which it ends
RAISED = "A multiplier reached `radius`, which was raised"
RAISED_AGAIN = "A multiplier reached the raised `radius`, too: the gap may be underestimated"
POLISH_LIMIT = 500  # variables and rows of the KKT conditions that are worth dense matrices


class State(NamedTuple):
    """The minimiser for a penalty, and the point made of it."""

    w: np.ndarray  # (x, y, z), (n + m + p,)
    near: Any  # latest saddle point, a `Saddle`, or a first t
    c: float
    prox: Prox
    y: np.ndarray  # re-solved lower level, (m,)
    stationarity: float
    gap_before: float  # f - v at w
    gap: float  # of the re-solved point
    x: np.ndarray  # (n,)
    start: np.ndarray  # (n + m,)
    stage: str = "ladder"  # then "polish", "done"
    rungs: int = 0
    raised: bool = False  # whether the bound of the multipliers was
    fun: float = np.inf  # F of the re-solved point
    apart: float = np.inf  # relative difference of F there and at w
    tight: bool = False  # whether the penalty is the last one, to be solved to `tol`
    polished: bool = False


@dataclass(frozen=True, kw_only=True)
class LVHBA(BilevelSolver):
    """Options of ``method="lv_hba"``: a gap function of the lower level as a penalty.

        minimise F(x, y) + c (f(x, y) - v(x, y, z))   over   x in X, y in Y, g <= 0, G <= 0, z in Z

    Parameters
    ----------
    variant : {"auto", "paper"}
        ``"auto"`` computes the saddle points to accuracy and minimises by quasi-Newton methods on
        an increasing sequence of penalties. ``"paper"`` is the published single loop of projected
        gradient steps, with rows of g scaled to length one and steps for which it is stable.
    prox : float
        gamma_1 of v; 0 stands for 10 over the largest curvature of f.
    prox_dual : float
        gamma_2 of v, for rows scaled to length one.
    radius : float
        Bound r of the multipliers; where one reaches it, it is raised once and the message says so.
    penalty0 : float
        First penalty c; 0 stands for |grad F| / |grad f| at the start, between 1 and 100.
    penalty_power : float
        ``"paper"``: c grows like (k + 1) to this power.
    step_x, step_y : float
        ``"paper"``: factors of the steps of (x, y) and of (t, l).
    resolve : bool
        Solve the lower level at the last x, without which F may be below every attainable value.
    polish : bool
        Follow the KKT conditions from the last point and from the start, as ``"kkt"`` does; for
        explicit sets, a lower level with rows, and up to 500 unknowns.
    inner_maxiter : int
        Largest number of iterations for one penalty.
    check_every : int
        ``"paper"``: gradient steps in one iteration.
    tol, maxiter, maxfun, maxtime, target, disp
        As for every method, see `Solver`.

    Notes
    -----
    An iteration of ``"auto"`` is one penalty. The lower level must be convex in y, the set C
    convex; the certificate tells. The stationarity is that of the penalised problem, or of the KKT
    conditions after the polish.

    Result: the fields of every bilevel result, and ``gap_before``, the gap f - v before the lower
    level was solved at x; ``penalty``; ``polished``.

    References
    ----------
    .. [1] W. Yao, C. Yu, S. Zeng, J. Zhang, Constrained Bi-Level Optimization: Proximal Lagrangian
       Value Function Approach and Hessian-free Algorithm, ICLR 2024.
    """

    name = "lv_hba"
    accepts = frozenset({"X", "Y", "g", "G", "implicit sets"})
    reference = "Yao, Yu, Zeng, Zhang, ICLR 2024"

    variant: Literal["auto", "paper"] = "auto"
    prox: float = 0.0
    prox_dual: float = 1.0
    radius: float = 1e3
    penalty0: float = 0.0
    penalty_power: float = 0.3
    step_x: float = 1.0
    step_y: float = 1.0
    resolve: bool = True
    polish: bool = True
    inner_maxiter: int = 200
    check_every: int = 100

    def __post_init__(self):
        super().__post_init__()
        for option in ("prox_dual", "radius", "step_x", "step_y", "inner_maxiter", "check_every"):
            self.require(getattr(self, option) > 0, option, "must be > 0")
        for option in ("prox", "penalty0"):
            self.require(getattr(self, option) >= 0, option, "must be >= 0")
        self.require(0 < self.penalty_power < 0.5, "penalty_power", "must lie between 0 and 1/2")

    def init(self, problem, x0, run):
        x, y = self.begin(problem, x0, run)
        x, y = problem.project(x, y)
        problem.require_finite(x, y)
        if self.variant == "paper":
            return single_loop.lv_hba_state(self, problem, x, y)
        gamma2 = self.prox_dual * row_scales(problem, x, y) ** 2
        prox = Prox(self.prox or WIDE * first_prox(problem, x, y), gamma2, self.radius)
        c = self.penalty0 or first_penalty(problem, x, y)
        w = np.concatenate([x, y, np.zeros(problem.p)])
        return State(w, y, c, prox, y, np.inf, np.inf, np.inf, x, w[: problem.size])

    def step(self, problem, s, run):
        if self.variant == "paper":
            return single_loop.lv_hba_step(self, problem, s, run)
        if s.stage == "done":
            raise Stop(Status.SMALL_STEP)
        return (
            self._rung(problem, s, run) if s.stage == "ladder" else self._polished(problem, s, run)
        )

    def report(self, problem, s, run):
        if self.variant == "paper":
            return single_loop.lv_hba_report(self, problem, s, run)
        done = s.stage == "done"
        fields = {"gap_before": s.gap_before, "penalty": s.c, "polished": s.polished}
        stationarity = s.stationarity if done else np.inf
        scalars = {"penalty": s.c, "gap_before": s.gap_before}
        how = {"scalars": scalars, "finished": done}
        return self.reported(problem, s.x, s.y, stationarity, s.gap, s.apart, **how, **fields)

    # -- one penalty -------------------------------------------------------------------------

    def _rung(self, problem, s, run):
        penalised = Penalised(problem, s.prox, s.c, self._saddle_tol(problem, s))
        w, near, residual = self._minimised(problem, penalised, s.w, s.near, s.tight)
        x, y, z = penalised.parts(w)
        at = saddle(problem, s.prox, x, y, z, near, SADDLE_TOL)
        prox, raised = s.prox, s.raised
        if problem.p and np.abs(at.l).max() >= prox.radius:
            told = RAISED_AGAIN if raised else RAISED
            run.remarks += [told] if told not in run.remarks else []
            prox = prox if raised else prox._replace(radius=10.0 * prox.radius)
            raised = True
        after, gap = self._resolved(problem, prox, x, y, z, at)
        fun = problem.F(x, after)
        scale = 1.0 + np.abs(np.concatenate(problem.grad_F(x, y))).max()
        apart = abs(problem.F(x, y) - fun) / (1.0 + abs(fun))
        ready = apart <= self.tol and raised == s.raised
        last = (ready and (s.tight or residual <= self.tol)) or s.rungs + 1 == RUNGS
        stage = "ladder" if not last else "polish" if self._polishes(problem) else "done"
        return s._replace(
            w=w, near=at, c=s.c if last or ready else GROWTH * s.c, prox=prox, y=after, x=x,
            stationarity=residual / scale, gap_before=problem.f(x, y) - at.value, gap=gap,
            stage=stage, rungs=s.rungs + 1, raised=raised, fun=fun, apart=apart, tight=ready,
        )  # fmt: skip

    def _saddle_tol(self, problem, s):
        """Return the gradient in t that matters little beside the distance of y from it."""
        slope = np.linalg.norm(problem.grad_F(s.x, s.y)[1])
        return float(np.clip(ACCURACY * slope / s.c, SADDLE_TOL, LOOSEST))

    def _minimised(self, problem, penalised, w, near, tight):
        """Return (w, a saddle point nearby, residual) of a minimiser for one penalty."""
        rows = problem.p or problem.q
        if rows and "implicit sets" not in problem.features() and problem.C_projection is None:
            nlp = PenalisedNLP(penalised, w, near)
            res = nested(nlp, 0.1 * np.sqrt(self.tol), self.inner_maxiter)
            return res.x, near, res.optimality
        if not rows and problem.C_projection is None:
            return self._minimised_in_x(problem, penalised, w, near, tight)
        region = joint_region(problem, penalised.prox)
        tol = self.tol if tight else LOOSE * region.residual(w, penalised(w, near)[1])
        at = minimise(penalised, w, region, max(tol, self.tol), self.inner_maxiter, near).at
        return at.w, at.extra, region.residual(at.w, at.g)

    def _minimised_in_x(self, problem, penalised, w, near, tight):
        """Do the same where the sets are apart: y is minimised over for each x."""
        x, y, _ = penalised.parts(w)
        region = region_of(problem.X, problem.n)
        s = begin(penalised.reduced, x, (y, near, None))
        tol = self.tol if tight else LOOSE * region.residual(x, s.at.g)
        far = self._far(problem, x, *s.at.extra[:2])
        for _ in range(0 if far else self.inner_maxiter):
            if region.residual(s.at.w, s.at.g) <= max(tol, self.tol):
                break
            try:
                s = advance(penalised.reduced, s, region)
            except Stuck:
                break
        y, near, _ = s.at.extra
        return np.concatenate([s.at.w, y]), near, region.residual(s.at.w, s.at.g)

    def _far(self, problem, x, y, near):
        """Return whether the penalty is so small that y has little to do with the lower level."""
        F, at_lower = problem.F(x, y), problem.F(x, near.t)
        return abs(F - at_lower) > FAR * (1.0 + abs(at_lower))

    def _resolved(self, problem, prox, x, y, z, at):
        """Return (y, gap estimate) of the lower level, by the proximal method of multipliers."""
        if not self.resolve:
            return y, problem.f(x, y) - at.value
        for _ in range(RESOLVES):
            prox = prox._replace(gamma1=WIDER * prox.gamma1, gamma2=WIDER * prox.gamma2)
            move = np.abs(at.t - y).max(initial=0.0)
            y, z = at.t, at.l
            if move <= STILL * (1.0 + np.abs(y).max(initial=0.0)):
                break
            at = saddle(problem, prox, x, y, z, at, SADDLE_TOL)
        return y, max(0.0, problem.f(x, y) - at.value)

    # -- the polish --------------------------------------------------------------------------

    def _polishes(self, problem):
        rows = problem.lower_rows.eq.size
        size = (problem.size + rows) if rows else np.inf  # without rows there is nothing to gain
        return self.polish and size <= POLISH_LIMIT and "implicit sets" not in problem.features()

    def _polished(self, problem, s, run):
        """Return the state after the polish, unchanged but for its stage if that is no better."""
        x, y, z = Penalised(problem, s.prox, s.c, SADDLE_TOL).parts(s.w)
        l = saddle(problem, s.prox, x, s.y, z, s.near, SADDLE_TOL).l
        here = np.concatenate([s.x, s.y, l, np.zeros(problem.lower_rows.eq.size - l.size)])
        convex = convexity(problem.armed(), s.x, s.y, np.random.default_rng(0))
        how = convex in ("checked", "declared"), run.rng, self.tol, self.inner_maxiter
        x, y = problem.split(s.start)
        there = first_vector(problem, x, solve_lower(problem, x, y)[1])
        found = [candidate(problem, v, *how) for v in (here, there)]
        best = min((c for c in found if c), key=lambda c: c.rank(self.tol), default=None)
        own = max(s.gap, problem.violation(s.x, s.y))
        if best is None or best.rank(self.tol) > (
            (own, s.fun) if own > self.tol else (0.0, np.inf)
        ):
            return s._replace(stage="done")
        point = best.point
        scale = 1.0 + np.abs(np.concatenate(problem.grad_F(point.x, point.y))).max()
        at = {"x": point.x, "y": point.y, "gap": best.gap, "apart": 0.0, "polished": True}
        return s._replace(stationarity=point.optimality / scale, stage="done", **at)
