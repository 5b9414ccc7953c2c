"""How much of a collection can be read, and how much of it agrees with recorded facts."""

import json
import warnings
from pathlib import Path
from time import perf_counter

import numpy as np

from numopt.core.errors import ProblemError, SifError
from numopt.cutest.catalogue import KINDS, kind_of
from numopt.cutest.checks import check_derivative_cards
from numopt.cutest.description import compared, differences, facts
from numopt.cutest.folder import Collection


def coverage(collection, reference=None, *, derivatives="exact", constants=None):
    """Read and evaluate all files of a collection and yield lines of a table in Markdown.

    Parameters
    ----------
    collection : Collection
    reference : path-like, optional
        JSON file with a list ``problems`` of facts, see `numopt.cutest.facts`; ``file`` and
        ``params`` say what each belongs to. Where a record has ``x0_double`` and ``x1_double``,
        these hold for constants in double precision.
    derivatives : {"exact", "cards"}
        See `numopt.cutest.read_sif`.
    constants : {"double", "fortran"}, optional
        How the problems that are compared read constants; by default one after the other.

    Yields
    ------
    str
        Times are wall-clock times of this process: of reading, which uses no store, and of the
        first evaluations at the start point, which compile what the kernel cache does not have.

    Raises
    ------
    ProblemError
        If the collection is no folder of SIF files.
    """
    reading = _Reading(_folder(collection), derivatives)
    yield from reading.table()
    if reference is not None:
        records = json.loads(Path(reference).read_text())["problems"]
        chosen = [r for r in records if Path(r["file"]).stem in collection]
        yield f"| recorded settings | {len(chosen)} |"
        agreements = [
            _Agreement(collection, chosen, mode, derivatives)
            for mode in ((constants,) if constants else _MODES)
        ]
        for lines in (*map(_Agreement.table, agreements), *map(_Agreement.misses, agreements)):
            yield from lines
    yield from (f"refused: {reason}" for reason in reading.refused)


class _Reading:
    """Kinds of all files of a collection, reasons of refusals, and seconds."""

    def __init__(self, collection, derivatives):
        self.collection, self.derivatives = collection, derivatives
        self.kinds, self.with_parameters, self.refused = [], 0, []
        self.seconds = {"reading": {}, "first f, c": {}, "first g, J, H": {}}
        for name in collection:
            try:
                self._read(name)
            except SifError as error:
                self.refused.append(str(error).splitlines()[0])

    def _read(self, name):
        clock = [perf_counter()]
        p = self.collection.load(name, derivatives=self.derivatives, stored=False)
        clock.append(perf_counter())
        p.fun(p.x0)
        p.cons(p.x0)
        clock.append(perf_counter())
        p.fun_and_grad(p.x0)
        p.jac(p.x0)
        p.hess(p.x0, np.ones(p.m))
        clock.append(perf_counter())
        for seconds, taken in zip(self.seconds.values(), np.diff(clock), strict=True):
            seconds[name] = taken
        self.kinds.append(kind_of(p))
        self.with_parameters += bool(p.params)

    def table(self):
        """Yield the lines of counts and times."""
        yield f"| files in {self.collection.path.name} | {len(self.collection)} |"
        yield "| --- | --- |"
        yield f"| read | {len(self.kinds)} |"
        yield from (f"| {kind} | {self.kinds.count(kind)} |" for kind in KINDS)
        yield f"| with parameters | {self.with_parameters} |"
        yield from (_times(what, seconds) for what, seconds in self.seconds.items() if seconds)


def _times(what, seconds):
    median, most = np.percentile(list(seconds.values()), (50, 95))
    slowest = max(seconds, key=seconds.__getitem__)
    return (
        f"| {what}: median, 95 %, slowest | "
        f"{median:.4f} s, {most:.3f} s, {seconds[slowest]:.2f} s ({slowest}) |"
    )


# How constants are read, what of a record they are compared with, and the rounding that is
# forgiven: the official decoder hands numbers on with eleven digits.
_MODES = {"fortran": ("", 1e-14), "double": ("_double", 1e-10)}


class _Agreement:
    """How closely recorded facts are met with one way to read constants."""

    def __init__(self, collection, records, constants, derivatives):
        self.constants, (suffix, rounding) = constants, _MODES[constants]
        self.settings, self.facts, self.wrong = len(records), 0, {1e-10: [], 1e-7: []}
        for record in records:
            expected = record | {k: record.get(k + suffix) or record[k] for k in ("x0", "x1")}
            found = _found(collection, record, constants, derivatives)
            self.facts += compared(expected)
            for rtol, wrong in self.wrong.items():
                if sentences := differences(found, expected, rtol, rounding):
                    wrong.append((_setting(record), sentences))

    def table(self):
        """Yield the lines of counts."""
        for rtol, wrong in self.wrong.items():
            settings = self.settings - len(wrong)
            facts = self.facts - sum(len(sentences) for _, sentences in wrong)
            yield (
                f"| met to {rtol:.0e}, {self.constants} constants | "
                f"{_share(settings, self.settings)}; {_share(facts, self.facts)} of the facts |"
            )

    def misses(self):
        """Yield what is not met."""
        far = dict(self.wrong[1e-7])
        for setting, sentences in self.wrong[1e-10]:
            rtol = 1e-7 if setting in far else 1e-10
            worst = far.get(setting, sentences)[0]
            yield f"beyond {rtol:.0e} ({self.constants} constants): {setting}: {worst}"


def _setting(record):
    values = "".join(f":{key}={value}" for key, value in (record["params"] or {}).items())
    return record["name"] + values


def _share(part, whole):
    return f"{part} of {whole}, {100 * part / max(whole, 1):.2f} %"


def _found(collection, record, constants, derivatives):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # recorded sizes need not be among those that a file lists
        name = Path(record["file"]).stem
        how = {"constants": constants, "derivatives": derivatives}
        return facts(collection.load(name, **how, **(record["params"] or {})))


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
