"""The embedded collection: problems of CUTEst, written from their mathematics.

>>> import cutest_problems
>>> problem = cutest_problems.load("HS71")
>>> problem.n, problem.m
(4, 2)
>>> "HS71" in cutest_problems.names(kind="mixed", max_n=10)
True
"""

from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from cutest_problems.registry import TABLE, Entry
from numopt.cutest.catalogue import KINDS

__all__ = ["KINDS", "entry", "load", "names"]


def names(kind=None, max_n=None):
    """Return the names of the problems, in alphabetical order.

    Parameters
    ----------
    kind : str or sequence of str, optional
        Keep these kinds only, out of `KINDS`: ``"unconstrained"``, ``"bound"`` (bounds only),
        ``"equality"``, ``"inequality"`` or ``"mixed"`` constraints, with or without bounds.
    max_n : int, optional
        Keep problems with at most this many variables at their default parameters.

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        For an unknown kind.
    """
    kinds = KINDS if kind is None else (kind,) if isinstance(kind, str) else tuple(kind)
    unknown = [k for k in kinds if k not in KINDS]
    if unknown:
        raise ValueError(f"`kind` must be among {', '.join(KINDS)}, got {unknown[0]!r}")
    chosen = []
    for name, problem in sorted(_table().items()):
        wanted = kind is None or problem.kind in kinds
        if wanted and (max_n is None or problem.n <= max_n):
            chosen.append(name)
    return chosen


def entry(name):
    """Return the `Entry` of a problem: classification, source, best known value, defaults.

    Raises
    ------
    KeyError
        For an unknown name, with the nearest ones.
    """
    table = _table()
    if name not in table:
        near = get_close_matches(str(name).upper(), list(table), n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise KeyError(f"no problem {name!r} in the collection{hint}")
    return table[name]


def load(name, *, compile: Any = "auto", **params):
    """Build a problem of the collection.

    Parameters
    ----------
    name : str
        Name in the CUTEst collection, see `names`.
    compile : None, True or "auto"
        Whether its functions are compiled, see `numopt.PartiallySeparable.trace`.
    **params
        Sizes and constants instead of the defaults in ``entry(name).params``.

    Returns
    -------
    numopt.PartiallySeparable
        The problem, an `NLP` with exact sparse derivatives.

    Raises
    ------
    KeyError
        For an unknown name.
    TypeError
        For an unknown parameter.
    """
    from numopt.models.separable import PartiallySeparable

    found = entry(name)
    unknown = [key for key in params if key not in found.params]
    if unknown:
        known = ", ".join(found.params) or "none"
        raise TypeError(f"problem {name} has no parameter {unknown[0]!r}; parameters: {known}")
    problem = PartiallySeparable.trace(found.definition, name=name, compile=compile, **params)
    best = None if params else found.f_best
    problem.facts = {"classification": found.classification, "f_best": best} | problem.facts
    return problem


@cache
def _table() -> dict[str, Entry]:
    for module in iter_modules(__path__, prefix=f"{__name__}."):
        import_module(module.name)
    return TABLE
