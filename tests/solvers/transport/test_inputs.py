"""Masses, forbidden entries, bad input of entropic transport."""

import numpy as np
import pytest
from transport_examples import METHODS, example, masses, plan_of, squares

import numopt
from numopt import PointCloud, Status, Transport, solve
from numopt.models.passes import Point


@pytest.mark.parametrize("method", METHODS)
def test_zero_masses_are_left_out(method):
    a, b, C = masses(8), masses(6), squares(8, 6)
    wide_a, wide_b = np.insert(a, [2, 5], 0.0), np.insert(b, 0, 0.0)
    wide = np.full((10, 7), np.inf)
    where = np.ix_(np.flatnonzero(wide_a), np.flatnonzero(wide_b))
    wide[where] = C
    res = solve(Transport(wide_a, wide_b, wide, eta=40), method=method)
    plain = solve(Transport(a, b, C, eta=40), method=method)
    assert res.success
    np.testing.assert_allclose(plan_of(res)[where], plan_of(plain), atol=1e-12)
    assert plan_of(res).shape == (10, 7)
    assert plan_of(res)[2].sum() == plan_of(res)[:, 0].sum() == 0
    assert res.potentials[0][2] == res.potentials[1][0] == -np.inf
    assert solve(Transport(wide_a, wide_b, wide, eta=40), res.x, method=method).nit <= 1


@pytest.mark.parametrize("method", METHODS)
def test_forbidden_entries(method):
    C = squares(9, 9)
    C[np.triu_indices(9, 2)] = np.inf
    res = solve(Transport(None, None, C, eta=8), method=method)
    assert res.success
    assert np.all(plan_of(res)[np.isinf(C)] == 0)


@pytest.mark.parametrize("method", METHODS)
def test_infeasible_pattern(method):
    C = squares(6, 6)
    C[:3, 2:] = np.inf  # three rows share two columns
    res = solve(Transport(None, None, C, eta=40), method=method, options={"maxiter": 5000})
    assert res.status == Status.INFEASIBLE
    assert not res.success


def test_mass_that_is_not_one():
    p = example()
    res = solve(Transport(7 * p.a, 7 * p.b, p.cost, eta=p.eta))
    assert res.success
    np.testing.assert_allclose(plan_of(res), 7 * plan_of(solve(p)), atol=1e-8)
    assert res.gap <= 1e-7


HALF = [0.5, 0.5]
SQUARE = [[0.0, 1.0], [1.0, 0.0]]


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ((HALF, [0.5, 0.6], SQUARE, 1.0), r"`a` sums to 1.0, `b` to 1.1; .*balance='rescale'"),
        ((HALF, [1.5, -0.5], SQUARE, 1.0), "`b` .*not negative, entry 1 is -0.5"),
        ((HALF, [np.nan, 1.0], SQUARE, 1.0), "`b` must hold finite numbers"),
        (([0.0, 0.0], HALF, SQUARE, 1.0), "`a` must hold some mass"),
        (([1.0], HALF, SQUARE, 1.0), "`a` must have 2 entries"),
        ((HALF, HALF, [[0.0, 1.0], [np.nan, 0.0]], 1.0), r"entry \(1, 0\) is nan"),
        ((HALF, HALF, [[0.0, 1.0], [-2.0, 0.0]], 1.0), r"\(1, 0\) is -2.0; subtract"),
        ((HALF, HALF, [[0.0, 1.0], [-np.inf, 0.0]], 1.0), "is -inf"),
        ((HALF, HALF, [[np.inf, np.inf], [1.0, 0.0]], 1.0), "infeasible: row 0"),
        ((HALF, HALF, [[np.inf, 0.0], [np.inf, 0.0]], 1.0), "infeasible: column 0"),
        ((HALF, HALF, [0.0, 1.0], 1.0), "`cost` must be a matrix"),
        ((HALF, HALF, SQUARE, 0.0), "`reg` must be positive"),
        ((HALF, HALF, SQUARE, None), "either `reg` or `eta`"),
    ],
)
def test_bad_input(arguments, match):
    with pytest.raises(numopt.ProblemError, match=match):
        Transport(*arguments)


def test_bad_points():
    with pytest.raises(numopt.ProblemError, match="as many columns"):
        PointCloud(np.zeros((3, 2)), np.zeros((3, 1)))
    with pytest.raises(numopt.ProblemError, match="`X` must hold finite"):
        PointCloud([[np.inf]], [[0.0]])
    with pytest.raises(numopt.ProblemError, match="`metric` must be one of"):
        PointCloud([[0.0]], [[0.0]], "cosine")
    with pytest.raises(numopt.ProblemError, match="returned shape"):
        Transport(None, None, PointCloud([[0.0]], [[0.0]], lambda X, Y: np.zeros((2, 2))), 1.0)
    with pytest.raises(TypeError, match="real numbers"):
        PointCloud([["a"]], [[0.0]])


def test_rescaling_is_asked_for():
    res = solve(Transport(HALF, [1.0, 1.0], SQUARE, 0.1, balance="rescale"))
    assert res.success
    assert plan_of(res).sum() == pytest.approx(1.0)


def test_single_precision():
    p = example()
    C = p.cost.dense().astype(np.float32)
    single = Transport(p.a, p.b, C, eta=p.eta)
    with pytest.raises(numopt.OptionError, match=r"`tol` 1.0e-09 is below .*float32"):
        solve(single)
    res = solve(single, tol=1e-4)
    assert res.success
    assert res.x.dtype == np.float32
    fine = solve(Transport(p.a, p.b, C, eta=p.eta, refine=True))
    assert fine.success
    assert fine.x.dtype == np.float64


def test_unreachable_tolerance_ends_honestly():
    res = solve(example(eta=1e5), tol=1e-16)
    assert res.status == Status.SMALL_STEP
    assert not res.success
    assert res.optimality < 1e-9


def test_very_small_regularisation_is_told():
    from scipy.optimize import OptimizeWarning

    with pytest.warns(OptimizeWarning, match=r"range of the cost is 1\.0e\+06") as caught:
        Transport(HALF, HALF, SQUARE, 1e-6)
    assert caught[0].filename == __file__


def test_plot_of_a_plan():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    rng = np.random.default_rng(0)
    X, Y = rng.uniform(size=(2, 8, 2))
    ax = numopt.plot.plan(solve(Transport(None, None, PointCloud(X, Y), eta=300.0)), X, Y)
    assert len(ax.collections[0].get_segments()) >= 8


def test_nothing_is_computed_that_is_not_read():
    res = solve(example())
    assert "plan" in res
    assert "worked out when read" in repr(res)
    assert res.plan is res.plan
    assert "worked out when read" in repr(res)


def test_bound_of_the_dual_value():
    p = example(eta=1200.0)
    res = solve(p)
    assert res.dual <= p.bound(p.eta)


def test_points_have_right_rows_whatever_the_guess():
    p = example(eta=500.0)
    for guess in (np.zeros(40), np.full(40, 1e5), np.full(40, -1e5)):
        point = p.point(p.eta, guess, np.zeros(30))
        np.testing.assert_allclose(p.plan_rows(*point[:3]).sum(axis=1), p.a, rtol=1e-10)
        assert isinstance(point, Point)
