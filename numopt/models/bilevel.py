"""Bilevel problems: an objective over the solutions of another problem.

    minimise F(x, y)   over x in X, y in Y   subject to   G(x, y) <= 0,   y in S(x)
    S(x) = argmin { f(x, y) : y in Y, g(x, y) <= 0 }

This is the optimistic form: where S(x) has several points, the one that F likes best counts.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from numopt.core.errors import ProblemError, Status, Stop
from numopt.models.autodiff import as_affine, derivatives, row_derivatives
from numopt.models.bilevel_inputs import bound, joined, lengths, mask
from numopt.models.bilevel_projections import BilevelProjections
from numopt.models.bilevel_rows import AffineRows, Stacked
from numopt.models.calls import Accept, Tally
from numopt.models.problem import Counts
from numopt.models.sets import as_set

MANY_DIFFERENCES = 200  # variables beyond which a missing gradient is worth a warning


@dataclass
class BilevelCounts(Counts):
    """Evaluations of both levels together, and projections onto sets."""

    projections: int = 0


class Bilevel(BilevelProjections):
    """A bilevel problem.

        minimise F(x, y)   over x in X, y in Y   subject to   G(x, y) <= 0,
                           y in argmin { f(x, y) : y in Y, g(x, y) <= 0 }

    Parameters
    ----------
    F, f : callable
        Objectives of the upper and the lower level, ``F(x, y, *args) -> float``, x of shape (n,),
        y of shape (m,).
    n, m : int, optional
        Lengths of x and y; not needed with `x0`.
    x0 : pair of array_like, optional
        Start point (x, y) instead of zeros.
    grad_F, grad_f : callable, optional
        ``grad(x, y) -> (gx, gy)``, of shapes (n,) and (m,). Missing ones are central differences.
    g, G : callable or AffineRows, optional
        Constraints of the lower and the upper level, ``g(x, y) -> array (p,)``, at most 0.
    jac_g, jac_G : callable, optional
        ``jac(x, y) -> (Jx, Jy)``, of shapes (p, n) and (p, m).
    eq : array_like of bool, shape (p,), optional
        Rows of g that must equal 0.
    X, Y : ConvexSet or callable, optional
        Sets of x and y: `Box`, `Simplex`, `Ball`, `Affine`, `Halfspaces`, `CvxSet`, or a projection
        ``v -> nearest point of the set``.
    C_projection : callable, optional
        ``C_projection(x, y) -> (x, y)``, nearest point with x in X, y in Y, g <= 0 and G <= 0,
        where there is something better than what numopt does.
    hvp : callable, optional
        ``hvp(x, y, v) -> (d2f/dxdy v, d2f/dydy v)``, the derivative of `grad_f` along (0, v), of
        shapes (n,) and (m,). Missing, it is a difference of `grad_f`.
    autodiff : {None, "trace", "autograd", "jax", "torch"}
        How missing derivatives of F, f, g and G are made instead of by differences: by numopt's own
        formulas, or by a package that is installed.
    n_upper, n_lower : int, optional
        F, or f, is a mean over so many rows: it takes ``idx=``, an integer array of rows, as do its
        derivatives; without `idx` it is the mean of all.
    args : tuple
        Further arguments of all functions.
    lower_convex : bool, optional
        Declares whether the lower level is convex in y; by default it is tested at samples.
    name : str
        Name in tables and messages.

    Attributes
    ----------
    n, m, p, q : int
        Lengths of x and y; rows of g and of G.
    counts : BilevelCounts
        Evaluations of F and f together, of their gradients, ...; `calls` has them one by one.

    Raises
    ------
    InputTypeError, ProblemError
        For what is no function, shapes that do not fit, sets of other lengths.
    ImportError
        For `autodiff` by a package that is not installed; it names the extra.

    Examples
    --------
    >>> import numopt
    >>> P = Bilevel(lambda x, y: (x[0] - 1)**2 + y[0]**2, lambda x, y: (y[0] - x[0])**2, n=1, m=1)
    >>> res = numopt.minimize(P, ([0.0], [0.0]), method="implicit")
    >>> res.success, res.x.round(3), res.y.round(3)
    (True, array([0.5]), array([0.5]))
    """

    kind = "bilevel"

    def __init__(
        self,
        F,
        f,
        n=None,
        m=None,
        *,
        x0=None,
        grad_F=None,
        grad_f=None,
        g=None,
        jac_g=None,
        eq=None,
        G=None,
        jac_G=None,
        X: Any = None,
        Y: Any = None,
        C_projection=None,
        hvp=None,
        autodiff=None,
        n_upper=None,
        n_lower=None,
        args=(),
        lower_convex=None,
        name="",
    ):
        super().__init__()
        self.counts, self.tally, self.lost, self.name = BilevelCounts(), Tally(), {}, name
        self.n, self.m, self.x0 = lengths(n, m, x0)
        self.size = self.n + self.m
        self.X, self.Y = as_set(X, self.n, "X"), as_set(Y, self.m, "Y")
        self.C_projection, self.lower_convex = C_projection, lower_convex
        self.batches = {"F": n_upper, "f": n_lower}
        given = {"F": F, "f": f, "grad_F": grad_F, "grad_f": grad_f, "g": g, "jac_g": jac_g}
        given |= {"G": G, "jac_G": jac_G, "hvp": hvp, "C_projection": C_projection}
        self._users = {name: bound(word, name, args) for name, word in given.items()}
        self._accept = {"F": Accept("`F`", ()), "f": Accept("`f`", ())}
        if autodiff is not None:
            self._differentiate(autodiff)
        self._warn_of_differences()
        self.p, self.q = self._rows_of("g"), self._rows_of("G")
        self.eq = mask(eq, self.p)
        self.lower_rows = Stacked(self, "g", self.eq, self.Y, "y")
        self.upper_rows = Stacked(self, "G", np.zeros(self.q, dtype=bool), self.X, "x")

    def _differentiate(self, package):
        """Fill in what the user has not given."""
        users = self._users
        for name in ("F", "f"):
            if users["grad_" + name] is None or (name == "f" and users["hvp"] is None):
                grad, hvp = derivatives(users[name], package, self.n, self.m)
                users["grad_" + name] = users["grad_" + name] or grad
                if name == "f":
                    users["hvp"] = users["hvp"] or hvp
        for name in ("g", "G"):
            if not callable(users[name]) or users["jac_" + name] is not None:
                continue
            affine = as_affine(users[name], self.n, self.m) if package == "trace" else None
            if affine is not None:
                users[name] = AffineRows(*affine)
            else:
                users["jac_" + name] = row_derivatives(users[name], package, self.n, self.m)

    def _warn_of_differences(self):
        missing = [f"grad_{name}" for name in ("F", "f") if self._users["grad_" + name] is None]
        if missing and self.size > MANY_DIFFERENCES:
            warnings.warn(
                f"{' and '.join(missing)} will be central differences, {2 * self.size} evaluations "
                "for each gradient; give them, or `autodiff`",
                UserWarning,
                stacklevel=3,
            )

    def _rows_of(self, name):
        """Return the number of rows of g or G, found by one evaluation at the start point."""
        user = self._users[name]
        if user is None:
            return 0
        if isinstance(user, AffineRows):
            user.check(self.n, self.m, name)
            return user.b.size
        self._accept[name] = Accept(f"`{name}`", (None,))
        first = self.ask("cons", name, self._joined(name), self.x0, self._accept[name])
        self._accept[name] = Accept(f"`{name}`", first.shape)
        self.reset_counts()
        return first.size

    # -- points ------------------------------------------------------------------------------

    def start(self, x0=None, strict=False):
        """Return the start point of a run, x and y joined, shape (n + m,).

        `x0` is a pair (x, y) or the joint vector; with `strict` one outside of X or Y is refused.
        """
        w = self.x0 if x0 is None else joined(x0, self.n, self.m)
        x, y = self.split(w)
        for part, where, name in ((x, self.X, "X"), (y, self.Y, "Y")):
            if strict and where is not None and where.violation(part) > 0.0:
                raise ProblemError(f"`x0` lies outside the set `{name}`")
        return w

    def armed(self, maxfun=np.inf, maxtime=np.inf):
        """Return a view of this problem for one run: own counters, a budget, and a memory."""
        view = super().armed(maxfun, maxtime)
        view.counts, view.tally, view.lost = BilevelCounts(), Tally(), {}
        view.lower_rows, view.upper_rows = (
            rows.of(view) for rows in (self.lower_rows, self.upper_rows)
        )
        return view

    def reset_counts(self):
        """Set all counters to zero."""
        self.counts, self.tally = BilevelCounts(), Tally()

    @property
    def calls(self):
        """Number of calls of each function, a dictionary."""
        return {name: made for (_, name), made in self.tally.calls.items()}

    def features(self):
        """Return which of "G", "X", "Y", "g", "implicit sets" and "rows" this problem has."""
        found = {name for name, k in (("g", self.p), ("G", self.q)) if k}
        sets = {"X": (self.X, self.n), "Y": (self.Y, self.m)}
        found |= {name for name, (where, _) in sets.items() if where is not None}
        hidden = [where for where, k in sets.values() if where and where.explicit(k) is None]
        return found | ({"implicit sets"} if hidden else set())

    def preferred_method(self):
        """Return the name of the method for ``method="auto"``."""
        found = self.features()
        if self.stochastic and not found & {"g", "G"}:
            return "f2sa"
        if not found & {"g", "G", "Y"}:
            return "implicit"
        if "implicit sets" not in found and self.size + self.p + self.q <= MANY_DIFFERENCES:
            return "kkt"
        return "lv_hba" if found & {"g", "G"} else "f2sa"

    @property
    def stochastic(self):
        """Whether f or F takes batches of rows."""
        return any(rows is not None for rows in self.batches.values())

    # -- feasibility -------------------------------------------------------------------------

    def infeasibilities(self, x, y):
        """Return the largest violation of each group: ``feas_G, feas_g, feas_X, feas_Y``."""
        g, G = self.g(x, y), self.G(x, y)
        return {
            "feas_G": float(np.max(G, initial=0.0)),
            "feas_g": float(np.max(np.where(self.eq, np.abs(g), g), initial=0.0)),
            "feas_X": 0.0 if self.X is None else self.X.violation(x),
            "feas_Y": 0.0 if self.Y is None else self.Y.violation(y),
        }

    def violation(self, x, y):
        """Return the largest violation, infinite where a function is not defined."""
        worst = sum(v if v == v else np.inf for v in self.infeasibilities(x, y).values())
        return worst if worst == np.inf else max(self.infeasibilities(x, y).values())

    # -- what a run begins and ends with -----------------------------------------------------

    def require_finite(self, x, y):
        """Stop with NONFINITE, naming the function, unless all are finite at a point.

        These are F, f, g, G and the derivatives that are given.
        """
        given = [name for name in ("grad_F", "grad_f", "jac_g", "jac_G") if self.exact(name)]
        for name in ("F", "f", "g", "G", *given):
            getattr(self, name)(x, y)
            if name in self.lost:
                where = self.shown(self.lost[name])
                raise Stop(Status.NONFINITE, f"`{name}` is not finite at {where}")

    def differentiable_parts(self):
        """Return F with G, and f with g, as nonlinear programs over (x, y)."""
        from numopt.models.bilevel_levels import Joint

        return [Joint(self, "FG"), Joint(self, "fg")]

    def check_derivatives(self, directions=5, tol=1e-4, rng=0, raise_error=False):
        """Compare the given derivatives of both levels with differences; see `check_derivatives`.

        Returns
        -------
        list of DerivativeReport
            Of F with G, and of f with g.
        """
        from numopt.models.derivatives import check_derivatives

        how = {"directions": directions, "tol": tol, "rng": rng, "raise_error": raise_error}
        return [check_derivatives(part, **how) for part in self.differentiable_parts()]

    def present(self, result):
        """Return a result with x and y apart."""
        if "y" not in result:
            result["x"], result["y"] = self.split(result["x"])
        result["calls"] = self.calls
        return result
