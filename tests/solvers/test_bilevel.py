"""Bilevel methods: what the papers claim, what certificates say, and what bad input leads to."""

import json
import pickle
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numopt
from numopt import AffineRows, Bilevel, Status, minimize
from numopt.problems import bolib
from numopt.problems.hyperparameters import regularisation, toy
from numopt.solvers.bilevel.certificate import certify, solve_lower
from numopt.solvers.bilevel.f2sa import Pair, penalised
from numopt.solvers.bilevel.implicit import Inner, hypergradient
from numopt.solvers.bilevel.newton import Metric, conjugate_gradients, newton
from numopt.solvers.bilevel.value_gap import Penalised, Prox, saddle

METHODS = ("implicit", "kkt", "lv_hba", "f2sa", "f3sa", "bamm")
QUICK = {"kkt": {"starts": 2}}


def quadratic(**given):
    """Minimise |x - 1|^2/2 + |y|^2/2 with y = A^-1 B x."""
    A, B = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([[1.0, 0.0, 1.0], [0.0, -1.0, 0.5]])
    return Bilevel(
        lambda x, y: 0.5 * (x - 1.0) @ (x - 1.0) + 0.5 * y @ y,
        lambda x, y: 0.5 * y @ A @ y - y @ B @ x,
        **{"n": 3, "m": 2} | given,
        grad_F=lambda x, y: (x - 1.0, y),
        grad_f=lambda x, y: (-B.T @ y, A @ y - B @ x),
        hvp=lambda x, y, v: (-B.T @ v, A @ v),
    )


def answer(lb=-np.inf, ub=np.inf):
    A, B = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([[1.0, 0.0, 1.0], [0.0, -1.0, 0.5]])
    S = np.linalg.solve(A, B)
    res = numopt.minimize(
        lambda x: 0.5 * (x - 1.0) @ (x - 1.0) + 0.5 * (S @ x) @ (S @ x),
        np.zeros(3),
        bounds=[(lb, ub)] * 3,
        tol=1e-9,
    )
    return res.x


def rows():
    """One bounded lower variable whose bound depends on x, and a constraint above."""
    return Bilevel(
        lambda x, y: (x[0] - 2.0) ** 2 + (y[0] - 2.0) ** 2,
        lambda x, y: (y[0] - 3.0) ** 2,
        x0=([0.0], [0.0]),
        g=AffineRows([[-1.0]], [[1.0]], [0.0]),
        G=AffineRows([[1.0]], [[0.0]], [1.0]),
        autodiff="trace",
    )


# -- answers and certificates ----------------------------------------------------------------------


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
    res = minimize(P, method=method, options={"maxiter": 30, **QUICK.get(method, {})}, rng=0)
    assert res.certificates["feas_X"] <= 1e-6
    reference = minimize(P, method="implicit", tol=1e-8)
    assert reference.success
    if method not in ("f3sa", "bamm"):
        np.testing.assert_allclose(res.x, reference.x, atol=2e-2)


def test_described_set():
    pytest.importorskip("cvxpy")
    P = quadratic(X=numopt.CvxSet(lambda v: [v >= 0, v <= 0.7], 3))
    res = minimize(P, method="implicit")
    np.testing.assert_allclose(res.x, answer(0.0, 0.7), atol=1e-3)


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


# -- the collection --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n, p in bolib.PROBLEMS.items() if p.convex])
def test_unpolished_or_polished_never_claims_what_is_not_so(name):
    known = bolib.PROBLEMS[name]
    for polish in (False, True)[: 1 + (known.best > 0.0)]:
        res = minimize(bolib.load(name), method="lv_hba", options={"polish": polish}, rng=0)
        assert not res.success or res.certificates["lower_gap"] <= 1e-4
        if res.success:
            assert res.fun >= known.best - 1e-3 * (1.0 + abs(known.best))


@pytest.mark.parametrize("name", ["Bard1988Ex1", "CandlerTownsley1982", "AllendeStill2013"])
def test_kkt_solves(name):
    res = minimize(bolib.load(name), method="kkt", options={"starts": 3}, rng=0)
    assert res.success
    assert res.fun == pytest.approx(bolib.PROBLEMS[name].best, rel=1e-4)


@pytest.mark.parametrize("name", ["MitsosBarton2006Ex314", "Mirrlees1999"])
@pytest.mark.parametrize("method", ["kkt", "lv_hba"])
def test_lower_level_that_is_not_convex(name, method):
    res = minimize(bolib.load(name), method=method, options=QUICK.get(method), rng=0)
    assert not res.success
    assert res.certificates["lower_convex"] == "violated"
    assert "not convex" in res.message
    best = bolib.PROBLEMS[name].best
    assert res.fun == pytest.approx(best, rel=1e-2) or res.certificates["lower_gap"] > 1e-2


def test_the_gap_catches_the_wrong_answer_of_the_kkt_conditions():
    P = bolib.load("Mirrlees1999")
    assert certify(P, np.array([1.9]), np.array([0.9])).lower_gap > 0.1


def test_reference_solutions_are_certified(reference_data):
    facts = json.loads((reference_data / "bolib3_reference.json").read_text())["problems"]
    for fact in facts:
        if "a_solution" in fact:
            point = (np.array(fact["a_solution"][k], dtype=float) for k in "xy")
            found = certify(bolib.load(fact["name"]), *point)
            assert found.lower_gap <= 1e-3, fact["name"]
            assert found.lower_convex == "checked", fact["name"]


# -- LV-HBA ----------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_gap_is_not_negative_and_its_gradient_is_right(seed):
    rng = np.random.default_rng(seed)
    P = bolib.load("Bard1988Ex3")
    prox = Prox(2.0, np.ones(P.p), 100.0)
    x, y = P.project(rng.uniform(0, 2, 2), rng.uniform(0, 3, 2))
    z = rng.uniform(0, 1, P.p)
    if P.violation(x, y) <= 1e-9:
        assert P.f(x, y) - saddle(P, prox, x, y, z, y, 1e-10).value >= -1e-8
    objective = Penalised(P, prox, 3.0, 1e-11)
    w, d = np.concatenate([x, y, z]), rng.standard_normal(4 + P.p)
    slope = objective(w, y)[1] @ d
    h = 1e-5
    difference = (objective(w + h * d, y)[0] - objective(w - h * d, y)[0]) / (2 * h)
    assert slope == pytest.approx(difference, rel=1e-5, abs=1e-5)


def test_gap_vanishes_at_lower_solutions_with_their_multipliers():
    P = bolib.load("Bard1988Ex3")
    x = np.array([0.0, 2.0])
    y = solve_lower(P, x, np.array([4.0, 1.0]))[1]
    z = certify(P, x, y).multipliers
    s = saddle(P, Prox(2.0, np.ones(P.p), 100.0), x, y, z, y, 1e-11)
    assert P.f(x, y) - s.value == pytest.approx(0.0, abs=1e-6)


def test_toy_with_many_lower_solutions():
    plain = minimize(toy(30), method="lv_hba", options={"polish": False}, rng=0)
    assert plain.success
    assert np.abs(plain.x + 0.3).max() / 0.3 <= 5e-3
    polished = minimize(toy(5), method="lv_hba", rng=0)
    assert np.abs(polished.x + 0.3).max() / 0.3 <= 1e-5
    assert not polished.certificates["unique_lower"]


def test_published_loop_claims_nothing_that_is_not_so():
    res = minimize(toy(5), method="lv_hba", options={"variant": "paper", "maxiter": 3}, rng=0)
    assert not res.success
    far = minimize(quadratic(), method="lv_hba", options={"variant": "paper", "maxiter": 40})
    assert 0.05 < np.abs(far.x).max() < 1.0
    assert far.fun < quadratic().F(np.zeros(3), np.zeros(2))


def test_multiplier_at_its_bound_is_told():
    P = Bilevel(
        lambda x, y: x[0] ** 2 + (y[0] - 1.0) ** 2,
        lambda x, y: (y[0] - 30.0) ** 2,
        x0=([0.5], [0.0]),
        g=AffineRows([[0.0]], [[1.0]], [1.0]),
        autodiff="trace",
    )
    res = minimize(P, method="lv_hba", options={"radius": 2.0, "polish": False})
    assert "`radius`, which was raised" in res.message


# -- F2SA and implicit differentiation -------------------------------------------------------------


def test_error_of_the_gradient_halves_as_the_penalty_doubles():
    pytest.importorskip("sklearn")
    P = regularisation().problem()
    x = np.full(P.n, np.log(1e-2))
    start = Inner(np.zeros(P.m), np.zeros(P.m), Metric())
    _, exact, inner = hypergradient(P, x, start, 1e-10, 1e-10)
    errors = []
    for c in (20.0, 40.0, 80.0, 160.0):
        pair = Pair(inner.y, inner.y, (None, None), np.inf)
        errors.append(np.linalg.norm(penalised(P, x, pair, c, 1e-6)[1] - exact))
    ratios = np.array(errors[1:]) / errors[:-1]
    np.testing.assert_allclose(ratios, 0.5, atol=0.1)


def test_extrapolation_is_more_accurate():
    P = quadratic()
    c = {"penalty0": 50.0, "maxiter": 60}
    plain = minimize(P, method="f2sa", tol=1e-3, options=c)
    better = minimize(P, method="f2sa", tol=1e-3, options=c | {"extrapolate": True})
    assert np.abs(better.x - answer()).max() <= np.abs(plain.x - answer()).max()


def test_implicit_on_features():
    pytest.importorskip("sklearn")
    task = regularisation(1)
    res = minimize(task.problem(), method="implicit")
    assert res.success
    assert task.F(res.x, res.y) <= 0.025


@pytest.mark.parametrize("method", ["f2sa", "f3sa"])
def test_batches(method):
    pytest.importorskip("sklearn")
    task = regularisation(0)
    P, options = task.problem(batches=True), {"maxiter": 4}
    one, two, other = (minimize(P, method=method, options=options, rng=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.x, two.x)
    assert not np.array_equal(one.x, other.x)
    start = task.F(P.x0, solve_lower(P, *P.split(P.x0))[1])
    assert one.fun < start


@pytest.mark.parametrize("options", [{"normalise": True}, {"update_every": 3}])
@pytest.mark.parametrize("method", ["f2sa", "bamm"])
def test_unbounded_smoothness_options(method, options):
    if method == "f2sa":
        options = options | {"variant": "paper"}
    P = quadratic()
    res = minimize(P, method=method, options={"maxiter": 50, **options}, rng=0)
    start = P.F(np.zeros(3), np.zeros(2))
    assert res.fun < start


def test_newton_and_conjugate_gradients():
    rng = np.random.default_rng(0)
    Q = rng.standard_normal((30, 30))
    H, b = Q @ Q.T + 1e-3 * np.eye(30), rng.standard_normal(30)
    x, steps = conjugate_gradients(lambda v: H @ v, b, rtol=1e-10)
    np.testing.assert_allclose(H @ x, b, atol=1e-6)
    metric = Metric(spent=steps).renewed(lambda v: H @ v, 30)
    assert conjugate_gradients(lambda v: H @ v, b, rtol=1e-8, metric=metric)[1] <= 4
    found = newton(
        lambda y: 0.5 * y @ H @ y - b @ y + 0.25 * np.sum(y**4),
        lambda y: H @ y - b + y**3,
        lambda y, v: H @ v + 3 * y**2 * v,
        np.zeros(30),
        1e-9,
    )
    assert np.abs(found.g).max() <= 1e-9


# -- bad luck --------------------------------------------------------------------------------------


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


def test_diverging_loop_halves_its_steps():
    options = {"variant": "paper", "step_y": 1e3, "maxiter": 3}
    res = minimize(quadratic(), method="f2sa", options=options, rng=0)
    assert np.isfinite(res.x).all()


def test_nothing_is_claimed_without_resolving():
    """Published practice: y drifts along grad F, and F falls below every attainable value."""
    options = {"variant": "paper", "resolve": False, "maxiter": 3}
    res = minimize(quadratic(), method="lv_hba", options=options)
    assert not res.success


@pytest.mark.parametrize("method", METHODS)
def test_time_limit(method):
    begun = time.perf_counter()
    res = minimize(toy(5) if method in ("kkt", "lv_hba") else quadratic(), method=method,
                   options={"maxtime": 0.02}, tol=1e-14, rng=0)  # fmt: skip
    assert res.status in (Status.MAX_TIME, Status.SMALL_STEP, Status.CONVERGED)
    assert time.perf_counter() - begun < 60.0


@pytest.mark.parametrize("method", ["implicit", "f2sa"])
def test_rows_are_refused_by_name(method):
    with pytest.raises(
        numopt.UnsupportedError, match=r"G and g.*Methods that can: (kkt, lv_hba|lv_hba, kkt)"
    ):
        minimize(rows(), method=method)


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


def test_result_is_plain_data():
    res = minimize(quadratic(), method="implicit")
    again = pickle.loads(pickle.dumps(res))
    np.testing.assert_array_equal(again.y, res.y)
    assert again.certificates == res.certificates
