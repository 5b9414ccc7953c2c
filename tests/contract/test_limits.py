"""Each limit ends the run with exactly its status, and is never exceeded."""

import pytest
from cases import Calls

from numopt import NotConverged, Status

LIMITS = [
    ({"maxiter": 0}, Status.MAX_ITER),
    ({"maxiter": 1}, Status.MAX_ITER),
    ({"maxfun": 1}, Status.MAX_FUN),
    ({"maxfev": 2}, Status.MAX_FUN),
    ({"maxtime": 0}, Status.MAX_TIME),
]


@pytest.mark.parametrize(("options", "status"), LIMITS)
def test_limits(first, options, status):
    method, case = first
    calls = Calls()
    res = case.run(method, calls, options=options, rng=0)
    assert res.status == status
    assert not res.success
    assert res.nit <= options.get("maxiter", res.nit)
    assert calls.fun <= options.get("maxfun", options.get("maxfev", calls.fun))
    assert len(res.x) == len(case.x0)


@pytest.mark.parametrize(("options", "status"), LIMITS)
def test_limits_without_functions(any_first, options, status):
    method, case = any_first
    res = case.run(method, options=options, rng=0)
    assert res.status == status
    assert not res.success
    assert res.nit <= options.get("maxiter", res.nit)
    assert res.nfev <= options.get("maxfun", options.get("maxfev", res.nfev))
    assert len(res.x) == len(case.x0)


@pytest.mark.parametrize("maxfun", range(1, 12))
def test_maxfun_is_exact_in_the_middle_of_a_step(pair, maxfun):
    method, case = pair
    calls = Calls()
    res = case.run(method, calls, options={"maxfun": maxfun}, rng=0)
    assert calls.fun <= maxfun
    assert calls.cons <= maxfun
    assert res.nfev == calls.fun
    assert res.success or res.status == Status.MAX_FUN


def test_target(first):
    method, case = first
    start = case.fun(case.x0)
    best = case.fun(case.x)
    res = case.run(method, options={"target": (start + best) / 2}, rng=0)
    assert res.status == Status.TARGET
    assert res.success
    assert res.fun <= (start + best) / 2


def test_raise_for_status(any_first):
    method, case = any_first
    res = case.run(method, options={"maxiter": 0}, rng=0)
    with pytest.raises(NotConverged, match="maxiter"):
        res.raise_for_status()
    assert case.run(method, rng=0).raise_for_status().success
