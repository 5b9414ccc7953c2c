"""Evaluation of tiny problems in plain Python: all elements written out, no arrays in between."""

from functools import cached_property

import numpy as np

from numopt.models import codegen
from numopt.models.engines import TermEngine
from numopt.models.trees import LEAVES, Table


def _method(name):
    """Return a method that calls the unrolled function `name`, made at its first use."""
    private = "_" + name

    def method(self, *arguments):
        function = self.__dict__.get(private) or self._made(name)
        try:
            return function(*arguments)
        except (ValueError, ZeroDivisionError, OverflowError):
            return getattr(self._arrays, name)(*arguments)

    method.__name__, method.__doc__ = name, getattr(TermEngine, name).__doc__
    return method


class ScalarEngine:
    """Evaluates all elements written out in plain Python; made for a few hundred operations.

    Where Python raises (log of a negative number, division by zero, overflow) the call is repeated
    with NumPy, which returns NaN or infinity.
    """

    fun, fun_and_grad, cons = _method("fun"), _method("fun_and_grad"), _method("cons")
    jac_values, hess_values = _method("jac_values"), _method("hess_values")
    hessp, jprod, jtprod = _method("hessp"), _method("jprod"), _method("jtprod")

    def __init__(self, structure, theta):
        self.structure, self.theta = structure, theta
        self._unrolled = Unrolled(structure, theta)

    @cached_property
    def _arrays(self):
        return TermEngine(self.structure, self.theta, loops=False)

    def _made(self, name):
        function = self._unrolled.function(name)
        setattr(self, "_" + name, function)
        return function


class MixedEngine(ScalarEngine):
    """Evaluates the values in plain Python and derivatives with NumPy.

    For problems whose values are a few hundred operations while their derivatives are many more.
    """

    def _made(self, name):
        return super()._made(name) if name in ("fun", "cons") else self._arranged(name)

    def _arranged(self, name):
        function = getattr(self._arrays, name)
        setattr(self, "_" + name, function)
        return function


class Unrolled:
    """One table of nodes for all elements of a problem, and functions made from it."""

    def __init__(self, structure, theta):
        self.structure, self.table = structure, Table()
        self._theta, self._images = theta, {}

    def function(self, name):
        """Return the Python function of one of the engines' methods."""
        s, roots = self.structure, getattr(self, "_" + name)()
        heads = {"jprod": "x, v", "jtprod": "x, y", "hess_values": "x, y", "hessp": "x, y, v"}
        head = heads.get(name, "x")
        lengths = {"x": s.n, "y": s.m, "v": s.n}
        loads = []
        for letter in head.split(", "):
            names = ", ".join(f"{letter}{k}" for k in range(lengths[letter]))
            if names:
                loads.append(f"[{names}] = {letter}.tolist()")
        shape = {"fun": _scalar, "fun_and_grad": _scalar_and_array}.get(name, _array)
        return codegen.scalar_function(self.table, roots, head, loads, _global_name, shape)

    def _rows(self, chosen, kind):
        """Yield (term, element, places, nodes in the common table) for all rows of some terms."""
        for k in chosen:
            term = self.structure.terms[k]
            places, nodes = codegen.outputs(term.pattern, kind)
            for e in range(term.size):
                yield k, e, places, [self._image(k, e, a) for a in nodes]

    def _image(self, k, e, node):
        images = self._images.setdefault((k, e), {})
        pattern = self.structure.terms[k].pattern
        for a in pattern.table.reachable([node]):
            if a not in images:
                op, *arguments = pattern.table.nodes[a]
                if op in LEAVES:
                    images[a] = self._leaf(self.structure.terms[k], e, op, arguments[0])
                else:
                    images[a] = self.table.intern(op, *(images[b] for b in arguments))
        return images[node]

    def _leaf(self, term, e, op, number):
        if op in ("var", "dir"):
            return self.table.intern(op, _entry(term.columns[number], e))
        if op == "wgt":
            return self.table.intern("wgt", int(term.rows[e]))
        if op == "const":
            return self.table.intern("const", number)
        kind, value = (term.data if op == "dat" else term.scalars)[number]
        value = value if np.ndim(value) == 0 else value[e]
        return self.table.intern("const", float(self._theta[value] if kind == "prm" else value))

    def _collect(self, size, pairs):
        """Add up nodes by place; what nothing is added to is zero."""
        total = {}
        for place, node in pairs:
            known = total.get(place)
            total[place] = node if known is None else self.table.intern("add", known, node)
        zero = None
        for k in range(size):
            if k not in total:
                zero = self.table.intern("const", 0.0) if zero is None else zero
                total[k] = zero
        return [total[k] for k in range(size)]

    def _fun(self):
        pairs = [(0, nodes[0]) for *_, nodes in self._rows(self.structure.objective, "value")]
        return self._collect(1, pairs)

    def _gradient(self, chosen, kind):
        for k, e, places, nodes in self._rows(chosen, kind):
            for slot, node in zip(places, nodes, strict=True):
                yield _entry(self.structure.terms[k].columns[slot], e), node

    def _fun_and_grad(self):
        gradient = self._gradient(self.structure.objective, "gradient")
        return self._fun() + self._collect(self.structure.n, gradient)

    def _by_row(self, kind):
        for k, e, _, nodes in self._rows(self.structure.constraint, kind):
            for node in nodes:
                yield int(self.structure.terms[k].rows[e]), node

    def _cons(self):
        return self._collect(self.structure.m, self._by_row("value"))

    def _jprod(self):
        return self._collect(self.structure.m, self._by_row("along"))

    def _jtprod(self):
        return self._collect(
            self.structure.n, self._gradient(self.structure.constraint, "Wgradient")
        )

    def _entries(self, sparsity, chosen, kind):
        for k, e, _, nodes in self._rows(chosen, kind):
            for places, node in zip(sparsity.places[k], nodes, strict=True):
                yield int(places[e]), node

    def _jac_values(self):
        sparsity = self.structure.jac
        pairs = self._entries(sparsity, self.structure.constraint, "jacobian")
        return self._collect(sparsity.nnz, pairs)

    def _hess_values(self):
        s = self.structure
        pairs = [*self._entries(s.hess, s.objective, "hessian")]
        pairs += self._entries(s.hess, s.constraint, "Whessian")
        return self._collect(s.hess.nnz, pairs)

    def _hessp(self):
        s = self.structure
        pairs = [*self._gradient(s.objective, "product")]
        pairs += self._gradient(s.constraint, "Wproduct")
        return self._collect(s.n, pairs)


def _scalar(texts):
    return texts[0]


def _array(texts):
    return f"array(({', '.join(texts)},))" if texts else "array(())"


def _scalar_and_array(texts):
    return f"{texts[0]}, {_array(texts[1:])}"


def _entry(column, e):
    return column if isinstance(column, int) else int(column[e])


def _global_name(node):
    return codegen.leaf_name(node, {"var": "x", "dir": "v", "wgt": "y"})
