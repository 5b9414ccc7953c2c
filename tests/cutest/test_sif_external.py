"""Formulas that stand in for functions in Fortran."""

import json
from pathlib import Path

import numpy as np
import pytest
from sif_texts import external

from numopt import check_derivatives
from numopt.core.errors import SifError
from numopt.cutest import read_sif

REFERENCE = Path(__file__).parents[2].parent / "shared" / "data" / "cutest_reference.json"
needs_reference = pytest.mark.skipif(not REFERENCE.exists(), reason="no reference values")
FREE = [" FR BND       'DEFAULT'"]


def reference(name):
    records = json.loads(REFERENCE.read_text())["problems"]
    return next(r for r in records if r["name"] == name)


def iterated(x1, x2, x3):
    """Return y of problem 67 by its fixed-point iterations."""
    y = np.zeros(9)
    y[2], y[4] = 1.6 * x1, 93.0
    for _ in range(300):
        y[3] = 1.22 * y[2] - x1
        y[6] = (x2 + y[3]) / x1
        y[2] = 0.01 * x1 * (112 + 13.167 * y[6] - 0.6667 * y[6] ** 2)
    for _ in range(300):
        y[5] = 86.35 + 1.098 * y[6] - 0.038 * y[6] ** 2 + 0.325 * (y[4] - 89)
        y[8] = 3 * y[5] - 133
        y[7] = 35.82 - 0.222 * y[8]
        y[4] = 98000 * x3 / (y[2] * y[7] + 1000 * x3)
    return y


def test_alkylation_is_the_limit_of_the_iteration():
    kinds = {f"Y{k}": [] for k in range(2, 9)} | {"Y2Y5": []}
    uses = [("N", "OBJ", [("E25", "Y2Y5", None, 1.0)])]
    uses += [("E", f"C{k}", [(f"E{k}", f"Y{k}", None, 1.0)]) for k in range(2, 9)]
    problem = read_sif(external("HS67", 3, [1745, 12000, 110], FREE, kinds, uses))
    y = iterated(*problem.x0)
    assert problem.fun(problem.x0) == pytest.approx(y[2] * y[5], rel=1e-12)
    np.testing.assert_allclose(problem.cons(problem.x0), y[2:], rtol=1e-12)
    check_derivatives(problem, problem.x0)


@needs_reference
def test_inspection_plan():
    d = np.sqrt(24.0)
    uses = [
        ("E", "C1", [("C1E1", "PHI", 0.0, -2.0)]),
        ("E", "C2", [("C2E1", "PHI", d, -1.0), ("C2E2", "PHI", -d, -1.0)]),
    ]
    kinds = {"PHI": ["P"]}
    problem = read_sif(external("HS68", 1, [1.0], FREE, kinds, uses))
    # The published constraints also have the terms x_3 and x_4, which are 1 at the start.
    assert np.linalg.norm(problem.cons(problem.x0) + 1) == pytest.approx(
        reference("HS68")["x0"]["c"], rel=1e-10
    )
    check_derivatives(problem, problem.x0)


@needs_reference
def test_pulp_plant():
    weights = {17: -5.843e-7, 14: 1.17e-4, 13: 2.358e-5, 16: 1.502e-6, 12: 0.0321, 5: 0.00423}
    uses = [("N", "OBJ", [(f"Y{k}", "Y", k + 0.01, w) for k, w in weights.items()])]
    uses[0][2].extend([("C18", "C", 18.01, 1e-4), ("C19", "C", 19.01, 37.48)])
    uses += [("G", f"CON{k}", [(f"Y{k}", "Y", k + 0.01, 1.0)]) for k in range(1, 21)]
    kinds = {"Y": ["PI"], "C": ["PI"]}
    problem = read_sif(external("HS85", 5, [900, 80, 115, 267, 27], FREE, kinds, uses))
    # The file subtracts the constant 0.1365 from the objective.
    expected = reference("HS85")["x0"]
    assert problem.fun(problem.x0) - 0.1365 == pytest.approx(expected["f"], rel=1e-8)
    assert np.linalg.norm(problem.grad(problem.x0)) == pytest.approx(expected["g"], rel=1e-8)
    check_derivatives(problem, problem.x0)


@needs_reference
@pytest.mark.parametrize("n", range(2, 7))
def test_heat_conduction(n):
    name = f"HS{86 + n}"
    uses = [("G", "CON", [("H", "H", None, -1.0)])]
    start = [0.5 * (-1) ** k for k in range(n)]
    problem = read_sif(external(name, n, start, FREE, {"H": []}, uses))
    record = reference(name)
    x = problem.x0 + 0.1 * np.cos(np.arange(n))
    assert problem.cons(problem.x0) + 1e-4 == pytest.approx(-record["x0"]["c"], rel=1e-9)
    assert np.linalg.norm(problem.jac(x).data) == pytest.approx(record["x1"]["J"], rel=1e-9)


def test_unknown_fortran_is_refused():
    uses = [("N", "OBJ", [("E", "OWN", None, 1.0)])]
    with pytest.raises(SifError, match="unknown function 'OUTSIDE'") as caught:
        read_sif(external("OTHER", 1, [1.0], FREE, {"OWN": []}, uses))
    assert "Fortran is not executed" in caught.value.expected
