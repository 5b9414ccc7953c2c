"""Fields of cards: numbers, and names that may depend on integer parameters.

A field becomes a function without arguments, so that a card in a loop is analysed only once.
"""

import re

import numpy as np

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[EDed][+-]?\d+)?")
EXPONENT = str.maketrans("Dd", "ee")

# Beyond this a number cannot be an index, a size or a loop limit.
LARGEST_INTEGER = 2**53


class FieldError(Exception):
    """A field of the present card is wrong; the interpreter adds where."""

    def __init__(self, reason, expected=""):
        super().__init__(reason)
        self.reason, self.expected = reason, expected


def number(field):
    """Return the value of a number field."""
    text = field.replace(" ", "")
    if not _NUMBER.fullmatch(text):
        raise FieldError(f"{field!r} is not a number", "a number such as 1.0D+00")
    value = float(text.translate(EXPONENT))
    if value - value != 0:
        raise FieldError(f"{field!r} is too large", "a number below 1.8D+308")
    return value


def integer(field):
    """Return the value of an integer field; decimals are cut off."""
    return whole(number(field))


def whole(value):
    """Return a real value without its decimals, as Fortran converts it."""
    if not -LARGEST_INTEGER < value < LARGEST_INTEGER:
        raise FieldError(f"{value!r} does not fit into an integer", "an integer")
    return int(value)


def constant(value):
    """Return a function that returns the value."""
    return lambda: value


def _by_way_of_single(value):
    return float(np.float32(value))


class Scope:
    """Integer and real parameters, and names that depend on them.

    Parameters
    ----------
    single : bool
        Whether integers become real numbers by way of single precision, as in the official
        decoder; it matters beyond 2**24.

    Attributes
    ----------
    integers, reals : dict
        Current values by name.
    """

    def __init__(self, single=False):
        self.integers, self.reals = {}, {}
        self.convert = _by_way_of_single if single else float

    def name(self, field, array):
        """Return a function for the name in a field, expanded where `array` says so.

        ``X(I,J)`` stands for the variable ``X3,4`` when I = 3 and J = 4.
        """
        if not array or "(" not in field:
            return constant(field)
        base, _, inside = field.partition("(")
        if not inside.endswith(")"):
            raise FieldError(f"the name {field!r} lacks a closing parenthesis", "NAME(INDEX)")
        indices = [index.strip() for index in inside[:-1].split(",")]
        indices = [index for index in indices if index]
        if len(indices) > 3:
            raise FieldError(f"the name {field!r} has {len(indices)} indices", "at most three")
        return self._expansion(base.rstrip(), indices)

    def _expansion(self, base, indices):
        values = self.integers
        if not indices:
            return constant(base)
        if len(indices) == 1:
            (i,) = indices
            return lambda: f"{base}{values[i]}"
        if len(indices) == 2:
            i, j = indices
            return lambda: f"{base}{values[i]},{values[j]}"
        i, j, k = indices
        return lambda: f"{base}{values[i]},{values[j]},{values[k]}"

    def real(self, field, array):
        """Return a function for the value of the real parameter named in a field."""
        name, reals = self.name(field, array), self.reals
        if not field:
            raise FieldError("a parameter is missing", "the name of a real parameter")
        if not array or "(" not in field:
            return lambda: reals[field]
        return lambda: reals[name()]
