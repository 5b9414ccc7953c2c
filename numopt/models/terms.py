"""Terms: one pattern and the rows of variable numbers and data on which it is evaluated."""

from dataclasses import dataclass, field, replace

import numpy as np

from numopt.models.expression import CONSTANTS, INDEXED, postorder
from numopt.models.patterns import Pattern
from numopt.models.trees import Table

# Numbers that belong to a formula rather than to a problem: multiples of 1/2 below this size are
# written into the code, all others are arguments, so that sizes never change the code.
LARGEST_LITERAL = 1e6

# Groups of rows of equal structure are joined when each is small or when there are many.
SMALL = 64
MANY = 4


@dataclass
class Term:
    """One pattern on K rows.

    Attributes
    ----------
    pattern : Pattern
    size : int
        Number K of rows.
    columns : list of int or ndarray, shape (K,)
        Variable numbers per slot; an integer stands for a constant column.
    data : list of (str, ndarray)
        Per data column ``("dat", values)`` or ``("prm", positions among the parameters)``.
    scalars : list of (str, float or int)
        Per scalar argument ``("num", value)`` or ``("prm", position)``.
    rows : ndarray or None
        Row per element; None in the objective.
    level : int
        See `numopt.models.lowering.Flat`.
    """

    pattern: Pattern
    size: int
    columns: list
    data: list
    scalars: list
    rows: np.ndarray | None
    level: int

    def data_columns(self, theta):
        """Return the data columns for the parameter values `theta`."""
        return [value if kind == "dat" else theta[value] for kind, value in self.data]

    def scalar_values(self, theta):
        """Return the scalar arguments for the parameter values `theta`, as an array."""
        return np.array([v if kind == "num" else theta[v] for kind, v in self.scalars], float)

    def restricted(self, keep, rows):
        """Return the term on the rows `keep` only, with new row numbers."""
        columns = [c if isinstance(c, int) else c[keep] for c in self.columns]
        data = [(kind, value[keep]) for kind, value in self.data]
        return replace(self, size=keep.size, columns=columns, data=data, rows=rows)

    def separated(self):
        """Return the term in parts, so that in none of them some rows only repeat a variable.

        An element in which two slots hold the same variable has fewer variables: its pattern is
        another one, in which they are one slot.
        """
        clashes = _clashes(self.columns, self.size)
        if clashes is None:
            return [self]
        parts = []
        for k in range(clashes.max() + 1):
            keep = np.flatnonzero(clashes == k)
            parts.append(self.restricted(keep, None if self.rows is None else self.rows[keep]))
        return [part._with_equal_slots_merged() for part in parts]

    def _with_equal_slots_merged(self):
        columns, slot_of = [], []
        for column in self.columns:
            same = [k for k, c in enumerate(columns) if np.equal(c, column).all()]
            slot_of.append(same[0] if same else len(columns))
            if not same:
                columns.append(column)
        return replace(self, pattern=self.pattern.merged(slot_of), columns=columns)


def _clashes(columns, size):
    """Return a number per row for the pairs of slots that hold one variable; None if none do."""
    steps = [_step(column) for column in columns]
    key, found = np.zeros(size, dtype=np.int64), False
    for i, a in enumerate(columns):
        for b, step in zip(columns[:i], steps, strict=False):
            parallel = step is not None and step == steps[i]
            if not (parallel and np.ravel(a)[0] != np.ravel(b)[0]):
                same = np.broadcast_to(np.equal(a, b), key.shape)
                if same.any():
                    found = True
                    _, key = np.unique(2 * key + same, return_inverse=True)
    return key if found else None


def _step(column):
    """Return the step of an arithmetic sequence (0 for a constant), else None."""
    if np.ndim(column) == 0 or column.size < 2:
        return 0
    step = int(column[1]) - int(column[0])
    if column[-1] - column[0] != step * (column.size - 1) or (np.diff(column) != step).any():
        return None
    return step


@dataclass
class _Formula:
    """Rows of one program over slots; leaves with equal entries share a slot."""

    size: int
    rows: np.ndarray | None
    level: int
    program: list = field(default_factory=list)
    slots: list = field(default_factory=list)

    def slot(self, kind, value):
        """Return the slot of a leaf."""
        for k, (other, known) in enumerate(self.slots):
            if other == kind and _equal(value, known):
                return k
        self.slots.append((kind, value))
        return len(self.slots) - 1

    @property
    def key(self):
        """What formulas of equal structure have in common."""
        kinds = tuple(kind for kind, _ in self.slots)
        return tuple(self.program), kinds, self.rows is None, self.level


def _equal(a, b):
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.ndim(a) == np.ndim(b) and a == b
    return a is b or (a[0] == b[0] and a[-1] == b[-1] and np.array_equal(a, b))


def make_terms(flats):
    """Return the terms of flat statements, small ones of equal structure joined."""
    groups, patterns = {}, {}
    for flat in flats:
        formula = _formula(flat)
        groups.setdefault(formula.key, []).append(formula)
    return [_term(part, patterns) for members in groups.values() for part in _joined(members)]


def _formula(flat):
    """Write a statement as a program: leaves when they are first used, operations in order."""
    formula, number = _Formula(flat.e.size, flat.rows, flat.level), {}

    def reference(node):
        if id(node) not in number:
            value = node.args[0]
            if node.op != "num" and value.size == 1 == formula.size:
                value = value.reshape(())
            number[id(node)] = len(formula.program)
            formula.program.append(("leaf", formula.slot(node.op, value)))
        return number[id(node)]

    for node in postorder(flat.e):
        if node.op not in CONSTANTS and node.op not in INDEXED:
            if node.op == "pow" and node.args[1].op == "num":
                # The exponent decides on the derivatives, so it belongs to the structure.
                step = "power", reference(node.args[0]), node.args[1].args[0]
            else:
                step = node.op, *(reference(a) for a in node.args)
            number[id(node)] = len(formula.program)
            formula.program.append(step)
    reference(flat.e)
    return formula


def _joined(members):
    """Join small formulas of equal structure, or all of them if they are many."""
    chosen = members if len(members) >= MANY else [f for f in members if f.size <= SMALL]
    if len(chosen) < 2:
        return members
    first, slots = chosen[0], []
    for k, (kind, _) in enumerate(first.slots):
        parts = [np.broadcast_to(f.slots[k][1], (f.size,)) for f in chosen]
        slots.append((kind, np.concatenate(parts)))
    rows = None if first.rows is None else np.concatenate([f.rows for f in chosen])
    size = sum(f.size for f in chosen)
    others = [f for f in members if not any(f is c for c in chosen)]
    return [replace(first, size=size, rows=rows, slots=slots), *others]


def _term(formula, patterns):
    """Build the pattern of a formula; equal patterns are one object."""
    table, slots, node_of = Table(), Slots(), []
    leaves = [slots.leaf(kind, value) for kind, value in formula.slots]
    for op, *arguments in formula.program:
        if op == "leaf":
            node = _leaf(table, leaves[arguments[0]])
        elif op == "power":
            exponent = _leaf(table, slots.leaf("num", arguments[1]))
            node = table.make_pow(node_of[arguments[0]], exponent)
        else:
            node = table.build(op, *(node_of[a] for a in arguments))
        node_of.append(node)
    sizes = len(slots.columns), len(slots.data), len(slots.scalars)
    key = tuple(table.nodes), node_of[-1], sizes
    pattern = patterns.setdefault(key, Pattern(table, node_of[-1], sizes))
    return Term(
        pattern, formula.size, slots.columns, slots.data, slots.scalars, formula.rows, formula.level
    )


def _leaf(table, leaf):
    kind, value = leaf
    return table.const(value) if kind == "const" else table.intern(kind, value)


class Slots:
    """Hands out the slots of a term; equal columns share one."""

    def __init__(self):
        self.columns, self.data, self.scalars = [], [], []

    def leaf(self, kind, value):
        """Return the pattern leaf of a formula's leaf."""
        constant = np.ndim(value) == 0 or bool((value == value[0]).all())
        if constant and np.ndim(value):
            value = value[0]
        if kind == "var":
            value = int(value) if constant else value
            return "var", self._find(self.columns, value)
        if kind == "num" and constant and abs(value) < LARGEST_LITERAL and value * 2 % 1 == 0:
            return "const", float(value)
        if constant:
            entry = ("prm", int(value)) if kind == "prm" else ("num", float(value))
            if entry not in self.scalars:
                self.scalars.append(entry)
            return "par", self.scalars.index(entry)
        return "dat", self._find(self.data, ("prm" if kind == "prm" else "dat", value))

    @staticmethod
    def _find(store, entry):
        for k, known in enumerate(store):
            if _same_entry(known, entry):
                return k
        store.append(entry)
        return len(store) - 1


def _same_entry(a, b):
    if isinstance(a, tuple):
        return a[0] == b[0] and _equal(a[1], b[1])
    return _equal(a, b)
