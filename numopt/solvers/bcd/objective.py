"""What the rules ask of a problem: values, moves along a block, constants of its curvature."""

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

from numopt.models.black_box import BlackBox, Carried
from numopt.models.losses import Point
from numopt.models.penalties import Separable
from numopt.solvers.bcd.update import Terms

LARGEST_EIGENPROBLEM = 256  # blocks above have their largest eigenvalue from Lanczos' method
LARGEST_DENSE = 300  # blocks of a sparse matrix above are factorised as such
MOST_COLUMNS = 5000  # of X'X that may be kept
LARGEST_FOLLOWED = 8  # variables in a block: about as many columns make up for a pass over the data
LANCZOS_MARGIN: Any = 1e-3


class Place(NamedTuple):
    """A point and the two parts of the objective there."""

    point: Point
    smooth: float  # f
    term: float  # g

    @property
    def fun(self):
        """F = f + g."""
        return self.smooth + self.term


class Units:
    """The units in which a penalty is separable: coordinates, or groups of them.

    Parameters
    ----------
    groups : list of ndarray of int, or None
        Indices of the variables of each group.
    n : int
        Number of variables.
    """

    def __init__(self, groups, n):
        self.groups, self.n = groups, n
        self.count = n if groups is None else len(groups)
        if groups is not None:
            self.owner = np.empty(n, dtype=np.int64)
            for k, group in enumerate(groups):
                self.owner[group] = k

    def variables(self, units):
        """Return the variables of some units, unit after unit."""
        if self.groups is None:
            return np.asarray(units, dtype=np.int64)
        return np.concatenate([self.groups[k] for k in units])

    def of(self, variables):
        """Return the units that hold these variables, in the order of their first variable."""
        if self.groups is None:
            return variables
        owners, first = np.unique(self.owner[variables], return_index=True)
        return owners[np.argsort(first)]

    def spread(self, values):
        """Return values by unit as values by variable."""
        return values if self.groups is None else values[self.owner]

    def sums(self, values):
        """Return the sums over each unit of values by variable."""
        if self.groups is None:
            return values
        return np.bincount(self.owner, values, minlength=self.count)


class Objective:
    """F = f + g of a problem, with constants that are worked out when they are needed.

    Parameters
    ----------
    problem : Composite or NLP
        An NLP may have bounds, and nothing else; they become the term g.
    options : RuleOptions
        Of the method.
    """

    def __init__(self, problem, options):
        self.problem, self.options, self.n = problem, options, problem.n
        self.counted = problem.kind == "composite"
        if self.counted:
            self.loss, self.penalty = problem.loss, problem.penalty
        else:
            carried = options.init_state and Carried(
                options.init_state, options.update_state, options.fun_state
            )
            self.loss = BlackBox(problem, options.jac_block, options.hess_block, carried)
            self.penalty = Separable(lower=problem.lb, upper=problem.ub).bound(problem.n)
        self.units = Units(self.penalty.groups, self.n)
        self._cache, self._columns = {}, {}
        self.quadratic_scores = self.constants_of_blocks = self.constants_of_units = None
        self.separable = isinstance(self.penalty, Separable)
        self.smooth = self.separable and not (
            self.penalty.lam.any()
            or self.penalty.mu.any()
            or np.isfinite(self.penalty.lower).any()
            or np.isfinite(self.penalty.upper).any()
        )

    # -- values ------------------------------------------------------------------------------

    def place(self, x):
        """Return the `Place` of x, shape (n,)."""
        return self.evaluated(self.loss.state(x))

    def moved(self, place, b, d):
        """Return the `Place` after adding d to the variables b; the old one stays as it is."""
        point = Point(*(array.copy() for array in place.point))
        target = point.x[b] + d
        if self.separable:
            target = np.clip(target, self.penalty.lower[b], self.penalty.upper[b])
        self.loss.advance(point, b, target - point.x[b])
        point.x[b] = target  # to the last bit
        return self.evaluated(point)

    def evaluated(self, point):
        """Return the `Place` of a point."""
        if self.counted:
            self.problem.spend("fun")
        return Place(point, self.loss.value(point), self.penalty.value(point.x))

    def gradient(self, place):
        """Return the gradient of f, shape (n,)."""
        if self.counted:
            self.problem.spend("grad")
        return self.loss.gradient(place.point)

    @cached_property
    def follows(self):
        """Whether gradients are kept up to date by columns of X'X, each worked out once."""
        loss, single = self.loss, self.units.groups is None
        least_squares = loss.quadratic and loss.design is not None and loss.k == 1
        small = self.n <= MOST_COLUMNS and self.options.widest(self) <= LARGEST_FOLLOWED
        return least_squares and single and small

    def followed(self, gradient, b, d):
        """Return the gradient of f after adding d to the variables b."""
        total = gradient.copy()
        for j, change in zip(b[d != 0.0], d[d != 0.0], strict=True):
            if j not in self._columns:
                self._columns[j] = self.problem.loss.hessian_column(j)
            total += change * self._columns[j]
        return total

    def block_gradient(self, place, b):
        """Return the entries b of the gradient of f."""
        return np.array(self.loss.block_gradient(place.point, b))

    def hessian(self, place, b):
        """Return the Hessian of f in the block b; a sparse one, if it is large and sparse."""
        if self.sparse(b):
            return csr_array(self.loss.graph())[b][:, b]
        return self.loss.hessian(place.point, b)

    def sparse(self, b):
        """Return whether the Hessian of this block should be left sparse."""
        return len(b) > LARGEST_DENSE and self.loss.graph() is not None

    def terms(self, b):
        """Return the penalty on a block, if it is separable."""
        p = self.penalty
        return Terms(p.lower[b], p.upper[b], p.lam[b], p.mu[b])

    def product(self, place, d):
        """Return the Hessian of f times d."""
        return self.loss.product(place.point, d)

    @cached_property
    def by_secants(self):
        """Whether the Hessians of blocks are guessed from their gradients."""
        guessed = self.options.update_of(self) in ("newton", "proximal_newton", "two_metric")
        return guessed and self.options.fixed and not self.curved

    @property
    def curved(self):
        """Whether the Hessian of a block can be had without second differences of values."""
        return getattr(self.loss, "curved", True)

    @cached_property
    def scale(self):
        """What violations are relative to: the largest slope of f at 0; 1 for an NLP."""
        return self.problem.largest_slope if self.counted else 1.0

    def violation(self, gradient, x):
        """Return how far each unit is from optimality, shape (units.count,)."""
        return self.penalty.distance(gradient, x) / self.scale

    def cached(self, b, make):
        """Return ``make()``, which depends on the block b alone; made once if blocks are fixed."""
        if not self.options.fixed:
            return make()
        key = b.tobytes()
        if key not in self._cache:
            self._cache[key] = make()
        return self._cache[key]

    # -- constants ---------------------------------------------------------------------------

    @cached_property
    def constants(self):
        """Bounds of the curvature along each variable, as given or as the loss knows them."""
        given = self.options.lipschitz
        if given is None:
            return self.loss.lipschitz()
        if isinstance(given, str):
            return np.full(self.n, np.inf)
        return np.broadcast_to(np.asarray(given, dtype=np.float64), (self.n,)).copy()

    @cached_property
    def adaptive(self):
        """Whether constants are estimated during the run."""
        return not np.isfinite(self.constants).all()

    def first_constants(self):
        """Return the constants that a run begins with; unknown ones are 1."""
        return np.where(np.isfinite(self.constants), self.constants, 1.0)

    def block_constant(self, b, lipschitz):
        """Return a bound of the curvature inside a block, a positive number.

        Parameters
        ----------
        b : ndarray of int
            Variables.
        lipschitz : ndarray, shape (n,)
            Constants of the coordinates.
        """
        if self.adaptive:
            found = lipschitz[b].max()
        elif self.options.lipschitz is not None or self.options.bound == "trace":
            found = lipschitz[b].sum()
        elif len(b) == 1:
            found = lipschitz[b[0]]
        elif self.options.bound == "rowsum":
            found = np.abs(self.loss.hessian_bound(b)).sum(axis=1).max()
        else:
            found = largest_eigenvalue(self.loss.hessian_bound(b))
        return float(found) if found > 0.0 else 1.0

    @cached_property
    def third(self):
        """Bounds of the third derivatives along each variable, shape (n,); maybe infinite."""
        return self.loss.third()

    @cached_property
    def row_sums(self):
        """Sums of the moduli of each row of the bound of the Hessian, shape (n,)."""
        return self.loss.row_sums()


def largest_eigenvalue(H):
    """Return the largest eigenvalue of a symmetric matrix; from above, if it is large."""
    if len(H) <= LARGEST_EIGENPROBLEM:
        return np.linalg.eigvalsh(H)[-1]
    try:
        start = np.ones(len(H))
        found = eigsh(H, k=1, v0=start, tol=LANCZOS_MARGIN, return_eigenvectors=False)[0]
    except ArpackNoConvergence:
        return np.abs(H).sum(axis=1).max()
    return found * (1.0 + LANCZOS_MARGIN)
