"""Warm starts: a similar problem is solved in fewer iterations from its neighbour's answer."""

import numpy as np
import pytest

import cutest_problems
import numopt


def warm(res):
    return {"x0": res.x, "options": {"multipliers": res.multipliers}}


@pytest.mark.parametrize("name", ["HS71", "HS43", "HS113", "HS76", "HS12", "HS100", "HS118"])
def test_from_its_own_solution(name):
    problem = cutest_problems.load(name)
    cold = numopt.solve(problem)
    again = numopt.solve(problem, **warm(cold))
    assert again.success
    assert again.nit <= 3
    assert again.nit < cold.nit
    assert again.fun == pytest.approx(cold.fun, rel=1e-6, abs=1e-6)


def test_from_a_neighbour():
    def ring(radius):
        rows = numopt.NonlinearRows(lambda x: x @ x, upper=radius, jac=lambda x: 2 * x)
        return numopt.CallableNLP(
            lambda x: x[0] + 2 * x[1], [0.1, 0.1], lambda x: [1.0, 2.0], lb=-1, constraints=[rows]
        )

    first = numopt.solve(ring(1.0))
    cold, second = numopt.solve(ring(1.1)), numopt.solve(ring(1.1), **warm(first))
    assert second.success
    assert second.nit < cold.nit
    np.testing.assert_allclose(second.x, cold.x, atol=1e-5)


@pytest.mark.parametrize(
    ("multipliers", "match"),
    [
        ({"constraints": [0.0]}, "must be a dict"),
        (3.0, "must be a dict"),
        ({"constraints": [1.0], "lower": np.zeros(4), "upper": np.zeros(4)}, r"\(2, 4, 4\)"),
    ],
)
def test_what_does_not_fit_is_refused(multipliers, match):
    with pytest.raises(numopt.OptionError, match=match):
        numopt.solve(cutest_problems.load("HS71"), options={"multipliers": multipliers})
