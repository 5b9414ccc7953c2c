"""Fortran's arithmetic on interned nodes: integers, single and double precision, logicals.

Values are of four kinds:

    int              an integer constant          numpy.float32   a single precision constant
    bool             a logical constant           Node            anything else, in double precision

A `Node` that is known to hold a whole number is marked as an integer, one that holds a condition
as a logical. Constants of a kind stay constants of that kind under arithmetic and intrinsic
functions, as compilers do it, and become double precision where they meet other values.
"""

import math
from typing import NamedTuple

import numpy as np

from numopt.cutest.fields import FieldError
from numopt.cutest.parameters import divide

# The same functions under their older names for one type, as in DSQRT or AMAX1.
_ALIASES = {
    "DEXP": "EXP", "DLOG": "LOG", "ALOG": "LOG", "DLOG10": "LOG10", "ALOG10": "LOG10",
    "DSQRT": "SQRT", "DSIN": "SIN", "DCOS": "COS", "DTAN": "TAN", "DASIN": "ASIN",
    "DACOS": "ACOS", "DATAN": "ATAN", "DATAN2": "ATAN2", "DSINH": "SINH", "DCOSH": "COSH",
    "DTANH": "TANH", "DABS": "ABS", "IABS": "ABS", "DSIGN": "SIGN", "ISIGN": "SIGN",
    "DMOD": "MOD", "AMOD": "MOD", "DMAX1": "MAX", "AMAX1": "MAX", "MAX0": "MAX",
    "DMIN1": "MIN", "AMIN1": "MIN", "MIN0": "MIN", "IDINT": "INT", "IFIX": "INT",
    "DFLOAT": "DBLE", "FLOAT": "REAL", "SNGL": "REAL", "DINT": "AINT", "IDNINT": "NINT",
    "DNINT": "ANINT",
}  # fmt: skip

_UNARY = {
    "EXP": "exp", "LOG": "log", "SQRT": "sqrt", "SIN": "sin", "COS": "cos", "TAN": "tan",
    "ASIN": "asin", "ACOS": "acos", "ATAN": "atan", "SINH": "sinh", "COSH": "cosh",
    "TANH": "tanh", "ERF": "erf",
}  # fmt: skip
_SINGLE = {"asin": np.arcsin, "acos": np.arccos, "atan": np.arctan}
_COMPARED = {
    "lt": lambda a, b: a < b, "le": lambda a, b: a <= b, "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b, "ne": lambda a, b: a != b, "eq": lambda a, b: a == b,
}  # fmt: skip
_CALCULATED = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
}  # fmt: skip

# Integer constants beyond 32 bits overflow in Fortran.
LARGEST_INTEGER = 2**31


class Node(NamedTuple):
    """A value that is computed: number in the table, and what it holds."""

    number: int
    holds: str = "double"  # or "integer", "logical"


class Arithmetic:
    """Builds nodes in a table by the rules of Fortran.

    Parameters
    ----------
    table : numopt.models.trees.Table
    single : bool
        Whether real constants without a ``D`` exponent are single precision.
    """

    def __init__(self, table, single=False):
        self.table, self.single = table, single

    # -- values ------------------------------------------------------------------------------

    def number(self, text):
        """Return the value of a literal."""
        if text.isdigit():
            return _checked(int(text))
        value = float(text.replace("D", "E"))
        if self.single and "D" not in text:
            with np.errstate(all="ignore"):
                return np.float32(value)
        return self.constant(value)

    def constant(self, value):
        """Return a double precision constant."""
        return Node(self.table.const(value))

    def double(self, value):
        """Return a value as the number of a double precision node."""
        if isinstance(value, Node):
            if value.holds == "logical":
                raise FieldError("a logical value stands where a number should", "a number")
            return value.number
        if isinstance(value, bool):
            raise FieldError("a logical value stands where a number should", "a number")
        return self.table.const(float(value))

    def truth(self, value):
        """Return a value as a Python bool or the number of a condition."""
        if isinstance(value, bool):
            return value
        if isinstance(value, Node) and value.holds == "logical":
            return value.number
        raise FieldError("a number stands where a logical value should", "a condition")

    # -- trees -------------------------------------------------------------------------------

    def evaluate(self, tree, names):
        """Return the value of a tree.

        Parameters
        ----------
        tree : tuple
            See `numopt.cutest.fortran`.
        names : dict
            Values by name.
        """
        values, stack = [], [(tree, False)]
        while stack:
            node, ready = stack.pop()
            kind, *rest = node
            if kind in ("number", "name", "logical"):
                values.append(self._leaf(kind, rest[0], names))
            elif not ready:
                stack.append((node, True))
                stack += [(a, False) for a in reversed(rest) if isinstance(a, tuple)]
            else:
                count = len(rest) - (kind == "call")
                arguments = values[len(values) - count :]
                del values[len(values) - count :]
                values.append(self._operation(kind, rest[0], arguments))
        return values[0]

    def _leaf(self, kind, what, names):
        if kind == "number":
            return self.number(what)
        if kind == "logical":
            return what
        if what not in names:
            raise FieldError(f"the name {what!r} has no value here", "a variable or parameter")
        return names[what]

    def _operation(self, kind, name, arguments):
        if kind == "call":
            return self.call(name, arguments)
        if kind == "neg":
            return self.negative(*arguments)
        if kind in ("and", "or", "not", "eqv", "neqv"):
            return self.logical(kind, *arguments)
        if kind in _COMPARED:
            return self.compare(kind, *arguments)
        return self.binary(kind, *arguments)

    # -- operations --------------------------------------------------------------------------

    def binary(self, op, a, b):
        """Return the sum, difference, product, quotient or power of two numbers."""
        if type(a) is int and type(b) is int:
            return _integers(op, a, b)
        if not isinstance(a, Node) and not isinstance(b, Node):
            return _singles(op, a, b)
        node = self.table.build(op, self.double(a), self.double(b))
        if _is_integer(a) and _is_integer(b):
            if op == "div":
                return Node(self.table.build("trunc", node), "integer")
            return Node(node, "integer")
        return Node(node)

    def negative(self, a):
        """Return -a."""
        if not isinstance(a, Node):
            return -_number(a)
        return Node(self.table.make_neg(self.double(a)), a.holds)

    def compare(self, op, a, b):
        """Return a condition."""
        if not isinstance(a, Node) and not isinstance(b, Node):
            return bool(_COMPARED[op](_number(a), _number(b)))
        a, b = self.double(a), self.double(b)
        p, q = self.table.value(a), self.table.value(b)
        if p is not None and q is not None:
            return bool(_COMPARED[op](p, q))
        if op == "eq":
            different = self.table.intern("ne", a, b)
            return Node(self.table.intern("not", different), "logical")
        return Node(self.table.intern(op, a, b), "logical")

    def logical(self, op, a, b=None):
        """Return a combination of conditions."""
        a = self.truth(a)
        if op == "not":
            return not a if isinstance(a, bool) else self._condition("not", a)
        b = self.truth(b)
        if op in ("eqv", "neqv"):
            return self._equivalence(op == "eqv", a, b)
        if isinstance(b, bool):
            a, b = b, a
        if isinstance(a, bool):
            decided = a == (op == "or")
            return a if decided else b if isinstance(b, bool) else Node(b, "logical")
        return self._condition(op, a, b)

    def _equivalence(self, same, a, b):
        a, b = (v if isinstance(v, bool) else Node(v, "logical") for v in (a, b))
        both = self.logical("and", a, b)
        neither = self.logical("not", self.logical("or", a, b))
        value = self.logical("or", both, neither)
        return value if same else self.logical("not", value)

    def _condition(self, op, *arguments):
        return Node(self.table.intern(op, *arguments), "logical")

    def where(self, condition, a, b):
        """Return a where a condition holds, else b; both are numbers."""
        condition = self.truth(condition)
        if isinstance(condition, bool):
            return a if condition else b
        integer = _is_integer(a) and _is_integer(b)
        if self.table.nodes[condition][0] == "not":
            condition, a, b = self.table.nodes[condition][1], b, a
        a, b = (self._branch(condition, k, self.double(v)) for k, v in ((1, a), (0, b)))
        node = self.table.make_where(condition, a, b)
        return Node(node, "integer" if integer else "double")

    def _branch(self, condition, holds, a):
        """Return what is left of a branch when its condition is known to hold or not."""
        node = self.table.nodes[a]
        return node[2 if holds else 3] if node[:2] == ("where", condition) else a

    def converted(self, value, holds):
        """Return a value as an assignment to a name of the given type stores it."""
        if holds == "logical":
            truth = self.truth(value)
            return truth if isinstance(truth, bool) else value
        return self._int(value) if holds == "integer" else Node(self.double(value))

    def assigned(self, condition, new, old, holds):
        """Return what a name holds after an assignment under a condition.

        A name that had no value before is undefined where the condition fails.
        """
        if holds != "logical":
            return self.where(condition, new, self.constant(math.nan) if old is None else old)
        kept = self.logical("and", self.logical("not", condition), old or False)
        return self.logical("or", self.logical("and", condition, new), kept)

    # -- functions ---------------------------------------------------------------------------

    def call(self, name, arguments):
        """Return the value of an intrinsic function."""
        name = _ALIASES.get(name, name)
        special = _SPECIAL.get(name)
        if special is None and name not in _UNARY:
            raise FieldError(
                f"unknown function {name!r}", "an intrinsic function; Fortran is not executed"
            )
        try:
            if special is not None:
                return special(self, *arguments)
            return self._unary(_UNARY[name], *arguments)
        except TypeError:
            count = len(arguments)
            raise FieldError(f"{name} with {count} arguments", "another number of them") from None

    def _unary(self, op, a):
        if isinstance(a, np.float32):
            with np.errstate(all="ignore"):
                return np.float32(_SINGLE.get(op, getattr(np, op, None))(a))
        return Node(self.table.build(op, self.double(a)))

    def _abs(self, a):
        if not isinstance(a, Node):
            return abs(_number(a))
        return Node(self.table.build("abs", self.double(a)), a.holds)

    def _extreme(self, op, *arguments):
        if len(arguments) < 2:
            raise TypeError
        integer = all(_is_integer(a) for a in arguments)
        if not any(isinstance(a, Node) for a in arguments):
            return (max if op == "maximum" else min)(_number(a) for a in arguments)
        node = self.double(arguments[0])
        for a in arguments[1:]:
            node = self.table.build(op, node, self.double(a))
        return Node(node, "integer" if integer else "double")

    def _sign(self, a, b):
        size = self._abs(a)
        return self.where(self.compare("ge", b, 0), size, self.negative(size))

    def _mod(self, a, b):
        quotient = self.binary("div", a, b)
        cut = quotient if _is_integer(quotient) else self._int(quotient)
        return self.binary("sub", a, self.binary("mul", cut, b))

    def _int(self, a):
        if not isinstance(a, Node):
            return _checked(int(_number(a)))
        value = self.table.value(a.number)
        if value is not None and math.isfinite(value):
            return _checked(int(value))
        return a if a.holds == "integer" else Node(self.table.build("trunc", a.number), "integer")

    def _nint(self, a):
        half = self._sign(self.constant(0.5), a)
        return self._int(self.binary("add", a, half))

    def _real(self, a):
        """Round to single precision; what is not constant stays as it is."""
        if self.single and not isinstance(a, Node):
            return np.float32(_number(a))
        return Node(self.double(a))

    def _log10(self, a):
        if isinstance(a, np.float32):
            return np.float32(np.log10(a))
        log = self.table.build("log", self.double(a))
        return Node(self.table.make_div(log, self.table.const(math.log(10))))


def _integers(op, a, b):
    if op in _CALCULATED:
        return _checked(_CALCULATED[op](a, b))
    if op == "div":
        if b == 0:
            raise FieldError("an integer is divided by zero", "another divisor")
        return divide(a, b)
    if b >= 0:
        if abs(a) > 1 and b > 31:
            raise FieldError("an integer power is too large", "a real number")
        return _checked(a**b)
    if a == 0:
        raise FieldError("an integer is divided by zero", "another divisor")
    return 1 if a == 1 or (a == -1 and b % 2 == 0) else -1 if a == -1 else 0


def _singles(op, a, b):
    a, b = np.float32(_number(a)), b if type(b) is int and op == "pow" else np.float32(_number(b))
    with np.errstate(all="ignore"):
        if op in _CALCULATED:
            return np.float32(_CALCULATED[op](a, b))
        return np.float32(a / b if op == "div" else np.power(a, np.float32(b)))


def _number(value):
    if isinstance(value, bool):
        raise FieldError("a logical value stands where a number should", "a number")
    return value


def _checked(value):
    if not -LARGEST_INTEGER <= value < LARGEST_INTEGER:
        raise FieldError(f"the integer {value} overflows", "a real number")
    return value


def _is_integer(value):
    if isinstance(value, Node):
        return value.holds == "integer"
    return type(value) is int


_SPECIAL = {
    "ABS": Arithmetic._abs,
    "MAX": lambda self, *a: self._extreme("maximum", *a),
    "MIN": lambda self, *a: self._extreme("minimum", *a),
    "SIGN": Arithmetic._sign,
    "MOD": Arithmetic._mod,
    "INT": Arithmetic._int,
    "AINT": lambda self, a: Node(self.double(self._int(a))),
    "NINT": Arithmetic._nint,
    "ANINT": lambda self, a: Node(self.double(self._nint(a))),
    "DBLE": lambda self, a: Node(self.double(a)),
    "REAL": Arithmetic._real,
    "LOG10": Arithmetic._log10,
    "ATAN2": lambda self, a, b: Node(self.table.build("atan2", self.double(a), self.double(b))),
}
