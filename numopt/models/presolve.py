"""Before the solve: linear equality rows that repeat others are found, to be left out.

    rows of A that are linear combinations of others,   A x = b the linear equations

A row with an entry that is alone in its column depends on no others. Such rows are put aside, again
and again; on what remains, the core, a QR factorisation with column pivoting of its transpose
reveals the rank. A core that is too large for a dense factorisation is not examined.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import qr, solve_triangular
from scipy.sparse import csr_matrix

WAVES = 50  # how often rows are put aside
SOLID = 1e-6  # entries above this, relative to their row, prove independence
LARGEST_CORE = 2e8  # (rows)^2 times columns
SMALL = 10_000  # entries of a matrix that is dense from the beginning
RANK_TOL = 1e-12  # pivots below this, relatively, are zero
CONSISTENT = 64 * np.finfo(float).eps  # right-hand sides may differ by this part of their terms


class Dependence(NamedTuple):
    """What is known of the linear equality rows of a problem.

    Attributes
    ----------
    equalities, rank : int
        How many there are, and how many of them are independent.
    repeated : ndarray of int
        Rows that follow from the others, in the numbering of the problem; none if there are
        contradictory ones.
    contradictory : ndarray of int
        Rows whose left-hand side, but not their right-hand side, follows from the others.
    """

    equalities: int
    rank: int
    repeated: np.ndarray
    contradictory: np.ndarray

    def told(self):
        """Return a list of sentences for the message of a result; empty at full rank."""
        if self.rank == self.equalities:
            return []
        head = f"Rank {self.rank} of {self.equalities} linear equality rows"
        if self.contradictory.size:
            return [
                f"{head}; the sides of rows {self.contradictory.tolist()} do not fit the others"
            ]
        return [f"{head}, {self.repeated.size} left out with multipliers 0"]


def linear_dependence(problem, x):
    """Return the `Dependence` of the linear equality rows of a nonlinear program.

    Parameters
    ----------
    problem : NLP
        Its `linear_rows` are looked at; fixed variables count as constants.
    x : ndarray, shape (n,)
        Where functions are evaluated.
    """
    rows = np.flatnonzero(problem.linear_rows & (problem.cl == problem.cu))
    nothing = np.zeros(0, dtype=int)
    if not rows.size:
        return Dependence(0, 0, nothing, nothing)
    x, free = np.clip(x, problem.lb, problem.ub), np.flatnonzero(problem.lb < problem.ub)
    core, A = _examined(problem.jac(x), rows, free)
    side = problem.cl[core]
    gap, size = problem.cons(x)[core] - side, abs(problem.jac(x)) @ np.abs(x)
    dependent, repeated = _dependent(A, gap, size[core] + np.abs(side))
    rank = rows.size - dependent.size
    if not repeated.all():  # the least sum of violations is that of all rows
        return Dependence(rows.size, rank, nothing, np.sort(core[dependent[~repeated]]))
    return Dependence(rows.size, rank, np.sort(core[dependent]), nothing)


def _examined(J, rows, free):
    """Return the rows to examine and these rows of J, dense, zero columns omitted."""
    if np.prod(J.shape) <= SMALL:
        return rows, J.toarray()[rows][:, free]
    A = J[rows][:, free]
    core = _core(A)
    A = A[core]
    A = A[:, np.unique(A.indices)]
    if A.shape[0] ** 2 * A.shape[1] > LARGEST_CORE:
        return rows[:0], A[:0].toarray()
    return rows[core], A.toarray()


def _core(A):
    """Return the numbers of the rows of a sparse matrix that may depend on others."""
    rows, A = np.arange(A.shape[0]), abs(csr_matrix(A))
    for _ in range(WAVES):
        alone = np.bincount(A.indices, minlength=A.shape[1]) == 1
        stays = A @ alone.astype(float) <= SOLID * A.max(axis=1).toarray().ravel()
        if stays.all():
            break
        rows, A = rows[stays], A[stays]
    return rows


def _dependent(A, gap, size):
    """Return the numbers of dependent rows, and which of them have a fitting right-hand side."""
    k, n = A.shape
    if not A.size:
        return np.arange(k), np.abs(gap) <= CONSISTENT * size
    largest = np.abs(A).max(axis=1)
    scale = 1.0 / np.where(largest > 0.0, largest, 1.0)
    R: Any
    R, pivots = qr((A * scale[:, None]).T, mode="r", pivoting=True)  # pyright: ignore
    d = np.abs(R.diagonal())
    rank = int((d > RANK_TOL * max(k, n) * d.max(initial=0.0)).sum())
    kept, rest = pivots[:rank], pivots[rank:]
    T = solve_triangular(R[:rank, :rank], R[:rank, rank:])
    gap, size = gap * scale, size * scale
    misfit = np.abs(gap[rest] - T.T @ gap[kept])
    return rest, misfit <= CONSISTENT * (size[rest] + np.abs(T).T @ size[kept])
