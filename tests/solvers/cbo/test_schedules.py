"""Parameters that change during a run, kicks, bounds."""

from math import log2

import numpy as np
import pytest
from cbo_examples import BOX, paper, plain
from hypothesis import given, settings
from hypothesis import strategies as st

import numopt
from numopt.solvers.cbo.schedules import Cooling, Geometric
from numopt.solvers.cbo.walls import mirrored, reflected


def parameters(n, **options):
    """Return alpha and sigma after each of n steps."""
    options = {"variant": "paper", "n_particles": 10, "alpha_factor": 1.0, "maxiter": n} | options
    res = numopt.minimize(plain, bounds=BOX, method="cbo", rng=0, history=True, options=options)
    return np.array(res.history["alpha"]), np.array(res.history["sigma"])


def test_logarithmic_cooling_doubles_alpha():
    alpha, sigma = parameters(10, alpha=3.0, sigma=2.0, schedule=Cooling(3))
    epochs = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3])
    np.testing.assert_allclose(alpha, 3.0 * 2.0**epochs)
    np.testing.assert_allclose(sigma, [2.0 / log2(e + 2) for e in epochs])


def test_geometric_cooling_has_a_floor():
    _, sigma = parameters(6, sigma=2.0, schedule=Geometric(0.5, 0.3))
    np.testing.assert_allclose(sigma, [2.0, 1.0, 0.5, 0.3, 0.3, 0.3, 0.3])
    _, sigma = parameters(2, sigma=0.1, schedule=Geometric(0.5, 0.3))
    np.testing.assert_allclose(sigma, 0.1)  # a floor raises nothing


def test_a_schedule_sees_the_state_and_what_it_returns_holds():
    seen = []

    def schedule(s):
        seen.append((s.steps, s.X.shape, s.fun, s.x.copy()))
        return {"sigma": 0.0, "dt": 0.5} if s.steps == 2 else {}

    res = paper(n_particles=10, maxiter=4, inner=2, schedule=schedule)
    assert [k for k, *_ in seen] == list(range(8))
    assert seen[0][1] == (10, 3)
    assert seen[0][2] == plain(seen[0][3])
    quiet = paper(n_particles=10, maxiter=1, inner=2)  # the same first two steps
    X, x = quiet.population, quiet.x
    for _ in range(6):  # then half of the way to the consensus point in each step
        x = np.average(X, axis=0, weights=weights(X, alpha=1e15))
        X = X + 0.5 * (x - X)
    assert np.abs(res.population - res.x).max() < 0.1 * np.abs(quiet.population - quiet.x).max()


def weights(X, alpha):
    f = np.array([plain(x) for x in X])
    return np.exp(-np.minimum(alpha * (f - f.min()), 700.0))


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        (3.0, "`schedule` must return a dict"), ({"sigmas": 1.0}, "`schedule` must return a dict"),
        ({"tol": 1.0}, "`schedule` must return a dict"), ({"dt": -1.0}, "`dt` must be > 0"),
        ({"sigma": "x"}, "`sigma` must be a number"), ({"alpha": -1.0}, "`alpha` must be >= 0"),
    ],
)  # fmt: skip
def test_a_schedule_that_makes_no_sense(answer, match):
    with pytest.raises(numopt.OptionError, match=match):
        paper(schedule=lambda s: answer, maxiter=2)


@pytest.mark.parametrize(
    "make",
    [lambda: Cooling(0), lambda: Cooling(3, 0.0), lambda: Geometric(1.5), lambda: Geometric(0.0),
     lambda: Geometric(0.5, -1.0)],
)  # fmt: skip
def test_schedules_that_make_no_sense(make):
    with pytest.raises(numopt.OptionError, match="needs"):
        make()


def test_cooling_is_continued_bit_for_bit():
    problem = numopt.models.callable_nlp.CallableNLP(plain, np.ones(3), lb=[-4.0] * 3, ub=[6.0] * 3)
    options = {"variant": "paper", "schedule": Cooling(4), "n_particles": 20}
    given = {"method": "cbo", "rng": 0}
    whole = numopt.solve(problem, options=options | {"maxiter": 12}, **given)
    half = numopt.solve(problem, options=options | {"maxiter": 5}, **given)
    rest = numopt.solve(problem, options=options | {"maxiter": 12}, state=half.state, **given)
    np.testing.assert_array_equal(whole.population, rest.population)


# -- kicks ----------------------------------------------------------------------------------------


def step_of(x):
    """A function whose consensus point rests: flat around -2, lower far away from it."""
    return float(-1.0 if np.abs(x + 2.0).max() < 1.0 else -2.0 if x[0] > 4.0 else 0.0)


def test_kicks_leave_a_place_of_rest():
    """From an ensemble in a flat hole only a kick can reach the lower one."""
    X = np.random.default_rng(0).uniform(-2.3, -1.7, (30, 2))
    options = {"ensemble": X, "sigma": 1.0, "dt": 0.1, "alpha": 1e6}
    caught = paper(step_of, [(-4, 6)] * 2, tol=1e-4, **options)
    freed = paper(step_of, [(-4, 6)] * 2, tol=1e-4, kicks=20, kick=12.0, maxiter=3000, **options)
    assert caught.fun == -1.0
    assert freed.fun == -2.0
    assert freed.success


def test_the_answer_is_the_best_place_of_rest():
    """Kicks so strong that the minimum is lost: what was found before is the answer."""
    options = {"sigma": 1.0, "dt": 0.1, "n_particles": 20, "rng": 3}
    quiet = paper(tol=1e-9, maxiter=400, **options)
    kicked = paper(tol=1e-9, maxiter=400, kicks=1000, kick=30.0, **options)
    assert kicked.fun <= quiet.fun + 1e-2
    assert kicked.fun == plain(kicked.x)
    assert np.abs(kicked.population - kicked.x).max() > 1e-3


def test_kicks_are_counted():
    seen = []

    def schedule(s):
        seen.append(s.rest.kicks)
        return {}

    res = paper(tol=1e-3, kicks=2, n_particles=20, maxiter=2000, schedule=schedule)
    assert res.success
    assert seen == sorted(seen)
    assert set(seen) == {0, 1, 2}


# -- bounds ---------------------------------------------------------------------------------------

LB, UB = np.array([-4.0, 0.0, -np.inf]), np.array([6.0, np.inf, 2.0])


def test_reflection():
    new = np.array([[-5.0, -2.0, 3.0], [6.5, 3.0, 1.0], [17.0, 0.0, -9.0], [-24.5, -7.0, 50.0]])
    expected = [[-3.0, 2.0, 1.0], [5.5, 3.0, 1.0], [-3.0, 0.0, -9.0], [-3.5, 7.0, -46.0]]
    np.testing.assert_allclose(reflected(new, new, LB, UB), expected)


@settings(max_examples=50, derandomize=True, deadline=None)
@given(st.floats(-1e3, 1e3), st.floats(0.0, 1.0))
def test_mirrored_points_stay_inside_and_keep_their_order(move, u):
    lb, ub = np.array([-4.0]), np.array([6.0])
    old = np.full((1, 1), -4.0 + 10.0 * u)
    new = mirrored(old, old + move, lb, ub)
    assert (lb <= new).all()
    assert (new <= ub).all()
    assert (new - old).item() * move >= -1e-6


def test_a_small_move_in_the_middle_is_the_same_in_the_mirror():
    old = np.full((1, 2), 1.0)
    moved = mirrored(old, old + np.array([[1e-4, -2e-4]]), np.full(2, -4.0), np.full(2, 6.0))
    np.testing.assert_allclose(moved - old, [[1e-4, -2e-4]], rtol=1e-6)


@pytest.mark.parametrize("walls", ["clip", "reflect", "mirror"])
@pytest.mark.parametrize("noise", ["anisotropic", "isotropic", "covariance"])
def test_particles_stay_in_the_box(walls, noise):
    seen = []

    def fun(x):
        seen.append(x)
        return float(np.sum((x - 5.5) ** 2))

    options = {"noise": noise, "sigma": 1.0, "dt": 0.1, "maxiter": 60, "n_particles": 200}
    res = paper(fun, walls=walls, **options)
    assert np.min(seen) >= -4.0
    assert np.max(seen) <= 6.0
    assert res.fun < 0.75 * fun(np.ones(3))  # the middle of the box


def test_a_fixed_variable_stays():
    for walls in ("reflect", "mirror"):
        res = paper(bounds=[(-4, 6), (2.5, 2.5)], walls=walls, maxiter=30)
        np.testing.assert_array_equal(res.population[:, 1], 2.5)


def test_the_mirror_needs_a_box():
    with pytest.raises(numopt.UnsupportedError, match="walls='mirror' needs finite bounds"):
        numopt.minimize(
            plain, [1.0, 1.0], bounds=[(0, None), (0, 1)], method="cbo",
            options={"variant": "paper", "walls": "mirror"},
        )  # fmt: skip
