"""A consensus for each particle, that of its neighbours or its cluster: several minima survive."""

import numpy as np


def own_consensus(X, f, alpha, width):
    """Return the consensus of each particle, shape (N, n).

    The weights are exp(-alpha f_j) k(x_i, x_j)^alpha with a Gaussian kernel k of this width.
    """
    square = (X**2).sum(axis=1)
    distance = square[:, None] + square - 2.0 * X @ X.T
    finite = np.where(np.isnan(f), np.inf, f)
    e = -alpha * (finite - finite.min() + np.maximum(distance, 0.0) / (2.0 * width**2))
    w = np.exp(e - e.max(axis=1, keepdims=True))
    return (w @ X) / w.sum(axis=1, keepdims=True)


def seeds(X, f, k):
    """Return k particles far from each other, the best one first, shape (k, n)."""
    chosen = [int(np.nanargmin(f))]
    while len(chosen) < min(k, len(X)):
        away = np.min([np.linalg.norm(X - X[i], axis=1) for i in chosen], axis=0)
        chosen.append(int(np.argmax(away)))
    return X[chosen]


def clustered(X, f, alpha, centres):
    """Return the consensus of each particle: that of the particles with the same nearest centre."""
    from numopt.kernels.consensus import consensus

    centres = np.unique(centres, axis=0)
    away = np.linalg.norm(X[:, None, :] - centres, axis=2)
    nearest = np.argmin(away, axis=1)
    for i in np.unique(nearest):
        consensus(X[nearest == i], f[nearest == i], alpha, centres[i])
    return centres[nearest]
