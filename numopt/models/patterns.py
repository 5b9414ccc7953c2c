"""The function that all rows of a term share, and its exact first and second derivatives.

Both come from reverse sweeps over the interned nodes: one sweep gives a node per first derivative,
a sweep over each of these gives a row of the Hessian. Rules reuse the node of the value (the
derivative of exp is the node itself). Forward propagation needs up to twice the operations on
products of many variables and never noticeably fewer; the tests use it as the independent check.
"""

import heapq
from functools import cached_property
from math import pi, sqrt

from numopt.models.trees import LEAVES, Table


class Pattern:
    """The scalar function that all rows of a term share, and its derivatives.

    Parameters
    ----------
    table : Table
        Holds the nodes; derivatives are added to it.
    root : int
        The value.
    sizes : tuple of int
        Numbers of variable slots, data columns and scalar arguments.
    """

    def __init__(self, table, root, sizes):
        self.table, self.root = table, root
        self.nv, self.nd, self.np = sizes

    @cached_property
    def gradient(self):
        """Pairs (slot, node); structural zeros are absent."""
        return sorted(derivatives(self.table, self.root).items())

    @cached_property
    def hessian(self):
        """Triples (i, j, node) with slots i >= j; structural zeros are absent."""
        out = []
        for i, node in self.gradient:
            row = derivatives(self.table, node, (2 << i) - 1)
            out += [(i, j, row[j]) for j in sorted(row)]
        return out

    def merged(self, slot_of):
        """Return the pattern in which slot k is slot ``slot_of[k]``; several may become one."""
        table, (root,) = self.rebuilt([self.root], slot_of)
        return Pattern(table, root, (max(slot_of) + 1, self.nd, self.np))

    def rebuilt(self, roots, slot_of):
        """Return a new table with the given nodes over other slots, and their numbers there."""
        old, new, node_of = self.table, Table(), {}
        for a in old.reachable(roots):
            op, *rest = old.nodes[a]
            if op == "var":
                node_of[a] = new.intern("var", slot_of[rest[0]])
            elif op in LEAVES:
                node_of[a] = new.intern(op, *rest)
            else:
                node_of[a] = new.build(op, *(node_of[b] for b in rest))
        return new, [node_of[a] for a in roots]

    def along(self):
        """Return the node of the derivative along the direction, or None."""
        return self._dot((k, g) for k, g in self.gradient)

    def products(self):
        """Return pairs (slot, node) of the Hessian times the direction."""
        rows = {}
        for i, j, node in self.hessian:
            rows.setdefault(i, []).append((j, node))
            if i != j:
                rows.setdefault(j, []).append((i, node))
        return [(i, self._dot(rows[i])) for i in sorted(rows)]

    def _dot(self, pairs):
        total, table = None, self.table
        for k, node in pairs:
            part = table.make_mul(node, table.intern("dir", k))
            total = part if total is None else table.make_add(total, part)
        return total

    def weighted(self, node):
        """Return the node times the weight of the row."""
        return self.table.make_mul(node, self.table.intern("wgt", 0))

    def operations(self, level=2):
        """Count operations of the value and its derivatives up to order `level`."""
        roots = [self.root]
        if level > 0:
            roots += [node for _, node in self.gradient]
        if level > 1:
            roots += [node for _, _, node in self.hessian]
        return self.count(roots)

    def count(self, roots):
        """Count the operations behind the given nodes."""
        nodes = self.table.nodes
        return sum(nodes[a][0] not in LEAVES for a in self.table.reachable(roots))


def derivatives(table, root, mask=-1):
    """Return the partial derivatives of node `root` by a reverse sweep.

    Parameters
    ----------
    table : Table
        Gets the new nodes.
    root : int
    mask : int
        Bits of the wanted variable slots.

    Returns
    -------
    dict
        From slot to node; slots whose derivative vanishes identically are absent.
    """
    if not table.deps[root] & mask:
        return {}
    table.deriving = True
    adjoint, heap, found = {root: table.const(1)}, [-root], {}
    while heap:
        node = -heapq.heappop(heap)
        seed = adjoint[node]
        if table.value(seed) == 0:
            continue
        if table.nodes[node][0] == "var":
            found[table.nodes[node][1]] = seed
            continue
        for argument, part in _pull(table, node, seed, mask):
            if not table.deps[argument] & mask:
                continue
            if argument in adjoint:
                adjoint[argument] = table.make_add(adjoint[argument], part)
            else:
                adjoint[argument] = part
                heapq.heappush(heap, -argument)
    table.deriving = False
    return found


def _pull(table, node, seed, mask):
    """Return pairs (argument, contribution to its adjoint)."""
    op, *arguments = table.nodes[node]
    if op == "where":
        return _pull_where(table, arguments, seed, mask)
    s, z, *operands = (Operand(table, a) for a in (seed, node, *arguments))
    if op == "div" and not table.deps[arguments[1]] & mask:
        return [(arguments[0], (s / operands[1]).node)]
    if op == "mul" and arguments[0] == arguments[1]:
        return [(arguments[0], (2 * (s * operands[0])).node)]
    rules = _RULES[op]
    return [
        (a, rule(s, z, *operands).node)
        for a, rule in zip(arguments, rules, strict=True)
        if table.deps[a] & mask
    ]


def _pull_where(table, arguments, seed, mask):
    """Differentiate the branches apart, so that 0 * inf of the other one cannot enter."""
    condition, *branches = arguments
    zero = table.const(0)
    a, b = (derivatives(table, branch, mask) for branch in branches)
    table.deriving = True
    out = []
    for slot in sorted(a.keys() | b.keys()):
        chosen = table.make_where(condition, a.get(slot, zero), b.get(slot, zero))
        out.append((table.intern("var", slot), table.make_mul(seed, chosen)))
    return out


class Operand:
    """A node with operators and functions (``u.exp()``), so that rules read as formulas."""

    def __init__(self, table, node):
        self.table, self.node = table, node

    def _build(self, op, *operands):
        nodes = [u.node if isinstance(u, Operand) else self.table.const(u) for u in operands]
        return Operand(self.table, self.table.build(op, *nodes))

    def __add__(self, other):
        return self._build("add", self, other)

    def __radd__(self, other):
        return self._build("add", other, self)

    def __sub__(self, other):
        return self._build("sub", self, other)

    def __rsub__(self, other):
        return self._build("sub", other, self)

    def __mul__(self, other):
        return self._build("mul", self, other)

    def __rmul__(self, other):
        return self._build("mul", other, self)

    def __truediv__(self, other):
        return self._build("div", self, other)

    def __rtruediv__(self, other):
        return self._build("div", other, self)

    def __pow__(self, other):
        return self._build("pow", self, other)

    def __neg__(self):
        return self._build("neg", self)

    def __getattr__(self, op):
        return lambda: self._build(op, self)


# Adjoint of each argument, given the adjoint s of the value z and the arguments u (and v).
_RULES = {
    "add": (lambda s, z, u, v: s, lambda s, z, u, v: s),
    "sub": (lambda s, z, u, v: s, lambda s, z, u, v: -s),
    "mul": (lambda s, z, u, v: s * v, lambda s, z, u, v: s * u),
    "div": (lambda s, z, u, v: s * (1 / v), lambda s, z, u, v: -(s * z * (1 / v))),
    "pow": (
        lambda s, z, u, v: s * (v * u ** (v - 1)),
        lambda s, z, u, v: s * (z * u.log()),
    ),
    "atan2": (
        lambda s, z, u, v: s / (u * u + v * v) * v,
        lambda s, z, u, v: -(s / (u * u + v * v) * u),
    ),
    "neg": (lambda s, z, u: -s,),
    "exp": (lambda s, z, u: s * z,),
    "log": (lambda s, z, u: s / u,),
    "sqrt": (lambda s, z, u: s * (0.5 / z),),
    "sin": (lambda s, z, u: s * u.cos(),),
    "cos": (lambda s, z, u: -(s * u.sin()),),
    "tan": (lambda s, z, u: s * (1 + z * z),),
    "asin": (lambda s, z, u: s / (1 - u * u).sqrt(),),
    "acos": (lambda s, z, u: -s / (1 - u * u).sqrt(),),
    "atan": (lambda s, z, u: s / (1 + u * u),),
    "sinh": (lambda s, z, u: s * u.cosh(),),
    "cosh": (lambda s, z, u: s * u.sinh(),),
    "tanh": (lambda s, z, u: s * (1 - z * z),),
    "erf": (lambda s, z, u: s * (2 / sqrt(pi) * (-(u * u)).exp()),),
    "abs": (lambda s, z, u: s * u.sign(),),
    "log1p": (lambda s, z, u: s / (1 + u),),
    "expm1": (lambda s, z, u: s * (z + 1),),
}
