"""Fixed sparsity patterns, and where each element adds its numbers.

Everything here happens once per problem, at the first request. Entries are found by sorting
``row * columns + column`` over all terms; each element keeps the positions of its own entries, so
that an evaluation only adds numbers.

Auxiliary variables t (see `numopt.models.lowering`) are eliminated by the chain rule. With
z = (x, t), T = dt/dx and E = [I; T] the matrices of the problem are

    J = J_z E,    H = E' H_z E,    T = T_z E  (level by level),

where the ones with index z are assembled from the terms. The products are planned once: each
summand is an entry of the inner matrix times one or two entries of E.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix

from numopt.core.errors import ProblemError


@dataclass
class Sparsity:
    """A CSR pattern: entries sorted by row, then by column.

    Attributes
    ----------
    indptr, indices : ndarray of int32
    places : list of list of ndarray
        Positions of the entries of each contributor, in the order they were given.
    """

    indptr: np.ndarray
    indices: np.ndarray
    places: list

    @property
    def nnz(self):
        """Number of entries."""
        return len(self.indices)

    @cached_property
    def rows(self):
        """Row of each entry."""
        return np.repeat(np.arange(len(self.indptr) - 1), np.diff(self.indptr))

    def matrix(self, data):
        """Return the matrix with the given values; its index arrays are shared and read-only."""
        matrix = csr_matrix.__new__(csr_matrix)
        vars(matrix).update(self._template)
        matrix.data = data
        return matrix

    @cached_property
    def _template(self):
        m = len(self.indptr) - 1
        data = np.zeros(self.nnz)
        matrix = csr_matrix((data, self.indices, self.indptr), shape=(m, self.columns))
        matrix.has_canonical_format = matrix.has_sorted_indices = True
        matrix.indices.flags.writeable = matrix.indptr.flags.writeable = False
        return dict(vars(matrix))

    columns: int = 0


def compress(contributors, shape):
    """Return the `Sparsity` of all entries.

    Parameters
    ----------
    contributors : list of list of (rows, cols)
        Integers or arrays of equal length (one may be a constant) per entry of each contributor.
    shape : (int, int)
    """
    keys = [_keys(r, c, shape[1]) for entries in contributors for r, c in entries]
    everything = np.concatenate(keys) if keys else np.zeros(0, dtype=np.int64)
    # The sequences are sorted, mostly: a merge sort profits from that.
    order = np.argsort(everything, kind="stable")
    ordered = everything[order]
    fresh = np.empty(ordered.size, dtype=bool)
    fresh[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=fresh[1:])
    position = np.empty(ordered.size, dtype=np.int32)
    position[order] = np.cumsum(fresh, dtype=np.int32) - 1
    rows, indices = np.divmod(ordered[fresh], max(shape[1], 1))
    indptr = np.zeros(shape[0] + 1, dtype=np.int32)
    np.cumsum(np.bincount(rows, minlength=shape[0]), out=indptr[1:])
    pieces = iter(np.split(position, np.cumsum([k.size for k in keys])[:-1]) if keys else [])
    places = [[next(pieces) for _ in entries] for entries in contributors]
    return Sparsity(indptr, indices.astype(np.int32), places, shape[1])


def _keys(rows, cols, width):
    return np.atleast_1d(np.asarray(rows, dtype=np.int64) * width + cols)


class Structure:
    """Patterns of all matrices of one problem.

    Parameters
    ----------
    n, m : int
    terms : list of Term
    levels : list of int
        Level of each auxiliary variable.

    Raises
    ------
    ProblemError
        For index arrays that are out of range or differ in length.
    """

    def __init__(self, n, m, terms, levels):
        self.n, self.m, self.q = n, m, len(levels)
        _check(terms, n + self.q, (m, self.q))
        self.terms = terms = [part for term in terms for part in term.separated()]
        self.levels = np.asarray(levels, dtype=int)
        self.objective = [k for k, t in enumerate(terms) if t.level == 0 and t.rows is None]
        self.constraint = [k for k, t in enumerate(terms) if t.level == 0 and t.rows is not None]
        depth = max(levels, default=0)
        self.definitions = [
            [k for k, t in enumerate(terms) if t.level == level] for level in range(1, depth + 1)
        ]

    @cached_property
    def linear_rows(self):
        """Which rows of c have neither second derivatives nor auxiliary variables, shape (m,)."""
        linear = np.ones(self.m, dtype=bool)
        for t in (self.terms[k] for k in self.constraint):
            if t.pattern.hessian:
                linear[t.rows] = False
            for column in t.columns:
                linear[t.rows[np.broadcast_to(column, (t.size,)) >= self.n]] = False
        return linear

    # -- over z = (x, t) ---------------------------------------------------------------------

    def _jacobian(self, chosen, rows):
        entries = [[] for _ in self.terms]
        for k in chosen:
            t = self.terms[k]
            entries[k] = [(_full(t.rows, t), _full(t.columns[s], t)) for s, _ in t.pattern.gradient]
        return compress(entries, (rows, self.n + self.q))

    @cached_property
    def jac_z(self):
        """Pattern of the constraint Jacobian over z."""
        return self._jacobian(self.constraint, self.m)

    @cached_property
    def aux_z(self):
        """Pattern of the derivatives of the definitions of t over z."""
        return self._jacobian([k for level in self.definitions for k in level], self.q)

    @cached_property
    def hess_z(self):
        """Pattern of the lower triangle of the Hessian over z."""
        entries = []
        for t in self.terms:
            full = [_full(column, t) for column in t.columns]
            entries.append(
                [
                    (np.maximum(full[i], full[j]), np.minimum(full[i], full[j]))
                    for i, j, _ in t.pattern.hessian
                ]
            )
        return compress(entries, (self.n + self.q,) * 2)

    # -- over x ------------------------------------------------------------------------------

    @cached_property
    def jac(self):
        """Pattern of the constraint Jacobian."""
        return self.jac_plan.sparsity if self.q else self.jac_z

    @cached_property
    def hess(self):
        """Pattern of the lower triangle of the Hessian."""
        return self.hess_plan.sparsity if self.q else self.hess_z

    @cached_property
    def full(self):
        """Pattern of the whole Hessian and, per entry, its position in the lower triangle."""
        lower = self.hess
        r, c = lower.rows, lower.indices
        off = r != c
        both = compress([[(r, c), (c[off], r[off])]], (self.n, self.n))
        source = np.empty(both.nnz, dtype=np.intp)
        source[both.places[0][0]] = np.arange(lower.nnz)
        source[both.places[0][1]] = np.flatnonzero(off)
        return both, source

    @cached_property
    def lift(self):
        """Plan for E."""
        return Lift(self)

    @cached_property
    def jac_plan(self):
        """Plan for J = J_z E."""
        inner = self.jac_z
        at, e = self.lift.expand(inner.indices)
        sparsity = compress([[(inner.rows[at], self.lift.cols[e])]], (self.m, self.n))
        return Plan(sparsity, at, (self.lift.value[e],), sparsity.places[0][0])

    @cached_property
    def hess_plan(self):
        """Plan for the lower triangle of H = E' H_z E."""
        inner, lift = self.hess_z, self.lift
        at, left = lift.expand(inner.rows)
        again, right = lift.expand(inner.indices[at])
        at, left = at[again], left[again]
        i, j = lift.cols[left], lift.cols[right]
        twin = inner.rows[at] == inner.indices[at]
        # An entry off the diagonal stands for two: what meets on the diagonal of H counts twice,
        # and of an entry on the diagonal one of the two equal halves is dropped.
        keep = np.concatenate([np.flatnonzero(~twin | (i >= j)), np.flatnonzero(~twin & (i == j))])
        at, left, right, i, j = at[keep], left[keep], right[keep], i[keep], j[keep]
        entries = [[(np.maximum(i, j), np.minimum(i, j))]]
        sparsity = compress(entries, (self.n, self.n))
        factors = lift.value[left], lift.value[right]
        return Plan(sparsity, at, factors, sparsity.places[0][0])


def _check(terms, variables, rows):
    """Validate all indices once, since the kernels do not."""
    for t in terms:
        arrays = [*t.columns, *(values for _, values in t.data)]
        arrays += [] if t.rows is None else [t.rows]
        if any(np.ndim(a) and np.shape(a) != (t.size,) for a in arrays):
            raise ProblemError(f"the columns of a term must all have its {t.size} rows")
        fits = all(_within(column, variables) for column in t.columns)
        if not fits or (t.rows is not None and not _within(t.rows, rows[t.level > 0])):
            raise ProblemError("a term refers to variables or rows that do not exist")


def _within(numbers, count):
    return np.size(numbers) == 0 or (np.min(numbers) >= 0 and np.max(numbers) < count)


def _full(column, term):
    return np.broadcast_to(column, (term.size,))


@dataclass
class Plan:
    """A product with E: ``out[target] += inner[source] * E[first] (* E[second])``."""

    sparsity: Sparsity
    source: np.ndarray
    factors: tuple
    target: np.ndarray

    def values(self, inner, e):
        """Return the entries of the product."""
        part = inner.take(self.source)
        for factor in self.factors:
            part *= e.take(factor)
        return np.bincount(self.target, part, minlength=self.sparsity.nnz)


class Lift:
    """E = [I; T] row by row: columns, and where the value of each entry is found.

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
        rows, self.cols, self.value = np.arange(n), np.arange(n), np.zeros(n, dtype=np.intp)
        self.steps, self.size = [], 1
        self._index(rows, n + q)
        inner = structure.aux_z
        level = structure.levels[inner.rows]
        for k in range(1, len(structure.definitions) + 1):
            own = np.flatnonzero(level == k)
            at, e = self.expand(inner.indices[own])
            at = own[at]
            sparsity = compress([[(inner.rows[at], self.cols[e])]], (q, n))
            target = sparsity.places[0][0]
            self.steps.append(Plan(sparsity, at, (self.value[e],), target))
            rows = np.concatenate([rows, n + sparsity.rows])
            self.cols = np.concatenate([self.cols, sparsity.indices])
            self.value = np.concatenate([self.value, self.size + np.arange(sparsity.nnz)])
            self.size += sparsity.nnz
            rows = self._index(rows, n + q)

    def _index(self, rows, count):
        order = np.argsort(rows, kind="stable")
        self.cols, self.value = self.cols[order], self.value[order]
        self.starts = np.searchsorted(rows[order], np.arange(count + 1))
        return rows[order]

    def expand(self, z):
        """Return, for rows z of E, index into z and entry of E of every product."""
        counts = self.starts[z + 1] - self.starts[z]
        at = np.repeat(np.arange(z.size), counts)
        entry = np.arange(at.size) + np.repeat(self.starts[z] - np.cumsum(counts) + counts, counts)
        return at, entry

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
