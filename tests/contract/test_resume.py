"""k and then m iterations from a pickled state are k + m iterations, bit for bit."""

import pickle

import numpy as np
import pytest

import numopt


@pytest.mark.parametrize("k", [0, 1, 3])
def test_resume(any_pair, k):
    method, case = any_pair
    whole = numopt.solve(case.problem(), method=method, rng=0)
    part = numopt.solve(case.problem(), method=method, rng=0, options={"maxiter": k})
    state = pickle.loads(pickle.dumps(part.state))
    rest = numopt.solve(case.problem(), method=method, rng=1, state=state)
    np.testing.assert_array_equal(whole.x, rest.x)
    assert whole.nit == rest.nit
    assert whole.fun == rest.fun


def test_result_can_be_pickled(any_first):
    method, case = any_first
    res = case.run(method, rng=0, history=True)
    again = pickle.loads(pickle.dumps(res))
    np.testing.assert_array_equal(again.x, res.x)
    assert again.status is res.status
    np.testing.assert_array_equal(again.history.fun, res.history.fun)


def test_iterate_is_the_same_loop(any_first):
    method, case = any_first
    res = case.run(method, rng=0)
    reports = numopt.iterate(case.problem(), method=method, rng=0, tol=getattr(case, "tol", None))
    for _ in range(res.nit):
        next(reports)
    np.testing.assert_array_equal(next(reports).x, res.x)
