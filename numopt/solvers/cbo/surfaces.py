"""Where an ensemble lives: free space or the unit sphere.

    x~ = x + P(x) (lam dt c + sigma sqrt(dt) D z) - sigma^2 dt (n - 1) |x - c|^2 x / 2
    x  = x~ / |x~|

with P the projection on the tangent space: the sphere (Fornasier, Huang, Pareschi, Suennen, 2021).
"""

import numpy as np


class Free:
    """No surface."""

    @staticmethod
    def project(X):
        """Return the points as they are."""
        return X


class Sphere:
    """The unit sphere of R^n."""

    @staticmethod
    def project(X):
        """Return the nearest points of the sphere, row by row."""
        return X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-300)

    @staticmethod
    def move(run, X, rows, c, drift, size, noise):
        """Return the ensemble after a step along the tangent spaces."""
        U = (X - c)[rows]
        length = np.linalg.norm(U, axis=1, keepdims=True)
        spread = length if noise else U
        Z = -drift * U + size * spread * run.normal(U.shape)
        x = X[rows]
        Z -= (Z * x).sum(axis=1, keepdims=True) * x
        X[rows] += Z - 0.5 * size**2 * (x.shape[1] - 1) * length**2 * x
        return X


SURFACES = {"none": Free, "sphere": Sphere}
