"""Newton systems of transport: S y = h with S = diag(c) - P' diag(r)^-1 P and P given by rows."""

import numpy as np
from scipy.sparse import csr_matrix, diags_array

MOST_FILL = 4_000_000  # entries of S above which it is not factorised


def schur_solve(kept, r, c, h, rtol, maxiter):
    """Solve S y = h by conjugate gradients, or directly where they do not get there.

    Parameters
    ----------
    kept : Kept
        Entries of P: ``indptr``, ``indices`` (empty if P is dense), ``data``; or an array of
        another library in ``data``.
    r, c : ndarray, shapes (n,) and (m,)
        Row and column sums of the whole plan, so that S is positive semidefinite whichever entries
        were left out of P.
    h : ndarray, shape (m,)
    rtol : float
        Residual relative to h, in the 1-norm.
    maxiter : int
        Most iterations. Where they do not suffice, or curvature is lost in rounding, a sparse S is
        factorised; the last iterate is returned if its factor would be large.

    Returns
    -------
    y : ndarray, shape (m,)
    iterations : int
    """
    if not isinstance(kept.data, np.ndarray):
        from numopt.kernels import array_transport

        return array_transport.conjugate_gradients(kept.data, r, c, h, rtol, maxiter)
    from numopt.kernels.schur import conjugate_gradients, schur_diagonal

    P = (kept.indptr, kept.indices, kept.data)
    y = np.empty_like(h)
    diagonal = schur_diagonal(*P, r, c)
    iterations, solved = conjugate_gradients(*P, r, c, h, diagonal, rtol, maxiter, y)
    if not solved and kept.indices.size:
        y = _direct(kept, r, c, h, y)
    return y, iterations


def _direct(kept, r, c, h, y):
    """Return the solution by a sparse factorisation, or y if that is out of reach."""
    from scipy.sparse.linalg import splu

    P = csr_matrix((kept.data, kept.indices.astype(np.int32), kept.indptr), (r.size, c.size))
    if (np.diff(P.indptr).astype(float) ** 2).sum() > MOST_FILL:
        return y
    S = diags_array(c) - P.T @ P.multiply(1.0 / r[:, None]).tocsr()
    options = {"SymmetricMode": True}
    try:
        factor = splu(S.tocsc(), "MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options)
        solution = factor.solve(h)
    except RuntimeError:  # exactly singular: parts of the plan share no entry
        return y
    return solution if np.isfinite(solution).all() else y
