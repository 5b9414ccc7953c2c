"""Newton systems of transport: S y = h with S = diag(c) - P' diag(r)^-1 P and P given by rows."""

import numpy as np
from scipy.sparse import csr_matrix, diags_array

from numopt.linalg.array_schur import array_schur_solve

LEAST_REST = 1e-14  # of the diagonal beyond the links, relative to c: keeps S from being singular
MOST_FILL = 4_000_000  # entries of S above which it is not factorised


def schur_solve(kept, r, c, h, rtol, maxiter):
    """Solve S y = h by conjugate gradients, or directly where they do not get there.

    Parameters
    ----------
    kept : Kept
        Entries of P: ``indptr``, ``indices`` (empty if P is dense), ``data``; or those of an array
        of another library, see `numopt.linalg.array_schur`.
    r, c : ndarray, shapes (n,) and (m,)
        Row and column sums of the whole plan, so that S is positive semidefinite whichever entries
        were left out of P.
    h : ndarray, shape (m,)
    rtol : float
        Residual relative to h, in the 1-norm.
    maxiter : int
        Most iterations. Where they do not suffice, or curvature is lost in rounding, S is
        factorised; the last iterate is returned if its factor would be large.

    Returns
    -------
    y : ndarray, shape (m,)
    iterations : int
    """
    if hasattr(kept, "xp"):
        return array_schur_solve(kept, r, c, h, rtol, maxiter)
    from numopt.kernels.schur import conjugate_gradients, schur_diagonal

    P = (kept.indptr, kept.indices, kept.data)
    y = np.empty_like(h)
    diagonal = schur_diagonal(*P, r, c)
    iterations, solved = conjugate_gradients(*P, r, c, h, diagonal, rtol, maxiter, y)
    if not solved:
        y = _direct(kept, r, c, h, y)
    return y, iterations


def _direct(kept, r, c, h, y):
    """Return the solution by a factorisation, or y if that is out of reach.

    The diagonal of S is put together from what its rows contain besides, so that links between
    parts of the plan survive that are far below rounding of the diagonal itself.
    """
    P = _matrix(kept, r.size, c.size)
    if P is None:
        return y
    W = P.T @ (P * (1.0 / r)[:, None] if isinstance(P, np.ndarray) else P.multiply(1 / r[:, None]))
    rest = np.maximum(c - np.asarray(W.sum(axis=1)).ravel(), LEAST_REST * c)
    solve = _dense_solve if isinstance(W, np.ndarray) else _sparse_solve
    try:
        solution = solve(W, rest, h)
    except (RuntimeError, np.linalg.LinAlgError):  # singular: parts of the plan share no entry
        return y
    return solution if np.isfinite(solution).all() else y


def _matrix(kept, n, m):
    """Return P, or None if the factor of S would be large."""
    if not kept.indices.size:
        return kept.data.reshape(n, m) if m * m <= MOST_FILL else None
    P = csr_matrix((kept.data, kept.indices.astype(np.int32), kept.indptr), (n, m))
    return P if (np.diff(P.indptr).astype(float) ** 2).sum() <= MOST_FILL else None


def _dense_solve(W, rest, h):
    from scipy.linalg import cho_factor, cho_solve

    np.fill_diagonal(W, 0.0)
    return cho_solve(cho_factor(np.diag(W.sum(axis=1) + rest) - W), h)


def _sparse_solve(W, rest, h):
    from scipy.sparse.linalg import splu

    W = W.tocsc()
    W.setdiag(0.0)
    S = diags_array(np.asarray(W.sum(axis=1)).ravel() + rest) - W
    options = {"SymmetricMode": True}
    return splu(S.tocsc(), "MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options).solve(h)
