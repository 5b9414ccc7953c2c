"""Constrained Newton: on active sides, in the interior, or sketched as in the paper."""

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np

from numopt.core.errors import Status, Stop, UnsupportedError
from numopt.core.solver import Iterate, Solver
from numopt.linalg.iterative import MODES, SymmetricProducts
from numopt.linalg.kkt import DENSE_LIMIT
from numopt.linalg.sketch import SKETCHES
from numopt.models.kkt import kkt_residual
from numopt.models.presolve import Dependence, linear_dependence
from numopt.models.transforms import EqualityForm, gradient_scales
from numopt.solvers.sketched_newton import (
    active_set,
    certificate,
    interior,
    paper,
    restoration,
    start,
)
from numopt.solvers.sketched_newton.barrier import Barrier
from numopt.solvers.sketched_newton.choice import chosen, treatment
from numopt.solvers.sketched_newton.newton import RestorationNeeded

FIRST_GAMMA = 1.0  # of regularization="gradient"
SMALLEST_MU = 1e-16
MU_BELOW_TOL = 0.1  # final barrier parameter, relative to the tolerance
ROUNDING = "the last bits of x change grad L by more than its size: raise `tol`, or scale f down"


class State(NamedTuple):
    """The iterate of the interior or active-set method, and what makes the form it lives in."""

    inner: interior.State | active_set.State
    f_scale: float
    c_scale: np.ndarray  # (m,)
    dependence: Dependence  # of the linear equality rows
    inequalities: str  # which of the two methods, and why


@dataclass(frozen=True, kw_only=True)
class SketchedNewton(Solver):
    """Options of ``method="sketched_newton"``: constrained Newton on an exact augmented Lagrangian.

        minimise f(x)   subject to   cl <= c(x) <= cu,   lb <= x <= ub

    Parameters
    ----------
    variant : {"auto", "paper"}
        ``"auto"`` is the practical method: active set or primal-dual barrier for bounds and
        inequalities, exact augmented Lagrangian or filter as safeguards, second-order correction,
        restoration of feasibility. ``"paper"`` is the published method for equality constraints,
        with the 2-norm of (grad L, c) as its measure.
    linear_solver : str
        How KKT systems are solved. The practical method factorises them (``"exact"``) or uses
        products with the Hessian only, inexactly: ``"minres"`` for any constraints,
        ``"incomplete"``, the same with incomplete Cholesky factors of a sparse `hess`, and for few
        rows ``"projected_cg"`` and ``"nystrom"``, which is for large dense Hessians with a decaying
        spectrum. ``"auto"`` is exact unless `hessp` is given without `hess` and n is large;
        ``res.linear_solver`` says what was chosen, and why. ``"paper"`` has randomised
        Kaczmarz (``"rk"``, the default), single Gaussian sketches (``"gv"``), blocks of rows,
        of Gaussian columns or of a CountSketch (``"block_rows"``, ``"block_gauss"``,
        ``"countsketch"``), and ``"exact"``.
    inequalities : {"auto", "active_set", "barrier"}
        How the practical method treats bounds and inequalities. ``"active_set"`` solves a dense
        quadratic program in each iteration; it needs the fewest evaluations, above all from a warm
        start. ``"barrier"`` factorises sparse matrices. ``"auto"`` is the former for n (n + m) up
        to 100000 unless there are more equations than variables, and changes over to the barrier
        where that does not get on; ``res.inequalities`` says what was used in the end, and why.
    regularization : {"inertia", "gradient"}
        What is added to the Hessian of the practical method: the smallest shift that gives the KKT
        matrix the right inertia, or before that the shift |grad L| / gamma of `GradientNewton`,
        where gamma is the radius in which the Hessian was last seen to predict the change of
        grad L by an error below |grad L|. The latter takes shorter steps where the model is bad.
    multipliers : dict, optional
        Warm start of the practical method: ``res.multipliers`` of a similar problem, to be given
        together with its solution as `x0`.
    block : int
        Columns of a block sketch; 0 stands for a third of n + m.
    lam0 : float
        Start value of all multipliers of ``"paper"``; the practical method computes its own.
    eta1, eta2, delta, beta, nu, theta, xi_B : float
        Parameters of ``"paper"``: start values of the two penalties and of the accuracy, Armijo
        constant, factor of the penalties, forcing term, and shift of the Hessian.
    xi_G : float
        ``"paper"`` gives up where the smallest eigenvalue of GG' is below this; 0 never does.
    curvature : float
        Smallest curvature on the null space of G at which ``"paper"`` leaves the Hessian as it is.
    inner_maxiter : int
        Largest number of sketching steps for one system of ``"paper"``.
    tol, maxiter, maxfun, maxtime, target, disp
        As for every method, see `Solver`.

    Notes
    -----
    The measure is the larger one of scaled stationarity and complementarity (`numopt.models.kkt`),
    absolute, in the units of f: an objective below 1e-6 in size needs a smaller `tol`, one of the
    size 1e12 a larger one. A run that stops because its steps are at rounding level says so if
    the last two bits of x change grad L by more than what is missing.
    One iteration costs one Hessian, one gradient, one Jacobian and one factorisation of a matrix of
    size n + m (dense up to 500, sparse above), or more if its inertia has to be corrected; on an
    active set, a quadratic program with n variables and m rows instead of the factorisation. Linear
    equality rows that follow from others are left out, with multipliers 0; the message says so.

    Result: the fields of every result, the sentences ``linear_solver`` and ``inequalities``, and
    ``multipliers``, a certificate together with ``x``. A run that ends INFEASIBLE has
    ``infeasibility`` in addition, a dictionary: the multipliers ``constraints`` (m,), ``lower`` and
    ``upper`` (n,) with which the sum of the violations, weighted by ``weights`` (m,), is stationary
    at ``x``; that sum, ``violation``; ``residual``, how well they do, recomputed from the problem
    and at most 1e-6; and ``farkas``, None or, where the rows involved are linear, a dictionary: its
    ``gap > 0`` proves that there is no feasible point at a distance from ``x`` below ``radius`` in
    the 1-norm.

    References
    ----------
    .. [1] I. Hong, S. Na, M. W. Mahoney, M. Kolar, Constrained Optimization via Exact Augmented
       Lagrangian and Randomized Iterative Sketching, ICML 2023.
    .. [2] A. Waechter, L. T. Biegler, On the implementation of an interior-point filter
       line-search algorithm for large-scale nonlinear programming, Math. Program. 106, 2006.
    .. [3] R. Fletcher, S. Leyffer, Nonlinear programming without a penalty function, Math. Program.
       91, 2002.
    """

    name = "sketched_newton"
    measure = "KKT residual"
    certificate = "kkt"
    accepts = frozenset({"bounds", "eq", "ineq"})
    reference = "Hong, Na, Mahoney, Kolar, ICML 2023"

    maxiter: int = 3000
    variant: Literal["auto", "paper"] = "auto"
    linear_solver: Literal[
        "auto", "exact", "minres", "incomplete", "projected_cg", "nystrom",
        "rk", "gv", "block_rows", "block_gauss", "countsketch",
    ] = "auto"  # fmt: skip
    inequalities: Literal["auto", "barrier", "active_set"] = "auto"
    regularization: Literal["inertia", "gradient"] = "inertia"
    multipliers: Any = None
    block: int = 0
    lam0: float = 0.0
    eta1: float = 1.0
    eta2: float = 0.1
    delta: float = 0.1
    beta: float = 0.1
    nu: float = 1.5
    theta: float = 1.0
    xi_B: float = 0.1  # noqa: N815 - the paper's name
    xi_G: float = 1e-2  # noqa: N815
    curvature: float = 1e-6
    inner_maxiter: int = 100_000

    def __post_init__(self):
        super().__post_init__()
        for option in ("eta1", "eta2", "delta", "theta", "xi_B", "inner_maxiter"):
            self.require(getattr(self, option) > 0, option, "must be > 0")
        self.require(0 < self.beta < 0.5, "beta", "must lie between 0 and 1/2")
        self.require(self.nu > 1, "nu", "must be > 1")
        self.require(self.block >= 0, "block", "must be >= 0")
        unused = self.variant == "auto" and self.lam0
        self.require(not unused, "lam0", "is for variant='paper'")
        for option, default in (("inequalities", "auto"), ("regularization", "inertia")):
            unused = self.variant == "paper" and getattr(self, option) != default
            self.require(not unused, option, "is for variant='auto'")
        clash = self.inequalities == "active_set" and self.regularization == "gradient"
        self.require(not clash, "regularization", "must be 'inertia' for 'active_set'")
        other = SKETCHES if self.variant == "auto" else MODES
        rule = f"must be none of {', '.join(other)} for variant={self.variant!r}"
        self.require(self.linear_solver not in other, "linear_solver", rule)

    def check(self, problem):
        super().check(problem)
        other = problem.features() - {"eq"} if self.variant == "paper" else ()
        if other:
            what = " and ".join(sorted(other))
            raise UnsupportedError(
                f"method 'sketched_newton' with variant='paper' cannot handle {what}; "
                "variant='auto' can."
            )
        mode = chosen(self, problem).mode
        if self.inequalities == "active_set" and mode in MODES:
            raise UnsupportedError(
                "inequalities='active_set' needs the Hessian as a matrix, but "
                f"linear_solver={self.linear_solver!r} has only products with it here"
            )
        if self.linear_solver in MODES and problem.hess_kind == "quasi-newton":
            raise UnsupportedError(
                f"linear_solver={self.linear_solver!r} needs `hess` or `hessp`, or exact gradients "
                "to take differences of; this problem has neither"
            )

        if self.linear_solver == "incomplete" and problem.only_products:
            raise UnsupportedError(
                "linear_solver='incomplete' needs `hess`; 'minres' does with `hessp`"
            )

    def init(self, problem, x0, run):
        if self.variant == "paper":
            return paper.init(self, problem, x0, run)
        x = x0 if self.multipliers is not None else start.defined(problem, x0, run)
        f_scale, c_scale = gradient_scales(problem, x)
        made_of = f_scale, c_scale, linear_dependence(problem, x)
        form, barrier = self._form(problem, run, *made_of)
        how = treatment(self, form, barrier)
        run.remarks += [f"Linear solver {chosen(self, problem).told(form)}"]
        run.remarks += [f"Inequalities by {how}"] if barrier.any else []
        first = start.active_set_state if how.mode == "active_set" else self._interior_state
        return State(first(form, barrier, x, self.multipliers), *made_of, str(how))

    def _interior_state(self, form, barrier, x, multipliers=None):
        gamma = FIRST_GAMMA if self.regularization == "gradient" else None
        return start.interior_state(form, barrier, x, multipliers)._replace(gamma=gamma)

    def step(self, problem, s, run):
        if self.variant == "paper":
            return paper.step(self, problem, s, run)
        form, barrier = self._form(problem, run, *s[1:4])
        if s.inner.violation is not None:
            raise certificate.conclusion(certificate.infeasibility(problem, form, s.inner))
        if not form.free:
            return s._replace(inner=certificate.all_fixed(s.inner))
        if isinstance(s.inner, active_set.State):
            return self._on_active_sides(form, barrier, s, run)
        smallest_mu = max(MU_BELOW_TOL * self.tol * min(1.0, s.f_scale), SMALLEST_MU)
        return s._replace(inner=self._advanced(form, barrier, s.inner, smallest_mu))

    def _advanced(self, form, barrier, inner, smallest_mu):
        try:
            return interior.advance(form, barrier, inner, smallest_mu)
        except RestorationNeeded:
            pass
        try:
            return restoration.restored(form, barrier, inner, self.tol)
        except Stop as signal:
            if signal.status is Status.SMALL_STEP and interior.within_rounding(form, inner):
                raise Stop(Status.SMALL_STEP, ROUNDING) from None
            raise

    def _on_active_sides(self, form, barrier, s, run):
        """Return the next state of the active-set method, or the first of the one that takes over.

        It begins where the active-set method got, if there are no rows, or where it began.
        """
        try:
            return s._replace(inner=active_set.advance(form, barrier, s.inner, self.tol))
        except active_set.GivenUp as why:
            told = f"barrier: took over from active_set because {why}"
            run.remarks.append(f"Inequalities by {told}")
        x = form.full(s.inner.start if form.m else s.inner.w)
        return s._replace(inner=self._interior_state(form, barrier, x), inequalities=told)

    def report(self, problem, s, run):
        if self.variant == "paper":
            return paper.report(self, problem, s, run)
        form, _ = self._form(problem, run, *s[1:4])
        r = s.inner
        multipliers = {
            "constraints": form.row_multipliers(r.y),
            "lower": form.bound_multipliers(r.z_lower),
            "upper": form.bound_multipliers(r.z_upper),
        }
        x = form.full(r.w)
        fun, kkt = _measured(problem, x, multipliers)
        scalars = {"mu": r.mu, "alpha": r.alpha, "delta_w": r.delta_w}
        fields = {"multipliers": multipliers, "linear_solver": chosen(self, problem).told(form)}
        fields["inequalities"] = s.inequalities
        if r.violation is not None:
            fields["infeasibility"] = certificate.infeasibility(problem, form, r)
        return Iterate(x, fun, kkt.optimality, kkt.feasibility, scalars, lambda: fields)

    def _form(self, problem, run, f_scale, c_scale, dependence):
        """Return the equality form and its barrier, kept for the length of a run."""
        known = problem.memo.get("form")
        if known is None:
            mode = chosen(self, problem).mode
            products = partial(SymmetricProducts, mode=mode, rng=run.rng) if mode in MODES else None
            repeated = dependence.repeated
            run.remarks += dependence.told()
            form = EqualityForm(problem, f_scale, c_scale, DENSE_LIMIT, repeated, products)
            known = problem.memo["form"] = form, Barrier(form.lower, form.upper)
        return known

    def verify(self, problem, it):
        multipliers = it.fields()["multipliers"]
        if self.variant == "paper":
            return paper.measured(problem, it.x, multipliers["constraints"])
        fun, kkt = _measured(problem, it.x, multipliers)
        return fun, kkt.optimality, kkt.feasibility


def _measured(problem, x, multipliers):
    """Return f(x) and the KKT residuals of the original problem."""
    y, z_lower, z_upper = (multipliers[key] for key in ("constraints", "lower", "upper"))
    g, c, J = problem.grad(x), problem.cons(x), problem.jac(x)
    return problem.fun(x), kkt_residual(problem, x, y, z_lower, z_upper, g, c, J)
