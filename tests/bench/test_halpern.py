"""The benchmark of inclusions: its rivals solve the same problems, its tables are what they say."""

import numpy as np
import pytest

from numopt import solve
from numopt.bench import halpern, halpern_peers, halpern_sums
from numopt.problems import games, inclusions


def test_rivals_reach_the_same_point():
    problem = inclusions.logistic(2000, 5)
    res = solve(problem, rng=0, tol=1e-9)
    for rival in (halpern_peers.fista, halpern_peers.prox_newton):
        effort, seconds, x = rival(problem, 1e-9)
        assert effort > 1
        assert seconds >= 0.0
        np.testing.assert_allclose(x, res.x, atol=1e-6)


def test_highs_solves_games():
    game = games.gaussian(20)
    assert halpern_peers.highs(game, "highs-ds")[0] <= 1e-9


def test_pdlp_solves_games():
    pytest.importorskip("highspy")
    gap, seconds = halpern_peers.pdlp(games.gaussian(20), 1e-7)
    assert gap <= 1e-4
    assert seconds > 0.0


def test_tables_and_figures(tmp_path):
    pytest.importorskip("matplotlib")
    few = {"rhpdhg": ("rhpdhg", {}), "eg": ("extragradient", {"variant": "eg"})}
    table = halpern._game_table("a small game", games.policeman(15), few, 3000)
    assert any(row[0] == "rhpdhg to gap 1e-06" for row in table.rows)
    assert all(len(row) == len(table.columns) for row in table.rows)
    path = halpern.figure(table, tmp_path)
    assert path.name == "a_small_game.png"
    assert path.stat().st_size > 1000


def test_memory_of_the_structured_game_is_linear():
    row = halpern.structured_table(quick=True).rows[0]
    assert float(row[3]) < 2000  # bytes a house


def test_slope_of_a_power_law():
    epochs = np.arange(1.0, 1000.0)
    assert halpern.decay({"epochs": epochs, "residual": epochs**-1.5}) == pytest.approx(-1.5)


def test_the_anchor_wins_on_operators_that_turn():
    table = halpern_sums.turning_table(0, 1, quick=True, angles=(1.5,))
    anchored, plain = map(float, table.rows[0][1:])
    assert anchored < 0.6 * plain
