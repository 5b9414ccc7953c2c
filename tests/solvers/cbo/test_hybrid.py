"""The hybrid search: what it finds, bounds, budgets."""

import numpy as np
import pytest
from cbo_examples import BOX, assert_same, plain, rastrigin, run, scaled_sphere
from numba import njit

import numopt
from numopt import Status
from numopt.problems.landscapes import FAMILIES, HELD_OUT, NAMES, landscape, landscapes


@pytest.mark.parametrize("d", [1, 2, 5])
def test_finds_the_global_minimum(d):
    res = run(rastrigin, [(-4.0, 6.0)] * d)
    assert res.success
    assert res.status == Status.CONVERGED
    assert res.certificate is None
    np.testing.assert_allclose(res.x, 0.0, atol=1e-6)
    assert sum(res.arms.values()) == res.nfev - 2  # the start point and the confirmation


def test_compiled_and_plain_objectives_give_the_same_bits():
    assert_same(run(rastrigin), run(plain))


def test_compiled_objective_with_arguments():
    centre = np.array([1.0, 2.0])
    given = {"bounds": [(-5, 5)] * 2, "method": "cbo", "rng": 1}
    compiled = numopt.minimize(scaled_sphere, args=(centre, 3.0), **given)
    assert_same(compiled, numopt.minimize(scaled_sphere.py_func, args=(centre, 3.0), **given))
    np.testing.assert_allclose(compiled.x, centre, atol=1e-7)


def test_compiled_objective_that_raises():
    @njit
    def broken(x):
        if x[0] > 5.0:
            raise ValueError("too far")
        return x[0] ** 2

    with pytest.raises(ValueError, match="too far") as info:
        run(broken)
    assert np.isfinite(info.value.numopt_result.x).all()


@pytest.mark.parametrize("arm", ["swarm", "hop", "covariance"])
def test_each_arm_alone(arm):
    res = run(rastrigin, arms=[arm], maxfun=40000, target=1e-6)
    assert res.status == Status.TARGET
    others = [calls for name, calls in res.arms.items() if name not in (arm, "swarm")]
    assert not any(others)


def test_shares_are_kept():
    res = run(rastrigin, [(-4.0, 6.0)] * 5, arms=("hop", "covariance"), shares=(3, 1), maxfun=40000)
    assert res.arms["hop"] / res.arms["covariance"] == pytest.approx(3, rel=0.3)


def test_every_family_in_two_variables():
    solved = [
        numopt.minimize(
            f.fun, args=(f.parameters,), bounds=f.bounds, method="cbo", rng=7,
            options={"maxfun": 20000, "target": 1e-4},
        ).success
        for f in landscapes(2, 7, NAMES)
    ]  # fmt: skip
    assert len(solved) == 2 * (len(FAMILIES) + len(HELD_OUT)) - 2
    assert np.mean(solved) > 0.95


def test_last_digits_by_central_differences():
    f = landscape("rosenbrock", 5, rng=3, rotated=True)
    res = numopt.minimize(f.fun, args=(f.parameters,), bounds=f.bounds, method="cbo", rng=0)
    np.testing.assert_allclose(res.x, f.x, atol=1e-6)


def test_bounds_are_respected_and_active():
    seen = []

    def fun(x):
        seen.append(x.copy())
        return float(np.sum((x + 10.0) ** 2))

    res = run(fun, maxfun=2000)
    assert np.min(seen) >= -4.0
    assert np.max(seen) <= 6.0
    np.testing.assert_array_equal(res.x, -4.0)


def test_missing_bounds_are_replaced_by_the_scale_of_x0():
    bounds = [(None, None), (0.0, None), (None, 3.0)]
    target = np.array([7.0, 0.0, 3.0])
    given = {"bounds": bounds, "method": "cbo", "rng": 0}
    res = numopt.minimize(lambda x: np.sum((x - target) ** 2), [1.0, 2.0, -1.0], **given)
    assert res.success
    np.testing.assert_allclose(res.x, target, atol=1e-6)


def test_fixed_variables():
    bounds = [(-4, 6), (2.5, 2.5), (-4, 6)]
    res = run(bounds=bounds)
    assert res.x[1] == 2.5
    np.testing.assert_allclose(res.x[::2], 0.0, atol=1e-6)
    point = run(bounds=[(1.0, 1.0)] * 2)
    assert point.success
    assert point.nfev <= 2


def test_start_point_is_drawn_from_the_box():
    starts = []

    def fun(x):
        starts.append(x[0])
        return plain(x)

    for rng in range(3):
        starts.clear()
        numopt.minimize(fun, bounds=BOX, method="cbo", rng=rng, options={"maxfun": 1})
        assert -4.0 < starts[0] < 6.0
        assert starts[0] != 1.0


@pytest.mark.parametrize("bounds", [None, [(0, None)] * 2, [(-np.inf, 1)] * 2, []])
def test_missing_x0_needs_a_finite_box(bounds):
    with pytest.raises(numopt.InputTypeError, match="`x0` may be missing only where `bounds`"):
        numopt.minimize(plain, bounds=bounds, method="cbo")


def test_other_methods_still_need_x0():
    with pytest.raises(numopt.InputTypeError, match="`x0` is needed"):
        numopt.minimize(plain, bounds=BOX)


@pytest.mark.parametrize("maxfun", [1, 2, 7, 20, 21, 22, 333])
@pytest.mark.parametrize("variant", ["hybrid", "paper"])
@pytest.mark.parametrize("fun", [plain, rastrigin])
def test_budget_is_exact_even_below_the_population(maxfun, variant, fun):
    calls = []

    def counted(x):
        calls.append(1)
        return plain(x)

    res = run(counted if fun is plain else fun, variant=variant, maxfun=maxfun)
    assert res.nfev <= maxfun
    assert fun is rastrigin or res.nfev == len(calls)
    assert res.status in (Status.MAX_FUN, Status.CONVERGED)
    assert np.isfinite(res.fun)
    assert res.fun == plain(res.x)


def test_scale_and_shift_of_the_objective():
    for factor, shift in ((1e-6, 0.0), (1e6, 0.0), (1.0, 1e4)):
        res = run(lambda x, a=factor, b=shift: a * plain(x) + b, maxfun=8000)
        np.testing.assert_allclose(res.x, 0.0, atol=1e-3)
