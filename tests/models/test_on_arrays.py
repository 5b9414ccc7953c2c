"""Objectives that compute with arrays of another library: arrays in, arrays out."""

import sys

import numpy as np
import pytest
from scipy.optimize import NonlinearConstraint

import numopt

METHODS = ("cbo", "zeroth_order")
X0 = np.array([0.7, -0.4])
OPTIONS = {"cbo": {"maxfun": 600}, "zeroth_order": {}}


@pytest.fixture
def strict():
    return pytest.importorskip("array_api_strict")


def run(fun, x0, method, **given):
    options = OPTIONS[method] | given.pop("options", {})
    return numopt.minimize(
        fun, x0, bounds=[(-2, 2)] * 2, method=method, rng=0, options=options, **given
    )


def bowl(x):
    return (x[0] - 0.3) ** 2 + 2.0 * (x[1] + 0.1) ** 2 + 0.1 * x[0] * x[1]


def rows(xp):
    return lambda X: xp.sum((X - 0.3) ** 2, axis=1)


@pytest.mark.parametrize("method", METHODS)
def test_the_same_bits_as_on_numpy(strict, method):
    res, host = run(bowl, strict.asarray(X0), method), run(bowl, X0, method)
    assert type(res.x) is type(strict.asarray(0.0))
    np.testing.assert_array_equal(np.asarray(res.x), host.x)
    assert (res.fun, res.nfev) == (host.fun, host.nfev)


@pytest.mark.parametrize("method", METHODS)
def test_stencils_and_populations_arrive_as_one_array(strict, method):
    shapes = set()

    def fun(X):
        shapes.add(X.shape)
        return rows(strict)(X)

    res = run(fun, strict.asarray(X0), method, vectorized=True)
    assert max(shapes)[0] > 1
    assert res.fun < 1e-10


@pytest.mark.parametrize("method", METHODS)
def test_single_precision_is_kept(strict, method):
    types = set()

    def fun(X):
        types.add(X.dtype)
        return rows(strict)(X)

    x0 = strict.asarray(X0, dtype=strict.float32)
    res = run(fun, x0, method, vectorized=True, options={"maxfun": 200})
    assert types == {strict.float32} == {res.x.dtype}


def test_populations_and_constraints(strict):
    shell = NonlinearConstraint(lambda x: strict.sum(x**2), 0.5, 1.0)
    seen = []
    res = run(
        bowl, strict.asarray(X0), "cbo", constraints=shell, options={"maxfun": 3000},
        callback=lambda intermediate_result: seen.append(intermediate_result.x),
    )  # fmt: skip
    array = type(strict.asarray(0.0))
    assert res.constr_violation <= 1e-6
    assert all(type(v) is array for v in (res.population, res.population_energies, *seen))
    assert 0.5 - 1e-6 <= float(strict.sum(res.x**2)) <= 1.0 + 1e-6


@pytest.mark.parametrize("method", METHODS)
def test_a_library_without_the_methods_of_the_array_api(monkeypatch, method):
    import fake_cupy

    cupy = fake_cupy.module()
    monkeypatch.setitem(sys.modules, "cupy", cupy)

    def fun(x):
        assert isinstance(x, cupy.ndarray)
        return cupy.sum((x - 0.3) * (x - 0.3))

    res = run(fun, cupy.asarray(X0), method)
    assert isinstance(res.x, cupy.ndarray)
    np.testing.assert_allclose(res.x.get(), 0.3, atol=1e-5)


@pytest.mark.gpu
@pytest.mark.parametrize("method", METHODS)
def test_cupy(method):
    cupy = pytest.importorskip("cupy")
    res = run(rows(cupy), cupy.asarray(X0), method, vectorized=True)
    assert isinstance(res.x, cupy.ndarray)
    np.testing.assert_allclose(res.x.get(), 0.3, atol=1e-5)


def test_integers_are_refused(strict):
    with pytest.raises(numopt.InputTypeError, match="`x0` must hold floating-point numbers"):
        run(bowl, strict.asarray([1, 2]), "cbo")


def test_other_methods_still_refuse(strict):
    with pytest.raises(numopt.InputTypeError, match="this needs a NumPy array"):
        numopt.minimize(bowl, strict.asarray(X0), method="sketched_newton")
