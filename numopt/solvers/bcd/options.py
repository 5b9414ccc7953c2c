"""The options of the rules, and what they stand for on a given problem."""

from dataclasses import dataclass, replace
from math import inf
from typing import Any, Literal

import numpy as np

from numopt.core.errors import OptionError
from numopt.core.solver import Solver
from numopt.models.penalties import Separable
from numopt.solvers.bcd.partition import STRUCTURED
from numopt.solvers.bcd.selection import BLIND, PROXIMAL, SMOOTH
from numopt.solvers.bcd.steps import UPDATES

VARIABLE = ("variable", "greedy_forest", "random_forest")
LARGEST_DEFAULT_BLOCK = 50
LARGEST_NEWTON_BLOCK = 2000  # where nothing is given: one dense factorisation an iteration
FUNCTIONS = (
    "jac_block",
    "hess_block",
    "block_solve",
    "init_state",
    "update_state",
    "fun_state",
)
RENEWABLE = ("gs", "gsl", "gsd", "gsq")  # rules that `refresh` is for
DEMANDS = (
    "blocks",
    "block_size",
    "selection",
    "update",
    "lipschitz",
    "refresh",
    *FUNCTIONS,
)  # fmt: skip - options that ask for rules when they are given


@dataclass(frozen=True, kw_only=True)
class RuleOptions(Solver):
    """Options of the rules, documented in `BCD`."""

    blocks: Any = None
    block_size: int | None = None
    order: Literal["sorted", "natural", "random", "alternating"] = "sorted"
    selection: str | None = None
    update: str | None = None
    lipschitz: Any = None
    bound: Literal["eigenvalue", "trace", "rowsum"] = "eigenvalue"
    score_norm: Literal[1, 2] = 2
    refresh: int | None = None
    inner: int = 1
    jac_block: Any = None
    hess_block: Any = None
    block_solve: Any = None
    init_state: Any = None
    update_state: Any = None
    fun_state: Any = None
    check_descent: bool = False

    def __post_init__(self):
        super().__post_init__()
        self.require(self.inner >= 1, "inner", "must be >= 1")
        if self.rules_given:
            self._check_rules()

    def _check_rules(self):
        names = VARIABLE + STRUCTURED
        kinds = f"must be a size, a list of index arrays, or one of {', '.join(names)}"
        self.require(_is_blocks(self.blocks, names), "blocks", kinds)
        kinds = "must be None, 'adaptive', or constants that are not negative"
        self.require(_is_constants(self.lipschitz), "lipschitz", kinds)
        rules = (*SMOOTH, "gsb", *PROXIMAL, *BLIND)
        for option, names in (("selection", rules), ("update", UPDATES)):
            known = getattr(self, option) in (None, *names)
            self.require(known, option, f"must be one of {', '.join(map(repr, names))}")
        demand = "must be None or 'random' with blocks='random_forest'"
        drawn = self.selection in (None, "random")
        self.require(drawn or not self._is("random_forest"), "selection", demand)
        demand = "must be None, 'gs' or 'gsd' with blocks='greedy_forest'"
        known = self.selection in (None, "gs", "gsd")
        self.require(known or not self._is("greedy_forest"), "selection", demand)
        fixed = self.selection != "gsb" or self.fixed
        self.require(fixed, "selection", "'gsb' is for fixed blocks")
        for option in ("block_size", "refresh"):
            value = getattr(self, option)
            self.require(value is None or value >= 1, option, "must be >= 1")
        for option in FUNCTIONS:
            value = getattr(self, option)
            self.require(value is None or callable(value), option, "must be callable")
        together = (self.init_state is None) == (self.update_state is None)
        self.require(together, "update_state", "and `init_state` go together")
        alone = self.fun_state is not None and self.init_state is None
        self.require(not alone, "fun_state", "needs `init_state` and `update_state`")

    @property
    def rules_given(self):
        """Whether an option says how to choose or to update blocks."""
        return any(getattr(self, name) is not None for name in DEMANDS)

    def completed(self, problem):
        """Return these options, with large variable blocks if none of them asks for rules.

        "gsb" becomes "gsl" with a cheap bound.
        """
        separable = problem.kind == "composite" and isinstance(problem.penalty, Separable)
        if self.selection == "gsb":
            bound = "trace" if self.bound == "eigenvalue" else self.bound
            return replace(self, selection="gsl", bound=bound)
        if self.rules_given or not separable:
            return self
        sparse = problem.loss.graph() is not None
        size = max(problem.n, 1) if sparse else LARGEST_NEWTON_BLOCK
        return replace(self, blocks="variable", block_size=size)

    @property
    def fixed(self):
        """Whether the blocks are the same during the whole run."""
        return not self._is(*VARIABLE)

    def _is(self, *names):
        return isinstance(self.blocks, str) and self.blocks in names

    @property
    def forests(self):
        """Whether the graph of the Hessian on each block is a forest."""
        return isinstance(self.blocks, str) and self.blocks != "variable"

    def size_of(self, o):
        """Return the number of units of a block."""
        return min(self.block_size or LARGEST_DEFAULT_BLOCK, o.units.count)

    def widest(self, o):
        """Return the largest number of units in a block, infinite where blocks are listed."""
        if isinstance(self.blocks, (int, np.integer)):
            return int(self.blocks)
        return self.size_of(o) if self.blocks is None or self._is("variable") else inf

    def single(self, o):
        """Return whether every block is one unit of the penalty."""
        if self.blocks is None or isinstance(self.blocks, str):
            return self.blocks in (None, "variable") and self.size_of(o) == 1
        if isinstance(self.blocks, (int, np.integer)):
            return self.blocks == 1
        if o.units.groups is None:
            return all(np.size(block) == 1 for block in self.blocks)
        groups = {tuple(np.sort(group)) for group in o.units.groups}
        return all(tuple(np.sort(np.ravel(block))) in groups for block in self.blocks)

    def rule_of(self, o):
        """Return the selection rule, by default one that suits the problem."""
        if self.selection is not None:
            return self.selection
        if self._is("greedy_forest"):
            return "gs"
        if self._is(*STRUCTURED):
            return "cyclic"
        if o.problem.kind == "nlp":
            return "shuffle"
        if o.smooth:
            return "gsd"
        return "gsl-r" if o.penalty.code < 0 else "gs-q"

    def update_of(self, o):
        """Return the update, by default the best one that suits the problem."""
        if self.update is not None:
            return self.update
        closed = o.smooth or (o.separable and self.single(o))
        if self.block_solve is not None or (o.loss.quadratic and closed):
            return "exact"
        if not o.separable or not (o.curved or self.fixed):
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


def check_rule(options, o):
    """Raise `OptionError` unless the selection rule suits the problem of this `Objective`."""
    rule = options.rule_of(o)
    for name in FUNCTIONS:
        if o.counted and name != "block_solve" and getattr(options, name) is not None:
            raise OptionError(f"method 'bcd': `{name}` is for functions, not composites")
    if rule in SMOOTH and not o.smooth:
        raise OptionError(
            f"method 'bcd': selection={rule!r} knows no penalty or bounds; "
            f"take one of {', '.join(map(repr, PROXIMAL))}"
        )
    if rule == "gs-q" and o.penalty.code < 0:
        raise OptionError(
            "method 'bcd': selection='gs-q' needs a penalty with values by unit, which "
            f"{type(o.penalty).__name__} has not; take 'gs-r', 'gsl-r' or 'gs-s'"
        )
    if options.refresh is not None and not (options.fixed and rule in RENEWABLE):
        raise OptionError(
            "method 'bcd': `refresh` is for fixed blocks chosen by 'gs', 'gsl', 'gsd' or 'gsq'"
        )
    if rule == "gsq" and not np.isfinite(o.loss.lipschitz()).all():
        raise OptionError("method 'bcd': selection='gsq' needs a loss with a bound of its Hessian")
    if rule == "gsc" and not np.isfinite(o.third).all():
        raise OptionError(
            "method 'bcd': selection='gsc' needs a loss with bounds of its third derivatives: a "
            "quadratic one, or a logistic or multinomial one without an intercept"
        )
