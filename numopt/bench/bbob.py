"""The BBOB functions of COCO: ``numopt bench global --bbob``.

24 functions; each dimension and instance is a problem, each of ten targets above the minimum, from
10 to 1e-8, a goal, and 10 000 evaluations for each variable the budget. Reported are the share of
the goals that were reached, and the expected running time: evaluations of all runs over successes.
"""

import os
import tempfile
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path
from time import process_time
from typing import NamedTuple

import numpy as np

from numopt.bench.global_peers import PEERS, Recorder, installed, record

TARGETS = 10.0 ** np.arange(1, -9, -1)
BUDGET = 10_000
GROUPS = (
    ("separable", range(1, 6)), ("moderate", range(6, 10)), ("ill-conditioned", range(10, 15)),
    ("multi-modal", range(15, 20)), ("weak structure", range(20, 25)),
)  # fmt: skip


class Attempt(NamedTuple):
    """The call at which each target was reached, and what it took."""

    function: int
    hits: np.ndarray
    calls: int
    seconds: float


def lines(first=1, instances=3, dimensions=(2, 5, 10), peers=None, functions=range(1, 25)):
    """Yield the lines of the report.

    Parameters
    ----------
    first, instances : int
        First instance (at least 1) and number of instances.
    dimensions : sequence of int
    peers : sequence of str, optional
        Names of methods; by default all that are installed.
    functions : sequence of int
    """
    if not find_spec("cocoex"):
        yield "left out: BBOB, as coco-experiment is not installed"
        return
    first = max(first, 1)
    there = installed(peers)
    yield from (f"left out: {p.name}" for p in PEERS if p not in there and not peers)
    yield f"instances {first} to {first + instances - 1}, {BUDGET} d calls; share of goals reached"
    yield ""
    columns = ["d", "method", "all", *dict(GROUPS), "mean log10(ERT/d) of what all reached", "us"]
    yield f"| {' | '.join(columns)} |"
    yield "|" + "---|" * len(columns)
    for d in dimensions:
        found = {
            peer.name: [_attempt(peer, *key) for key in _problems(d, first, instances, functions)]
            for peer in there
        }
        common = _reached_by_all(found)
        for name, attempts in found.items():
            yield _row(d, name, attempts, common)


def _problems(d, first, instances, functions):
    return [(f, i, d) for f in functions for i in range(first, first + instances)]


def _attempt(peer, function, instance, d):
    problem, minimum = _problem(function, instance, d)
    recorder, start = Recorder(problem, BUDGET * d, minimum + TARGETS), process_time()
    lb, ub = problem.lower_bounds.copy(), problem.upper_bounds.copy()
    record(peer.run, recorder, lb, ub, 1000 * instance + function)
    seconds = process_time() - start
    problem.free()
    return Attempt(function, recorder.hits, recorder.calls, seconds)


def _problem(function, instance, d):
    """Return a problem of the suite and its minimum, which it writes down in the current folder."""
    import cocoex  # pyright: ignore

    suite = cocoex.Suite("bbob", "", "")
    problem = suite.get_problem_by_function_dimension_instance(function, d, instance)
    home = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            problem._best_parameter("print")
            x = np.loadtxt(next(Path(folder).glob("*best_parameter*")))
        finally:
            os.chdir(home)
    return problem, float(problem(np.atleast_1d(x)))


def _reached_by_all(found):
    """Return the (function, target) pairs that every method reached at least once."""
    reached = [
        {(a.function, k) for a in attempts for k in np.flatnonzero(np.isfinite(a.hits))}
        for attempts in found.values()
    ]
    return set.intersection(*reached)


def _row(d, name, attempts, common):
    shares = defaultdict(list)
    for a in attempts:
        group = next(title for title, members in GROUPS if a.function in members)
        shares[group] += list(np.isfinite(a.hits))
        shares["all"] += list(np.isfinite(a.hits))
    cells = [f"{np.mean(shares[g]):.3f}" if shares[g] else "-" for g in ("all", *dict(GROUPS))]
    times = [np.log10(_expected(attempts, *pair) / d) for pair in sorted(common)]
    calls, seconds = sum(a.calls for a in attempts), sum(a.seconds for a in attempts)
    ert = f"{np.mean(times):.2f}" if times else "-"
    return f"| {d} | {name} | {' | '.join(cells)} | {ert} | {1e6 * seconds / calls:.1f} |"


def _expected(attempts, function, target):
    """Return evaluations of all runs, until the target or the end, over the number of successes."""
    runs = [(a.hits[target], a.calls) for a in attempts if a.function == function]
    spent = sum(hit if np.isfinite(hit) else calls for hit, calls in runs)
    return spent / sum(np.isfinite(hit) for hit, _ in runs)
