"""Problems made of terms taken apart into the groups and elements of the SIF language."""

import re
from dataclasses import dataclass, field

import numpy as np

from numopt.core.errors import ProblemError
from numopt.cutest.formulas import Formulas, Names, expression_cards
from numopt.cutest.output import literal
from numopt.models.trees import numpy_function

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9,._+\-]{0,9}")

OBJECTIVE = ("objective", 0)


@dataclass
class Sum:
    """A linear part, elements and a constant."""

    linear: dict = field(default_factory=dict)
    elements: list = field(default_factory=list)
    constant: float = 0.0


@dataclass
class Type:
    """An element type or a group type: its text, and the number of its variables and parameters."""

    name: str
    variables: int
    parameters: int
    cards: list


@dataclass
class Group:
    """A group with a function: its name, type, argument, and values of the parameters."""

    name: str
    type: Type
    argument: tuple
    values: list


class Decomposition:
    """A problem as groups: sums of linear parts and elements, or functions of such sums.

    Parameters
    ----------
    problem : PartiallySeparable

    Attributes
    ----------
    columns, rows : list of str
        Names of variables and constraints.
    letters : list of str
        ``E``, ``G`` or ``L`` per constraint.
    shifts, widths : list of float
        What is subtracted from the constraints, and the widths of their ranges.
    sums : dict
        `Sum` by key: the objective, ``("row", k)``, and ``("auxiliary", k)`` for arguments.
    elements : list of (str, Type, list of int, list of float)
        Name, type, variables and parameters.
    groups : dict
        `Group` by key, of a constraint, or by name, in the objective.
    element_types, group_types : dict
        `Type` by what distinguishes them.
    element_names, group_names : Names
        What their formulas use.
    """

    def __init__(self, problem):
        self.problem, self.n = problem, problem.n
        self.columns = _names(getattr(problem, "variable_names", ()), problem.n, "X")
        self.rows = _names(getattr(problem, "constraint_names", ()), problem.m, "C")
        self.letters, self.shifts, self.widths = _sides(problem)
        self.sums, self.elements, self.groups = {}, [], {}
        self.element_types, self.group_types = {}, {}
        self.element_names, self.group_names = Names(), Names()
        for row in range(problem.m):
            self.sums["row", row] = Sum()
        for term in problem.structure.terms:
            self._read(term)
        self._check_groups()

    # -- terms -------------------------------------------------------------------------------

    def _read(self, term):
        keys = self._keys(term)
        columns = [np.broadcast_to(c, term.size) for c in term.columns]
        data = [np.broadcast_to(d, term.size) for d in term.data_columns(self.problem.theta)]
        if any((c >= self.n).any() for c in columns):
            self._read_groups(term, keys, columns, data)
        elif _is_affine(term.pattern):
            self._read_linear(term, keys, columns, data)
        else:
            self._read_elements(term, keys, columns, data)

    def _keys(self, term):
        if term.rows is None:
            return [OBJECTIVE] * term.size
        kind = "auxiliary" if term.level else "row"
        return [(kind, int(row)) for row in np.broadcast_to(term.rows, term.size)]

    def sum(self, key):
        """Return the `Sum` of a key, an empty one at first."""
        return self.sums.setdefault(key, Sum())

    def _read_linear(self, term, keys, columns, data):
        p = term.pattern
        leaves = {"dat": data, "par": term.scalar_values(self.problem.theta), "var": [0.0] * p.nv}
        roots = [p.root, *(node for _, node in p.gradient)]
        constant, *slopes = (
            np.broadcast_to(v, term.size).tolist() for v in _values(p.table, roots, leaves)
        )
        for k, key in enumerate(keys):
            total = self.sum(key)
            total.constant += constant[k]
            for (slot, _), slope in zip(p.gradient, slopes, strict=True):
                column = int(columns[slot][k])
                total.linear[column] = total.linear.get(column, 0.0) + slope[k]

    def _read_elements(self, term, keys, columns, data):
        kind = self._type(term, self.element_types, self.element_names, "TYPE")
        rows = zip(keys, _across(columns, term), _across(data, term), strict=True)
        for key, variables, values in rows:
            name = f"E{len(self.elements) + 1}"
            self.elements.append((name, kind, variables, values))
            self.sum(key).elements.append(name)

    def _read_groups(self, term, keys, columns, data):
        """Enter a group per row of a function of one auxiliary variable."""
        if len(columns) != 1 or term.level:
            raise ProblemError(
                f"{self.problem.name}: a function of a sum and of other variables or sums cannot "
                "be written, only functions of one sum"
            )
        kind = self._type(term, self.group_types, self.group_names, "GTYPE")
        for key, column, values in zip(keys, columns[0], _across(data, term), strict=True):
            name = self.rows[key[1]] if key[0] == "row" else f"G{len(self.groups) + 1}"
            if key in self.groups or name in self.groups:
                raise self._refusal(name, "functions of sums")
            shift = [self.shifts[key[1]]] if key[0] == "row" else []
            group = Group(name, kind, ("auxiliary", int(column) - self.n), values + shift)
            self.groups[key if key[0] == "row" else name] = group

    def _check_groups(self):
        for key, group in self.groups.items():
            if key in self.sums and self.sums.pop(key) != Sum():
                raise self._refusal(group.name, "a function of a sum and other terms")

    def _refusal(self, name, what):
        return ProblemError(f"{self.problem.name}: constraint {name} adds {what}: no group does")

    # -- types -------------------------------------------------------------------------------

    def _type(self, term, known, names, prefix):
        """Return the type of a term: its pattern with the scalar arguments written out."""
        scalars = term.scalar_values(self.problem.theta).tolist()
        shifted = known is self.group_types and term.rows is not None
        key = id(term.pattern), tuple(scalars), shifted
        if key not in known:
            name = f"{prefix}{len(known) + 1}"
            known[key] = _type(name, term.pattern, scalars, names, shifted)
        return known[key]


def _type(name, pattern, scalars, names, shifted):
    """Return a `Type`; a shifted one subtracts its last parameter."""
    group = name.startswith("G")
    letters = {"var": "A" if group else "V", "dat": "P"}

    def leaf(kind, k):
        return literal(scalars[k]) if kind == "par" else f"{letters[kind]}{k + 1}"

    gradient, hessian = pattern.gradient, pattern.hessian
    roots = [pattern.root, *(g for _, g in gradient), *(h for _, _, h in hessian)]
    formulas = Formulas(pattern.table, roots, leaf, names)
    shift = f"-P{pattern.nd + 1}" if shifted else ""
    cards = [*formulas.cards, *expression_cards("F", "", "", formulas[pattern.root] + shift)]
    for i, node in gradient:
        who = "" if group else f"V{i + 1}"
        cards += expression_cards("G", who, "", formulas[node])
    for i, j, node in hessian:
        who = ("", "") if group else (f"V{i + 1}", f"V{j + 1}")
        cards += expression_cards("H", *who, formulas[node])
    return Type(name, pattern.nv, pattern.nd + shifted, cards)


def _names(given, size, letter) -> list[str]:
    """Return names: the known ones if they are plain and distinct, else numbered ones."""
    known: list[str] = list(given)
    reserved = re.compile(r"OBJ|[GE]\d+|VALUE")
    plain = all(_PLAIN.fullmatch(name) and not reserved.fullmatch(name) for name in known)
    if len(known) == size and plain and len(set(known)) == size:
        return known
    return [f"{letter}{k + 1}" for k in range(size)]


def _sides(problem):
    """Return letters of the constraints, what is subtracted from them, and widths of ranges."""
    letters, shifts, widths = [], [], []
    for k, (low, up) in enumerate(zip(problem.cl, problem.cu, strict=True)):
        if np.isinf(low) and np.isinf(up):
            raise ProblemError(f"{problem.name}: constraint {k} has no finite side")
        upper = np.isinf(low) or (up == 0 and low != up)
        letters.append("E" if low == up else "L" if upper else "G")
        shifts.append(float(up if upper else low))
        widths.append(float(up - low) if low != up else np.inf)
    return letters, shifts, widths


def _is_affine(pattern):
    """Tell whether no derivative of a pattern depends on a variable."""
    nodes = pattern.table.nodes
    reached = pattern.table.reachable([node for _, node in pattern.gradient])
    return all(nodes[a][0] != "var" for a in reached)


def _values(table, roots, leaves):
    """Return the values of nodes; `leaves` holds arrays or numbers by kind and number."""
    known = {}
    with np.errstate(all="ignore"):
        for a in table.reachable(roots):
            op, *arguments = table.nodes[a]
            if op == "const":
                known[a] = arguments[0]
            elif op in leaves:
                known[a] = leaves[op][arguments[0]]
            else:
                known[a] = numpy_function(op)(*(known[b] for b in arguments))
    return [known[a] for a in roots]


def _across(columns, term):
    """Return the rows of columns as lists."""
    return np.column_stack(columns).tolist() if columns else [[]] * term.size
