"""Claims of the papers."""

import numpy as np

from numopt import solve
from numopt.problems import games, inclusions


def test_policeman_to_residual_1e_4_in_at_most_500_epochs():
    res = solve(games.policeman(500), tol=1e-4)
    assert res.success
    assert res.epochs <= 250


def test_policeman_value():
    res = solve(games.policeman(500), tol=1e-8, options={"criterion": "gap"})
    assert res.success
    assert abs(res.fun - 0.001891482838) <= 1e-8


def test_a_hundred_thousand_houses():
    res = solve(games.policeman(100_000, structured=True), tol=1e-4, options={"criterion": "gap"})
    assert res.success
    assert res.gap <= 1e-4


def test_restarts_on_the_quadratic_saddle():
    res = solve(games.quadratic_saddle_point(200), tol=1e-10, options={"maxfun": 20_000})
    assert res.success


def test_rate_without_restarts():
    options = {"variant": "eag", "restart": False, "maxfun": 5000}
    problem = games.quadratic_saddle(60)
    res = solve(problem, rng=0, method="extragradient", options=options, tol=1e-14, history=True)
    epochs, residual = np.array(res.history["epochs"]), np.array(res.history["residual"])
    late = epochs > 100
    assert np.polyfit(np.log(epochs[late]), np.log(residual[late]), 1)[0] <= -0.9


def test_lasso_in_at_most_1152_epochs_over_twenty_seeds():
    problem = inclusions.lasso(4000, 100)
    epochs = [solve(problem, rng=seed, tol=1e-8).epochs for seed in range(20)]
    assert max(epochs) <= 1152 / 4
    assert max(epochs) <= 2 * np.median(epochs)
    assert min(epochs) >= np.median(epochs) / 2


def fista_passes(problem, tol):
    """Return the evaluations that accelerated proximal gradients with restarts need."""
    L, x = problem.curvature, problem.x0
    y, t, passes = x, 1.0, 0
    while True:
        w = y - problem._operator(y) / L
        passes += 1
        new = problem.resolvent(w, 1 / L)
        if L * np.linalg.norm(y - new) <= tol:
            return passes
        t = 1.0 if (y - new) @ (new - x) > 0 else t
        following = (1 + np.sqrt(1 + 4 * t * t)) / 2
        x, y, t = new, new + (t - 1) / following * (new - x), following


def test_variance_reduction_needs_a_fraction_of_the_passes_of_fista():
    problem = inclusions.logistic(300_000, 20, seed=5)
    tol = 1e-3 * np.linalg.norm(problem._operator(problem.x0))
    passes = fista_passes(problem, tol)
    for anchor in (True, False):
        res = solve(problem, rng=0, tol=tol, options={"anchor": anchor})
        assert res.success
        assert res.epochs <= 0.35 * passes
