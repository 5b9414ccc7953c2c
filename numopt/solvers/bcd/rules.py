"""Block coordinate descent by the rules of Nutini, Laradji and Schmidt (2022).

    minimise F(x) = f(x) + sum_b g_b(x_b)

    for k = 0, 1, 2, ...
        choose a block b                       (fixed or variable; `selection`)
        x_b <- a point along b with lower F    (`update`)

The state holds the block that comes next with its gradient, so that what is known of optimality
belongs to the current point. Rules that need no full gradient know of it by the blocks as they
came; when all of them look optimal, one full gradient decides.
"""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from numopt.core.errors import OptionError, Status, Stop
from numopt.core.solver import Iterate, Solver
from numopt.solvers.bcd.choice import (
    blind_units,
    first_partition,
    greedy_units,
    is_blind,
    patience,
)
from numopt.solvers.bcd.objective import Objective, Place
from numopt.solvers.bcd.partition import STRUCTURED, Partition
from numopt.solvers.bcd.selection import BLIND, PROXIMAL, SMOOTH
from numopt.solvers.bcd.steps import STEPS, UPDATES, check_update

VARIABLE = ("variable", "greedy_forest", "random_forest")
LARGEST_DEFAULT_BLOCK = 50


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
    idle: int  # iterations in a row that changed nothing
    kinks: np.ndarray  # which units are at a kink
    identified_at: int  # last iteration at which that changed
    updates: int  # variables updated so far


@dataclass(frozen=True, kw_only=True)
class RuleOptions(Solver):
    """Options of the rules; see the class that is entered into the table of methods."""

    blocks: Any = None
    block_size: int | None = None
    order: Literal["sorted", "natural", "random", "alternating"] = "sorted"
    selection: str | None = None
    update: str | None = None
    lipschitz: Any = None
    bound: Literal["eigenvalue", "trace", "rowsum"] = "eigenvalue"
    score_norm: Literal[1, 2] = 2
    refresh: int | None = None
    jac_block: Any = None
    hess_block: Any = None
    block_solve: Any = None

    def __post_init__(self):
        super().__post_init__()
        names = VARIABLE + STRUCTURED
        kinds = f"must be a size, a list of index arrays, or one of {', '.join(names)}"
        self.require(_is_blocks(self.blocks, names), "blocks", kinds)
        kinds = "must be None, 'adaptive', or constants that are not negative"
        self.require(_is_constants(self.lipschitz), "lipschitz", kinds)
        rules = SMOOTH + PROXIMAL + BLIND
        for option, names in (("selection", rules), ("update", UPDATES)):
            known = getattr(self, option) in (None, *names)
            self.require(known, option, f"must be one of {', '.join(map(repr, names))}")
        for option in ("block_size", "refresh"):
            value = getattr(self, option)
            self.require(value is None or value >= 1, option, "must be >= 1")
        for option in ("jac_block", "hess_block", "block_solve"):
            value = getattr(self, option)
            self.require(value is None or callable(value), option, "must be callable")

    @property
    def fixed(self):
        """Whether the blocks are the same during the whole run."""
        return not (isinstance(self.blocks, str) and self.blocks in VARIABLE)

    @property
    def forests(self):
        """Whether the graph of the Hessian on each block is a forest."""
        return isinstance(self.blocks, str) and self.blocks != "variable"

    def size_of(self, o):
        """Return the number of units of a block."""
        return min(self.block_size or LARGEST_DEFAULT_BLOCK, o.units.count)

    def rule_of(self, o):
        """Return the selection rule, by default one that suits the problem."""
        if self.selection is not None:
            return self.selection
        if self.blocks == "greedy_forest":
            return "gs"
        if self.blocks in STRUCTURED if isinstance(self.blocks, str) else False:
            return "cyclic"
        if o.problem.kind == "nlp":
            return "shuffle"
        return "gsd" if o.smooth else "gs-q"

    def update_of(self, o):
        """Return the update, by default the best one that suits the problem."""
        if self.update is not None:
            return self.update
        if self.block_solve is not None or (o.loss.quadratic and o.separable):
            return "exact"
        if not o.separable or not getattr(o.loss, "curved", True):
            return "gradient"
        return "newton" if o.smooth else "two_metric"


def _is_blocks(blocks, names):
    if blocks is None or isinstance(blocks, str):
        return blocks is None or blocks in names
    if not hasattr(blocks, "__len__"):
        return isinstance(blocks, (int, np.integer)) and blocks >= 1
    return True


def _is_constants(given):
    if given is None or isinstance(given, str):
        return given in (None, "adaptive")
    try:
        return bool((np.asarray(given, dtype=np.float64) >= 0.0).all())
    except (TypeError, ValueError):
        return False


def prepare(options, problem):
    """Return the `Objective` of a run, made once.

    Raises
    ------
    OptionError
        For combinations that make no sense for this problem.
    """
    memo = {} if problem.memo is None else problem.memo
    if "bcd" not in memo:
        o = Objective(problem, options)
        _check_rule(options, o)
        memo["bcd"] = o
    return memo["bcd"]


def _check_rule(options, o):
    rule = options.rule_of(o)
    if rule in SMOOTH and not o.smooth:
        raise OptionError(
            f"method 'bcd': selection={rule!r} knows no penalty or bounds; "
            f"take one of {', '.join(map(repr, PROXIMAL))}"
        )
    if options.refresh is not None and (rule in BLIND or not options.fixed or rule in PROXIMAL):
        raise OptionError(
            "method 'bcd': `refresh` is for fixed blocks chosen by 'gs', 'gsl', 'gsd' or 'gsq'"
        )
    if rule == "gsq" and not np.isfinite(o.loss.lipschitz()).all():
        raise OptionError("method 'bcd': selection='gsq' needs a loss with a bound of its Hessian")


def init(options, problem, x0, run):
    """Return the first state."""
    o = prepare(options, problem)
    if o.separable:
        x0 = np.clip(x0, o.penalty.lower, o.penalty.upper)
    partition = first_partition(o, run.rng)
    ones = partition is not None and all(block.size == 1 for block in partition)
    check_update(options.update_of(o), o, ones)
    place, units = o.place(x0), o.units.count
    blocks = 0 if partition is None else len(partition)
    state = State(
        place=place,
        lipschitz=o.first_constants(),
        partition=partition,
        queue=np.empty(0, dtype=np.int64),
        gradient=np.zeros(o.n),
        residual=np.full(units, np.inf),
        seen=np.full(blocks, -1),
        block=np.empty(0, dtype=np.int64),
        slope=np.empty(0),
        idle=0,
        kinks=o.penalty.kink(x0),
        identified_at=0,
        updates=0,
    )
    return choose(o, state, run)


def step(options, problem, s, run):
    """Return the state after the update of one block and the choice of the next."""
    o = prepare(options, problem)
    place, lipschitz = STEPS[options.update_of(o)](o, s)
    still = np.array_equal(place.point.x[s.block], s.place.point.x[s.block])
    idle = s.idle + 1 if still else 0
    if idle >= patience(o, s.partition):
        raise Stop(Status.SMALL_STEP)
    kinks = o.penalty.kink(place.point.x)
    changed = s.identified_at if np.array_equal(kinks, s.kinks) else run.nit + 1
    return choose(
        o,
        s._replace(
            place=place,
            lipschitz=lipschitz,
            idle=idle,
            kinks=kinks,
            identified_at=changed,
            updates=s.updates + s.block.size,
        ),
        run,
    )


def choose(o, s, run):
    """Return the state with the next block, its gradient, and what it tells of optimality."""
    if is_blind(o):
        units, queue = blind_units(o, s, run)
        block = o.units.variables(units)
        slope = o.block_gradient(s.place, block)
        residual = s.residual.copy()
        residual[units] = _violation(o, s, block, slope)
        s = s._replace(queue=queue, block=block, slope=slope, residual=residual)
        return s if residual.max() > o.options.tol else _checked(o, s)
    s = _with_gradient(o, s, run)
    if s.residual.max() <= o.options.tol:
        s = _checked(o, s)
    block = o.units.variables(greedy_units(o, s))
    return s._replace(block=block, slope=s.gradient[block])


def _with_gradient(o, s, run):
    """Return the state with the gradient at its place, or with parts of it renewed."""
    if o.options.refresh is None:
        G = o.gradient(s.place)
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


def report(options, problem, s, run):
    """Return the `Iterate` of a state."""
    o = prepare(options, problem)
    x = s.place.point.x.copy()

    def fields():
        found = {
            "active_set": np.flatnonzero(~s.kinks),
            "identified_at": s.identified_at,
            "nepoch": s.updates / o.n,
            "kkt": float(s.residual.max()) * o.scale,
        }
        return found | ({} if o.counted else {"multipliers": multipliers(o, x, s.gradient)})

    return Iterate(x, s.place.fun, float(s.residual.max()), 0.0, {}, fields)


def multipliers(o, x, G):
    """Return the multipliers of the bounds of an NLP at a point with this gradient."""
    low, high = x <= o.penalty.lower, x >= o.penalty.upper
    lower, upper = np.where(low, np.maximum(G, 0.0), 0.0), np.where(high, np.maximum(-G, 0.0), 0.0)
    return {"constraints": np.zeros(0), "lower": lower, "upper": upper}


def verify(options, problem, it):
    """Return (fun, optimality, violation), recomputed from the point."""
    o = prepare(options, problem)
    place = o.place(it.x)
    return place.fun, float(o.violation(o.gradient(place), it.x).max()), 0.0
