"""Consensus-based optimisation: many particles, no derivatives."""

import warnings
from dataclasses import dataclass
from functools import cached_property
from math import inf, sqrt
from typing import Any, ClassVar, Literal

import numpy as np

from numopt.core.errors import ConvergenceWarning, UnsupportedError
from numopt.core.solver import METHODS, Solver, get_solver
from numopt.solvers.cbo import constrained, fused, hybrid, on_arrays, plain

ARMS = ("swarm", "hop", "covariance")
LARGEST_MATRIX = 200  # variables up to which the covariance arm takes part


@dataclass(frozen=True, kw_only=True)
class CBO(Solver):
    """Options of ``method="cbo"``: global minimisation without derivatives.

        minimise f(x)   subject to   lb <= x <= ub,   cl <= c(x) <= cu

    Parameters
    ----------
    variant : {"hybrid", "paper"}
        The hybrid search, or the dynamics as published.
    arms, shares : sequence of str, sequence of float
        Hybrid: which of ``"swarm"``, ``"hop"`` and ``"covariance"`` take part, and their shares of
        the evaluations, by default 1, max(2, n / 10) and 1; the third up to 200 variables.
    patience : float
        Hybrid without `maxfun`: evaluations for each variable before convergence may be declared.
    ftol : float
        Hybrid: a descent ends after two steps with a relative decrease below this.
    radius : float
        Where a bound is missing, how far from `x0` the search begins; 0 is ``max |x0|``, or 1. In
        the paper variant the standard deviation of the first particles, in a box too.
    n_particles : int
        Paper: number N of particles; 0 is 20 for each variable, at least 40 and at most 200.
    ensemble : array_like, shape (N, n), optional
        Paper: the first particles. Without `x0` its library is that of the objective.
    noise : {"anisotropic", "isotropic", "covariance"}
        Paper: D(v) = diag(v), |v| I, or the root of the weighted covariance of the ensemble.
    lam, sigma, dt : float
        Paper: strength of drift and noise, time step.
    alpha, alpha_factor, effective_share : float
        Paper: first weight exponent (0: one over the standard deviation of f), what multiplies it
        in each step, up to 1e15; a positive share chooses it such that this part of the ensemble
        carries the weight.
    sigma_factor : float
        Paper: what multiplies sigma in each step.
    truncate : float
        Paper: largest size of D.
    memory, memory_lam : bool, float
        Paper: consensus of the best places that the particles have seen, and the pull of its own.
    batch_size : int
        Paper: how many particles move in a step, in random order; 0 is all.
    kernel_width : float
        Paper: each particle follows those within about this distance, so several minimisers
        survive (polarised); 0 is all. ``res.population`` has them.
    jump_rate : float
        Paper: rate of additional normal jumps of size |x - c|, which become rarer with time.
    hopping : bool
        Paper: draw the ensemble anew around the consensus point, with standard deviation `sigma`.
    surface, columns : {"none", "sphere", "stiefel"}, int
        Paper: where the particles live; on "stiefel" they are matrices with so many orthonormal
        columns, as vectors row by row.
    clusters : int
        Paper: so many groups of particles with a consensus each, ``res.consensus_points``; 0 is
        one for all.
    tail : float
        Paper: index of stable noise, from 2, which is normal, down to 1, which is Cauchy's.
    reduction : float
        Paper: how much faster than their variance the particles become fewer, up to 1; 0 keeps all.
    inner : int
        Paper: steps in an iteration. With an objective compiled by Numba they run in one kernel.
    polish : {"auto", "none"} or str
        Local method that goes on from the best point, "auto" where there are constraints:
        ``"sketched_newton"``. Its answer is taken if it is better; ``res.polish`` tells about it.
        Of a `maxfun` a fifth is kept for it.
    tol, maxiter, maxfun, maxtime, target, disp
        As for every method, see `Solver`. The hybrid uses a `maxfun` that was given to its end.

    Notes
    -----
    The hybrid runs three arms, which share the best point and the evaluations: an elitist swarm
    around its consensus point with random masks, hops from the best point at many scales, polished
    by L-BFGS with differences, and consensus hopping with an adapted covariance. Its measure is
    the decrease of the best value since a checkpoint that lies half of the evaluations back or
    more, relative to ``max(1, |f|)``. No method can prove a global minimum from values:
    ``res.certificate`` is None. In the paper variant the measure is the median distance to the
    consensus point, relative to that at the start, and the answer is that point.

    `x0` may be left out where all bounds are finite; it is then drawn. A compiled objective, with
    arrays and numbers as `args`, is called through a pointer from compiled code: the same result,
    bit for bit, much faster. NaN and infinity weigh nothing. A step costs O(N n), memory O(N n),
    and O(n^2) of the covariance arm.

    With an `x0` or `ensemble` of another array library the objective gets such arrays. In the paper
    variant the ensemble is then one of them and moves where it lies, in the dtype of `x0`, where
    the options are noise, memory, hopping, truncation and schedules. CuPy draws random numbers of
    its own from a seed that `rng` gives; for other libraries they are copied. The hybrid moves its
    particles on the host, as the paper variant does with other options; ``res.message`` tells it.

    Result: ``population``, ``population_energies``; of the hybrid ``arms``, evaluations of each.

    References
    ----------
    .. [1] J. A. Carrillo, Y.-P. Choi, C. Totzeck, O. Tse, An Analytical Framework for
       Consensus-Based Global Optimization Method, M3AS 28, 2018.
    .. [2] K. Riedl, T. Klock, C. Geldhauser, M. Fornasier, Gradient is All You Need?, 2023.
    .. [3] K. Riedl, Leveraging Memory Effects and Gradient Information in Consensus-Based
       Optimization, 2022.
    """

    name = "cbo"
    measure = "decrease of the best value, or spread"
    certificate = None
    accepts = frozenset({"bounds", "eq", "ineq"})
    reference = "Carrillo, Choi, Totzeck, Tse, M3AS 2018"
    backends = ("numpy", "array-api")  # the hybrid search is on the host, see the notes
    needs_x0 = False
    ARMS: ClassVar[tuple[str, ...]] = ARMS

    variant: Literal["hybrid", "paper"] = "hybrid"
    arms: Any = ARMS
    shares: Any = None
    patience: float = 250.0
    ftol: float = 1e-10
    radius: float = 0.0
    n_particles: int = 0
    ensemble: Any = None
    noise: Literal["anisotropic", "isotropic", "covariance"] = "anisotropic"
    lam: float = 1.0
    sigma: float = 8.1
    dt: float = 0.01
    alpha: float = 0.0
    alpha_factor: float = 1.05
    effective_share: float = 0.0
    sigma_factor: float = 1.0
    truncate: float = inf
    memory: bool = False
    memory_lam: float = 0.0
    batch_size: int = 0
    kernel_width: float = 0.0
    jump_rate: float = 0.0
    hopping: bool = False
    surface: Literal["none", "sphere", "stiefel"] = "none"
    columns: int = 1
    clusters: int = 0
    tail: float = 2.0
    reduction: float = 0.0
    inner: int = 1
    polish: str = "auto"

    def __post_init__(self):
        super().__post_init__()
        for option in ("patience", "ftol", "lam", "dt", "truncate", "alpha_factor", "inner"):
            self.require(getattr(self, option) > 0, option, "must be > 0")
        for option in ("radius", "sigma", "alpha", "memory_lam", "batch_size", "kernel_width"):
            self.require(getattr(self, option) >= 0, option, "must be >= 0")
        few = self.n_particles != 0 and self.n_particles < 2
        self.require(not few, "n_particles", "must be >= 2, or 0")
        self.require(0 <= self.effective_share <= 1, "effective_share", "must be in [0, 1]")
        self.require(0 < self.sigma_factor <= 1, "sigma_factor", "must be in (0, 1]")
        self.require(self.jump_rate >= 0, "jump_rate", "must be >= 0")
        self.require(1 <= self.tail <= 2, "tail", "must be in [1, 2]")
        self.require(0 <= self.reduction <= 1, "reduction", "must be in [0, 1]")
        self.require(self.clusters >= 0, "clusters", "must be >= 0")
        one = self.columns == 1 or self.surface == "stiefel"
        self.require(self.columns >= 1 and one, "columns", "must be 1 unless on 'stiefel'")
        self._refuse_pairs()
        self._check_arms()

    def _refuse_pairs(self):
        """Raise for options that exclude each other."""
        alone = not (self.clusters and self.kernel_width)
        self.require(alone, "clusters", "must be 0 where `kernel_width` is given")
        fixed = not (self.reduction and self.batch_size)
        self.require(fixed, "reduction", "must be 0 where `batch_size` is given")
        normal = self.tail == 2 or (self.noise != "covariance" and self.surface == "none")
        self.require(normal, "tail", "must be 2 with covariance noise and on surfaces")

    def _check_arms(self):
        arms = self.arms
        known = isinstance(arms, (list, tuple)) and 0 < len(arms) == len(set(map(str, arms)))
        known = known and set(arms) <= set(ARMS)
        self.require(known, "arms", f"must be some of {', '.join(ARMS)}")
        if self.shares is None:
            return
        fits = isinstance(self.shares, (list, tuple)) and len(self.shares) == len(arms)
        fits = fits and all(isinstance(v, (int, float)) and 0 < v < inf for v in self.shares)
        self.require(fits, "shares", "must have a positive number for each of `arms`")

    @property
    def like(self):
        return self.ensemble

    @cached_property
    def extras(self):
        """Names of the options of the dynamics beyond the basic ones that are in use."""
        return fused.extras(self)

    def arm_shares(self, d):
        """Return the share of each of the three arms in d variables; 0 for none."""
        default = dict(zip(ARMS, (1.0, max(2.0, 0.1 * d), 1.0), strict=True))
        given = self.shares or [default[arm] for arm in self.arms]
        shares = default | dict.fromkeys(ARMS, 0.0) | dict(zip(self.arms, given, strict=True))
        if d > LARGEST_MATRIX and len(self.arms) > 1:
            shares["covariance"] = 0.0
        return [shares[arm] for arm in ARMS]

    def check(self, problem):
        super().check(problem)
        on_arrays.check(self, problem)
        if self.surface != "none" and (problem.features() or self._polishes(problem)):
            raise UnsupportedError(
                f"method {self.name!r}: a surface excludes bounds, constraints and polishing"
            )
        if self.surface != "none" and problem.n % self.columns:
            raise UnsupportedError(
                f"method {self.name!r}: {problem.n} variables are no matrix of "
                f"{self.columns} columns"
            )
        if self._polishes(problem) and self.polish != "none":
            self._local(problem)

    def _local(self, problem):
        """Raise unless the local method exists and takes the problem."""
        name = constrained.LOCAL if self.polish == "auto" else self.polish
        self.require(name in METHODS and name != self.name, "polish", "must be a local method")
        get_solver(name).check(problem)

    def _polishes(self, problem):
        """Whether a local method, and penalties for constraints, are around the search."""
        return problem.m > 0 or self.polish not in ("auto", "none")

    def _variant(self, problem):
        if self._polishes(problem):
            return constrained
        if self.variant == "hybrid":
            return hybrid
        return on_arrays if on_arrays.applies(self, problem) else plain

    def init(self, problem, x0, run):
        if self.variant == "paper":
            self._warn_if_expanding()
            run.remarks += on_arrays.remarks(self, problem)
        return self._variant(problem).init(self, problem, x0, run)

    def _warn_if_expanding(self):
        """Tell if the typical particle moves away from a fixed consensus point."""
        z = np.random.default_rng(0).standard_normal(20_000)
        with np.errstate(divide="ignore"):
            factor = np.abs(1.0 - self.lam * self.dt + self.sigma * sqrt(self.dt) * z)
            rate = float(np.mean(np.log(factor)))
        if rate >= 0.0 and not self.hopping and self.noise != "covariance":
            warnings.warn(
                f"method 'cbo': particles spread by a factor {np.exp(rate):.3g} a step; "
                "lower `sigma` or `dt`",
                ConvergenceWarning,
                stacklevel=6,
            )

    def step(self, problem, s, run):
        return self._variant(problem).step(self, problem, s, run)

    def report(self, problem, s, run):
        return self._variant(problem).report(self, problem, s, run)

    def verify(self, problem, it):
        fun, violation = problem.fun(it.x), it.violation
        if problem.m:
            violation = problem.violation(it.x, problem.cons(it.x))
        return fun, it.optimality if np.isfinite(fun) else inf, violation
