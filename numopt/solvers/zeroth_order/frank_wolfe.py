"""Frank-Wolfe with differences: a set that is known by minimising linear functions over it.

    for k = 0, 1, 2, ...
        g = differences at x;   v = argmin { <g, v> : v in the set };   gap = <g, x - v>
        x = x + gamma (v - x),   gamma = min(1, gap / (L |v - x|^2)),   L by backtracking

With noise, averaged estimates from few directions and steps that become shorter instead:

        g = (1 - rho_k) g + rho_k mean_j (f(x + c_k u_j) - f(x)) / c_k u_j,    j = 1..m
        gamma_k = 2 / (k + 8)
"""

from typing import Any, NamedTuple

import numpy as np

from numopt.core.errors import InputTypeError, ProblemError, Status, Stop
from numopt.core.solver import Iterate
from numopt.models.inputs import real_array
from numopt.solvers.zeroth_order.common import confirmed, gradient, judged, radius_of, typical

LATER = 8.0  # in gamma_k, rho_k and c_k: Sahu, Zaheer, Kar, AISTATS 2019
FORGET, RAISE = 0.9, 2.0  # of L: Pedregosa, Negiar, Askari, Jaggi, AISTATS 2020, algorithm 2
MOST = 60  # doublings of L in an iteration


class State(NamedTuple):
    """A point, its gradient, and the answer of the oracle to it."""

    x: np.ndarray  # (n,)
    fun: float
    g: np.ndarray  # (n,)
    v: np.ndarray  # (n,)
    L: float
    k: int
    inside: bool  # whether x is known to lie in the set
    sizes: np.ndarray  # of the variables, (n,)


def init(solver, problem, x0, run):
    """Evaluate the start point, moved into the set where its projection is known."""
    domain = solver.domain
    known = hasattr(domain, "project")
    if known:
        domain.check(problem.n, "domain")
        x0 = _entered(domain, x0, run)
    fun, n = problem.fun(x0), problem.n
    s = State(x0, fun, np.zeros(n), x0, 0.0, 0, known or domain is None, np.ones(n))
    if not np.isfinite(fun):
        return s
    if not solver.stochastic:
        s = s._replace(sizes=typical(problem, x0, candidates=solver.domain is None))
    return _asked(solver, problem, s, run)


def _entered(domain, x0, run):
    x = domain.project(x0)
    if not np.allclose(x, x0, rtol=0.0, atol=1e-12 * max(1.0, np.abs(x0).max(initial=0.0))):
        run.remarks.append("`x0` was moved into `domain`")
    return x


def step(solver, problem, s, run):
    """Move towards the answer of the oracle."""
    d = s.v - s.x
    if not s.inside:  # from its answers alone an oracle cannot tell: the first one is taken in full
        x, fun, L = s.v.copy(), problem.fun(s.v), s.L
    elif solver.stochastic:
        x = s.x + 2.0 / (s.k + LATER) * d
        fun, L = problem.fun(x), 0.0
    else:
        x, fun, L = _searched(problem, s, d)
    new = s._replace(x=x, fun=fun, L=L, k=s.k + 1, inside=True)
    return _asked(solver, problem, new, run)


def _searched(problem, s, d):
    """Return (x, fun, L) of a step that decreases f as much as L promises."""
    gap, square = -(s.g @ d), d @ d
    L = FORGET * s.L if s.L else gap / square
    for _ in range(MOST):
        gamma = min(1.0, gap / (L * square))
        x = s.x + gamma * d if gamma < 1.0 else s.v.copy()
        fun = problem.fun(x)
        if fun <= s.fun - gamma * gap + 0.5 * gamma**2 * L * square:
            return x, fun, L
        L *= RAISE
    raise Stop(Status.SMALL_STEP)


def _asked(solver, problem, s, run):
    """Return the state with an estimate of the gradient, and the answer of the oracle to it."""
    if solver.stochastic:
        g = _averaged(solver, problem, s, run)
    else:
        every = np.arange(problem.n)
        formula = "2-point" if solver.difference == "forward" else "3-point"
        among = solver.domain is None
        g = gradient(problem, s.x, s.fun, every, s.sizes, formula, radius_of(solver), among)
    return s._replace(g=g, v=oracle(solver.domain, problem, g))


def _averaged(solver, problem, s, run):
    n, m, t = problem.n, solver.samples or 1, s.k + LATER
    rho = min(1.0, 4.0 / ((1.0 + n / m) ** (1 / 3) * t ** (2 / 3)))
    c = solver.radius or 2.0 * np.sqrt(m) / (n**1.5 * t ** (1 / 3))
    U = run.normal((m, n))
    rise = problem.values(s.x + c * U, candidates=False) - s.fun
    if not np.isfinite(rise).all():
        raise Stop(Status.NONFINITE, "a difference of the objective")
    return (1.0 - rho) * s.g + rho / m * (rise / c) @ U


def oracle(domain, problem, g):
    """Return a point of the set with the least <g, v>, checked."""
    if domain is None:
        return np.where(g > 0.0, problem.lb, problem.ub)
    ask: Any = domain.extreme if hasattr(domain, "extreme") else domain
    v = real_array(ask(g.copy()), "`domain`", (g.size,))
    if not np.isfinite(v).all():
        raise ProblemError("`domain` returned a point that is not finite")
    return v


def check(solver, problem):
    """Raise unless there is a set, and one only."""
    bounded = np.isfinite(problem.ub - problem.lb).all()
    if solver.domain is None and not bounded:
        raise ProblemError("variant 'frank_wolfe' needs a `domain`, or finite bounds")
    if solver.domain is not None and "bounds" in problem.features():
        raise ProblemError("variant 'frank_wolfe' takes a `domain` or bounds, not both")
    if solver.domain is not None and not callable(getattr(solver.domain, "extreme", solver.domain)):
        raise InputTypeError(
            "`domain` must be a set such as `Simplex()`, or a callable ``domain(g) -> v``, got "
            f"{type(solver.domain).__name__}"
        )


def report(solver, problem, s, run):
    """Return the point; the measure is the gap."""
    gap = float(s.g @ (s.x - s.v)) if np.isfinite(s.fun) else np.inf
    violation = _violation(solver, problem, s.x) if s.inside else np.inf
    return Iterate(s.x, float(s.fun), max(gap, 0.0) if s.inside else np.inf, violation)


def _violation(solver, problem, x):
    measured = getattr(solver.domain, "violation", lambda x: problem.violation(x, np.zeros(0)))
    return measured(x)


def verify(solver, problem, it):
    """Recompute value, gap and violation, the gap by central differences."""
    fun = problem.fun(it.x)
    if not np.isfinite(fun) or not np.isfinite(it.violation):
        return fun, np.inf, it.violation
    g, hidden = confirmed(problem, it.x, fun, radius_of(solver), solver.domain is None)
    gap = max(float(g @ (it.x - oracle(solver.domain, problem, g))), 0.0)
    return fun, judged(solver, gap, hidden), _violation(solver, problem, it.x)
