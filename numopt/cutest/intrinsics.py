"""Intrinsic functions of Fortran 77."""

import math
from functools import partial
from math import inf

import numpy as np

from numopt.cutest.arithmetic import Node, is_integer, number_of
from numopt.cutest.fields import FieldError

# The same functions under their older names for one type, as in DSQRT or AMAX1.
ALIASES = {
    "DEXP": "EXP", "DLOG": "LOG", "ALOG": "LOG", "DLOG10": "LOG10", "ALOG10": "LOG10",
    "DSQRT": "SQRT", "DSIN": "SIN", "DCOS": "COS", "DTAN": "TAN", "DASIN": "ASIN",
    "DACOS": "ACOS", "DATAN": "ATAN", "DATAN2": "ATAN2", "DSINH": "SINH", "DCOSH": "COSH",
    "DTANH": "TANH", "DABS": "ABS", "IABS": "ABS", "DSIGN": "SIGN", "ISIGN": "SIGN",
    "DMOD": "MOD", "AMOD": "MOD", "DMAX1": "MAX", "AMAX1": "MAX", "MAX0": "MAX",
    "DMIN1": "MIN", "AMIN1": "MIN", "MIN0": "MIN", "IDINT": "INT", "IFIX": "INT",
    "DFLOAT": "DBLE", "FLOAT": "REAL", "SNGL": "REAL", "DINT": "AINT", "IDNINT": "NINT",
    "DNINT": "ANINT",
}  # fmt: skip


def call(arithmetic, name, arguments):
    """Return the value of an intrinsic function.

    Raises
    ------
    FieldError
        For unknown functions, and the wrong number of arguments.
    """
    name = ALIASES.get(name, name)
    if name not in FUNCTIONS:
        raise FieldError(
            f"unknown function {name!r}", "an intrinsic function; Fortran is not executed"
        )
    function, least, most = FUNCTIONS[name]
    if not least <= len(arguments) <= most:
        raise FieldError(f"{name} with {len(arguments)} arguments", f"at least {least}")
    return function(arithmetic, *arguments)


def _smooth(op, single, arithmetic, a):
    """Return a function that the table of nodes knows, too."""
    if type(a) is np.float32:
        # Compilers round the exact value; single precision libraries may be off by one digit.
        with np.errstate(all="ignore"):
            return np.float32(single(float(a)))
    return Node(arithmetic.table.build(op, arithmetic.double(a)))


def _abs(arithmetic, a):
    if not isinstance(a, Node):
        return abs(number_of(a))
    return Node(arithmetic.table.build("abs", arithmetic.double(a)), a.holds)


def _extreme(op, arithmetic, *arguments):
    if not any(isinstance(a, Node) for a in arguments):
        return (max if op == "maximum" else min)(number_of(a) for a in arguments)
    node, *others = (arithmetic.double(a) for a in arguments)
    for other in others:
        node = arithmetic.table.build(op, node, other)
    return Node(node, "integer" if all(map(is_integer, arguments)) else "double")


def _sign(arithmetic, a, b):
    size = _abs(arithmetic, a)
    return arithmetic.where(arithmetic.compare("ge", b, 0), size, arithmetic.negative(size))


def _mod(arithmetic, a, b):
    quotient = arithmetic.truncated(arithmetic.binary("div", a, b))
    return arithmetic.binary("sub", a, arithmetic.binary("mul", quotient, b))


def _nearest(arithmetic, a):
    half = _sign(arithmetic, arithmetic.constant(0.5), a)
    return arithmetic.truncated(arithmetic.binary("add", a, half))


def _double(arithmetic, a):
    return Node(arithmetic.double(a))


def _real(arithmetic, a):
    """Round a constant to single precision; what is not constant stays as it is."""
    if arithmetic.single and not isinstance(a, Node):
        return np.float32(number_of(a))
    return _double(arithmetic, a)


def _log10(arithmetic, a):
    if type(a) is np.float32:
        return _smooth("log10", np.log10, arithmetic, a)
    table = arithmetic.table
    log = table.build("log", arithmetic.double(a))
    return Node(table.make_div(log, table.const(math.log(10))))


def _atan2(arithmetic, a, b):
    return Node(arithmetic.table.build("atan2", arithmetic.double(a), arithmetic.double(b)))


_SMOOTH = {
    "EXP": np.exp, "LOG": np.log, "SQRT": np.sqrt, "SIN": np.sin, "COS": np.cos, "TAN": np.tan,
    "ASIN": np.arcsin, "ACOS": np.arccos, "ATAN": np.arctan, "SINH": np.sinh, "COSH": np.cosh,
    "TANH": np.tanh, "ERF": math.erf,
}  # fmt: skip

# Function, least and largest number of arguments.
FUNCTIONS = {
    **{name: (partial(_smooth, name.lower(), f), 1, 1) for name, f in _SMOOTH.items()},
    "ABS": (_abs, 1, 1),
    "MAX": (partial(_extreme, "maximum"), 2, inf),
    "MIN": (partial(_extreme, "minimum"), 2, inf),
    "SIGN": (_sign, 2, 2),
    "MOD": (_mod, 2, 2),
    "INT": (lambda arithmetic, a: arithmetic.truncated(a), 1, 1),
    "AINT": (lambda arithmetic, a: _double(arithmetic, arithmetic.truncated(a)), 1, 1),
    "NINT": (_nearest, 1, 1),
    "ANINT": (lambda arithmetic, a: _double(arithmetic, _nearest(arithmetic, a)), 1, 1),
    "DBLE": (_double, 1, 1),
    "REAL": (_real, 1, 1),
    "LOG10": (_log10, 1, 1),
    "ATAN2": (_atan2, 2, 2),
}
