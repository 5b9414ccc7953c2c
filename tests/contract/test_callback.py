"""Both signatures, stopping, and no way to disturb the run."""

import numpy as np
import pytest

from numopt import Status


def test_result_form(any_first):
    method, case = any_first
    seen = []
    res = case.run(method, callback=lambda intermediate_result: seen.append(intermediate_result))
    assert [r.nit for r in seen] == list(range(1, res.nit + 1))
    for r in seen:
        assert {"x", "fun", "nit", "nfev", "optimality", "constr_violation"} <= set(r)
    assert seen[-1].fun == res.fun


def test_point_form(any_first):
    method, case = any_first
    seen = []
    res = case.run(method, callback=seen.append)
    np.testing.assert_array_equal(seen[-1], res.x)


@pytest.mark.parametrize("how", ["raise", "return"])
def test_stops(any_first, how):
    method, case = any_first

    def stop(xk):
        if how == "raise":
            raise StopIteration
        return True

    res = case.run(method, callback=stop)
    assert res.status == Status.CALLBACK == 99
    assert not res.success
    assert res.nit == 1


@pytest.mark.parametrize("answer", [1, "yes", np.ones(2), None])
def test_only_a_bool_stops(any_first, answer):
    method, case = any_first
    assert case.run(method, callback=lambda xk: answer).success


def test_cannot_change_the_run(any_first):
    method, case = any_first

    def vandal(xk):
        xk[:] = np.nan

    plain, res = case.run(method, rng=0), case.run(method, rng=0, callback=vandal)
    np.testing.assert_array_equal(plain.x, res.x)
    assert res.success
