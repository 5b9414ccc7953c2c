"""Timing: each solver with tighter and tighter tolerances until the judge is content."""

import warnings
from dataclasses import replace
from time import process_time
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from numopt.bench.sparse.data import SOURCES

TARGET = 1e-8  # accuracy asked for, relative to the objective at zero
TIGHT = 1e-12  # tolerance of the reference solves
JUDGES = ("numopt", "skglm", "celer")  # the solvers for these, where there is one
SHORT, MORE, FEW = 0.01, 20, 2  # runs besides the first: more where one takes less seconds
PATIENCE = 25.0


class Reference(NamedTuple):
    """Optimal values, and by how much they may be too large, relative to the value at zero."""

    values: np.ndarray
    gap: float


class Outcome(NamedTuple):
    """What a solver needed, and what it reached."""

    seconds: float
    accuracy: float
    error: str = ""  # type of the exception that ended it


def ladder(quick=False):
    """Return tolerances from loose to tight."""
    return np.logspace(-1, -14, 14 if quick else 27)


def compete(task, solvers, tolerances, budget):
    """Return the `Reference` of a task and the `Outcome` of each solver, by name.

    A solver may take `budget` seconds in all, or less where another one was fast: `PATIENCE` times
    as long.
    """
    for solver in solvers:
        warm(solver, task)
    found = reference(task, solvers)
    outcomes, best = {}, np.inf
    for solver in solvers:
        patience = min(budget, 5.0 + PATIENCE * best)
        now = outcomes[solver.name] = race(solver, task, found, tolerances, patience)
        best = min(best, now.seconds) if now.accuracy <= TARGET else best
    return found, outcomes


def race(peer, task, reference, tolerances, budget):
    """Return the `Outcome` of the first tolerance at which a solver reaches the target.

    A solver that has used its budget of seconds, or raises, has reached what it has so far.
    """
    used, best = 0.0, Outcome(np.inf, np.inf)
    for tol in tolerances:
        now = measured(peer, task, reference, tol)
        used += now.seconds
        if now.error or now.accuracy <= TARGET:
            break
        best = min(best, now, key=lambda outcome: outcome.accuracy)
        if used > budget:
            return best
    else:
        return best
    if now.error or now.seconds > budget / 10:
        return now
    again = MORE if now.seconds < SHORT else FEW
    times = [now.seconds, *(measured(peer, task, reference, tol).seconds for _ in range(again))]
    return now._replace(seconds=float(np.median(times)))


class Answer(NamedTuple):
    """The coefficients that came back, None after an error, and what they took."""

    W: Any  # (p, k)
    seconds: float
    error: str = ""


def measured(peer, task, reference, tol):
    """Return the `Outcome` of one run."""
    W, seconds, error = timed(peer, task, tol)
    if error:
        return Outcome(seconds, np.inf, error)
    accuracy = (task.values(W) - reference.values).max() / task.at_zero
    return Outcome(seconds, float(accuracy) if np.isfinite(accuracy) else np.inf)


def timed(peer, task, tol):
    """Return the `Answer` of a solver."""
    start = process_time()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            W = peer.solve(task, tol)
        except Exception as error:  # whatever a library raises is shown in its cell
            return Answer(None, process_time() - start, type(error).__name__)
    return Answer(W, process_time() - start)


def reference(task, solvers):
    """Return the best value that tight solves find, with the gap to their best dual bound."""
    solvers = [solver for solver in solvers if solver.name in JUDGES] or solvers
    values, bounds = np.full(task.l1.size, np.inf), np.full(task.l1.size, -np.inf)
    for solver in solvers:
        W, _, error = timed(solver, task, TIGHT)
        if not error:
            values = np.fmin(values, task.values(W))
            bounds = np.fmax(bounds, task.bounds(W))
    return Reference(values, float((values - bounds).max() / task.at_zero))


def warm(peer, task):
    """Import and compile, on a small problem of the same kind."""
    X, y = SOURCES["small"].make(np.random.default_rng(0))
    y = np.where(y > 0, 1.0, -1.0) if task.logistic else y
    small = replace(task, X=sp.csc_matrix(X) if sp.issparse(task.X) else X, y=y)
    top = small.l1_max
    timed(peer, replace(small, l1=top * np.linspace(0.5, 0.4, task.l1.size)), 1e-3)


def median(outcomes):
    """Return the outcome of several problems: median of times, worst accuracy, first error."""
    seconds, accuracies, errors = zip(*outcomes, strict=True)
    return Outcome(float(np.median(seconds)), max(accuracies), next(filter(None, errors), ""))
