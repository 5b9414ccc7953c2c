"""Scores by which the next block is chosen; larger is better. Pure functions of arrays.

G is the gradient of the smooth part, L_j and L_b bounds of its Lipschitz constants along one
coordinate and inside one block, H_b a bound of the Hessian of a block. Of a fixed partition

    gs    |G_b|^2                 gsd   sum_j G_j^2 / L_j
    gsl   |G_b|^2 / L_b           gsq   G_b' H_b^-1 G_b
    gsc   sum_j of the decrease of the cubic model G_j d + H_j d^2 / 2 + M_j |d|^3 / 6

with the second derivative H_j at the point and a bound M_j of the third; and of variable blocks the
coordinates with the largest |G_j| (gs), |G_j| / sqrt(D_j) (gsl: D is a row sum of |H|; gsd: L_j),
decrease (gsc), or a sparse minimiser of the quadratic model (gsq). With a term g_b

    gs-s   distance of -G_b to the subdifferential of g_b at x_b
    gs-r   |prox(x_b - G_b / L_b) - x_b|,     gsl-r   the same times sqrt(L_b)
    gs-q   the decrease of G_b'd + L_b |d|^2 / 2 + g_b(x_b + d) at its minimiser d

All of these vanish at a minimiser, and only there.
"""

import numpy as np

from numopt.solvers.bcd.update import solve_positive

SMOOTH = ("gs", "gsl", "gsd", "gsq", "gsc")
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


def cubic_decrease(G, H, M):
    """Return -min_d (G_j d + H_j d^2 / 2 + M_j |d|^3 / 6) for each variable, shape (n,).

    Parameters
    ----------
    G, H, M : ndarray, shape (n,)
        First derivatives, second ones, and bounds of the third, the last two not negative. Where
        both of these vanish the variable has no part in the function, and no score.
    """
    g = np.abs(G)
    root = H + np.sqrt(H**2 + 2.0 * M * g)
    t = np.divide(2.0 * g, root, out=np.zeros(g.size), where=root > 0.0)
    return g * t - 0.5 * H * t**2 - M * t**3 / 6.0


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


def sparse_model_block(G, product, L, block, d):
    """Return the block of a sparse minimiser of G'd + d'H d / 2, by iterative hard thresholding.

    Parameters
    ----------
    G, L : ndarray, shape (n,)
        Gradient, and constants of the coordinates.
    product : callable
        ``product(d) -> H d``.
    block, d : ndarray, shape (b,)
        Start: a block and the minimiser of the model on it. The model falls at least as low on the
        block that is returned.

    Returns
    -------
    ndarray of int, shape (b,)

    Notes
    -----
    Variables are measured by sqrt(L_j), which brings the diagonal of H to one, and step lengths
    are exact along the slope on its largest entries: the largest eigenvalue of H says little about
    the curvature along sparse directions.

    References
    ----------
    .. [1] T. Blumensath, M. Davies, Normalized Iterative Hard Thresholding: Guaranteed Stability
       and Performance, IEEE J. Sel. Topics Signal Process. 4, 2010.
    """
    size, unit = block.size, np.divide(1.0, np.sqrt(L), out=np.zeros(L.size), where=L > 0.0)
    full = np.zeros(G.size)
    full[block] = d
    best, lowest = block, np.inf
    for _ in range(THRESHOLDINGS + 1):
        curved = product(full)
        value = G @ full + 0.5 * (full @ curved)
        if value < lowest:
            best, lowest = block, value
        slope = unit * (G + curved)
        step = slope * _exact_length(slope, unit, product, size)
        moved = full * np.sqrt(L) - step
        block = largest(np.abs(moved), size)
        new = np.zeros(G.size)
        new[block] = unit[block] * moved[block]
        change, full = np.abs(new - full).max(), new
        if change < THRESHOLD_TOLERANCE:
            break
    return best


def _exact_length(slope, unit, product, size):
    """Return the step length that minimises the model along the largest entries of the slope."""
    block = largest(np.abs(slope), size)
    v = np.zeros(slope.size)
    v[block] = slope[block]
    curvature = (unit * v) @ product(unit * v)
    return (v @ v) / curvature if curvature > 0.0 else 0.0


def unit_scores(rule, x, G, L, penalty, units):
    """Return the scores of all units by a rule that knows the penalty, shape (units.count,).

    Parameters
    ----------
    rule : {"gs-s", "gs-r", "gsl-r", "gs-q"}
        Name.
    x, G : ndarray, shape (n,)
        Point and gradient of the smooth part.
    L : ndarray, shape (units.count,)
        Constants of the units, or of the blocks that they belong to.
    penalty : Penalty
        Of the problem.
    units : Units
        Of this penalty.
    """
    if rule == "gs-s":
        return penalty.distance(G, x)
    L = np.where(L > 0.0, L, 1.0)
    each = units.spread(L)
    y = penalty.prox(x - G / each, 1.0 / each)
    d = y - x
    if rule == "gs-q":
        model = units.sums(G * d + 0.5 * each * d**2) + penalty.change(x, y)
        return np.maximum(0.0, -model)
    moves = np.sqrt(units.sums(d**2))
    return moves if rule == "gs-r" else np.sqrt(L) * moves


def joined(rule, scores, partition):
    """Return the scores of fixed blocks of units from those of the units."""
    if rule == "gs-q":
        return partition.sums(scores)
    return np.sqrt(partition.sums(scores**2))
