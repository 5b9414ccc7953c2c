"""Games, networks and a hard saddle point: guessed strategies, equilibria of traffic, restarts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from numopt import MatrixGame, solve
from numopt.problems import games, traffic


def test_value_of_the_policeman_game_to_rounding():
    res = solve(games.policeman(500), tol=1e-12, options={"criterion": "gap"})
    assert res.success
    assert abs(res.fun - 0.001891482838) <= 1e-12
    assert res.epochs <= 60


@pytest.mark.parametrize(
    "game", [games.gaussian(60, seed=4), games.nemirovski(60), games.policeman(60, seed=3)]
)
def test_exact_strategies_are_guessed_and_verified(game):
    res = solve(game, tol=1e-11)
    assert res.success
    x, y = res.primal, res.dual
    assert (game.A.K @ x).max() - (y @ game.A.K).min() <= 1e-13
    assert abs(x.sum() - 1.0) + abs(y.sum() - 1.0) <= 1e-15
    assert res.epochs <= 2000


def test_sparse_games_guess_as_dense_ones():
    A = games.gaussian(40, seed=2).A.K * (np.random.default_rng(0).uniform(size=(40, 40)) < 0.3)
    dense, sparse = (solve(MatrixGame(form), tol=1e-11) for form in (A, csr_matrix(A)))
    assert dense.success
    assert sparse.success
    assert max(dense.gap, sparse.gap) <= 1e-13


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_a_guess_has_strategies_and_an_element_of_G(seed):
    game = games.gaussian(6, seed)
    u = game.start(np.random.default_rng(seed).uniform(size=12))
    point = game.certify(u, np.zeros(12))[0]
    guess = game.purified(point)
    if guess is not None:
        assert [part.sum() for part in game.split(guess.u)] == pytest.approx([1.0, 1.0])
        np.testing.assert_allclose(guess.F, game._operator(guess.u), atol=1e-14)
        assert np.linalg.norm(guess.u - game.resolvent(guess.u + guess.g, 1.0)) <= 1e-12


@pytest.mark.parametrize(
    ("network", "value"), [(traffic.braess(), 386.0), (traffic.sioux_falls(), 4231.335287)]
)
def test_traffic_by_link_totals(network, value):
    res = solve(network.separated, method="rhpdhg", tol=1e-6, options={"weight": "adaptive"})
    assert res.success
    assert res.fun == pytest.approx(value, abs=1e-4)
    totals = res.primal[-network.k :]
    np.testing.assert_allclose(network.flows(res.primal), totals, atol=1e-5)


@pytest.mark.parametrize("power", [1.0, 4.0])
def test_delayed_flow_solves_its_equation(power):
    network = traffic.braess() if power == 1.0 else traffic.sioux_falls()
    v = np.random.default_rng(0).uniform(-5.0, 60.0, network.k)
    x = network.delayed(v, np.full(network.k, 0.7))
    assert (x >= 0.0).all()
    inside = x > 0.0
    np.testing.assert_allclose((x + 0.7 * network.time(x))[inside], v[inside], rtol=1e-13)
    assert (0.7 * network.free[~inside] >= v[~inside]).all()


def test_anchored_method_with_restarts_on_the_quadratic_saddle():
    options = {"variant": "eag", "maxfun": 60_000}  # it takes about 20 000
    problem = games.quadratic_saddle_point(200)
    assert solve(problem, method="extragradient", tol=1e-10, options=options).success
