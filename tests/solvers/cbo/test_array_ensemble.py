"""The published dynamics with an ensemble of another array library."""

import pickle
import sys

import numpy as np
import pytest
from cbo_examples import BOX

import numopt
from numopt import Status

X0 = np.array([1.0, 2.0, -1.0])
SETTINGS = {
    "anisotropic": {},
    "isotropic": {"noise": "isotropic", "sigma": 1.0, "dt": 0.1},
    "covariance": {"noise": "covariance", "sigma": 1.4, "dt": 0.05},
    "memory": {"memory": True, "memory_lam": 0.4},
    "hopping": {"hopping": True, "sigma": 0.7, "sigma_factor": 0.98},
    "effective size": {"effective_share": 0.3},
    "truncated": {"truncate": 1.0},
    "normal start": {"radius": 2.0},
    "best particle": {"alpha": np.inf},
    "several steps": {"inner": 3},
}


@pytest.fixture
def strict():
    return pytest.importorskip("array_api_strict")


@pytest.fixture
def cupy(monkeypatch):
    import fake_cupy

    module = fake_cupy.module()
    monkeypatch.setitem(sys.modules, "cupy", module)
    return module


def rastrigin(xp):
    return lambda X: xp.sum(X * X - 10.0 * xp.cos(2.0 * np.pi * X) + 10.0, axis=1)


def run(fun, x0=X0, rng=1, vectorized=True, workers=None, bounds=BOX, callback=None, **options):
    options = {"variant": "paper", "n_particles": 60} | options
    return numopt.minimize(
        fun, x0, bounds=bounds, method="cbo", rng=rng, options=options, vectorized=vectorized,
        workers=workers, callback=callback,
    )  # fmt: skip


def host(array):
    return array.get() if hasattr(array, "get") else np.asarray(array)


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_the_path_is_that_of_numpy(strict, setting):
    """Sums are in another order; after some steps the difference grows, as in any such system."""
    there = run(rastrigin(strict), strict.asarray(X0), maxiter=12, **setting)
    here = run(rastrigin(np), maxiter=12, **setting)
    assert type(there.x) is type(there.population) is type(there.population_energies)
    assert type(there.x) is type(strict.asarray(0.0))
    np.testing.assert_allclose(host(there.population), here.population, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(host(there.x), here.x, rtol=1e-6, atol=1e-9)
    assert there.optimality == pytest.approx(here.optimality, rel=1e-6)
    assert (there.nfev, there.nit) == (here.nfev, here.nit)
    assert "host" not in there.message


@pytest.mark.parametrize("setting", ["anisotropic", "isotropic", "memory"])
def test_consensus_at_the_minimum(strict, setting):
    x0 = strict.asarray(X0)
    res = run(rastrigin(strict), x0, tol=1e-4, n_particles=100, **SETTINGS[setting])
    assert res.success
    np.testing.assert_allclose(host(res.x), 0.0, atol=0.05)
    assert res.fun == float(rastrigin(strict)(res.x[None, :])[0])


def test_random_numbers_and_ensemble_stay_on_the_device(cupy, monkeypatch):
    sizes = []
    get = cupy.ndarray.get

    def counted(array):
        sizes.append(array.size)
        return get(array)

    def fun(X):
        assert isinstance(X, cupy.ndarray)
        return rastrigin(cupy)(X)

    x0 = cupy.asarray(X0)
    monkeypatch.setattr(cupy.ndarray, "get", counted)
    res = run(fun, x0, maxiter=10, inner=4, memory=True)
    steps = sizes[sizes.index(60) + 1 :]  # after the values of the first ensemble
    assert steps
    assert max(steps) <= X0.size + 1
    assert isinstance(res.population, cupy.ndarray)


def test_a_seed_is_a_run_where_the_library_draws(cupy):
    one, two, other = (run(rastrigin(cupy), cupy.asarray(X0), rng=r, tol=1e-3) for r in (1, 1, 2))
    assert one.success
    np.testing.assert_array_equal(one.population.get(), two.population.get())
    assert (one.population.get() != other.population.get()).all()
    assert (one.population.get() != run(rastrigin(np), tol=1e-3).population).all()


@pytest.mark.gpu
@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_cupy(setting):
    cupy = pytest.importorskip("cupy")
    res = run(rastrigin(cupy), cupy.asarray(X0), tol=1e-4, n_particles=200, **setting)
    assert isinstance(res.x, cupy.ndarray)
    assert isinstance(res.population, cupy.ndarray)
    assert res.fun < 1.5


def test_single_precision_is_kept(strict):
    types = set()

    def fun(X):
        types.add(X.dtype)
        return rastrigin(strict)(X)

    res = run(fun, strict.asarray(X0, dtype=strict.float32), tol=1e-3)
    assert types == {strict.float32} == {res.x.dtype} == {res.population.dtype}
    np.testing.assert_allclose(host(res.x), 0.0, atol=0.05)


def test_the_library_of_the_ensemble_is_that_of_the_objective(strict):
    X = np.random.default_rng(0).uniform(-4, 6, (30, 3))
    for x0 in (None, [0.0, 0.0, 0.0]):
        res = run(rastrigin(strict), x0, ensemble=strict.asarray(X), maxiter=0)
        assert type(res.x) is type(strict.asarray(0.0))
        np.testing.assert_array_equal(host(res.population), X)
    res = run(rastrigin(strict), strict.asarray(X0), ensemble=X, maxiter=0)  # moved there
    np.testing.assert_array_equal(host(res.population), X)
    res = run(rastrigin(strict), ensemble=strict.asarray(X), x0=None, maxiter=2, batch_size=5)
    assert "on the host because of batch_size" in res.message


def test_constraints_and_polishing_bring_the_ensemble_to_the_host(strict):
    def fun(x):
        return strict.sum(x * x)

    row = numopt.models.callable_nlp.NonlinearRows(fun, 1.0, 2.0)
    given = {"method": "cbo", "rng": 0, "options": {"variant": "paper", "maxfun": 200}}
    res = numopt.minimize(fun, strict.asarray(X0), constraints=row, **given)
    assert "moved on the host because of constraints" in res.message
    given["options"]["polish"] = "sketched_newton"
    res = numopt.minimize(fun, strict.asarray(X0), **given)
    assert "moved on the host because of polish" in res.message
    assert type(res.x) is type(strict.asarray(0.0))


def test_an_ensemble_that_does_not_fit(strict):
    with pytest.raises(numopt.OptionError, match=r"`ensemble` must have shape \(N, 3\)"):
        run(rastrigin(strict), strict.asarray(X0), ensemble=strict.zeros((5, 2)))
    with pytest.raises(numopt.InputTypeError, match="mixed"):
        run(rastrigin(np), X0, ensemble=strict.zeros((5, 3)))
    with pytest.raises(numopt.InputTypeError, match="floating-point"):
        run(rastrigin(np), None, ensemble=strict.zeros((5, 3), dtype=strict.int64))
    problem = numopt.models.callable_nlp.CallableNLP(lambda x: x @ x, X0)
    with pytest.raises(numopt.InputTypeError, match="functions take those of NumPy"):
        numopt.solve(problem, method="cbo", options={"ensemble": strict.zeros((5, 3))})


def test_columns(strict):
    def fun(X):
        assert X.shape[0] == 3
        return strict.sum(X * X, axis=0)

    rows, columns = (
        run(f, strict.asarray(X0), vectorized=v, maxiter=9)
        for f, v in ((lambda X: strict.sum(X * X, axis=1), True), (fun, "columns"))
    )
    np.testing.assert_array_equal(host(rows.x), host(columns.x))


@pytest.mark.parametrize("workers", [None, map])
def test_points_one_by_one(strict, workers):
    def fun(x):
        assert x.shape == (3,)
        return strict.sum(x * x)

    one = run(fun, strict.asarray(X0), vectorized=False, workers=workers, maxiter=9)
    all_at_once = run(lambda X: strict.sum(X * X, axis=1), strict.asarray(X0), maxiter=9)
    np.testing.assert_array_equal(host(one.x), host(all_at_once.x))
    assert one.nfev == all_at_once.nfev


def test_a_run_goes_on_bit_for_bit(strict):
    def problem():
        return numopt.scipy_like.nlp_from_scipy(
            rastrigin(strict), strict.asarray(X0), bounds=BOX, vectorized=True, arrays=True
        )

    options = {"variant": "paper", "inner": 2, "memory": True}
    whole = numopt.solve(problem(), method="cbo", rng=0, options=options | {"maxiter": 9})
    part = numopt.solve(problem(), method="cbo", rng=0, options=options | {"maxiter": 4})
    state = pickle.loads(pickle.dumps(part.state))
    rest = numopt.solve(problem(), method="cbo", state=state, options=options | {"maxiter": 9})
    np.testing.assert_array_equal(host(rest.population), host(whole.population))
    np.testing.assert_array_equal(host(rest.x), host(whole.x))


@pytest.mark.parametrize("maxfun", [1, 7, 60, 61, 62, 150, 333])
def test_budget_is_exact(strict, maxfun):
    made = []

    def fun(X):
        made.append(X.shape[0])
        return rastrigin(strict)(X)

    res = run(fun, strict.asarray(X0), maxfun=maxfun)
    assert sum(made) == res.nfev == maxfun
    assert res.status == Status.MAX_FUN
    assert res.fun == float(rastrigin(strict)(res.x[None, :])[0])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_region_without_values_is_left(strict, bad):
    def fun(X):
        return strict.where(X[:, 0] > 1.0, bad, rastrigin(strict)(X))

    res = run(fun, strict.asarray(X0), tol=1e-4, memory=True)
    assert float(res.x[0]) <= 1.0
    assert res.fun < 1e-3


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_no_finite_value_at_all(strict, bad):
    res = run(lambda X: strict.full(X.shape[0], bad), strict.asarray(X0))
    assert res.status == Status.NONFINITE
    assert not res.success
    assert res.nfev == 60


def test_exceptions_as_nan(strict):
    made = []

    def fun(X):
        made.append(X.shape[0])
        if len(made) == 3:
            raise ArithmeticError("no value here")
        return rastrigin(strict)(X)

    with pytest.warns(RuntimeWarning, match="no value here"):
        res = run(fun, strict.asarray(X0), maxiter=5, on_error="nan")
    assert np.isfinite(res.fun)


def test_values_that_do_not_fit(strict):
    x0 = strict.asarray(X0)
    with pytest.raises(numopt.ProblemError, match=r"returned shape \(60, 3\), expected shape"):
        run(lambda X: X, x0)
    with pytest.raises(numopt.InputTypeError, match=r"returned dtype .*bool, expected real"):
        run(lambda X: X[:, 0] > 0.0, x0)
    with pytest.raises(numopt.InputTypeError, match="objective returned NoneType"):
        run(lambda X: None, x0)


def test_values_of_numpy_and_integers_will_do(strict):
    x0 = strict.asarray(X0)
    here = run(lambda X: np.sum(host(X) ** 2, axis=1), x0, maxiter=3)
    there = run(lambda X: strict.sum(X**2, axis=1), x0, maxiter=3)
    np.testing.assert_allclose(host(here.x), host(there.x))
    steps = run(lambda X: strict.astype(strict.sum(X, axis=1), strict.int64), x0, maxiter=3)
    assert steps.fun == int(steps.fun)


def test_an_objective_may_overwrite_its_points(strict):
    def fun(X):
        f = strict.sum(X * X, axis=1)
        X[:, :] = 0.0
        return f

    res = run(fun, strict.asarray(X0), maxiter=3)
    assert (host(res.population) != 0.0).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_particles_without_bounds_stay_finite(strict, dtype):
    x0 = strict.asarray(X0, dtype=getattr(strict, dtype))
    with pytest.warns(numopt.ConvergenceWarning, match="spread"):
        res = run(
            lambda X: 1.0 / (1.0 + strict.sum(X * X, axis=1)), x0, bounds=None, sigma=40.0,
            maxiter=300,
        )  # fmt: skip
    assert not res.success
    assert np.isfinite(host(res.x)).all()
    assert np.isfinite(host(res.population)).all()
