"""Linear sections of part 1: variables, groups, constants, bounds, start points.

Every method turns a card into a function without arguments, which the interpreter calls as often
as the loops around the card say.
"""

from math import inf

from numopt.core.errors import SifError
from numopt.cutest.compilers import DEFAULT, Reader, has_arrays, letter, nothing
from numopt.cutest.fields import FieldError, constant

_TYPES = {"'INTEGER'": "integer", "'ZERO-ONE'": "zero-one"}

# What a card does to the pair (lower, upper) of a variable. An upper bound of zero on an untouched
# variable, and "MI", follow the conventions of linear programming's older format.
_UNTOUCHED = (0.0, inf)
_BOUNDS = {
    "LO": lambda low, up, value: (value, up),
    "UP": lambda low, up, value: (-inf if (low, up) == _UNTOUCHED and not value else low, value),
    "FX": lambda low, up, value: (value, value),
    "FR": lambda low, up, value: (-inf, inf),
    "MI": lambda low, up, value: (-inf, 0.0 if (low, up) == _UNTOUCHED else up),
    "PL": lambda low, up, value: (low, inf),
}
_VALUED = ("LO", "UP", "FX")
_LETTERS = {"L": "LO", "U": "UP", "X": "FX", "R": "FR", "M": "MI", "P": "PL"}
_BOUND_CODES = {
    **{code: code for code in _BOUNDS},
    **{prefix + key: code for prefix in "XZ" for key, code in _LETTERS.items()},
}


class LinearSections(Reader):
    """Compilers of the linear sections.

    Parameters
    ----------
    data : Data
    scope : Scope
    vectors : dict
        Names of the vectors to use by section; the first ones of the file by default.
    """

    def __init__(self, data, scope, vectors):
        super().__init__(data, scope)
        self.vectors, self.wanted, self.seen = dict(vectors), vectors, set()

    def none(self, card):
        """Refuse a data card before the first section."""
        raise FieldError("a data card before the first section", "VARIABLES or GROUPS")

    def variables(self, card):
        """Compile a card of VARIABLES: new variables, their types, coefficients in known groups."""
        letter(card, ("",))
        name, data = self.name(card, card.f2), self.data
        if card.f3 == "'MARKER'":
            return nothing
        if card.f3 in _TYPES:
            kind = _TYPES[card.f3]
            return lambda: data.integrality.__setitem__(data.variable(name()), kind)
        if card.f3 in ("'SCALE'", "") or not data.groups:
            return lambda: data.variable(name())
        pairs, groups, linear = self.pairs(card), data.groups, data.linear

        def add():
            k = data.variable(name())
            for group, value in pairs:
                linear.add(groups[group()], k, value())

        return add

    def groups(self, card):
        """Compile a card of GROUPS: new groups, scales, coefficients of known variables."""
        kind = letter(card, ("N", "E", "G", "L"))
        name, data = self.name(card, card.f2), self.data
        if card.f3 == "'SCALE'":
            value = self.value(card)
            return lambda: data.set_scale(data.group(name(), kind), value())
        if not card.f3:
            return lambda: data.group(name(), kind)
        if card.code[0] == "D":
            return self._combination(name, kind, self.pairs(card))
        pairs, variables, linear = self.pairs(card), data.variables, data.linear

        def add():
            k = data.group(name(), kind)
            for variable, value in pairs:
                linear.add(k, variables[variable()], value())

        return add

    def _combination(self, name, kind, pairs):
        """D cards: the linear part combines those of one or two other groups."""
        data = self.data

        def combine():
            k, linear = data.group(name(), kind), data.linear
            for other, multiplier in pairs:
                j, factor = data.groups[other()], multiplier()
                for e in [e for e, row in enumerate(linear.rows) if row == j]:
                    linear.add(k, linear.cols[e], factor * linear.values[e])

        return combine

    def quadratic(self, card):
        """Compile a card of QUADRATIC: entries of the matrix of a term of the objective."""
        letter(card, ("",))
        name, variables = self.name(card, card.f2), self.data.variables
        quadratic, pairs = self.data.quadratic, self.pairs(card)

        def add():
            i = variables[name()]
            for other, value in pairs:
                quadratic.add(i, variables[other()], value())

        return add

    # -- vectors: values of which a file may hold several sets ---------------------------------

    def _skipped(self, section, card):
        """Tell whether the card belongs to a vector that is not the one to use."""
        self.seen.add((section, card.f2))
        return self.vectors.setdefault(section, card.f2) != card.f2

    def check_vectors(self, file):
        """Refuse the choice of a vector that the file does not have.

        Raises
        ------
        SifError
        """
        for section, name in self.wanted.items():
            if (section, name) not in self.seen:
                known = ", ".join(sorted(f"{v!r} of {s}" for s, v in self.seen)) or "none"
                raise SifError(f"there is no vector {name!r} of {section}", file, expected=known)

    def _assign(self, card, vector, numbers):
        if card.f3 == DEFAULT:
            value = self.value(card)
            return lambda: vector.set_default(value())
        pairs, entries = self.pairs(card), vector.entries

        def assign():
            for name, value in pairs:
                entries[numbers[name()]] = value()

        return assign

    def constants(self, card):
        """Compile a card of CONSTANTS: what is subtracted from the groups."""
        letter(card, ("", "N", "E", "G", "L"))
        if self._skipped("CONSTANTS", card):
            return nothing
        return self._assign(card, self.data.constants, self.data.groups)

    def ranges(self, card):
        """Compile a card of RANGES: widths of two-sided constraints."""
        letter(card, ("", "N", "E", "G", "L"))
        if self._skipped("RANGES", card):
            return nothing
        return self._assign(card, self.data.ranges, self.data.groups)

    def start(self, card):
        """Compile a card of START POINT: variables (V), multipliers (M), or by the name."""
        # "FR" stands in ten files of the collection, with a value, and is read as a blank.
        kind = letter(card, ("", "V", "M", "FR"))
        if self._skipped("START POINT", card):
            return nothing
        data = self.data
        if kind == "M":
            return self._assign(card, data.multipliers, data.groups)
        if kind == "V":
            return self._assign(card, data.start, data.variables)
        if card.f3 == DEFAULT:
            return self._default_start(self.value(card))
        pairs = self.pairs(card)

        def assign():
            for name, value in pairs:
                key = name()
                if key in data.variables:
                    data.start.entries[data.variables[key]] = value()
                else:
                    data.multipliers.entries[data.groups[key]] = value()

        return assign

    def _default_start(self, value):
        data = self.data

        def set_default():
            data.start.set_default(value())
            data.multipliers.set_default(value())

        return set_default

    def bounds(self, card):
        """Compile a card of BOUNDS: lower and upper bounds of variables."""
        code = _BOUND_CODES.get(card.code)
        if code is None:
            raise FieldError(f"unknown bound {card.code!r}", " ".join(_BOUND_CODES))
        if self._skipped("BOUNDS", card):
            return nothing
        data, bounds, move = self.data, self.data.bounds, _BOUNDS[code]
        value = self.value(card) if code in _VALUED else constant(inf)
        if card.f3 == DEFAULT:
            return lambda: bounds.set_default(move(*bounds.default, value()))
        name = self.scope.name(card.f3, card.code not in _BOUNDS and has_arrays(card))
        variables, entries = data.variables, bounds.entries

        def assign():
            k = variables[name()]
            data.set_bounds(k, *move(*entries.get(k, bounds.default), value()), card)

        return assign

    def object_bound(self, card):
        """Compile a card of OBJECT BOUND: what is known about the optimal value."""
        side = _OBJECT_BOUNDS.get(card.code)
        if side is None:
            raise FieldError(f"unknown bound {card.code!r}", " ".join(_OBJECT_BOUNDS))
        value, known = self.value(card), self.data.objective_bounds
        return lambda: known.setdefault(side, value())


_OBJECT_BOUNDS = {
    "LO": "lower", "XL": "lower", "ZL": "lower", "UP": "upper", "XU": "upper", "ZU": "upper",
}  # fmt: skip
