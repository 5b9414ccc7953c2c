"""Regularised transport beside other libraries: ``numopt bench ot``.

Every solver gets the same marginals and cost, one thread, and a stopping rule that asks for one
violation |P 1 - a|_1 + |P'1 - b|_1; one judge measures it on the plan that came back. Time is that
of the processor, without imports and compilation, as a multiple of the time of numopt's own method
in the same run. A peer is stopped when it has had `at_most` times that long.
"""

from importlib.metadata import version
from importlib.util import find_spec
from statistics import median
from typing import NamedTuple

import numpy as np

from numopt.bench.limits import PATIENCE
from numopt.bench.pool import Pool
from numopt.bench.runner import Task
from numopt.bench.transport_cases import FAMILIES
from numopt.bench.transport_peers import PEERS, TAKES_LIMIT, run_case
from numopt.core.errors import ProblemError

OWN = {"entropy": "sns", "square": "sparse_ot"}  # what the others are compared with
QUICK = {"random": (500,), "cloud": (1000,), "image-l1": (28,), "image-l2": (28,), "qrot": (500,)}
SLACK = 10.0  # a violation up to so many times the tolerance counts as reached
SHORTEST, LONGEST = 0.2, 600.0  # seconds that a peer gets at least, and our method at most


class Plan(NamedTuple):
    """What is run and shown in one table."""

    regularisation: str
    problems: dict  # name -> sizes
    methods: list  # without our own
    etas: tuple  # empty: those of the family
    tols: tuple
    seeds: range
    at_most: float


def lines(
    seed=0, seeds=3, quick=False, *, problems=None, etas=(), tols=(), methods=None, at_most=20.0
):
    """Yield the lines of the report, each row as soon as it is measured.

    Parameters
    ----------
    seed, seeds : int
        First seed, and number of seeds; what is shown are medians.
    quick : bool
        Smaller problems, the largest eta, and no limits on the entries of a column.
    problems : dict of str to sequence of int, optional
        Names and sizes; no sizes stand for those of the family.
    etas, tols : sequence of float
        Instead of those of the families.
    methods : sequence of str, optional
        Names of peers.
    at_most : float
        Multiple of our own time after which a peer is stopped.

    Raises
    ------
    ProblemError
        For names that are unknown.
    """
    problems = dict(problems or (QUICK if quick else dict.fromkeys(FAMILIES, ())))
    _known(problems, FAMILIES, "problem")
    methods = [name for name in PEERS if name not in OWN.values()] if methods is None else methods
    _known(methods, PEERS, "method")
    absent = [name for name in methods if not PEERS[name].there]
    for name in absent:
        yield f"left out: {name}, as {PEERS[name].package} is not installed"
    if not find_spec("sklearn"):
        yield "left out: images, as scikit-learn is not installed"
        problems = {name: sizes for name, sizes in problems.items() if "image" not in name}
    methods = [name for name in methods if name not in absent]
    packages = sorted({PEERS[name].package for name in methods} - {"numopt"})
    yield "versions: " + ", ".join(f"{name} {version(name)}" for name in packages)
    yield f"seeds {seed} to {seed + seeds - 1}, medians; CPU times, ratios to our own method"
    with Pool(1, run_case) as pool:
        for regularisation in OWN:
            plan = _plan(regularisation, problems, methods, quick and not etas)
            plan = plan._replace(tols=tuple(tols), at_most=at_most, seeds=range(seed, seed + seeds))
            yield from _table(plan._replace(etas=tuple(etas) or plan.etas), pool)


def _known(names, table, what):
    for name in names:
        if name not in table:
            raise ProblemError(f"unknown {what} {name!r}; there are {', '.join(table)}")


def _plan(regularisation, problems, methods, largest):
    kind = regularisation
    problems = {name: n for name, n in problems.items() if FAMILIES[name].regularisation == kind}
    methods = [name for name in methods if PEERS[name].regularisation == kind]
    methods = [name for name in methods if name != OWN[kind]]
    etas = (1200.0,) if largest and kind == "entropy" else ()
    return Plan(kind, problems, methods, etas, (), range(1), 1.0)


def _table(plan, pool):
    if not plan.problems:
        return
    own = OWN[plan.regularisation]
    yield ""
    columns = ["problem", "n", "k", "eta", "tol", f"{own} ms", *plan.methods]
    columns = columns if plan.regularisation == "square" else columns[:2] + columns[3:]
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for name, sizes in plan.problems.items():
        family = FAMILIES[name]
        for n in sizes or family.sizes:
            for k in family.limits:
                for eta in plan.etas or family.etas:
                    yield from _rows(plan, pool, name, {"n": n, "k": k, "eta": eta})


def _rows(plan, pool, name, params):
    """Yield a row for each tolerance; who ran out of time is not asked for a smaller one."""
    slow = set()
    for tol in sorted(plan.tols or FAMILIES[name].tols, reverse=True):
        own = Task(
            "", name, OWN[plan.regularisation], tuple(params.items()), 0, tol, PATIENCE * LONGEST
        )
        ours = _outcome(pool, own, plan.seeds)
        label = [name, f"{ours.size}", f"{params['eta']:g}", f"{tol:g}"]
        if plan.regularisation == "square":
            label.insert(2, f"{params['k'] or '-'}")
        cells = [*label, f"{1e3 * ours.cpu:.1f} {_missed(ours, tol)}".strip()]
        limit = max(SHORTEST, plan.at_most * ours.cpu)
        for method in plan.methods:
            if params["k"] and method not in TAKES_LIMIT:
                cells.append("")
                continue
            if method not in slow:
                theirs = _outcome(
                    pool, own._replace(method=method, time_limit=PATIENCE * limit), plan.seeds
                )
                slow |= {method} if theirs.stopped else set()
            cells.append(
                f"> {limit / ours.cpu:.3g}" if method in slow else _ratio(method, theirs, ours, tol)
            )
        yield f"| {' | '.join(cells)} |"


class Outcome(NamedTuple):
    """Medians over the seeds of what a solver needed, and of what it reached."""

    cpu: float = np.inf
    violation: float = np.inf
    size: int = 0  # rows of the cost
    error: str = ""  # type of the exception that ended it
    stopped: bool = False  # as its time was over


def _outcome(pool, task, seeds):
    """Return the `Outcome`; runs that no longer matter to the medians are not made."""
    rows = []
    for seed in seeds:
        rows.append(next(pool.results([task._replace(seed=seed)]))[1])
        stopped = sum(row["status"] in ("timeout", "worker_crash") for row in rows)
        if 2 * stopped > len(seeds):
            return Outcome(stopped=True)
    error = next((row["message"] for row in rows if row["status"] == "error"), "")
    cpu, violation = (median(row[key] for row in rows) for key in ("cpu", "violation"))
    return Outcome(cpu, violation, rows[0]["size"], error)


def _ratio(method, theirs, ours, tol):
    missed = "" if PEERS[method].exact and not theirs.error else _missed(theirs, tol)
    return missed or f"{theirs.cpu / ours.cpu:.3g}"


def _missed(outcome, tol):
    if outcome.violation <= SLACK * tol:
        return ""
    return f"- ({outcome.error or format(outcome.violation, '.0e')})"
