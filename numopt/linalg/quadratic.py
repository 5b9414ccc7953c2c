"""Small dense convex quadratic programs, some of whose rows may be violated at a price.

    minimise   g'd + d'Hd/2 + sum_i cap_i * (violation of row i)      H = LL' positive definite
    where row i is   lower_i <= a_i'd <= upper_i,   cap_i = inf for a row that must hold

In v = L'd with n_i = L^-1 a_i the dual is a least-squares problem with bounds:

    minimise  |L^-1 g + sum_i u_i n_i|^2 / 2 + sum_i u_i * (its side)   over  -cap <= u <= cap,

u_i >= 0 at an upper side, u_i <= 0 at a lower one. From multipliers that are optimal for the rows
of a working set W (independent, met exactly), the method of Goldfarb and Idnani takes the row that
is violated most and moves its multiplier until the row is met or a multiplier reaches an end of
its range: zero, where that row leaves W, or its cap, where it stays violated. A problem whose rows
contradict each other is therefore solved like any other.

D. Goldfarb, A. Idnani, A numerically stable dual method for solving strictly convex quadratic
programs, Math. Program. 27, 1983.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg.blas import dtrsm, dtrsv  # pyright: ignore


class Quadratic(NamedTuple):
    """The solution of a quadratic program."""

    d: np.ndarray  # (n,)
    y: np.ndarray  # multipliers of the rows, (k,): Hd + g + A'y = 0, y >= 0 at upper sides
    working: np.ndarray  # int, (k,): +1 or -1 for rows met at their upper or lower side, else 0


def solve_quadratic(L, g, A, lower, upper, cap, guess=None):
    """Minimise g'd + d'LL'd/2 plus the price of the rows of lower <= Ad <= upper that d violates.

    Parameters
    ----------
    L : ndarray, shape (n, n)
        Lower triangular, with a positive diagonal.
    g : ndarray, shape (n,)
    A : ndarray, shape (k, n)
    lower, upper : ndarray, shape (k,)
        Equal for an equation, infinite where there is no side.
    cap : ndarray, shape (k,)
        Price of a violation of size 1, positive; infinite for a row that must hold.
    guess : ndarray of int, shape (k,), optional
        The field `working` of a similar problem, which saves most of the work.

    Returns
    -------
    Quadratic or None
        None if rows that must hold contradict each other, or rounding prevents progress.
    """
    from numopt.kernels.dual_active_set import dual_active_set

    k, n = A.shape
    transformed = triangular(L, np.concatenate([A, g[None, :]]).T, lower=1).T
    u, v, working = np.zeros(k), np.empty(n), np.zeros(k, int)
    guess = working.copy() if guess is None else guess
    if not dual_active_set(
        transformed[:k], transformed[k], lower, upper, cap, guess, u, v, working
    ):
        return None
    d = triangular(L, v, lower=1, trans=1)
    return Quadratic(d, u, working) if np.isfinite(d).all() else None


def triangular(T, b, lower=0, trans=0):
    """Return the solution of a triangular system for one or several right-hand sides.

    By BLAS: LAPACK's routine waits for a second thread even in the smallest systems.
    """
    if b.ndim == 1:
        return dtrsv(T, b, lower=lower, trans=trans)
    return dtrsm(1.0, T, b, lower=lower, trans_a=trans)
