"""Starts, limits, callbacks, interrupts, threads and pickles of composite problems."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from composite_examples import NAN, RULES, Own, X, Y, problem
from scipy.sparse import csc_array

from numopt import (
    L1,
    BoxConstraint,
    Composite,
    GroupL2,
    LeastSquares,
    OptionError,
    ProblemError,
    Status,
    solve,
)


@pytest.mark.parametrize(
    ("x0", "match"), [([NAN, 0.0, 0.0], "finite"), ([0.0, 0.0], "3 entries"), ([[0.0] * 3], "`x0`")]
)
def test_wrong_starts(x0, match):
    with pytest.raises(ValueError, match=match):
        solve(problem(), x0)


def test_starts_outside_the_domain_are_moved_and_told():
    P = problem(BoxConstraint(0.0, 1.0))
    with pytest.warns(UserWarning, match="moved into the domain of the penalty, first at index 1"):
        res = solve(P, [0.5, 3.0, -1.0], options={"maxiter": 0})
    assert list(res.x) == [0.5, 1.0, 0.0]
    with pytest.raises(ProblemError, match="outside the domain"):
        solve(P, [0.5, 3.0, -1.0], options={"strict_x0": True})


@pytest.mark.parametrize("engine", [{}, RULES])
@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"tol": 0.0}, "`tol` must be > 0"),
        ({"tol": NAN}, "`tol` must be a number"),
        ({"maxiter": -1}, "`maxiter` must be >= 0"),
        ({"maxtime": -1.0}, "`maxtime` must be >= 0"),
        ({"maxtime": NAN}, "`maxtime` must be a number"),
        ({"max_time": 1.0}, "Did you mean 'maxtime'"),
    ],
)
def test_wrong_limits(engine, options, match):
    with pytest.raises(OptionError, match=match):
        solve(problem(L1(0.1)), method="bcd", options=engine | options)


def long_run(options, **kwargs):
    """Solve a problem that takes a few iterations with either engine."""
    rng = np.random.default_rng(0)
    A, b = rng.normal(size=(60, 400)), rng.normal(size=60)
    options = {"tol": 1e-12} | options
    return solve(problem(L1(1.0), LeastSquares(A, b)), method="bcd", options=options, **kwargs)


@pytest.mark.parametrize("engine", [{}, RULES])
def test_limits_of_time_and_iterations(engine):
    late = long_run(engine | {"maxtime": 0.0})
    assert late.status == Status.MAX_TIME
    short = long_run(engine | {"maxiter": 1})
    assert (short.status, short.nit) == (Status.MAX_ITER, 1)
    assert not late.success
    assert not short.success


@pytest.mark.parametrize("engine", [{}, RULES])
@pytest.mark.parametrize("how", ["raise", "return"])
def test_callbacks_stop(engine, how):
    def stop(intermediate_result):
        if how == "raise":
            raise StopIteration
        return True

    res = long_run(engine, callback=stop)
    assert res.status == Status.CALLBACK
    assert not res.success
    assert res.nit == 1


@pytest.mark.parametrize("engine", [{}, RULES])
@pytest.mark.parametrize("error", [Own("mine"), KeyboardInterrupt()])
def test_what_callbacks_raise_reaches_the_user_with_the_result(engine, error):
    def fail(intermediate_result):
        raise error

    with pytest.raises(type(error)) as info:
        long_run(engine, callback=fail)
    assert info.value is error
    assert info.value.numopt_result.nit == 1
    assert np.isfinite(info.value.numopt_result.fun)


@pytest.mark.parametrize("engine", [{}, RULES])
def test_an_interrupt_can_return_the_result(engine):
    def interrupt(intermediate_result):
        raise KeyboardInterrupt

    res = long_run(engine | {"on_interrupt": "return"}, callback=interrupt)
    assert res.status == Status.INTERRUPTED
    assert not res.success


@pytest.mark.parametrize("engine", [{}, RULES])
def test_callbacks_may_overwrite_what_they_get(engine):
    def vandal(intermediate_result):
        intermediate_result.x[:] = NAN
        intermediate_result.active_set[:] = 0

    engine = engine | {"maxiter": 30}
    plain, res = long_run(engine), long_run(engine, callback=vandal)
    np.testing.assert_array_equal(plain.x, res.x)


@pytest.mark.parametrize("engine", [{}, RULES])
def test_threads_solve_one_problem_at_the_same_time(engine):
    options = engine | {"maxiter": 20}
    P = problem(L1(0.1))
    alone = [solve(P.times(f), method="bcd", options=options, rng=0) for f in (1, 2, 3, 4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(
            pool.map(
                lambda f: solve(P.times(f), method="bcd", options=options, rng=0), (1, 2, 3, 4)
            )
        )
    for a, b in zip(alone, found, strict=True):
        np.testing.assert_array_equal(a.x, b.x)
        assert a.nit == b.nit


@pytest.mark.parametrize("engine", [{}, RULES, {"blocks": "variable", "selection": "gs-q"}])
def test_problems_and_results_are_pickled(engine):
    P = problem(GroupL2(0.1, [[0, 1], [2]]) if engine == {} else L1(0.1), intercept=True)
    res = solve(P, method="bcd", options=engine, rng=0)
    again = solve(pickle.loads(pickle.dumps(P)), method="bcd", options=engine, rng=0)
    np.testing.assert_array_equal(res.x, again.x)
    back = pickle.loads(pickle.dumps(res))
    np.testing.assert_array_equal(back.x, res.x)
    assert (back.status, back.fun, back.kkt) == (res.status, res.fun, res.kkt)


@pytest.mark.parametrize("engine", [{}, {"blocks": 2, "selection": "random", "order": "random"}])
def test_seeds_repeat_a_run_and_the_global_generator_is_left_alone(engine):
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - that it is untouched
    a, b = (long_run(engine | {"maxiter": 40}, rng=5) for _ in range(2))
    np.testing.assert_array_equal(a.x, b.x)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("engine", [{}, RULES])
@pytest.mark.parametrize("sparse", [False, True])
def test_data_are_not_written_to(sparse, engine):
    A, b = np.asfortranarray(X), Y.copy()
    s, lam = np.ones(4), np.ones(3)
    given = csc_array(A) if sparse else A
    arrays = [b, s, lam] + ([given.data, given.indices, given.indptr] if sparse else [A])
    for array in arrays:
        array.setflags(write=False)
    loss = LeastSquares(given, b, sample_weight=s)
    P = Composite(loss, L1(0.1, weights=lam), intercept=True, standardize=True)
    assert solve(P, method="bcd", options=engine).success
