"""Bilevel methods beside their baselines: ``numopt bench bilevel``.

Four tables from one run. The public collection: problems solved, median time, and claims of
success that do not hold. The published example whose lower level has many solutions: the error of
x. The two hyper-parameter tasks, medians over random splits: validation loss with the lower level
solved exactly at the x that came back, what it means on test data, and time of the processor, also
as a multiple of that of `implicit`. Who has had `at_most` times that long is stopped.
"""

from importlib.metadata import version
from importlib.util import find_spec
from time import process_time
from typing import Any, NamedTuple

import numpy as np

from numopt.bench.bilevel_peers import PATIENCE, PEERS, TASKS, run_case
from numopt.bench.pool import Pool
from numopt.bench.runner import Task, warm_up
from numopt.front import minimize
from numopt.problems import bolib
from numopt.problems.hyperparameters import toy
from numopt.solvers.bilevel.certificate import certify, solve_lower

VALUE, GAP, VIOLATION, EXACT = 1e-2, 1e-2, 1e-3, 1e-6  # what counts as solved
OWN = (
    ("lv_hba, not polished", "lv_hba", {"polish": False}),
    ("lv_hba", "lv_hba", {}),
    ("kkt", "kkt", {}),
    ("auto", "auto", {}),
)
POINTS = 200  # of random search on the collection
TOY = 100  # entries of x in the published example
REFERENCE = "implicit"  # what the times on the tasks are compared with
SHORTEST, LONGEST = 2.0, 120.0  # seconds that others get at least, and `REFERENCE` at most
SCORES = {"regularisation": "test loss", "cleaning": "test accuracy"}


class Outcome(NamedTuple):
    """What a solver returned for a problem of the collection."""

    solved: bool
    false_claim: bool
    seconds: float


def judged(name, x, y, seconds, success=False):
    """Return the `Outcome` of a point, by a certificate of its own."""
    problem, best = bolib.load(name), bolib.PROBLEMS[name].best
    found, value = certify(problem, x, y), problem.F(x, y)
    error = (value - best) / max(1.0, abs(best))
    solved = abs(error) <= VALUE and found.lower_gap <= GAP and found.violation <= VIOLATION
    solved = solved and (error >= -EXACT or found.lower_gap <= EXACT)
    return Outcome(solved, success and found.lower_gap > GAP, seconds)


def own(name, method, options, seed):
    """Return the `Outcome` of a method of numopt with its default options."""
    begun = process_time()
    res: Any = minimize(bolib.load(name), method=method, options=options, rng=seed)
    return judged(name, res.x, res.y, process_time() - begun, res.success)


def random_search(name, seed):
    """Return the `Outcome` of random x, then Nelder and Mead, the lower level solved at each."""
    from scipy.optimize import minimize as scipy_minimize

    problem, rng, begun = bolib.load(name), np.random.default_rng(seed), process_time()
    start, y0 = problem.split(problem.x0)

    def merit(x):
        y = solve_lower(problem, x, y0)[1]
        return problem.F(x, y) + 1e3 * problem.violation(x, y)

    spread = 3.0 * (1.0 + np.abs(start).max())
    points = [start + spread * rng.standard_normal(start.size) for _ in range(POINTS)]
    options: Any = {"maxfev": POINTS}
    x = scipy_minimize(merit, min(points, key=merit), method="Nelder-Mead", options=options).x
    y = solve_lower(problem, x, y0)[1]
    return judged(name, x, y, process_time() - begun)


def collection_lines(names, seed, with_random=True):
    """Yield the table of the collection."""
    rows = {label: [own(n, m, dict(o), seed) for n in names] for label, m, o in OWN}
    if with_random:
        rows["random search, Nelder-Mead"] = [random_search(n, seed) for n in names]
    yield f"| collection, {len(names)} problems | solved | median s | false claims |"
    yield "|---|---|---|---|"
    for label, outcomes in rows.items():
        solved, wrong = (sum(o[k] for o in outcomes) for k in (0, 1))
        yield f"| {label} | {solved} | {np.median([o.seconds for o in outcomes]):.2f} | {wrong} |"


# -- the published example -------------------------------------------------------------------------


def toy_lines(n=TOY):
    """Yield the table of the example with many lower solutions, started from 10 in all entries."""
    yield f"| toy, n = {n} | relative error of x | lower gap | s |"
    yield "|---|---|---|---|"
    for label, method, options in OWN[:2]:
        begun = process_time()
        res: Any = minimize(toy(n), method=method, options=options)
        seconds, error = process_time() - begun, np.abs(res.x + 0.3).max() / 0.3
        yield f"| {label} | {error:.0e} | {res.certificates['lower_gap']:.0e} | {seconds:.2f} |"


# -- tasks -----------------------------------------------------------------------------------------


def task_lines(name, seeds, pool, peers=PEERS, at_most=20.0):
    """Yield the table of a task, each row as soon as it is measured: medians over the seeds.

    Parameters
    ----------
    name : str
        In `TASKS`.
    seeds : range
    pool : Pool
        That runs `run_case`.
    peers : sequence of str
        Names in `PEERS`; `REFERENCE` is among them.
    at_most : float
        Multiple of the time of `REFERENCE` after which a solver is stopped.
    """
    columns = ["validation loss", SCORES[name], "s", "ratio", "preparing s"]
    yield f"| {name}, seeds {seeds[0]} to {seeds[-1]} | {' | '.join(columns)} |"
    yield f"|{'---|' * (len(columns) + 1)}"
    task = Task("", name, REFERENCE, time_limit=PATIENCE * LONGEST)
    ours = _medians(pool, task, seeds)
    limit = max(SHORTEST, at_most * ours["cpu"])
    for label in (label for label in peers if name in PEERS[label].tasks):
        there, told = PEERS[label].there, "not installed"
        if there:
            own = task._replace(method=label, time_limit=PATIENCE * limit)
            told = _cells(ours if label == REFERENCE else _medians(pool, own, seeds), ours, limit)
        yield f"| {label} | {told} |" if there else f"| {label} | {told} |{' |' * 4}"


def _medians(pool, task, seeds) -> dict[str, Any]:
    """Return the medians of a solver, or the status of its first run that did not end by itself."""
    rows = []
    for seed in seeds:
        rows.append(next(pool.results([task._replace(seed=seed)]))[1])
        status, message = rows[-1]["status"], rows[-1]["message"]
        if status != "done":
            late = status == "timeout" and "preparation" not in message
            return {"status": "timeout" if late else message or status}
    found = {key: float(np.median([row[key] for row in rows])) for key in ("value", "test", "cpu")}
    preparing = max(row["preparing"] for row in rows)  # the first seed pays for compilation
    return {"status": "done", "preparing": preparing} | found


def _cells(row, ours, limit):
    if row["status"] == "timeout":
        return f"stopped | | > {limit:.1f} | > {limit / ours['cpu']:.3g} |"
    if row["status"] != "done":
        return f"{row['status']} | | | |"
    ratio = row["cpu"] / ours["cpu"]
    found = f"{row['value']:.4f} | {row['test']:.3f} | {row['cpu']:.2f} | {ratio:.3g}"
    return f"{found} | {row['preparing']:.1f}"


def lines(seed=0, seeds=3, quick=False, at_most=20.0):
    """Yield the lines of the report.

    Parameters
    ----------
    seed, seeds : int
        First seed, and number of seeds of the tasks; what is shown are medians.
    quick : bool
        A part of the collection, and the first task only.
    at_most : float
        Multiple of the time of `implicit` on a task after which another solver is stopped.
    """
    packages = sorted({peer.package for peer in PEERS.values() if peer.there} - {"numopt"})
    yield f"versions: {', '.join(f'{name} {version(name)}' for name in packages) or 'numopt only'}"
    for method in ("implicit", "kkt", "lv_hba"):
        warm_up(method)
    names = list(bolib.PROBLEMS)
    yield from collection_lines(names[:4] if quick else names, seed, with_random=not quick)
    yield ""
    yield from toy_lines(10 if quick else TOY)
    if find_spec("sklearn") is None:
        yield "left out: the tasks, as scikit-learn is not installed"
        return
    with Pool(1, run_case) as pool:
        for name in list(TASKS)[:1] if quick else TASKS:
            yield ""
            yield from task_lines(name, range(seed, seed + seeds), pool, at_most=at_most)
