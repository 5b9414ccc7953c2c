"""What every loss offers: values, derivatives and curvatures at a `Point` that moves."""

from typing import Any, NamedTuple

import numpy as np

from numopt.core.errors import ProblemError

SQUARED, LOGISTIC, HUBER, POISSON, MULTINOMIAL = range(5)  # codes of losses, for the kernels


class Point(NamedTuple):
    """A point and what is known there; the arrays are moved in place by `advance`."""

    x: np.ndarray  # variables, (n,)
    z: np.ndarray  # X x without the intercept, (m, k); for a quadratic form its gradient, (n, 1)
    c: np.ndarray  # intercept, (k,)


class Loss:
    """Base of all losses: f is convex and smooth.

    Attributes
    ----------
    n : int
        Number of variables.
    k : int
        Number of classes or targets: x is a matrix (n / k, k), row by row.
    """

    n = 0
    k = 1
    code = -1
    design: Any = None  # the data by columns, of a linear model
    quadratic = False  # whether `hessian_bound` is the Hessian

    def state(self, x):
        """Return the `Point` of x, a copy."""
        raise NotImplementedError

    def value(self, state):
        """Return f."""
        raise NotImplementedError

    def gradient(self, state):
        """Return the gradient of f, shape (n,)."""
        raise NotImplementedError

    def block_gradient(self, state, b):
        """Return the entries b of the gradient; only their columns are read."""
        raise NotImplementedError

    def advance(self, state, b, delta):
        """Add `delta` to the variables b, in place."""
        raise NotImplementedError

    def lipschitz(self):
        """Return a bound of the curvature along each variable, shape (n,); it may be infinite."""
        raise NotImplementedError

    def hessian_bound(self, b):
        """Return a matrix above all Hessians of the block b, shape (|b|, |b|)."""
        raise NotImplementedError

    def hessian(self, state, b):
        """Return the Hessian of the block b, shape (|b|, |b|)."""
        raise NotImplementedError

    def curvatures(self, state):
        """Return a bound of the second derivative along each variable at a point, shape (n,)."""
        return self.lipschitz()

    def third(self):
        """Return a bound of the third derivative along each variable, shape (n,), or infinity."""
        return np.full(self.n, 0.0 if self.quadratic else np.inf)

    def product(self, state, d):
        """Return the Hessian times the vector d, shape (n,)."""
        raise NotImplementedError

    def row_sums(self):
        """Return the sums of moduli in the rows of a bound of the Hessian, shape (n,)."""
        raise NotImplementedError

    def graph(self):
        """Return the Hessian as a CSR matrix if it is constant and sparse, else None."""
        return

    def rows(self, index):
        """Return the loss of some rows of the data."""
        raise ProblemError(f"{type(self).__name__} has no rows of data")

    def fitted(self, intercept, standardize):
        """Return this loss with an intercept, and with columns brought to variance one."""
        if intercept or standardize:
            name = type(self).__name__
            raise ProblemError(f"`intercept` and `standardize` have no meaning for {name}")
        return self
