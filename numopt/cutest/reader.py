"""The reader: text -> cards -> data and functions -> problem."""

import re
from pathlib import Path

import numpy as np

from numopt.core.errors import NumoptError, SifError
from numopt.cutest.assembly import Assembly, check_members
from numopt.cutest.builders import Functions
from numopt.cutest.cards import LARGEST_FILE, split
from numopt.cutest.checks import samples
from numopt.cutest.data import INFINITY, Data
from numopt.cutest.external import attach
from numopt.cutest.fields import EXPONENT, Scope
from numopt.cutest.header import CLASSIFICATION
from numopt.cutest.interpreter import Interpreter
from numopt.cutest.nonlinear import NonlinearSections
from numopt.cutest.problem import SifProblem, sides, spread, without_infinity
from numopt.cutest.routines import read_library
from numopt.cutest.sections import LinearSections
from numopt.cutest.sizes import Sizes

CONSTANTS = ("double", "fortran")
DERIVATIVES = ("exact", "cards")
QUADRATIC = ("QUADRATIC", "HESSIAN", "QMATRIX", "QUADS", "QUADOBJ", "QSECTION")

_OPTIMUM = re.compile(
    r"^\*\s*[LX]O\s+SOL\w*\s+([-+]?(?:\d+\.?\d*|\.\d+)(?:[DEde][-+]?\d+)?)\s*(\S.*)?$"
)


def read_sif(
    source, params=None, *, constants="double", derivatives="exact", vectors=None, compile="auto"
):
    """Read a problem in the Standard Input Format.

    Parameters
    ----------
    source : path-like or str
        Path of a file, or the text of a problem (any string with line breaks).
    params : dict, optional
        Values of parameters that the file marks with ``$-PARAMETER``, in place of its own. A value
        that the file does not list among its alternatives gives a warning.
    constants : {"double", "fortran"}
        ``"double"`` keeps all numbers as they are written. ``"fortran"`` treats them as compiled
        CUTEst does: real constants in expressions without a ``D`` exponent are single precision,
        and numbers of part 1 have eleven digits.
    derivatives : {"exact", "cards"}
        ``"exact"`` differentiates the functions of the file. ``"cards"`` takes the derivatives that
        the file gives, as compiled CUTEst does; in some files they are wrong.
    vectors : dict, optional
        Names of the vectors to use by section (``"CONSTANTS"``, ``"RANGES"``, ``"BOUNDS"``,
        ``"START POINT"``) where the file has several; by default the first ones.
    compile : {None, True, "auto"}
        See `numopt.PartiallySeparable`.

    Returns
    -------
    SifProblem

    Raises
    ------
    SifError
        For everything that is no valid problem, with file, line, card and what was expected.
    OSError
        If the file cannot be read.

    Warns
    -----
    UserWarning
        For a value of a parameter that the file does not list.

    References
    ----------
    .. [1] A. R. Conn, N. I. M. Gould, Ph. L. Toint, "LANCELOT: a Fortran package for large-scale
       nonlinear optimization (Release A)", Springer, 1992, chapters 2 and 7.
    """
    if constants not in CONSTANTS:
        raise ValueError(f"`constants` must be 'double' or 'fortran', got {constants!r}")
    if derivatives not in DERIVATIVES:
        raise ValueError(f"`derivatives` must be 'exact' or 'cards', got {derivatives!r}")
    text, file = _text(source)
    parts = split(text, file)
    given = Sizes(parts, dict(params or {}), file)
    single = constants == "fortran"
    data = run(parts.data, given, Scope(single), dict(vectors or {}), file)
    check_members(data, file)
    check_bounds(data, file)
    if single:
        data.round()
    name = parts.data[0].f2
    elements, groups = (read_library(cards, file) for cards in (parts.elements, parts.groups))
    if "external" in elements.declared.values():
        attach(data, name)
    functions = Functions(elements, groups, single, derivatives == "cards")
    problem = _built(data, functions, name, file, compile)
    problem.constants, problem.params = constants, given.values
    problem.classification, problem.f_opt_quoted = _quoted(parts.comments)
    problem.facts = {"classification": problem.classification, "f_best": problem.f_opt_quoted}
    return problem


def _text(source):
    """Return text and name of a source: a path, or the text itself."""
    if isinstance(source, str) and "\n" in source:
        return source, ""
    path = Path(source)
    if path.stat().st_size > LARGEST_FILE:
        raise SifError(f"the file has more than {LARGEST_FILE} bytes", str(path))
    return path.read_text(encoding="latin-1"), path.name


def run(cards, given, scope, vectors, file):
    """Return the `Data` of part 1."""
    data = Data()
    linear, nonlinear = LinearSections(data, scope, vectors), NonlinearSections(data, scope)
    table = {
        "NAME": linear.none,
        "VARIABLES": linear.variables, "COLUMNS": linear.variables,
        "GROUPS": linear.groups, "ROWS": linear.groups, "CONSTRAINTS": linear.groups,
        "CONSTANTS": linear.constants, "RHS": linear.constants, "RHS'": linear.constants,
        "RANGES": linear.ranges, "BOUNDS": linear.bounds, "START POINT": linear.start,
        "ELEMENT TYPE": nonlinear.element_type, "ELEMENT USES": nonlinear.element_uses,
        "GROUP TYPE": nonlinear.group_type, "GROUP USES": nonlinear.group_uses,
        "OBJECT BOUND": linear.object_bound, **dict.fromkeys(QUADRATIC, linear.quadratic),
    }  # fmt: skip
    Interpreter(scope, table.__getitem__, given, file).run(cards)
    linear.check_vectors(file)
    return data


def check_bounds(data, file):
    """Refuse bounds between which no number lies.

    Raises
    ------
    SifError
    """
    for k, card in data.crossed.items():
        name, (lower, upper) = list(data.variables)[k], data.bounds.entries[k]
        reason = f"no number lies between the bounds {lower:g} and {upper:g} of {name!r}"
        raise SifError(reason, file, card.line, card.text, "a lower bound below the upper one")


def _built(data, functions, name, file, compile):
    n, constrains = len(data.variables), [letter != "N" for letter in data.group_letters]
    bounds = without_infinity(spread(data.bounds, n), INFINITY)
    cl, cu = sides(data)
    assembly = Assembly(data, functions)
    try:
        problem = SifProblem(
            spread(data.start, n), bounds[:, 0], bounds[:, 1], cl, cu, assembly.terms,
            levels=assembly.levels, name=name, compile=compile,
        )  # fmt: skip
    except NumoptError as error:
        raise SifError(str(error), file) from error
    chosen = np.flatnonzero(constrains)
    names = list(data.groups)
    problem.constraint_names = [names[k] for k in chosen]
    problem.variable_names = list(data.variables)
    problem.variable_types = [data.integrality.get(k, "real") for k in range(n)]
    problem.y0 = spread(data.multipliers, len(data.groups))[chosen]
    linear = (assembly.kind < 0) & (np.diff(assembly.use_starts) == 0)
    problem.is_linear = linear[chosen]
    problem.objective_bounds = data.objective_bounds
    problem.samples = samples(data, functions, problem.x0)
    return problem


def _quoted(comments):
    """Return classification and optimal value from the comments."""
    classes = [m.group(1) for _, line in comments if (m := CLASSIFICATION.match(line))]
    optima = [m for _, line in comments if (m := _OPTIMUM.match(line))]
    plain = [m.group(1) for m in optima if not m.group(2)]
    value = float(plain[0].translate(EXPONENT)) if len(plain) == 1 else None
    return (classes[0] if classes else ""), value
