"""Undefined functions, empty levels, divergence, limits, wrong options."""

import time

import numpy as np
import pytest
from bilevel_examples import METHODS, QUICK, quadratic

import numopt
from numopt import AffineRows, Bilevel, Status, minimize
from numopt.problems import bolib
from numopt.problems.hyperparameters import toy


@pytest.mark.parametrize("name", ["F", "f", "g", "G"])
def test_undefined_function_is_named(name):
    given = {
        "F": lambda x, y: float(x @ x),
        "f": lambda x, y: float(y @ y),
        "g": lambda x, y: np.array([y[0] - 9.0]),
        "G": lambda x, y: np.array([x[0] - 9.0]),
    }
    given[name] = lambda x, y: np.nan if name in "Ff" else np.array([np.nan])
    res = minimize(Bilevel(n=1, m=1, **given), method="kkt")
    assert res.status == Status.NONFINITE
    assert f"`{name}` is not finite at x =" in res.message
    assert not res.success


def test_start_is_moved_into_the_sets():
    P = quadratic(X=numopt.Box(0.0, 0.5))
    res = minimize(P, (np.full(3, 9.0), np.zeros(2)), method="implicit")
    assert "moved into the sets" in res.message
    with pytest.raises(numopt.ProblemError, match="`x0` lies outside the set `X`"):
        minimize(P, (np.full(3, 9.0), np.zeros(2)), method="implicit", options={"strict_x0": True})


def test_lower_level_without_a_feasible_point():
    P = Bilevel(
        lambda x, y: x[0] ** 2,
        lambda x, y: y[0] ** 2,
        x0=([0.0], [0.0]),
        g=AffineRows([[0.0], [0.0]], [[1.0], [-1.0]], [-1.0, -1.0]),
        autodiff="trace",
    )
    res = minimize(P, method="kkt", options={"starts": 2}, rng=0)
    assert not res.success
    assert "No feasible point of the lower level" in res.message


LOOPS = [
    ("f2sa", {"variant": "paper", "step_y": 20.0}),
    ("f3sa", {"step_y": 20.0}),
    ("bamm", {"step_y": 20.0}),
    ("lv_hba", {"variant": "paper", "step_x": 1e5}),
]


@pytest.mark.parametrize(("method", "options"), LOOPS, ids=[method for method, _ in LOOPS])
def test_diverging_loop_goes_back_and_halves_its_steps(method, options):
    """Steps twenty times too long are halved until they are sound, and then there is descent."""
    P = toy(3) if method == "lv_hba" else quadratic()
    options = options | {"maxiter": 12}
    res = minimize(P, method=method, options=options, rng=0)
    assert 1 <= res.state[-1].restarts <= 5
    assert np.isfinite(res.x).all()
    x, y = P.split(P.x0)
    assert res.fun < P.F(x, y)


@pytest.mark.parametrize("method", ["f2sa", "bamm"])
def test_loop_that_diverges_for_good(method):
    options = {"step_y": 1e6, "maxiter": 20} | ({"variant": "paper"} if method == "f2sa" else {})
    res = minimize(quadratic(), method=method, options=options, rng=0)
    assert res.status == Status.NONFINITE
    assert "diverged after 5 halvings" in res.message
    np.testing.assert_allclose(res.x, 0.0, atol=1e-12)  # the last sound point


@pytest.mark.parametrize("name", ["grad_F", "grad_f", "jac_g", "jac_G"])
def test_undefined_derivative_is_named(name):
    given = {
        "grad_F": lambda x, y: (2.0 * x, 0.0 * y),
        "grad_f": lambda x, y: (0.0 * x, 2.0 * y),
        "jac_g": lambda x, y: (np.zeros((1, 1)), np.ones((1, 1))),
        "jac_G": lambda x, y: (np.ones((1, 1)), np.zeros((1, 1))),
    }
    right = given[name]
    given[name] = lambda x, y: tuple(np.nan * part for part in right(x, y))
    P = Bilevel(
        lambda x, y: float(x @ x),
        lambda x, y: float(y @ y),
        n=1,
        m=1,
        g=lambda x, y: y - 9.0,
        G=lambda x, y: x - 9.0,
        **given,
    )
    res = minimize(P, method="kkt")
    assert res.status == Status.NONFINITE
    assert f"`{name}` is not finite at x = [0.], y = [0.]" in res.message


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["F", "f", "grad_F", "grad_f", "hvp"])
def test_function_undefined_on_the_way_is_named_and_nothing_is_claimed(name, method):
    given = {
        "F": lambda x, y: float((x[0] - 1.0) ** 2 + y[0] ** 2),
        "f": lambda x, y: float((y[0] - x[0]) ** 2),
        "grad_F": lambda x, y: (2.0 * (x - 1.0), 2.0 * y),
        "grad_f": lambda x, y: (2.0 * (x - y), 2.0 * (y - x)),
        "hvp": lambda x, y, v: (-2.0 * v, 2.0 * v),
    }
    right = given[name]

    def undefined(x, y, *v):
        if x[0] < 0.3:
            return right(x, y, *v)
        return np.nan if name in "Ff" else (np.full(1, np.nan), np.full(1, np.nan))

    P = Bilevel(**given | {name: undefined}, n=1, m=1)
    few = {"maxiter": 10} if method in ("bamm", "f2sa", "f3sa") else QUICK.get(method)
    res = minimize(P, method=method, options=few, rng=0)
    told = f"`{name}` was not finite at x = [" in res.message
    assert told or name in ("f", "grad_f", "hvp")  # some methods need the last three nowhere
    assert not (told and res.success and res.x[0] >= 0.3)


def test_same_seed_same_bits_and_the_global_generator_rests():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    P = bolib.load("CandlerTownsley1982")
    one, two = (minimize(P, method="kkt", options={"starts": 3}, rng=4) for _ in range(2))
    np.testing.assert_array_equal(one.x, two.x)
    assert one.calls == two.calls
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_time_limit_inside_a_projection():
    """Onto rows and a set known by its projection: many alternations in one projection."""
    made = []

    def slow(v):
        made.append(1)
        time.sleep(0.01)
        return np.clip(v, -1.0, 1.0)

    P = quadratic(X=slow, g=AffineRows(np.ones((1, 3)), np.ones((1, 2)), [-2.9]))
    made.clear()
    res = minimize(P, method="lv_hba", options={"maxtime": 0.2})
    assert res.status == Status.MAX_TIME
    assert len(made) < 60


@pytest.mark.parametrize("method", METHODS)
def test_time_limit(method):
    begun = time.perf_counter()
    res = minimize(toy(5) if method in ("kkt", "lv_hba") else quadratic(), method=method,
                   options={"maxtime": 0.02}, tol=1e-14, rng=0)  # fmt: skip
    assert res.status in (Status.MAX_TIME, Status.SMALL_STEP, Status.CONVERGED)
    assert time.perf_counter() - begun < 60.0


@pytest.mark.parametrize(
    ("method", "options", "match"),
    [
        ("kkt", {"starts": 0}, "`starts` must be >= 1"),
        ("lv_hba", {"penalty_power": 0.5}, "between 0 and 1/2"),
        ("lv_hba", {"radius": 0.0}, "`radius` must be > 0"),
        ("f2sa", {"noise": "all"}, "'both', 'upper', 'none'"),
        ("f2sa", {"inner": 0}, "`inner` must be > 0"),
        ("bamm", {"mu0": 1.0}, "between 0 and 1"),
        ("implicit", {"linear_tol": 2.0}, "between 0 and 1"),
    ],
)
def test_bad_options(method, options, match):
    with pytest.raises(numopt.OptionError, match=match):
        minimize(quadratic(), method=method, options=options)
