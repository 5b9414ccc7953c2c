"""Gradient methods that see values, or rankings, only."""

from dataclasses import dataclass
from math import inf
from typing import Any, Literal

from numopt.core.errors import UnsupportedError
from numopt.core.solver import Solver
from numopt.solvers.zeroth_order import (
    coordinates,
    frank_wolfe,
    ranking,
    recursive,
    smoothing,
    spsa,
)

VARIANTS = {
    "coordinates": coordinates,
    "smoothing": smoothing,
    "spsa": spsa,
    "ranking": ranking,
    "frank_wolfe": frank_wolfe,
    "recursive": recursive,
}


@dataclass(frozen=True, kw_only=True)
class ZerothOrder(Solver):
    """Options of ``method="zeroth_order"``: descent along gradients that are estimated from values.

        minimise f(x)   subject to   lb <= x <= ub,   or x in a set

    Parameters
    ----------
    variant : {"auto", "coordinates", "smoothing", "spsa", "ranking", "frank_wolfe", "recursive"}
        ``"coordinates"``: differences along all coordinates, for smooth f. ``"smoothing"``: few
        random directions, for many variables. ``"spsa"``: two evaluations a step, for noise.
        ``"ranking"``: no values, only which points are better. ``"frank_wolfe"``: a set known by a
        linear minimisation oracle. ``"recursive"``: nonsmooth and nonconvex f. ``"auto"`` takes
        ranking for a `Preference`, frank_wolfe where there is a `domain`, else coordinates.
    noise : float
        Standard deviation of the noise of f.
    radius : float
        Radius of the differences, in the unit of x; 0 is chosen by the size of x and by `noise`.
    step_size : float
        Length of steps: their first one in coordinates and spsa (there in the unit of x), a
        constant one in smoothing and recursive; 0 is found by comparing values.
    samples : int
        Random directions of an estimate, or points of a ranking; 0 is chosen by n.
    difference : {"central", "forward"}
        Coordinates, frank_wolfe: 2n or n evaluations for a gradient, the error of order 2 or 1.
    density : float
        Coordinates: part of the gradient that is differenced anew in a step. Smoothing: part of
        the variables that a random direction moves.
    momentum : float
        Smoothing: part of the old estimate that is kept.
    average : bool
        Smoothing, spsa: answer with the average of the late iterates.
    blocking : bool
        Spsa: refuse steps that raise f by more than twice `noise`, for one more evaluation.
    second_order : bool
        Spsa: divide by an estimate of the Hessian, for two more evaluations a step and a matrix of
        n x n; for few variables of very different curvature.
    best : int
        Ranking: how many of the points are ranked, the best ones; 0 is all.
    shrink : float
        Ranking: what multiplies the radius after five rounds without a move; 1 keeps it.
    domain : set or callable, optional
        Frank_wolfe: `Simplex`, `Ball`, `Box`, `L1Ball`, `KSparsePolytope`, `NuclearBall`,
        `Spectrahedron`, or ``domain(g) -> v``, a point v of the set with the least <g, v>; by
        default the bounds.
    levels : int
        Recursive: how many larger balls come first, each of four times the radius of the next.
    inner : int
        Smoothing, spsa: steps in an iteration; at its end f is evaluated once.
    tol, maxiter, maxfun, maxtime, target, disp
        As for every method, see `Solver`.

    Notes
    -----
    The measure is the largest entry of x - P(x - g), with P the projection on the bounds and g the
    estimate; the Frank-Wolfe gap; in ranking the radius relative to the first one. Before a success
    it is recomputed, by central differences along the coordinates, by directions of its own in
    recursive, by 2n more points in ranking. Smoothing, spsa and recursive rarely reach a small
    `tol`: give `maxfun` or `target`. ``res.certificate`` is None, as values prove no minimum.

    A stencil is evaluated in one go (`workers`, `vectorized`), never outside of bounds, but around
    a point of `domain` also outside of it. An estimate costs 2n evaluations in coordinates, 2 q
    from q directions. Memory O(n) for each point of a stencil.

    References
    ----------
    .. [1] A. Chen et al., DeepZero, ICLR 2024. Coordinates, density.
    .. [2] E. G. Birgin, J. M. Martinez, M. Raydan, SIAM J. Optim. 10, 2000. Steps in coordinates.
    .. [3] Y. Nesterov, V. Spokoiny, Found. Comput. Math. 17, 2017. Smoothing.
    .. [4] J. C. Spall, IEEE Trans. Aerosp. Electron. Syst. 34, 1998. Spsa; its second-order form in
       IEEE Trans. Autom. Control 45, 2000, with the matrices of D. Leventhal, A. S. Lewis,
       Optimization 60, 2011.
    .. [5] Z. Tang, D. Rybin, T.-H. Chang, arXiv 2303.03751, 2023. Ranking.
    .. [6] A. K. Sahu, M. Zaheer, S. Kar, AISTATS 2019. Frank_wolfe with noise.
    .. [7] L. Chen, J. Xu, L. Luo, ICML 2023. Recursive.
    """

    name = "zeroth_order"
    measure = "projected gradient, gap, or radius"
    certificate = None
    problems = ("nlp", "preference")
    accepts = frozenset({"bounds"})
    backends = ("numpy", "array-api")  # the steps are on the host, the objective where `x0` lies
    reference = "Nesterov, Spokoiny, Found. Comput. Math. 17, 2017"

    variant: Literal[
        "auto", "coordinates", "smoothing", "spsa", "ranking", "frank_wolfe", "recursive"
    ] = "auto"
    noise: float = 0.0
    radius: float = 0.0
    step_size: float = 0.0
    samples: int = 0
    difference: Literal["central", "forward"] = "central"
    density: float = 1.0
    momentum: float = 0.0
    average: bool = False
    blocking: bool = False
    second_order: bool = False
    best: int = 0
    shrink: float = 0.7
    domain: Any = None
    levels: int = 4
    inner: int = 10

    def __post_init__(self):
        super().__post_init__()
        for option in ("noise", "radius", "step_size", "samples", "best", "levels"):
            self.require(0 <= getattr(self, option) < inf, option, "must be >= 0 and finite")
        self.require(0 < self.density <= 1, "density", "must be in (0, 1]")
        self.require(0 <= self.momentum < 1, "momentum", "must be in [0, 1)")
        self.require(0 < self.shrink <= 1, "shrink", "must be in (0, 1]")
        self.require(self.inner > 0, "inner", "must be > 0")
        self.require(self.best <= (self.samples or self.best), "best", "must be <= `samples`")
        ranked = self.variant != "ranking" or self.samples != 1
        self.require(ranked, "samples", "must be >= 2 for a ranking, or 0")

    @property
    def trusting(self):
        """Whether a point of a stencil may be the answer: not if its value may just be lucky."""
        return self.noise == 0 and not self.average

    @property
    def stochastic(self):
        """Whether Frank-Wolfe averages noisy estimates."""
        return self.noise > 0 or self.samples > 0

    def check(self, problem):
        super().check(problem)
        values = self.variant not in ("auto", "ranking") or self.on_error == "nan"
        if problem.kind == "preference" and (values or self.target > -inf):
            raise UnsupportedError(
                f"method {self.name!r}: a Preference has no values, so it takes "
                "variant='ranking' and on_error='raise' only, and no `target`"
            )
        if self._variant(problem) is frank_wolfe:
            frank_wolfe.check(self, problem)
        elif self.domain is not None:
            raise UnsupportedError(
                f"method {self.name!r}: variant={self.variant!r} takes no `domain`; "
                "variant='frank_wolfe' does"
            )

    def _variant(self, problem):
        if self.variant != "auto":
            return VARIANTS[self.variant]
        if problem.kind == "preference":
            return ranking
        return coordinates if self.domain is None else frank_wolfe

    def init(self, problem, x0, run):
        return self._variant(problem).init(self, problem, x0, run)

    def step(self, problem, s, run):
        return self._variant(problem).step(self, problem, s, run)

    def report(self, problem, s, run):
        return self._variant(problem).report(self, problem, s, run)

    def verify(self, problem, it):
        return self._variant(problem).verify(self, problem, it)
