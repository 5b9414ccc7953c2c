"""Linear programs beside HiGHS, and rays of those without a solution."""

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import csr_matrix

from numopt import LinearProgram, Status, solve


def random_program(m, n, seed):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((m, n)) * (rng.uniform(size=(m, n)) < 0.3)
    x = np.maximum(rng.standard_normal(n), 0.0)
    z = np.maximum(rng.standard_normal(n), 0.0) * (x == 0.0)
    return A, A @ x, A.T @ rng.standard_normal(m) + z


@pytest.mark.parametrize("options", [{}, {"criterion": "relative"}, {"metric": "none"}])
@pytest.mark.parametrize("form", [np.array, csr_matrix])
def test_programs_against_highs(form, options):
    A, b, c = random_program(15, 30, 1)
    res = solve(LinearProgram(c, form(A), b, b), tol=1e-6, options=options)
    assert res.success
    assert res.fun == pytest.approx(linprog(c, A_eq=A, b_eq=b).fun, abs=1e-4)
    assert res.dual_value == pytest.approx(res.fun, abs=1e-4)


@pytest.mark.parametrize("weight", ["fixed", "adaptive"])
def test_infeasible_program_has_a_ray(weight):
    p = LinearProgram([1.0, 1.0], [[1.0, 1.0], [1.0, 1.0]], [2.0, -np.inf], [np.inf, 1.0])
    res = solve(p, options={"weight": weight})
    assert res.status == Status.INFEASIBLE
    assert not res.success
    np.testing.assert_allclose(res.ray, [-1.0, 1.0], atol=1e-5)
    assert p.proves_infeasible(res.ray)
    assert not p.proves_infeasible(-res.ray)


@pytest.mark.parametrize("seed", range(3))
def test_random_infeasible_programs(seed):
    rng = np.random.default_rng(seed)
    y, A = rng.standard_normal(6), rng.standard_normal((6, 12))
    A -= np.outer(y, np.maximum(y @ A, 0.0) + 0.1) / (y @ y)  # y'A < 0 and y'b > 0
    res = solve(LinearProgram(rng.standard_normal(12), A, y, y), options={"maxiter": 20_000})
    assert res.status == Status.INFEASIBLE


def test_unbounded_program_has_a_ray():
    p = LinearProgram([-1.0, 0.0], [[1.0, -1.0]], -np.inf, 1.0)
    res = solve(p)
    assert res.status == Status.UNBOUNDED
    assert p.proves_unbounded(res.ray)
    assert not p.proves_unbounded(-res.ray)
