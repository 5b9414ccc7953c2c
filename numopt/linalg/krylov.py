"""Krylov methods for KKT systems that are too large to factorise.

    [ H    G'       ] (p)   (top)         H (n, n) by its products,  G (m, n)
    [ G   -delta_c I] (y) = (bottom)

``minres`` needs nothing of H but symmetry; its preconditioner is

    diag(Bhat, S),   S = G Bhat^-1 G' + delta_c I,      Bhat positive definite, close to H:

with Bhat = H and delta_c = 0 there are three different eigenvalues, hence three steps (Murphy,
Golub and Wathen 2000). ``projected_cg`` stays on G p = bottom by the preconditioner
[[Bhat, G'], [G, 0]] (Gould, Hribar and Nocedal 2001), needs H to be positive definite on the null
space of G, and says so where it is not.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csc_matrix, diags, eye, issparse
from scipy.sparse.linalg import spilu, splu

from numopt.linalg.factor import EPS, SingularKKTError, positive_definite

SMALLEST_DIAGONAL = 1e-8  # of Bhat, relative to its largest entry
DROP, FILL = 1e-3, 10.0  # of incomplete factors: smallest entry, and size relative to the matrix
FIRST_RAISE, RAISE, LARGEST_RAISE = 1e-3, 4.0, 1e3  # of a diagonal, relative to its row
SYMMETRIC = {"SymmetricMode": True}
DENSE_SCHUR = 500  # a Schur complement of at most this size is a dense matrix
BREAKDOWN = 100 * EPS  # entries of the tridiagonal matrix below this are zero
PROGRESS = 0.5  # a restart must reduce the true residual by this factor


class Krylov(NamedTuple):
    """Outcome of an iterative solve.

    Attributes
    ----------
    p, y : ndarray, shape (n,) and (m,)
        The solution so far.
    residual : tuple of float
        2-norms of the true residual, top and bottom block.
    steps : int
        Products with H of the iteration.
    converged : bool
        Whether both blocks of the residual are at their targets.
    curvature : float
        p'Hp, from the last product.
    negative : ndarray or None
        A direction d in the null space of G with d'Hd <= 0 up to rounding, if one was met; (n,).
    """

    p: Any
    y: Any
    residual: tuple
    steps: int
    converged: bool
    curvature: float = 0.0
    negative: Any = None


class Diagonal:
    """Bhat as the positive part of a diagonal.

    Parameters
    ----------
    d : ndarray, shape (n,)
        Diagonal of H; signs are dropped and small entries raised.
    """

    def __init__(self, d):
        d = np.abs(d)
        self.d = np.maximum(d, max(SMALLEST_DIAGONAL * d.max(initial=0.0), np.finfo(float).tiny))

    def solve(self, r):
        """Return Bhat^-1 r."""
        return r / self.d

    def schur(self, G):
        """Return G Bhat^-1 G', shape (m, m)."""
        return G @ (diags(1.0 / self.d) @ G.T if issparse(G) else G.T / self.d[:, None])


class IncompleteCholesky:
    """Bhat = L D L' out of the incomplete factors of a sparse matrix.

    Entries of L below `DROP` are dropped. Where a pivot is not positive, the diagonal of the matrix
    is raised and the factorisation done again (Manteuffel 1980).

    Parameters
    ----------
    B : sparse matrix, shape (n, n)
        Symmetric.

    Raises
    ------
    SingularKKTError
        If no raise of the diagonal helps.
    """

    def __init__(self, B):
        self._size = Diagonal(np.ravel(abs(B).sum(axis=1)))
        self.diagonal = Diagonal(B.diagonal())
        shift = 0.0
        while shift < LARGEST_RAISE:
            if self._factorised(B + diags(shift * self._size.d)):
                return
            shift = max(FIRST_RAISE, RAISE * shift)
        raise SingularKKTError

    def solve(self, r):
        """Return Bhat^-1 r, for r of shape (n,) or (n, k)."""
        z = np.empty_like(r, dtype=float)
        z[self._order] = r
        z = self._L.solve(z)
        z = self._L.solve((z.T / self._d).T, "T")
        return z[self._order]

    def schur(self, G):
        """Return G diag(B)^-1 G', shape (m, m): close to what it should be, and sparse."""
        return self.diagonal.schur(G)

    def _factorised(self, B):
        """Factorise, and return whether all pivots are positive and on the diagonal."""
        natural = {"permc_spec": "NATURAL", "diag_pivot_thresh": 0.0}
        try:
            order = {"permc_spec": "MMD_AT_PLUS_A", "diag_pivot_thresh": 0.0}
            ilu = spilu(csc_matrix(B), drop_tol=DROP, fill_factor=FILL, **order, options=SYMMETRIC)
        except RuntimeError:
            return False
        self._d, self._order = ilu.U.diagonal(), ilu.perm_r
        if not (self._d > 0.0).all() or not np.array_equal(ilu.perm_r, ilu.perm_c):
            return False
        self._L = splu(csc_matrix(ilu.L), **natural, options=SYMMETRIC)
        return True


class SchurPreconditioner:
    """Both preconditioners that Bhat and its Schur complement make.

    Parameters
    ----------
    Bhat : Diagonal or Nystrom
        With ``solve(r)`` and ``schur(G)``.
    G : ndarray or sparse matrix, shape (m, n)
    delta_c : float
        Regularisation of S.

    Raises
    ------
    SingularKKTError
        If S is singular to working precision.
    """

    def __init__(self, Bhat, G, delta_c=0.0):
        self.Bhat, self.G, self.delta_c = Bhat, G, delta_c
        m = G.shape[0]
        S = Bhat.schur(G)
        if issparse(S) and m > DENSE_SCHUR:
            self._S = positive_definite(S + delta_c * eye(m))
        else:
            S = S.toarray() if issparse(S) else S
            self._S = positive_definite(S + delta_c * np.eye(m))

    def diagonal_solve(self, r):
        """Return diag(Bhat, S)^-1 r for r of shape (n + m,)."""
        n = self.G.shape[1]
        return np.concatenate([self.Bhat.solve(r[:n]), self._S.solve(r[n:])])

    def constraint_solve(self, top, bottom):
        """Return (p, y) with [[Bhat, G'], [G, -delta_c I]] (p, y) = (top, bottom)."""
        y = self._S.solve(self.G @ self.Bhat.solve(top) - bottom)
        return self.Bhat.solve(top - self.G.T @ y), y


def minres(H, G, top, bottom, preconditioner, targets, maxiter=1000, delta_c=0.0):
    """Solve a KKT system by MINRES, until both blocks of the true residual are small.

    Parameters
    ----------
    H : callable
        ``H(v)``, the product with the first block, shape (n,).
    G : ndarray or sparse matrix, shape (m, n)
    top, bottom : ndarray, shape (n,) and (m,)
        Right-hand side.
    preconditioner : SchurPreconditioner
    targets : tuple of float
        Largest 2-norms of the two blocks of the residual.
    maxiter : int
        Largest number of steps, each one product with H and one preconditioner solve.
    delta_c : float
        Regularisation of the second row.

    Returns
    -------
    Krylov

    Notes
    -----
    The residual follows a recurrence of its own (K w along with each direction w) and is
    recomputed at the end; if rounding has made them differ the method starts again from there.
    Paige and Saunders 1975; Elman, Silvester and Wathen, algorithm 4.1.
    """
    n = top.size

    def K(z):
        return np.concatenate([H(z[:n]) + G.T @ z[n:], G @ z[:n] - delta_c * z[n:]])

    def small(r):
        return np.linalg.norm(r[:n]) <= targets[0] and np.linalg.norm(r[n:]) <= targets[1]

    b = np.concatenate([top, bottom])
    z, r, steps = np.zeros_like(b), b, 0
    while not small(r) and steps < maxiter:
        before = np.linalg.norm(r)
        dz, made = _minres_cycle(K, r, preconditioner.diagonal_solve, small, maxiter - steps)
        steps += made
        trial = b - K(z + dz)
        if not np.linalg.norm(trial) < before:
            break
        z, r = z + dz, trial
        if np.linalg.norm(r) > PROGRESS * before:
            break
    norms = float(np.linalg.norm(r[:n])), float(np.linalg.norm(r[n:]))
    p, y = z[:n], z[n:]
    return Krylov(p, y, norms, steps, bool(small(r)), _curvature(p, y, G, top, r[:n]))


def _minres_cycle(K, b, precondition, small, maxiter):
    """Return (z, steps): MINRES for K z = b from zero until `small` holds for b - K z."""
    z, r = np.zeros_like(b), b.copy()
    v_old, v, u = np.zeros_like(b), b, precondition(b)
    w_old = w = Kw_old = Kw = np.zeros_like(b)
    gamma_old, gamma = 1.0, _root(u @ v)
    eta, size = gamma, 0.0
    c_old = c = 1.0
    s_old = s = 0.0
    for step in range(1, maxiter + 1):
        u = u / gamma
        q = K(u)
        delta = q @ u
        v_old, v = v, q - (delta / gamma) * v - (gamma / gamma_old) * v_old
        q_u = u
        u = precondition(v)
        gamma_old, gamma = gamma, _root(u @ v)
        size = max(size, abs(delta), gamma)
        a0 = c * delta - c_old * s * gamma_old
        a1 = np.hypot(a0, gamma)
        a2, a3 = s * delta + c_old * c * gamma_old, s_old * gamma_old
        if not a1 > BREAKDOWN * size:  # singular, and nothing more of b is in its range
            return z, step
        c_old, c, s_old, s = c, a0 / a1, s, gamma / a1
        w_old, w = w, (q_u - a3 * w_old - a2 * w) / a1
        Kw_old, Kw = Kw, (q - a3 * Kw_old - a2 * Kw) / a1
        z += (c * eta) * w
        r -= (c * eta) * Kw
        eta = -s * eta
        if small(r) or not gamma > BREAKDOWN * size:
            return z, step
    return z, maxiter


def _root(square):
    return float(np.sqrt(max(square, 0.0)))


def projected_cg(H, top, bottom, preconditioner, targets, maxiter=1000):
    """Solve a KKT system with delta_c = 0 by conjugate gradients on G p = bottom.

    Parameters
    ----------
    H, top, bottom, targets, maxiter
        As in `minres`.
    preconditioner : SchurPreconditioner
        Holds G; its delta_c should be 0 or tiny: G p = bottom is met to that accuracy.

    Returns
    -------
    Krylov
        With `negative` if a direction of no positive curvature was met; p is then the point
        before it.
    """
    G = preconditioner.G
    p, y = preconditioner.constraint_solve(np.zeros_like(top), bottom)
    if bottom.any():  # once more, for the rounding errors and a delta_c
        p = p + preconditioner.constraint_solve(np.zeros_like(top), bottom - G @ p)[0]
    Hp = H(p) if p.any() else np.zeros_like(top)
    y = preconditioner.constraint_solve(top - Hp, np.zeros_like(bottom))[1]
    r = top - Hp - G.T @ y
    g, v = preconditioner.constraint_solve(r, np.zeros_like(bottom))
    d, steps, negative = g, 0, None
    square = r @ g
    while np.linalg.norm(r) > targets[0] and steps < maxiter and square > 0.0:
        Hd = H(d)
        steps += 1
        curvature = d @ Hd
        if not curvature > EPS * np.linalg.norm(d) * np.linalg.norm(Hd):
            negative = d
            break
        alpha = square / curvature
        p = p + alpha * d
        r = r - alpha * Hd
        g, v = preconditioner.constraint_solve(r, np.zeros_like(bottom))
        # r and r - G'v have the same projection; the smaller one keeps its digits.
        y, r = y + v, r - G.T @ v
        square, old = r @ g, square
        d = g + (square / old) * d
    if steps:
        r = top - H(p) - G.T @ y
    norms = float(np.linalg.norm(r)), float(np.linalg.norm(bottom - G @ p))
    good = norms[0] <= targets[0] and norms[1] <= targets[1]
    curvature = _curvature(p, y, G, top, r)
    return Krylov(p, y, norms, steps, good, curvature, negative)


def _curvature(p, y, G, top, r):
    """Return p'Hp, where r = top - H p - G'y."""
    return float(p @ (top - G.T @ y - r))
