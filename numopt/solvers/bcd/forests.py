"""Blocks on which the Hessian is a forest: systems are solved exactly in O(|b|).

    from the leaves to the roots:   D_p -= H_pi^2 / D_i,   v_p -= H_pi v_i / D_i
    from the roots to the leaves:   x_i = (v_i - H_ip x_p) / D_i,   p the parent of i

This is Gaussian belief propagation, of which two sweeps suffice on a tree.
"""

import numpy as np

from numopt.core.errors import ProblemError, Status, Stop


class CycleError(ProblemError):
    """The graph of a matrix on a block holds a cycle."""


class ForestSystem:
    """The systems H_bb x = v of one block of a sparse symmetric matrix H.

    Parameters
    ----------
    H : CSR matrix, shape (n, n)
        Symmetric.
    block : array_like of int, shape (b,)
        Distinct indices; the graph of H between them must be a forest.

    Raises
    ------
    CycleError
        If it is none.

    References
    ----------
    .. [1] J. Nutini, I. Laradji, M. Schmidt, Let's Make Block Coordinate Descent Converge Faster,
       JMLR 23(131), 2022: message passing.
    """

    def __init__(self, H, block):
        from numopt.kernels import forest

        block = np.ascontiguousarray(block, dtype=np.int64)
        b = block.size
        self.order, self.parent = np.empty(b, dtype=np.int64), np.empty(b, dtype=np.int64)
        self.weight, self.diagonal = np.empty(b), np.empty(b)
        outcome = forest.rooted(
            H.indptr, H.indices, H.data, block, np.full(H.shape[0], -1, dtype=np.int64),
            self.order, self.parent, self.weight, self.diagonal,
        )  # fmt: skip
        if outcome == forest.NOT_A_FOREST:
            raise CycleError(
                f"the graph of the Hessian on a block of {b} variables holds a cycle; "
                "choose blocks='forest', 'greedy_forest' or 'red_black'"
            )

    def solve(self, v):
        """Return the solution for the right-hand side v, shape (b,).

        Raises
        ------
        Stop
            With BREAKDOWN, if the matrix is not positive definite on this block.
        """
        from numopt.kernels import forest

        x = np.array(v, dtype=np.float64)
        if forest.eliminate(self.order, self.parent, self.weight, self.diagonal, x):
            raise Stop(Status.BREAKDOWN, "the Hessian is not positive definite on a block")
        return x
