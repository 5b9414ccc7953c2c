"""The hybrid search as a method: iterations, checkpoints, and the cube in the space of the user.

for k = 0, 1, 2, ...
    let the three arms of `numopt.kernels.search` spend 100 evaluations, or 2 % of all so far
    checkpoint whenever the number of evaluations has doubled
until the best value has not moved since the checkpoint before the last one
"""

from typing import Any, NamedTuple

import numpy as np

from numopt.core.errors import Status, Stop
from numopt.core.solver import Iterate

ITERATION, GROWTH = 100, 50  # evaluations of an iteration: so many, or this part of all
BUDGET = 10_000  # evaluations for each variable that the arms plan with if there is no limit
STEP = 1.5e-8  # of forward differences, relative to the size of a variable
SMALLEST = 0.1  # size of a variable at least, in box widths


class State(NamedTuple):
    """A search, where its cube lies, and two checkpoints."""

    search: Any  # numopt.kernels.search.Search
    domain: Any  # numopt.kernels.search.Domain
    x0: np.ndarray  # (n,)
    made: np.ndarray  # evaluations at the last checkpoint and the one before, (2,)
    low: np.ndarray  # best values there, (2,)


def init(solver, problem, x0, run):
    """Evaluate the start point, and the first points of the swarm if it is undefined there."""
    from numopt.kernels.search import new_search

    domain, lo, hi = new_domain(problem, x0, solver.radius)
    if problem.draws_start:
        x0 = x0.copy()
        x0[domain.free] = domain.corner + domain.width * run.rng.random(domain.free.size)
    f = problem.fun(x0)
    u = (x0[domain.free] - domain.corner) / domain.width
    middle = np.abs(domain.corner + 0.5 * domain.width)
    h = STEP * np.maximum(SMALLEST, middle / domain.width)
    d = domain.free.size
    budget = min(solver.maxfun, BUDGET * max(d, 1))
    shares = solver.arm_shares(d)
    search = new_search(u, f, lo, hi, h, shares, budget, solver.ftol, solver.target)
    state = State(search, domain, x0, np.array([1, 1]), np.full(2, np.inf))
    return state if np.isfinite(f) or d == 0 else _spend(solver, problem, state, run, 1)


def new_domain(problem, x0, radius):
    """Return where the unit cube lies, and the bounds in its coordinates.

    The cube is the box where that is finite. Elsewhere it is centred at the start point, and
    moved inside.
    """
    from numopt.kernels.search import Domain

    free = np.flatnonzero(problem.lb < problem.ub)
    lb, ub, x = problem.lb[free], problem.ub[free], x0[free]
    size = radius or np.abs(x).max(initial=0.0) or 1.0
    corner = np.minimum(np.maximum(x - size, lb), np.maximum(ub - 2.0 * size, lb))
    width = np.minimum(2.0 * size, ub - corner)
    boxed = np.isfinite(ub - lb)
    corner, width = np.where(boxed, lb, corner), np.where(boxed, ub - lb, width)
    lo, hi = (lb - corner) / width, (ub - corner) / width
    return Domain(free, corner, width, problem.lb, problem.ub), lo, np.where(boxed, 1.0, hi)


def step(solver, problem, s, run):
    """Spend the evaluations of one iteration."""
    s = _spend(solver, problem, s, run, max(ITERATION, _used(s) // GROWTH))
    return _checkpoint(s, _used(s), len(s.domain.free) * solver.patience)


def _used(s):
    """Return the evaluations so far, those of a run that is continued included."""
    return int(s.search.now["used"][0])


def _spend(solver, problem, s, run, chunk):
    """Let the arms work until about `chunk` evaluations are made."""
    from numopt.kernels.search import advance, copied, new_batch

    search: Any = copied(s.search)
    room = problem.room() - (solver.maxfun < np.inf)  # the last one confirms the result
    if room < 1:
        raise Stop(Status.MAX_FUN)
    batch = new_batch(s.domain.free.size)
    compiled = problem.compiled()
    if compiled is None:
        _advance(problem, search, run.rng, batch, s, chunk, room)
    else:
        problem.check_time()
        limit = int(min(room, 2**62))
        before = search.now["used"][0]
        try:
            advance(*compiled, search, run.rng, batch, s.domain, s.x0.copy(), chunk, limit)
        finally:
            problem.account(int(search.now["used"][0] - before))
    return s._replace(search=search)


def _advance(problem, search, rng, batch, s, chunk, room):
    """Do what `numopt.kernels.search.advance` does, with an objective of any kind."""
    from numopt.kernels.search import record, turn

    made, X = 0, np.tile(s.x0, (len(batch.f), 1))
    k = turn(search, rng, batch, 0, True, s.domain, X)
    while k:
        fits = int(min(k, room - made))
        batch.f[:fits] = problem.values(X[:fits])
        made += fits
        if fits < k:
            record(search, batch, fits)
            break
        k = turn(search, rng, batch, k, made < min(chunk, room), s.domain, X)


def _checkpoint(s, used, first):
    if used < max(first, 2 * s.made[0]):
        return s
    return s._replace(
        made=np.array([used, s.made[0]]), low=np.array([s.search.now["f"][0], s.low[0]])
    )


def report(solver, problem, s, run):
    """Return the best point; its measure is infinite while the search must go on."""
    from numopt.kernels.search import place, place_all

    f, x = float(s.search.now["f"][0]), s.x0.copy()
    place(s.search.best, s.domain, x)
    size = max(1.0, abs(f))
    change = (s.low[1] - f) / size
    polished = s.search.now["refined"][0] <= f + solver.tol * size
    if not polished or run.nfev < solver.maxfun - 1 < np.inf:  # a budget that was given is used
        change = np.inf
    if s.domain.free.size == 0:
        change = 0.0
    used = dict(zip(solver.ARMS, s.search.used.astype(int).tolist(), strict=True))

    def fields():
        swarm = s.search.swarm
        X = np.tile(s.x0, (len(swarm.X), 1))
        place_all(swarm.X, s.domain, X)
        return {"arms": used, "population": X, "population_energies": swarm.f}

    return Iterate(x, f, float(change), 0.0, {}, fields)
