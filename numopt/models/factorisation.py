"""Products of matrices fitted to data: dictionaries, nonnegative factors, incomplete matrices.

All are minimised over one factor at a time, with the others fixed: each problem offers these
minimisations as `sweep`. None of them raises the objective, which is not convex: what is found is
a stationary point.
"""

from typing import Any

import numpy as np
from scipy.sparse import coo_array, issparse

from numopt.core.errors import InputTypeError, ProblemError
from numopt.models.inputs import real_vector
from numopt.models.problem import Problem

PASSES = 20  # over the codes of a signal in one sweep
TINY = float(np.finfo(np.float64).tiny)


class Factorisation(Problem):
    """Base of the problems whose variables are matrices.

    Attributes
    ----------
    names : tuple of str
        Names of the factors in a result.
    shapes : tuple of tuple of int
        Their shapes; a vector x consists of them one after the other, row by row.
    """

    kind = "factorisation"
    names: tuple[str, ...] = ()

    def __init__(self, shapes):
        super().__init__()
        self.shapes = tuple(shapes)
        self.n = sum(rows * columns for rows, columns in self.shapes)

    def start(self, x0=None, strict=False):
        """Return the start point; None leaves it to `draw`."""
        return None if x0 is None else super().start(x0, strict)

    def split(self, x):
        """Return the factors of which a vector consists."""
        ends = np.cumsum([rows * columns for rows, columns in self.shapes])
        parts = zip(np.split(x, ends[:-1]), self.shapes, strict=True)
        return tuple(part.reshape(shape) for part, shape in parts)

    def draw(self, rng):
        """Return factors to start from."""
        raise NotImplementedError

    def admissible(self, factors):
        """Return the nearest factors that satisfy the constraints."""
        return factors

    def sweep(self, factors):
        """Return the factors after a minimisation over each."""
        raise NotImplementedError

    def value(self, factors):
        """Return the objective."""
        raise NotImplementedError

    def residual(self, factors):
        """Return the largest relative change of a factor in a step of projected gradients."""
        raise NotImplementedError

    def fun(self, factors):
        """Return the objective, which counts as an evaluation."""
        self.spend("fun")
        return float(self.value(factors))

    def present(self, result):
        """Return a result with the factors under their names."""
        if result.x.ndim:  # none, if an error came before the first factors
            result.update(zip(self.names, self.split(result.x), strict=True))
        return result


class DictionaryLearning(Factorisation):
    """Signals as combinations of few atoms.

        minimise |Y - D A'|_F^2 / 2 + lam |A|_1   subject to   |d_k| <= 1 for each atom

    Parameters
    ----------
    Y : array_like, shape (m, N)
        A signal in each column.
    n_atoms : int
    lam : float
        Not negative.
    positive, positive_atoms : bool
        Demand A >= 0, D >= 0.

    Raises
    ------
    InputTypeError, ProblemError
        For data that are not finite real numbers, and parameters out of range.

    Notes
    -----
    A sweep costs O(N k (m + k)): minimisation over each code by coordinates, with the Gram matrix
    D'D, then over each atom in closed form. An atom that no signal uses becomes the signal that is
    approximated worst. Result: ``dictionary`` D (m, k) and ``codes`` A (N, k).

    References
    ----------
    .. [1] J. Mairal, F. Bach, J. Ponce, G. Sapiro, Online Dictionary Learning for Sparse Coding,
       ICML 2009 (algorithm 2, the update of atoms).

    Examples
    --------
    >>> Y = np.repeat(np.eye(3)[:, :2], 5, axis=1)
    >>> res = numopt.minimize(numopt.DictionaryLearning(Y, 2, lam=0.1), rng=0)
    >>> np.abs(res.dictionary).sum(axis=0).round(3)
    array([1., 1.])
    """

    names = ("dictionary", "codes")

    def __init__(self, Y, n_atoms, lam=0.0, positive=False, positive_atoms=False):
        self.Y = real_data(Y, "Y")
        k = count(n_atoms, "n_atoms")
        super().__init__([(self.Y.shape[0], k), (self.Y.shape[1], k)])
        self.lam = number(lam, "lam")
        self.positive, self.positive_atoms = bool(positive), bool(positive_atoms)
        self.energy = 0.5 * float(np.sum(self.Y**2))

    def draw(self, rng):
        """Return signals as atoms, with codes zero."""
        (m, k), (N, _) = self.shapes[:2]
        D = self.Y[:, rng.choice(N, k, replace=k > N)] + 1e-3 * rng.standard_normal((m, k))
        return self._atoms(D / np.maximum(np.linalg.norm(D, axis=0), TINY)), np.zeros((N, k))

    def admissible(self, factors):
        """Return factors with atoms in the unit ball, and nonnegative where demanded."""
        D, A, *others = factors
        return self._atoms(D), np.maximum(A, 0.0) if self.positive else A, *others

    def sweep(self, factors):
        """Return the factors after a minimisation over each code and each atom."""
        A = self._coded(*factors)
        return self._learned(factors[0], A), A

    def _quadratic(self, D, A):
        """Return G and B such that a'Ga/2 - b'a are the smooth terms of each code."""
        return D.T @ D, self.Y.T @ D

    def _coded(self, D, A, *others):
        """Return codes improved by coordinates."""
        from numopt.kernels.factorisation import code_passes

        A = A.copy()
        for _ in range(self.rounds):
            W, H, B = self._predicted(D, A, *others)
            B = np.ascontiguousarray(B)
            code_passes(D.T @ D, W, H, B, self.lam, self.positive, PASSES, A)
        return A

    rounds = 1  # of bounds that touch the codes' terms, and minimisation of them

    def _predicted(self, D, A):
        """Return W, H and B: a'(D'D + W' diag(h) W)a/2 - b'a bounds the smooth terms of each code.

        Here it is them, without any W (q, k) and H (N, q).
        """
        (_, k), (N, _) = self.shapes[:2]
        return np.empty((0, k)), np.empty((N, 0)), self.Y.T @ D

    def _learned(self, D, A):
        """Return the dictionary after minimisation over each atom in turn."""
        D, B, C = D.copy(), self.Y @ A, A.T @ A
        for k in np.flatnonzero(np.diag(C) > 0.0):
            D[:, k] = self._atoms(D[:, k] + (B[:, k] - D @ C[:, k]) / C[k, k])
        return self._revived(D, A, np.flatnonzero(np.diag(C) == 0.0))

    def _revived(self, D, A, dead):
        """Return the dictionary with atoms that are not used replaced by signals."""
        if dead.size:
            R = self.Y - D @ A.T
            errors = np.linalg.norm(R, axis=0)
            worst = np.argsort(-errors, kind="stable")[: dead.size]
            worst = worst[errors[worst] > 0.0]
            norms = np.linalg.norm(self.Y[:, worst], axis=0)
            D[:, dead[: worst.size]] = self._atoms(self.Y[:, worst] / norms)
        return D

    def _atoms(self, D):
        """Return the nearest admissible atoms."""
        D = np.maximum(D, 0.0) if self.positive_atoms else D
        return D / np.maximum(np.linalg.norm(D, axis=0), 1.0)

    def value(self, factors):
        """Return the objective."""
        D, A = factors
        return 0.5 * np.sum((self.Y - D @ A.T) ** 2) + self.lam * np.abs(A).sum()

    def residual(self, factors):
        """Return the largest relative change of a factor in a step of proximal gradients."""
        D, A, *others = factors
        G, B = self._quadratic(D, A, *others)
        atoms = relative_change(D, self._atom_step(D, A))
        return max(atoms, relative_change(A, self._code_step(A, G, B)))

    def _atom_step(self, D, A):
        """Return the atoms after a step of projected gradients with a constant for each."""
        C = A.T @ A
        L = np.where(np.diag(C) > 0.0, np.diag(C), np.inf)
        return self._atoms(D + (self.Y @ A - D @ C) / L)

    def _code_step(self, A, G, B):
        """Return the codes after a step of proximal gradients with a constant for each atom."""
        L = np.maximum(np.diag(G), TINY)
        U = A + (B - A @ G) / L
        shrunk = np.maximum(np.abs(U) - self.lam / L, 0.0)
        codes = np.where(U > 0.0, shrunk, 0.0 if self.positive else -shrunk)
        return np.where(np.diag(G) > 0.0, codes, 0.0)


class NonnegativeFactorisation(DictionaryLearning):
    """A nonnegative matrix as a product of nonnegative factors.

        minimise |Y - D A'|_F^2 / 2   subject to   D >= 0, A >= 0

    Parameters
    ----------
    Y : array_like, shape (m, N)
        Not negative.
    rank : int

    Notes
    -----
    The columns of D are kept in the unit ball, which changes nothing but the scale. The closed-form
    minimisation over one column after the other is known as HALS. Result: ``dictionary`` D (m, k)
    and ``codes`` A (N, k).

    References
    ----------
    .. [1] A. Cichocki, A.-H. Phan, Fast Local Algorithms for Large Scale Nonnegative Matrix and
       Tensor Factorizations, IEICE Transactions E92-A, 2009.

    Examples
    --------
    >>> Y = np.outer([1.0, 2.0], [3.0, 0.0, 1.0])
    >>> res = numopt.minimize(numopt.NonnegativeFactorisation(Y, 1), rng=0)
    >>> np.allclose(res.dictionary @ res.codes.T, Y)
    True
    """

    def __init__(self, Y, rank):
        super().__init__(Y, rank, positive=True, positive_atoms=True)
        if (self.Y < 0.0).any():
            raise ProblemError("`Y` must not be negative")

    def draw(self, rng):
        """Return signals as atoms, with codes that fit them by themselves."""
        D, _ = super().draw(rng)
        return D, np.maximum(self.Y.T @ D, 0.0) / D.shape[1]


class MatrixCompletion(Factorisation):
    """A matrix of low rank from some of its entries.

        minimise sum_(i, j) (Y_ij - u_i'v_j)^2 / 2 + ridge (|U|_F^2 + |V|_F^2) / 2

    over the given entries (i, j).

    Parameters
    ----------
    Y : sparse matrix, or array_like with NaN where unknown, shape (m, n)
        Stored zeros of a sparse matrix are entries.
    rank : int
    ridge : float
        Positive.

    Notes
    -----
    Alternating least squares: a sweep solves m and then n ridge regressions, in O(q k^2 + (m + n)
    k^3) for q entries. Result: ``left`` U (m, k) and ``right`` V (n, k).

    References
    ----------
    .. [1] Y. Zhou, D. Wilkinson, R. Schreiber, R. Pan, Large-scale Parallel Collaborative Filtering
       for the Netflix Prize, AAIM 2008.

    Examples
    --------
    >>> Y = np.array([[1.0, 2.0], [2.0, np.nan]])
    >>> res = numopt.minimize(numopt.MatrixCompletion(Y, 1, ridge=1e-6), rng=0)
    >>> round(float(res.left[1] @ res.right[1]), 2)
    4.0
    """

    names = ("left", "right")

    def __init__(self, Y, rank, ridge=0.1):
        entries = _entries(Y)
        self.rows, self.columns = entries.tocsr(), entries.T.tocsr()
        self.i, self.j = entries.coords
        self.values = entries.data
        k = count(rank, "rank")
        super().__init__([(side, k) for side in entries.shape])
        self.ridge = number(ridge, "ridge")
        if self.ridge == 0.0:
            raise ProblemError("`ridge` must be positive")

    def draw(self, rng):
        """Return random factors of the scale of the data."""
        scale = np.sqrt(np.abs(self.values).mean() / self.shapes[0][1])
        return tuple(scale * rng.standard_normal(shape) for shape in self.shapes)

    def sweep(self, factors):
        """Return the factors after a regression of each row and each column."""
        _, V = factors
        U = self._regressed(self.rows, V)
        return U, self._regressed(self.columns, U)

    def _regressed(self, Y, F):
        from numopt.kernels.factorisation import ridge_rows

        W = np.empty((Y.shape[0], F.shape[1]))
        ridge_rows(Y.indptr, Y.indices, Y.data, np.ascontiguousarray(F), self.ridge, W)
        return W

    def value(self, factors):
        """Return the objective."""
        U, V = factors
        error = self.values - np.einsum("ek,ek->e", U[self.i], V[self.j])
        return 0.5 * (error @ error) + 0.5 * self.ridge * (np.sum(U**2) + np.sum(V**2))

    def residual(self, factors):
        """Return the largest relative change of a factor in a regression."""
        U, V = factors
        return max(
            relative_change(U, self._regressed(self.rows, V)),
            relative_change(V, self._regressed(self.columns, U)),
        )


def relative_change(old, new):
    """Return the distance of two factors, relative to their norms."""
    size = max(np.linalg.norm(old), np.linalg.norm(new), TINY)
    return float(np.linalg.norm(new - old) / size)


def real_data(Y, name):
    """Return dense data as a matrix of finite numbers in float64."""
    if isinstance(Y, (np.ma.MaskedArray, np.matrix)) or issparse(Y):
        raise InputTypeError(f"`{name}` is a {type(Y).__name__}; pass a plain array")
    A = np.asarray(Y)
    if A.dtype.kind not in "biuf":
        raise InputTypeError(f"`{name}` must hold real numbers, got dtype {A.dtype}")
    if A.ndim != 2 or 0 in A.shape:
        raise ProblemError(f"`{name}` must be a matrix with entries, got shape {A.shape}")
    if not np.isfinite(A).all():
        raise ProblemError(f"`{name}` must hold finite numbers only")
    return A.astype(np.float64)


def _entries(Y) -> Any:
    """Return the entries of an incomplete matrix as a COO array."""
    if not issparse(Y):
        known = ~np.isnan(np.asarray(Y, dtype=np.float64))
        Y = real_data(np.where(known, Y, 0.0), "Y")
        i, j = np.nonzero(known)
        entries = coo_array((Y[i, j], (i, j)), shape=Y.shape)
    else:
        entries = coo_array(Y, copy=True)
        entries.sum_duplicates()
    entries.data = real_vector(entries.data, "Y", finite=True)
    if entries.nnz == 0:
        raise ProblemError("`Y` has no entry")
    return entries


def count(value, name):
    """Return a positive integer, or say what is wrong with it."""
    if not hasattr(value, "__index__") or isinstance(value, bool) or value < 1:
        raise ProblemError(f"`{name}` must be a positive integer, got {value!r}")
    return int(value)


def number(value, name):
    """Return a finite number that is not negative, or say what is wrong with it."""
    number = float(real_vector(value, name, n=1, finite=True)[0])
    if number < 0.0:
        raise ProblemError(f"`{name}` must not be negative, got {value!r}")
    return number
