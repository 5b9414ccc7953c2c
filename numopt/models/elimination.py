"""Elimination of auxiliary variables t by the chain rule.

With z = (x, t), T = dt/dx and E = [I; T] the matrices of a problem (see `numopt.models.lowering`)
are

    J = J_z E,    H = E' H_z E,    T = T_z E  (level by level),

where the ones with index z are assembled from the terms. The products are planned once: each
summand is an entry of the inner matrix times one or two entries of E. There can be many, so that of
each summand of H only two numbers are kept: where the entry of E is, and where to add.
"""

from dataclasses import dataclass

import numpy as np

from numopt.models.sparsity import Sparsity, compress


def short(index):
    """Return an index array in half of the memory."""
    return index.astype(np.int32)


@dataclass
class Step:
    """Each number times several entries of E: how many, and which.

    Attributes
    ----------
    counts, factor : ndarray of int32
    """

    counts: np.ndarray
    factor: np.ndarray


@dataclass
class Plan:
    """A product with E: numbers are multiplied step by step, then added at their targets.

    Attributes
    ----------
    sparsity : Sparsity
    steps : list of Step
    source : ndarray or None
        Which entries of the inner matrix are used; None: all.
    twice : ndarray
        Which of the products count twice.
    """

    sparsity: Sparsity
    steps: list
    source: np.ndarray | None = None
    twice: np.ndarray | tuple = ()

    @classmethod
    def of(cls, rows, cols, shape, steps, **more):
        """Return the plan whose products belong to the given rows and columns."""
        return cls(compress([[(rows, cols)]], shape), steps, **more)

    def values(self, inner, e):
        """Return the entries of the product."""
        part = inner if self.source is None else inner.take(self.source)
        for step in self.steps:
            part = np.repeat(part, step.counts)
            part *= e.take(step.factor)
        if len(self.twice):
            part[self.twice] *= 2
        return np.bincount(self.sparsity.places[0][0], part, minlength=self.sparsity.nnz)


class Lift:
    """E = [I; T] row by row: sorted columns, and where the value of each entry is found.

    Values are kept in one vector: 1 first (for I), then the entries of T, level by level.

    Attributes
    ----------
    starts, cols, value : ndarray
        Per row of E the range of its entries; their columns and positions among the values.
    steps : list of Plan
        One per level: T_z E.
    """

    def __init__(self, structure):
        n, q = structure.n, structure.q
        rows, self.cols = np.arange(n, dtype=np.int32), np.arange(n, dtype=np.int32)
        self.value, self.steps, self.size = np.zeros(n, dtype=np.int32), [], 1
        self._index(rows, n + q)
        inner = structure.aux_z
        inner_rows = inner.rows
        level = structure.levels[inner_rows]
        for k in range(1, len(structure.definitions) + 1):
            own = np.flatnonzero(level == k)
            step, e = self.product(*self.range_of(inner.indices[own]))
            at = np.repeat(inner_rows[own], step.counts)
            plan = Plan.of(at, self.cols[e], (q, n), [step], source=short(own))
            sparsity = plan.sparsity
            self.steps.append(plan)
            rows = np.concatenate([rows, n + sparsity.rows])
            self.cols = np.concatenate([self.cols, sparsity.indices])
            added = np.arange(self.size, self.size + sparsity.nnz, dtype=np.int32)
            self.value = np.concatenate([self.value, added])
            self.size += sparsity.nnz
            rows = self._index(rows, n + q)

    def _index(self, rows, count):
        order = np.argsort(rows, kind="stable")
        self.cols, self.value = self.cols[order], self.value[order]
        self.starts = np.searchsorted(rows[order], np.arange(count + 1))
        return rows[order]

    def range_of(self, z):
        """Return the first entry and the number of entries of the rows z of E."""
        return self.starts[z], self.starts[z + 1] - self.starts[z]

    def product(self, starts, counts):
        """Return the `Step` that multiplies by ranges of entries, and these entries."""
        entry = np.arange(counts.sum()) + np.repeat(starts - np.cumsum(counts) + counts, counts)
        return Step(short(counts), self.value[entry]), entry

    def values(self, inner):
        """Return the values of E, given those of T_z."""
        e = np.empty(self.size)
        e[0], done = 1.0, 1
        for step in self.steps:
            e[done : done + step.sparsity.nnz] = step.values(inner, e[:done])
            done += step.sparsity.nnz
        return e

    def widest(self):
        """Return the largest number of variables that one auxiliary variable depends on."""
        return int(np.diff(self.starts).max(initial=0))
