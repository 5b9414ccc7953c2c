"""Where the objective is evaluated changes nothing; workers that fail."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from cbo_examples import BOX, assert_same, plain

import numopt


@pytest.mark.parametrize("variant", ["hybrid", "paper"])
@pytest.mark.parametrize("layout", [True, "columns"])
def test_vectorised(variant, layout):
    def rows(X):
        X = X.T if layout == "columns" else X
        return np.array([plain(x) for x in X])

    options = {"variant": variant, "maxfun": 1500}
    given = {"bounds": BOX, "method": "cbo", "rng": 0, "options": options}
    assert_same(numopt.minimize(rows, vectorized=layout, **given), numopt.minimize(plain, **given))


def square(x):
    return float(np.sum((x - 0.5) ** 2) + 0.1 * np.sum(np.cos(20 * x)))


@pytest.mark.parametrize("workers", ["map", "threads", 2])
def test_workers_change_nothing(workers):
    given = {"bounds": BOX, "method": "cbo", "rng": 0, "options": {"maxfun": 400}}
    serial = numopt.minimize(square, **given)
    with ThreadPoolExecutor(3) as pool:
        chosen = {"map": map, "threads": pool}.get(workers, workers)
        assert_same(serial, numopt.minimize(square, workers=chosen, **given))


def test_an_objective_that_raises_in_a_worker():
    def fun(x):
        if x[0] > 5.5:
            raise RuntimeError("in a worker")
        return square(x)

    with (
        ThreadPoolExecutor(2) as pool,
        pytest.raises(RuntimeError, match="in a worker") as info,
    ):
        numopt.minimize(fun, bounds=BOX, method="cbo", rng=0, workers=pool)
    assert info.value.numopt_result.nfev > 0


def picky(x):
    if x[0] > 5.5:
        raise RuntimeError("in a process")
    return square(x)


@pytest.mark.parametrize("variant", ["hybrid", "paper"])
def test_an_objective_that_raises_in_a_process(variant):
    options = {"variant": variant}
    with pytest.raises(RuntimeError, match="in a process") as info:
        numopt.minimize(
            picky, [0.0] * 3, bounds=BOX, method="cbo", rng=0, workers=2, options=options
        )
    assert np.isfinite(info.value.numopt_result.x).all()


def deadly(x):
    if x[0] > 5.0:
        os.kill(os.getpid(), signal.SIGKILL)
    return square(x)


def test_a_killed_worker():
    with pytest.raises(numopt.WorkerError, match="killed its worker process twice") as info:
        numopt.minimize(deadly, [0.0] * 3, bounds=BOX, method="cbo", rng=0, workers=2)
    assert np.isfinite(info.value.numopt_result.fun)
