"""NaN, infinity and exceptions."""

import numpy as np
import pytest
from cbo_examples import BOX, plain, run

import numopt
from numopt import Status


@pytest.mark.parametrize("variant", ["hybrid", "paper"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_region_without_values_is_left(variant, bad):
    def fun(x):
        return bad if x[0] > 1.0 else plain(x)

    res = run(fun, variant=variant, maxfun=20000)
    assert res.x[0] <= 1.0
    assert res.fun < 1e-3


@pytest.mark.parametrize("variant", ["hybrid", "paper"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_no_finite_value_at_all(variant, bad):
    res = run(lambda x: bad, variant=variant)
    assert res.status == Status.NONFINITE
    assert not res.success
    assert res.nfev <= 60
    assert np.isfinite(res.x).all()


def test_undefined_at_x0_only():
    x0 = np.ones(3)
    fun = lambda x: np.nan if (x == x0).all() else plain(x)  # noqa: E731
    res = numopt.minimize(fun, x0, bounds=BOX, method="cbo", rng=0)
    assert res.success
    np.testing.assert_allclose(res.x, 0.0, atol=1e-6)


@pytest.mark.parametrize("variant", ["hybrid", "paper"])
def test_minus_infinity_ends_the_run(variant):
    res = run(lambda x: -np.inf if x[0] > 2.0 else plain(x), variant=variant)
    assert res.status == Status.UNBOUNDED
    assert not res.success


def test_exceptions_as_nan():
    def fun(x):
        if x[0] > 4.0:
            raise ArithmeticError("no value here")
        return plain(x)

    with pytest.warns(RuntimeWarning, match="no value here"):
        res = run(fun, on_error="nan")
    np.testing.assert_allclose(res.x, 0.0, atol=1e-6)


def test_time_limit_keeps_the_best_point():
    res = run(maxtime=0.05, maxfun=10**7)
    assert res.status == Status.MAX_TIME
    assert res.fun == plain(res.x)
