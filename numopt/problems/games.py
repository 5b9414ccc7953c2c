"""Matrix games and saddle points with known answers or known difficulties."""

import numpy as np

from numopt.models.games import MatrixGame
from numopt.models.inclusion import Inclusion
from numopt.models.saddle import SaddlePoint

DECAY = 0.8  # of the policeman's chance with distance


class Policeman:
    """The matrix w_j (1 - exp(-decay |i - j|)) by its products, in O(n) time and memory.

    Parameters
    ----------
    w : ndarray, shape (n,)
        Wealth of the houses.
    decay : float
    """

    def __init__(self, w, decay=DECAY):
        self.w, self.ratio = w, np.exp(-decay)
        self.shape = (w.size, w.size)

    def _missed(self, v):
        """Return sum_j (1 - ratio^|i - j|) v_j for all i."""
        from scipy.signal import lfilter

        forward, backward = (lfilter([1.0], [1.0, -self.ratio], u) for u in (v, v[::-1]))
        return v.sum() - (forward + backward[::-1] - v)

    def matvec(self, x):
        """Return the product with x, shape (n,)."""
        return self._missed(self.w * x)

    def rmatvec(self, y):
        """Return the product of the transpose with y, shape (n,)."""
        return self.w * self._missed(y)


def policeman(n=500, seed=1, structured=False, decay=DECAY):
    """Return the game of a policeman (rows) and a burglar (columns) in a street of n houses.

        A_ij = w_j (1 - exp(-decay |i - j|)),   w_j = |normal|

    Parameters
    ----------
    n, seed : int
        The value for n = 500 and seed 1 is 0.001891482838.
    structured : bool
        By products in O(n) instead of a matrix.

    References
    ----------
    .. [1] Y. Nesterov, A. Nemirovski, On first-order algorithms for l1/nuclear norm minimization,
       Acta Numerica 22, 2013.
    """
    w = np.abs(np.random.RandomState(seed).randn(n))
    if structured:
        return MatrixGame(Policeman(w, decay))
    i = np.arange(n)
    return MatrixGame(w * (1.0 - np.exp(-decay * np.abs(i[:, None] - i))))


def nemirovski(n=500, difference=False, exponent=2.0):
    """Return the game of ((i + j - 1) / (2n - 1))^exponent, or with |i - j| + 1 instead.

    Parameters
    ----------
    n : int
    difference : bool
    exponent : float
        With 1, and a sum, the centred matrix is zero.
    """
    i = np.arange(1, n + 1)
    distance = np.abs(i[:, None] - i) + 1 if difference else i[:, None] + i - 1
    return MatrixGame((distance / (2 * n - 1)) ** exponent)


def gaussian(n=500, seed=0):
    """Return a game with independent normal payoffs."""
    return MatrixGame(np.random.default_rng(seed).standard_normal((n, n)))


def _quadratic_data(n):
    i = np.arange(n)
    A, b, h = np.zeros((n, n)), np.full(n, 0.25), np.zeros(n)
    A[i, n - 1 - i], A[i[:-1], n - 2 - i[:-1]], h[-1] = 0.25, -0.25, 0.25
    return A, b, h


def quadratic_saddle_point(n=200):
    """Return the problem of `quadratic_saddle` as a saddle point whose quadratic term is proximal.

    min_x max_y   x'Hx / 2 - h'x - y'(Ax - b)
    """
    A, b, h = _quadratic_data(n)
    values, V = np.linalg.eigh(2.0 * A.T @ A)

    def prox(v, t):
        return V @ ((V.T @ (v + t * h)) / (1.0 + t * values))

    return SaddlePoint(-A, prox, q=b, x0=np.full(2 * n, 1.0 / n))


def quadratic_saddle(n=200):
    """Return a hard quadratic saddle point as a finite sum of n components.

        F(x, y) = (Hx - h - A'y, Ax - b),   H = 2 A'A,   b = 1/4,   h = e_n / 4

    A has 1/4 on its antidiagonal and -1/4 next to it. Component i has row i of A alone.

    References
    ----------
    .. [1] Y. Ouyang, Y. Xu, Lower complexity bounds of first-order methods for convex-concave
       bilinear saddle-point problems, Mathematical Programming 185, 2021.
    """
    A, b, h = _quadratic_data(n)

    def rows(idx, u):
        x, y = u[:n], u[n:]
        inner, scale = A[idx] @ x, n / len(idx)
        dual = np.zeros(n)
        np.add.at(dual, idx, scale * (inner - b[idx]))
        return np.concatenate([scale * ((2.0 * inner - y[idx]) @ A[idx]) - h, dual])

    def difference(idx, u, v):
        d = rows(idx, u - v)
        return d + np.concatenate([h, np.bincount(idx, b[idx], n) * n / len(idx)])

    def F(u):
        inner = A @ u[:n]
        return np.concatenate([(2.0 * inner - u[n:]) @ A - h, inner - b])

    return Inclusion(
        F, lambda v, t: v, np.full(2 * n, 1.0 / n), F_batch=rows, F_diff=difference, n=n
    )
