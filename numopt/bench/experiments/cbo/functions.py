"""The functions of the experiments: values of the rows of an array, or of one point in Numba.

rastrigin   sum_j x_j^2 + h (1 - cos(2 pi x_j)),  h = 2.5 in Riedl's experiments, else 10
canyon      a narrow curved valley with ripples, a hill in its way, the minimum 0 at 0
ackley      of b (x - x*), x* the last unit vector, on the sphere
intensity   mean_i ((a_i'x)^2 - y_i)^2, phase retrieval
"""

import numpy as np
from numba import njit


@njit(cache=True)
def rastrigin(x, height):
    """Return the value at x, shape (d,)."""
    total = 0.0
    for v in x:
        total += v * v + height * (1.0 - np.cos(2.0 * np.pi * v))
    return total


@njit(cache=True)
def rastrigin_slope(x, height):
    """Return the gradient at x, shape (d,)."""
    return 2.0 * x + 2.0 * np.pi * height * np.sin(2.0 * np.pi * x)


@njit(cache=True)
def rastrigin_rows(X, height):
    """Return the values of the rows of X, shape (N, d)."""
    values = np.empty(len(X))
    for i in range(len(X)):
        values[i] = rastrigin(X[i], height)
    return values


@njit(cache=True)
def turned_rastrigin(x, height, Q):
    """Return the value at Q x, shape (d,), of `rastrigin`."""
    z = np.zeros(x.size)
    for i in range(x.size):
        for j in range(x.size):
            z[i] += Q[i, j] * x[j]
    return rastrigin(z, height)


def canyon(X):
    """Return the values of the rows of X, shape (N, 2)."""
    x, y = X[:, 0], X[:, 1]
    off = y - (x - 1.0) * (x - 4.0) ** 2 / 8.0 - 2.0  # the floor of the valley is off = 0
    past = -x - 1.6 * y  # the hill stands where this is positive
    walls = 100.0 * (1.0 - np.exp(-1.4 * off**2 * np.exp(-0.002 * x**4)))
    bowl = 1.6 * x**2 + 0.8 * y**2
    ripples = 8.0 * (2.0 - np.cos(0.75 * np.pi * x) - np.cos(0.75 * np.pi * y))
    hill = np.where(past > 0.0, 1.0 - np.exp(-9.0 * past**2), 0.0)
    return walls + bowl + ripples + 16.0 * np.exp(1.0 - 2.0 * off**4) * hill


def slopes(fun, X, h=1e-5):
    """Return the gradients of `fun` at the rows of X, by central differences."""
    steps = h * np.eye(X.shape[1])
    return np.stack([(fun(X + e) - fun(X - e)) / (2.0 * h) for e in steps], axis=1)


def ackley(X, frequency):
    """Return Ackley's function of frequency (x - x*), x* the last unit vector, for each row."""
    Z = frequency * (X - np.eye(X.shape[1])[-1])
    bowl = -20.0 * np.exp(-0.2 * np.sqrt((Z**2).mean(axis=1)))
    return bowl - np.exp(np.cos(2.0 * np.pi * Z).mean(axis=1)) + 20.0 + np.e


def intensity(X, A, y):
    """Return the mean square error of the intensities y of the measurements A for each row."""
    return (((X @ A.T) ** 2 - y) ** 2).mean(axis=1)
