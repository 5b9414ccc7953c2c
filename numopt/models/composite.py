"""Composite problems: a smooth loss and a penalty that is separable over blocks.

    minimise F(x) = f(x) + sum_b g_b(x_b)

f comes from `numopt.models.losses` or `quadratic_form`, g from `penalties`. Users see variables in
the unit of their data; with ``standardize=True`` methods see those of the standardised columns.
"""

import copy
import warnings
from functools import cached_property

import numpy as np

from numopt.core.errors import InputTypeError, ProblemError
from numopt.models.inputs import real_vector
from numopt.models.losses import Loss
from numopt.models.penalties import Penalty, Separable
from numopt.models.problem import Counts, Problem


class Composite(Problem):
    """A loss and a penalty.

        minimise f(x) + g(x)

    Parameters
    ----------
    loss : Loss
        `LeastSquares`, `QuadForm`, `Logistic`, `Multinomial`, `Huber`, `Poisson` or
        `LabelPropagation`.
    penalty : Penalty, optional
        `L1`, `ElasticNet`, `NonNegativeL1`, `BoxConstraint`, `GroupL2`, `SparseGroup`,
        `MultiTask`, `MCP`, `SCAD` or `UserProx`.
    intercept : bool
        Add a constant to the linear model, without penalty.
    standardize : bool
        Let the penalty act on the coefficients of columns divided by their standard deviations.
        The data are not changed, and ``res.x`` is in the unit of the data; so are bounds.

    Attributes
    ----------
    n : int
        Number of variables, the intercept not counted.
    loss, penalty : Loss, Penalty
        Both as methods see them.

    Raises
    ------
    InputTypeError, ProblemError
        For objects of other classes, and parameters that do not fit the loss.

    Examples
    --------
    >>> X, y = [[1.0, 0.0], [0.0, 1.0]], [3.0, 0.5]
    >>> res = numopt.minimize(numopt.Composite(numopt.LeastSquares(X, y), numopt.L1(1.0)))
    >>> res.x, res.active_set
    (array([2., 0.]), array([0]))
    """

    kind = "composite"

    def __init__(self, loss, penalty=None, intercept=False, standardize=False):
        super().__init__()
        if not isinstance(loss, Loss):
            raise InputTypeError(f"`loss` must be a numopt loss, got {type(loss).__name__}")
        penalty = Separable() if penalty is None else penalty
        if not isinstance(penalty, Penalty):
            raise InputTypeError(
                f"`penalty` must be a numopt penalty, got {type(penalty).__name__}"
            )
        self.posed = loss, penalty, bool(intercept), bool(standardize)
        self.loss = loss.fitted(intercept, standardize)
        self.n, self.intercept = loss.n, bool(intercept)
        self.penalty = penalty.bound(loss.n, loss.k if loss.k > 1 else None)
        self.scale = None
        if standardize:
            self.scale = np.repeat(self.loss.design.scale, loss.k)
            self.penalty = self.penalty.standardized(self.scale)
        self.x0 = self._nearest(np.zeros(self.n))

    def _nearest(self, x):
        """Return the point of the domain next to x."""
        p = self.penalty
        if not isinstance(p, Separable):
            return x
        x = np.where(p.lam < np.inf, x, 0.0)
        return np.minimum(np.maximum(x, p.lower), p.upper)

    def start(self, x0=None, strict=False):
        """Return a start point in the variables of methods.

        Warns
        -----
        UserWarning
            If it is moved into the domain of the penalty.
        """
        if x0 is None:
            return self.x0
        x = real_vector(x0, "x0", n=self.n, finite=True)
        x = x if self.scale is None else x / self.scale
        inside = self._nearest(x)
        moved = np.flatnonzero(inside != x)
        if moved.size:
            told = f"first at index {moved[0]}"
            if strict:
                raise ProblemError(f"`x0` lies outside the domain of the penalty, {told}")
            warnings.warn(f"`x0` was moved into the domain of the penalty, {told}", stacklevel=4)
        return inside

    # -- relatives ---------------------------------------------------------------------------

    def times(self, factor):
        """Return the problem with the strength of its penalty multiplied by a positive number."""
        new = copy.copy(self)
        new.counts, new.penalty = Counts(), self.penalty.times(factor)
        return new

    def rows(self, index):
        """Return the problem of some rows of the data."""
        loss, penalty, intercept, standardize = self.posed
        return Composite(loss.rows(index), penalty, intercept, standardize)

    # -- the function ------------------------------------------------------------------------

    def state(self, x):
        """Return the `Point` of x."""
        self.spend("fun")
        return self.loss.state(x)

    def value(self, state):
        """Return F."""
        return self.loss.value(state) + self.penalty.value(state.x)

    def gradient(self, state):
        """Return the gradient of f, shape (n,)."""
        self.spend("grad")
        return self.loss.gradient(state)

    def distance(self, grad, x):
        """Return the largest distance of -grad to the subdifferential of a unit."""
        return float(self.penalty.distance(grad, x).max(initial=0.0))

    def fun(self, x):
        """Return F at a point in the variables of methods."""
        return self.value(self.state(x))

    # -- scales of the certificates ----------------------------------------------------------

    @cached_property
    def reference(self):
        """F at the point of the domain next to zero, the unit of duality gaps; one if it is 0."""
        state = self.loss.state(self.x0)
        return abs(self.value(state)) or 1.0

    @cached_property
    def largest_slope(self):
        """Largest entry of grad f there, the unit of KKT violations; one if it is zero."""
        grad = self.loss.gradient(self.loss.state(self.x0))
        return float(np.abs(grad).max(initial=0.0)) or 1.0

    # -- users' form -------------------------------------------------------------------------

    def users(self, x):
        """Return variables in the unit of the data."""
        return x if self.scale is None else x * self.scale

    def users_intercept(self, state):
        """Return the intercept, a float or an array (k,); None without one."""
        if not self.intercept:
            return None
        return float(state.c[0]) if self.loss.k == 1 else state.c.copy()

    def present(self, result):
        """Return a result in the unit of the data."""
        result.x = self.users(result.x)
        if result.best is not None:
            result.best["x"] = self.users(result.best["x"])
        return result
