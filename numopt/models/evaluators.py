"""Evaluation of one term on all of its rows, with NumPy or with Numba.

Both classes have the same methods. They add what they compute to `out`; weights y are per row of
the constraints (or auxiliary variables), `places` are made by the method of that name.
"""

import numpy as np

from numopt.models import codegen
from numopt.models.kernel_cache import compiled, load

# A pattern is compiled up to this many operations plus Hessian entries: compile time grows faster
# than the pattern (0.2 s at 11 operations, 7 s at 571).
LARGEST_COMPILED = 150


# Terms of fewer rows stay with NumPy: 10 us per call, against seconds for compiling the ends of a
# chain that reaches over many neighbours.
FEWEST_ROWS = 8


def worth_compiling(term):
    """Tell whether a term has enough rows for loops and is small enough for the compiler."""
    return term.size >= FEWEST_ROWS and compilable(term.pattern)


def compilable(pattern):
    """Tell whether a pattern is small enough for the compiler."""
    if pattern.operations(0) > LARGEST_COMPILED:
        return False
    return pattern.operations() + len(pattern.hessian) <= LARGEST_COMPILED


class ArrayTerm:
    """A term evaluated column by column with NumPy."""

    def __init__(self, term, theta):
        self.term, self.size = term, term.size
        self.columns = [as_place(column) for column in term.columns]
        self.rows = None if term.rows is None else as_place(term.rows)
        self.data, self.scalars = term.data_columns(theta), term.scalar_values(theta)
        self._functions = {}

    def places(self, positions):
        """Return positions of entries in the form that the methods want."""
        return [as_place(p) for p in positions]

    def _values(self, kind, x, y=None, v=None):
        entry = self._functions.get(kind)
        if entry is None:
            slots, _ = codegen.outputs(self.term.pattern, kind)
            targets = [None if not isinstance(s, int) else self.columns[s] for s in slots]
            function, wants = codegen.array_function(self.term.pattern, kind)
            entry = self._functions[kind] = targets, function, wants
        targets, function, wants = entry
        arguments = []
        for what, k in wants:
            if what == "var":
                arguments.append(_read(x, self.columns[k]))
            elif what == "dat":
                arguments.append(self.data[k])
            elif what == "par":
                arguments.append(self.scalars[k])
            elif what == "dir":
                arguments.append(_read(v, self.columns[k]))
            else:
                arguments.append(_read(y, self.rows))
        return targets, function(*arguments)

    def _sum(self, value):
        if type(value) is np.ndarray and value.ndim:
            return value.sum()
        return value * self.size

    def _add(self, out, place, value):
        kind = type(place)
        if kind is slice:
            out[place] += value
        elif kind is int:
            out[place] += self._sum(value)
        else:
            np.add.at(out, place, value)

    def fun(self, x):
        """Return the sum of the values."""
        return self._sum(self._values("value", x)[1][0])

    def fun_and_grad(self, x, out):
        """Return the sum of the values and add its gradient."""
        targets, values = self._values("both", x)
        for place, value in zip(targets[1:], values[1:], strict=True):
            self._add(out, place, value)
        return self._sum(values[0])

    def cons(self, x, out):
        """Add the values to their rows."""
        self._add(out, self.rows, self._values("value", x)[1][0])

    def jprod(self, x, v, out):
        """Add the derivatives along v to their rows."""
        for value in self._values("along", x, v=v)[1]:
            self._add(out, self.rows, value)

    def jac(self, x, places, out):
        """Add the first derivatives at their places."""
        for place, value in zip(places, self._values("jacobian", x)[1], strict=True):
            self._add(out, place, value)

    def hess(self, x, places, out):
        """Add the second derivatives at their places."""
        for place, value in zip(places, self._values("hessian", x)[1], strict=True):
            self._add(out, place, value)

    def whess(self, x, y, places, out):
        """Add the second derivatives, weighted by y, at their places."""
        for place, value in zip(places, self._values("Whessian", x, y)[1], strict=True):
            self._add(out, place, value)

    def _scatter(self, out, kind, *point):
        for place, value in zip(*self._values(kind, *point), strict=True):
            self._add(out, place, value)

    def jtprod(self, x, y, out):
        """Add the gradient of the weighted sum of the rows."""
        self._scatter(out, "Wgradient", x, y)

    def hessp(self, x, v, out):
        """Add the Hessian times v."""
        self._scatter(out, "product", x, None, v)

    def whessp(self, x, y, v, out):
        """Add the Hessian of the weighted sum of the rows, times v."""
        self._scatter(out, "Wproduct", x, y, v)


def as_place(index):
    """Return an index array as a number or a slice where it is one."""
    if isinstance(index, int):
        return index
    if index.size == 1:
        return int(index[0])
    step, first, last = int(index[1]) - int(index[0]), int(index[0]), int(index[-1])
    if last - first == step * (index.size - 1) and (np.diff(index) == step).all():
        if step > 0:
            return slice(first, last + 1, step)
        if step < 0:
            return slice(first, last - 1 if last > 0 else None, step)
        return first
    return index.astype(np.intp)


def _read(x, place):
    return x.take(place) if type(place) is np.ndarray else x[place]


class LoopTerm:
    """A term evaluated row by row with Numba."""

    def __init__(self, term, theta):
        pattern, size = term.pattern, term.size
        self.I = _matrix(term.columns, size, np.int32)
        self.D = _matrix(term.data_columns(theta), size, np.float64)
        self.P = term.scalar_values(theta)
        names = codegen.OBJECTIVE if term.rows is None else codegen.CONSTRAINT
        self._module = load(codegen.kernel_text(pattern, names))
        self._rows = None if term.rows is None else term.rows.astype(np.int32)
        self._size, self._ready = size, {}

    def places(self, positions):
        """Return positions of entries in the form that the methods want."""
        return _matrix(positions, self._size, np.int32)

    def _kernel(self, name):
        kernel = self._ready.get(name)
        if kernel is None:
            kernel = self._ready[name] = compiled(self._module, name)
        return kernel

    def fun(self, x):
        """Return the sum of the values."""
        return self._kernel("fun")(x, self.I, self.D, self.P)

    def fun_and_grad(self, x, out):
        """Return the sum of the values and add its gradient."""
        return self._kernel("fun_and_grad")(x, self.I, self.D, self.P, out)

    def cons(self, x, out):
        """Add the values to their rows."""
        self._kernel("cons")(x, self.I, self.D, self.P, self._rows, out)

    def jprod(self, x, v, out):
        """Add the derivatives along v to their rows."""
        self._kernel("jprod")(x, v, self.I, self.D, self.P, self._rows, out)

    def jac(self, x, places, out):
        """Add the first derivatives at their places."""
        self._kernel("jac")(x, self.I, self.D, self.P, places, out)

    def hess(self, x, places, out):
        """Add the second derivatives at their places."""
        self._kernel("hess")(x, self.I, self.D, self.P, places, out)

    def whess(self, x, y, places, out):
        """Add the second derivatives, weighted by y, at their places."""
        self._kernel("whess")(x, y, self.I, self.D, self.P, self._rows, places, out)

    def jtprod(self, x, y, out):
        """Add the gradient of the weighted sum of the rows."""
        self._kernel("jtprod")(x, y, self.I, self.D, self.P, self._rows, out)

    def hessp(self, x, v, out):
        """Add the Hessian times v."""
        self._kernel("hessp")(x, v, self.I, self.D, self.P, out)

    def whessp(self, x, y, v, out):
        """Add the Hessian of the weighted sum of the rows, times v."""
        self._kernel("whessp")(x, y, v, self.I, self.D, self.P, self._rows, out)


def _matrix(columns, size, dtype):
    out = np.empty((size, len(columns)), dtype=dtype)
    for k, column in enumerate(columns):
        out[:, k] = column
    out.flags.writeable = False
    return out
