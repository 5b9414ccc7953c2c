"""Decoded problems on disk: numbers and formulas, nothing that is executed when it is read.

A stored problem is an archive of three arrays: a head in JSON and two arrays that hold all integers
and all real numbers, cut up as the head says. Formulas are lists of nodes, checked when they are
read. Files are written beside their place and renamed, so that processes do not see halves.
"""

import hashlib
import json
import os
import tempfile
from functools import lru_cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from numopt.cutest.problem import SifProblem
from numopt.models import kernel_cache, trees
from numopt.models.patterns import Pattern
from numopt.models.terms import Term

# What a damaged or foreign file makes our reading of it raise.
UNREADABLE = (OSError, EOFError, ValueError, KeyError, IndexError, TypeError, BadZipFile)

_BOUNDS = ("x0", "lb", "ub", "cl", "cu")
_WORDS = (
    "classification", "params", "variable_names", "variable_types", "constraint_names",
    "f_opt_quoted", "objective_bounds", "constants", "facts",
)  # fmt: skip
_BINARY = ("add", "sub", "mul", "div", "pow", "atan2", "minimum", "maximum", "and", "or")
_ARITY = {
    **dict.fromkeys(trees.UNARY + trees.STEPS + ("neg", "not", "sign"), 1),
    **dict.fromkeys(_BINARY + trees.COMPARISONS, 2),
    "where": 3,
}


def folder():
    """Return the folder of decoded problems and indices, beside the compiled kernels."""
    path = kernel_cache.folder() / "sif"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


@lru_cache
def reader_version():
    """Return a hash of the code that decides what a file is decoded to."""
    package = Path(__file__).parents[1]
    files = sorted([*(package / "cutest").glob("*.py"), *(package / "models").glob("*.py")])
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:16]


def write(path, content):
    """Write bytes to a file in one step."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content) if isinstance(content, bytes) else content(file)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def place(*what):
    """Return the file of the problem that the given facts determine."""
    key = json.dumps([reader_version(), *what], sort_keys=True)
    return folder() / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"


def save(problem, path):
    """Store a problem that `numopt.cutest.read_sif` has returned."""
    packer = _Packer()
    head = {key: getattr(problem, key) for key in _WORDS}
    head["name"], head["levels"] = problem.name, list(problem.structure.levels)
    head["arrays"] = [packer.put(getattr(problem, key)) for key in (*_BOUNDS, "y0")]
    head["is_linear"] = packer.put(problem.is_linear.astype(np.int64))
    patterns = {id(t.pattern): t.pattern for t in problem.structure.terms}
    numbers = {key: k for k, key in enumerate(patterns)}
    head["patterns"] = [
        [[p.nv, p.nd, p.np], p.root, p.table.nodes[: p.root + 1]] for p in patterns.values()
    ]
    head["terms"] = [packer.term(t, numbers[id(t.pattern)]) for t in problem.structure.terms]
    words = np.frombuffer(
        json.dumps(head, default=lambda number: number.item()).encode(), dtype=np.uint8
    )
    pieces = {"head": words, "whole": packer.joined("i"), "real": packer.joined("f")}
    write(path, lambda file: np.savez(file, **pieces))


def load(path, compile="auto"):
    """Return a stored problem.

    Raises
    ------
    UNREADABLE
        One of these, if the file is absent, damaged, or none of ours.
    """
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        stores = {"i": archive["whole"], "f": archive["real"]}
        head = json.loads(archive["head"].tobytes())
    get = _Unpacker(stores, [_pattern(*p) for p in head["patterns"]])
    x0, lb, ub, cl, cu, y0 = (get(a) for a in head["arrays"])
    terms = [get.term(t) for t in head["terms"]]
    _check_terms(terms, x0.size, cl.size, len(head["levels"]))
    problem = SifProblem(
        x0, lb, ub, cl, cu, terms, levels=head["levels"], name=head["name"], compile=compile
    )
    for key in _WORDS:
        setattr(problem, key, head[key])
    problem.y0, problem.is_linear = y0, get(head["is_linear"]).astype(bool)
    return problem


class _Packer:
    """Collects arrays; what stands for one is its kind, first position and length."""

    def __init__(self):
        self.parts, self.used = {"i": [], "f": []}, {"i": 0, "f": 0}

    def put(self, array):
        array = np.asarray(array)
        kind = "f" if array.dtype.kind == "f" else "i"
        first = self.used[kind]
        self.parts[kind].append(array.ravel())
        self.used[kind] += array.size
        return [kind, first, array.size]

    def column(self, value):
        return int(value) if np.ndim(value) == 0 else self.put(value)

    def term(self, t, pattern):
        rows = None if t.rows is None else self.put(t.rows)
        columns = [self.column(c) for c in t.columns]
        data = [[kind, self.put(values)] for kind, values in t.data]
        return [pattern, t.size, columns, data, t.scalars, rows, t.level]

    def joined(self, kind):
        dtype = np.int64 if kind == "i" else float
        return np.concatenate([np.zeros(0, dtype), *self.parts[kind]])


class _Unpacker:
    """Cuts arrays out of the stores."""

    def __init__(self, stores, patterns):
        self.stores, self.patterns = stores, patterns

    def __call__(self, what):
        kind, first, size = what
        part = self.stores[kind][first : first + size]
        if part.size != size:
            raise ValueError("an array is too short")
        return part.copy()

    def term(self, what):
        pattern, size, columns, data, scalars, rows, level = what
        columns = [c if isinstance(c, int) else self(c) for c in columns]
        data = [(kind, self(values)) for kind, values in data]
        rows = None if rows is None else self(rows)
        scalars = [(kind, value) for kind, value in scalars]
        return Term(self.patterns[pattern], size, columns, data, scalars, rows, level)


def _check_terms(terms, n, m, q):
    """Refuse arrays of wrong length, and variables and rows that do not exist."""
    for term in terms:
        for column in term.columns:
            _check_array(column, term.size, n + q)
        for _, values in term.data:
            _check_array(values, term.size)
        if term.rows is not None:
            _check_array(term.rows, term.size, q if term.level else m)


def _check_array(values, size, limit=None):
    values = np.asarray(values)
    if values.shape not in ((), (size,)):
        raise ValueError("an array has the wrong length")
    if limit is not None and values.size and not 0 <= values.min() <= values.max() < limit:
        raise ValueError("an index is out of range")


def _pattern(sizes, root, nodes):
    """Return a pattern made of checked nodes: arguments are numbers of earlier nodes."""
    table = trees.Table()
    limits = dict(zip(("var", "dat", "par"), sizes, strict=True))
    for position, (op, *arguments) in enumerate(nodes):
        _check(position, op, arguments, limits)
        if table.intern(op, *arguments) != position:
            raise ValueError("nodes repeat")
    if not 0 <= root < len(nodes):
        raise ValueError("there is no such root")
    return Pattern(table, root, tuple(sizes))


def _check(position, op, arguments, limits):
    if op == "const":
        fine = len(arguments) == 1 and type(arguments[0]) is float
    else:
        count, limit = (1, limits[op]) if op in limits else (_ARITY[op], position)
        fine = len(arguments) == count and all(type(a) is int and 0 <= a < limit for a in arguments)
    if not fine:
        raise ValueError(f"node {position} is wrong")
