"""Answers with their certificates: every method, every kind of set and row."""

import pickle

import numpy as np
import pytest
from bilevel_examples import METHODS, QUICK, answer, quadratic, rows

import numopt
from numopt import AffineRows, Bilevel, minimize


@pytest.mark.parametrize("method", ["implicit", "kkt", "lv_hba", "f2sa"])
def test_reaches_the_solution(method):
    res = minimize(quadratic(), method=method, options=QUICK.get(method), rng=0)
    assert res.success
    np.testing.assert_allclose(res.x, answer(), atol=1e-3)
    assert res.certificates["lower_gap"] <= 1e-8


@pytest.mark.parametrize("method", METHODS)
def test_x_moves(method):
    """In the published script of LV-HBA it never does."""
    P = quadratic()
    res = minimize(P, method=method, options={"maxiter": 2, **QUICK.get(method, {})}, rng=0)
    assert np.abs(res.x).max() > 1e-3


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "X",
    [
        numopt.Box(0.0, 0.7),
        numopt.Ball(0.0, 0.8),
        numopt.Simplex(1.0),
        numopt.Affine([[1.0, 1.0, 1.0]], [1.0]),
        numopt.Halfspaces([[1.0, 1.0, 1.0]], [1.0]),
        lambda v: np.clip(v, 0.0, 0.7),
    ],
    ids=["box", "ball", "simplex", "affine", "halfspaces", "callable"],
)
def test_every_set_with_every_method(method, X):
    P = quadratic(X=X)
    if method == "kkt" and callable(X):
        with pytest.raises(numopt.UnsupportedError, match=r"implicit sets.*Methods that can"):
            minimize(P, method=method)
        return
    few = 3 if method in ("f3sa", "bamm") else 30
    res = minimize(P, method=method, options={"maxiter": few, **QUICK.get(method, {})}, rng=0)
    assert res.certificates["feas_X"] <= 1e-6
    reference = minimize(P, method="implicit", tol=1e-8)
    assert reference.success
    np.testing.assert_allclose(res.x, reference.x, atol=0.2 if few == 3 else 2e-2)


def test_described_set_is_compiled_once(monkeypatch):
    cp = pytest.importorskip("cvxpy")
    built = []
    plain = cp.Problem.__init__

    def counted(self, *args, **kwargs):
        built.append(self)
        plain(self, *args, **kwargs)

    monkeypatch.setattr(cp.Problem, "__init__", counted)
    described = numopt.CvxSet(lambda v: [v >= 0, v <= 0.7], 3)
    assert built[0].is_dpp()  # a new parameter value needs no new compilation
    first = len(built)
    res = minimize(quadratic(X=described), method="implicit")
    np.testing.assert_allclose(res.x, answer(0.0, 0.7), atol=1e-3)
    assert res.nit >= 2
    assert len(built) == first


def test_described_lower_set():
    pytest.importorskip("cvxpy")
    Y = numopt.CvxSet(lambda v: [v >= 0, v <= 0.2], 2)
    res = minimize(quadratic(Y=Y), method="f2sa")
    plain = minimize(quadratic(Y=numopt.Box(0.0, 0.2)), method="f2sa")
    assert res.success
    np.testing.assert_allclose(res.x, plain.x, atol=1e-2)


@pytest.mark.parametrize("method", ["kkt", "lv_hba"])
def test_rows_of_both_levels(method):
    res = minimize(rows(), method=method, rng=0)
    assert res.success
    np.testing.assert_allclose([res.x[0], res.y[0]], [1.0, 1.0], atol=1e-6)
    np.testing.assert_allclose(res.multipliers["lower"], [4.0], atol=1e-4)
    assert set(res.certificates) >= {
        *("lower_gap", "lower_solver", "lower_kkt", "feas_G", "feas_g", "feas_X", "feas_Y"),
        *("stationarity", "lower_convex", "unique_lower"),
    }


def test_equation_of_the_lower_level():
    P = Bilevel(
        lambda x, y: (x[0] - 1.0) ** 2 + y[0] ** 2,
        lambda x, y: y[0] ** 2 + y[1] ** 2,
        n=1,
        m=2,
        g=AffineRows([[-1.0]], [[1.0, 1.0]], [0.0]),
        eq=[True],
        autodiff="trace",
    )
    for method in ("kkt", "lv_hba"):
        res = minimize(P, method=method, rng=0)
        assert res.success
        np.testing.assert_allclose(res.x, [0.8], atol=1e-3)
        np.testing.assert_allclose(res.y, [0.4, 0.4], atol=1e-3)


def test_lower_set():
    P = quadratic(Y=numopt.Box(0.0, 0.2))
    found = [minimize(P, method=m, rng=0) for m in ("kkt", "f2sa", "lv_hba")]
    assert all(res.success for res in found)
    best = found[0].fun
    for res in found:
        assert res.certificates["feas_Y"] <= 1e-7
        assert res.fun <= best + 1e-2 * abs(best)


@pytest.mark.parametrize(
    ("given", "method"),
    [
        ({}, "implicit"),
        ({"n_lower": 10}, "f2sa"),
        ({"g": AffineRows(np.zeros((1, 3)), np.ones((1, 2)), [9.0])}, "kkt"),
        ({"Y": lambda v: v}, "f2sa"),
        ({"g": AffineRows(np.zeros((1, 3)), np.ones((1, 2)), [9.0]), "Y": lambda v: v}, "lv_hba"),
    ],
)
def test_auto(given, method):
    P = quadratic(**given)
    assert P.preferred_method() == method
    if method != "f2sa":
        assert minimize(P, method="auto", options={"maxiter": 1}, rng=0).method == method


@pytest.mark.parametrize("method", ["implicit", "f2sa"])
def test_rows_are_refused_by_name(method):
    with pytest.raises(
        numopt.UnsupportedError, match=r"G and g.*Methods that can: (kkt, lv_hba|lv_hba, kkt)"
    ):
        minimize(rows(), method=method)


def test_result_is_plain_data():
    res = minimize(quadratic(), method="implicit")
    again = pickle.loads(pickle.dumps(res))
    np.testing.assert_array_equal(again.y, res.y)
    assert again.certificates == res.certificates
