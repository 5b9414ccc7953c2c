"""The loop by itself, driving made-up methods on made-up problems."""

from math import inf, nan
from typing import NamedTuple

import numpy as np
import pytest

from numopt.core.errors import Status, Stop
from numopt.core.loop import UNBOUNDED_BELOW, Run, drive, iterates, verdict
from numopt.core.solver import Iterate, Solver
from numopt.models.problem import Problem


class Script(Solver):
    """Plays a list of reports; an exception in the list is raised in that step.

    Without a name it stays out of the table of methods.
    """

    reports = ()
    truth = None  # what `verify` finds, if not what was claimed

    def init(self, problem, x0, run):
        return 0

    def step(self, problem, state, run):
        if isinstance(self.reports[state + 1], BaseException):
            raise self.reports[state + 1]
        return state + 1

    def report(self, problem, state, run):
        problem.spend("fun")
        return self.reports[state]

    def verify(self, problem, it):
        return self.truth or super().verify(problem, it)


def script(*reports, truth=None, **options):
    played = type("Played", (Script,), {"reports": reports, "truth": truth})
    return played(**options)


def at(fun, optimality=1.0, violation=0.0, **more):
    return Iterate(np.array([fun]), fun, optimality, violation, **more)


def play(*reports, truth=None, stop=verdict, watchers=(), **options):
    solver, problem = script(*reports, truth=truth, **options), Problem().armed()
    run = Run(problem, 0)
    return drive(solver, problem, np.zeros(1), run, watchers, stop=stop)


class Now(NamedTuple):
    """The part of a run that the verdict looks at."""

    nit: int = 0
    nfev: int = 0
    elapsed: float = 0.0


LIMITS = {"maxiter": 5, "maxfun": 7, "maxtime": 9.0, "target": -1.0}


@pytest.mark.parametrize(
    ("it", "now", "status"),
    [
        (at(1.0), Now(), None),
        (at(1.0, 0.0), Now(), Status.CONVERGED),
        (at(1.0, 1e-6, 1e-6), Now(), Status.CONVERGED),
        (at(1.0, 0.0, 2e-6), Now(), None),
        (at(-1.0), Now(), Status.TARGET),
        (at(-1.0, 1.0, 1.0), Now(), None),
        (at(1.0), Now(nit=5), Status.MAX_ITER),
        (at(1.0), Now(nfev=7), Status.MAX_FUN),
        (at(1.0), Now(elapsed=9.0), Status.MAX_TIME),
        (at(UNBOUNDED_BELOW), Now(), Status.UNBOUNDED),
        (at(-inf), Now(), Status.UNBOUNDED),
        (at(-inf, 1.0, 1.0), Now(), Status.NONFINITE),
        (at(nan), Now(), Status.NONFINITE),
        (at(inf), Now(), Status.NONFINITE),
        (at(1.0, nan), Now(), None),
        (at(1.0, 0.0, nan), Now(), None),
        # Of several reasons the first one of this order is told:
        (at(UNBOUNDED_BELOW, 0.0), Now(9, 9, 9.0), Status.CONVERGED),
        (at(UNBOUNDED_BELOW), Now(9, 9, 9.0), Status.UNBOUNDED),
        (at(nan, 0.0), Now(9, 9, 9.0), Status.NONFINITE),
        (at(-1.0, 0.0), Now(9, 9, 9.0), Status.CONVERGED),
        (at(-1.0), Now(9, 9, 9.0), Status.TARGET),
        (at(1.0), Now(9, 9, 9.0), Status.MAX_ITER),
        (at(1.0), Now(0, 9, 9.0), Status.MAX_FUN),
    ],
)
def test_verdict(it, now, status):
    assert verdict(script(**LIMITS), it, now) is status


def test_a_run_to_the_end():
    res = play(at(3.0), at(2.0), at(1.0, 0.0))
    assert res.success
    assert res.status is Status.CONVERGED
    assert (res.fun, res.nit, res.nfev) == (1.0, 2, 3)
    assert res.best["nit"] == 2


@pytest.mark.parametrize(
    "truth", [(1.0, 1e-3, 0.0), (1.0, 0.0, 1e-3), (nan, 0.0, 0.0), (1.0, nan, 0.0)]
)
def test_a_method_that_claims_falsely_is_not_believed(truth):
    res = play(at(3.0), at(1.0, 0.0), truth=truth)
    assert not res.success
    assert res.status is Status.SMALL_STEP
    assert f"recomputed at the point, the measure is {truth[1]:.2e}" in res.message
    assert res.certificate is None


def test_a_false_claim_by_a_signal_is_not_believed_either():
    res = play(at(3.0), Stop(Status.CONVERGED, "sure"), truth=(3.0, 1.0, 0.0))
    assert res.status is Status.SMALL_STEP
    assert not res.success


def test_a_target_needs_feasibility_but_no_optimality():
    assert play(at(-5.0, 1.0), target=-1.0).success
    assert not play(at(-5.0, 1.0), target=-1.0, truth=(-5.0, 1.0, 1.0)).success


def test_a_budget_that_ends_during_the_confirmation_is_the_status():
    class Costly(Script):
        reports = (at(1.0, 0.0),)

        def verify(self, problem, it):
            raise Stop(Status.MAX_FUN)

    problem = Problem().armed()
    res = drive(Costly(), problem, np.zeros(1), Run(problem))
    assert res.status is Status.MAX_FUN
    assert not res.success


def test_best_is_the_lowest_feasible_iterate():
    reports = at(3.0), at(1.0), at(0.0, 1.0, 1.0), at(nan), at(2.0)
    res = play(*reports, Stop(Status.SMALL_STEP), stop=lambda *a: None)
    assert (res.best["fun"], res.best["nit"]) == (1.0, 1)
    np.testing.assert_array_equal(res.best["x"], [1.0])
    assert res.fun == 2.0


def test_without_a_feasible_iterate_there_is_no_best():
    assert play(at(3.0, 1.0, 1.0), Stop(Status.INFEASIBLE)).best is None


def test_the_result_is_the_last_finite_iterate():
    res = play(at(3.0), at(2.0), at(nan))
    assert res.status is Status.NONFINITE
    assert (res.fun, res.nit) == (2.0, 2)


@pytest.mark.parametrize("status", [s for s in Status if not s.good])
def test_signals_end_the_run_with_their_status_and_note(status):
    res = play(at(3.0), Stop(status, "because"))
    assert res.status is status
    assert not res.success
    assert "(because)" in res.message
    assert status.sentence in res.message


def test_message_names_measure_violation_and_tolerance():
    res = play(at(3.0, 0.25, 0.5), Stop(Status.SMALL_STEP), tol=1e-3)
    assert "optimality 2.50e-01, violation 5.00e-01, tolerance 1.00e-03." in res.message


def test_errors_carry_the_result_and_a_note():
    error = KeyError("mine")
    with pytest.raises(KeyError) as info:
        play(at(3.0), at(2.0), error)
    assert info.value is error
    assert error.numopt_result.fun == 2.0
    assert error.numopt_result.status is None
    assert error.numopt_result.message.startswith(": running.")
    assert error.__notes__ == ["raised in iteration 1, evaluation 2 of the objective"]


def test_stop_iteration_of_a_function_does_not_end_the_loop():
    with pytest.raises(StopIteration):
        play(at(3.0), StopIteration())
    problem = Problem().armed()
    steps = iterates(script(at(3.0), StopIteration()), problem, np.zeros(1), Run(problem))
    next(steps)
    with pytest.raises(RuntimeError, match="StopIteration"):
        next(steps)


def test_interrupts():
    with pytest.raises(KeyboardInterrupt) as info:
        play(at(3.0), KeyboardInterrupt())
    assert info.value.numopt_result.status is Status.INTERRUPTED
    res = play(at(3.0), KeyboardInterrupt(), on_interrupt="return")
    assert res.status is Status.INTERRUPTED
    with pytest.raises(SystemExit):
        play(at(3.0), SystemExit(), on_interrupt="return")


def test_memory():
    assert play(at(3.0), MemoryError()).status is Status.OUT_OF_MEMORY


def test_watchers_see_each_iterate_and_all_are_asked():
    seen = [], []

    def first(it, run, peek):
        seen[0].append((run.nit, it.fun))
        return True

    def second(it, run, peek):
        res = peek()
        seen[1].append((res.nit, res.fun, res.status))

    res = play(at(3.0), at(2.0), watchers=[first, second])
    assert res.status is Status.CALLBACK
    assert seen == ([(0, 3.0)], [(0, 3.0, None)])


def test_convergence_goes_before_the_callback():
    res = play(at(3.0, 0.0), watchers=[lambda *a: True])
    assert res.status is Status.CONVERGED


def test_fields_of_a_method_are_copied():
    owned = {"own": np.zeros(2)}

    def vandal(it, run, peek):
        peek().own[:] = 1.0

    res = play(at(3.0, fields=lambda: owned), Stop(Status.SMALL_STEP), watchers=[vandal])
    np.testing.assert_array_equal(owned["own"], 0)
    np.testing.assert_array_equal(res.own, 0)


def test_no_floating_point_warnings_inside_a_step():
    class Careless(Script):
        reports = (at(1.0), at(0.0, 0.0))

        def step(self, problem, state, run):
            np.log(np.zeros(1)) - np.log(np.zeros(1))
            return state + 1

    problem, before = Problem().armed(), np.geterr()
    assert drive(Careless(), problem, np.zeros(1), Run(problem)).success
    assert np.geterr() == before


def test_run_draws_reproducibly():
    first, second = (Run(Problem(), 5) for _ in range(2))
    np.testing.assert_array_equal(first.normal(3), second.normal(3))
    np.testing.assert_array_equal(first.integers(9, 4), second.integers(9, 4))
    np.testing.assert_array_equal(first.choice(9, 4), second.choice(9, 4))
