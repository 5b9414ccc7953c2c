"""Small transport problems and what is checked of their plans."""

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import issparse

from numopt import Transport

METHODS = ("sinkhorn", "sns")


def squares(n, m, seed=0):
    rng = np.random.default_rng(seed)
    X, Y = rng.uniform(size=(n, 2)), rng.uniform(size=(m, 2))
    C = ((X[:, None] - Y) ** 2).sum(axis=2)
    return C / C.max()


def masses(n, seed=1):
    a = np.random.default_rng(seed).uniform(0.5, 1.5, size=n)
    return a / a.sum()


def example(n=40, m=30, eta=50.0, seed=0):
    return Transport(masses(n, 1), masses(m, 2), squares(n, m, seed), eta=eta)


def plan_of(res):
    return res.plan.toarray() if issparse(res.plan) else res.plan


def violation(P, a, b):
    return np.abs(P.sum(axis=1) - a).sum() + np.abs(P.sum(axis=0) - b).sum()


def exact(a, b, C):
    n, m = C.shape
    rows = np.kron(np.eye(n), np.ones(m))
    cols = np.kron(np.ones(n), np.eye(m))
    A, rhs = np.vstack([rows, cols])[:-1], np.concatenate([a, b])[:-1]
    return linprog(C.ravel(), A_eq=A, b_eq=rhs, method="highs").fun
