"""Before the solve: linear equality rows that repeat others are found, to be left out.

    rows of A that are linear combinations of others,   A x = b the linear equations

A row with an entry that is alone in its column depends on no others. Such rows are put aside, again
and again; on what remains, the core, a QR factorisation with column pivoting of its transpose
reveals the rank. A core that is too large for a dense factorisation is not examined.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import qr, solve_triangular
from scipy.sparse import csr_matrix, diags_array

WAVES = 50  # how often rows are put aside
SOLID = 1e-6  # entries above this, relative to their row, prove independence
LARGEST_CORE = 2e8  # (rows)^2 times columns
RANK_TOL = 1e-12  # pivots below this, relatively, are zero
CONSISTENT = 64 * np.finfo(float).eps  # right-hand sides may differ by this part of their terms


class Dependence(NamedTuple):
    """What is known of the linear equality rows of a problem.

    Attributes
    ----------
    equalities, rank : int
        How many there are, and how many of them are independent.
    repeated : ndarray of int
        Rows that follow from the others, in the numbering of the problem.
    contradictory : ndarray of int
        Rows whose left-hand side, but not their right-hand side, follows from the others.
    """

    equalities: int
    rank: int
    repeated: np.ndarray
    contradictory: np.ndarray

    def told(self):
        """Return a sentence for the message of a result; empty if there is nothing to tell."""
        if self.rank == self.equalities:
            return ""
        head = f"rank {self.rank} of {self.equalities} linear equality rows"
        if self.contradictory.size:
            return f"{head}; the sides of rows {self.contradictory.tolist()} do not fit the others"
        return f"{head}, {self.repeated.size} left out with multipliers 0"


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
    J, side = csr_matrix(problem.jac(x))[rows], problem.cl[rows]
    gap, size = problem.cons(x)[rows] - side, abs(J) @ np.abs(x) + np.abs(side)
    A, scale = _equilibrated(J[:, free])
    core = _core(A)
    dependent, repeated = _dependent(A[core], gap[core] * scale[core], size[core] * scale[core])
    found, said = rows[core[dependent]], (repeated, ~repeated)
    parts = (np.sort(found[which]) for which in said)
    return Dependence(rows.size, rows.size - found.size, *parts)


def _equilibrated(A):
    """Return A with rows of largest entry 1, and the factors of the rows."""
    A = csr_matrix(A)
    largest = abs(A).max(axis=1).toarray().ravel() if A.shape[1] else np.zeros(A.shape[0])
    scale = 1.0 / np.where(largest > 0.0, largest, 1.0)
    A = csr_matrix(diags_array(scale) @ A)
    A.eliminate_zeros()
    return A, scale


def _core(A):
    """Return the numbers of the rows that may depend on others."""
    rows, A = np.arange(A.shape[0]), abs(A)
    for _ in range(WAVES):
        alone = np.bincount(A.indices, minlength=A.shape[1]) == 1
        stays = A @ alone.astype(float) <= SOLID
        if stays.all():
            break
        rows, A = rows[stays], A[stays]
    return rows


def _dependent(A, gap, size):
    """Return the numbers of dependent rows, and which of them have a fitting right-hand side."""
    A = A[:, np.unique(A.indices)]
    k, n = A.shape
    if not k or k**2 * n > LARGEST_CORE:
        return np.zeros(0, dtype=int), np.zeros(0, dtype=bool)
    R, pivots = np.zeros((0, k)), np.arange(k)
    if n:
        R, pivots = qr(A.T.toarray(), mode="r", pivoting=True)  # pyright: ignore
    d = np.abs(R.diagonal())
    rank = int((d > RANK_TOL * max(k, n) * d.max(initial=0.0)).sum())
    kept, rest = pivots[:rank], pivots[rank:]
    T = solve_triangular(R[:rank, :rank], R[:rank, rank:]) if rank else np.zeros((0, rest.size))
    misfit = np.abs(gap[rest] - T.T @ gap[kept])
    return rest, misfit <= CONSISTENT * (size[rest] + np.abs(T).T @ size[kept])
