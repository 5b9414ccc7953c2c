"""Inclusions with known structure: sparse regression, classification, saddle points, markets."""

from typing import Any

import numpy as np

from numopt.models.finite_sum import FiniteSum, Term
from numopt.models.inclusion import Inclusion
from numopt.models.saddle import SaddlePoint


def lasso(n=4000, d=100, seed=0, weight=0.01, ridge=0.0):
    """Return a lasso, or an elastic net: half of the true coefficients are zero.

    Parameters
    ----------
    n, d, seed : int
    weight : float
        Of the 1-norm, relative to the smallest at which the solution is zero.
    ridge : float
    """
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((n, d))
    truth = np.where(np.arange(d) % 2, rng.standard_normal(d), 0.0)
    b = A @ truth + 0.1 * rng.standard_normal(n)
    top = np.abs(A.T @ b).max() / n
    return FiniteSum(A, b, "squared", Term("l1", weight * top), ridge=ridge)


def logistic(n=100_000, d=20, seed=0, decay=1.0, weight=0.01):
    """Return logistic regression with a 1-norm; column j of the data is scaled by j^-decay."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((n, d)) * np.arange(1.0, d + 1.0) ** -decay
    truth = rng.standard_normal(d)
    truth[rng.permutation(d)[: d // 2]] = 0.0
    b = np.where(rng.uniform(size=n) < 1.0 / (1.0 + np.exp(-A @ truth)), 1.0, -1.0)
    top = np.abs(A.T @ b).max() / (2 * n)
    return FiniteSum(A, b, "logistic", Term("l1", weight * top))


def auc(n=500, d=20, seed=0, ridge=0.1):
    """Return maximisation of the area under the ROC curve as a finite-sum saddle point.

        min_{w, a, b} max_c  mean_i  (1 - p) (w'x_i - a)^2 [pos] + p (w'x_i - b)^2 [neg]
                             + 2 (1 + c) (p w'x_i [neg] - (1 - p) w'x_i [pos])
                             - p (1 - p) c^2 + ridge/2 |w|^2

    p is the share of positive labels.

    References
    ----------
    .. [1] Y. Ying, L. Wen, S. Lyu, Stochastic online AUC maximization, NeurIPS 2016.
    """
    rng = np.random.default_rng(seed)
    positive = rng.uniform(size=n) < 0.3
    X = rng.standard_normal((n, d)) + np.where(positive, 0.5, 0.0)[:, None]
    p = positive.mean()
    share = np.where(positive, 1.0 - p, p)

    def batch(idx, u):
        w, means, c = u[:d], u[d : d + 2], u[d + 2]
        scores, pos, q = X[idx] @ w, positive[idx], share[idx]
        sign = np.where(pos, -1.0, 1.0)
        error = scores - np.where(pos, means[0], means[1])
        grad_w = (2.0 * q * (error + (1.0 + c) * sign)) @ X[idx] / len(idx) + ridge * w
        grad_a, grad_b = (-2.0 * np.mean(q * error * side) for side in (pos, ~pos))
        grad_c = 2.0 * np.mean(q * sign * scores) - 2.0 * p * (1.0 - p) * c
        return np.concatenate([grad_w, [grad_a, grad_b, -grad_c]])

    everything = np.arange(n)
    return Inclusion(
        lambda u: batch(everything, u), lambda v, t: v, np.zeros(d + 3), F_batch=batch, n=n
    )


def robust_least_squares(n=300, d=20, seed=0, lam=1.5):
    """Return least squares against targets that an adversary moves.

        min_x max_y   |Ax - y|^2 / (2n) - lam |y - b|^2 / (2n),      lam > 1

    References
    ----------
    .. [1] L. El Ghaoui, H. Lebret, Robust solutions to least-squares problems with uncertain data,
       SIAM Journal on Matrix Analysis and Applications 18, 1997.
    """
    rng = np.random.default_rng(seed)
    A, b = rng.standard_normal((n, d)), rng.standard_normal(n)
    # The y-part (1 - lam)/2 |y|^2 + lam b'y is concave.
    return SaddlePoint(
        -A / n,
        prox_y=lambda v, t: (v + t * lam * b / n) / (1.0 + t * (lam - 1.0) / n),
        grad_x=lambda x: A.T @ (A @ x) / n,
    )


def constrained_qp(n=60, m=20, seed=0):
    """Return a quadratic program with equations, by their multipliers, and bounds.

    minimise x'Qx/2 + c'x   subject to   Ax = b,  x >= 0
    """
    rng = np.random.default_rng(seed)
    B, A = rng.standard_normal((n, n // 2)), rng.standard_normal((m, n))
    Q, b = B @ B.T / n, A @ np.abs(rng.standard_normal(n))
    return SaddlePoint(
        A, lambda v, t: np.maximum(v, 0.0), p=rng.standard_normal(n), q=-b, grad_x=lambda x: Q @ x
    )


def nash_cournot(firms=10, seed=0):
    """Return the equilibrium of firms that sell one good at the price (5000 / total)^(1/1.1).

    Firm i has the marginal cost c_i + (q_i / 5)^(1/power_i), and maximises its profit.

    References
    ----------
    .. [1] F. H. Murphy, H. D. Sherali, A. L. Soyster, A mathematical programming approach for
       determining oligopolistic market equilibrium, Mathematical Programming 24, 1982.
    """
    rng = np.random.default_rng(seed)
    cost, power = rng.uniform(1.0, 10.0, firms), rng.uniform(0.8, 1.2, firms)
    elasticity, market = 1.1, 5000.0

    def F(q):
        total = q.sum()
        price = (market / total) ** (1.0 / elasticity)
        marginal = cost + (q / 5.0) ** (1.0 / power)
        return marginal - price * (1.0 - q / (elasticity * total))

    return Inclusion(F, lambda v, t: np.maximum(v, 0.1), np.full(firms, 10.0))


def turning(n=1000, d=40, seed=0, angle=1.5):
    """Return a cocoercive finite sum that is no gradient: components turn pairs of variables.

        F_i(u) = s_i R_i (u_pair - c_i) on pair i,   R_i a rotation by +-angle

    Angles near pi/2 leave little that pulls towards the zero.
    """
    rng = np.random.default_rng(seed)
    pair = rng.integers(d // 2, size=n)
    scale, turn = rng.uniform(0.5, 1.5, n), np.where(rng.uniform(size=n) < 0.8, angle, -angle)
    centre = rng.standard_normal((n, 2))
    c, s = scale * np.cos(turn), scale * np.sin(turn)

    def difference(idx, u, v, offset: Any = 0.0):
        d = (u - v).reshape(-1, 2)[pair[idx]] - offset
        out = np.zeros((u.size // 2, 2))
        np.add.at(out[:, 0], pair[idx], c[idx] * d[:, 0] - s[idx] * d[:, 1])
        np.add.at(out[:, 1], pair[idx], s[idx] * d[:, 0] + c[idx] * d[:, 1])
        return out.ravel() / len(idx)

    def batch(idx, u):
        return difference(idx, u, np.zeros_like(u), centre[idx])

    everything = np.arange(n)
    return Inclusion(
        lambda u: batch(everything, u), lambda v, t: v, np.zeros(d), F_batch=batch,
        F_diff=difference, n=n, cocoercive=True,
    )  # fmt: skip
