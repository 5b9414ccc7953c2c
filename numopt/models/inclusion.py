"""Monotone inclusions by functions of the user."""

import numpy as np

from numopt.core.errors import NumoptError, ProblemError, Status, Stop
from numopt.models.inputs import real_array, real_vector
from numopt.models.monotone import MonotoneProblem

PAIRS = 8  # random pairs of points at which a resolvent is tried
ROUNDING = 1e-8  # relative violation of an inequality that passes for rounding


class Inclusion(MonotoneProblem):
    """Find u with 0 in F(u) + G(u), by functions of the user.

    Parameters
    ----------
    F : callable
        ``F(u) -> ndarray (d,)``, monotone: <F(u) - F(v), u - v> >= 0.
    resolvent : callable
        ``resolvent(v, t) -> ndarray (d,)``, the solution u of v in u + t G(u) for t > 0: a
        projection, a proximal map.
    x0 : array_like, shape (d,)
        Start point.
    F_batch : callable, optional
        ``F_batch(idx, u)``: mean of F_i(u) over the integers in `idx`, from 0 to n - 1; with
        `probs`, the mean of F_i(u) / (n probs_i).
    F_diff : callable, optional
        ``F_diff(idx, u, v)``: F_batch(idx, u) - F_batch(idx, v), where that can be had cheaper.
    n : int, optional
        Number of components: F is their mean. Needed with `F_batch` or `F_diff`.
    L : float, optional
        Lipschitz constant, on average over the components; estimated if None.
    probs : array_like, shape (n,), optional
        Probabilities with which components are drawn; uniform by default.
    cocoercive : bool
        Whether the components are cocoercive on average with constant 1/L, as gradients of convex
        functions are; `halpern_vr` then has a single loop.
    fun : callable, optional
        ``fun(u) -> float``, shown as `res.fun`, not counted; the residual by default.
    check : bool
        Try F, the resolvent and F_batch at the start, outside the counts.

    Raises
    ------
    ProblemError
        For wrong shapes, values that are not finite at `x0`, a resolvent that is not firmly
        non-expansive at random points, and an `n` that does not fit `F_batch`.

    Examples
    --------
    A rotation has no objective, but a zero:

    >>> A = np.array([[0.0, 1.0], [-1.0, 0.0]])
    >>> problem = numopt.Inclusion(lambda u: A @ u - 1, lambda v, t: v, [0.0, 0.0])
    >>> res = numopt.solve(problem, method="extragradient")
    >>> res.success, res.x.round(5)
    (True, array([-1.,  1.]))
    """

    def __init__(
        self, F, resolvent, x0, *, F_batch=None, F_diff=None, n=None, L=None, probs=None,
        cocoercive=False, fun=None, check=True,
    ):  # fmt: skip
        super().__init__()
        for name, function in {"F": F, "resolvent": resolvent}.items():
            if not callable(function):
                raise ProblemError(f"`{name}` must be callable, got {type(function).__name__}")
        self.x0 = real_vector(x0, "x0", finite=True)
        self.n = self.x0.size
        self.user_F, self.user_resolvent, self.user_fun = F, resolvent, fun
        self.F_batch, self.F_diff = F_batch, F_diff
        self.components = _number_of_components(n, F_batch, F_diff)
        self.lipschitz, self.cocoercive = _constant(L), bool(cocoercive)
        self.probs = None if probs is None else _probabilities(probs, self.components)
        if check:
            self._try_out()

    def _operator(self, u):
        return self._called("F", self.user_F, u.copy())

    def resolvent(self, v, t):
        """Return (I + t G)^-1 v."""
        return self._called("resolvent", self.user_resolvent, v.copy(), t)

    def sample(self, rng, size):
        """Draw indices of components."""
        if self.probs is None:
            return super().sample(rng, size)
        return rng.choice(self.components, size=size, p=self.probs)

    def _difference(self, idx, u, v):
        if self.F_diff is not None:
            return self._called("F_diff", self.F_diff, idx, u.copy(), v.copy())
        if self.F_batch is None:
            return self._operator(u) - self._operator(v)
        at_u, at_v = (self._called("F_batch", self.F_batch, idx, w.copy()) for w in (u, v))
        return at_u - at_v

    def objective(self, point):
        """Return what `res.fun` shows."""
        return super().objective(point) if self.user_fun is None else float(self.user_fun(point.u))

    def _called(self, name, function, *args):
        try:
            value = function(*args)
        except Exception as error:
            if self.on_error == "raise" or isinstance(error, (Stop, NumoptError)):
                raise
            raise Stop(
                Status.NONFINITE, f"`{name}` raised {type(error).__name__}: {error}"
            ) from None
        return real_array(value, f"`{name}`", (self.n,))

    # -- trying out --------------------------------------------------------------------------

    def _try_out(self):
        F = self._operator(self.x0)
        if not np.isfinite(F).all():
            raise ProblemError("`F` is not finite at `x0`")
        self._try_resolvent(1.0 + np.linalg.norm(self.x0))
        if self.F_batch is not None and self.probs is None:
            self._try_batches(F)

    def _try_resolvent(self, scale):
        rng = np.random.default_rng(0)
        for _ in range(PAIRS):
            t = float(np.exp(rng.uniform(-2.0, 2.0)))
            v, w = self.x0 + scale * rng.standard_normal((2, self.n))
            d = self.resolvent(v, t) - self.resolvent(w, t)
            if not np.isfinite(d).all():
                raise ProblemError(f"`resolvent` is not finite near `x0`, with t = {t:.3g}")
            if d @ d > d @ (v - w) + ROUNDING * np.linalg.norm(v - w) ** 2:
                raise ProblemError(
                    "`resolvent` is not the resolvent of a monotone operator: at random points, "
                    f"with t = {t:.3g}, |J(v) - J(w)|^2 = {d @ d:.6g} exceeds "
                    f"<J(v) - J(w), v - w> = {d @ (v - w):.6g}"
                )

    def _try_batches(self, F):
        idx = np.arange(self.components)
        try:
            mean = self._called("F_batch", self.F_batch, idx, self.x0.copy())
        except IndexError as error:
            raise ProblemError(f"`n` = {self.components} does not fit `F_batch`: {error}") from None
        if np.linalg.norm(mean - F) > 1e-6 * (1.0 + np.linalg.norm(F)):
            raise ProblemError(
                f"`F_batch` of all `n` = {self.components} components is not `F` at `x0`: they "
                f"differ by {np.linalg.norm(mean - F):.3g}; F must be the mean of its components"
            )


def _number_of_components(n, F_batch, F_diff):
    if n is None:
        if F_batch is not None or F_diff is not None:
            raise ProblemError(
                "`n`, the number of components, is needed with `F_batch` or `F_diff`"
            )
        return 1
    if not hasattr(n, "__index__") or n < 1:
        raise ProblemError(f"`n` must be a positive whole number, got {n!r}")
    if n > 1 and F_batch is None and F_diff is None:
        raise ProblemError("`n` needs `F_batch` or `F_diff`, which evaluate components")
    return int(n)


def _constant(L):
    if L is not None and not 0 < L < np.inf:
        raise ProblemError(f"`L` must be positive and finite, got {L!r}")
    return None if L is None else float(L)


def _probabilities(probs, n):
    p = real_vector(probs, "probs", n=n, finite=True)
    if p.min() < 0 or abs(p.sum() - 1.0) > ROUNDING:
        raise ProblemError("`probs` must be probabilities: not negative, with sum 1")
    return p / p.sum()
