"""The five problems of Nutini, Laradji and Schmidt on block coordinate descent.

Sparse data for least squares (A), logistic (B) and multinomial regression (C), and labels spread
over a lattice (D) and over two moons (E). Where the published data are drawn by NumPy's legacy
generator from a known seed they are drawn so here, bit for bit (B, D).

References
----------
.. [1] J. Nutini, I. Laradji, M. Schmidt, Let's Make Block Coordinate Descent Converge Faster,
   JMLR 23(131), 2022, experiments.
"""

import numpy as np
from scipy.sparse import csc_array, csr_array

from numopt.models.composite import Composite
from numopt.models.losses import LeastSquares, Logistic, Multinomial
from numopt.models.penalties import NonNegativeL1
from numopt.models.quadratic_form import LabelPropagation

LATTICE_SIDE = 50
LATTICE_OPTIMUM = -1045999575.2270696  # published
BINARY_SEED = LATTICE_SEED = 1  # published


def _features(draw, m, n):
    """Return the data (m, n): normal plus one, scaled columns, few entries kept."""
    X = (draw.randn(m, n) + 1.0) * (10.0 * draw.randn(n))
    return csc_array(X * (draw.rand(m, n) < 10.0 * np.log(m) / m))


def _weights(draw, n):
    w = draw.randn(n)
    return w * (draw.rand(n) < 0.1)


def regression(m=1000, n=10_000, seed=0):
    """Return problem A, least squares with a sparse vector behind the data."""
    draw = np.random.RandomState(seed)
    X = _features(draw, m, n)
    return Composite(LeastSquares(X, X @ _weights(draw, n) + draw.randn(m)))


def nonnegative_regression(m=1000, n=10_000, seed=0, lam=50_000.0):
    """Return problem A with lam sum_j x_j and x >= 0."""
    return Composite(regression(m, n, seed).loss, NonNegativeL1(lam))


def classification(m=1000, n=10_000, seed=BINARY_SEED):
    """Return problem B, logistic regression; its infimum is 0."""
    draw = np.random.RandomState(seed)
    X = _features(draw, m, n)
    y = np.sign(X @ _weights(draw, n))
    y = np.where(draw.rand(m) < 0.1, -y, y)
    return Composite(Logistic(X, np.where(y == 0.0, 1.0, y)))


def multiclass(m=1000, n=1000, k=50, seed=0):
    """Return problem C, multinomial regression with k classes; its infimum is near 0."""
    draw = np.random.RandomState(seed)
    X = _features(draw, m, n)
    best = np.argmax(X @ draw.randn(n, k) + draw.randn(m, k), axis=1)
    return Composite(Multinomial(X, np.eye(k)[best]))


def lattice(side=LATTICE_SIDE, labelled=100, seed=LATTICE_SEED):
    """Return problem D, labels at random nodes of a lattice whose edges weigh 1e5.

    Node (row, column) has the number ``row + side * column``.

    Examples
    --------
    >>> lattice().n
    2400
    """
    draw = np.random.RandomState(seed)
    known = draw.choice(side * side, labelled, replace=False)
    labels = np.full(side * side, np.nan)
    labels[known] = 10.0 * draw.randn(labelled)
    number = np.arange(side * side).reshape(side, side).T
    i = np.concatenate([number[:-1].ravel(), number[:, :-1].ravel()])
    j = np.concatenate([number[1:].ravel(), number[:, 1:].ravel()])
    return Composite(LabelPropagation(_symmetric(i, j, 1e5, side * side), labels))


def moons(m=2000, neighbours=5, labelled=100, seed=0):
    """Return problem E, two labels spread over the nearest neighbours of two noisy moons."""
    draw = np.random.RandomState(seed)
    angle, upper = np.pi * draw.rand(m), np.arange(m) % 2 == 0
    x = np.where(upper, np.cos(angle), 1.0 - np.cos(angle))
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle))
    points = np.stack([x, y], axis=1) + 0.2 * draw.randn(m, 2)
    distance = ((points[:, None] - points) ** 2).sum(axis=2)
    np.fill_diagonal(distance, np.inf)
    near = np.argpartition(distance, neighbours, axis=1)[:, :neighbours]
    W = _symmetric(np.repeat(np.arange(m), neighbours), near.ravel(), 1.0, m)
    labels = np.full(m, np.nan)
    known = draw.choice(m, labelled, replace=False)
    labels[known] = np.where(upper[known], 1.0, 2.0)
    return Composite(LabelPropagation(W, labels))


def _symmetric(i, j, weight, n):
    """Return the symmetric matrix with one weight at the pairs (i, j) and (j, i)."""
    W = csr_array((np.ones(i.size), (i, j)), shape=(n, n))
    W = W + W.T
    W.data[:] = weight
    return W
