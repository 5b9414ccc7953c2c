"""Sparse transport plans: quadratic regularisation, with at most k entries in each column.

    minimise <C, T> + (gamma/2) |T|^2   subject to   T 1 = a,  T'1 = b,  T >= 0,  |t_j|_0 <= k

For given row potentials alpha, the columns of T and their potentials beta follow one by one:
T_ij = max(alpha_i + beta_j - C_ij, 0) / gamma on the k largest entries, with beta_j such that the
sum is b_j. What is left is to maximise a concave function of alpha, whose gradient is a - T 1.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

from numopt.models.passes import Growing, Kept


class SparsePoint(NamedTuple):
    """Potentials at which the columns of the plan are right, and the plan."""

    gamma: float
    alpha: np.ndarray  # (n,)
    beta: np.ndarray  # (m,)
    plan: Kept  # gamma T', by columns of T
    rows: np.ndarray  # row sums of T, (n,)

    @property
    def squares(self):
        """Return gamma |T|^2."""
        return float(self.plan.data @ self.plan.data) / self.gamma


class SparseSemidual:
    """The semi-dual function of a problem with quadratic regularisation.

    Parameters
    ----------
    problem : Transport
        Its `eta` is 1 / gamma.
    k : int
        Largest number of entries in a column; 0 is no limit.
    """

    def __init__(self, problem, k=0):
        self.problem, self.k = problem, k or problem.shape[0]

    def point(self, gamma, alpha, beta):
        """Return the `SparsePoint` of alpha; beta is a guess."""
        from numopt.kernels import quadratic, schur

        sparse_rows: Any = quadratic.sparse_rows
        p = self.problem
        p.spend("fun")
        n, m = p.shape
        mass, right = gamma * p.b, np.empty(m)
        kept = Growing(m, n)
        for block, cost in p.transposed.blocks():
            kept.fill(
                block,
                lambda first, *csr, cols=block, cost=cost: sparse_rows(
                    *cost, beta[cols], alpha, mass[cols], self.k, first, right[cols], *csr
                ),
            )
        plan, rows = kept.done(), np.zeros(n)
        schur.add_transposed(*plan, np.full(m, 1.0 / gamma), rows)
        return SparsePoint(gamma, alpha, right, plan, rows)

    def value(self, point):
        """Return the function that is maximised."""
        p = self.problem
        return float(p.a @ point.alpha + p.b @ point.beta) - 0.5 * point.squares

    def objective(self, point):
        """Return <C, T> + (gamma/2) |T|^2 for the plan T of a point."""
        p = self.problem
        return float(point.rows @ point.alpha + p.b @ point.beta) - 0.5 * point.squares

    def violation(self, point):
        """Return the violations of the row sums: their sum, relative to the mass, and largest."""
        gap = np.abs(point.rows - self.problem.a)
        return float(gap.sum()) / self.problem.mass, float(gap.max())

    def nearest(self, beta):
        """Return the alpha at which a first entry of each row becomes active."""
        alpha = np.full(self.problem.shape[0], np.inf)
        for cols, cost in self.problem.transposed.blocks():
            self.problem.kernels.lower_potentials(*cost, beta[cols], alpha)
        return alpha

    def matrix(self, point):
        """Return T, a CSR matrix of shape (n, m)."""
        plan, (n, m) = point.plan, self.problem.shape
        entries = (plan.data / point.gamma, plan.indices.astype(np.int32), plan.indptr)
        return csr_matrix(entries, shape=(m, n)).T.tocsr()
