"""F2SA: the value function as a penalty, by gradients only.

    L_c(x) = min_{y in Y} [ F(x, y) + c f(x, y) ] - c min_{z in Y} f(x, z)
    grad L_c = grad_x F(x, y) + c (grad_x f(x, y) - grad_x f(x, z)) = grad Phi + O(1/c)

    for c = c_0, 8 c_0, 64 c_0, ... until F(x, y) and F(x, z) agree
        x to a small gradient of L_c;  y and z tracked from their last values by quasi-Newton steps

The published single loop, whose gradients may be of batches, is `numopt.solvers.bilevel.batches`.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from numopt.core.errors import Status, Stop
from numopt.solvers.bilevel import batches
from numopt.solvers.bilevel.base import BilevelSolver
from numopt.solvers.bilevel.descent import (
    Descent,
    Point,
    Stuck,
    advance,
    begin,
    forget,
    minimise,
    region_of,
)
from numopt.solvers.bilevel.value_gap import first_penalty

GROWTH = 8.0  # of the penalty
LARGEST = 1e8
FAR = 0.1  # difference of F(x, y) and F(x, z) at which x is not moved, but c grows
AGREE = 1.0  # of the tolerance: relative difference of F(x, y) and F(x, z)
LOOSE = 0.3  # gradient of L_c, relative to that of the start of the rung, at which c grows
TIGHT, TIGHTEST = 1e-3, 1e-5  # error of y and z relative to |grad_y F| / c, by which they differ
TRACKS = 300  # quasi-Newton steps of y and of z for one gradient


class Pair(NamedTuple):
    """What is found at an x."""

    y: np.ndarray  # minimises F + c f, (m,)
    z: np.ndarray  # minimises f, (m,)
    memories: tuple  # of the descents that found y and z
    apart: float  # |F(x, y) - F(x, z)| / (1 + |F(x, z)|)


class State(NamedTuple):
    """The outer descent for one penalty."""

    outer: Descent
    c: float
    first: float  # size of the gradient where this rung began
    finished: bool = False


@dataclass(frozen=True, kw_only=True)
class F2SA(BilevelSolver):
    """Options of ``method="f2sa"``: the value function as a penalty, by gradients only.

        minimise F(x, y) + c (f(x, y) - min_z f(x, z))   over   x in X, y in Y

    Parameters
    ----------
    variant : {"auto", "paper"}
        ``"auto"`` solves for y and z to accuracy and increases c until it does not matter; it needs
        exact functions. ``"paper"`` is the published loop, and what ``"auto"`` does with problems
        that take batches.
    penalty0 : float
        First penalty c; 0 stands for |grad F| / |grad f| at the start, between 1
        and 100.
    extrapolate : bool
        Descend along 2 grad L_2c - grad L_c, which has an error of O(1/c^2); for exact functions
        and ``"auto"`` only.
    batch : int
        Rows in a batch; 0 takes all.
    noise : {"both", "upper", "none"}
        Which level has noise; it decides how steps and penalty vary with the iteration.
    inner : int
        Steps of y and z for one step of x in ``"paper"``.
    step_x, step_y : float
        Factors of the steps of x, and of y and z, in ``"paper"``.
    normalise : bool
        Steps of x of fixed length along an average of gradients, for an upper level without a
        Lipschitz constant, in ``"paper"``.
    update_every : int
        Track y and z in every so many iterations only, in ``"paper"``.
    check_every : int
        Gradient steps of x in one iteration of ``"paper"``.
    tol, maxiter, maxfun, maxtime, target, disp
        As for every method, see `Solver`.

    Notes
    -----
    The lower level must be strongly convex in y, and Y must not depend on x; with a set Y this is
    the penalty method of [2]_. The stationarity is the projected gradient of L_c.

    Result: the fields of every bilevel result, and ``penalty``, the last c. The y of the result is
    z, a solution of the lower level.

    References
    ----------
    .. [1] J. Kwon, D. Kwon, S. Wright, R. Nowak, A fully first-order method for stochastic bilevel
       optimization, ICML 2023.
    .. [2] J. Kwon, D. Kwon, S. Wright, R. Nowak, On penalty methods for nonconvex bilevel
       optimization and first-order stochastic approximation, ICLR 2024.
    .. [3] J. Hao, X. Gong, M. Liu, Bilevel optimization under unbounded smoothness, ICLR 2024.
    """

    name = "f2sa"
    accepts = frozenset({"X", "Y", "implicit sets"})
    reference = "Kwon, Kwon, Wright, Nowak, ICML 2023"
    momentum = False

    variant: Literal["auto", "paper"] = "auto"
    penalty0: float = 0.0
    extrapolate: bool = False
    batch: int = 64
    noise: Literal["both", "upper", "none"] = "both"
    inner: int = 10
    step_x: float = 1.0
    step_y: float = 1.0
    normalise: bool = False
    update_every: int = 1
    check_every: int = 50

    def __post_init__(self):
        super().__post_init__()
        for option in ("inner", "step_x", "step_y", "update_every", "check_every"):
            self.require(getattr(self, option) > 0, option, "must be > 0")
        self.require(self.penalty0 >= 0, "penalty0", "must be >= 0")
        self.require(self.batch >= 0, "batch", "must be >= 0")

    def sampled(self, problem):
        """Return whether the published loop runs."""
        return self.momentum or self.variant == "paper" or problem.stochastic

    def init(self, problem, x0, run):
        exact = not self.extrapolate or not self.sampled(problem)
        self.require(exact, "extrapolate", "needs exact functions and the variant 'auto'")
        x, y = self.begin(problem, x0, run)
        c = self.penalty0 or first_penalty(problem, x, y)
        if self.sampled(problem):
            return batches.first_state(self, problem, x, y, c)
        outer = begin(self._oracle(problem, c), x, Pair(y, y, (None, None), np.inf))
        return State(outer, c, float(np.linalg.norm(outer.at.g)))

    def step(self, problem, s, run):
        if self.sampled(problem):
            return batches.next_state(self, problem, s, run)
        if s.finished:
            raise Stop(Status.SMALL_STEP)
        region, at = region_of(problem.X, problem.n), s.outer.at
        residual = region.residual(at.w, at.g)
        agreed = at.extra.apart <= AGREE * self.tol or s.c >= LARGEST
        far = at.extra.apart > FAR
        if not agreed and (far or residual <= max(LOOSE * s.first, self.tol)):
            return self._next_rung(problem, s)
        try:
            return s._replace(
                outer=advance(self._oracle(problem, s.c, residual / s.first), s.outer, region)
            )
        except Stuck:
            return s._replace(finished=True) if agreed else self._next_rung(problem, s)

    def report(self, problem, s, run):
        if self.sampled(problem):
            return batches.report(self, problem, s, run)
        at = s.outer.at
        residual = region_of(problem.X, problem.n).residual(at.w, at.g)
        stationarity = residual if at.extra.apart <= AGREE * self.tol else np.inf
        scalars = {"penalty": s.c, "apart": at.extra.apart}
        how = {"scalars": scalars, "finished": s.finished, "penalty": s.c}
        return self.reported(problem, at.w, at.extra.z, stationarity, **how)

    def _next_rung(self, problem, s):
        c = GROWTH * s.c
        x, extra = s.outer.at.w, s.outer.at.extra
        point = Point(x, *self._oracle(problem, c)(x, extra))
        return State(forget(s.outer, point), c, float(np.linalg.norm(point.g)))

    def _oracle(self, problem, c, progress=1.0):
        accuracy = max(TIGHTEST, TIGHT * min(1.0, progress))

        def once(x, known, c):
            return penalised(problem, x, known, c, accuracy)

        def extrapolated(x, known):
            value, g, near = once(x, known, c)
            twice, g2, pair = once(x, near, 2 * c)
            return 2 * twice - value, 2 * g2 - g, pair

        return extrapolated if self.extrapolate else lambda x, known: once(x, known, c)


def penalised(problem, x, known, c, accuracy):
    """Return (L_c(x), its gradient, `Pair`).

    Parameters
    ----------
    problem : Bilevel
    x : ndarray, shape (n,)
    known : Pair
        Of a point nearby.
    c, accuracy : float
        Penalty; error of y and z relative to their distance.
    """
    if not np.isfinite(x).all():
        return np.inf, np.full(x.size, np.nan), known
    region = region_of(problem.Y, problem.m)

    def lower(z, _):
        return problem.f(x, z), problem.grad_f_y(x, z), None

    def both(y, _):
        value = problem.f(x, y) + problem.F(x, y) / c
        return value, problem.grad_f_y(x, y) + problem.grad_F(x, y)[1] / c, None

    apart = float(np.linalg.norm(problem.grad_F(x, known.z)[1])) / c
    how = region, accuracy * apart, TRACKS, None
    at_y = minimise(both, known.y, *how, known.memories[0])
    at_z = minimise(lower, known.z, *how, known.memories[1])
    y, z = at_y.at.w, at_z.at.w
    F, Fz = problem.F(x, y), problem.F(x, z)
    value = F + c * (problem.f(x, y) - problem.f(x, z))
    slope = problem.grad_F(x, y)[0] + c * (problem.grad_f(x, y)[0] - problem.grad_f(x, z)[0])
    return value, slope, Pair(y, z, (at_y, at_z), abs(F - Fz) / (1.0 + abs(Fz)))


@dataclass(frozen=True, kw_only=True)
class F3SA(F2SA):
    """Options of ``method="f3sa"``: the published loop of `F2SA` with momentum-corrected gradients.

        h = grad(w; s) + (1 - e) (h - grad(w_before; s)),   one batch s for both points

    Parameters
    ----------
    penalty0, batch, noise, step_x, step_y, normalise, update_every, check_every
        As for `F2SA`; there is one step of y and z for each of x.
    variant, extrapolate, inner
        Of `F2SA`, not used.
    tol, maxiter, maxfun, maxtime, target, disp
        As for every method, see `Solver`.

    Notes
    -----
    As for `F2SA`; every gradient is taken at two points of the same batch.

    Result: as for `F2SA`.

    References
    ----------
    .. [1] J. Kwon, D. Kwon, S. Wright, R. Nowak, A fully first-order method for stochastic bilevel
       optimization, ICML 2023.
    """

    name = "f3sa"
    momentum = True
