"""The experiments of consensus-based optimisation, each in a small size."""

import re

import numpy as np
import pytest

from numopt.bench.experiments import cbo, find_experiment
from numopt.bench.experiments.cbo import descent, functions, tables
from numopt.bench.experiments.cbo.swarms import Diagram, share


def test_lookup():
    assert find_experiment("cbo") is cbo.rows
    assert find_experiment("cbo", "figures") is cbo.figures


def test_the_functions_are_zero_at_their_minimisers():
    origin = np.zeros((1, 2))
    assert functions.rastrigin(origin[0], 10.0) == 0.0
    assert functions.canyon(origin)[0] == pytest.approx(0.0, abs=1e-12)
    assert functions.ackley(np.eye(3)[-1:], 3.0)[0] == pytest.approx(0.0, abs=1e-12)
    grid = descent.grid_values(np.linspace(-2.0, 9.0, 111))
    assert grid.min() > -1e-12


def test_forms_of_one_function_agree():
    rng = np.random.default_rng(0)
    X, (Q, _) = rng.normal(size=(4, 3)), np.linalg.qr(rng.normal(size=(3, 3)))
    one_by_one = [functions.rastrigin(x, 2.5) for x in X]
    np.testing.assert_array_equal(functions.rastrigin_rows(X, 2.5), one_by_one)
    turned = functions.turned_rastrigin(X[0], 2.5, Q)
    assert turned == pytest.approx(functions.rastrigin(Q @ X[0], 2.5))


def test_a_diagram_counts_successes():
    diagram = Diagram("t", ("a", (1, 2)), ("b", ("x", 1e15)), lambda a, b, seed: seed < a)
    np.testing.assert_array_equal(diagram.rates(4), [[0.25, 0.25], [0.5, 0.5]])
    lines = list(diagram.lines(4))
    assert lines[0] == "t; seeds 0 to 3:"
    assert lines[2] == "| a \\ b | x | 1e15 |"
    assert lines[-1] == "| 2 | 0.50 ± 0.25 | 0.50 ± 0.25 |"
    assert share(0.9, 100) == "0.90 ± 0.03"


def test_more_particles_solve_more():
    few, many = tables.DIAGRAMS["sigma"].solves, range(12)
    assert sum(few(2.0, 100, seed) for seed in many) > 6 + sum(few(2.0, 10, seed) for seed in many)


def test_truncation_keeps_a_swarm_together_that_isotropic_noise_spreads():
    solves = tables.DIAGRAMS["truncated"].solves
    assert all(solves(1.0, 1.5, seed) for seed in range(3))
    assert not any(solves(np.inf, 1.5, seed) for seed in range(3))


def test_large_anisotropic_noise_needs_the_axes():
    solves = tables.DIAGRAMS["dimensions"].solves
    assert all(solves("anisotropic, sigma = 8", 8, seed) for seed in range(5))
    assert sum(solves("sigma = 8, random basis", 8, seed) for seed in range(5)) <= 1


def test_hopping_passes_where_descent_stops():
    stuck = descent.descent(1, 0.0)[-1, 0]
    assert np.linalg.norm(functions.slopes(functions.canyon, stuck[None])) < 1e-3
    assert np.linalg.norm(stuck) > 5.0
    assert np.linalg.norm(descent.hopping(0, 1.0).x) < 1.0


def test_a_hop_of_infinitely_many_samples_is_a_gradient_step():
    """The identity of the module, with the gradient by differences of f_s on a fine grid."""
    smooth, x, h = descent.Smoothed(0.7, 0.1), np.array([5.0, 3.0]), 1e-4
    east, west = (smooth.values(np.array([x[0] + t, x[1]]))[0, 1] for t in (h, -h))
    north, south = (smooth.values(np.array([x[0], x[1] + t]))[0, 1] for t in (h, -h))
    gradient = np.array([east - west, north - south]) / (2.0 * h)
    step = smooth.alpha * smooth.sigma**2 * gradient
    np.testing.assert_allclose(smooth.hop(x), x - step, rtol=1e-6)


def test_rows(monkeypatch):
    monkeypatch.setattr(descent, "DESCENT_STEPS", 100)
    small = {name: diagram for name, diagram in cbo.DIAGRAMS.items() if name in ("cbx", "sphere")}
    monkeypatch.setattr(cbo, "DIAGRAMS", small)
    text = "\n".join(cbo.rows(runs=1))
    assert "published by CBXpy: 100 of 100" in text
    assert re.search(r"\| gradient descent \| 0 of 1, no noise \|", text)
    assert re.search(r"\| isotropic, 0.3 \| [01].00 ± 0.00 \|", text)


def test_figures(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    from numopt.bench.experiments.cbo import pictures

    monkeypatch.setattr(pictures, "SHOWN", {"sigma": "noise"})
    monkeypatch.setattr(descent, "DESCENT_STEPS", 100)
    names = list(cbo.figures(tmp_path, runs=1))
    assert names == ["cbo_phases.png", "cbo_frames.png", "cbo_paths.png"]
    for name in names:
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
