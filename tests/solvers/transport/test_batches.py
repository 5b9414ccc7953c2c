"""Batches of transport problems."""

import numpy as np
import pytest
from transport_examples import METHODS, example, masses, plan_of, squares

import numopt
from numopt import Status, Transport, solve


@pytest.mark.parametrize("method", METHODS)
def test_batch(method):
    C = np.stack([squares(8, 6, seed) for seed in range(3)])
    B = np.stack([masses(6, seed) for seed in range(3)])
    res = solve(Transport(masses(8), B, C, eta=30.0), method=method)
    assert res.success
    assert res.x.shape == (3, 14)
    assert res.fun.shape == (3,)
    for k in range(3):
        one = solve(Transport(masses(8), B[k], C[k], eta=30.0), method=method)
        np.testing.assert_array_equal(res.x[k], one.x)
        np.testing.assert_array_equal(plan_of(res.results[k]), plan_of(one))
    again = solve(Transport(masses(8), B, C, eta=30.0), res.x, method=method)
    assert again.nit <= 1


def test_batch_tells_of_the_one_that_failed():
    C = np.stack([squares(8, 8, seed) for seed in range(3)])
    res = numopt.minimize(Transport(None, None, C, eta=2000.0), options={"maxiter": 8})
    assert not res.success
    assert res.status == Status.MAX_ITER


def test_bad_batches():
    C = np.zeros((2, 3, 3))
    with pytest.raises(numopt.ProblemError, match=r"2 costs has masses of shape \(3, 3\)"):
        Transport(np.ones((3, 3)), None, C, reg=1.0)
    batch = Transport(None, None, C, reg=1.0)
    with pytest.raises(numopt.UnsupportedError, match="takes no `history`"):
        solve(batch, history=True)
    with pytest.raises(numopt.ProblemError, match="2 start points, got 1"):
        solve(batch, np.zeros((1, 6)))


def test_problems_can_be_pickled():
    import pickle

    p = pickle.loads(pickle.dumps(example()))
    assert solve(p).success
