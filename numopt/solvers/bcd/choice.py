"""Which block comes next: from what is known at a place to a block and its gradient."""

from functools import partial
from math import ceil

import numpy as np

from numopt.core.errors import ProblemError
from numopt.solvers.bcd.partition import (
    Partition,
    largest_forest,
    ordered,
    runs,
    structured,
)
from numopt.solvers.bcd.selection import (
    BLIND,
    PROXIMAL,
    QuadraticScores,
    block_scores,
    cubic_decrease,
    joined,
    largest,
    sparse_model_block,
    unit_scores,
    weighed,
)
from numopt.solvers.bcd.update import solve_positive

DRAWS = 50  # per block: then none has been left out, but with a chance of exp(-50)


def first_partition(o, rng):
    """Return the fixed blocks, as a `Partition` of the units; None if blocks are variable."""
    blocks, options = o.options.blocks, o.options
    if not options.fixed:
        return None
    if not o.n:
        return Partition([], 0)
    if isinstance(blocks, str):
        return Partition(structured(blocks, graph_of(o), o.first_constants()), o.n)
    if blocks is None or isinstance(blocks, (int, np.integer)):
        size = options.size_of(o) if blocks is None else int(blocks)
        constants = o.first_constants()
        if o.units.groups is not None:
            constants = np.array([constants[group].max() for group in o.units.groups])
        return Partition(runs(ordered(options.order, constants, rng), size), o.units.count)
    return Partition([_whole_units(o.units, b, i) for i, b in enumerate(blocks)], o.units.count)


def graph_of(o):
    """Return the sparse Hessian of a quadratic form.

    Raises
    ------
    ProblemError
        For every other loss.
    """
    graph = o.loss.graph()
    if graph is None or o.units.groups is not None:
        raise ProblemError(
            f"blocks={o.options.blocks!r} needs a quadratic form with a sparse matrix and no groups"
        )
    return graph


def _whole_units(units, block, i):
    """Return the units of which a user's block consists."""
    if units.groups is None:
        return block
    checked = Partition([block, np.arange(units.n)], units.n)[0]
    found = units.of(checked)
    if units.variables(found).size != checked.size:
        raise ProblemError(f"block {i} holds a part of a group of the penalty; take whole groups")
    return found


def number_of_blocks(o, partition):
    """Return how many blocks make an epoch, about."""
    if partition is not None:
        return len(partition)
    return 1 if o.options.forests else ceil(o.units.count / o.options.size_of(o))


def patience(o, partition):
    """Return after how many iterations in a row without a change the run is stuck."""
    if not is_blind(o):
        return 1  # the same block would be chosen again
    drawn = o.options.rule_of(o) in ("random", "lipschitz") or not o.options.fixed
    return (DRAWS if drawn else 2) * number_of_blocks(o, partition)


# -- without a full gradient -----------------------------------------------------------------


def blind_units(o, s, run):
    """Return the units of the next block by a rule that needs no gradient, and the new queue."""
    rule, partition = o.options.rule_of(o), s.partition
    if o.options.blocks == "random_forest":
        return largest_forest(graph_of(o), run.rng.permutation(o.n)), s.queue
    count = o.units.count if partition is None else len(partition)
    size = o.options.size_of(o) if partition is None else 1
    if rule == "random":
        chosen, queue = run.choice(count, size), s.queue
    elif rule == "lipschitz":
        chosen, queue = _by_constants(o, s, run, count, size), s.queue
    else:
        queue = s.queue
        if not queue.size:
            in_order = rule == "cyclic" and partition is not None
            queue = np.arange(count) if in_order else run.rng.permutation(count)
        chosen, queue = queue[:size], queue[size:]
    return (np.sort(chosen) if partition is None else partition[chosen[0]]), queue


def _by_constants(o, s, run, count, size):
    if s.partition is None:
        weights = unit_constants(o, s.lipschitz)
    else:
        weights = block_constants(o, s)
    weights = np.maximum(weights, 1e-12 * weights.max())  # empty columns have their turn, too
    return run.rng.choice(count, size=size, replace=False, p=weights / weights.sum())


# -- with a full gradient --------------------------------------------------------------------


def greedy_units(o, s):
    """Return the units of the block with the highest score at a place whose gradient is known."""
    rule = o.options.rule_of(o)
    if o.options.blocks == "greedy_forest":
        constants = np.ones(o.n) if rule == "gs" else s.lipschitz
        order = np.argsort(-weighed(s.gradient, constants), kind="stable")
        return largest_forest(graph_of(o), order)
    if s.partition is not None:
        return s.partition[int(np.argmax(fixed_scores(o, s, rule)))]
    size = o.options.size_of(o)
    if rule in PROXIMAL:
        L = unit_constants(o, s.lipschitz)
        x = s.place.point.x
        return largest(unit_scores(rule, x, s.gradient, L, o.penalty, o.units), size)
    if rule == "gsc":
        return largest(_cubic_scores(o, s), size)
    constants = np.ones(o.n) if rule == "gs" else s.lipschitz
    if rule == "gsl" and not o.adaptive:
        constants = o.row_sums
    block = largest(weighed(s.gradient, constants), size)
    return _better(o, s, block) if rule == "gsq" else block


def _better(o, s, block):
    """Return a block on which the quadratic model falls at least as low as on the given one."""
    d = -solve_positive(o.hessian(s.place, block), s.gradient[block])
    return sparse_model_block(s.gradient, partial(o.product, s.place), s.lipschitz, block, d)


def _cubic_scores(o, s):
    return cubic_decrease(s.gradient, o.loss.curvatures(s.place.point), o.third)


def fixed_scores(o, s, rule):
    """Return the scores of fixed blocks, shape (number of blocks,)."""
    partition = s.partition
    if rule == "gsc":
        return partition.sums(_cubic_scores(o, s))
    if rule == "gsq":
        if o.quadratic_scores is None:
            o.quadratic_scores = QuadraticScores(partition, o.loss.hessian_bound)
        return o.quadratic_scores(s.gradient)
    if rule in PROXIMAL:
        L = np.empty(o.units.count)
        L[partition.flat] = np.repeat(block_constants(o, s), partition.sizes)
        scores = unit_scores(rule, s.place.point.x, s.gradient, L, o.penalty, o.units)
        return joined(rule, scores, partition)
    constants = block_constants(o, s) if rule == "gsl" else None
    return block_scores(rule, s.gradient, partition, s.lipschitz, constants, o.options.score_norm)


def block_constants(o, s):
    """Return the constants of the fixed blocks, shape (number of blocks,)."""
    if o.adaptive:
        return s.partition.maxima(unit_constants(o, s.lipschitz))
    if o.constants_of_blocks is None:
        blocks = [o.units.variables(units) for units in s.partition]
        o.constants_of_blocks = np.array([o.block_constant(b, s.lipschitz) for b in blocks])
    return o.constants_of_blocks


def unit_constants(o, lipschitz):
    """Return the constants of the units, shape (units.count,)."""
    if o.units.groups is None:
        return lipschitz
    if o.adaptive:
        return np.array([lipschitz[group].max() for group in o.units.groups])
    if o.constants_of_units is None:
        groups = o.units.groups
        o.constants_of_units = np.array([o.block_constant(b, lipschitz) for b in groups])
    return o.constants_of_units


def is_blind(o):
    """Return whether the rule needs no gradient but that of the chosen block."""
    return o.options.rule_of(o) in BLIND or o.options.blocks == "random_forest"
