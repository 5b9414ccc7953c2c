"""Monotone inclusions: find u with 0 in F(u) + G(u).

F = (1/n) sum_i F_i is monotone and Lipschitz continuous, G is maximal monotone and known by its
resolvent J_t(v) = (I + t G)^-1 v. Constraints, penalties and multipliers sit in G. What every
method returns comes with an element g of G(u), so that F(u) + g is a true residual; that g belongs
to G(u) is seen from J_t(u + t g) = u.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from numopt.core.errors import Status, Stop
from numopt.models.problem import Counts, Problem


@dataclass
class ComponentCounts(Counts):
    """The counters, and evaluations of single components; `fun` is their number over n."""

    components: int = 0


class Certified(NamedTuple):
    """A point with the proof of how nearly it solves the inclusion."""

    u: Any  # (d,)
    F: Any  # F(u), (d,)
    g: Any  # an element of G(u), (d,)

    @property
    def residual(self):
        """Euclidean norm of F(u) + g."""
        return float(np.linalg.norm(self.F + self.g))


class MonotoneProblem(Problem):
    """Base of all monotone inclusions.

    A subclass has `_operator`, `resolvent` and, if its F is a sum, `_difference`.

    Attributes
    ----------
    n : int
        Number of variables.
    components : int
        Number of terms of the sum. An evaluation of F counts one, one of k terms k / components.
    lipschitz : float or None
        Constant of F; on average, if F is a sum: E |F_i(u) - F_i(v)|^2 <= lipschitz^2 |u - v|^2.
    cocoercive : bool
        Whether <F(u) - F(v), u - v> >= E |F_i(u) - F_i(v)|^2 / lipschitz.
    """

    kind = "inclusion"
    counters = ComponentCounts
    counts: ComponentCounts
    components = 1
    lipschitz: float | None = None
    cocoercive = False
    with_gap = False  # whether `gap` is defined

    # -- what a subclass provides ------------------------------------------------------------

    def _operator(self, u):
        raise NotImplementedError

    def resolvent(self, v, t) -> Any:
        """Return (I + t G)^-1 v."""
        raise NotImplementedError

    def _difference(self, idx, u, v):
        return self._operator(u) - self._operator(v)

    # -- evaluations -------------------------------------------------------------------------

    def pay(self, components):
        """Count evaluations of single components that are about to be made."""
        total = self.counts.components + components
        self.spend("fun", -(-total // self.components) - self.counts.fun)
        self.counts.components = total

    def affordable(self):
        """Return how many evaluations of components the budget of the run still allows."""
        left = self.maxfun * self.components - self.counts.components
        return int(min(left, np.iinfo(np.int64).max // 2))

    def operator(self, u):
        """Return F(u), shape (d,).

        Raises
        ------
        Stop
            With NONFINITE if an entry is not finite.
        """
        latest = (self.memo or {}).get("operator")
        if latest is not None and np.array_equal(latest[0], u):
            return latest[1]
        self.pay(self.components)
        value = finite(self._operator(u))
        if self.memo is not None:
            self.memo["operator"] = u, value
        return value

    fun = operator  # for the checks that the front door makes on request

    def sample(self, rng, size):
        """Draw indices of components."""
        return rng.integers(self.components, size=size)

    def difference(self, idx, u, v):
        """Return an unbiased estimate of F(u) - F(v) from some components."""
        self.pay(2 * len(idx))
        return self._difference(idx, u, v)

    # -- measures ----------------------------------------------------------------------------

    def natural(self, u, F, t=1.0):
        """Return the natural residual |u - J_t(u - t F)| / t, at most that of any certificate."""
        return float(np.linalg.norm(u - self.resolvent(u - t * F, t))) / t

    def objective(self, point):
        """Return what `res.fun` shows: the residual, where there is no objective."""
        return point.residual

    def violation(self, point):
        """Return the largest violation of a constraint that G does not enforce."""
        return 0.0

    def gap(self, point):
        """Return the duality gap."""
        raise NotImplementedError

    def relative(self, point, first):
        """Return the residual relative to `first`, the one at the start."""
        return point.residual / first if first > 0.0 else point.residual

    def fields(self, point):
        """Return the problem's own fields of a result."""
        return {}

    def certify(self, u, g):
        """Return the `Certified` point of u and g, recomputed, and the error of g.

        The error is |u - J_1(u + g)|, zero if and only if g belongs to G(u).
        """
        return Certified(u, self.operator(u), g), float(
            np.linalg.norm(u - self.resolvent(u + g, 1))
        )

    def known_at(self, x):
        """Return (NaN, 0): nothing is known before the first evaluation."""
        return float("nan"), 0.0

    def present(self, result):
        """Return the result without `best`: an inclusion is judged by its residual alone."""
        result.best = None
        return result


def finite(value):
    """Return an array, or stop with NONFINITE."""
    if not np.isfinite(value).all():
        raise Stop(Status.NONFINITE, "the operator is not finite")
    return value
