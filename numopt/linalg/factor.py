"""Factorisations of a symmetric indefinite matrix, with its inertia where that shows.

    K = L D L'        L unit lower triangular, D with blocks of size 1 and 2

By Sylvester's law the inertia of K is that of D. Each class has ``inertia`` and ``solve(b)``:

    DenseLDL             LAPACK, pivots of size 1 and 2
    FeralLDL             sparse, pivots of size 1 and 2; needs the package feral-solver
    QuasiDefiniteLDL     sparse, no pivoting, for quasi-definite matrices; needs qdldl
    SparseLU             SciPy; reveals the inertia only where no rows were exchanged
"""

from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.linalg.lapack import dsytrf, dsytrf_lwork, dsytrs  # pyright: ignore
from scipy.sparse import csc_matrix, issparse, triu
from scipy.sparse.linalg import splu

EPS = float(np.finfo(float).eps)
REMEMBERED = 2  # patterns of one run: each keeps the memory of its factors


class Inertia(NamedTuple):
    """Number of positive, negative and zero eigenvalues."""

    positive: int
    negative: int
    zero: int


class SingularKKTError(ArithmeticError):
    """The factorisation met an exactly zero pivot, or lost all accuracy."""


class DenseLDL:
    """LDL' of a dense symmetric matrix by LAPACK (Bunch and Kaufman), with its inertia.

    Parameters
    ----------
    K : ndarray, shape (k, k)
        Only the lower triangle is read.
    """

    def __init__(self, K):
        self._ldl, self._pivots, info = dsytrf(K, lower=1, lwork=_lwork(K.shape[0]))
        self.inertia = _inertia(self._ldl, self._pivots)
        if info:
            raise SingularKKTError

    def solve(self, b):
        """Return K^-1 b."""
        return dsytrs(self._ldl, self._pivots, b, lower=1)[0] if b.size else b


class SparseLU:
    """LU of a sparse symmetric matrix with pivots on the diagonal where that is possible.

    If no row was exchanged, L U is L D L' with D = diag(U), and the signs of D are the inertia
    (Sylvester); otherwise `inertia` is None.

    Parameters
    ----------
    K : csc_matrix, shape (k, k)
        The full matrix.
    """

    def __init__(self, K):
        try:
            options = {"SymmetricMode": True}
            self._lu = splu(K, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options)
        except RuntimeError:
            raise SingularKKTError from None
        self.inertia = None
        if np.array_equal(self._lu.perm_r, self._lu.perm_c):
            self.inertia = _signs(self._lu.U.diagonal())

    def solve(self, b):
        """Return K^-1 b."""
        return self._lu.solve(b)


class SparseLDL:
    """What the sparse factorisations with a reusable analysis share.

    The analysis of a pattern, and the memory of its factors, is kept in `backend` and may be handed
    on to the next matrix of this pattern. To solve with the earlier one after that factorises it
    again.

    Parameters
    ----------
    K : sparse matrix, shape (k, k)
    backend : Backend, optional
        Of an earlier matrix of the same pattern.
    """

    def __init__(self, K, backend=None):
        self._k, self._K = K.shape[0], self._stored(K)
        self.backend = backend or Backend()
        self._load()

    def solve(self, b):
        """Return K^-1 b."""
        if self.backend.holder is not self._K:
            self._load()
        return self.backend.solver.solve(b)

    def _load(self):
        known, self.backend.solver, self.backend.holder = self.backend.solver, None, None
        self.backend.solver = self._factorised(known)
        self.backend.holder = self._K

    def _stored(self, K):
        """Return the matrix in the form that the package takes."""
        raise NotImplementedError

    def _factorised(self, known):
        """Return the package's solver after a factorisation, `known` or a new one if it is None."""
        raise NotImplementedError


class Backend:
    """A solver of a package with the analysis of one pattern, and whose factors it holds."""

    solver: Any = None
    holder: Any = None


class FeralLDL(SparseLDL):
    """LDL' of a sparse symmetric matrix by feral (Bunch and Kaufman, multifrontal).

    Only the lower triangle is read. The analysis looks at the values, too, so it is made from those
    of a definite matrix of the same pattern: the factors of K must not depend on what came before.
    """

    def _stored(self, K):
        if not np.isfinite(K.data).all():
            raise SingularKKTError
        K = K.tocoo()
        low = K.row >= K.col
        self._places = K.row[low].astype(np.int64), K.col[low].astype(np.int64)
        return self._matrix(K.shape[0], K.data[low])

    def _matrix(self, k, values):
        import feral  # pyright: ignore

        return feral.CscMatrix.from_triplet(k, *self._places, values)

    def _analysed(self, k):
        import feral  # pyright: ignore

        rows, cols = self._places
        degrees = np.bincount(rows, minlength=k) + np.bincount(cols, minlength=k)
        # One thread: the order of the sums, and with it the last bits, must not depend on luck.
        solver = feral.Solver(parallel=False)
        with suppress(feral.FeralError):  # singular, if there is no diagonal: the analysis stands
            solver.factor(self._matrix(k, np.where(rows == cols, degrees[rows], 1.0)))
        return solver

    def _factorised(self, known):
        import feral  # pyright: ignore

        solver = known or self._analysed(self._k)
        try:
            status, inertia = solver.factor(self._K)
        except feral.FeralError:
            raise SingularKKTError from None
        if status != feral.FactorStatus.SUCCESS:
            raise SingularKKTError
        self.inertia = Inertia(*inertia.as_tuple())
        return solver


class QuasiDefiniteLDL(SparseLDL):
    """LDL' of a sparse symmetric matrix in an order that is fixed beforehand, without pivoting.

    Every order works for a quasi-definite matrix (Vanderbei 1995); for others the factors can be
    useless, which the residual of a solve tells. Only the upper triangle is read; the whole
    diagonal must be stored.
    """

    def _stored(self, K):
        return csc_matrix(triu(K))

    def _factorised(self, known):
        import qdldl  # pyright: ignore

        solver = known
        try:
            if solver is None:
                solver = qdldl.Solver(self._K, upper=True)
            else:
                solver.update(self._K, upper=True)
        except RuntimeError:
            raise SingularKKTError from None
        d = solver.factors()[1]
        if not d.all():  # `update` says nothing of a zero pivot
            raise SingularKKTError
        self.inertia = _signs(d)
        return solver


class Cholesky:
    """Cholesky factors of a dense positive definite matrix.

    Parameters
    ----------
    K : ndarray, shape (k, k)
        Only the lower triangle is read.
    """

    def __init__(self, K):
        try:
            self._factor = cho_factor(K, lower=True)
        except (LinAlgError, ValueError):
            raise SingularKKTError from None
        d = np.abs(self._factor[0].diagonal())
        if d.size and not d.min() > EPS * d.max():
            raise SingularKKTError
        self.inertia = Inertia(K.shape[0], 0, 0)

    def solve(self, b):
        """Return K^-1 b."""
        return cho_solve(self._factor, b)


class Analyses:
    """The analyses of the latest few patterns, so that each pattern is analysed once.

    One object serves one run: it must not be shared between threads.
    """

    def __init__(self):
        self._known = []  # (kind, indptr, indices, backend), the latest one last
        self.made = 0

    def factor(self, kind, K):
        """Factorise the sparse matrix K (CSC, sorted), by the analysis of its pattern if known.

        Raises
        ------
        SingularKKTError
            If K is singular to working precision.
        """
        if not issubclass(FACTORS[kind], SparseLDL):
            return FACTORS[kind](K)
        place = self._place(kind, K)
        if place is None:
            self.made += 1
            place = kind, K.indptr, K.indices, Backend()
        others = [other for other in self._known if other is not place]
        self._known = [*others[-REMEMBERED + 1 :], place]
        return FACTORS[kind](K, place[-1])

    def _place(self, kind, K):
        for place in self._known:
            same = place[0] == kind and np.array_equal(place[1], K.indptr)
            if same and np.array_equal(place[2], K.indices):
                return place
        return None


FACTORS = {"dense": DenseLDL, "feral": FeralLDL, "qdldl": QuasiDefiniteLDL, "lu": SparseLU}


@cache
def importable(name):
    """Return whether an optional package can be imported."""
    try:
        import_module(name)
    except ImportError:
        return False
    return True


def _canonical(K):
    K.sum_duplicates()
    return K


def _signs(d):
    return Inertia(int((d > 0.0).sum()), int((d < 0.0).sum()), int((d == 0.0).sum()))


def _inertia(ldl, pivots):
    """Count signs: a 2 x 2 pivot of Bunch and Kaufman has one eigenvalue of each sign."""
    single = pivots > 0
    d = ldl.diagonal()[single]
    pairs = (pivots.size - d.size) // 2
    positive, negative = int((d > 0.0).sum()), int((d < 0.0).sum())
    return Inertia(positive + pairs, negative + pairs, d.size - positive - negative)


def _lwork(k, _cache={}):  # noqa: B006 - a cache
    if k not in _cache:
        _cache[k] = int(dsytrf_lwork(k, lower=1)[0])
    return _cache[k]


def sparse_kind():
    """Return the best sparse factorisation that is installed: "feral", "qdldl" or "lu"."""
    return next((kind for kind in ("feral", "qdldl") if importable(kind)), "lu")


def positive_definite(S, analyses=None):
    """Factorise a positive definite array or sparse matrix, by a known analysis of its pattern.

    Raises
    ------
    SingularKKTError
        If it is not positive definite to working precision.
    """
    if not issparse(S):
        return Cholesky(S)
    factor = (analyses or Analyses()).factor(sparse_kind(), _canonical(csc_matrix(S)))
    if factor.inertia not in (None, Inertia(S.shape[0], 0, 0)):
        raise SingularKKTError
    return factor
