"""Faults that meet a population: undefined particles, exact budgets, lost workers, any engine."""

import os
import signal
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
from cbo_examples import BOX, assert_same, paper, plain, rastrigin, run

import numopt
from numopt import Status
from numopt.solvers.cbo.schedules import Cooling

SETTINGS = {
    "plain": {}, "isotropic": {"noise": "isotropic", "sigma": 1.0, "dt": 0.1},
    "covariance": {"noise": "covariance", "sigma": 1.4, "dt": 0.05},
    "exact": {"noise": "covariance", "update": "exact", "sigma": 2**0.5, "dt": 0.1},
    "adam": {"update": "adam", "lam": 0.1}, "step": {"correction": "step", "inner": 3},
    "smooth": {"correction": "smooth"}, "gradient": {"gradient": 0.1},
    "memory": {"memory": True, "memory_lam": 0.4, "memory_sigma": 1.0},
    "stale": {"batch_size": 5}, "partial": {"batch_size": 5, "batches": "partial"},
    "full": {"batch_size": 5, "batches": "full"}, "polarised": {"kernel_width": 3.0},
    "clusters": {"clusters": 3}, "hopping": {"hopping": True, "sigma": 0.7},
    "jumps": {"jump_rate": 1.0}, "tails": {"tail": 1.7, "sigma": 2.0, "dt": 0.1},
    "reduction": {"reduction": 0.5}, "effective size": {"effective_share": 0.3},
    "schedule": {"schedule": Cooling(5)}, "kicks": {"kicks": 3, "tol": 1e-2},
    "reflect": {"walls": "reflect"}, "mirror": {"walls": "mirror"}, "truncate": {"truncate": 1.0},
    "inner": {"inner": 7}, "hybrid": {"variant": "hybrid"},
}  # fmt: skip


def minimize(fun, setting, **options):
    options = {"variant": "paper"} | SETTINGS[setting] | options
    if options["variant"] == "paper":
        options = {"n_particles": 20} | options
    jac = slope if setting == "gradient" else None
    return numopt.minimize(fun, bounds=BOX, jac=jac, method="cbo", rng=0, options=options)


def slope(x):
    return 2.0 * x + 20.0 * np.pi * np.sin(2.0 * np.pi * x)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("maxfun", [1, 5, 20, 21, 22, 60, 137])
def test_budgets_are_exact_for_all_options(setting, maxfun):
    calls = []

    def fun(x):
        calls.append(x)
        return plain(x)

    res = minimize(fun, setting, maxfun=maxfun)
    assert len(calls) == res.nfev <= maxfun
    assert res.status in (Status.MAX_FUN, Status.CONVERGED)
    assert res.fun == plain(res.x)
    assert np.isfinite(res.x).all()


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_undefined_particles_weigh_nothing(setting, bad):
    def fun(x):
        return bad if x[0] > 1.0 or x[1] < -2.0 else plain(x)

    res = minimize(fun, setting, maxfun=1500)
    assert np.isfinite(res.fun)
    assert res.x[0] <= 1.0
    assert res.x[1] >= -2.0


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_no_finite_value_ends_the_run(setting, bad):
    res = minimize(lambda x: bad, setting)
    assert res.status == Status.NONFINITE
    assert not res.success
    assert np.isfinite(res.x).all()
    assert res.nfev <= 21


@pytest.mark.parametrize("setting", SETTINGS)
def test_same_seed_same_bits(setting):
    one, two, other = (
        numopt.minimize(
            plain, bounds=BOX, method="cbo", rng=rng, jac=slope if setting == "gradient" else None,
            options={"variant": "paper"} | SETTINGS[setting] | {"maxfun": 400},
        )
        for rng in (5, 5, 6)
    )  # fmt: skip
    assert_same(one, two)
    assert not np.array_equal(one.x, other.x)


@pytest.mark.parametrize("variant", ["hybrid", "paper"])
def test_minus_infinity_ends_the_run_at_that_particle(variant):
    res = run(lambda x: -np.inf if x[0] > 2.0 else plain(x), variant=variant)
    assert res.status == Status.UNBOUNDED
    assert not res.success


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_an_ensemble_of_the_user_must_be_finite(bad):
    X = np.ones((5, 3))
    X[2, 1] = bad
    with pytest.raises(numopt.OptionError, match="`ensemble` must hold two finite particles"):
        paper(ensemble=X)


def test_an_ensemble_needs_two_particles():
    with pytest.raises(numopt.OptionError, match="`ensemble` must hold two finite particles"):
        paper(ensemble=np.ones((1, 3)))


@pytest.mark.parametrize(
    "options",
    [
        {"sigma": 1e200}, {"noise": "isotropic", "sigma": 1e200}, {"kicks": 9, "kick": 1e308},
        {"noise": "covariance", "sigma": 1e150}, {"hopping": True, "sigma": 1e308},
        {"tail": 1.0, "sigma": 1e3}, {"jump_rate": 1e3, "sigma": 1e100}, {"radius": 1e308},
        {"memory": True, "memory_lam": 1.0, "sigma": 1e100}, {"update": "adam", "lam": 1e300},
    ],
)  # fmt: skip
@pytest.mark.parametrize("fun", [lambda x: 1.0 / (1.0 + x @ x), rastrigin], ids=["far", "near"])
def test_particles_without_bounds_stay_finite(options, fun):
    """However strong the noise, and also where the lowest value is at infinity."""
    options = {"variant": "paper", "maxiter": 30, "n_particles": 10} | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", numopt.ConvergenceWarning)
        res = numopt.minimize(fun, np.ones(3), method="cbo", rng=0, options=options)
    assert np.isfinite(res.population).all()
    assert np.isfinite(res.x).all()
    assert not res.success


@pytest.mark.parametrize("variant", ["hybrid", "paper"])
def test_an_error_leaves_the_best_point_of_an_unfinished_step(variant):
    values = []

    def fun(x):
        if len(values) == 130:
            raise RuntimeError("enough")
        values.append(plain(x))
        return values[-1]

    with pytest.raises(RuntimeError, match="enough") as info:
        run(fun, variant=variant)
    assert info.value.numopt_result.fun == min(values)
    assert info.value.numopt_result.nfev == 131


@pytest.mark.parametrize("variant", ["hybrid", "paper"])
def test_twenty_errors_in_a_row_end_the_run(variant):
    calls = []

    def fun(x):
        calls.append(1)
        if len(calls) > 40:
            raise ValueError("no more")
        return plain(x)

    with pytest.warns(RuntimeWarning, match="no more"):
        res = run(fun, variant=variant, on_error="nan")
    assert res.status == Status.NONFINITE
    assert len(calls) == res.nfev == 60
    assert np.isfinite(res.fun)


@pytest.mark.parametrize("variant", ["hybrid", "paper"])
def test_an_interruption_leaves_the_best_point(variant):
    values = []

    def fun(x):
        if len(values) == 130:
            raise KeyboardInterrupt
        values.append(plain(x))
        return values[-1]

    res = run(fun, variant=variant, on_interrupt="return")
    assert res.status == Status.INTERRUPTED
    assert res.fun == min(values)


# -- engines --------------------------------------------------------------------------------------


def rows(X):
    return np.array([plain(x) for x in X])


def on(workers=None, fun=plain, variant="paper", **given):
    options = {"variant": variant, "maxfun": 250}
    return numopt.minimize(
        fun, bounds=BOX, method="cbo", rng=7, options=options, workers=workers, **given
    )


@pytest.mark.parametrize("variant", ["hybrid", "paper"])
def test_engines_give_the_same_bits(variant):
    serial = on(variant=variant)
    assert_same(serial, on(fun=rows, variant=variant, vectorized=True))
    assert_same(serial, on(fun=rastrigin, variant=variant))
    assert_same(serial, on(map, variant=variant))
    assert_same(serial, on(1, variant=variant))
    for threads in (1, 3):
        with ThreadPoolExecutor(threads) as pool:
            assert_same(serial, on(pool, variant=variant))


@pytest.mark.parametrize("variant", ["hybrid", "paper"])
def test_processes_give_the_same_bits(variant):
    assert_same(on(variant=variant), on(2, variant=variant))


@pytest.mark.parametrize("variant", ["hybrid", "paper"])
def test_a_cluster_gives_the_same_bits(variant, client):
    assert_same(on(variant=variant), on(client, variant=variant))


def once(x, folder):
    """A process that evaluates a certain region for the first time is killed."""
    mark = folder / "killed"
    if x[0] > 5.2 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(x)


def always(x):
    if x[0] > 5.2:  # one of the first particles
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(x)


def test_a_worker_killed_once_changes_nothing(tmp_path):
    res = on(2, partial(once, folder=tmp_path))
    assert (tmp_path / "killed").exists()
    assert_same(on(), res)


def test_a_worker_that_is_killed_each_time():
    with pytest.raises(numopt.WorkerError, match="killed its worker process twice") as info:
        on(2, always)
    assert np.isfinite(info.value.numopt_result.x).all()


def test_a_worker_of_a_cluster_killed_once_changes_nothing(tmp_path, client):
    res = on(client, partial(once, folder=tmp_path))
    assert (tmp_path / "killed").exists()
    assert_same(on(), res)


def test_a_worker_of_a_cluster_that_is_killed_each_time(client):
    with pytest.raises(numopt.WorkerError, match="killed its Dask worker") as info:
        on(client, always)
    assert np.isfinite(info.value.numopt_result.x).all()


def picky(x):
    if x[0] > 5.0:
        raise RuntimeError("on the cluster")
    return plain(x)


def test_an_objective_that_raises_on_a_cluster(client):
    with pytest.raises(RuntimeError, match="on the cluster") as info:
        on(client, picky)
    assert np.isfinite(info.value.numopt_result.x).all()
