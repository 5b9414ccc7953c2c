"""Descent from rankings and comparisons."""

import numpy as np
import pytest
from zeroth_order_examples import rosenbrock, run, square

import numopt
from numopt import Status
from numopt.solvers.zeroth_order import ranking


def same_path(one, two):
    np.testing.assert_array_equal(one.x, two.x)
    assert (one.nit, one.nfev) == (two.nit, two.nfev)


@pytest.mark.parametrize("transform", [np.exp, np.arctan, lambda f: f**3, lambda f: 7 * f - 3])
def test_increasing_transforms_change_nothing(transform):
    options = {"variant": "ranking", "maxfun": 600}
    plain = run(square, np.ones(4), **options)
    same_path(plain, run(lambda x: float(transform(square(x))), np.ones(4), **options))


def test_values_comparisons_and_rankings_take_the_same_path():
    def better(x, y):
        return bool(square(x) < square(y))

    def rank(X, k):
        return np.argsort([square(x) for x in X], kind="stable")[:k]

    x0, options = np.ones(3), {"maxiter": 30}
    by_rank = numopt.solve(numopt.Preference(x0, rank=rank), rng=0, options=options)
    by_pairs = numopt.solve(numopt.Preference(x0, compare=better), rng=0, options=options)
    by_values = run(square, x0, variant="ranking", **options)
    np.testing.assert_array_equal(by_rank.x, by_pairs.x)
    np.testing.assert_array_equal(by_rank.x, by_values.x)


@pytest.mark.parametrize("best", [1, 3, 0])
def test_few_ranked_points_are_enough(best):
    """People name the best one to three of some."""
    res = run(square, np.ones(4), variant="ranking", samples=8, best=best, maxfun=20_000)
    assert res.success
    found = run(square, np.ones(4))
    np.testing.assert_allclose(res.x, found.x, atol=1e-4)


def test_rosenbrock_by_rankings():
    res = run(rosenbrock, np.array([-1.2, 1.0]), variant="ranking", maxiter=10_000)
    assert res.success
    np.testing.assert_allclose(res.x, 1.0, atol=1e-3)


def test_a_constant_radius_as_published():
    res = run(square, np.ones(4), variant="ranking", shrink=1.0, radius=0.01, maxiter=200)
    assert res.status == Status.MAX_ITER
    assert res.optimality == 1.0
    assert res.fun < square(run(square, np.ones(4)).x) + 1e-2


def test_two_points_a_round():
    res = run(square, np.ones(2), variant="ranking", samples=2, maxfun=20_000)
    assert res.fun < square(run(square, np.ones(2)).x) + 1e-4


def test_success_needs_a_look_around():
    """A small radius is no success where a neighbour along a coordinate is better."""
    problem = numopt.Preference([1.0, 1.0], compare=lambda x, y: bool(square(x) < square(y)))
    for x, measure in (([1.0, 1.0], np.inf), ([0.475, 0.475], 1e-7)):
        it = numopt.Iterate(np.array(x), 1e-7, 1e-7, 0.0, {}, lambda: {"radius": 0.1})
        assert ranking.verify(numopt.ZerothOrder(), problem, it)[1] == measure


def test_preference_within_bounds():
    shown = []

    def rank(X, k):
        shown.extend(X)
        return np.argsort(((X + 1.0) ** 2).sum(axis=1))[:k]

    res = numopt.solve(numopt.Preference([0.5, 0.5], rank=rank, lb=0.0, ub=1.0), rng=0)
    assert res.success
    np.testing.assert_array_equal(res.x, 0.0)
    assert np.min(shown) >= 0.0
    assert np.max(shown) <= 1.0


@pytest.mark.parametrize("maxfun", [1, 7, 50, 51])
@pytest.mark.parametrize("how", ["compare", "rank"])
def test_budget_of_a_preference(maxfun, how):
    calls = []

    def compare(x, y):
        calls.append(1)
        return bool(square(x) < square(y))

    def rank(X, k):
        calls.extend(X)
        return np.argsort([square(x) for x in X])[:k]

    functions = {"compare": compare, "rank": rank}
    problem = numopt.Preference(np.ones(2), **{how: functions[how]})
    res = numopt.solve(problem, rng=0, options={"maxfun": maxfun})
    assert len(calls) == res.nfev
    assert how == "rank" or res.nfev <= maxfun
    assert res.status == Status.MAX_FUN


def test_intransitive_answers_do_no_harm():
    rng = np.random.default_rng(0)
    problem = numopt.Preference(np.ones(2), compare=lambda x, y: bool(rng.random() < 0.5))
    res = numopt.solve(problem, rng=0, options={"maxiter": 50})
    assert np.isfinite(res.x).all()
    assert not res.success


def test_exceptions_of_the_user_pass():
    def rank(X, k):
        raise RuntimeError("no opinion")

    with pytest.raises(RuntimeError, match="no opinion") as info:
        numopt.solve(numopt.Preference(np.ones(2), rank=rank), rng=0)
    np.testing.assert_array_equal(info.value.numopt_result.x, 1.0)


@pytest.mark.parametrize("options", [{"variant": "spsa"}, {"on_error": "nan"}, {"target": 0.0}])
def test_what_a_preference_cannot_take(options):
    problem = numopt.Preference(np.ones(2), compare=lambda x, y: True)
    with pytest.raises(numopt.UnsupportedError, match="a Preference has no values"):
        numopt.solve(problem, method="zeroth_order", options=options)
