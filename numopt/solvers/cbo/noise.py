"""Random increments of an ensemble: covariance noise, heavy tails, jumps."""

import numpy as np


def increments(solver, s, rows, run):
    """Return sigma sqrt(dt) D(x - c) z of some particles, shape (k, n)."""
    shape = len(rows), s.X.shape[1]
    if solver.noise == "covariance":
        return _size(solver, s) * run.normal(shape) @ root_of_covariance(s.X, s.f, s.alpha, s.x).T
    if solver.tail < 2.0:
        size = s.sigma * solver.dt ** (1.0 / solver.tail)
        return size * _spread(solver, s, rows) * stable(run.rng, shape, solver.tail)
    return _size(solver, s) * _spread(solver, s, rows) * run.normal(shape)


def _size(solver, s):
    """Return sigma sqrt(dt), or the deviation of the exact solution after a time dt."""
    if solver.update != "exact":
        return s.sigma * np.sqrt(solver.dt)
    return s.sigma * np.sqrt(-np.expm1(-2.0 * solver.lam * solver.dt) / (2.0 * solver.lam))


def _spread(solver, s, rows):
    """Return the entries of D(x - c), at most `truncate`."""
    U = (s.X - s.c)[rows]
    if solver.noise == "isotropic":
        return np.minimum(np.linalg.norm(U, axis=1, keepdims=True), solver.truncate)
    return np.clip(U, -solver.truncate, solver.truncate)


def stable(rng, shape, tail):
    """Draw symmetric stable numbers of index `tail`; 2 is the standard normal law.

    Chambers, Mallows, Stuck, J. Amer. Statist. Assoc. 71, 1976, equation 4.1.
    """
    u = np.pi * (rng.random(shape) - 0.5)
    w = rng.standard_exponential(shape)
    front = np.sin(tail * u) / np.cos(u) ** (1.0 / tail)
    return front * (np.cos((1.0 - tail) * u) / w) ** ((1.0 - tail) / tail) / np.sqrt(2.0)


def root_of_covariance(X, f, alpha, x):
    """Return a square root of the weighted covariance around x, by its eigenvalues."""
    w = _weights(f, alpha)
    U = X - x
    C = (U.T * w) @ U / w.sum()
    values, Q = np.linalg.eigh(C)
    return Q * np.sqrt(np.maximum(values, 0.0))


def _weights(f, alpha):
    finite = np.where(np.isnan(f), np.inf, f)
    e = alpha * (finite - finite.min())
    return np.exp(-np.where(finite == finite.min(), 0.0, e))


def jumps(solver, s, X, rows, run):
    """Return normal jumps of the size of the distance, at random times that become rarer."""
    rate = solver.jump_rate * solver.dt / (1.0 + run.nit * solver.inner * solver.dt)
    jump = run.rng.random(rows.size) < rate
    U = (X - s.c)[rows] * run.normal((rows.size, X.shape[1])) * s.sigma
    return np.where(jump[:, None], U, 0.0)
