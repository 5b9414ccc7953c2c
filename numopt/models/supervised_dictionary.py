"""Dictionary learning whose codes also predict labels."""

import numpy as np

from numopt.core.errors import ProblemError
from numopt.models.factorisation import (
    DictionaryLearning,
    number,
    real_data,
    relative_change,
)

NEWTON_STEPS = 20
ROUNDS = 5  # of bounds of the logistic loss in one minimisation over the codes


class SupervisedDictionary(DictionaryLearning):
    """Signals as combinations of few atoms, by which labels are predicted linearly.

        minimise |Y - D A'|_F^2 / 2 + lam |A|_1 + mu sum_(i, c) loss(T_ic, w_c'a_i) + nu |W|_F^2 / 2

    subject to |d_k| <= 1 for each atom; the loss is (t - z)^2 / 2, or log(1 + exp(-t z)).

    Parameters
    ----------
    Y : array_like, shape (m, N)
        A signal in each column.
    labels : array_like, shape (N,) or (N, q)
        Targets T; -1 and 1 for the logistic loss, where several columns are one class against the
        rest each.
    n_atoms : int
    lam, mu, nu : float
        Not negative; `nu` positive.
    loss : {"logistic", "squares"}

    Raises
    ------
    InputTypeError, ProblemError
        As for `DictionaryLearning`.

    Notes
    -----
    For the codes the logistic loss is bounded by parabolas that touch it at the current margin z
    and have curvature tanh(z/2) / (2z), at most 1/4 and far less where labels are predicted well;
    so both terms are one quadratic function for each code, and a code step never raises the
    objective. W comes from ridge regression or Newton's method. Result: ``dictionary`` D (m, k),
    ``codes`` A (N, k) and ``weights`` W (q, k).

    References
    ----------
    .. [1] J. Mairal, F. Bach, J. Ponce, G. Sapiro, A. Zisserman, Supervised Dictionary Learning,
       NIPS 2008.
    .. [2] T. Jaakkola, M. Jordan, Bayesian Parameter Estimation via Variational Methods, Statistics
       and Computing 10, 2000 (the bound of the logistic loss).
    """

    names = ("dictionary", "codes", "weights")

    def __init__(self, Y, labels, n_atoms, lam=0.0, mu=1.0, nu=1e-2, loss="logistic"):
        super().__init__(Y, n_atoms, lam)
        T = np.asarray(labels)
        self.T = real_data(T[:, None] if T.ndim == 1 else T, "labels")
        if self.T.shape[0] != self.Y.shape[1]:
            raise ProblemError(f"`labels` must have {self.Y.shape[1]} rows, got shape {T.shape}")
        if loss not in ("logistic", "squares"):
            raise ProblemError(f"`loss` must be 'logistic' or 'squares', got {loss!r}")
        self.logistic = loss == "logistic"
        if self.logistic and not np.all(np.abs(self.T) == 1.0):
            raise ProblemError("`labels` must hold -1 and 1 only for the logistic loss")
        self.mu, self.nu = number(mu, "mu"), number(nu, "nu")
        if self.nu == 0.0:
            raise ProblemError("`nu` must be positive")
        self.shapes = (*self.shapes, (self.T.shape[1], self.shapes[0][1]))
        self.n += self.T.shape[1] * self.shapes[0][1]
        self.curvature = 0.25 if self.logistic else 1.0
        self.rounds = ROUNDS if self.logistic else 1

    def draw(self, rng):
        """Return signals as atoms, with codes and weights zero."""
        return (*super().draw(rng), np.zeros(self.shapes[2]))

    def sweep(self, factors):
        """Return the factors after a minimisation over codes, atoms and weights."""
        D, A, W = factors
        A = self._coded(D, A, W)
        return self._learned(D, A), A, self._weighed(A, W)

    def _predicted(self, D, A, W):
        Z = A @ W.T
        H = self.mu * (_tight_curvature(Z) if self.logistic else np.ones_like(Z))
        return W, H, self.Y.T @ D + (H * Z - self.mu * self._slope(Z)) @ W

    def _quadratic(self, D, A, W):
        """Return G and B of a quadratic bound a'Ga/2 - b'a of the codes' terms, with one G."""
        c = self.mu * self.curvature
        Z = A @ W.T
        targets = Z - self._slope(Z) / self.curvature
        return D.T @ D + c * W.T @ W, self.Y.T @ D + c * targets @ W

    def _slope(self, Z):
        if self.logistic:
            return -self.T / (1.0 + np.exp(self.T * Z))
        return Z - self.T

    def _loss(self, Z):
        if self.logistic:
            return np.logaddexp(0.0, -self.T * Z).sum(axis=0)
        return 0.5 * np.sum((Z - self.T) ** 2, axis=0)

    def _weighed(self, A, W):
        """Return the weights after minimisation over them, by Newton's method for each label."""
        W = W.copy()
        for c in range(W.shape[0]):
            W[c] = self._newton(A, W[c], c)
        return W

    def _newton(self, A, w, c):
        for _ in range(NEWTON_STEPS):
            slope, bend = self._derivatives(A @ w, c)
            gradient = self.mu * A.T @ slope + self.nu * w
            H = self.mu * A.T @ (bend[:, None] * A) + self.nu * np.eye(w.size)
            step = -np.linalg.solve(H, gradient)
            new = self._searched(A, w, step, gradient @ step, c)
            if new is w or not self.logistic:
                return new
            w = new
        return w

    def _derivatives(self, z, c):
        if not self.logistic:
            return z - self.T[:, c], np.ones_like(z)
        p = 1.0 / (1.0 + np.exp(self.T[:, c] * z))
        return -self.T[:, c] * p, p * (1.0 - p)

    def _searched(self, A, w, step, slope, c):
        """Return the point along a Newton step that lowers the objective enough, or w itself."""
        start, length = self._weight_value(A, w, c), 1.0
        while length > 1e-8 and -slope > 1e-14 * (1.0 + abs(start)):
            new = w + length * step
            if self._weight_value(A, new, c) <= start + 1e-4 * length * slope:
                return new
            length /= 2
        return w

    def _weight_value(self, A, w, c):
        z, t = A @ w, self.T[:, c]
        fit = np.logaddexp(0.0, -t * z).sum() if self.logistic else 0.5 * np.sum((z - t) ** 2)
        return self.mu * fit + 0.5 * self.nu * w @ w

    def value(self, factors):
        """Return the objective."""
        D, A, W = factors
        fit = self.mu * self._loss(A @ W.T).sum() + 0.5 * self.nu * np.sum(W**2)
        return super().value((D, A)) + fit

    def residual(self, factors):
        """Return the largest relative change of a factor in a step of proximal gradients."""
        _, A, W = factors
        gradient = self.mu * self._slope(A @ W.T).T @ A + self.nu * W
        L = self.mu * self.curvature * np.sum(A**2) + self.nu
        return max(super().residual(factors), relative_change(W, W - gradient / L))


def _tight_curvature(Z):
    """Return tanh(z/2) / (2z), the least curvature of a parabola above log(1 + exp(-z)) from z."""
    size = np.maximum(np.abs(Z), 1e-4)  # 1/4 to all digits below
    return np.tanh(0.5 * size) / (2.0 * size)
