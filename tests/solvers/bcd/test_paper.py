"""The numbers of the paper's problems that are deterministic, and its orderings."""

import numpy as np
import pytest
from scipy.sparse.linalg import spsolve

from numopt.bench.experiments import bcd as experiments
from numopt.front import solve
from numopt.problems import block_coordinates as problems

NEVER = 1e-300


def gaps(problem, best=0.0, maxiter=500, **options):
    options |= {"maxiter": maxiter, "tol": NEVER}
    return (
        np.array(solve(problem, method="bcd", options=options, rng=0, history=True).history.fun)
        - best
    )


LATTICE = {
    "red-black": ({"blocks": "red_black"}, 5.54e3, 20.5),
    "two combs": (experiments.combs, 0.89, 2.77e-5),
    "greedy forest": ({"blocks": "greedy_forest"}, 0.579, 1.6e-5),
    "top": (experiments.top, 9.13e7, 6.11e7),
}


@pytest.mark.parametrize("name", LATTICE)
def test_lattice(name):
    options, middle, end = LATTICE[name]
    problem = problems.lattice()
    options = options(problem) if callable(options) else options
    found = gaps(problem, problems.LATTICE_OPTIMUM, **options)
    assert found[300] == pytest.approx(middle, rel=0.02)
    assert found[500] == pytest.approx(end, rel=0.02)


def test_random_forests_on_the_lattice_lie_between():
    problem = problems.lattice()
    found = gaps(problem, problems.LATTICE_OPTIMUM, blocks="random_forest")
    assert 20.0 < found[300] < 2000.0
    assert 0.01 < found[500] < 1.0


def test_the_published_optimum_of_the_lattice_to_all_digits():
    problem = problems.lattice()
    options = {"blocks": "greedy_forest", "maxiter": 2000}
    res = solve(problem, method="bcd", options=options, tol=1e-10)
    assert res.success
    assert res.fun == pytest.approx(problems.LATTICE_OPTIMUM, rel=4e-16)
    loss = problem.loss
    direct = spsolve(loss.A.tocsc(), loss.b)
    np.testing.assert_allclose(res.x, direct, atol=1e-6)


def test_forests_on_the_moons():
    problem = problems.moons()
    best = experiments.direct(problem)
    forest = gaps(problem, best, blocks="greedy_forest")[-1]
    colours = gaps(problem, best, blocks="red_black")[-1]
    assert -1e-9 <= forest < 1e-2 < colours


BINARY = {  # matrix update, variable blocks: F after 100 and 500 iterations
    (5, "gs"): (186.3, 48.0),
    (5, "gsd"): (102.2, 25.16),
    (50, "gs"): (60.4, 13.29),
    (50, "gsd"): (30.71, 6.526),
    (100, "gs"): (46.25, 8.65),
    (100, "gsd"): (25.09, 4.899),
}


@pytest.fixture(scope="module")
def binary():
    return problems.classification()


def binary_gaps(problem, size, rule, maxiter):
    options = {"blocks": "variable", "block_size": size, "selection": rule, "update": "matrix"}
    return gaps(problem, maxiter=maxiter, **options)


@pytest.mark.parametrize("rule", ["gs", "gsd"])
def test_logistic_regression_after_100_iterations(binary, rule):
    found = binary_gaps(binary, 50, rule, 100)
    assert found[100] == pytest.approx(BINARY[50, rule][0], rel=0.02)


@pytest.mark.claims
@pytest.mark.parametrize(("size", "rule"), BINARY)
def test_logistic_regression_after_500_iterations(binary, size, rule):
    found = binary_gaps(binary, size, rule, 500)
    assert found[100] == pytest.approx(BINARY[size, rule][0], rel=0.02)
    assert found[500] == pytest.approx(BINARY[size, rule][1], rel=0.02)


def test_orderings_on_regression():
    regression = problems.regression(300, 2000)
    common = {"block_size": 40, "maxiter": 100}
    matrix = {
        rule: gaps(regression, blocks="variable", selection=rule, update="matrix", **common)[-1]
        for rule in ("gs", "gsd", "gsq")
    }
    assert matrix["gsq"] < matrix["gsd"] < matrix["gs"]
    fixed = {
        rule: gaps(regression, selection=rule, update="gradient", **common)[-1]
        for rule in ("gs", "gsl", "cyclic")
    }
    assert fixed["gsl"] < fixed["gs"]
    assert fixed["cyclic"] < fixed["gs"]  # plain gs loses with fixed blocks


def test_the_active_set_is_identified_at_once_by_blocks_larger_than_it():
    problem = problems.nonnegative_regression()
    found = {}
    for update, size in (("two_metric", 100), ("proximal_newton", 100), ("gradient", 5)):
        options = {"update": update, "blocks": "variable", "block_size": size, "maxiter": 400}
        found[update] = solve(problem, method="bcd", options=options, tol=1e-12)
        assert found[update].success
        assert found[update].fun == pytest.approx(found["two_metric"].fun, rel=1e-12)
    support = found["two_metric"].active_set
    assert 40 < support.size < 70
    assert (found["two_metric"].x[support] > 0.0).all()
    for res in found.values():
        np.testing.assert_array_equal(res.active_set, support)
    assert found["two_metric"].nit < 10
    assert found["two_metric"].identified_at < 10
    assert found["proximal_newton"].nit < 30
    assert found["gradient"].nit > 100
    assert found["gradient"].identified_at < found["gradient"].nit


def test_first_reached():
    assert experiments.first_reached(np.array([1.0, 1e-9, 1e-10])) == 1
    assert experiments.first_reached(np.array([1.0])) == np.inf


def test_the_report_has_a_line_for_each_curve(monkeypatch):
    panel = [p for p in experiments.PANELS if p.title.startswith("D")]
    monkeypatch.setattr(experiments, "PANELS", panel)
    monkeypatch.setattr(experiments, "ITERATIONS", 5)
    lines = list(experiments.rows())
    table = lines[2 : lines.index("")]
    assert len(table) == len(panel[0].curves)
    assert len({line.count("|") for line in table}) == 1
    assert any("conjugate gradients" in line for line in lines)
    assert "1.5e2" not in "".join(table)


def test_every_curve_is_a_combination_that_makes_sense():
    for panel in experiments.PANELS:
        labels = [experiments._label(curve) for curve in panel.curves]
        assert len(set(labels)) == len(labels)
