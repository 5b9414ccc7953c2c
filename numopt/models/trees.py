"""Interned expression nodes of one element.

A node is a tuple whose first entry names the operation and whose others are the numbers of its
arguments in the table; leaves are ``("const", value)`` and ``(kind, k)`` with the kinds

    var   variable slot k            par   scalar argument k        wgt   weight of the row
    dat   data column k              dir   direction entry k

Equal nodes are one entry of the table, so common sub-expressions cost nothing. Simplification
happens in the constructors of `Table` and nowhere else; it never reorders sums.
"""

from math import isfinite

import numpy as np

LEAVES = ("const", "var", "dat", "par", "dir", "wgt")
UNARY = (
    "exp", "log", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh",
    "erf", "abs", "log1p", "expm1",
)  # fmt: skip
COMPARISONS = ("lt", "le", "gt", "ge", "ne")
LOGICAL = ("and", "or", "not")
CONDITIONS = COMPARISONS + LOGICAL

# Piecewise constant: no derivatives.
STEPS = ("trunc",)

# Larger integer powers are left to the library: repeated squaring would lose accuracy and gain
# nothing.
LARGEST_POWER = 64

_NUMPY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative,
    "pow": np.power, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "atan2": np.arctan2, "lt": np.less, "le": np.less_equal, "gt": np.greater,
    "ge": np.greater_equal, "ne": np.not_equal, "and": np.logical_and, "or": np.logical_or,
    "not": np.logical_not, "where": np.where, "minimum": np.minimum, "maximum": np.maximum,
    "sign": np.sign,
}  # fmt: skip


def numpy_function(op):
    """Return the NumPy (or, for erf, SciPy) function that evaluates the operation `op`."""
    if op == "erf":
        from scipy.special import erf

        return erf
    return _NUMPY.get(op) or getattr(np, op)


class Table:
    """Nodes in the order of their creation: arguments always come before what uses them.

    Attributes
    ----------
    nodes : list of tuple
    deps : list of int
        Per node the set of variable slots that its derivative can depend on, as bits.
    deriving : bool
        Whether derivatives are being made: only there a - a is zero.
    """

    def __init__(self):
        self.nodes, self.deps = [], []
        self._number = {}
        self.deriving = False

    def intern(self, *node):
        """Return the number of this very node, without any simplification."""
        number = self._number.get(node)
        if number is None and node[0] in ("add", "mul"):
            number = self._number.get((node[0], node[2], node[1]))
        if number is None:
            number = self._number[node] = len(self.nodes)
            self.nodes.append(node)
            self.deps.append(self._dependencies(node))
        return number

    def _dependencies(self, node):
        op = node[0]
        if op == "var":
            return 1 << node[1]
        if op in LEAVES or op in CONDITIONS or op in STEPS:
            return 0
        bits = 0
        for argument in node[2:] if op == "where" else node[1:]:
            bits |= self.deps[argument]
        return bits

    # -- constructors ------------------------------------------------------------------------

    def build(self, op, *arguments):
        """Return the simplified node of the operation `op`."""
        method = getattr(self, "make_" + op, None)
        if method is not None:
            return method(*arguments)
        if op in UNARY + STEPS and (value := self.value(arguments[0])) is not None:
            with np.errstate(all="ignore"):
                folded = float(numpy_function(op)(value))
            if isfinite(folded):
                return self.const(folded)
        return self.intern(op, *arguments)

    def const(self, value):
        """Return the node of a number."""
        return self.intern("const", float(value))

    def value(self, a):
        """Return the number that node `a` is, or None."""
        node = self.nodes[a]
        return node[1] if node[0] == "const" else None

    def _is(self, a, op):
        return self.nodes[a][0] == op

    def _factors(self, a):
        """Return (constant, rest) of a product with a constant in front, else None."""
        node = self.nodes[a]
        if node[0] == "mul" and (c := self.value(node[1])) is not None:
            return c, node[2]
        return None

    def make_add(self, a, b):
        """Return a + b."""
        p, q = self.value(a), self.value(b)
        if p is not None and q is not None:
            return self.const(p + q)
        if p == 0:
            return b
        if q == 0:
            return a
        if a == b:
            return self.make_mul(self.const(2), a)
        if self._is(b, "neg"):
            return self.make_sub(a, self.nodes[b][1])
        if self._is(a, "neg"):
            return self.make_sub(b, self.nodes[a][1])
        return self.intern("add", a, b)

    def make_sub(self, a, b):
        """Return a - b; a - a is zero in derivatives only, for a value may be infinite."""
        p, q = self.value(a), self.value(b)
        if p is not None and q is not None:
            return self.const(p - q)
        if p == 0:
            return self.make_neg(b)
        if q == 0:
            return a
        if a == b and self.deriving:
            return self.const(0)
        if self._is(b, "neg"):
            return self.make_add(a, self.nodes[b][1])
        return self.intern("sub", a, b)

    def make_neg(self, a):
        """Return -a."""
        node = self.nodes[a]
        if node[0] == "const":
            return self.const(-node[1])
        if node[0] == "neg":
            return node[1]
        if node[0] == "sub":
            return self.make_sub(node[2], node[1])
        if (split := self._factors(a)) is not None:
            return self.make_mul(self.const(-split[0]), split[1])
        return self.intern("neg", a)

    def make_mul(self, a, b):
        """Return a * b with signs and constants in front."""
        p, q = self.value(a), self.value(b)
        if p is not None and q is not None:
            return self.const(p * q)
        if q is not None:
            a, b, p = b, a, q
        if p is not None:
            return self._scaled(p, b)
        if self._is(a, "neg"):
            return self.make_neg(self.make_mul(self.nodes[a][1], b))
        if self._is(b, "neg"):
            return self.make_neg(self.make_mul(a, self.nodes[b][1]))
        for u, v in ((a, b), (b, a)):
            if (split := self._factors(u)) is not None:
                return self._scaled(split[0], self.make_mul(split[1], v))
        return self.intern("mul", a, b)

    def _scaled(self, c, a):
        if c == 0:
            return self.const(0)
        if c == 1:
            return a
        if c == -1:
            return self.make_neg(a)
        if self._is(a, "neg"):
            return self._scaled(-c, self.nodes[a][1])
        if (split := self._factors(a)) is not None:
            return self._scaled(c * split[0], split[1])
        return self.intern("mul", self.const(c), a)

    def make_div(self, a, b):
        """Return a / b."""
        p, q = self.value(a), self.value(b)
        if p is not None and q is not None:
            with np.errstate(all="ignore"):
                return self.const(np.float64(p) / q)
        if p == 0:
            return a
        if q == 1:
            return a
        if q == -1:
            return self.make_neg(a)
        if self._is(a, "neg"):
            return self.make_neg(self.make_div(self.nodes[a][1], b))
        if self._is(b, "neg"):
            return self.make_neg(self.make_div(a, self.nodes[b][1]))
        return self.intern("div", a, b)

    def make_pow(self, a, b):
        """Return a ** b: products for small integers, otherwise the real power."""
        p = self.value(b)
        if p is None:
            return self.intern("pow", a, b)
        if p == 0.5:
            return self.build("sqrt", a)
        if abs(p) <= LARGEST_POWER and p == int(p):
            return self._integer_power(a, int(p))
        return self.intern("pow", a, b)

    def _integer_power(self, a, n):
        if n < 0:
            return self.make_div(self.const(1), self._integer_power(a, -n))
        if n == 0:
            return self.const(1)
        if n == 1:
            return a
        if n % 2:
            return self.make_mul(a, self._integer_power(a, n - 1))
        half = self._integer_power(a, n // 2)
        return self.make_mul(half, half)

    def make_where(self, condition, a, b):
        """Return a where the condition holds, else b."""
        return a if a == b else self.intern("where", condition, a, b)

    def make_minimum(self, a, b):
        """Return the smaller one; NaN if either is, as NumPy does."""
        first = self.intern("or", self.intern("le", a, b), self.intern("ne", a, a))
        return self.make_where(first, a, b)

    def make_maximum(self, a, b):
        """Return the larger one; NaN if either is, as NumPy does."""
        first = self.intern("or", self.intern("ge", a, b), self.intern("ne", a, a))
        return self.make_where(first, a, b)

    def make_sign(self, a):
        """Return -1, 0 or 1; the last branch, a - a, is zero or NaN."""
        zero = self.const(0)
        lower = self.make_where(
            self.intern("lt", a, zero), self.const(-1), self.intern("sub", a, a)
        )
        return self.make_where(self.intern("gt", a, zero), self.const(1), lower)

    def reachable(self, roots):
        """Return the sorted numbers of all nodes that the roots need."""
        seen, stack = set(roots), list(roots)
        while stack:
            node = self.nodes[stack.pop()]
            if node[0] not in LEAVES:
                fresh = [a for a in node[1:] if a not in seen]
                seen.update(fresh)
                stack += fresh
        return sorted(seen)
