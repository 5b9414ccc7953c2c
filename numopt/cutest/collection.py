"""A folder of SIF files as a collection: select, load, remember."""

import hashlib
import json
import os
import warnings
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from numopt.core.errors import ProblemError, SifError
from numopt.cutest import storage
from numopt.cutest.header import Header, degree, matches, read_header
from numopt.cutest.reader import read_sif

KINDS = ("unconstrained", "bound", "equality", "inequality", "mixed")

# No header is longer.
_HEADER_BYTES = 65536

# Smaller problems are decoded in less time than it takes to load them.
FEWEST_STORED_ROWS = 5000


def collection(path=None):
    """Open a folder of SIF files.

    Parameters
    ----------
    path : path-like, optional
        The folder; by default the one that the environment variable ``MASTSIF`` names.

    Returns
    -------
    Collection

    Raises
    ------
    ProblemError
        If there is no such folder, or no file ``*.SIF`` in it.

    Notes
    -----
    Only the header of each file is read, and of files seen before not even that: an index in the
    user's cache folder remembers headers, sizes and kinds by name, size and time of the files.
    """
    asked = path or os.environ.get("MASTSIF")
    if not asked:
        raise ProblemError(
            "no folder of SIF files: give `path`, or set the environment variable MASTSIF"
        )
    return Collection(asked)


@dataclass(frozen=True)
class SifEntry:
    """One file of a collection; sizes and kind are those at the default parameters.

    Attributes
    ----------
    name : str
    path : Path
    header : Header
        What the comments at its beginning say.
    owner : Collection
    """

    name: str
    path: Path
    header: Header
    owner: object

    note = ""
    classification = property(lambda self: self.header.classification)
    source = property(lambda self: self.header.source)
    params = property(lambda self: self.header.params)
    alternatives = property(lambda self: self.header.alternatives)

    def _fact(self, key):
        return self.owner.facts(self.name)[key]

    n = property(lambda self: self._fact("n"), doc="Number of variables.")
    m = property(lambda self: self._fact("m"), doc="Number of constraints.")
    kind = property(lambda self: self._fact("kind"), doc="One of `KINDS`.")

    @property
    def f_best(self):
        """Optimal value that the file quotes; None where parameters leave open for which size."""
        return None if self.params else self._fact("f_opt_quoted")

    @property
    def digest(self):
        """Hash of the file and of the code that reads it."""
        return _hash(self.path.read_bytes() + storage.reader_version().encode())[:16]


class Collection:
    """The SIF files of a folder, in alphabetical order; see `collection`.

    Iteration gives the names, ``len`` their number.

    Attributes
    ----------
    path : Path
    errors : dict
        Why files that could not be decoded could not, by name, as far as they have been tried.

    Examples
    --------
    >>> from numopt.cutest import collection
    >>> problems = collection("/path/to/sif")                            # doctest: +SKIP
    >>> problems.names(classification="QLR2-*", max_n=100)               # doctest: +SKIP
    >>> problem = problems.load("CVXQP1", N=1000)                        # doctest: +SKIP
    """

    def __init__(self, path):
        self.path = Path(path).resolve()
        if not self.path.is_dir():
            raise ProblemError(f"there is no folder {str(path)!r} of SIF files")
        self._index = _Index(self.path)
        if not self._index.rows:
            raise ProblemError(f"the folder {str(path)!r} holds no file *.SIF")
        self.errors = {}

    def __len__(self):
        return len(self._index.rows)

    def __iter__(self):
        return iter(self._index.rows)

    def __contains__(self, name):
        return name in self._index.rows

    def names(
        self, kind=None, max_n=None, *, min_n=None, min_m=None, max_m=None,
        classification=None, degree=None,
    ):  # fmt: skip
        """Return the names of the problems that fit all conditions.

        Parameters
        ----------
        kind : str or sequence of str, optional
            Out of `KINDS`: ``"unconstrained"``, ``"bound"`` (bounds only), ``"equality"``,
            ``"inequality"`` or ``"mixed"`` constraints.
        min_n, max_n, min_m, max_m : int, optional
            Limits on the number of variables and of constraints.
        classification : str, optional
            Pattern such as ``"QLR2-AN-*"``: ``*`` is any text, ``?`` any letter.
        degree : int, optional
            Degree of the derivatives that the classification promises.

        Raises
        ------
        ValueError
            For an unknown kind.

        Warns
        -----
        UserWarning
            If `kind` or sizes are asked for and files cannot be decoded; see `errors`.

        Notes
        -----
        Sizes and kind are those at the default parameters. They are found by decoding, since many
        classifications leave them open and some are wrong; each file is decoded once and its facts
        are remembered.
        """
        kinds = _kinds(kind)
        chosen = [e for e in map(self.entry, self) if _fits(e, classification, degree)]
        limits = {"n": (min_n, max_n), "m": (min_m, max_m)}
        if kinds is None and all(limit == (None, None) for limit in limits.values()):
            return [e.name for e in chosen]
        facts = self._all_facts([e.name for e in chosen])
        return [
            name for name, row in facts.items()
            if (kinds is None or row["kind"] in kinds)
            and all(_within(row[key], *limit) for key, limit in limits.items())
        ]  # fmt: skip

    def entry(self, name):
        """Return the `SifEntry` of a problem.

        Raises
        ------
        KeyError
            For an unknown name, with the nearest ones.
        """
        row = self._index.rows.get(name)
        if row is None:
            near = get_close_matches(str(name).upper(), list(self), n=3)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise KeyError(f"no problem {name!r} in {self.path}{hint}")
        return SifEntry(name, self.path / row["stamp"][0], Header(**row["header"]), self)

    def load(self, name, *, constants="double", compile="auto", **params):
        """Read a problem.

        Parameters
        ----------
        name : str
        constants, compile
            See `numopt.cutest.read_sif`.
        **params
            Values of parameters in place of the defaults in ``entry(name).params``.

        Returns
        -------
        SifProblem

        Raises
        ------
        KeyError
            For an unknown name.
        SifError
            If the file cannot be read.

        Notes
        -----
        Large problems are remembered on disk by the hash of the file, the parameters and the
        version of the reader.
        """
        path = self.entry(name).path
        place = storage.place(_hash(path.read_bytes()), sorted(params.items()), constants)
        if place.exists():
            try:
                return storage.load(place, compile)
            except storage.UNREADABLE:
                place.unlink(missing_ok=True)
        problem = read_sif(path, params, constants=constants, compile=compile)
        if sum(term.size for term in problem.structure.terms) >= FEWEST_STORED_ROWS:
            storage.save(problem, place)
        return problem

    def facts(self, name):
        """Return sizes, kind and quoted optimum at the default parameters, as a dictionary.

        Raises
        ------
        KeyError
            For an unknown name.
        SifError
            If the file cannot be read.
        """
        self.entry(name)
        row = self._index.rows[name]
        if not row["facts"]:
            problem = self.load(name, compile=None)
            row["facts"] = {
                "n": problem.n, "m": problem.m, "kind": kind_of(problem),
                "f_opt_quoted": problem.f_opt_quoted,
            }  # fmt: skip
            self._index.changed = True
        return row["facts"]

    def _all_facts(self, names):
        """Return the facts by name of all files that can be decoded."""
        found, failed = {}, []
        try:
            for name in names:
                try:
                    found[name] = self.facts(name)
                except SifError as error:
                    self.errors[name] = error
                    failed.append(name)
        finally:
            self._index.save()
        if failed:
            message = f"cannot be decoded, see `errors`: {', '.join(failed)}"
            warnings.warn(message, UserWarning, stacklevel=3)
        return found


def kind_of(problem):
    """Return one of `KINDS`, by the constraints and bounds of a problem."""
    features = problem.features()
    if {"eq", "ineq"} <= features:
        return "mixed"
    if "eq" in features:
        return "equality"
    if "ineq" in features:
        return "inequality"
    return "bound" if "bounds" in features else "unconstrained"


def _kinds(kind):
    kinds = None if kind is None else (kind,) if isinstance(kind, str) else tuple(kind)
    unknown = [k for k in kinds or () if k not in KINDS]
    if unknown:
        raise ValueError(f"`kind` must be among {', '.join(KINDS)}, got {unknown[0]!r}")
    return kinds


def _fits(entry, pattern, wanted):
    fits = pattern is None or matches(entry.classification, pattern)
    return fits and (wanted is None or degree(entry.classification) == wanted)


def _within(value, low, high):
    return (low is None or value >= low) and (high is None or value <= high)


def _hash(content):
    return hashlib.sha256(content).hexdigest()


class _Index:
    """What is known of the files of a folder, by name; kept in the user's cache folder.

    A row has ``file, stamp, header, facts``, the last one empty until the file is decoded. Rows of
    changed files are made anew. What cannot be written or read is found out again.
    """

    def __init__(self, folder):
        self.changed, self.rows = False, {}
        key = f"{folder}\n{storage.reader_version()}"
        self.place = storage.folder() / f"index-{_hash(key.encode())[:16]}.json"
        known = self._saved()
        with os.scandir(folder) as files:
            found = [file for file in files if file.name.upper().endswith(".SIF")]
        for file in sorted(found, key=lambda file: file.name):
            name, state = file.name[:-4], file.stat()
            stamp = [file.name, state.st_mtime_ns, state.st_size]
            row = known.get(name)
            if not _is_row(row) or row["stamp"] != stamp:
                row, self.changed = _row(file, stamp), True
            self.rows[name] = row
        self.save()

    def _saved(self):
        try:
            rows = json.loads(self.place.read_text())
        except (OSError, ValueError):
            return {}
        return rows if isinstance(rows, dict) else {}

    def save(self):
        """Write the index if it has changed and can be written."""
        if self.changed:
            try:
                storage.write(self.place, json.dumps(self.rows).encode())
            except OSError:
                return  # the next process finds it out again
            self.changed = False


def _row(file, stamp):
    with Path(file.path).open("rb") as content:
        text = content.read(_HEADER_BYTES).decode("latin-1")
    header = read_header(text.replace("\r\n", "\n").split("\n"))
    return {"stamp": stamp, "header": vars(header), "facts": {}}


def _is_row(row):
    return (
        isinstance(row, dict)
        and set(row) == {"stamp", "header", "facts"}
        and set(row["header"]) == set(vars(Header()))
        and set(row["facts"]) in (set(), {"n", "m", "kind", "f_opt_quoted"})
    )
