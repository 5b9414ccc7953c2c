"""The search under constraints, and polishing: a search with penalties, then a local method.

repeat
search for the minimum of f(x) + rho * penalty(x) until it has come to rest
polish the best point by a local method that takes the constraints as they are
until the answer is feasible; else rho = 10 rho
"""

from dataclasses import replace
from math import inf
from typing import Any, NamedTuple

import numpy as np

from numopt.core.errors import Status, Stop
from numopt.core.loop import Run, drive
from numopt.core.solver import Iterate, get_solver
from numopt.solvers.cbo import hybrid, plain
from numopt.solvers.cbo.handling import HANDLINGS
from numopt.solvers.cbo.merit import PROBES, scales

SHARE = 0.8  # of a budget, for the search; the rest is for polishing
HARDER = 10.0
ROUNDS = 6  # searches with a higher and higher rho
LOCAL = "sketched_newton"
LONGEST = 100  # iterations of polishing: a local method that needs more stands at rounding level


class State(NamedTuple):
    """A search, its penalty, and the answer so far."""

    inner: Any  # state of the search
    start: np.ndarray  # where the searches begin, (n,)
    scale: np.ndarray  # of the violations, (m,)
    rho: float
    best: tuple  # violation, value, point
    measure: float  # of the search; infinite until the answer is polished
    rounds: int
    done: bool  # whether the search has come to rest, and was polished
    polish: Any  # summary of the latest polish, or None
    theta: float = 1.0  # of a penalty that adapts


def _search(solver):
    return hybrid if solver.variant == "hybrid" else plain


def _inner(solver, problem, s):
    """Return the solver and the problem as the search sees them."""
    share = 1.0 if solver.polish == "none" else SHARE
    limited = replace(solver, target=-inf, maxfun=max(1.0, share * solver.maxfun))
    view = HANDLINGS[solver.handling]
    return limited, view(problem, s.scale, s.rho, solver.tol, share, s.best)


def init(solver, problem, x0, run):
    """Find the scales of the penalty, and begin the search."""
    fun = problem.fun(x0)
    violation = _violation(problem, x0)
    scale, rho = np.ones(problem.m), 1.0
    if np.isfinite(fun) and problem.m:
        domain, _, _ = hybrid.new_domain(problem, x0, solver.radius)
        X = np.tile(x0, (PROBES, 1))
        X[:, domain.free] = domain.corner + domain.width * run.rng.random(
            (PROBES, domain.free.size)
        )
        scale, rho = scales(problem, X)
    best = violation, fun if np.isfinite(fun) else inf, x0
    s = State(None, x0, scale, rho, best, inf, 0, False, None)
    return _begun(solver, problem, s, run)


def _violation(problem, x):
    return problem.violation(x, problem.cons(x))


def _begun(solver, problem, s, run):
    limited, merit = _inner(solver, problem, s)
    inner = _search(solver).init(limited, merit, s.start, run)
    return s._replace(inner=inner, best=merit.best)


def step(solver, problem, s, run):
    """Search on; once the search has come to rest, polish, and search again if that failed."""
    limited, merit = _inner(solver, problem, s)
    search = _search(solver)
    try:
        inner = search.step(limited, merit, s.inner, run)
    except Stop as signal:
        if signal.status is not Status.MAX_FUN or s.done:
            raise
        rest = search.report(limited, merit, s.inner, run).optimality
        return _polished(solver, problem, s._replace(best=merit.best), run, rest)
    s = merit.adapted(s._replace(inner=inner, best=merit.best, measure=inf))
    it = search.report(limited, merit, inner, run)
    if not np.isfinite(it.fun):
        raise Stop(Status.NONFINITE)
    if it.optimality > solver.tol:
        return s
    s = _polished(solver, problem, s, run, it.optimality)
    if s.best[0] <= solver.tol:
        return s
    if s.rounds >= ROUNDS:
        raise Stop(Status.INFEASIBLE)
    harder = s._replace(rho=HARDER * s.rho, rounds=s.rounds + 1, start=s.best[2], done=False)
    return _begun(solver, problem, harder, run)


def _polished(solver, problem, s, run, measure):
    """Return the state whose answer is that of a local method from the best point of the search."""
    s = s._replace(measure=measure, done=True)
    if solver.polish == "none":
        return s
    limited, merit = _inner(solver, problem, s)
    x = _search(solver).report(limited, merit, s.inner, run).x
    name = LOCAL if solver.polish == "auto" else solver.polish
    local = get_solver(name, {"tol": solver.tol, "maxiter": LONGEST})
    res: Any = drive(local, problem, x, Run(problem, 0))
    if np.isfinite(res.fun) and np.isfinite(res.x).all():
        V = np.array([[res.constr_violation]])
        merit.compare(np.asarray(res.x, dtype=float)[None, :], np.array([res.fun]), V)
    names = ("x", "fun", "success", "status", "message", "nit", "constr_violation", "multipliers")
    summary = {key: res[key] for key in names} | {"method": name}
    return s._replace(best=merit.best, polish=summary)


def report(solver, problem, s, run):
    """Return the best point, by violation first; its measure is infinite until it is polished."""
    limited, merit = _inner(solver, problem, s)
    violation, fun, x = s.best
    inner = _search(solver).report(limited, merit, s.inner, run)

    def fields():
        return (inner.fields() if inner.fields else {}) | {"polish": s.polish}

    fun = fun if np.isfinite(fun) else float("nan")
    return Iterate(x, fun, float(s.measure), violation, inner.scalars, fields)
