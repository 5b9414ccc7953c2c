"""The one loop: it runs every method, decides when to stop, and builds the result."""

from copy import deepcopy
from functools import partial
from math import inf, isfinite
from time import perf_counter

import numpy as np

from numopt.core.errors import Status, Stop
from numopt.core.result import OptimizeResult
from numopt.core.solver import Iterate

UNBOUNDED_BELOW = -1e20  # an objective below this at a feasible point counts as unbounded


class Run:
    """What a run owns besides its state: the generator, the clock and the iteration number."""

    def __init__(self, problem, rng=None, nit=0):
        self.rng = np.random.default_rng(rng)
        self.nit = nit
        self.started = perf_counter()
        self.note = ""  # why the run ended
        self.remarks = []  # what else the message should tell
        self._counts = problem.counts

    @property
    def elapsed(self):
        """Seconds since the run started."""
        return perf_counter() - self.started

    @property
    def nfev(self):
        """Evaluations of the objective so far."""
        return self._counts.fun

    def normal(self, shape):
        """Draw standard normal numbers."""
        return self.rng.standard_normal(shape)

    def integers(self, high, size=None):
        """Draw integers uniformly from 0 to high - 1."""
        return self.rng.integers(high, size=size)

    def choice(self, n, size, replace=False):
        """Draw from range(n)."""
        return self.rng.choice(n, size=size, replace=replace)


def iterates(solver, problem, x0, run, state=None):
    """Yield ``(state, report)`` for one iteration after the other, without end.

    A StopIteration of a user's function becomes a RuntimeError here, as in every generator.
    """
    now = _started(solver, problem, x0, run, state)
    while True:
        yield now
        now = _advanced(solver, problem, now[0], run)


# Overflow and undefined values at trial points are the method's business, not warnings.


def _started(solver, problem, x0, run, state):
    with np.errstate(all="ignore"):
        if state is None:
            state = solver.init(problem, x0, run)
        return state, solver.report(problem, state, run)


def _advanced(solver, problem, state, run):
    with np.errstate(all="ignore"):
        state = solver.step(problem, state, run)
        run.nit += 1
        return state, solver.report(problem, state, run)


def verdict(solver, it, run):
    """Return the Status that ends the run here, or None."""
    feasible = it.violation <= solver.tol
    if it.optimality <= solver.tol and feasible and isfinite(it.fun):
        return Status.CONVERGED
    if it.fun <= UNBOUNDED_BELOW and feasible:
        return Status.UNBOUNDED
    if not isfinite(it.fun):
        return Status.NONFINITE
    if it.fun <= solver.target and feasible:
        return Status.TARGET
    if run.nit >= solver.maxiter:
        return Status.MAX_ITER
    if run.nfev >= solver.maxfun:
        return Status.MAX_FUN
    if run.elapsed >= solver.maxtime:
        return Status.MAX_TIME
    return None


class _Outcome:
    """What is known of the run so far: the last report, the last finite one, the best one."""

    def __init__(self, solver, problem, x0, run):
        self.solver, self.problem, self.run, self.x0 = solver, problem, run, x0
        self.state = self.it = self.best = None

    def see(self, state, it):
        if isfinite(it.fun) or self.it is None:
            self.state, self.it = state, it
        if it.violation <= self.solver.tol and it.fun < (self.best[0] if self.best else inf):
            self.best = it.fun, it.x, self.run.nit

    def salvage(self):
        """Take the best point of a population out of a step that did not end."""
        fun, x = self.problem.best_known()
        last = self.iterate()
        if not fun >= last.fun and isfinite(fun) and last.violation <= self.solver.tol:
            self.it = last._replace(x=x, fun=fun)

    def iterate(self):
        """Return the last finite report, or what the problem knows of the start point."""
        if self.it is not None:
            return self.it
        fun, violation = self.problem.known_at(self.x0)
        return Iterate(self.x0, fun, inf, violation)


def drive(solver, problem, x0, run, watchers=(), state=None, stop=verdict, history=None):
    """Run the method to its end and say how it ended.

    Raises
    ------
    Exception
        Whatever the user's functions raise, unchanged, with the result so far attached as
        ``numopt_result``.
    """
    seen = _Outcome(solver, problem, x0, run)
    build = partial(_result, seen, history)
    try:
        state, it = _started(solver, problem, x0, run, state)
        while True:
            seen.see(state, it)
            status = stop(solver, it, run)
            peek = partial(build, status)
            answers = [watch(it, run, peek) for watch in watchers]
            if status is None and any(answers):
                status = Status.CALLBACK
            if status is not None:
                return build(_confirmed(status, seen))
            state, it = _advanced(solver, problem, state, run)
    except Stop as signal:
        run.note = signal.detail
        seen.salvage()
        return build(_confirmed(signal.status, seen))
    except MemoryError:
        seen.salvage()
        return build(Status.OUT_OF_MEMORY)
    except KeyboardInterrupt as error:
        seen.salvage()
        result = build(Status.INTERRUPTED)
        if solver.on_interrupt == "return":
            return result
        error.numopt_result = result  # pyright: ignore
        raise
    except Exception as error:
        seen.salvage()
        error.numopt_result = build(None)  # pyright: ignore
        error.add_note(f"raised in iteration {run.nit}, evaluation {run.nfev} of the objective")
        raise


def _confirmed(status, seen):
    """Recompute the claim of a success from the problem itself; withdraw it if it fails."""
    if not status.good:
        return status
    solver, run = seen.solver, seen.run
    try:
        fun, optimality, violation = solver.verify(seen.problem, seen.iterate())
    except Stop as signal:
        run.note = signal.detail
        return signal.status
    kept = violation <= solver.tol and isfinite(fun)
    if kept and (status is Status.TARGET or optimality <= solver.tol):
        return status
    run.note = f"recomputed at the point, the measure is {optimality:.2e}"
    return Status.SMALL_STEP


def _result(seen, history, status):
    solver, problem, run, it = seen.solver, seen.problem, seen.run, seen.iterate()
    concluded = {} if status is None else solver.concluded(problem, it, run)
    counts = problem.counts
    finite = isfinite(it.fun) and bool(np.isfinite(it.x).all())
    good = status is not None and status.good and finite and it.violation <= solver.tol
    result = OptimizeResult(
        x=np.array(it.x),
        fun=it.fun,
        success=good,
        status=status,
        message=_message(solver, status, it, run),
        nit=run.nit,
        nfev=counts.fun,
        njev=counts.grad,
        nhev=counts.hess + counts.hessp,
        counts=counts.as_dict(),
        optimality=it.optimality,
        constr_violation=it.violation,
        maxcv=it.violation,
        certificate=solver.certificate if good else None,
        multipliers=None,
        method=solver.name,
        execution_time=run.elapsed,
        history=history,
        best=_best(seen.best),
        state=(run.nit, run.rng.bit_generator.state, seen.state),
    )
    if it.fields is not None:
        result.update(deepcopy(it.fields()))  # a callback may do with them what it likes
    result.update(concluded)
    if not good:
        result["certificate"] = None
    return problem.present(result)


def _best(best):
    return None if best is None else {"fun": best[0], "x": np.array(best[1]), "nit": best[2]}


def _message(solver, status, it, run):
    head = "running" if status is None else status.sentence
    note = f" ({run.note})" if run.note else ""
    remarks = "".join(f" {remark}." for remark in run.remarks)
    return (
        f"{solver.name}: {head}{note}. {solver.measure} {it.optimality:.2e}, "
        f"violation {it.violation:.2e}, tolerance {solver.tol:.2e}.{remarks}"
    )
