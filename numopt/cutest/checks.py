"""Derivative cards against derivatives of the value cards."""

from array import array
from dataclasses import dataclass, replace

import numpy as np

from numopt.core.errors import ProblemError
from numopt.cutest.arithmetic import Arithmetic
from numopt.cutest.builders import tables
from numopt.cutest.data import Kind
from numopt.cutest.execution import cards, environment, find, value
from numopt.models.patterns import Pattern
from numopt.models.trees import Table, numpy_function

# Derivatives that differ by less than this, relative to the larger one, count as equal.
TOLERANCE = 1e-6


@dataclass(frozen=True)
class WrongCard:
    """A derivative in a file that is not the derivative of its function.

    Attributes
    ----------
    type : str
        Element type or group type.
    variables : tuple of str
        One name for a first, two for a second derivative; the group variable in part 3.
    given, derived : float
        Value of the card, and of the derivative of the ``F`` card, at the point where they differ
        most.
    """

    type: str
    variables: tuple
    given: float
    derived: float


def check_derivative_cards(problem, points=5, rng=None):
    """Return the derivative cards of a problem's file that are wrong.

    Parameters
    ----------
    problem : SifProblem
    points : int
        Number of random points at which each type is checked, besides the start point.
    rng : Generator, int or None
        Pseudorandom number generator state, see `numpy.random.default_rng`.

    Returns
    -------
    list of WrongCard
        Also derivatives that are missing though they do not vanish.

    Raises
    ------
    ProblemError
        If the problem was loaded from a store, which has no cards.
    """
    if problem.samples is None:
        raise ProblemError(f"{problem.name} has no derivative cards: read its file by `read_sif`")
    rng, wrong = np.random.default_rng(rng), []
    for library, kind, sample in problem.samples:
        if kind.formula is None:
            wrong += _Check(problem, library, find(library, kind), kind, sample).run(points, rng)
    return wrong


def samples(data, functions, x0):
    """Return what `check_derivative_cards` needs of a problem.

    Returns
    -------
    list of (Library, Kind, (ndarray, ndarray))
        Per type its functions, its names, and the variables of one member at the start point (one
        for groups) with its parameters.
    """
    found = []
    for library, kinds in ((functions.elements, data.element_kinds),
                           (functions.groups, data.group_kinds)):  # fmt: skip
        for kind in kinds.values():
            if kind.members:
                slots, values = tables(kind)
                v = x0[slots[0]] if library is functions.elements else np.ones(len(kind.variables))
                names = replace(kind, slots=array("q"), values=array("d"), members=0)
                found.append((library, names, (v, values[0])))
    return found


class _Check:
    """Compares the cards of one type with derivatives in one table."""

    def __init__(self, problem, library, routine, kind, sample):
        self.kind, self.routine = kind, routine
        self.start, self.parameters = _internal(routine, kind, sample[0]), sample[1]
        self.table = Table()
        arithmetic = Arithmetic(self.table, problem.constants == "fortran")
        own = tuple(kind.internals or kind.variables)
        v = [self.table.intern("var", k) for k in range(len(own))]
        p = [self.table.intern("par", k) for k in range(len(kind.parameters))]
        plain = Kind(kind.name, dict.fromkeys(own), {}, kind.parameters)
        self.names = own
        root = value(library, plain, v, p, arithmetic)
        self.derived = self._derived(root)
        names = environment(routine, plain, v, p, arithmetic)
        self.given = cards(library, routine, names, own, arithmetic)

    def _derived(self, root):
        pattern = Pattern(self.table, root, (len(self.names), 0, len(self.kind.parameters)))
        out = {(i,): node for i, node in pattern.gradient}
        return out | {(j, i): node for i, j, node in pattern.hessian}

    def run(self, points, rng):
        """Return the wrong cards."""
        worst = {}
        places = sorted(self.given.keys() | self.derived.keys())
        for k in range(points + 1):
            v = self.start + (k > 0) * rng.uniform(0.1, 1.0, self.start.size)
            got, own = (self._values(nodes, v) for nodes in (self.given, self.derived))
            for place in places:
                a, b = got.get(place, 0.0), own.get(place, 0.0)
                # Where one of them is undefined the comparison fails, and nothing is said.
                gap = abs(a - b) / max(abs(a), abs(b), 1.0)
                if gap > max(TOLERANCE, worst.get(place, (0.0,))[0]):
                    worst[place] = gap, a, b
        return [
            WrongCard(self.kind.name, tuple(self.names[k] for k in place), a, b)
            for place, (_, a, b) in sorted(worst.items(), key=lambda item: item[0])
        ]

    def _values(self, nodes, v):
        """Return the values of nodes, NaN where they are undefined."""
        known = {}
        with np.errstate(all="ignore"):
            for a in self.table.reachable(list(nodes.values())):
                known[a] = self._value(self.table.nodes[a], known, v)
        return {place: float(known[a]) for place, a in nodes.items()}

    def _value(self, node, known, v):
        op, *arguments = node
        if op == "const":
            return np.float64(arguments[0])
        if op in ("var", "par"):
            return np.float64((v if op == "var" else self.parameters)[arguments[0]])
        return numpy_function(op)(*(known[a] for a in arguments))


def _internal(routine, kind, v):
    """Return the internal variables of a type at the elemental variables v."""
    if not kind.internals:
        return v
    by_name = dict(zip(kind.variables, v, strict=True))
    rows = (routine.rows.get(u, {}) for u in kind.internals)
    return np.array([sum(c * by_name[name] for name, c in row.items()) for row in rows], float)
