"""Which entries the matrices of a problem have, and where each element adds its numbers.

Everything here happens once per problem, at the first request. Each element keeps the positions of
its own entries, so that an evaluation only adds numbers. Matrices with index z are over z = (x, t)
with the auxiliary variables t, see `numopt.models.elimination`.
"""

from functools import cached_property

import numpy as np

from numopt.core.errors import ProblemError
from numopt.models.elimination import Lift, Plan, short
from numopt.models.sparsity import compress


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
        source = np.empty(both.nnz, dtype=np.int32)
        source[both.places[0][0]] = np.arange(lower.nnz)
        source[both.places[0][1]] = np.flatnonzero(off)
        both.places = []
        return both, source

    @cached_property
    def lift(self):
        """Plan for E."""
        return Lift(self)

    @cached_property
    def jac_plan(self):
        """Plan for J = J_z E."""
        inner, lift = self.jac_z, self.lift
        step, e = lift.product(*lift.range_of(inner.indices))
        return Plan.of(np.repeat(inner.rows, step.counts), lift.cols[e], (self.m, self.n), [step])

    @cached_property
    def hess_plan(self):
        """Plan for the lower triangle of H = E' H_z E."""
        inner, lift = self.hess_z, self.lift
        first, left = lift.product(*lift.range_of(inner.rows))
        starts, counts = lift.range_of(np.repeat(inner.indices, first.counts))
        twin = np.repeat(inner.rows == inner.indices, first.counts)
        # An entry on the diagonal gives a symmetric matrix, of which the lower triangle is wanted.
        counts[twin] = left[twin] - starts[twin] + 1
        second, right = lift.product(starts, counts)
        i, j = np.repeat(lift.cols[left], second.counts), lift.cols[right]
        # An entry off the diagonal stands for two: what meets on the diagonal of H counts twice.
        twice = np.flatnonzero((i == j) & np.repeat(~twin, second.counts))
        rows, cols = np.maximum(i, j), np.minimum(i, j)
        return Plan.of(rows, cols, (self.n, self.n), [first, second], twice=short(twice))


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
