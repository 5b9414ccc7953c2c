"""Matrix games.

    min_x max_y   y'Ax        x and y in simplices: mixed strategies

Only the part of A that acts on differences of strategies matters: A less its row and column means
has the same solutions and often a norm that is a hundred times smaller, and steps are as long as
the norm is small. Value and gap are those of A itself.
"""

import numpy as np

from numopt.linalg.coupling import centred
from numopt.linalg.projections import simplex
from numopt.models.saddle import BilinearProblem, checked_coupling


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
        self.A = checked_coupling(A, "A")
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

    def fields(self, point):
        """Return the problem's own fields of a result."""
        return super().fields(point) | {"gap": self.gap(point)}
