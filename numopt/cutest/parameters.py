"""Parameter cards: arithmetic on named integers and reals.

The second letter of a card says what it does, the first what on: ``I`` integers, ``R`` reals,
``A`` entries of real arrays. With p the parameter of field 2:

    E  p = number              S  p = number - field 3      +, -, *, /  p = field 3 op field 5
    A  p = number + field 3    D  p = number / field 3      =  p = field 3
    M  p = number * field 3    I, R  conversion of field 3  F, (  p = function(number, field 5)
"""

import math
import operator

from numopt.cutest.fields import FieldError, constant, integer, number, whole

FUNCTIONS = {
    "ABS": abs, "SQRT": math.sqrt, "EXP": math.exp, "LOG": math.log, "LOG10": math.log10,
    "SIN": math.sin, "COS": math.cos, "TAN": math.tan, "ARCSIN": math.asin, "ARCCOS": math.acos,
    "ARCTAN": math.atan, "HYPSIN": math.sinh, "HYPCOS": math.cosh, "HYPTAN": math.tanh,
}  # fmt: skip


def divide(a, b):
    """Return the integer quotient, cut off towards zero."""
    return abs(a) // abs(b) * (1 if (a >= 0) == (b >= 0) else -1)


def _minus(a, b):
    return b - a


def _over(a, b):
    return b / a


def _integer_over(a, b):
    return divide(b, a)


# Operations of a parameter (first) and a number (second).
_WITH_NUMBER = {"A": operator.add, "S": _minus, "M": operator.mul}
_BETWEEN = {"+": operator.add, "-": operator.sub, "*": operator.mul}

CODES = {f"I{c}" for c in "ERASMD=+-*/"} | {f"{k}{c}" for k in "RA" for c in "EIASMDF=+-*/("}


def compile_parameter(card, scope, given):
    """Return a function that carries out a parameter card.

    Parameters
    ----------
    card : Card
        Its code is one of `CODES`.
    scope : Scope
    given : callable
        ``given(card)`` returns the value that the caller wants instead of the card's, or None.
    """
    kind, what = card.code
    if not card.f2:
        raise FieldError("field 2 is empty", "the name of a parameter")
    value = _value(card, scope, kind, what, given)
    if kind == "I":
        return _store(scope.integers, card.f2, value)
    if kind == "R":
        return _store(scope.reals, card.f2, lambda: _finite(value()))
    values, name = scope.reals, scope.name(card.f2, array=True)

    def assign():
        values[name()] = _finite(value())

    return assign


def _store(values, name, value):
    def assign():
        values[name] = value()

    return assign


def _finite(value):
    if value - value != 0:
        raise FieldError("the value is too large", "a number below 1.8D+308")
    return value


def _value(card, scope, kind, what, given):
    """Return a function for the right-hand side of a parameter card."""
    read = integer if kind == "I" else number
    if what == "E":
        wanted = given(card)
        return constant(read(card.f4) if wanted is None else wanted)
    if what == "F":
        return _applied(card.f3, constant(number(card.f4)))
    source = _source(scope, kind)
    if what == "(":
        return _applied(card.f3, source(card.f5))
    if what == "=":
        return source(card.f3)
    if kind == "I" and what == "R":
        real = scope.real(card.f3, array=False)
        return lambda: whole(real())
    if what == "I":
        name, integers, convert = _present(card.f3), scope.integers, scope.convert
        return lambda: convert(integers[name])
    return _arithmetic(card, kind, what, source, read)


def _arithmetic(card, kind, what, source, read):
    if what in "ASMD":
        divided = _integer_over if kind == "I" else _over
        operation, a, b = _WITH_NUMBER.get(what, divided), source(card.f3), read(card.f4)
        return lambda: operation(a(), b)
    divided = divide if kind == "I" else operator.truediv
    operation, a, b = _BETWEEN.get(what, divided), source(card.f3), source(card.f5)
    return lambda: operation(a(), b())


def _source(scope, kind):
    """Return a function that makes a reader of the parameter named in a field."""
    if kind != "I":
        return lambda field: scope.real(field, kind == "A")
    integers = scope.integers

    def reader(field):
        name = _present(field)
        return lambda: integers[name]

    return reader


def _present(field):
    if not field:
        raise FieldError("a parameter is missing", "the name of a parameter")
    return field


def _applied(name, argument):
    function = FUNCTIONS.get(name.strip())
    if function is None:
        raise FieldError(f"unknown function {name!r}", " ".join(FUNCTIONS))
    return lambda: function(argument())
