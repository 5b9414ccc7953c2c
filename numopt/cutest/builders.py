"""Patterns under construction: from the functions of a file, and optionally its derivatives."""

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from numopt.cutest.arithmetic import Arithmetic
from numopt.cutest.execution import cards, environment, find, own_rows, value
from numopt.models.patterns import Pattern
from numopt.models.terms import Slots, Term
from numopt.models.trees import Table


@dataclass
class Functions:
    """Parts 2 and 3, and how they are read.

    Attributes
    ----------
    elements, groups : Library
    single : bool
        Whether real constants without a ``D`` are single precision.
    given : bool
        Whether derivatives are those of the G and H cards.
    """

    elements: object
    groups: object
    single: bool
    given: bool = False

    def builder(self):
        """Return a new builder."""
        return (GivenBuilder if self.given else Builder)(self)


def tables(kind):
    """Return variable numbers and parameter values of all members of a type, row by row."""
    slots = np.array(kind.slots, dtype=np.int64).reshape(kind.members, len(kind.variables))
    values = np.array(kind.values, dtype=float).reshape(kind.members, len(kind.parameters))
    return slots, values


class Builder:
    """Builds one pattern; leaves are columns of variable numbers or of values.

    Quantities are nodes here, and more than that in subclasses.
    """

    def __init__(self, functions):
        self.functions, self.slots = functions, Slots()
        self.table = Table()
        self.arithmetic = Arithmetic(self.table, functions.single)

    # -- leaves ------------------------------------------------------------------------------

    def _leaf(self, kind, column):
        kind, entry = self.slots.leaf(kind, column)
        return self.table.const(entry) if kind == "const" else self.table.intern(kind, entry)

    def variable(self, column):
        """Return the variables of the given numbers."""
        return self._leaf("var", column)

    def number(self, column):
        """Return the given values."""
        return self._leaf("num", column)

    def _variables(self, kind, members):
        return [self._leaf("var", column) for column in tables(kind)[0][members].T]

    def _parameters(self, kind, members):
        return [self._leaf("num", column) for column in tables(kind)[1][members].T]

    # -- operations --------------------------------------------------------------------------

    def times(self, column, quantity):
        """Return a quantity times the given values."""
        return self.table.make_mul(self._leaf("num", column), quantity)

    def sum(self, parts):
        """Return the sum of quantities."""
        total = parts[0] if parts else self.table.const(0)
        for part in parts[1:]:
            total = self.table.make_add(total, part)
        return total

    def product(self, x, y):
        """Return the product of two variables."""
        return self.table.make_mul(x, y)

    def element(self, kind, members):
        """Return the elements `members` of an element type."""
        variables = self._variables(kind, members)
        parameters = self._parameters(kind, members)
        return value(self.functions.elements, kind, variables, parameters, self.arithmetic)

    def group(self, kind, members, t):
        """Return the group functions of `members` at the quantity t."""
        parameters = self._parameters(kind, members)
        return value(self.functions.groups, kind, [t], parameters, self.arithmetic)

    def term(self, quantity, size, rows, level=0):
        """Return the finished term."""
        s = self.slots
        pattern = self._pattern(quantity, (len(s.columns), len(s.data), len(s.scalars)))
        return Term(pattern, size, s.columns, s.data, s.scalars, rows, level)

    def _pattern(self, quantity, sizes):
        return Pattern(self.table, quantity, sizes)


# -- derivatives that the file gives ---------------------------------------------------------------


class GivenPattern(Pattern):
    """A pattern whose derivatives are given instead of derived.

    Parameters
    ----------
    table, root, sizes
        See `Pattern`.
    first, second : dict
        Nodes of the derivatives by slot, and by pair of slots i >= j.
    """

    def __init__(self, table, root, sizes, first, second):
        super().__init__(table, root, sizes)
        self.gradient = sorted((i, a) for i, a in first.items() if table.value(a) != 0)
        self.hessian = sorted((i, j, a) for (i, j), a in second.items() if table.value(a) != 0)

    def merged(self, slot_of):
        """Return the pattern in which slot k is slot ``slot_of[k]``; several may become one."""
        nodes = [a for *_, a in (*self.gradient, *self.hessian)]
        table, (root, *nodes) = self.rebuilt([self.root, *nodes], slot_of)
        jet = Jet(table, root)
        for (i, _), a in zip(self.gradient, nodes, strict=False):
            jet.add_first(slot_of[i], a)
        for (i, j, _), a in zip(self.hessian, nodes[len(self.gradient) :], strict=True):
            jet.add_second(slot_of[i], slot_of[j], a)
            if i != j and slot_of[i] == slot_of[j]:
                jet.add_second(slot_of[i], slot_of[j], a)
        sizes = max(slot_of) + 1, self.nd, self.np
        return GivenPattern(table, root, sizes, jet.first, jet.second)


class Jet:
    """A node with its first and second derivatives by slots."""

    def __init__(self, table, node, first=None):
        self.table, self.node = table, node
        self.first, self.second = dict(first or {}), {}

    def add_first(self, i, node):
        """Add to the derivative by slot i."""
        known = self.first.get(i)
        self.first[i] = node if known is None else self.table.make_add(known, node)

    def add_second(self, i, j, node):
        """Add to the derivative by slots i and j."""
        place = max(i, j), min(i, j)
        known = self.second.get(place)
        self.second[place] = node if known is None else self.table.make_add(known, node)

    def add(self, other, factor):
        """Add the derivatives of another jet times a node."""
        for i, a in other.first.items():
            self.add_first(i, self.table.make_mul(factor, a))
        for (i, j), a in other.second.items():
            self.add_second(i, j, self.table.make_mul(factor, a))

    def add_square(self, other, factor):
        """Add the products of first derivatives of another jet, times a node."""
        for i, j in combinations_with_replacement(sorted(other.first), 2):
            product = self.table.make_mul(other.first[i], other.first[j])
            self.add_second(i, j, self.table.make_mul(factor, product))


class GivenBuilder(Builder):
    """Builds one pattern with the derivatives of the G and H cards; quantities are jets."""

    def variable(self, column):
        """Return the variables of the given numbers."""
        return self._jet_of(super().variable(column))

    def _jet_of(self, leaf):
        return Jet(self.table, leaf, {self.table.nodes[leaf][1]: self.table.const(1)})

    def number(self, column):
        """Return the given values."""
        return Jet(self.table, super().number(column))

    def times(self, column, quantity):
        """Return a quantity times the given values."""
        factor = self._leaf("num", column)
        out = Jet(self.table, self.table.make_mul(factor, quantity.node))
        out.add(quantity, factor)
        return out

    def sum(self, parts):
        """Return the sum of quantities."""
        out = Jet(self.table, super().sum([part.node for part in parts]))
        for part in parts:
            out.add(part, self.table.const(1))
        return out

    def product(self, x, y):
        """Return the product of two variables."""
        return self._derived(self.table.make_mul(x.node, y.node))

    def _derived(self, node):
        """Return a jet with derivatives of our own, for what has no cards."""
        pattern = Pattern(self.table, node, (0, 0, 0))
        out = Jet(self.table, node, dict(pattern.gradient))
        out.second = {(i, j): a for i, j, a in pattern.hessian}
        return out

    def element(self, kind, members):
        """Return the elements `members` of an element type."""
        variables = self._variables(kind, members)
        parameters = self._parameters(kind, members)
        library = self.functions.elements
        if kind.formula is not None:
            return self._derived(value(library, kind, variables, parameters, self.arithmetic))
        by_name = dict(zip(kind.variables, map(self._jet_of, variables), strict=True))
        own = []
        for row in own_rows(find(library, kind), kind, self.functions.single):
            own.append(Jet(self.table, self.table.const(0)))
            for name, coefficient in row.items():
                own[-1].add(by_name[name], self.table.const(coefficient))
        names = list(kind.internals or kind.variables)
        return self._composed(library, kind, variables, parameters, names, own)

    def group(self, kind, members, t):
        """Return the group functions of `members` at the quantity t."""
        parameters = self._parameters(kind, members)
        names = list(kind.variables)
        return self._composed(self.functions.groups, kind, [t.node], parameters, names, [t])

    def _composed(self, library, kind, variables, parameters, names, own):
        """Return the function of a type by the chain rule; `own` are jets of its variables."""
        routine = find(library, kind)
        root = value(library, kind, variables, parameters, self.arithmetic)
        known = environment(routine, kind, variables, parameters, self.arithmetic)
        out = Jet(self.table, root)
        for place, node in cards(library, routine, known, names, self.arithmetic).items():
            if len(place) == 1:
                out.add(own[place[0]], node)
            else:
                self._add_cross(out, node, *(own[k] for k in place))
        return out

    def _add_cross(self, out, node, u, v):
        """Add a second derivative by u and v, to which the pair (v, u) belongs as well."""
        if u is v:
            out.add_square(u, node)
            return
        for i, a in u.first.items():
            for j, b in v.first.items():
                product = self.table.make_mul(node, self.table.make_mul(a, b))
                out.add_second(i, j, product)
                if i == j:
                    out.add_second(i, j, product)

    def _pattern(self, quantity, sizes):
        return GivenPattern(self.table, quantity.node, sizes, quantity.first, quantity.second)
