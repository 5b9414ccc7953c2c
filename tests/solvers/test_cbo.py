"""Consensus-based optimisation: the dynamics, the hybrid search, evaluation everywhere, faults."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numba import njit

import numopt
from numopt import Status
from numopt.problems.landscapes import FAMILIES, HELD_OUT, NAMES, landscape, landscapes
from numopt.solvers.cbo import CBO
from numopt.solvers.cbo.plain import _own_consensus

BOX = [(-4.0, 6.0)] * 3


@njit
def rastrigin(x):
    total = 0.0
    for v in x:
        total += v * v + 10.0 - 10.0 * np.cos(2.0 * np.pi * v)
    return total


@njit
def scaled_sphere(x, centre, factor):
    total = 0.0
    for j in range(x.size):
        total += factor * (x[j] - centre[j]) ** 2
    return total


plain = rastrigin.py_func


def run(fun=plain, bounds=BOX, rng=0, **options):
    return numopt.minimize(fun, bounds=bounds, method="cbo", rng=rng, options=options)


def paper(fun=plain, bounds=BOX, rng=0, **options):
    return run(fun, bounds, rng, variant="paper", **options)


def assert_same(one, two):
    np.testing.assert_array_equal(one.x, two.x)
    assert (one.fun, one.nfev, one.nit) == (two.fun, two.nfev, two.nit)


# -- the hybrid search -----------------------------------------------------------------------------


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


# -- where it is evaluated -------------------------------------------------------------------------


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


def deadly(x):
    if x[0] > 5.0:
        os.kill(os.getpid(), signal.SIGKILL)
    return square(x)


def test_a_killed_worker():
    with pytest.raises(numopt.WorkerError, match="killed its worker process twice") as info:
        numopt.minimize(deadly, [0.0] * 3, bounds=BOX, method="cbo", rng=0, workers=2)
    assert np.isfinite(info.value.numopt_result.fun)


# -- bad values ------------------------------------------------------------------------------------


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


def test_the_best_point_survives_an_exception():
    low = [np.inf]

    def fun(x):
        if len(low) == 150:
            raise RuntimeError("enough")
        low.append(plain(x))
        return low[-1]

    with pytest.raises(RuntimeError, match="enough") as info:
        run(fun)
    assert info.value.numopt_result.fun == min(low)


def test_time_limit_keeps_the_best_point():
    res = run(maxtime=0.05, maxfun=10**7)
    assert res.status == Status.MAX_TIME
    assert res.fun == plain(res.x)


# -- the published dynamics ------------------------------------------------------------------------

SETTINGS = {
    "anisotropic": {},
    "isotropic": {"noise": "isotropic", "sigma": 1.0, "dt": 0.1},
    "covariance": {"noise": "covariance", "sigma": 1.4, "dt": 0.05},
    "memory": {"memory": True, "memory_lam": 0.4},
    "batches": {"batch_size": 20},
    "hopping": {"hopping": True, "sigma": 0.7, "sigma_factor": 0.98},
    "jumps": {"jump_rate": 1.0},
    "effective size": {"effective_share": 0.3},
    "truncated": {"truncate": 1.0},
    "constant alpha": {"alpha": 1e4, "alpha_factor": 1.0},
}


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_variants_reach_consensus_at_the_minimum(setting):
    res = paper(tol=1e-4, n_particles=100, rng=1, **setting)
    assert res.success
    assert res.optimality <= 1e-4
    np.testing.assert_allclose(res.x, 0.0, atol=0.05)
    assert res.population.shape == (100, 3)


@pytest.mark.parametrize("inner", [1, 7])
def test_fused_steps_give_the_same_bits(inner):
    one, two = paper(rastrigin, inner=inner), paper(plain, inner=inner)
    assert_same(one, two)
    np.testing.assert_array_equal(one.population, two.population)


def test_polarised_particles_find_several_minimisers():
    def wells(x):
        return min(np.sum((x - 3.0) ** 2), np.sum((x + 3.0) ** 2))

    options = {"kernel_width": 3.0, "sigma": 2.0, "alpha": 100.0, "alpha_factor": 1.0}
    res = paper(wells, [(-5, 5)] * 2, maxiter=300, n_particles=60, **options)
    near = [np.sum(np.abs(res.population - w).max(axis=1) < 0.3) for w in (3.0, -3.0)]
    assert min(near) >= 10
    assert res.fun == wells(res.x)


def test_sphere():
    top = np.array([0.0, 0.6, 0.8])
    options = {"variant": "paper", "surface": "sphere", "sigma": 1.0, "dt": 0.05, "tol": 1e-3}
    options |= {"n_particles": 400, "alpha": 1e4}
    res = numopt.minimize(
        lambda x: np.sum((x - top) ** 2), np.ones(3), method="cbo", rng=0, options=options
    )
    np.testing.assert_allclose(np.linalg.norm(res.population, axis=1), 1.0)
    np.testing.assert_allclose(res.x, top, atol=0.05)
    with pytest.raises(numopt.UnsupportedError, match="a surface excludes bounds"):
        paper(surface="sphere")


def test_an_ensemble_of_the_user():
    X = np.random.default_rng(0).uniform(-4, 6, (30, 3))
    res = paper(ensemble=X, maxiter=0)
    np.testing.assert_array_equal(res.population, X)
    with pytest.raises(numopt.OptionError, match=r"`ensemble` must have shape \(N, 3\)"):
        paper(ensemble=X[:, :2])


@pytest.mark.parametrize(
    ("sigma", "dt", "factor"), [(1.0, 0.1, -0.187), (8.1, 0.01, -0.253), (5.1, 0.1, -0.010)]
)
def test_contraction_of_a_particle(sigma, dt, factor):
    """E log |1 - lam dt + sigma sqrt(dt) z| for a fixed consensus point."""
    from numopt.kernels.ensemble import ANISOTROPIC, move

    X, c, out = np.ones((40_000, 1)), np.zeros((1, 1)), np.full(1, np.inf)
    rng, rows = np.random.default_rng(0), np.arange(40_000)
    move(rng, rows, X, c, dt, sigma * np.sqrt(dt), ANISOTROPIC, np.inf, -out, out)
    assert np.mean(np.log(np.abs(X))) == pytest.approx(factor, abs=0.02)


def test_an_expanding_ensemble_is_told():
    with pytest.warns(numopt.ConvergenceWarning, match="lower `sigma` or `dt`"):
        paper(sigma=60.0, maxiter=1)


def test_own_consensus_of_a_wide_kernel_is_the_common_one():
    rng = np.random.default_rng(0)
    X, f = rng.standard_normal((9, 2)), rng.standard_normal(9)
    w = np.exp(-2.0 * (f - f.min()))
    np.testing.assert_allclose(_own_consensus(X, f, 2.0, 1e9)[4], w @ X / w.sum())


def test_first_claim_of_the_paper_success_grows_with_the_ensemble():
    """Rastrigin in d = 4 from N(2, 4^2 I): success means f(c) < 0.8 (Riedl et al., 2023)."""
    options = {"sigma": 1.6**0.5, "alpha": 1000.0, "alpha_factor": 1.0, "radius": 4.0}
    options |= {"maxiter": 400, "dt": 0.02, "variant": "paper", "inner": 20}

    def share(n):
        given = options | {"n_particles": n}
        runs = (
            numopt.minimize(rastrigin, np.full(4, 2.0), method="cbo", rng=s, options=given).fun
            for s in range(20)
        )
        return np.mean([fun < 0.8 for fun in runs])

    assert share(400) > share(20) + 0.2


# -- options ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("arms", ()), ("arms", ("swarms",)), ("arms", ("hop", "hop")), ("arms", "hop"),
        ("shares", (1, 2)), ("shares", (1, 2, -1)), ("shares", (1, 2, "x")), ("patience", 0),
        ("n_particles", 1), ("n_particles", -3), ("noise", "cauchy"), ("dt", 0), ("lam", -1),
        ("sigma", -1), ("alpha", -1), ("alpha_factor", 0), ("effective_share", 1.5),
        ("sigma_factor", 0), ("truncate", 0), ("batch_size", -1), ("kernel_width", -1),
        ("jump_rate", -1), ("surface", "torus"), ("inner", 0), ("radius", -1), ("ftol", 0),
        ("variant", "fast"), ("memory_lam", -1), ("memory", "yes"),
    ],
)  # fmt: skip
def test_bad_options(option, value):
    with pytest.raises(numopt.OptionError, match=f"`{option}` must"):
        CBO(**{option: value})


def test_constraints_are_refused():
    given = {"type": "ineq", "fun": lambda x: x[0]}
    with pytest.raises(numopt.UnsupportedError, match=r"cbo.*cannot handle ineq"):
        numopt.minimize(plain, [1.0], method="cbo", constraints=given)
