"""The Newton step on the KKT conditions, with the smallest shift that gives the right inertia.

The shifts follow Waechter and Biegler (2006), algorithm IC: nothing first, then a third of the
last shift that was needed, growing until the inertia is (n, m, 0); a singular matrix gets a small
negative (2, 2) block.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse

from numopt.linalg.iterative import NegativeCurvatureError, kkt_system
from numopt.linalg.kkt import Inertia, KKTSystem, SingularKKTError
from numopt.linalg.least_squares import multiplier_estimate

FIRST_SHIFT = 1e-4
SMALLEST_SHIFT = 1e-20
LARGEST_SHIFT = 1e40
GROWTH_FIRST, GROWTH, DECAY = 100.0, 8.0, 1.0 / 3.0
ROW_SHIFT = 1e-8  # delta_c
LARGEST_ROW_SHIFT = 1e-4  # reached only while the factors are useless
FEW_ROWS = 500  # up to which a dense QR of A' sketched to 4 m rows is cheap
CURVATURE = 1e-11  # smallest p'(H + D)p / p'p where the inertia is not known


class RestorationNeeded(Exception):  # noqa: N818 - a signal between step and restoration
    """There is no usable step, or no acceptable step length along it."""


class Newton(NamedTuple):
    """A factorised KKT matrix and the solution for its first right-hand side."""

    system: Any  # KKTSystem or IterativeKKT
    dw: np.ndarray
    dy: np.ndarray
    delta_w: float
    delta_c: float


def newton_step(H, A, diagonal, r_dual, r_primal, last_shift, mu=1.0, ridge=0.0, analyses=None):
    """Solve K (dw, dy) = -(r_dual, r_primal) for a K of the right inertia.

    Parameters
    ----------
    H, A, diagonal
        Blocks of the matrix, see `KKTSystem`.
    r_dual, r_primal : ndarray, shape (n,) and (m,)
        Residuals of the KKT conditions.
    last_shift : float
        The shift of the Hessian that the latest corrected step needed; 0 if none did.
    mu : float
        Barrier parameter, 0 without a barrier: scales the regularisation of the rows.
    ridge : float
        A shift of the Hessian in any case; the one that the inertia may need comes on top of it.
    analyses : Analyses, optional
        Of the sparse patterns met so far.

    Raises
    ------
    RestorationNeeded
        If no shift helps.
    """
    row_shift = ROW_SHIFT * (mu or 1.0) ** 0.25
    # Sparse factors want nonzero pivots on the diagonal: zeros there cost row exchanges and fill.
    shift, delta_c, pivot = 0.0, 0.0, row_shift if issparse(A) else 0.0
    while shift <= LARGEST_SHIFT:
        try:
            system = kkt_system(H, A, diagonal + (ridge + shift), delta_c, pivot, analyses)
            if _right(system.inertia, A.shape):
                dw, dy = system.solve(-r_dual, -r_primal)
                if system.inertia is not None or system.curvature(dw) >= CURVATURE * (dw @ dw):
                    return Newton(system, dw, dy, shift, delta_c)
            elif delta_c == 0.0 and _rank_deficient(system.inertia, A.shape):
                delta_c, pivot = row_shift, 0.0
                continue
        except NegativeCurvatureError as met:
            shift = max(shift + met.shift, _next(shift, last_shift))
            continue
        except SingularKKTError:
            if A.shape[0] and delta_c < LARGEST_ROW_SHIFT:
                delta_c, pivot = max(row_shift, GROWTH_FIRST * delta_c), 0.0
                continue
        shift = _next(shift, last_shift)
    raise RestorationNeeded


def least_squares_multipliers(A, g, sketched=False, analyses=None):
    """Return the y that minimises |g + A'y|^2 + 1e-8 |y|^2, shape (m,).

    With `sketched` and few rows, the shortest y that minimises |g + A'y|, without a factorisation
    of size n + m.
    """
    m, n = A.shape
    if sketched and m <= FEW_ROWS:
        return multiplier_estimate(A, g, np.random.default_rng(0))  # any sketch will do
    H = np.zeros((n, n)) if isinstance(A, np.ndarray) else A.T[:, :0] @ A[:0]
    try:
        system = KKTSystem(H, A, np.ones(n), ROW_SHIFT, analyses=analyses)
        return system.solve(-g, np.zeros(m))[1]
    except SingularKKTError:
        return np.zeros(m)


def _right(inertia, shape):
    m, n = shape
    return inertia is None or inertia == Inertia(n, m, 0)


def _rank_deficient(inertia, shape):
    return inertia is not None and shape[0] > 0 and inertia.positive + inertia.zero > shape[1]


def _next(shift, last):
    if shift == 0.0:
        return FIRST_SHIFT if last == 0.0 else max(SMALLEST_SHIFT, DECAY * last)
    return shift * (GROWTH_FIRST if last == 0.0 else GROWTH)
