"""Collections of problems: a module with the functions `names`, `entry` and `load`."""

import hashlib
import inspect
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from numopt.core.errors import ProblemError
from numopt.core.solver import suggestion
from numopt.cutest.catalogue import Catalogue
from numopt.cutest.compiled import pycutest
from numopt.cutest.folder import collection
from numopt.cutest.translated import s2mpj

MODULES = {"cutest": "cutest_problems"}
LIBRARIES = {"s2mpj": s2mpj, "pycutest": pycutest}

# In front of the path of a folder of SIF files; nothing behind it means the variable MASTSIF.
FOLDER = "sif:"


class Suite:
    """A collection of problems.

    Parameters
    ----------
    name : str
        ``"cutest"``, the embedded collection; ``"sif:FOLDER"``, a folder of SIF files; ``"s2mpj"``
        or ``"pycutest"``, see `numopt.cutest`; or the name of an importable module with
        ``names(kind=None, max_n=None)``, ``load(name, **params) -> NLP`` and ``entry(name)``, which
        has `f_best` and either `digest` or `definition`.

    Raises
    ------
    ProblemError
        If there is no such module or folder.
    """

    def __init__(self, name):
        if name.startswith(FOLDER):
            self.module = collection(name.removeprefix(FOLDER) or None)
            return
        if name in LIBRARIES:
            self.module = LIBRARIES[name]()
            return
        try:
            self.module = import_module(MODULES.get(name, name))  # pyright: ignore
        except ModuleNotFoundError as error:
            known = ", ".join([*MODULES, *LIBRARIES])
            raise ProblemError(f"no collection {name!r} ({error}). Known: {known}.") from None

    def names(self, kind=None, max_n=None, **conditions):
        """Return the names of the problems of one class and of at most `max_n` variables.

        Further conditions are those of `numopt.cutest.Catalogue.names`.

        Raises
        ------
        ProblemError
            For further conditions on a collection that knows none.
        """
        if conditions and not isinstance(self.module, Catalogue):
            asked = ", ".join(conditions)
            raise ProblemError(f"this collection cannot select by {asked}, files can: --mastsif")
        return list(self.module.names(kind=kind, max_n=max_n, **conditions))

    def load(self, name, params=()):
        """Build a problem; `params` are pairs of name and value."""
        self.check(name, params)
        return self.module.load(name, **dict(params))

    def check(self, name, params=()):
        """Raise `ProblemError` unless there is such a problem with such parameters."""
        known = getattr(self.entry(name), "params", {})
        for key in dict(params):
            if key not in known:
                names = ", ".join(known) or "none"
                raise ProblemError(f"problem {name!r} has no parameter {key!r}; it has: {names}")

    def entry(self, name) -> Any:
        """Return the entry of a problem.

        Raises
        ------
        ProblemError
            For an unknown name, with the nearest one.
        """
        try:
            return self.module.entry(name)
        except KeyError:
            hint = suggestion(name, self.names())
            raise ProblemError(f"unknown problem {name!r}.{hint}") from None

    def f_best(self, name, params=()):
        """Return the best known objective value, or None; it belongs to the default parameters."""
        return None if params else self.entry(name).f_best

    def digest(self, name):
        """Return a hash of the file in which the problem is defined."""
        entry = self.entry(name)
        return getattr(entry, "digest", None) or _file_digest(
            inspect.getsourcefile(entry.definition)
        )


@lru_cache
def open_suite(name):
    """Return the suite of that name, the same object each time."""
    return Suite(name)


@lru_cache
def _file_digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]
