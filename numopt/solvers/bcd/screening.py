"""Gap-safe screening: columns whose variables are zero in every solution are left out for good.

    theta   the dual point of a pass over the columns, within R = sqrt(2 L gap) of the best one
    |X_j'theta| + R |X_j| < lam_j    =>    x_j = 0

L bounds the second derivatives of the loss with respect to a row of X x, weights included.

References
----------
.. [1] E. Ndiaye, O. Fercoq, A. Gramfort, J. Salmon, Gap Safe Screening Rules for Sparsity Enforcing
   Penalties, JMLR 18(128), 2017.
"""

import numpy as np

from numopt.models.design import Design

WORTH = 0.5  # the columns left are gathered when they are at most this share of those before
ROUNDING = 1e-13  # of F: a smaller gap is not to be seen


class Screening:
    """The columns that are left, and products with them.

    Parameters
    ----------
    columns : Columns
        The norms of columns left out are set to zero, so that no working set takes them.
    wanted : bool
    """

    def __init__(self, columns, wanted):
        loss, penalty = columns.loss, columns.penalty
        able = penalty.dual and not columns.grouped and loss.k == 1
        self.wanted = wanted and able and np.isfinite(loss.curvature)
        self.columns, self.design, self.kept = columns, columns.design, None
        self.bound = loss.curvature * (1.0 if loss.s is None else loss.s.max(initial=0.0))

    def slopes(self, residual):
        """Return X'residual, flattened; zero for columns left out."""
        g = self.design.tdot(residual if self.columns.k > 1 else residual[:, 0]).ravel()
        if self.kept is None:
            return g
        full = np.zeros(self.columns.n)
        full[self.kept] = g
        return full

    def screen(self, at):
        """Leave out what a point with its certificate tells about."""
        if not self.wanted:
            return
        columns = self.columns
        gap = max(at.fun - at.dual, 0.0) + ROUNDING * abs(at.fun)
        reach = at.scale * np.abs(at.grad) + np.sqrt(2.0 * self.bound * gap) * columns.norms
        out = (reach < columns.penalty.lam) & (at.point.x == 0.0)
        columns.norms[out] = 0.0
        left = np.flatnonzero(columns.norms)
        if left.size <= WORTH * self.design.shape[1]:
            scale = columns.design.scale
            scale = None if scale is None else scale[left]
            self.design, self.kept = Design(columns.design.X[:, left], scale), left
