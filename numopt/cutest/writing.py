"""The other way: a problem made of terms as the text of a SIF file.

Terms that are linear become coefficients of groups, others one element per row. An auxiliary
variable of a problem is the argument of a group function: it is written as the group's linear part
and elements. Sizes are written out, there are no loops.
"""

import numpy as np

from numopt.core.errors import InputTypeError
from numopt.cutest.decomposition import OBJECTIVE, Decomposition
from numopt.cutest.output import line, valued
from numopt.models.separable import PartiallySeparable


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
    return "\n".join(_Text(Decomposition(problem)).lines()) + "\n"


class _Text:
    """The text of a decomposed problem."""

    def __init__(self, parts):
        self.parts, self.problem = parts, parts.problem

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
        yield from self._section(
            "ELEMENT TYPE", _declared(self.parts.element_types, "EV", "V", "EP")
        )
        yield from self._section("ELEMENT USES", self._element_uses())
        yield from self._section("GROUP TYPE", _declared(self.parts.group_types, "GV", "A", "GP"))
        yield from self._section("GROUP USES", self._group_uses())
        if facts.get("f_best") is not None:
            yield from ("OBJECT BOUND", f"*LO SOLTN            {facts['f_best']!r}")
        yield "ENDATA"
        yield from self._part("ELEMENTS", self.parts.element_types, self.parts.element_names)
        yield from self._part("GROUPS", self.parts.group_types, self.parts.group_names)

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
        types = getattr(self.problem, "variable_types", ["real"] * self.parts.n)
        words = {"real": "", "integer": "'INTEGER'", "zero-one": "'ZERO-ONE'"}
        for name, kind in zip(self.parts.columns, types, strict=True):
            yield line("", name, words[kind])

    def _ordered(self):
        """Return (letter, name, sum) of all groups, those of the objective first."""
        out = [("N", "OBJ", self.parts.sums[OBJECTIVE])] if OBJECTIVE in self.parts.sums else []
        out += [
            ("N", g.name, self.parts.sum(g.argument))
            for k, g in self.parts.groups.items()
            if k == g.name
        ]
        for row, (letter, name) in enumerate(zip(self.parts.letters, self.parts.rows, strict=True)):
            group = self.parts.groups.get(("row", row))
            out.append((letter, name, self.parts.sum(group.argument if group else ("row", row))))
        return out

    def _groups(self):
        for letter, name, total in self._ordered():
            yield line(letter, name)
            for column, value in total.linear.items():
                yield from valued(letter, name, self.parts.columns[column], value)

    def _constants(self):
        functions = {group.name for group in self.parts.groups.values()}
        shifts = dict(zip(self.parts.rows, self.parts.shifts, strict=True))
        for _, name, total in self._ordered():
            shift = 0.0 if name in functions else shifts.get(name, 0.0)
            if shift - total.constant:
                yield from valued("", "RHS", name, shift - total.constant)

    def _ranges(self):
        for name, width in zip(self.parts.rows, self.parts.widths, strict=True):
            if np.isfinite(width):
                yield from valued("", "RANGE", name, width)

    def _bounds(self):
        yield line("FR", "BND", "'DEFAULT'")
        for name, low, up in zip(self.parts.columns, self.problem.lb, self.problem.ub, strict=True):
            if low == up:
                yield from valued("FX", "BND", name, low)
                continue
            for code, value in (("LO", low), ("UP", up)):
                if np.isfinite(value):
                    yield from valued(code, "BND", name, value)

    def _start(self):
        for name, value in zip(self.parts.columns, self.problem.x0, strict=True):
            if value:
                yield from valued("V", "START", name, value)
        for name, value in zip(self.parts.rows, getattr(self.problem, "y0", ()), strict=False):
            if value:
                yield from valued("M", "START", name, value)

    def _element_uses(self):
        for name, kind, variables, values in self.parts.elements:
            yield line("T", name, kind.name)
            for k, column in enumerate(variables):
                yield line("V", name, f"V{k + 1}", "", self.parts.columns[column])
            for k, value in enumerate(values):
                yield from valued("P", name, f"P{k + 1}", value)

    def _group_uses(self):
        functions = {group.name: group for group in self.parts.groups.values()}
        for _, name, total in self._ordered():
            group = functions.get(name)
            if group:
                yield line("T", name, group.type.name)
            for element in total.elements:
                yield line("E", name, element)
            if group:
                for k, value in enumerate(group.values):
                    yield from valued("P", name, f"P{k + 1}", value)


def _declared(types, code, letter, parameter_code):
    """Yield the cards that declare types."""
    for kind in types.values():
        names = [f"{letter}{k + 1}" for k in range(kind.variables)]
        yield from (line(code, kind.name, name) for name in names)
        yield from (line(parameter_code, kind.name, f"P{k + 1}") for k in range(kind.parameters))
