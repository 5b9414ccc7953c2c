"""Sparse models beside other libraries: ``numopt bench bcd``.

Every solver gets the same data and objective, without an intercept, and one thread. It is run with
tighter and tighter tolerances of its own, and its time is that of the first run whose objective is
within `TARGET` of the optimal value, relative to the objective at zero, so that nobody pays for
accuracy that was not asked for. The optimal value is the best of tight solves by several solvers,
and the table tells how far above a dual bound it can be. Time is that of the processor, without
imports and compilation.
"""

from importlib.metadata import version
from importlib.util import find_spec

import numpy as np

from numopt.bench.sparse.cases import chosen, task_of
from numopt.bench.sparse.data import SOURCES
from numopt.bench.sparse.peers import OWN, PEERS
from numopt.bench.sparse.race import TARGET, TIGHT, compete, ladder, median, timed

GAP = 1e-8  # the looser of the two duality gaps whose costs are compared
BARS = {
    "lasso": (0.6, 1.2),
    "enet": (0.9, 1.5),
    "logistic": (1.0, 1.5),
    "group": (1.2, 2.0),
    "path": (1.0, 1.5),
}


def lines(seed=0, seeds=1, quick=False, problems=None, peers=None, budget=60.0):
    """Yield the lines of the report.

    Parameters
    ----------
    seed, seeds : int
        First seed, and number of seeds; what is shown are medians.
    quick : bool
        Few small problems, a coarser ladder of tolerances, and a sixth of the budget.
    problems : sequence of str, optional
        Beginnings of names: ``lasso``, ``lasso:dense``, ``lasso:dense:100``.
    peers : sequence of str, optional
        Names of the libraries to run beside numopt.
    budget : float
        Seconds for the ladder of one solver on one problem.
    """
    beside = [peer for peer in PEERS if peers is None or peer.name in peers]
    solvers = [peer for peer in (OWN, *beside) if find_spec(peer.module)]
    rows = chosen(quick, problems)
    yield from _left_out(beside, rows)
    rows = [row for row in rows if find_spec(SOURCES[row.data].module)]
    known = sorted({peer.package for peer in solvers} - {"numopt"})
    yield "versions: " + ", ".join(f"{name} {version(name)}" for name in known)
    yield (
        f"seeds {seed} to {seed + seeds - 1}, medians; CPU time of the first run within {TARGET:g} "
        "of the optimum, over that of the best peer"
    )
    yield ""
    names = [peer.name for peer in solvers]
    yield from _head(["problem", "n x p", "best peer ms", *names, "gap 1e-12 / 1e-8", "bound"])
    rungs, budget = ladder(quick), budget / 6 if quick else budget
    results = []
    for row in rows:
        draws = range(seed, seed + seeds if SOURCES[row.data].seeded else seed + 1)
        tasks = [task_of(row, SOURCES[row.data].make(np.random.default_rng(s))) for s in draws]
        result = _Row(row, tasks, solvers, rungs, budget)
        results.append(result)
        yield result.line()
    yield ""
    yield from _summary(results)


def _left_out(peers, rows):
    for peer in peers:
        if not find_spec(peer.module):
            yield f"left out: {peer.name}, as {peer.package} is not installed"
    for name in dict.fromkeys(row.data for row in rows):
        if not find_spec(SOURCES[name].module):
            yield f"left out: {name}, as {SOURCES[name].module} is not installed"


def _head(columns):
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"


class _Row:
    """The outcomes of all solvers on the tasks of one row."""

    def __init__(self, case, tasks, solvers, rungs, budget):
        self.case, self.solvers, self.shape = case, solvers, tasks[0].X.shape
        able = [solver for solver in solvers if case.family in solver.families]
        races = [compete(task, able, rungs, budget) for task in tasks]
        self.gap = max(found.gap for found, _ in races)
        self.outcomes = {
            solver.name: median([outcomes[solver.name] for _, outcomes in races]) for solver in able
        }
        reached = [out.seconds for name, out in self.outcomes.items() if _beside(name, out)]
        self.best = min(reached, default=np.nan)
        own = self.outcomes.get(OWN.name)
        single = own is not None and not own.error and case.family != "path"
        self.tight = _tight_cost(tasks) if single else np.nan

    @property
    def ratio(self):
        """Time of numopt over that of the best peer; infinite where numopt did not get there."""
        own = self.outcomes[OWN.name]
        return own.seconds / self.best if own.accuracy <= TARGET else np.inf

    def line(self):
        """Return the row of the table."""
        n, p = self.shape
        cells = [self.case.name, f"{n} x {p}", f"{1e3 * self.best:.3g}"]
        cells += [self._cell(self.outcomes.get(s.name)) for s in self.solvers]
        cells += [f"{self.tight:.2f}", f"{self.gap:.0e}"]
        return f"| {' | '.join(cells)} |"

    def _cell(self, outcome):
        if outcome is None:
            return ""
        if outcome.accuracy <= TARGET:
            return f"{outcome.seconds / self.best:.3g}"
        return f"- ({outcome.error or format(outcome.accuracy, '.0e')})"


def _beside(name, outcome):
    return name != OWN.name and outcome.accuracy <= TARGET


def _tight_cost(tasks):
    """Return the median ratio of the times for gaps of 1e-12 and 1e-8."""
    times = [[_seconds(task, tol) for tol in (TIGHT, GAP)] for task in tasks]
    return float(np.median([tight / loose for tight, loose in times]))


def _seconds(task, tol):
    return np.median([timed(OWN, task, tol).seconds for _ in range(3)])


def _summary(rows):
    yield from _head(["family", "geometric mean", "worst", "asked for", "gap cost, worst"])
    for family, (mean, worst) in BARS.items():
        own = [row for row in rows if row.case.family == family]
        ratios = np.array([row.ratio for row in own])
        ratios = ratios[~np.isnan(ratios)]
        if ratios.size:
            found = f"{np.exp(np.log(ratios).mean()):.2f} | {ratios.max():.2f}"
            yield f"| {family} | {found} | {mean} / {worst} | {max(row.tight for row in own):.2f} |"
