"""sl-BAMM: a single loop on averaged objectives.

    phi_k = mu_k F + (1 - mu_k) f,   mu_k = mu_0 (k + 1)^-p
    y <- y - b grad_y phi_k
    v <- v - e ( (d2phi_k/dydy) v - grad_y F )
    x <- Proj_X( x - a ( grad_x F - (d2phi_k/dxdy) v ) )

As mu_k vanishes, v becomes the q of implicit differentiation; before, the average makes the linear
system definite where only F is strongly convex in y. Second derivatives of F are differences of its
gradient. The steps b = e are the inverse of the curvature of phi at the start; a is half the
inverse of the curvature seen along the last step.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from numopt.solvers.bilevel.base import BilevelSolver
from numopt.solvers.bilevel.batches import curvature
from numopt.solvers.bilevel.descent import secant_step
from numopt.solvers.bilevel.restarts import restarted, sound

LARGER = 1.1  # growth of the step of x from one iteration to the next
FIRST = 1e-2  # step of x
MEMORY = 0.9  # of the average of directions


class State(NamedTuple):
    """The iterates, the step of x and the latest direction."""

    x: np.ndarray  # (n,)
    y: np.ndarray  # (m,)
    v: np.ndarray  # (m,)
    d: np.ndarray  # (n,)
    mean: np.ndarray  # average of the directions, (n,)
    move: np.ndarray  # the last step of x, (n,)
    step: float
    curvature: float
    residual: float = np.inf  # of y and v
    k: int = 0
    sound: tuple = ()
    restarts: int = 0


@dataclass(frozen=True, kw_only=True)
class BAMM(BilevelSolver):
    """Options of ``method="bamm"``: averaged objectives with a multiplier of stationarity.

        minimise F(x, y)   over x in X,   grad_y (mu F + (1 - mu) f)(x, y) = 0,   mu -> 0

    Parameters
    ----------
    mu0, mu_power : float
        Weight of F in the average, ``mu0 (k + 1)^-mu_power``.
    step_x, step_y : float
        Factors of the steps of x, and of y and v.
    inner : int
        Steps of y and v for one step of x.
    normalise : bool
        Steps of x of length `step_x` / sqrt(k + 1) along an average of directions.
    update_every : int
        Move y in every so many iterations only.
    check_every : int
        Steps of x in one iteration.
    tol, maxiter, maxfun, maxtime, target, disp
        As for every method, see `Solver`.

    Notes
    -----
    A step of x costs `inner` gradients of F and f and products with the Hessian of f. The average
    is a bias of order mu_k, which decreases slowly: prefer ``"implicit"`` where f is strongly
    convex in y.

    Result: the fields of every bilevel result.

    References
    ----------
    .. [1] R. Liu, Y. Liu, W. Yao, S. Zeng, J. Zhang, Averaged method of multipliers for bi-level
       optimization without lower-level strong convexity, ICML 2023.
    .. [2] J. Hao, X. Gong, M. Liu, Bilevel optimization under unbounded smoothness, ICLR 2024.
    """

    name = "bamm"
    accepts = frozenset({"X", "implicit sets"})
    reference = "Liu, Liu, Yao, Zeng, Zhang, ICML 2023"

    mu0: float = 0.1
    mu_power: float = 1.0
    step_x: float = 1.0
    step_y: float = 1.0
    inner: int = 5
    normalise: bool = False
    update_every: int = 1
    check_every: int = 10

    def __post_init__(self):
        super().__post_init__()
        for option in ("step_x", "step_y", "inner", "update_every", "check_every", "mu_power"):
            self.require(getattr(self, option) > 0, option, "must be > 0")
        self.require(0 < self.mu0 < 1, "mu0", "must lie between 0 and 1")

    def init(self, problem, x0, run):
        x, y = self.begin(problem, x0, run)
        none = np.zeros(problem.n)
        v, one = np.zeros(problem.m), np.ones(problem.m) / np.sqrt(problem.m)
        above = float(np.linalg.norm(problem.hvp_F(x, y, one)[1]))
        steep = max(curvature(problem, x, y), self.mu0 * above)
        return State(x, y, v, none, none, none, FIRST * self.step_x, steep, sound=(x, y, v))

    def step(self, problem, s, run):
        for _ in range(self.check_every):
            s = self._iteration(problem, s)
            if not sound(s.x, s.y, s.v):
                return self._restarted(s)
        return s._replace(sound=(s.x, s.y, s.v))

    def _iteration(self, problem, s):
        mu, x, y, v = self.mu0 * (s.k + 1) ** -self.mu_power, s.x, s.y, s.v
        size = self.step_y / s.curvature
        slope = rest = np.zeros(problem.m)
        for _ in range(self.inner):
            gF, gf = problem.grad_F(x, y)[1], problem.grad_f_y(x, y)
            slope = mu * gF + (1 - mu) * gf
            rest = averaged_product(problem, x, y, v, mu)[1] - gF
            y = y - size * slope if s.k % self.update_every == 0 else y
            v = v - size * rest
        d = problem.grad_F(x, y)[0] - averaged_product(problem, x, y, v, mu)[0]
        mean, step = MEMORY * s.mean + (1.0 - MEMORY) * d, self._next_step(s, d)
        along = mean / max(float(np.linalg.norm(mean)), 1e-300) if self.normalise else d
        after = problem.project_upper(x - step * along)
        residual = float(np.linalg.norm(slope) + np.linalg.norm(rest))
        return s._replace(
            x=after,
            y=y,
            v=v,
            d=d,
            mean=mean,
            move=after - x,
            step=step,
            residual=residual,
            k=s.k + 1,
        )

    def _next_step(self, s, d):
        """Return half the inverse of the curvature along the last step, growing slowly."""
        if self.normalise:
            return self.step_x / np.sqrt(s.k + 1)
        return secant_step(s.step, s.move, d - s.d, LARGER)

    def _restarted(self, s):
        none = np.zeros_like(s.d)
        step = FIRST * self.step_x / 2 ** (s.restarts + 1)
        again = {"step": step, "curvature": 2 * s.curvature}
        return restarted(s, "xyv", **again, d=none, mean=none, move=none)

    def report(self, problem, s, run):
        gap = float(np.linalg.norm(problem.grad_f_y(s.x, s.y))) ** 2 / s.curvature
        stationarity = np.linalg.norm(problem.project_upper(s.x - s.d) - s.x) + s.residual
        return self.reported(problem, s.x, s.y, stationarity, gap)


def averaged_product(problem, x, y, v, mu):
    """Return the second derivatives of mu F + (1 - mu) f along (0, v), a pair."""
    pairs = zip(problem.hvp_F(x, y, v), problem.hvp(x, y, v), strict=True)
    return tuple(mu * above + (1 - mu) * below for above, below in pairs)
