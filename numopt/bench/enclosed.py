"""Ways to treat constraints in consensus-based optimisation, side by side.

``numopt bench global --constraints``: the share of runs that end at the global minimum, feasible to
1e-6, of the published dynamics with each `handling`, and of the hybrid; with ``--detail`` also
without the local method at the end.
"""

from typing import Any

import numpy as np

from numopt.front import solve
from numopt.problems.enclosed import ENCLOSED

HANDLINGS = ("exact", "adaptive", "rank", "drift", "project", "hybrid")
MAXFUN, CLOSE, FEASIBLE = 10_000, 1e-4, 1e-6


def lines(seed=0, seeds=10, detail=False, maxfun=MAXFUN, problems=ENCLOSED):
    """Yield a table, or two: with a local method at the end, and without."""
    yield f"share of {seeds} runs at the lowest value (relative {CLOSE:g}) and feasible"
    yield f"to {FEASIBLE:g}, {maxfun} evaluations at most; seeds from {seed}"
    for polish in ("auto", "none")[: 1 + detail]:
        yield ""
        yield f"| polish={polish!r} | {' | '.join(HANDLINGS)} |"
        yield "|---" * (len(HANDLINGS) + 1) + "|"
        for case in problems:
            given = range(seed, seed + seeds), maxfun, polish
            cells = (_cell(case, handling, *given) for handling in HANDLINGS)
            yield f"| {case.name} | {' | '.join(cells)} |"


def _cell(case, handling, seeds, maxfun, polish):
    if handling == "project" and case.name != "planes":
        return ""
    return f"{np.mean([_solved(case, handling, s, maxfun, polish) for s in seeds]):.2f}"


def _solved(case, handling, seed, maxfun, polish):
    problem = case.problem()
    options = {"variant": "hybrid"}
    if handling != "hybrid":
        options = {"variant": "paper", "handling": handling}
    options |= {"maxfun": maxfun, "polish": polish}
    res: Any = solve(problem, method="cbo", options=options, rng=seed)
    violation = problem.violation(res.x, problem.cons(res.x))
    low = case.lowest + CLOSE * max(1.0, abs(case.lowest))
    return violation <= FEASIBLE and case.fun(res.x) <= low
