"""Symbolic execution of routines: from the cards of a type to nodes of a table."""

import numpy as np

from numopt.core.errors import SifError
from numopt.cutest.arithmetic import Node
from numopt.cutest.evaluation import evaluate
from numopt.cutest.fields import FieldError
from numopt.models.patterns import Operand


def value(library, kind, variables, parameters, arithmetic):
    """Return the node of the value of a type.

    Parameters
    ----------
    library : Library
    kind : Kind
        Says which variables and parameters there are.
    variables, parameters : list of int
        Nodes of the elemental (or group) variables, and of the parameters.
    arithmetic : Arithmetic

    Raises
    ------
    SifError
        For expressions that make no sense, with their cards.
    """
    if kind.formula is not None:
        return kind.formula(*(Operand(arithmetic.table, v) for v in (*variables, *parameters))).node
    routine = find(library, kind)
    if routine.value is None:
        raise routine.refusal("the type has no value", "an F card")
    names = environment(routine, kind, variables, parameters, arithmetic)
    return result(library, routine, routine.value, names, arithmetic)


def result(library, routine, formula, names, arithmetic):
    """Return the node of an F, G or H card.

    Parameters
    ----------
    names : dict
        Values of the variables and parameters, see `environment`.
    """
    names = dict(names)
    card = formula.card
    try:
        for statement in live(library, routine, formula):
            card = statement.card
            _assign(statement, names, library.declared, arithmetic)
        card = formula.card
        return arithmetic.double(evaluate(arithmetic, formula.tree, names))
    except FieldError as error:
        raise _located(error, card, library) from None


def find(library, kind):
    """Return the routine of a type."""
    if kind.name not in library.routines:
        reason = f"no function is given for the type {kind.name!r}"
        raise kind.refusal(reason, library.file, "a T card under INDIVIDUALS")
    return library.routines[kind.name]


def live(library, routine, formula):
    """Return the statements, in order, on which a formula depends."""
    wanted, chosen = names_in(formula.tree), []
    for statement in reversed((*library.common, *routine.statements[: formula.after])):
        if statement.target in wanted:
            if not statement.condition:
                wanted.discard(statement.target)
            wanted |= {statement.condition} | names_in(statement.tree)
            chosen.append(statement)
    return chosen[::-1]


def names_in(tree):
    """Return the names in a tree."""
    found, stack = set(), [tree]
    while stack:
        kind, *rest = stack.pop()
        if kind == "name":
            found.add(rest[0])
        stack += [a for a in rest if isinstance(a, tuple)]
    return found


def _located(error, card, library):
    return SifError(error.reason, library.file, card.line, card.text, error.expected)


def environment(routine, kind, variables, parameters, arithmetic):
    """Return the values that a routine starts from, by names in capitals."""
    by_name = dict(zip(kind.variables, variables, strict=True))
    rows = own_rows(routine, kind, arithmetic.single)
    own = {
        name: _combined(row, by_name, arithmetic)
        for name, row in zip(kind.internals or kind.variables, rows, strict=True)
    }
    own |= dict(zip(kind.parameters, parameters, strict=True))
    return {name.strip().upper(): Node(node) for name, node in own.items()}


def own_rows(routine, kind, single):
    """Return, per variable that the functions know, its coefficients by elemental variable.

    These are the rows of the matrix W, or of the identity where there are no internal variables.
    """
    if not kind.internals:
        return [{name: 1.0} for name in kind.variables]
    rows = [routine.rows.get(u, {}) for u in kind.internals]
    for name in set().union(*rows) - kind.variables.keys():
        reason = f"an internal variable uses the unknown variable {name!r}"
        raise routine.refusal(reason, ", ".join(kind.variables))
    if not single:
        return rows
    # The official decoder writes these numbers without an exponent letter.
    return [{name: float(np.float32(c)) for name, c in row.items()} for row in rows]


def cards(library, routine, names, own, arithmetic):
    """Return the nodes of the derivative cards by place: ``(k,)`` or ``(k, l)`` with k <= l.

    Parameters
    ----------
    names : dict
        See `environment`.
    own : sequence of str
        Names of the variables that the functions know, in their order.
    """
    slot, out = {name.strip().upper(): k for k, name in enumerate(own)}, {}
    for order, formulas in ((1, routine.gradient), (2, routine.hessian)):
        for who, formula in formulas.items():
            if any(name not in slot for name in who) or len(who) not in (0, order):
                error = FieldError("a derivative by an unknown variable", ", ".join(own))
                raise _located(error, formula.card, library)
            place = tuple(sorted(slot[name] for name in who)) or (0,) * order
            out[place] = result(library, routine, formula, names, arithmetic)
    return out


def _combined(row, by_name, arithmetic):
    """Return an internal variable, a combination of elemental ones."""
    table, total = arithmetic.table, None
    for name, coefficient in row.items():
        part = table.make_mul(table.const(coefficient), by_name[name])
        total = part if total is None else table.make_add(total, part)
    return table.const(0) if total is None else total


def _assign(statement, names, declared, arithmetic):
    new = evaluate(arithmetic, statement.tree, names)
    holds = declared.get(statement.target, "double")
    if statement.condition:
        if statement.condition not in names:
            raise FieldError(f"the name {statement.condition!r} has no value", "a logical name")
        condition = names[statement.condition]
        if not statement.wanted:
            condition = arithmetic.logical("not", condition)
        new = arithmetic.assigned(condition, new, names.get(statement.target), holds)
    names[statement.target] = arithmetic.converted(new, holds)
