"""The matrix of a bilinear term y'Kx: dense, sparse, or known by its products only."""

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix, issparse

PROBES = 16  # random vectors by which norms of rows and columns are estimated
THIN = 1e-4  # least norm of a row or column, relative to the largest, that counts


class Dense:
    """A matrix that is stored.

    Parameters
    ----------
    K : ndarray, shape (m, n)
    """

    rows_known = True

    def __init__(self, K):
        self.K = np.ascontiguousarray(K)
        self.shape = self.K.shape
        self._columns = None

    def times(self, x):
        """Return K x."""
        return self.K @ x

    def adjoint(self, y):
        """Return K'y."""
        return y @ self.K

    def some_rows(self, rows, weights):
        """Return sum_i weights_i K_i over some rows."""
        return weights @ self.K[rows]

    def some_columns(self, columns, weights):
        """Return the same for columns."""
        if self._columns is None:
            self._columns = np.ascontiguousarray(self.K.T)
        return weights @ self._columns[columns]

    def block(self, rows, columns):
        """Return the entries in some rows and columns."""
        return self.K[np.ix_(rows, columns)]

    def norms(self):
        """Return the Euclidean norms of rows and columns, shapes (m,) and (n,)."""
        squares = self.K**2
        return np.sqrt(squares.sum(axis=1)), np.sqrt(squares.sum(axis=0))


class Sparse:
    """A sparse matrix, by rows and by columns.

    Parameters
    ----------
    K : sparse matrix, shape (m, n)
    """

    rows_known = True

    def __init__(self, K):
        self.K, self.by_columns = csr_matrix(K, dtype=float), csc_matrix(K, dtype=float)
        self.shape = self.K.shape

    def times(self, x):
        """Return K x."""
        return self.K @ x

    def adjoint(self, y):
        """Return K'y."""
        return self.by_columns.T @ y

    def some_rows(self, rows, weights):
        """Return sum_i weights_i K_i over some rows."""
        return self.K[rows].T @ weights

    def some_columns(self, columns, weights):
        """Return the same for columns."""
        return self.by_columns[:, columns] @ weights

    def block(self, rows, columns):
        """Return the entries in some rows and columns."""
        return self.K[rows][:, columns].toarray()

    def norms(self):
        """Return the Euclidean norms of rows and columns, shapes (m,) and (n,)."""
        squares = self.K.multiply(self.K)
        return tuple(np.sqrt(np.asarray(squares.sum(axis=k)).ravel()) for k in (1, 0))


class Products:
    """A matrix of which products with vectors are all that is known.

    Parameters
    ----------
    K : LinearOperator
        Or an object with ``shape``, ``matvec`` and ``rmatvec``.
    """

    rows_known = False

    def __init__(self, K):
        self.K, self.shape = K, tuple(K.shape)

    def times(self, x):
        """Return K x."""
        return np.asarray(self.K.matvec(x), dtype=float)

    def adjoint(self, y):
        """Return K'y."""
        return np.asarray(self.K.rmatvec(y), dtype=float)

    def norms(self):
        """Return estimates of the Euclidean norms of rows and columns."""
        return estimated_norms(self)


class Centred:
    """K less its row and column means, as a matrix plus one of rank two; K is not changed.

    Parameters
    ----------
    K : Dense, Sparse or Products
    row_means, column_means : ndarray, shapes (m,) and (n,)
    """

    def __init__(self, K, row_means, column_means):
        self.K, self.r, self.c = K, row_means, column_means
        self.mean = float(row_means.mean())
        self.shape, self.rows_known = K.shape, K.rows_known

    def times(self, x):
        """Return the product with x."""
        total = x.sum()
        return self.K.times(x) - self.r * total - (self.c @ x - self.mean * total)

    def adjoint(self, y):
        """Return the product of the transpose with y."""
        total = y.sum()
        return self.K.adjoint(y) - self.c * total - (self.r @ y - self.mean * total)

    def some_rows(self, rows, weights):
        """Return sum_i weights_i K_i over some rows."""
        total = weights.sum()
        shift = self.r[rows] @ weights - self.mean * total
        return self.K.some_rows(rows, weights) - self.c * total - shift

    def some_columns(self, columns, weights):
        """Return the same for columns."""
        total = weights.sum()
        shift = self.c[columns] @ weights - self.mean * total
        return self.K.some_columns(columns, weights) - self.r * total - shift

    def norms(self):
        """Return estimates of the Euclidean norms of rows and columns."""
        return estimated_norms(self)


def coupling(K):
    """Return the matrix in the form that suits it."""
    if issparse(K):
        return Sparse(K)
    return Products(K) if hasattr(K, "matvec") else Dense(np.array(K, dtype=float))


def centred(K):
    """Return a matrix less its row and column means, its row means and its column means."""
    m, n = K.shape
    rows, columns = K.times(np.full(n, 1.0 / n)), K.adjoint(np.full(m, 1.0 / m))
    if isinstance(K, Dense):
        return Dense(K.K - rows[:, None] - columns + rows.mean()), rows, columns
    return Centred(K, rows, columns), rows, columns


def estimated_norms(K):
    """Return estimates of the norms of rows and columns from products with random signs."""
    rng, (m, n) = np.random.default_rng(0), K.shape
    rows, columns = np.zeros(m), np.zeros(n)
    for _ in range(PROBES):
        rows += K.times(rng.choice([-1.0, 1.0], size=n)) ** 2
        columns += K.adjoint(rng.choice([-1.0, 1.0], size=m)) ** 2
    return np.sqrt(rows / PROBES), np.sqrt(columns / PROBES)


def reciprocal(norms):
    """Return 1 / norms with geometric mean one; tiny norms count as `THIN` times the largest."""
    top = norms.max(initial=0.0)
    if top == 0.0:
        return np.ones_like(norms)
    logs = -np.log(np.maximum(norms, THIN * top))
    return np.exp(logs - logs.mean())


def spectral_norm(K, dx, dy, steps):
    """Return a lower bound of the norm of diag(dy)^1/2 K diag(dx)^1/2 by power iteration.

    Parameters
    ----------
    K : Dense, Sparse, Products or Centred
    dx, dy : ndarray, shapes (n,) and (m,)
    steps : int
        Each costs a product with K and one with its transpose.
    """
    v, norm = np.random.default_rng(0).standard_normal(K.shape[1]), 0.0
    rx, ry = np.sqrt(dx), np.sqrt(dy)
    for _ in range(steps):
        v /= np.linalg.norm(v)
        w = ry * K.times(rx * v)
        norm = float(np.linalg.norm(w))
        if norm == 0.0:
            break
        v = rx * K.adjoint(ry * w)
    return norm
