"""The rows of the table: families of objectives on data sets."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from numopt.bench.sparse.task import Task

GROUP = 10  # columns in a group
VALUES, RATIO, WIDE_RATIO = 100, 1e-3, 1e-2  # of a path; the last for more columns than rows
FULL = {
    "lasso": (("dense", "tall", "sparse", "genes", "texts", "diabetes"), (10, 100, 1000)),
    "enet": (("dense", "tall", "sparse", "genes"), (10, 100)),
    "logistic": (("dense", "sparse", "genes", "texts", "breast_cancer", "digits"), (10, 100)),
    "group": (("dense", "tall", "sparse"), (10, 100)),
    "path": (("dense", "tall", "sparse", "genes", "texts", "diabetes"), (0,)),
}
QUICK = {
    "lasso": (("genes", "diabetes"), (10, 100)),
    "enet": (("genes",), (10,)),
    "logistic": (("breast_cancer",), (10,)),
    "group": (("small",), (10,)),
    "path": (("diabetes",), (0,)),
}


class Case(NamedTuple):
    """One row: a family, the name of the data, and lambda_max / lambda (0 for a path)."""

    family: str
    data: str
    divisor: int

    @property
    def name(self):
        """Family, data and divisor with colons between, as ``--problems`` takes them."""
        return ":".join(map(str, self if self.divisor else self[:2]))


def chosen(quick=False, problems=None):
    """Return the rows of the table, or those whose names start with one of the given ones."""
    table = QUICK if quick else FULL
    rows = [
        Case(family, data, divisor)
        for family, (names, divisors) in table.items()
        for data in names
        for divisor in divisors
    ]
    if problems is None:
        return rows
    return [row for row in rows if any(f"{row.name}:".startswith(f"{p}:") for p in problems)]


def task_of(case, data):
    """Return the `Task` of a row."""
    X, y, size = *data, GROUP if case.family == "group" else 1
    logistic = case.family == "logistic"
    y = np.where(y > 0, 1.0, -1.0) if logistic else y
    base = Task(X[:, : X.shape[1] // size * size], y, np.ones(1), logistic, size=size)
    if case.family == "path":
        ratio = RATIO if X.shape[0] >= X.shape[1] else WIDE_RATIO
        return replace(base, l1=base.l1_max * np.geomspace(1, ratio, VALUES))
    l1 = base.l1_max / case.divisor
    return replace(base, l1=np.array([l1]), l2=l1 if case.family == "enet" else 0.0)
