"""Problems in the Standard Input Format (SIF) of the CUTEst collection.

    problem = read_sif(source, params=None, *, constants="double", derivatives="exact",
                       vectors=None, compile="auto")

``source`` is the path of a file, or its text (a string with line breaks). The result is a
`SifProblem`: an `NLP` (``n, m, x0, lb, ub, cl, cu, name, fun, grad, cons, jac, hess, hessp``) with
exact sparse derivatives that also knows ``classification, params, y0, variable_names,
variable_types, constraint_names, is_linear, is_eq, f_opt_quoted, objective_bounds, constants``.
A file that cannot be read is refused with `numopt.SifError`, which has ``file, line, card`` and
``expected``. Nothing in a file is ever executed: its expressions are parsed to trees, and code is
generated from these. `check_derivative_cards(problem)` lists the derivative cards that are wrong.

`collection` opens a folder of files: select by class, kind and size, load by name; `s2mpj` and
`pycutest` open other packages' problems alike. `write_sif` goes the other way. `facts` describe a
problem by numbers, `cross_check` compares two sources.

>>> from numopt.cutest import read_sif
>>> text = '''
... NAME          PARABOLA
... VARIABLES
...     X
... GROUPS
...  N  OBJ       X         1.0
... CONSTANTS
...     RHS       OBJ       3.0
... BOUNDS
...  FR BND       X
... GROUP TYPE
...  GV SQUARE    T
... GROUP USES
...  T  OBJ       SQUARE
... ENDATA
... GROUPS        PARABOLA
... INDIVIDUALS
...  T  SQUARE
...  F                      T**2
... ENDATA
... '''
>>> read_sif(text).fun([1.0])
4.0
"""

from numopt.cutest.catalogue import KINDS, Catalogue, Entry, kind_of
from numopt.cutest.checks import check_derivative_cards
from numopt.cutest.comparison import coverage, cross_check, faults
from numopt.cutest.compiled import pycutest
from numopt.cutest.description import differences, facts
from numopt.cutest.folder import Collection, collection
from numopt.cutest.problem import SifProblem
from numopt.cutest.reader import read_sif
from numopt.cutest.translated import s2mpj
from numopt.cutest.writing import write_sif

__all__ = [
    "KINDS", "Catalogue", "Collection", "Entry", "SifProblem", "check_derivative_cards",
    "collection", "coverage", "cross_check", "differences", "facts", "faults", "kind_of",
    "pycutest", "read_sif", "s2mpj", "write_sif",
]  # fmt: skip
