"""Compiled CUTEst through the package ``pycutest``, which needs a Fortran compiler."""

from importlib import import_module, metadata
from importlib.util import find_spec

import numpy as np
from scipy.sparse import csr_matrix

from numopt.core.errors import ProblemError
from numopt.cutest.catalogue import Catalogue, kind_of
from numopt.cutest.data import INFINITY
from numopt.cutest.header import Header
from numopt.cutest.problem import without_infinity
from numopt.models.nlp import NLP


def pycutest():
    """Open the problems of ``pycutest``, which needs a Fortran compiler and compiled CUTEst.

    Returns
    -------
    PyCUTEst

    Raises
    ------
    ProblemError
        If ``pycutest`` is not installed, or does not find CUTEst.
    """
    if find_spec("pycutest") is None:
        raise ProblemError("pycutest is not installed: pip install pycutest")
    try:
        return PyCUTEst(import_module("pycutest"))
    except (ImportError, RuntimeError, KeyError) as error:
        raise ProblemError(f"pycutest does not work here: {error}") from error


class PyCUTEst(Catalogue):
    """The problems of compiled CUTEst; see `pycutest`."""

    def __init__(self, module):
        self.module = module
        super().__init__(sorted(module.find_problems()), "pycutest")

    def header(self, name):
        """Return what the package knows of a problem."""
        p = self.module.problem_properties(name)
        regular = "R" if p["regular"] else "I"
        letters = {"none": "N", "constant": "C", "linear": "L", "quadratic": "Q",
                   "sum of squares": "S", "other": "O"}, {
            "unconstrained": "U", "fixed": "X", "bound": "B", "adjacency": "N", "linear": "L",
            "quadratic": "Q", "other": "O"}  # fmt: skip
        first = letters[0][p["objective"]] + letters[1][p["constraints"]]
        origin = {"academic": "A", "modelling": "M", "real-world": "R"}[p["origin"]]
        sizes = "-".join("V" if p[k] == "variable" else str(p[k]) for k in ("n", "m"))
        internal = "Y" if p["internal"] else "N"
        return Header(f"{first}{regular}{p['degree']}-{origin}{internal}-{sizes}")

    def facts(self, name):
        """Return sizes and kind at the default parameters; the problem is compiled for that."""
        problem = self.load(name)
        return {"n": problem.n, "m": problem.m, "kind": kind_of(problem), "f_opt_quoted": None}

    def load(self, name, **params):
        """Compile a problem, or load what has been compiled before.

        Raises
        ------
        KeyError
            For an unknown name.
        """
        self.entry(name)
        source = self.module.import_problem(name, sifParams=params, drop_fixed_variables=False)
        return _Compiled(source, name)

    def digest(self, name):
        """Return the version of the package: it compiles what the user's collection holds."""
        return f"pycutest {metadata.version('pycutest')}"


class _Compiled(NLP):
    """A problem of pycutest."""

    def __init__(self, source, name):
        self.source = source
        lb, ub = (without_infinity(side, INFINITY) for side in (source.bl, source.bu))
        cl = cu = ()
        if source.m:
            cl, cu = (without_infinity(side, INFINITY) for side in (source.cl, source.cu))
        super().__init__(source.x0, lb, ub, cl, cu, name)
        self.y0 = np.zeros(0) if not source.m else np.asarray(source.v0)

    def _fun(self, x):
        return float(self.source.obj(x))

    def _grad(self, x):
        return np.asarray(self.source.obj(x, gradient=True)[1])

    def _cons(self, x):
        return np.asarray(self.source.cons(x)) if self.m else np.zeros(0)

    def _jac(self, x):
        if not self.m:
            return csr_matrix((0, self.n))
        return csr_matrix(self.source.scons(x, gradient=True)[1])

    def _hess(self, x, y):
        return csr_matrix(self.source.sphess(x, y) if self.m else self.source.sphess(x))

    def _hessp(self, x, y, v):
        return self.source.hprod(v, x, y) if self.m else self.source.hprod(v, x)
