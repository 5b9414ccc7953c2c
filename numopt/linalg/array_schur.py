"""Newton systems of transport on arrays of any library with the array API.

The entries of P are a matrix of that library, or a list sorted by rows; sums over parts of the list
are differences of cumulative sums, as the array API has no other way to add by index.
"""

from typing import Any, NamedTuple

from numopt.kernels.arrays import on_host, placed


class DenseEntries(NamedTuple):
    """Entries of a plan, zero where they were left out."""

    xp: Any
    P: Any  # (n, m)

    @property
    def nnz(self):
        """Number of entries that are not zero."""
        return int(self.xp.sum(self.xp.astype(self.P > 0, self.xp.int64)))

    def product(self, x):
        """Return P x."""
        return self.xp.matmul(self.P, x)

    def transposed_product(self, y):
        """Return P'y."""
        return self.xp.matmul(self.P.T, y)

    def weighted_squares(self, weights):
        """Return the sums over i of ``weights_i P_ij^2``."""
        return self.xp.matmul(weights, self.P * self.P)


class ListedEntries(NamedTuple):
    """Entries of a plan as a list by rows, and their order by columns."""

    xp: Any
    data: Any  # (nnz,)
    rows: Any
    cols: Any
    row_ends: Any  # (n + 1,): where the rows begin and end
    by_column: Any  # (nnz,): a permutation
    col_ends: Any  # (m + 1,)

    @property
    def nnz(self):
        """Number of entries."""
        return self.data.shape[0]

    def product(self, x):
        """Return P x."""
        return self._sums(self.data * self.xp.take(x, self.cols), self.row_ends)

    def transposed_product(self, y):
        """Return P'y."""
        return self._by_column(self.data * self.xp.take(y, self.rows))

    def weighted_squares(self, weights):
        """Return the sums over i of ``weights_i P_ij^2``."""
        return self._by_column(self.data * self.data * self.xp.take(weights, self.rows))

    def _by_column(self, terms):
        return self._sums(self.xp.take(terms, self.by_column), self.col_ends)

    def _sums(self, terms, ends):
        xp = self.xp
        sums = xp.concat([xp.zeros_like(terms[:1]), xp.cumulative_sum(terms)])
        sums = xp.take(sums, ends)
        return sums[1:] - sums[:-1]


def listed(xp, blocks, shape):
    """Return the entries of blocks of rows as a list.

    Parameters
    ----------
    xp : module
        Their namespace.
    blocks : list of tuple
        Rows, columns and values of the entries of each block, ordered by rows.
    shape : tuple of int
        Of the whole matrix.
    """
    rows, cols, data = (xp.concat(parts) for parts in zip(*blocks, strict=True))
    by_column = xp.argsort(cols, stable=True)
    ends = []
    for size, sorted_index in zip(shape, (rows, xp.take(cols, by_column)), strict=True):
        marks = xp.astype(xp.arange(size + 1, device=data.device), rows.dtype)
        ends.append(xp.searchsorted(sorted_index, marks))
    return ListedEntries(xp, xp.astype(data, xp.float64), rows, cols, ends[0], by_column, ends[1])


def conjugate_gradients(entries, r, c, h, rtol, maxiter):
    """Solve ``(diag(c) - P' diag(r)^-1 P) y = h`` from 0 by its diagonal as preconditioner.

    Parameters
    ----------
    entries : DenseEntries or ListedEntries
        P.
    r, c, h : array
        Of the same library.
    rtol, maxiter
        As for `schur_solve`.

    Returns
    -------
    y : array, shape (m,)
    iterations : int
    """
    xp = entries.xp
    diagonal = xp.maximum(c - entries.weighted_squares(1.0 / r), 1e-12 * c)
    y, residual = xp.zeros_like(h), h
    p = z = residual / diagonal
    rho, target = xp.sum(residual * z), rtol * float(xp.sum(xp.abs(h)))
    for k in range(maxiter):
        if float(xp.sum(xp.abs(residual))) <= target:
            return y, k
        q = c * p - entries.transposed_product(entries.product(p) / r)
        curvature = xp.sum(p * q)
        if not float(curvature) > 0.0:
            return y, k
        step = rho / curvature
        y, residual = y + step * p, residual - step * q
        z = residual / diagonal
        rho_old, rho = rho, xp.sum(residual * z)
        p = z + rho / rho_old * p
    return y, maxiter


def array_schur_solve(entries, r, c, h, rtol, maxiter):
    """As `schur_solve`, by conjugate gradients alone; vectors come and go as NumPy arrays."""
    like = entries.P if isinstance(entries, DenseEntries) else entries.data
    r, c, h = placed(r, like), placed(c, like), placed(h, like)
    y, iterations = conjugate_gradients(entries, r, c, h, rtol, maxiter)
    return on_host(y), iterations
