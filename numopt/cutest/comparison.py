"""How much of a collection can be read, and how much of it agrees with recorded facts."""

import json
import warnings
from pathlib import Path
from time import perf_counter

import numpy as np

from numopt.core.errors import ProblemError, SifError
from numopt.cutest.catalogue import KINDS, kind_of
from numopt.cutest.checks import check_derivative_cards
from numopt.cutest.description import differences, facts
from numopt.cutest.folder import Collection


def coverage(collection, reference=None):
    """Read all files of a collection and yield lines of a table in Markdown.

    Parameters
    ----------
    collection : Collection
    reference : path-like, optional
        JSON file with a list ``problems`` of facts, see `numopt.cutest.facts`; ``file`` and
        ``params`` say what each belongs to. Where a record has ``x0_double`` and ``x1_double``,
        these hold for constants in double precision.

    Yields
    ------
    str

    Raises
    ------
    ProblemError
        If the collection is no folder of SIF files.
    """
    _folder(collection)
    known, refused, seconds = {}, {}, []
    for name in collection:
        start = perf_counter()
        try:
            known[name] = collection.load(name, compile=None)
        except SifError as error:
            refused[name] = str(error).splitlines()[0]
        seconds.append(perf_counter() - start)
    yield f"| files in {collection.path.name} | {len(collection)} |"
    yield "| --- | --- |"
    yield f"| read | {len(known)} |"
    kinds = [kind_of(problem) for problem in known.values()]
    yield from (f"| {kind} | {kinds.count(kind)} |" for kind in KINDS)
    yield f"| with parameters | {sum(bool(p.params) for p in known.values())} |"
    yield f"| median, slowest reading | {np.median(seconds):.4f} s, {max(seconds):.2f} s |"
    if reference is not None:
        yield from _agreement(collection, json.loads(Path(reference).read_text())["problems"])
    yield from (f"refused: {reason}" for reason in refused.values())


# How constants are read, what of a record they are compared with, and the rounding that is
# forgiven: the official decoder hands numbers on with eleven digits.
_MODES = {"fortran": ("", 1e-14), "double": ("_double", 1e-10)}


def _agreement(collection, records):
    """Yield counts of records by how closely they are met, and what misses 1e-7."""
    chosen = [r for r in records if Path(r["file"]).stem in collection]
    yield f"| recorded settings | {len(chosen)} |"
    far = []
    for constants, (suffix, rounding) in _MODES.items():
        close, near = 0, 0
        for record in chosen:
            expected = record | {k: record.get(k + suffix) or record[k] for k in ("x0", "x1")}
            found = _found(collection, record, constants)
            close += not differences(found, expected, 1e-10, rounding)
            worst = differences(found, expected, 1e-7, rounding)
            near += not worst
            far += [f"differs ({constants}): {record['name']}: {text}" for text in worst[:1]]
        yield f"| met to 1e-10, to 1e-7 with {constants} constants | {close}, {near} |"
    yield from far


def _found(collection, record, constants):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # recorded sizes need not be among those that a file lists
        name = Path(record["file"]).stem
        return facts(collection.load(name, constants=constants, **(record["params"] or {})))


def faults(collection):
    """Yield what the files of a collection say that is not so.

    Parameters
    ----------
    collection : Collection
        Files that cannot be read are left out; see `coverage`.

    Yields
    ------
    str
        Derivative cards that are not the derivative of their function, and sizes in a
        classification that are not those of the problem.
    """
    for name in _folder(collection):
        try:
            problem = collection.load(name, compile=None, stored=False)
        except SifError:
            continue
        for card in check_derivative_cards(problem, rng=0):
            order = "first" if len(card.variables) == 1 else "second"
            where = f"{order} derivative by {', '.join(card.variables)} of type {card.type}"
            yield f"{name}: {where} is {card.given:.6g}, should be {card.derived:.6g}"
        if problem.params:
            continue
        for letter, said in zip("nm", problem.classification.split("-")[2:4], strict=False):
            size = getattr(problem, letter)
            if said.isdigit() and int(said) != size:
                yield f"{name}: the classification says {letter} = {said}, it is {size}"


def _folder(collection):
    if not isinstance(collection, Collection):
        raise ProblemError("this needs a folder of SIF files: give --mastsif")
    return collection


def cross_check(first, second, names, rtol=1e-8):
    """Compare what two sources make of the same problems.

    Parameters
    ----------
    first, second : Catalogue
        Collections or libraries.
    names : iterable of str
        Problems that both have; taken at their default parameters.
    rtol : float
        Relative tolerance of values.

    Returns
    -------
    dict
        By name the differences, as sentences; problems without differences are absent.
    """
    found = {}
    for name in names:
        expected = facts(second.load(name))
        # Not every source tells which constraints are linear or drops the same explicit zeros.
        for key in ("con", "nonreal_vars", "nnzj_num", "nnzh_num"):
            del expected[key]
        if sentences := differences(facts(first.load(name)), expected, rtol):
            found[name] = sentences
    return found
