"""LV-HBA: its value function, its example with many lower solutions, the published loop."""

import numpy as np
import pytest
from bilevel_examples import quadratic
from hypothesis import given, settings
from hypothesis import strategies as st

from numopt import AffineRows, Bilevel, minimize
from numopt.problems import bolib
from numopt.problems.hyperparameters import toy
from numopt.solvers.bilevel.certificate import certify, solve_lower
from numopt.solvers.bilevel.value_gap import Penalised, Prox, saddle


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
    assert slope == pytest.approx(difference, rel=1e-6, abs=1e-6)


def test_gap_vanishes_at_lower_solutions_with_their_multipliers():
    P = bolib.load("Bard1988Ex3")
    x = np.array([0.0, 2.0])
    y = solve_lower(P, x, np.array([4.0, 1.0]))[1]
    z = certify(P, x, y).multipliers
    s = saddle(P, Prox(2.0, np.ones(P.p), 100.0), x, y, z, y, 1e-11)
    assert P.f(x, y) - s.value == pytest.approx(0.0, abs=1e-6)


def test_toy_with_many_lower_solutions():
    for polish, error in ((False, 5e-3), (True, 1e-5)):
        res = minimize(toy(100), method="lv_hba", options={"polish": polish}, rng=0)
        assert res.success
        assert res.polished == polish
        assert np.abs(res.x + 0.3).max() / 0.3 <= error
        assert not res.certificates["unique_lower"]


def test_published_loop_claims_nothing_that_is_not_so():
    res = minimize(toy(5), method="lv_hba", options={"variant": "paper", "maxiter": 3}, rng=0)
    assert not res.success
    far = minimize(quadratic(), method="lv_hba", options={"variant": "paper", "maxiter": 10})
    assert 0.01 < np.abs(far.x).max() < 1.0
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
    assert res.message.count("`radius`, which was raised") == 1
    assert res.message.count("reached the raised `radius`, too") == 1
    assert not res.success


def test_nothing_is_claimed_without_resolving():
    """Published practice: y drifts along grad F, and F falls below every attainable value."""
    options = {"variant": "paper", "resolve": False, "maxiter": 3}
    res = minimize(quadratic(), method="lv_hba", options=options)
    assert not res.success
