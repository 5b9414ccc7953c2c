"""Descent on least squares over a small working set, by inner products of its columns.

    r = y - X x on the rows,   Z = the columns of the working set,   t = r + Z w
    (w, c = Z'r, |r|^2)  move in one compiled loop with G = Z'Z, see `numopt.kernels.gram`

A pass then costs |w|_0 |W| instead of |W| m, and nothing outside the loop.
"""

from typing import Any

import numpy as np

from numopt.solvers.bcd.gram_path import Centred, fits

LARGEST = 256  # columns of a working set for which Z'Z is worth its price
INNER = 0.3  # of the gap at the start, measured in the same way: there is always progress
PASSES = 20_000
ROUNDING = 1e-15  # relative to |t|^2: a smaller gap is not seen in the sums


class SmallSets:
    """Decides once whether a problem has the form, and descends on its small working sets.

    Parameters
    ----------
    problem : Composite
    allowed : bool
        Without Newton steps there is no descent here.
    """

    def __init__(self, problem, allowed):
        self.data: Any = Centred(problem) if allowed and fits(problem) else None

    def take(self, ws):
        """Return whether a working set is to be descended on here."""
        return self.data is not None and ws.size <= LARGEST

    def descend(self, ws, point, goal):
        """Return the point after descent to a gap of `goal` on the working set.

        Parameters
        ----------
        ws : ndarray of int
            Variables; all others are zero.
        point : Point
        goal : float
        """
        from numopt.kernels.gram import certificate, descend

        data = self.data
        Z, r = np.asfortranarray(data.columns(ws)), data.residual(point)
        w, G, c = point.x[ws], Z.T @ Z, Z.T @ r
        sums = np.array([data.t @ r, r @ r])
        penalty = data.lam[ws], data.mu[ws], data.positive
        goal = min(goal, INNER * certificate(c, *penalty, w, sums)[1])
        goal = max(goal, ROUNDING * data.energy)
        descend(G, c, Z.T @ data.t, *penalty, goal, PASSES, w, sums)
        return data.moved(point, ws, w)
