"""Problems of the collection, and what the tests share."""

from functools import cache, partial

import numpy as np

import cutest_problems
import numopt
from numopt.models.kkt import kkt_residual

INF = np.inf


solve = partial(numopt.solve, method="sketched_newton", rng=0)


@cache
def problem(name, **params):
    return cutest_problems.load(name, compile=None, **dict(params))


def bowl(n, **given):
    """The sum of (x - 1)^2 as a problem."""
    return numopt.CallableNLP(
        lambda x: float(((x - 1) ** 2).sum()),
        np.zeros(n),
        lambda x: 2 * (x - 1),
        lambda x: 2 * np.eye(n),
        **given,
    )


def certified(p, res, tol=1e-6):
    m = res.multipliers
    y = np.concatenate([np.zeros(0), *map(np.ravel, m["constraints"])])
    at = p.grad(res.x), p.cons(res.x), p.jac(res.x)
    kkt = kkt_residual(p, res.x, y, m["lower"], m["upper"], *at)
    return kkt.optimality <= tol and kkt.feasibility <= tol
