"""Values of trees: `numopt.cutest.fortran` parses, `numopt.cutest.arithmetic` computes."""

from numopt.cutest.arithmetic import COMPARED
from numopt.cutest.fields import FieldError
from numopt.cutest.intrinsics import call

_LEAVES = ("number", "name", "logical")
_LOGICAL = ("and", "or", "not", "eqv", "neqv")


def evaluate(arithmetic, tree, names):
    """Return the value of a tree.

    Parameters
    ----------
    arithmetic : Arithmetic
    tree : tuple
        See `numopt.cutest.fortran`.
    names : dict
        Values by name.

    Raises
    ------
    FieldError
        For unknown names and functions, and for operations without meaning.
    """
    values, stack = [], [(tree, False)]
    while stack:
        node, ready = stack.pop()
        kind, *rest = node
        if kind in _LEAVES:
            values.append(_leaf(arithmetic, kind, rest[0], names))
        elif not ready:
            stack.append((node, True))
            stack += [(a, False) for a in reversed(rest) if isinstance(a, tuple)]
        else:
            first = len(values) - len(rest) + (kind == "call")
            arguments = values[first:]
            del values[first:]
            values.append(_operation(arithmetic, kind, rest[0], arguments))
    return values[0]


def _leaf(arithmetic, kind, what, names):
    if kind == "number":
        return arithmetic.number(what)
    if kind == "logical":
        return what
    if what not in names:
        raise FieldError(f"the name {what!r} has no value here", "a variable or parameter")
    return names[what]


def _operation(arithmetic, kind, name, arguments):
    if kind == "call":
        return call(arithmetic, name, arguments)
    if kind == "neg":
        return arithmetic.negative(*arguments)
    if kind in _LOGICAL:
        return arithmetic.logical(kind, *arguments)
    if kind in COMPARED:
        return arithmetic.compare(kind, *arguments)
    return arithmetic.binary(kind, *arguments)
