"""The problem that all solvers get, and the one judge of what comes back.

    minimise  sum_i loss(y_i, x_i'w) + l1 sum_g ||w_g|| + l2 ||w||^2 / 2    for each l1 of a path

with squares, loss = (y - z)^2 / 2, or the logistic loss log(1 + exp(-y z)), y = -1 or 1, and groups
of `size` neighbouring columns; size 1 is the lasso.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Task:
    """One problem of the benchmark, or a path of them.

    Parameters
    ----------
    X : ndarray in Fortran order or CSC matrix, shape (n, p)
    y : ndarray, shape (n,)
    logistic : bool
    l1 : ndarray, shape (k,)
        Decreasing.
    l2 : float
    size : int
        Columns in a group.
    """

    X: Any
    y: np.ndarray
    l1: np.ndarray
    logistic: bool = False
    l2: float = 0.0
    size: int = 1

    @property
    def n(self):
        """Number of samples."""
        return self.y.size

    @property
    def at_zero(self):
        """Objective at w = 0, in which accuracy is measured."""
        return self.n * np.log(2) if self.logistic else 0.5 * self.y @ self.y

    @property
    def l1_max(self):
        """Smallest `l1` for which w = 0 is optimal."""
        return self._norms(self.X.T @ self._residual(np.zeros((self.n, 1)))).max()

    def ladder(self, count=10):
        """Return the same task as the end of a path of so many values from `l1_max` down."""
        return replace(self, l1=np.geomspace(self.l1_max, self.l1[-1], count))

    def values(self, W):
        """Return the objectives of the coefficients in the columns of `W`, shape (k,)."""
        Z, y = self.X @ W, self.y[:, None]
        loss = np.logaddexp(0, -y * Z) if self.logistic else 0.5 * (y - Z) ** 2
        norms = self._norms(W).sum(axis=0)
        return loss.sum(axis=0) + self.l1 * norms + 0.5 * self.l2 * (W**2).sum(axis=0)

    def bounds(self, W):
        """Return lower bounds of the optimal values, dual values at scaled residuals."""
        R = self._residual(self.X @ W)
        G = self.X.T @ R
        if self.l2:
            excess = np.maximum(np.abs(G) - self.l1, 0.0)
            return self._conjugate(R) - (excess**2).sum(axis=0) / (2 * self.l2)
        return self._conjugate(R * np.minimum(1.0, self.l1 / self._norms(G).max(axis=0)))

    def _residual(self, Z):
        """Return the negative derivative of the loss at the products `Z`."""
        y = self.y[:, None]
        return y / (1 + np.exp(y * Z)) if self.logistic else y - Z

    def _conjugate(self, R):
        y = self.y[:, None]
        if not self.logistic:
            return 0.5 * (y**2 - (y - R) ** 2).sum(axis=0)
        U = np.clip(y * R, 1e-300, 1 - 1e-16)
        return -(U * np.log(U) + (1 - U) * np.log1p(-U)).sum(axis=0)

    def _norms(self, G):
        """Return the norms of groups of rows, shape (p / size, k)."""
        if self.size == 1:
            return np.abs(G)
        return np.sqrt((G.reshape(-1, self.size, G.shape[1]) ** 2).sum(axis=1))
