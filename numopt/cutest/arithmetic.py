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

from numopt.cutest.fields import FieldError, whole
from numopt.cutest.parameters import divide

COMPARED = {
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

    def truncated(self, value):
        """Return a number without its decimals, as an integer."""
        if not isinstance(value, Node):
            return _checked(whole(number_of(value)))
        known = self.table.value(self.double(value))
        if known is not None:
            return _checked(whole(known))
        if value.holds == "integer":
            return value
        return Node(self.table.build("trunc", value.number), "integer")

    def truth(self, value):
        """Return a value as a Python bool or the number of a condition."""
        if isinstance(value, bool):
            return value
        if isinstance(value, Node) and value.holds == "logical":
            return value.number
        raise FieldError("a number stands where a logical value should", "a condition")

    # -- operations --------------------------------------------------------------------------

    def binary(self, op, a, b):
        """Return the sum, difference, product, quotient or power of two numbers."""
        if type(a) is int and type(b) is int:
            return _integers(op, a, b)
        if not isinstance(a, Node) and not isinstance(b, Node):
            return _singles(op, a, b)
        node = self.table.build(op, self.double(a), self.double(b))
        if is_integer(a) and is_integer(b):
            if op == "div":
                return Node(self.table.build("trunc", node), "integer")
            return Node(node, "integer")
        return Node(node)

    def negative(self, a):
        """Return -a."""
        if not isinstance(a, Node):
            return -number_of(a)
        return Node(self.table.make_neg(self.double(a)), a.holds)

    def compare(self, op, a, b):
        """Return a condition."""
        if not isinstance(a, Node) and not isinstance(b, Node):
            return bool(COMPARED[op](number_of(a), number_of(b)))
        a, b = self.double(a), self.double(b)
        p, q = self.table.value(a), self.table.value(b)
        if p is not None and q is not None:
            return bool(COMPARED[op](p, q))
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
        integer = is_integer(a) and is_integer(b)
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
        return self.truncated(value) if holds == "integer" else Node(self.double(value))

    def assigned(self, condition, new, old, holds):
        """Return what a name holds after an assignment under a condition.

        A name that had no value before is undefined where the condition fails.
        """
        if holds != "logical":
            return self.where(condition, new, self.constant(math.nan) if old is None else old)
        kept = self.logical("and", self.logical("not", condition), old or False)
        return self.logical("or", self.logical("and", condition, new), kept)


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
    a, b = np.float32(number_of(a)), np.float32(number_of(b))
    with np.errstate(all="ignore"):
        if op in _CALCULATED:
            return np.float32(_CALCULATED[op](a, b))
        return np.float32(a / b if op == "div" else np.power(float(a), float(b)))


def number_of(value):
    """Return a constant that must be a number."""
    if isinstance(value, bool):
        raise FieldError("a logical value stands where a number should", "a number")
    return value


def _checked(value):
    """Return an integer that must have 32 bits."""
    if not -LARGEST_INTEGER <= value < LARGEST_INTEGER:
        raise FieldError(f"the integer {value} overflows", "a real number")
    return value


def is_integer(value):
    """Tell whether a value is a whole number by its kind."""
    if isinstance(value, Node):
        return value.holds == "integer"
    return type(value) is int
