"""Budgets, seeds, workers, states and options of every variant."""

import os
import pickle
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from zeroth_order_examples import run, square

import numopt
from numopt import Status, ZerothOrder

VARIANTS = ["coordinates", "smoothing", "spsa", "ranking", "frank_wolfe", "recursive"]
every_variant = pytest.mark.parametrize("variant", VARIANTS)
WITH_OPTIONS = [{"variant": variant} for variant in VARIANTS]
WITH_OPTIONS += [{"variant": "spsa", "second_order": True}, {"density": 0.5}]
every_way = pytest.mark.parametrize(
    "options", WITH_OPTIONS, ids=lambda o: "-".join(map(str, o.values()))
)
BOX = [(-1.0, 2.0)] * 3
X0 = np.array([1.0, -0.5, 0.3])


def same(one, two):
    np.testing.assert_array_equal(one.x, two.x)
    assert (one.fun, one.nfev, one.nit) == (two.fun, two.nfev, two.nit)


@every_way
@pytest.mark.parametrize("maxfun", [1, 2, 6, 13, 14, 100, 333])
def test_budget_is_exact(options, maxfun):
    calls = []

    def fun(x):
        calls.append(1)
        return square(x) + 1e-9 * len(calls)  # keeps it from being solved

    res = run(fun, X0, bounds=BOX, maxfun=maxfun, **options)
    assert len(calls) == res.nfev <= maxfun
    assert res.status in (Status.MAX_FUN, Status.SMALL_STEP, Status.CONVERGED)
    assert np.isfinite(res.fun)


@every_way
def test_same_seed_same_bits(options):
    options = {"bounds": BOX, "maxfun": 400} | options
    same(run(square, X0, 3, **options), run(square, X0, 3, **options))


@every_way
@pytest.mark.parametrize("how", ["workers", "rows", "columns"])
def test_where_it_is_evaluated_changes_nothing(options, how):
    options = {"bounds": BOX, "maxfun": 400} | options
    serial = run(square, X0, **options)
    if how == "workers":
        with ThreadPoolExecutor(2) as pool:
            same(serial, run(square, X0, workers=pool, **options))
        return
    layout = True if how == "rows" else "columns"

    def many(X):
        return np.array([square(x) for x in (X if layout is True else X.T)])

    same(serial, run(many, X0, vectorized=layout, **options))


@every_way
def test_resume_bit_for_bit(options):
    def problem():
        from numopt.scipy_like import nlp_from_scipy

        return nlp_from_scipy(square, X0, bounds=BOX)

    given = {"method": "zeroth_order"}
    given |= {"options": {"maxiter": 7} | options}

    def stop(intermediate_result):
        return intermediate_result.nit == 3

    whole = numopt.solve(problem(), rng=0, **given)
    part = numopt.solve(problem(), rng=0, callback=stop, **given)
    state = pickle.loads(pickle.dumps(part.state))
    rest = numopt.solve(problem(), rng=5, state=state, **given)
    np.testing.assert_array_equal(whole.x, rest.x)
    assert whole.nit == rest.nit


@every_variant
@pytest.mark.parametrize("maxtime", [0.0])
def test_time_limit(variant, maxtime):
    res = run(square, X0, bounds=BOX, variant=variant, maxtime=maxtime)
    assert res.status == Status.MAX_TIME
    assert not res.success


@every_variant
def test_exceptions_as_nan(variant):
    calls = []

    def fun(x):
        calls.append(1)
        if len(calls) > 30:
            raise ArithmeticError("no value here")
        return square(x)

    with pytest.warns(RuntimeWarning, match="no value here"):
        res = run(fun, X0, bounds=BOX, variant=variant, on_error="nan", maxfun=500)
    assert np.isfinite(res.fun)
    assert not res.success
    assert len(calls) <= 50


@every_variant
def test_an_exception_keeps_the_best_point(variant):
    seen = []

    def fun(x):
        if len(seen) == 40:
            raise RuntimeError("enough")
        seen.append(square(x))
        return seen[-1]

    with pytest.raises(RuntimeError, match="enough") as info:
        run(fun, X0, bounds=BOX, variant=variant)
    assert info.value.numopt_result.fun <= square(X0)


def deadly(x):
    if x[0] > 1.0:
        os.kill(os.getpid(), signal.SIGKILL)
    return square(x)


def test_a_killed_worker():
    with pytest.raises(numopt.WorkerError, match="killed its worker process twice") as info:
        run(deadly, np.array([1.0, 0.5]), workers=2)
    np.testing.assert_array_equal(info.value.numopt_result.x, [1.0, 0.5])


@every_variant
def test_no_finite_value(variant):
    res = run(lambda x: np.nan, X0, bounds=BOX, variant=variant)
    assert res.status == Status.NONFINITE
    assert res.nfev <= 21


@every_variant
def test_target(variant):
    res = run(square, X0, bounds=BOX, variant=variant, target=0.2, maxfun=50_000)
    assert res.status == Status.TARGET
    assert res.fun <= 0.2


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("variant", "newton"), ("noise", -1), ("radius", -1), ("step_size", -1), ("samples", -1),
        ("best", -1), ("difference", "complex"), ("density", 0), ("density", 1.5),
        ("momentum", 1), ("shrink", 0), ("shrink", 2), ("inner", 0), ("radius", np.inf),
        ("average", "yes"), ("blocking", 3), ("second_order", 3), ("levels", -1),
    ],
)  # fmt: skip
def test_bad_options(option, value):
    with pytest.raises(numopt.OptionError, match=f"`{option}` must"):
        ZerothOrder(**{option: value})


def test_rankings_need_two_points_and_no_more_ranks_than_points():
    with pytest.raises(numopt.OptionError, match="`samples` must be >= 2 for a ranking"):
        ZerothOrder(variant="ranking", samples=1)
    with pytest.raises(numopt.OptionError, match="`best` must be <= `samples`"):
        ZerothOrder(variant="ranking", samples=4, best=5)


def test_constraints_are_refused():
    rows = {"type": "ineq", "fun": lambda x: x[0]}
    with pytest.raises(numopt.UnsupportedError, match=r"zeroth_order.*cannot handle ineq"):
        numopt.minimize(square, X0, method="zeroth_order", constraints=rows)
