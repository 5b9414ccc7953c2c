"""Attempts of global methods, in a file that grows line by line: a long table can be gone on with.

Several processes may write to one file. An attempt of other code, or of another version of a
library, does not count.
"""

import csv
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np

from numopt.bench.environment import code_hash
from numopt.bench.store import StoreError


class Key(NamedTuple):
    """What was attempted: all that the result depends on."""

    suite: str
    method: str
    code: str
    function: str
    d: int
    instance: int


class Attempt(NamedTuple):
    """What a method made of a function.

    Attributes
    ----------
    hits : ndarray
        Number of the call that reached each target first, infinite where none did.
    calls : int
    seconds : float
        Processor time, that of the function included.
    """

    key: Key
    hits: np.ndarray
    calls: int
    seconds: float


class Log:
    """The attempts that are known.

    Parameters
    ----------
    path : path-like, optional
        File of comma-separated values; created if it does not exist.

    Raises
    ------
    StoreError
        If the file is something else.
    """

    def __init__(self, path=None):
        self._path = path and Path(path)
        self._known = {}
        if self._path and self._path.exists():
            self._read(self._path)

    def _read(self, path):
        try:
            with path.open(newline="") as file:
                for row in csv.reader(file):
                    self._keep(_parsed(row))
        except (ValueError, csv.Error) as error:
            raise StoreError(f"{path} is no file of attempts: {error}") from None

    def _keep(self, attempt):
        self._known[attempt.key] = attempt

    def __iter__(self):
        return iter(self._known.values())

    def get(self, key, run):
        """Return the attempt of this key; `run` makes it, as (hits, calls, seconds), if need be."""
        if key not in self._known:
            attempt = Attempt(key, *run())
            self._keep(attempt)
            if self._path:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with self._path.open("a", newline="") as file:
                    csv.writer(file).writerow(_row(attempt))
        return self._known[key]


def _row(attempt):
    hits = " ".join(f"{hit:.0f}" for hit in attempt.hits.tolist())
    return [*attempt.key, attempt.calls, f"{attempt.seconds:.6g}", hits]


def _parsed(row):
    suite, method, code, function, d, instance, calls, seconds, hits = row
    key = Key(suite, method, code, function, int(d), int(instance))
    return Attempt(key, np.array(hits.split(), dtype=float), int(calls), float(seconds))


@lru_cache
def code_of(module):
    """Return what tells the results of a library apart from those of other states of it."""
    return code_hash("cbo") if module == "numopt" else version(module)
