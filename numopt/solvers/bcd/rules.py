"""Block coordinate descent by the rules of Nutini, Laradji and Schmidt (2022).

    minimise F(x) = f(x) + sum_b g_b(x_b)

    for k = 0, 1, 2, ...
        choose a block b                       (fixed or variable; `selection`)
        x_b <- a point along b with lower F    (`update`)

The state holds the block that comes next with its gradient, so that what is known of optimality
belongs to the current point. Rules that need no full gradient know of it by the blocks as they
came; when all of them look optimal, one full gradient decides.
"""

from typing import NamedTuple

import numpy as np

from numopt.core.errors import ProblemError, Status, Stop
from numopt.core.solver import Iterate
from numopt.solvers.bcd.choice import (
    blind_units,
    first_partition,
    greedy_units,
    is_blind,
    patience,
)
from numopt.solvers.bcd.objective import Objective, Place
from numopt.solvers.bcd.options import check_rule
from numopt.solvers.bcd.partition import Partition
from numopt.solvers.bcd.secant import Secant, first, renewed
from numopt.solvers.bcd.steps import step_of

RENEWAL = 100  # iterations after which a gradient that is kept up to date is worked out anew
DESCENT_NOISE = 1e-12  # relative to 1 + |F|: what rounding may add


class State(NamedTuple):
    """Where the run is, and the block that comes next."""

    place: Place
    lipschitz: np.ndarray  # constants of the variables, (n,)
    partition: Partition | None  # of the units; None for variable blocks
    queue: np.ndarray  # what "cyclic" and "shuffle" have left of this epoch
    gradient: np.ndarray  # of f, (n,), as far as it is known
    residual: np.ndarray  # latest known violation of optimality of each unit
    seen: np.ndarray  # iteration in which each fixed block was last looked at; for `refresh`
    block: np.ndarray  # next block, its variables
    slope: np.ndarray  # its gradient
    secants: dict[bytes, Secant]  # of fixed blocks visited so far, where Hessians are not known
    idle: int  # iterations in a row that changed nothing
    kinks: np.ndarray  # which units are at a kink
    identified_at: int  # last iteration at which that changed
    updates: int  # variables updated so far


class Rules:
    """Engine of `BCD` that chooses and updates blocks by rules.

    Parameters
    ----------
    problem : Composite or NLP
        As a run sees it.
    options : RuleOptions
        Of the method.

    Raises
    ------
    OptionError
        For a rule that does not suit the problem.
    """

    def __init__(self, problem, options):
        options = options.completed(problem)
        self.objective = Objective(problem, options)
        check_rule(options, self.objective)
        single = options.single(self.objective)
        self.update = step_of(options.update_of(self.objective), self.objective, single)

    def init(self, problem, x0, run):
        """Return the first state."""
        o = self.objective
        if o.separable:
            x0 = np.clip(x0, o.penalty.lower, o.penalty.upper)
        partition = first_partition(o, run.rng)
        state = State(
            place=o.place(x0),
            lipschitz=o.first_constants(),
            partition=partition,
            queue=np.empty(0, dtype=np.int64),
            gradient=np.zeros(o.n),
            residual=np.full(o.units.count, np.inf),
            seen=np.full(0 if partition is None else len(partition), -1),
            block=np.empty(0, dtype=np.int64),
            slope=np.empty(0),
            secants={},
            idle=0,
            kinks=o.penalty.kink(x0),
            identified_at=0,
            updates=0,
        )
        return choose(o, state, run)

    def step(self, problem, s, run):
        """Return the state after the update of one block and the choice of the next."""
        o = self.objective
        place, lipschitz = self.update(o, s)
        followed = None
        if o.follows and (run.nit + 1) % RENEWAL:
            change = place.point.x[s.block] - s.place.point.x[s.block]
            followed = o.followed(s.gradient, s.block, change)
        still = np.array_equal(place.point.x[s.block], s.place.point.x[s.block])
        idle = s.idle + 1 if still else 0
        if idle >= patience(o, s.partition):
            raise Stop(Status.SMALL_STEP)
        kinks = o.penalty.kink(place.point.x)
        same = np.array_equal(kinks, s.kinks)
        s = s._replace(
            place=place,
            lipschitz=lipschitz,
            idle=idle,
            kinks=kinks,
            identified_at=s.identified_at if same else run.nit + 1,
            updates=s.updates + max(s.block.size, o.options.inner),
        )
        return choose(o, s, run, followed)

    def report(self, s):
        """Return the `Iterate` of a state."""
        o, x, violation = self.objective, s.place.point.x.copy(), float(s.residual.max(initial=0.0))

        def fields():
            found = {
                "active_set": np.sort(o.units.variables(np.flatnonzero(~s.kinks))),
                "identified_at": s.identified_at,
                "nepoch": s.updates / max(o.n, 1),
                "kkt": violation * o.scale,
                "certificate": "kkt",
            }
            if o.counted:
                return found | {"gap": None, "intercept": o.problem.users_intercept(s.place.point)}
            return found | {"multipliers": multipliers(o, x, s.gradient)}

        return Iterate(x, s.place.fun, violation, 0.0, {}, fields)

    def verify(self, x):
        """Return (fun, optimality, violation), recomputed from the point."""
        o = self.objective
        place = o.place(x)
        return place.fun, float(o.violation(o.gradient(place), x).max(initial=0.0)), 0.0


def check_descent(before, after):
    """Raise `ProblemError` if an update raised F by more than rounding."""
    if not after <= before + DESCENT_NOISE * (1.0 + abs(before)):
        raise ProblemError(
            f"an update raised the objective from {before!r} to {after!r}: constants in "
            "`lipschitz` are too small, or a derivative or a proximal map is wrong"
        )


def choose(o, s, run, gradient=None):
    """Return the state with the next block, and what is known there; the gradient may be known."""
    if not o.n:
        return s  # nothing to choose, and the empty vector is the solution
    s = _chosen(o, s, run, gradient)
    if not o.by_secants:
        return s
    key, at = s.block.tobytes(), s.place.point.x[s.block]
    known = s.secants.get(key)
    found = first(at, s.slope) if known is None else renewed(known, at, s.slope)
    return s._replace(secants=s.secants | {key: found})


def _chosen(o, s, run, gradient):
    """Return the state with the next block, its gradient, and what it tells of optimality."""
    if is_blind(o):
        units, queue = blind_units(o, s, run)
        block = o.units.variables(units)
        slope = o.block_gradient(s.place, block)
        residual = s.residual.copy()
        residual[units] = _violation(o, s, block, slope)
        s = s._replace(queue=queue, block=block, slope=slope, residual=residual)
        return s if residual.max() > o.options.tol else _checked(o, s)
    s = _with_gradient(o, s, run, gradient)
    if s.residual.max() <= o.options.tol:
        s = _checked(o, s)
    block = o.units.variables(greedy_units(o, s))
    return s._replace(block=block, slope=s.gradient[block])


def _with_gradient(o, s, run, gradient):
    """Return the state with the gradient at its place, or with parts of it renewed."""
    if o.options.refresh is None:
        G = o.gradient(s.place) if gradient is None else gradient
        return s._replace(gradient=G, residual=o.violation(G, s.place.point.x))
    G, seen, residual = s.gradient.copy(), s.seen.copy(), s.residual.copy()
    oldest = np.argsort(seen, kind="stable")[: o.options.refresh]
    seen[oldest] = run.nit
    moved = [s.block] if s.block.size else []
    for b in [*moved, *(s.partition[k] for k in oldest)]:
        G[b] = o.block_gradient(s.place, b)
        residual[b] = np.abs(G[b]) / o.scale
    return s._replace(gradient=G, seen=seen, residual=residual)


def _violation(o, s, b, slope):
    """Return the violation of optimality of a block, measured by a prox step."""
    L = max(float(s.lipschitz[b].max()), np.finfo(np.float64).tiny)
    x = s.place.point.x[b]
    return L * np.abs(o.penalty.prox(x - slope / L, 1.0 / L, b) - x).max() / o.scale


def _checked(o, s):
    """Return the state with everything recomputed from x alone."""
    place = o.place(s.place.point.x)
    G = o.gradient(place)
    residual = o.violation(G, place.point.x)
    return s._replace(place=place, gradient=G, residual=residual, slope=G[s.block])


def multipliers(o, x, G):
    """Return the multipliers of the bounds of an NLP at a point with this gradient."""
    low, high = x <= o.penalty.lower, x >= o.penalty.upper
    lower, upper = np.where(low, np.maximum(G, 0.0), 0.0), np.where(high, np.maximum(-G, 0.0), 0.0)
    return {"constraints": np.zeros(0), "lower": lower, "upper": upper}
