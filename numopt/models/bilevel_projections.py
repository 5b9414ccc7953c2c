"""Projections of a bilevel problem: onto X, onto Y, and onto all constraints together."""

from typing import Any

import numpy as np

from numopt.core.errors import ProblemError, Status, Stop
from numopt.models.bilevel_functions import BilevelFunctions
from numopt.models.bilevel_inputs import AcceptParts
from numopt.models.bilevel_rows import row_region
from numopt.models.sets import ConvexSet, Intersection, project_rows

LINEARISATIONS = 30  # quadratic programs of one projection onto curved rows
ON_ROWS = 1e-12


class BilevelProjections(BilevelFunctions):
    """The projections of a `Bilevel`, which sets the attributes."""

    X: ConvexSet | None
    Y: ConvexSet | None
    C_projection: Any
    lower_rows: Any
    upper_rows: Any

    def features(self) -> set[str]:
        """Return which features the problem has."""
        raise NotImplementedError

    def project_upper(self, x):
        """Return the nearest point of X, shape (n,)."""
        return self._projected(self.X, x)

    def project_lower(self, y):
        """Return the nearest point of Y, shape (m,)."""
        return self._projected(self.Y, y)

    def _projected(self, where: ConvexSet | None, v):
        if where is None:
            return v
        self.spend("projections")
        return where.project(v)

    def project(self, x, y):
        """Return the nearest (x, y) with x in X, y in Y, g <= 0 and G <= 0.

        Raises
        ------
        Stop
            INFEASIBLE if there is none.
        """
        if self.C_projection is None and not self.p and not self.q:
            return self.project_upper(x), self.project_lower(y)
        self.spend("projections")
        w = np.concatenate([x, y])
        if self.C_projection is not None:
            accept = AcceptParts("`C_projection`", (self.n,), (self.m,))
            return self.split(accept(self._joined("C_projection")(w), w.dtype))
        try:
            return self.split(self._project_jointly(w))
        except ProblemError as error:
            raise Stop(Status.INFEASIBLE, f"phase 1: {error}") from None

    def _project_jointly(self, w):
        round_sets = self.lower_rows.curved or self.upper_rows.curved
        if "implicit sets" not in self.features() and not round_sets:
            return self._project_linearised(w)
        sets = [_Parts(self), _Rows(self)]
        return Intersection(sets, tick=self.check_time).project(w)

    def _project_linearised(self, w, with_sets=True):
        """Project onto rows linearised at the projection, until they are met there."""
        at, curved = w, self.curved
        for _ in range(LINEARISATIONS if curved else 1):
            self.check_time()
            region = row_region(self, at, with_sets)
            after = project_rows(w, region)
            done = np.abs(after - at).max() <= ON_ROWS * (1.0 + np.abs(at).max())
            at = after
            if done:
                break
        return at

    @property
    def curved(self):
        """Return whether rows of g or G are not declared affine."""
        return any(k and self.affine(name) is None for name, k in (("g", self.p), ("G", self.q)))


class _Parts(ConvexSet):
    """X times Y."""

    def __init__(self, problem):
        self.problem = problem

    def project(self, v):
        x, y = self.problem.split(v)
        return np.concatenate([self.problem.project_upper(x), self.problem.project_lower(y)])


class _Rows(ConvexSet):
    """All (x, y) with g <= 0 and G <= 0."""

    def __init__(self, problem):
        self.problem = problem

    def project(self, v):
        return self.problem._project_linearised(v, with_sets=False)
