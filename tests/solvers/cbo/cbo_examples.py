"""The functions of these tests, and a short way to minimise them."""

import numpy as np
from numba import njit

import numopt

BOX = [(-4.0, 6.0)] * 3


@njit
def rastrigin(x):
    total = 0.0
    for v in x:
        total += v * v + 10.0 - 10.0 * np.cos(2.0 * np.pi * v)
    return total


@njit
def scaled_sphere(x, centre, factor):
    total = 0.0
    for j in range(x.size):
        total += factor * (x[j] - centre[j]) ** 2
    return total


plain = rastrigin.py_func


def counted(fun):
    """Return the same function, and a list with an entry for each of its calls."""
    calls = []

    def counting(x):
        calls.append(1)
        return fun(x)

    return counting, calls


def run(fun=plain, bounds=BOX, rng=0, **options):
    return numopt.minimize(fun, bounds=bounds, method="cbo", rng=rng, options=options)


def paper(fun=plain, bounds=BOX, rng=0, **options):
    return run(fun, bounds, rng, variant="paper", **options)


def assert_same(one, two):
    np.testing.assert_array_equal(one.x, two.x)
    assert (one.fun, one.nfev, one.nit) == (two.fun, two.nfev, two.nit)
