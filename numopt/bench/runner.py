"""One run of a sweep: load, warm up, solve on the clock, judge; the outcome is a row."""

import platform
import sys
import warnings
from datetime import UTC, datetime
from functools import lru_cache
from time import perf_counter, process_time
from typing import NamedTuple

import numpy as np

from numopt.bench.judge import judge
from numopt.bench.meter import Meter
from numopt.bench.peers import find_peer
from numopt.bench.suite import open_suite
from numopt.bench.tiny import EXAMPLES, Tiny
from numopt.core.errors import Status, Stop
from numopt.core.solver import METHODS
from numopt.cutest.catalogue import kind_of
from numopt.front import solve

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
    """Solve tiny problems, so that imports and compilation are not on anyone's clock."""
    kinds = METHODS[method].problems if method in METHODS else ("nlp",)
    if "nlp" in kinds:
        peer = find_peer(method)
        everything = Tiny("eq" in peer.accepts, "bounds" in peer.accepts)
        _timed(peer, everything, Task("", "TINY", method, time_limit=30.0))
    for kind in EXAMPLES.keys() & kinds:
        for problem in EXAMPLES[kind]():
            res = solve(problem, method=method, rng=0)
            for field in {"gap", "lower", "plan"} & res.keys():
                _ = res[field]  # worked out when it is read


def _peak_memory():
    """Return the largest resident size of this process in bytes, or None where it is unknown."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
