"""Matrix games.

    min_x max_y   y'Ax        x and y in simplices: mixed strategies

Only the part of A that acts on differences of strategies matters: A less its row and column means
has the same solutions and often a norm that is a hundred times smaller, and steps are as long as
the norm is small. Value and gap are those of A itself.
"""

from typing import Any

import numpy as np

from numopt.linalg.coupling import centred
from numopt.linalg.projections import simplex
from numopt.models.monotone import Certified
from numopt.models.saddle import BilinearProblem, checked_coupling

GUESSES = 10  # of better strategies in a row
GAIN = 0.5  # factor by which each must reduce the gap
LARGEST = 1000  # strategies on a side for which a system is solved


class MatrixGame(BilinearProblem):
    """A matrix game: x chooses a column and pays A_ij, y chooses a row and receives it.

        min_x max_y   y'Ax     subject to   x >= 0, sum x = 1,  y >= 0, sum y = 1

    Parameters
    ----------
    A : array_like, sparse matrix or LinearOperator, shape (m, n)
        For a LinearOperator, or an object with ``shape``, ``matvec`` and ``rmatvec``, memory is
        O(m + n).
    x0 : array_like, shape (n + m,), optional
        Start point (x, y); uniform strategies by default.

    Attributes
    ----------
    K : object
        A less its row and column means, which is what methods work with.

    Raises
    ------
    ProblemError
        For an `A` that is not a matrix, or whose entries or products are not finite.

    Notes
    -----
    Results have ``primal`` (x), ``dual`` (y), ``fun`` (the value y'Ax) and ``gap``, which bounds
    the error of the value: min_j (A'y)_j <= value of the game <= max_i (Ax)_i.

    Examples
    --------
    >>> game = numopt.MatrixGame([[0, 1, -1], [-1, 0, 1], [1, -1, 0]])
    >>> res = numopt.solve(game, [1, 0, 0, 0, 1, 0])
    >>> res.success, res.primal.round(5), abs(res.fun) < 1e-6
    (True, array([0.33333, 0.33333, 0.33333]), True)
    """

    with_gap = True

    def __init__(self, A, x0=None):
        super().__init__()
        self.A: Any = checked_coupling(A, "A")
        self.K, self.q, self.p = centred(self.A)
        self._sized()
        m, n = self.K.shape
        self.x0 = np.concatenate([np.full(n, 1.0 / n), np.full(m, 1.0 / m)])
        self.x0 = self.start(x0)

    def prox_x(self, v, t):
        """Return the proximal map of f with step t."""
        return simplex(v, t)

    def prox_y(self, v, t):
        """Return the proximal map of h with step t."""
        return simplex(v, t)

    def payoffs(self, point):
        """Return A x and A'y."""
        (x, y), (to_x, to_y) = self.split(point.u), self.split(point.F)
        # F is of the centred matrix: the constants that centring takes away are added again.
        shift = float(self.q.mean())
        return self.p @ x - shift - to_y, self.q @ y - shift + to_x

    def objective(self, point):
        """Return what `res.fun` shows."""
        return float(self.split(point.u)[1] @ self.payoffs(point)[0])

    def gap(self, point):
        """Return the duality gap."""
        Ax, Aty = self.payoffs(point)
        return float(Ax.max() - Aty.min())

    # -- from nearly optimal strategies to exact ones ----------------------------------------

    def purified(self, point):
        """Return a point of smaller gap on the strategies that a point uses, or None.

        Two guesses: only the nearly best responses among them are used, in the old proportions;
        and, if both players use equally many, each makes the other indifferent between them. The
        first is exact where an equilibrium is degenerate, the second where it is not.
        """
        best = point
        for _ in range(GUESSES):
            gap = self.gap(best)
            if gap <= 0.0:
                break
            found = min(self._guesses(best, gap), key=self.gap)
            if not self.gap(found) <= GAIN * gap:
                break
            best = found
        if best is point:
            return None
        v = self.resolvent(best.u - best.F, 1.0)
        return Certified(v, self.operator(v), best.u - best.F - v)

    def _guesses(self, point, gap):
        (x, y), (Ax, Aty) = self.split(point.u), self.payoffs(point)
        near = x * (Aty <= Aty.min() + gap), y * (Ax >= Ax.max() - gap)
        for u in (near, self._indifferent(np.flatnonzero(y > 0.0), np.flatnonzero(x > 0.0))):
            if u is not None:
                u = np.concatenate([part / part.sum() for part in u])
                yield Certified(u, self.operator(u), None)

    def _indifferent(self, rows, columns):
        """Return strategies on some rows and columns that make all of them equally good, or None.

        A_IJ x_J = v,  sum x_J = 1,      A_IJ' y_I = v,  sum y_I = 1
        """
        k = rows.size
        if k != columns.size or k > LARGEST or not self.A.rows_known:
            return None
        system, right = np.zeros((k + 1, k + 1)), np.zeros(k + 1)
        system[:k, :k] = self.A.block(rows, columns)
        system[:k, k], system[k, :k], right[k] = -1.0, 1.0, 1.0
        try:
            x, y = (np.linalg.solve(side, right)[:k] for side in (system, _transposed(system)))
        except np.linalg.LinAlgError:
            return None
        if min(x.min(), y.min()) < 0.0:
            return None
        m, n = self.A.shape
        return np.bincount(columns, x, n), np.bincount(rows, y, m)

    def fields(self, point):
        """Return the problem's own fields of a result."""
        return super().fields(point) | {"gap": self.gap(point)}


def _transposed(system):
    """Return the bordered system of the other player: the block transposed, the border kept."""
    other = system.copy()
    other[:-1, :-1] = system[:-1, :-1].T
    return other
