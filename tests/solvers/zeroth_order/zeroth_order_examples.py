"""The functions of these tests, and a short way to minimise them."""

import numpy as np

import numopt

CURVATURES = np.geomspace(1.0, 100.0, 100)
DATA = np.random.default_rng(1).standard_normal((40, 10))
SIDE = np.random.default_rng(2).standard_normal(40)
LABELS = np.sign(DATA[:, 0] - DATA[:, 1] + 0.3 * SIDE)


def bowl(x):
    """Condition 100 in 100 variables."""
    return 0.5 * float(x @ (CURVATURES * x))


def rosenbrock(x):
    return float(np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2))


def farthest(x):
    return float(np.abs(DATA @ x - SIDE).max())


def logistic(x):
    return float(np.mean(np.logaddexp(0.0, -LABELS * (DATA @ x))))


def square(x):
    return float(np.sum((x - 0.5) ** 2) + 0.1 * np.sum(x[:-1] * x[1:]))


def noisy(fun, deviation, seed=0):
    rng = np.random.default_rng(seed)
    return lambda x: fun(x) + deviation * rng.standard_normal()


def run(fun, x0, rng=0, vectorized=False, workers=None, bounds=None, **options):
    return numopt.minimize(
        fun, x0, method="zeroth_order", rng=rng, options=options, vectorized=vectorized,
        workers=workers, bounds=bounds,
    )  # fmt: skip
