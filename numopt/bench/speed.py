"""What numopt itself costs: evaluations, one turn of the loop, imports, the first solve.

Processor time, one thread, medians; evaluations at x0 + 0.1 cos(i) with y_i = 1/(i + 1). For files
also the memory, and how many times as long S2MPJ's Python takes where it is installed.
"""

import subprocess
import sys
import tracemalloc
from dataclasses import dataclass
from functools import partial
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np

from numopt.core.errors import ProblemError
from numopt.core.loop import Run, drive
from numopt.core.solver import Iterate, Solver
from numopt.models.nlp import NLP

PROBLEMS = (
    ("HS71", {}),
    ("ARWHEAD", {"n": 5000}),
    ("LUKVLE1", {"n": 1000}),
    ("LUKVLE1", {"n": 10_000}),
    ("BRATU2D", {"P": 72}),
    ("CVXQP1", {"n": 1000}),
)
FILES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("HS71", {}),
    ("HS100", {}),
    ("CHNROSNB", {"N": 50}),
    ("ARWHEAD", {"N": 1000}),
    ("BRATU2D", {"P": 32}),
    ("CVXQP1", {"N": 1000}),
    ("LUKVLE1", {"N": 1000}),
    ("ARWHEAD", {"N": 5000}),
    ("BRATU2D", {"P": 72}),
    ("CVXQP1", {"N": 10_000}),
    ("LUKVLE1", {"N": 10_000}),
)
LARGEST_TRANSLATED = 2000  # variables: beyond, a Hessian takes S2MPJ minutes
CALLS = ("f", "f and g", "c", "J", "H", "Hv")
SMALL = 50  # variables
REPEATS = 7
SHORTEST = 0.02  # seconds of one timed batch of calls
TURNS = 20_000
TRACED = "LUKVLE1", 100_000
IMPORTS = (
    ("numpy, scipy.sparse, scipy.linalg", "import numpy, scipy.sparse, scipy.linalg"),
    ("and numopt.minimize", "import numpy, scipy.sparse, scipy.linalg, numopt; numopt.minimize"),
    (
        "and a first solve",
        "import numopt, cutest_problems; numopt.solve(cutest_problems.load('HS71'))",
    ),
)


def evaluation_times(problem, clock=None, absent=()):
    """Return the microseconds of each of `CALLS`.

    Parameters
    ----------
    problem : NLP
    clock : callable, optional
        Returns the microseconds of a call; by default those of a warm one, a median.
    absent : sequence of int
        Calls to leave out; their times are None.
    """
    p, clock = problem, clock or _microseconds
    x, v = _point(p), np.cos(np.arange(p.n))
    y = 1.0 / (1.0 + np.arange(p.m))
    calls = (
        lambda: p.fun(x),
        lambda: p.fun_and_grad(x),
        lambda: p.cons(x),
        lambda: p.jac(x),
        lambda: p.hess(x, y),
        lambda: p.hessp(x, y, v),
    )
    return [None if k in absent else clock(call) for k, call in enumerate(calls)]


def _point(problem):
    return problem.x0 + 0.1 * np.cos(np.arange(problem.n))


def without_meaning(problem):
    """Return which of `CALLS` find nothing to evaluate in a `PartiallySeparable` problem."""
    return (() if problem.structure.objective else (0, 1)) + (() if problem.m else (2, 3))


def _microseconds(call, shortest=SHORTEST):
    call()
    _, count = _one_batch(call, shortest)
    return 1e6 * median(_batch(call, count) for _ in range(REPEATS)) / count


def _microseconds_of_one_batch(call):
    """Return the time of calls that may be too slow to be repeated."""
    taken, count = _one_batch(call, SHORTEST)
    return 1e6 * taken / count


def _one_batch(call, shortest):
    count = 1
    while (taken := _batch(call, count)) < shortest:
        count *= 4
    return taken, count


def _batch(call, count):
    start = process_time()
    for _ in range(count):
        call()
    return process_time() - start


@dataclass(frozen=True, kw_only=True)
class _Idle(Solver):
    """A method that does nothing, to time the loop."""

    def init(self, problem, x0, run):
        return 0

    def step(self, problem, state, run):
        return state

    def report(self, problem, state, run):
        return Iterate(problem.x0, 1.0, 1.0)


def tracing_times():
    """Return the milliseconds to trace, and to build, a model of 100 000 variables."""
    import cutest_problems
    from numopt.models.recorder import record

    name, n = TRACED
    definition = cutest_problems.entry(name).definition
    trace = _microseconds(lambda: record(definition, {"n": n}))
    return trace / 1e3, _microseconds(lambda: cutest_problems.load(name, n=n)) / 1e3


def loop_overhead():
    """Return the microseconds of one turn of the loop with a method that does nothing."""
    problem = NLP(np.zeros(3)).armed()
    solver = _Idle(maxiter=TURNS)

    def once():
        drive(solver, problem, problem.x0, Run(problem))

    return 1e6 * median(_batch(once, 1) for _ in range(REPEATS)) / TURNS


def import_times():
    """Return (what, median seconds) of each of `IMPORTS` in fresh processes."""
    return [(what, median(_process(code) for _ in range(REPEATS))) for what, code in IMPORTS]


def _process(code):
    start = perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return perf_counter() - start


def lines():
    """Yield the lines of the report, each as soon as it is measured."""
    import cutest_problems

    yield _row("evaluations, CPU us", CALLS)
    for name, params in PROBLEMS:
        problem = cutest_problems.load(name, **params)
        times = evaluation_times(problem, absent=without_meaning(problem))
        yield _row(_label(name, params), times)
    trace, build = tracing_times()
    yield f"{TRACED[0]} n={TRACED[1]}, CPU ms: traced in {trace:.1f}, built in {build:.1f}"
    yield f"one turn of the loop, CPU us: {loop_overhead():.2f}"
    for what, seconds in import_times():
        yield f"{what}, s: {seconds:.2f}"


def _label(name, params):
    return name + "".join(f" {key}={value}" for key, value in params.items())


def _row(label, cells):
    texts = [cell if isinstance(cell, str) else _number(cell) for cell in cells]
    return f"{label:24}" + "".join(f"{text:>10}" for text in texts)


def _number(value):
    return "-" if value is None else f"{value:.2f}" if value < 1e5 else f"{value:.0f}"


# -- files -----------------------------------------------------------------------------------------


def file_lines(folder=None):
    """Yield the lines of the report on SIF files.

    Parameters
    ----------
    folder : path-like, optional
        Files of it that are not there are left out; by default that of the variable ``MASTSIF``.

    Raises
    ------
    ProblemError
        If there is no such folder, or none of the files in it.
    """
    from numopt.cutest import collection, s2mpj

    files = collection(folder)
    known = [(name, params) for name, params in FILES if name in files]
    if not known:
        wanted = ", ".join(dict.fromkeys(name for name, _ in FILES))
        raise ProblemError(f"{files.where} has none of the files that are timed: {wanted}")
    try:
        translated = s2mpj()
    except ProblemError as error:
        yield f"no comparison with S2MPJ: {error}"
        translated = None
    yield _row("evaluations, CPU us", (*CALLS, "bytes*"))
    for name, params in known:
        problem = files.load(name, stored=False, **params)
        absent = without_meaning(problem)
        times = evaluation_times(problem, absent=absent)
        yield _row(_label(name, params), (*times, f"{bytes_per_row(files, name, params):.0f}"))
        if translated and name in translated and problem.n <= LARGEST_TRANSLATED:
            other = translated.load(name, **params)
            theirs = evaluation_times(other, _microseconds_of_one_batch, absent)
            yield _row("    S2MPJ / numopt", _ratios(theirs, times))
    yield "* per row of a term, less 16 per entry of J and of the lower triangle of H;"
    yield "  what any problem takes, some 50 000 bytes, is included"
    if times := value_times(files):
        slowest = max(times, key=times.__getitem__)
        yield (
            f"f of {len(times)} files with n < {SMALL}, CPU us: "
            f"median {median(times.values()):.2f}, slowest {times[slowest]:.2f} ({slowest})"
        )


def value_times(files):
    """Return the microseconds of f by name, of all small problems where it is defined."""
    clock, times = partial(_microseconds, shortest=SHORTEST / 10), {}
    for name in files.names(max_n=SMALL - 1):
        p = files.load(name)
        if p.structure.objective and np.isfinite(p.fun(_point(p))):
            times[name] = evaluation_times(p, clock, absent=range(1, len(CALLS)))[0]
    return times


def _ratios(theirs, ours):
    return [None if b is None else f"{a / b:.0f}" for a, b in zip(theirs, ours, strict=True)]


def bytes_per_row(files, name, params):
    """Return the memory of a problem after all of `CALLS`, per row, less 16 bytes per nonzero."""
    _evaluated(files, name, params)  # what is imported and compiled is not the problem's
    tracemalloc.start()
    try:
        problem = _evaluated(files, name, params)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    s = problem.structure
    return (used - 16 * (s.jac.nnz + s.hess.nnz)) / sum(t.size for t in s.terms)


def _evaluated(files, name, params):
    problem = files.load(name, stored=False, **params)
    evaluation_times(problem, lambda call: call())
    return problem
