"""One run of a sweep: load, warm up, solve on the clock, judge; the outcome is a row."""

import platform
import sys
import warnings
from datetime import UTC, datetime
from functools import lru_cache
from time import perf_counter, process_time
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from numopt.bench.judge import judge
from numopt.bench.meter import Meter
from numopt.bench.peers import find_peer
from numopt.bench.suite import open_suite
from numopt.core.errors import Status, Stop
from numopt.core.solver import METHODS
from numopt.cutest.catalogue import kind_of
from numopt.front import solve
from numopt.models.factorisation import MatrixCompletion, NonnegativeFactorisation
from numopt.models.geometry import PointCloud
from numopt.models.nlp import NLP
from numopt.models.transport import Transport

# Outcomes besides "solved"; the judge says "failed".
FAULTS = ("unsupported", "timeout", "memory", "error", "worker_crash")


class Task(NamedTuple):
    """What is run: names and parameters only.

    Attributes
    ----------
    suite, problem, method : str
        Names.
    params : tuple
        Pairs of name and value.
    seed : int
        Seed of a randomised method.
    tol, time_limit : float
        Tolerance of the judge, and seconds for the solve.
    """

    suite: str
    problem: str
    method: str
    params: tuple = ()
    seed: int = 0
    tol: float = 1e-6
    time_limit: float = 60.0


def blank_row(task, status, message=""):
    """Return the row of a task of which nothing but its outcome is known."""
    row = {"problem": task.problem, "params": dict(task.params), "solver": task.method}
    row |= {"seed": task.seed, "status": status, "message": message, "host": platform.node()}
    row |= {"finished": now(), "claimed": False}
    return row


def now():
    """Return the time in UTC as text that sorts."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def run_task(task, started=lambda facts: None):
    """Run a task and return its row; only KeyboardInterrupt gets through.

    Parameters
    ----------
    task : Task
        What to run.
    started : callable
        Called when the solve begins, with what is known of the problem by then; building and
        compiling are over.
    """
    began = now()
    try:
        row = _run(task, started)
    except MemoryError as error:
        row = blank_row(task, "memory", str(error))
    except Exception as error:
        row = blank_row(task, "error", f"{type(error).__name__}: {error}")
    return row | {"started": began, "peak_mem": _peak_memory()}


def _run(task, started):
    problem, peer = _load(task.suite, task.problem, task.params), find_peer(task.method)
    facts = {"class": kind_of(problem), "n": problem.n, "m": problem.m}
    facts["f_best"] = open_suite(task.suite).f_best(task.problem, task.params)
    lacking = peer.unsupported(problem)
    if lacking:
        return blank_row(task, "unsupported", f"cannot handle {lacking}") | facts
    warm_up(task.method)
    answer, measures = _timed(peer, problem, task, lambda: started(facts))
    late = measures["wall"] >= task.time_limit
    if answer is None:
        return blank_row(task, "timeout", "time limit") | facts | measures
    verdict = judge(problem, *answer[:4], tol=task.tol)
    status = "solved" if verdict.solved else "timeout" if late else "failed"
    return blank_row(task, status, answer.message) | facts | measures | _found(answer, verdict)


def _found(answer, verdict):
    return {
        "claimed": bool(answer.claimed),
        "nit": answer.nit,
        "fun": verdict.fun,
        "maxcv": verdict.feasibility,
        "optimality": max(verdict.stationarity, verdict.complementarity),
        "stationarity": verdict.stationarity,
        "complementarity": verdict.complementarity,
        "relative_maxcv": verdict.relative_feasibility,
        "multipliers": verdict.multipliers,
    }


def _timed(peer, problem, task, started=lambda: None):
    """Return the answer (None if time ran out) and what it cost."""
    meter = Meter()
    view = meter.watch(problem)
    # numopt's methods arm the problem themselves: the others get the same memory and deadline.
    view = view if peer.own else view.armed(maxtime=task.time_limit)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # a peer's warnings are no part of its answer
        solve = peer.prepare(view, problem.x0.copy(), task.tol, task.time_limit, task.seed)
        meter.reset()
        started()
        wall, cpu = perf_counter(), process_time()
        try:
            answer = solve()
        except Stop as signal:
            if signal.status is not Status.MAX_TIME:
                raise
            answer = None
        cpu, wall = process_time() - cpu, perf_counter() - wall
    points = meter.points
    counts = {"nfev": points["fun"], "njev": points["grad"], "nhev": points["hess"]}
    counts |= {"ncev": points["cons"], "ncjev": points["jac"]}
    return answer, counts | {"wall": wall, "cpu": cpu, "eval_cpu": meter.seconds}


@lru_cache(maxsize=8)
def _load(suite, name, params):
    """Return a problem all of whose functions have been called once, so that they are compiled."""
    problem = open_suite(suite).load(name, params)
    x, y = problem.x0, np.ones(problem.m)
    with np.errstate(all="ignore"):
        problem.fun_and_grad(x)
        for function in (problem.fun, problem.grad, problem.cons, problem.jac):
            function(x)
        problem.hess(x, y)
        problem.hessp(x, y, x)
    return problem


@lru_cache
def warm_up(method):
    """Solve a tiny problem, so that imports and compilation are not on anyone's clock."""
    if method in METHODS and "nlp" not in METHODS[method].problems:
        WARM_UPS[METHODS[method].problems[0]](method)
        return
    peer = find_peer(method)
    everything = Tiny("eq" in peer.accepts, "bounds" in peer.accepts)
    _timed(peer, everything, Task("", "TINY", method, time_limit=30.0))


def _warm_up_transport(method):
    points = np.arange(6.0).reshape(3, 2) / 6.0
    res = solve(Transport(None, None, PointCloud(points, 1.0 - points), reg=0.05), method=method)
    for field in ("gap", "lower", "plan"):
        _ = res[field]  # worked out when it is read


def _warm_up_factorisation(method):
    Y = np.arange(1.0, 7.0).reshape(2, 3)
    for problem in (NonnegativeFactorisation(Y, 1), MatrixCompletion(Y, 1)):
        solve(problem, method=method, rng=0)


WARM_UPS = {"transport": _warm_up_transport, "factorisation": _warm_up_factorisation}


class Tiny(NLP):
    """Minimise x1^4 + x2^2, with or without the line x1 + x2 = 1 and bounds."""

    def __init__(self, line, bounds):
        bounds = (-5.0, 5.0) if bounds else (-np.inf, np.inf)
        rows = ([1.0], [1.0]) if line else ((), ())
        super().__init__([2.0, 2.0], *bounds, *rows, name="TINY")

    def _fun(self, x):
        return x[0] ** 4 + x[1] ** 2

    def _grad(self, x):
        return np.array([4.0 * x[0] ** 3, 2.0 * x[1]])

    def _cons(self, x):
        return np.full(self.m, x[0] + x[1])

    def _jac(self, x):
        return csr_array(np.ones((self.m, 2)))

    def _hess(self, x, y):
        return csr_array(np.diag([12.0 * x[0] ** 2, 2.0]))


def _peak_memory():
    """Return the largest resident size of this process in bytes, or None where it is unknown."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
