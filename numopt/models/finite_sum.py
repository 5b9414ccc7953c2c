"""Sums of losses of rows with a simple term, as cocoercive inclusions with compiled operators.

    minimise (1/n) sum_i loss(a_i'x, b_i) + ridge |x|^2 / 2 + term(x)

F is the gradient of the smooth part, G the subdifferential of the term.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from numopt.core.errors import ProblemError
from numopt.linalg.projections import shrink, shrink_groups, simplex
from numopt.models.inputs import real_vector
from numopt.models.monotone import MonotoneProblem

CURVATURE = {"squared": 1.0, "logistic": 0.25, "smooth_hinge": 1.0, "squared_hinge": 1.0}
SAMPLE = 10_000, 50  # rows from which the curvature is estimated: at least, and for each variable
SAFETY = 1.05  # on a curvature that comes from a part of the rows


@dataclass(frozen=True)
class Term:
    """A simple convex function for `FiniteSum`.

    Parameters
    ----------
    kind : {"none", "l1", "box", "simplex", "group"}
    weight : float
        Of the norm for ``"l1"`` and ``"group"``, the sum of the entries for ``"simplex"``.
    size : int
        Entries of a group; groups are consecutive.
    lower, upper : array_like, shape (d,), or float
        Of the box.
    """

    kind: str = "none"
    weight: float = 1.0
    size: int = 1
    lower: Any = -np.inf
    upper: Any = np.inf

    def __post_init__(self):
        if self.kind not in ("none", "l1", "box", "simplex", "group"):
            raise ProblemError(f"unknown term {self.kind!r}: none, l1, box, simplex, group")
        if not 0 <= self.weight < np.inf or self.size < 1:
            raise ProblemError("`weight` must be >= 0 and finite, `size` >= 1")
        if np.any(np.asarray(self.lower) > np.asarray(self.upper)):
            raise ProblemError("`lower` exceeds `upper`")

    def prox(self, v, t):
        """Return the proximal map of t times this function, shape (d,)."""
        if self.kind == "l1":
            return shrink(v, t * self.weight)
        if self.kind == "box":
            return np.clip(v, self.lower, self.upper)
        if self.kind == "simplex":
            return simplex(v, radius=self.weight)
        return shrink_groups(v, t * self.weight, self.size) if self.kind == "group" else v

    def value(self, x):
        """Return the function at a point of its domain."""
        if self.kind == "l1":
            return self.weight * float(np.abs(x).sum())
        if self.kind == "group":
            return self.weight * float(np.linalg.norm(x.reshape(-1, self.size), axis=1).sum())
        return 0.0


class FiniteSum(MonotoneProblem):
    """A finite sum of losses with a simple term, whose operator is compiled.

        minimise (1/n) sum_i loss(a_i'x, b_i) + ridge |x|^2 / 2 + term(x)

    Parameters
    ----------
    A : array_like, shape (n, d)
        Rows are copied into random order, so that consecutive rows are a random sample.
    b : array_like, shape (n,)
        Targets; labels -1 and 1 for all losses but ``"squared"``.
    loss : {"squared", "logistic", "smooth_hinge", "squared_hinge"}
        (z - b)^2 / 2; log(1 + exp(-bz)); the hinge max(0, 1 - bz) rounded by a parabola between 0
        and 1; half its square.
    term : Term, optional
        For example ``Term("l1", 0.1)``.
    ridge : float
    x0 : array_like, shape (d,), optional
        Start point; zero by default.

    Attributes
    ----------
    lipschitz : float
        Largest constant of a component.
    curvature : float
        Constant of F itself, from a sample of the rows.

    Raises
    ------
    ProblemError, InputTypeError
        For shapes that do not fit, numbers that are not finite, labels other than -1 and 1, groups
        that do not divide d.

    Examples
    --------
    >>> from numopt.models.finite_sum import FiniteSum, Term
    >>> A, b = np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([2.0, 0.1])
    >>> res = numopt.solve(FiniteSum(A, b, "squared", Term("l1", 0.1)), rng=0)
    >>> res.success, res.x.round(4)
    (True, array([0.95, 0.  ]))
    """

    kind = "finite_sum"
    cocoercive = True

    def __init__(self, A, b, loss="squared", term=None, *, ridge=0.0, x0=None):
        super().__init__()
        if loss not in CURVATURE:
            raise ProblemError(f"unknown loss {loss!r}: {', '.join(CURVATURE)}")
        A = np.asarray(A)
        if A.ndim != 2 or 0 in A.shape or A.dtype.kind not in "biuf":
            raise ProblemError(f"`A` must be a real matrix with rows and columns, got {A.shape}")
        self.components, self.n = A.shape
        b = real_vector(b, "b", n=self.components, finite=True)
        if loss != "squared" and not np.isin(b, (-1.0, 1.0)).all():
            raise ProblemError(f"`b` must hold labels -1 and 1 for the loss {loss!r}")
        if not 0 <= ridge < np.inf:
            raise ProblemError(f"`ridge` must be >= 0 and finite, got {ridge!r}")
        order = np.random.default_rng(0).permutation(self.components)
        self.A, self.b = np.ascontiguousarray(A[order], dtype=float), b[order]
        if not np.isfinite(self.A).all():
            raise ProblemError("`A` must hold finite numbers only")
        self.loss, self.ridge, self.term = loss, float(ridge), term or Term()
        self._codes = self._coded()
        self.x0 = np.zeros(self.n) if x0 is None else real_vector(x0, "x0", n=self.n, finite=True)
        largest = float(np.einsum("ij,ij->i", self.A, self.A).max())
        self.lipschitz = CURVATURE[loss] * largest + self.ridge
        self.curvature = self._sampled_curvature()

    def _coded(self):
        term = self.term
        if term.kind == "group" and self.n % term.size:
            raise ProblemError(f"groups of {term.size} entries do not divide {self.n} variables")
        code = ("none", "l1", "box", "simplex", "group").index(term.kind)
        lower, upper = (np.array(np.broadcast_to(v, (self.n,)), dtype=float)
                        for v in (term.lower, term.upper))  # fmt: skip
        data = list(CURVATURE).index(self.loss), self.A, self.b, self.ridge
        return data, (code, float(term.weight), int(term.size), lower, upper)

    def _sampled_curvature(self):
        rows = min(self.components, max(SAMPLE[0], SAMPLE[1] * self.n))
        part = self.A[:rows]
        gram = part.T @ part if rows >= self.n else part @ part.T
        top = float(np.linalg.eigvalsh(gram)[-1]) / rows
        safety = SAFETY if rows < self.components else 1.0
        return safety * CURVATURE[self.loss] * top + self.ridge

    def _operator(self, u):
        return self.value_and_operator(u)[1]

    def value_and_operator(self, u):
        """Return the smooth part of the objective and F(u), not counted."""
        from numopt.kernels.finite_sums import gradient

        out = np.empty(self.n)
        value = gradient(*self._codes[0], np.ascontiguousarray(u), out)
        value += 0.5 * self.ridge * float(u @ u)
        if self.memo is not None:
            self.memo["value"] = u.copy(), value
        return value, out

    def resolvent(self, v, t):
        """Return (I + t G)^-1 v."""
        return self.term.prox(v, t)

    def sample(self, rng, size):
        """Return consecutive rows from a random one on."""
        return (rng.integers(self.components) + np.arange(size)) % self.components

    def _difference(self, idx, u, v):
        from numopt.kernels.finite_sums import block_difference

        out = np.empty(self.n)
        block_difference(*self._codes[0], int(idx[0]), len(idx), u, v, out)
        return out

    def stretch(self, point, anchor, anchored, k, eta, plan, rng):
        """Iterate in compiled code until an evaluation of F is due; see `halpern_vr`.

        Parameters
        ----------
        point : Certified
        anchor : ndarray, shape (d,)
        anchored : bool
        k : int
            Iterations since the restart.
        eta : float
        plan : tuple
            Number of differences to take, their rows, whether they are to the first point.
        rng : Generator

        Returns
        -------
        u, w : ndarray, shape (d,)
            The last point, and the argument of the resolvent that it came from.
        """
        from numopt.kernels.finite_sums import stretch

        count, batch, snapshot = plan
        self.pay(2 * batch * count)
        u, w, starts = np.empty(self.n), np.empty(self.n), rng.integers(self.components, size=count)
        stretch(
            *self._codes, point.u, point.F.copy(), anchor, anchored, k, eta, batch, starts,
            snapshot, u, w,
        )  # fmt: skip
        return u, w

    def objective(self, point):
        """Return what `res.fun` shows."""
        latest = (self.memo or {}).get("value")
        known = latest is not None and np.array_equal(latest[0], point.u)
        smooth = latest[1] if known else self.value_and_operator(point.u)[0]  # pyright: ignore
        return smooth + self.term.value(point.u)
