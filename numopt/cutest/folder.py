"""A folder of SIF files as a collection: select, load, remember."""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from numopt.core.errors import ProblemError
from numopt.cutest import storage
from numopt.cutest.catalogue import Catalogue, kind_of
from numopt.cutest.header import Header, read_header
from numopt.cutest.reader import read_sif

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


class Collection(Catalogue):
    """The SIF files of a folder, in alphabetical order; see `collection`.

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
        super().__init__(self._index.rows, str(self.path))

    def load(self, name, *, constants="double", compile: Any = "auto", stored=True, **params):
        """Read a problem.

        Parameters
        ----------
        name : str
        constants, compile
            See `numopt.cutest.read_sif`.
        stored : bool
            Whether a problem that was decoded before may come from the user's cache folder. It
            lacks the derivative cards that `numopt.cutest.check_derivative_cards` needs.
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
        Large problems are stored by the hash of the file, the parameters and the version of the
        reader; small ones are decoded in less time.
        """
        path = self.file(name)
        place = storage.place(_hash(path.read_bytes()), sorted(params.items()), constants)
        if stored and place.exists():
            with suppress(*storage.UNREADABLE):  # a damaged one is decoded again
                return storage.load(place, compile)
        problem = read_sif(path, params, constants=constants, compile=compile)
        if sum(term.size for term in problem.structure.terms) >= FEWEST_STORED_ROWS:
            with suppress(OSError):  # the next time it is decoded again
                storage.save(problem, place)
        return problem

    def header(self, name):
        """Return what the comments at the beginning of a file say."""
        return Header(**self._index.rows[name]["header"])

    def file(self, name):
        """Return the path of the file of a problem.

        Raises
        ------
        KeyError
            For an unknown name.
        """
        self.entry(name)
        return self.path / self._index.rows[name]["stamp"][0]

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

    def digest(self, name):
        """Return a hash of a file and of the code that reads it."""
        content = self.file(name).read_bytes()
        return _hash(content + storage.reader_version().encode())[:16]

    def _all_facts(self, names):
        try:
            return super()._all_facts(names)
        finally:
            self._index.save()


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
            if _is_row(row := known.get(name, {})) and row["stamp"] == stamp:
                self.rows[name] = row
            else:
                self.rows[name], self.changed = _row(file, stamp), True
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
