"""Where an ensemble lives: free space, or the matrices with orthonormal columns.

    X~ = X + P(X) (lam dt (C - X) + sigma sqrt(dt) D Z) - sigma^2 dt (2n - p - 1) / 4 |X - C|^2 X
    X  = the nearest such matrix, U V' of the singular value decomposition of X~

with P(X) Z = Z - X (X'Z + Z'X) / 2 the projection on the tangent space of the Stiefel manifold of
n x p matrices (Kim, Kang, Kim, Ha, Yang, 2020); the unit sphere is p = 1 (Fornasier, Huang,
Pareschi, Suennen, 2021).
"""

from typing import Any

import numpy as np


class Free:
    """No surface."""

    def project(self, X):
        """Return the points as they are."""
        return X


class Stiefel:
    """The matrices with p orthonormal columns, as vectors row by row.

    Parameters
    ----------
    p : int
        Number of columns; 1 is the unit sphere.
    """

    def __init__(self, p=1):
        self.p = p

    def project(self, X):
        """Return the nearest points of the surface, row by row."""
        if self.p == 1:
            return X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-300)
        U, _, Vt = np.linalg.svd(self._matrices(X), full_matrices=False)
        return (U @ Vt).reshape(X.shape)

    def move(self, run, X, rows, c, drift, size, noise):
        """Return the ensemble after a step along the tangent spaces."""
        U = (X - c)[rows]
        length = np.linalg.norm(U, axis=1, keepdims=True)
        spread = length if noise else U
        Z = self._matrices(-drift * U + size * spread * run.normal(U.shape))
        x = self._matrices(X[rows])
        inner = np.swapaxes(x, 1, 2) @ Z
        Z = Z - x @ (inner + np.swapaxes(inner, 1, 2)) / 2.0
        bend = (2 * x.shape[1] - self.p - 1) / 4.0
        X[rows] += Z.reshape(U.shape) - bend * size**2 * length**2 * X[rows]
        return X

    def _matrices(self, X):
        return X.reshape(len(X), -1, self.p)


def surface(solver) -> Any:
    """Return the surface that the options of a solver name."""
    return Free() if solver.surface == "none" else Stiefel(solver.columns)
