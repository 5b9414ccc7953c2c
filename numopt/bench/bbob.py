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

import numpy as np

from numopt.bench.attempts import Key, Log, code_of
from numopt.bench.global_peers import Recorder, installed, left_out, record

TARGETS = 10.0 ** np.arange(1, -9, -1)
BUDGET = 10_000
GROUPS = (
    ("separable", range(1, 6)), ("moderate", range(6, 10)), ("ill-conditioned", range(10, 15)),
    ("multi-modal", range(15, 20)), ("weak structure", range(20, 25)),
)  # fmt: skip


def lines(
    first=1, instances=3, dimensions=(2, 5, 10), peers=None, functions=range(1, 25), store=None
):
    """Yield the lines of the report.

    Parameters
    ----------
    first, instances : int
        First instance (at least 1) and number of instances.
    dimensions : sequence of int
    peers : sequence of str, optional
        Names of methods; by default all that are installed.
    functions : sequence of int
    store : path-like, optional
        File of attempts; those that are there are not made again.
    """
    if not find_spec("cocoex"):
        yield "left out: BBOB, as coco-experiment is not installed"
        return
    first = max(first, 1)
    there, log = installed(peers), Log(store)
    yield from left_out(peers)
    yield f"instances {first} to {first + instances - 1}, {BUDGET} d calls; share of goals reached"
    yield ""
    columns = ["d", "method", "all", *dict(GROUPS), "mean log10(ERT/d) of what all reached", "us"]
    yield f"| {' | '.join(columns)} |"
    yield "|" + "---|" * len(columns)
    for d in dimensions:
        found = {
            peer.name: [_attempt(log, peer, *p) for p in _problems(d, first, instances, functions)]
            for peer in there
        }
        common = _reached_by_all(found)
        for name, attempts in found.items():
            yield _row(d, name, attempts, common)


def _problems(d, first, instances, functions):
    return [(f, i, d) for f in functions for i in range(first, first + instances)]


def _attempt(log, peer, function, instance, d):
    key = Key("bbob", peer.name, code_of(peer.module), f"f{function}", d, instance)
    return log.get(key, lambda: _run(peer, function, instance, d))


def _run(peer, function, instance, d):
    """Return the calls at which the targets were reached, all calls, and the seconds."""
    import cocoex  # pyright: ignore

    where = f"dimensions:{d} function_indices:{function}"
    suite = cocoex.Suite("bbob", f"instances:{instance}", where)
    problem = suite[0]
    minimum = _minimum(problem)
    recorder, start = Recorder(problem, BUDGET * d, minimum + TARGETS), process_time()
    lb, ub = problem.lower_bounds.copy(), problem.upper_bounds.copy()
    record(peer.run, recorder, lb, ub, 1000 * instance + function)
    return recorder.hits, recorder.calls, process_time() - start


def _minimum(problem):
    """Return the minimum of a problem, which writes its minimiser down in the current folder."""
    home = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            problem._best_parameter("print")
            x = np.loadtxt(next(Path(folder).glob("*best_parameter*")))
        finally:
            os.chdir(home)
    return float(problem(np.atleast_1d(x)))


def _reached_by_all(found):
    """Return the (function, target) pairs that every method reached at least once."""
    reached = [
        {(a.key.function, k) for a in attempts for k in np.flatnonzero(np.isfinite(a.hits))}
        for attempts in found.values()
    ]
    return set.intersection(*reached)


def _number(attempt):
    return int(attempt.key.function.removeprefix("f"))


def _row(d, name, attempts, common):
    shares = defaultdict(list)
    for a in attempts:
        group = next(title for title, members in GROUPS if _number(a) in members)
        shares[group] += list(np.isfinite(a.hits))
        shares["all"] += list(np.isfinite(a.hits))
    cells = [f"{np.mean(shares[g]):.3f}" if shares[g] else "-" for g in ("all", *dict(GROUPS))]
    times = [np.log10(_expected(attempts, *pair) / d) for pair in sorted(common)]
    calls, seconds = sum(a.calls for a in attempts), sum(a.seconds for a in attempts)
    ert = f"{np.mean(times):.2f}" if times else "-"
    return f"| {d} | {name} | {' | '.join(cells)} | {ert} | {1e6 * seconds / calls:.1f} |"


def _expected(attempts, function, target):
    """Return evaluations of all runs, until the target or the end, over the number of successes."""
    runs = [(a.hits[target], a.calls) for a in attempts if a.key.function == function]
    spent = sum(hit if np.isfinite(hit) else calls for hit, calls in runs)
    return spent / sum(np.isfinite(hit) for hit, _ in runs)
