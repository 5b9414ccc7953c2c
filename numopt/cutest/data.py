"""What part 1 of a file says: variables, groups, elements, bounds and start points."""

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Any

from numopt.core.errors import SifError
from numopt.cutest.cards import Card
from numopt.cutest.fields import FieldError

# CUTEst's infinity.
INFINITY = 1e20


@dataclass
class Kind:
    """An element type or a group type.

    Attributes
    ----------
    name : str
    variables : dict
        Slot by name: elemental variables, or the one group variable.
    internals : dict
        Number of each internal variable of an element type.
    parameters : dict
        Slot by name.
    slots : array
        Number of the variable in each slot of each element, element by element; -1 where none is.
    values : array
        Value of each parameter of each element; NaN where none is given.
    members : int
        Number of elements.
    formula : callable or None
        Replaces the function that the file gives; see `numopt.cutest.external`.
    card : Card or None
        Where the type is declared.
    """

    name: str
    variables: dict = field(default_factory=dict)
    internals: dict = field(default_factory=dict)
    parameters: dict = field(default_factory=dict)
    slots: array = field(default_factory=lambda: array("q"))
    values: array = field(default_factory=lambda: array("d"))
    members: int = 0
    formula: Callable | None = None
    card: Card | None = None

    def refusal(self, reason, file, expected):
        """Return the error that something is wrong with this type."""
        line, text = (self.card.line, self.card.text) if self.card else (0, "")
        return SifError(reason, file, line, text, expected)

    def add(self):
        """Make room for one more element; return its position."""
        self.slots.extend([-1] * len(self.variables))
        self.values.extend([float("nan")] * len(self.parameters))
        self.members += 1
        return self.members - 1


@dataclass
class Triplets:
    """Entries (row, column, value) in the order of their appearance."""

    rows: array = field(default_factory=lambda: array("q"))
    cols: array = field(default_factory=lambda: array("q"))
    values: array = field(default_factory=lambda: array("d"))

    def add(self, row, col, value):
        """Append an entry."""
        self.rows.append(row)
        self.cols.append(col)
        self.values.append(value)


@dataclass
class Vector:
    """Values by number, with a default for all others."""

    default: Any
    entries: dict = field(default_factory=dict)

    def set_default(self, value):
        """Change the default.

        Raises
        ------
        FieldError
            If entries are set already.
        """
        if self.entries:
            raise FieldError("a default after other values", "defaults first")
        self.default = value


@dataclass
class Data:
    """The problem data in plain containers, numbered in the order of first appearance.

    Attributes
    ----------
    variables, groups, elements : dict
        Number by name.
    integrality : dict
        Type of the variables that are not real.
    group_letters : list of str
        ``N``, ``E``, ``G`` or ``L`` per group.
    linear : Triplets
        Group, variable, coefficient.
    scales : dict
        Scale by group.
    constants, ranges : Vector
    bounds : Vector
        Pairs (lower, upper) by variable.
    crossed : dict
        By variable the card after which no number lies between its bounds.
    start, multipliers : Vector
    quadratic : Triplets
        One triangle of the matrix of the extra objective term.
    element_kinds, group_kinds : dict
        `Kind` by name.
    default_element_kind, default_group_kind : Kind or None
    element_kind, element_position : list, array
        Type of each element and its position among those of its type.
    group_kind, group_position : dict
        The same for the groups that have a type.
    uses : Triplets
        Group, element, weight.
    """

    variables: dict = field(default_factory=dict)
    groups: dict = field(default_factory=dict)
    elements: dict = field(default_factory=dict)
    integrality: dict = field(default_factory=dict)
    group_letters: list = field(default_factory=list)
    linear: Triplets = field(default_factory=Triplets)
    scales: dict = field(default_factory=dict)
    constants: Vector = field(default_factory=lambda: Vector(0.0))
    ranges: Vector = field(default_factory=lambda: Vector(inf))
    bounds: Vector = field(default_factory=lambda: Vector((0.0, inf)))
    crossed: dict = field(default_factory=dict)
    start: Vector = field(default_factory=lambda: Vector(0.0))
    multipliers: Vector = field(default_factory=lambda: Vector(0.0))
    quadratic: Triplets = field(default_factory=Triplets)
    element_kinds: dict = field(default_factory=dict)
    group_kinds: dict = field(default_factory=dict)
    default_element_kind: Kind | None = None
    default_group_kind: Kind | None = None
    element_kind: list = field(default_factory=list)
    element_position: array = field(default_factory=lambda: array("q"))
    group_kind: dict = field(default_factory=dict)
    group_position: dict = field(default_factory=dict)
    uses: Triplets = field(default_factory=Triplets)
    objective_bounds: dict = field(default_factory=dict)

    def variable(self, name):
        """Return the number of a variable, a new one at its first mention."""
        return self.variables.setdefault(name, len(self.variables))

    def group(self, name, letter):
        """Return the number of a group, a new one of this type at its first mention."""
        k = self.groups.get(name)
        if k is None:
            k = self.groups[name] = len(self.groups)
            self.group_letters.append(letter)
        return k

    def set_scale(self, k, value):
        """Let group k be divided by a number."""
        if value == 0:
            raise FieldError("a group is divided by zero", "another scale")
        self.scales[k] = value

    def set_bounds(self, k, lower, upper, card):
        """Set the bounds of variable k."""
        self.bounds.entries[k] = lower, upper
        if lower <= upper and lower < INFINITY and upper > -INFINITY:
            self.crossed.pop(k, None)
        else:  # perhaps a later card makes it right
            self.crossed[k] = card

    def add_element(self, name, kind):
        """Enter an element of this type.

        Raises
        ------
        FieldError
            If it has another type already.
        """
        known = self.elements.get(name)
        if known is None:
            self.elements[name] = len(self.elements)
            self.element_kind.append(kind)
            self.element_position.append(kind.add())
        elif self.element_kind[known] is not kind:
            raise FieldError(f"element {name!r} has type {self.element_kind[known].name!r} already")

    def element(self, name):
        """Return type and position of an element, of the default type at its first mention."""
        k = self.elements.get(name)
        if k is None:
            if self.default_element_kind is None:
                raise FieldError(f"element {name!r} has no type", "a T card above")
            self.add_element(name, self.default_element_kind)
            k = len(self.element_kind) - 1
        return self.element_kind[k], self.element_position[k]

    def type_group(self, k, kind):
        """Give group k a type."""
        if k not in self.group_kind:
            self.group_kind[k], self.group_position[k] = kind, kind.add()
        elif self.group_kind[k] is not kind:
            raise FieldError(f"the group has type {self.group_kind[k].name!r} already")

    def typed_group(self, name):
        """Return type and position of a group, of the default type at its first mention."""
        k = self.groups[name]
        if k not in self.group_kind:
            if self.default_group_kind is None:
                raise FieldError(f"group {name!r} has no type", "a T card above")
            self.type_group(k, self.default_group_kind)
        return self.group_kind[k], self.group_position[k]

    def round(self):
        """Round all numbers to the eleven digits with which the official decoder hands them on."""
        for triplets in (self.linear, self.uses, self.quadratic):
            triplets.values = _all_rounded(triplets.values)
        for kind in (*self.element_kinds.values(), *self.group_kinds.values()):
            kind.values = _all_rounded(kind.values)
        for vector in (self.constants, self.ranges, self.start, self.multipliers):
            vector.default = _rounded(vector.default)
            vector.entries = {k: _rounded(value) for k, value in vector.entries.items()}
        self.bounds.default = tuple(map(_rounded, self.bounds.default))
        pairs = self.bounds.entries
        self.bounds.entries = {k: tuple(map(_rounded, pair)) for k, pair in pairs.items()}
        self.scales = {k: _rounded(value) for k, value in self.scales.items()}


def _rounded(value):
    return float(f"{value:.10e}")


def _all_rounded(values):
    different = {value: _rounded(value) for value in set(values)}
    return array("d", [different[v] if v == v else v for v in values])
