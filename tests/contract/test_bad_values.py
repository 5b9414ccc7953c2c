"""NaN and infinity, at the start and later: never accepted, never a success, never a crash."""

import numpy as np
import pytest
from cases import MOST_UNDEFINED, Calls

from numopt import Status


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_undefined_everywhere(pair, value):
    method, case = pair
    calls = Calls()
    res = case.run(method, calls, fun=lambda x: value, rng=0)
    assert res.status == Status.NONFINITE == 3
    assert not res.success
    assert np.isfinite(res.x).all()
    assert calls.fun <= MOST_UNDEFINED.get(method, 15)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("last", [3, 5])
def test_undefined_from_some_call_on(pair, value, last):
    method, case = pair
    calls = Calls()
    res = case.run(method, calls, fun=lambda x: case.fun(x) if calls.fun <= last else value, rng=0)
    assert not res.success or calls.fun <= last
    assert np.isfinite(res.x).all()
    assert np.isfinite(res.fun)


def test_minus_infinity_is_unbounded(first):
    method, case = first
    res = case.run(method, fun=lambda x: -np.inf, rng=0)
    assert res.status == Status.UNBOUNDED
    assert not res.success
