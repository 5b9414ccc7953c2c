"""Scores by which the next block is chosen; larger is better. Pure functions of arrays.

G is the gradient of the smooth part, L_j and L_b bounds of its Lipschitz constants along one
coordinate and inside one block, H_b a bound of the Hessian of a block. Of a fixed partition

    gs    |G_b|^2                 gsd   sum_j G_j^2 / L_j
    gsl   |G_b|^2 / L_b           gsq   G_b' H_b^-1 G_b

and of variable blocks the coordinates with the largest |G_j| (gs), |G_j| / sqrt(D_j) (gsl: D is a
row sum of |H|; gsd: L_j), or a sparse minimiser of the quadratic model (gsq). With a term g_b

    gs-s   distance of -G_b to the subdifferential of g_b at x_b
    gs-r   |prox(x_b - G_b / L_b) - x_b|,     gsl-r   the same times sqrt(L_b)
    gs-q   the decrease of G_b'd + L_b |d|^2 / 2 + g_b(x_b + d) at its minimiser d

All of these vanish at a minimiser, and only there.
"""

import numpy as np

from numopt.solvers.bcd.update import solve_positive

SMOOTH = ("gs", "gsl", "gsd", "gsq")
PROXIMAL = ("gs-s", "gs-r", "gsl-r", "gs-q")
BLIND = ("random", "cyclic", "shuffle", "lipschitz")  # no gradient but that of the chosen block
THRESHOLDINGS = 10
THRESHOLD_TOLERANCE = 1e-10


def weighed(G, D):
    """Return |G_j| / sqrt(D_j), and 0 where D_j is 0, shape (n,)."""
    return np.divide(np.abs(G), np.sqrt(D), out=np.zeros(G.size), where=D > 0.0)


def block_scores(rule, G, partition, L, L_b, norm=2):
    """Return the scores of the fixed blocks by a smooth rule other than gsq.

    Parameters
    ----------
    rule : {"gs", "gsl", "gsd"}
        Name.
    G, L : ndarray, shape (n,)
        Gradient and constants of the coordinates.
    partition : Partition
        Blocks.
    L_b : ndarray, shape (number of blocks,)
        Constants of the blocks.
    norm : {1, 2}
        1 ranks by sums of |G_j| instead of their squares, as the published experiments do.

    Returns
    -------
    ndarray, shape (number of blocks,)
    """
    sizes = weighed(G, L) if rule == "gsd" else np.abs(G)
    sums = partition.sums(sizes**norm)
    if rule != "gsl":
        return sums
    return np.divide(sums, L_b ** (norm / 2), out=np.zeros(len(partition)), where=L_b > 0.0)


class QuadraticScores:
    """The scores G_b' H_b^-1 G_b of fixed blocks; the inverses are computed once.

    Parameters
    ----------
    partition : Partition
        Blocks.
    bound : callable
        ``bound(b) ->`` H_b, shape (|b|, |b|).
    """

    def __init__(self, partition, bound):
        sizes = np.array([block.size for block in partition])
        self.groups = []
        for size in np.unique(sizes):
            members = np.flatnonzero(sizes == size)
            inverses = [solve_positive(bound(partition[k]), np.eye(size)) for k in members]
            blocks = np.stack([partition[k] for k in members])
            self.groups.append((members, blocks, np.stack(inverses)))
        self.count = len(partition)

    def __call__(self, G):
        """Return the scores, shape (number of blocks,)."""
        scores = np.empty(self.count)
        for members, blocks, inverses in self.groups:
            scores[members] = np.einsum("ki,kij,kj->k", G[blocks], inverses, G[blocks])
        return scores


def largest(scores, size):
    """Return the indices of the `size` largest scores, sorted."""
    if size >= scores.size:
        return np.arange(scores.size)
    return np.sort(np.argpartition(scores, scores.size - size)[scores.size - size :])


def sparse_model_block(G, product, curvature, block, d):
    """Return the block of a sparse minimiser of G'd + d'H d / 2, by iterative hard thresholding.

    Parameters
    ----------
    G : ndarray, shape (n,)
        Gradient.
    product : callable
        ``product(d) -> H d``.
    curvature : float
        Upper bound of the eigenvalues of H.
    block, d : ndarray, shape (b,)
        Start: a block and the minimiser of the model on it. The model at the returned block is
        never worse, for no step of the iteration increases it.

    Returns
    -------
    ndarray of int, shape (b,)

    References
    ----------
    .. [1] T. Blumensath, M. Davies, Iterative Thresholding for Sparse Approximations,
       J. Fourier Anal. Appl. 14, 2008.
    """
    full = np.zeros(G.size)
    full[block] = d
    for _ in range(THRESHOLDINGS):
        moved = full - (G + product(full)) / curvature
        block = largest(np.abs(moved), block.size)
        new = np.zeros(G.size)
        new[block] = moved[block]
        change, full = np.abs(new - full).max(), new
        if change < THRESHOLD_TOLERANCE:
            break
    return block
