"""The other way: a problem made of terms as the text of a SIF file.

Terms that are linear become coefficients of groups, others one element per row. An auxiliary
variable of a problem is the argument of a group function: it is written as the group's linear part
and elements. Sizes are written out, there are no loops.
"""

import re
from dataclasses import dataclass, field

import numpy as np

from numopt.core.errors import InputTypeError, ProblemError
from numopt.cutest.data import INFINITY
from numopt.cutest.formulas import Formulas, Names, expression_cards, line, literal
from numopt.models.separable import PartiallySeparable
from numopt.models.trees import numpy_function

# Columns of a number on a card of part 1.
_WIDTH = 12

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9,._+\-]{0,9}")
_Z_CODES = {"LO": "ZL", "UP": "ZU", "FX": "ZX"}

OBJECTIVE = ("objective", 0)


def write_sif(problem):
    """Return the text of a SIF file for a problem made of formulas.

    Parameters
    ----------
    problem : PartiallySeparable
        For example one of the embedded collection, or one that `read_sif` returned.

    Returns
    -------
    str
        `numopt.cutest.read_sif` makes the same problem of it, but for constraints: these are
        shifted so that one of their sides is zero, as the language demands.

    Raises
    ------
    InputTypeError
        For a problem without formulas, such as one made of callables.
    ProblemError
        For what the language cannot express, which the message names: functions that Fortran 77
        lacks, sums inside functions of several of them, constraints without sides.

    Examples
    --------
    >>> import cutest_problems
    >>> from numopt.cutest import read_sif, write_sif
    >>> problem = cutest_problems.load("HS71")
    >>> read_sif(write_sif(problem)).fun(problem.x0) == problem.fun(problem.x0)
    True
    """
    if not isinstance(problem, PartiallySeparable):
        raise InputTypeError(
            f"only problems made of formulas can be written, got {type(problem).__name__}"
        )
    return "\n".join(_Writer(problem).lines()) + "\n"


@dataclass
class _Sum:
    """A linear part, elements and a constant."""

    linear: dict = field(default_factory=dict)
    elements: list = field(default_factory=list)
    constant: float = 0.0


@dataclass
class _Type:
    """An element type or a group type: its text, and the number of its variables and parameters."""

    name: str
    variables: int
    parameters: int
    cards: list


@dataclass
class _Group:
    """A group with a function: its name, type, argument, and values of the parameters."""

    name: str
    type: _Type
    argument: tuple
    values: list


class _Writer:
    def __init__(self, problem):
        self.problem, self.n = problem, problem.n
        self.columns = _names(getattr(problem, "variable_names", ()), problem.n, "X")
        self.rows = _names(getattr(problem, "constraint_names", ()), problem.m, "C")
        self.letters, self.shifts, self.widths = _sides(problem)
        self.sums, self.elements, self.groups = {}, [], {}
        self.element_types, self.group_types = {}, {}
        self.element_names, self.group_names = Names(), Names()
        for row in range(problem.m):
            self.sums["row", row] = _Sum()
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

    def _sum(self, key):
        return self.sums.setdefault(key, _Sum())

    def _read_linear(self, term, keys, columns, data):
        p = term.pattern
        leaves = {"dat": data, "par": term.scalar_values(self.problem.theta), "var": [0.0] * p.nv}
        roots = [p.root, *(node for _, node in p.gradient)]
        constant, *slopes = (
            np.broadcast_to(v, term.size).tolist() for v in _values(p.table, roots, leaves)
        )
        for k, key in enumerate(keys):
            total = self._sum(key)
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
            self._sum(key).elements.append(name)

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
            group = _Group(name, kind, ("auxiliary", int(column) - self.n), values + shift)
            self.groups[key if key[0] == "row" else name] = group

    def _check_groups(self):
        for key, group in self.groups.items():
            if key in self.sums and self.sums.pop(key) != _Sum():
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

    # -- text --------------------------------------------------------------------------------

    def lines(self):
        """Yield the lines of the file."""
        facts = self.problem.facts
        yield f"NAME          {(self.problem.name or 'PROBLEM')[:10]}"
        if facts.get("classification"):
            yield f"*   classification {facts['classification']}"
        yield from self._section("VARIABLES", self._variables())
        yield from self._section("GROUPS", self._groups())
        yield from self._section("CONSTANTS", self._constants())
        yield from self._section("RANGES", self._ranges())
        yield from self._section("BOUNDS", self._bounds())
        yield from self._section("START POINT", self._start())
        yield from self._section("ELEMENT TYPE", _declared(self.element_types, "EV", "V", "EP"))
        yield from self._section("ELEMENT USES", self._element_uses())
        yield from self._section("GROUP TYPE", _declared(self.group_types, "GV", "A", "GP"))
        yield from self._section("GROUP USES", self._group_uses())
        if facts.get("f_best") is not None:
            yield from ("OBJECT BOUND", f"*LO SOLTN            {facts['f_best']!r}")
        yield "ENDATA"
        yield from self._part("ELEMENTS", self.element_types, self.element_names)
        yield from self._part("GROUPS", self.group_types, self.group_names)

    @staticmethod
    def _section(keyword, cards):
        cards = list(cards)
        return [keyword, *cards] if cards or keyword in ("VARIABLES", "GROUPS") else []

    def _part(self, keyword, types, names):
        if types:
            yield f"{keyword:<14}{(self.problem.name or 'PROBLEM')[:10]}"
            yield from self._section("TEMPORARIES", names.cards())
            yield "INDIVIDUALS"
            for kind in types.values():
                yield line("T", kind.name)
                yield from kind.cards
            yield "ENDATA"

    def _variables(self):
        types = getattr(self.problem, "variable_types", ["real"] * self.n)
        words = {"real": "", "integer": "'INTEGER'", "zero-one": "'ZERO-ONE'"}
        for name, kind in zip(self.columns, types, strict=True):
            yield line("", name, words[kind])

    def _ordered(self):
        """Return (letter, name, sum) of all groups, those of the objective first."""
        out = [("N", "OBJ", self.sums[OBJECTIVE])] if OBJECTIVE in self.sums else []
        out += [("N", g.name, self._sum(g.argument)) for k, g in self.groups.items() if k == g.name]
        for row, (letter, name) in enumerate(zip(self.letters, self.rows, strict=True)):
            group = self.groups.get(("row", row))
            out.append((letter, name, self._sum(group.argument if group else ("row", row))))
        return out

    def _groups(self):
        for letter, name, total in self._ordered():
            yield line(letter, name)
            for column, value in total.linear.items():
                yield from valued(letter, name, self.columns[column], value)

    def _constants(self):
        functions = {group.name for group in self.groups.values()}
        shifts = dict(zip(self.rows, self.shifts, strict=True))
        for _, name, total in self._ordered():
            shift = 0.0 if name in functions else shifts.get(name, 0.0)
            if shift - total.constant:
                yield from valued("", "RHS", name, shift - total.constant)

    def _ranges(self):
        for name, width in zip(self.rows, self.widths, strict=True):
            if np.isfinite(width):
                yield from valued("", "RANGE", name, width)

    def _bounds(self):
        yield line("FR", "BND", "'DEFAULT'")
        for name, low, up in zip(self.columns, self.problem.lb, self.problem.ub, strict=True):
            if low == up:
                yield from valued("FX", "BND", name, low)
                continue
            for code, value in (("LO", low), ("UP", up)):
                if np.isfinite(value):
                    yield from valued(code, "BND", name, value)

    def _start(self):
        for name, value in zip(self.columns, self.problem.x0, strict=True):
            if value:
                yield from valued("V", "START", name, value)
        for name, value in zip(self.rows, getattr(self.problem, "y0", ()), strict=False):
            if value:
                yield from valued("M", "START", name, value)

    def _element_uses(self):
        for name, kind, variables, values in self.elements:
            yield line("T", name, kind.name)
            for k, column in enumerate(variables):
                yield line("V", name, f"V{k + 1}", "", self.columns[column])
            for k, value in enumerate(values):
                yield from valued("P", name, f"P{k + 1}", value)

    def _group_uses(self):
        functions = {group.name: group for group in self.groups.values()}
        for _, name, total in self._ordered():
            group = functions.get(name)
            if group:
                yield line("T", name, group.type.name)
            for element in total.elements:
                yield line("E", name, element)
            if group:
                for k, value in enumerate(group.values):
                    yield from valued("P", name, f"P{k + 1}", value)


def _type(name, pattern, scalars, names, shifted):
    """Return a `_Type`; a shifted one subtracts its last parameter."""
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
    return _Type(name, pattern.nv, pattern.nd + shifted, cards)


def _declared(types, code, letter, parameter_code):
    """Yield the cards that declare types."""
    for kind in types.values():
        names = [f"{letter}{k + 1}" for k in range(kind.variables)]
        yield from (line(code, kind.name, name) for name in names)
        yield from (line(parameter_code, kind.name, f"P{k + 1}") for k in range(kind.parameters))


def _names(known, size, letter):
    """Return names: the known ones if they are plain and distinct, else numbered ones."""
    known = list(known)
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


# -- numbers ---------------------------------------------------------------------------------------


def valued(code, f2, f3, value):
    """Yield a card with a number; what does not fit its columns becomes a parameter first."""
    if not abs(value) < INFINITY:
        raise ProblemError(f"the number {value} of {f2} {f3} cannot be written")
    text = _short(value)
    if text:
        yield line(code, f2, f3, text)
        return
    first, total = "RE", 0.0
    while total != value:
        text = _nearest(value - total)
        yield line(first, "VALUE", "" if first == "RE" else "VALUE", text)
        first, total = "RA", float(text.replace("D", "e")) + total
    yield line(_Z_CODES.get(code, "Z" + code), f2, f3, "", "VALUE")


def _short(value):
    """Return a number that fits its columns and loses nothing, or an empty string."""
    plain = repr(float(value))
    for text in (plain if "e" not in plain else "", literal(value)):
        if text and len(text) <= _WIDTH:
            return text
    return ""


def _nearest(value):
    """Return the nearest number that fits its columns."""
    for digits in range(_WIDTH, 0, -1):
        mantissa, exponent = f"{value:.{digits}e}".split("e")
        text = f"{mantissa}D{int(exponent)}"
        if len(text) <= _WIDTH:
            return text
    raise ProblemError(f"the number {value} cannot be written")
