"""Linear equality rows that follow from others are found, and nothing else."""

import numpy as np
import pytest
from scipy.sparse import diags_array, random_array, vstack

from numopt import CallableNLP, LinearRows, NonlinearRows, PartiallySeparable
from numopt.models.presolve import linear_dependence
from numopt.problems import pde_control


def posed(A, b, *others, **given):
    n = A.shape[1]
    rows = [LinearRows(A, b, b), *others]
    return CallableNLP(lambda x: x @ x, np.zeros(n), lambda x: 2 * x, constraints=rows, **given)


def found(problem, x=None):
    return linear_dependence(problem, problem.x0 if x is None else x)


@pytest.mark.parametrize(("k", "rank", "n"), [(5, 3, 6), (40, 17, 60), (20, 8, 8), (3, 1, 1)])
def test_rank_of_random_rows(k, rank, n, rng):
    A = rng.standard_normal((k, rank)) @ rng.standard_normal((rank, n))
    A *= 10.0 ** rng.integers(-6, 6, size=(k, 1))
    dependence = found(posed(A, A @ rng.standard_normal(n)))
    assert (dependence.equalities, dependence.rank) == (k, rank)
    kept = np.setdiff1d(np.arange(k), dependence.repeated)
    assert kept.size == np.linalg.matrix_rank(A[kept] / np.abs(A[kept]).max(1)[:, None]) == rank
    said = f"Rank {rank} of {k} linear equality rows, {k - rank} left out with multipliers 0"
    assert dependence.told() == [said]


def test_rows_of_full_rank_are_left_alone(rng):
    dependence = found(posed(rng.standard_normal((7, 9)), np.ones(7)))
    assert dependence.rank == 7
    assert dependence.told() == []


def test_sides_that_do_not_fit():
    A = np.array([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [0.0, 1.0, 1.0], [1.0, 3.0, 1.0]])
    dependence = found(posed(A, np.array([1.0, 3.0, 1.0, 2.0])))
    assert dependence.rank == 2
    assert dependence.contradictory.size > 0
    assert "do not fit" in dependence.told()[0]


def test_rows_without_free_variables():
    A = np.array([[0.0, 2.0], [1.0, 0.0], [0.0, 3.0]])
    problem = posed(A, np.array([4.0, 1.0, 7.0]), lb=[-1, 2], ub=[1, 2])
    dependence = found(problem, np.array([0.0, 99.0]))
    assert dependence.repeated.tolist() == []
    assert dependence.contradictory.tolist() == [2]
    problem = posed(A, np.array([4.0, 1.0, 6.0]), lb=[-1, 2], ub=[1, 2])
    assert found(problem).repeated.tolist() == [0, 2]


def test_only_linear_equations_count():
    A = np.ones((1, 2))
    same = NonlinearRows(lambda x: x.sum(), 1.0, 1.0, jac=lambda x: np.ones(2))
    problem = posed(A, np.ones(1), LinearRows(A, 0.0, 1.0), same)
    assert problem.linear_rows.tolist() == [True, True, False]
    assert found(problem).equalities == 1


def test_large_structured_rows_are_cheap(rng):
    chain = diags_array([1.0, -1.0], offsets=[0, 1], shape=(20_000, 20_001), format="csr")
    sparse = random_array((300, 20_001), density=1e-3, rng=rng, format="csr")
    A = vstack([sparse, sparse[:7] * 3.0, chain[:5]], format="csr")
    dependence = found(posed(A, A @ np.ones(20_001)))
    assert dependence.repeated.size == 7
    assert found(pde_control.load(40)).rank == 1600
    assert found(posed(chain, np.zeros(20_000))).rank == 20_000  # a core too large to examine


def test_a_core_is_found_below_many_independent_rows():
    n = 3000
    A = diags_array([1.0, 1.0], offsets=[0, n], shape=(n, 2 * n), format="csr")
    A = vstack([A, A[[5]] + A[[9]]], format="csr")
    assert found(posed(A, A @ np.ones(2 * n))).rank == n


def test_separable_problems_know_their_linear_rows():
    def definition(p):
        x = p.variables(4, start=1)
        p.minimize(np.sum(x**2))
        p.equal(x[0] + 2 * x[1], 3)
        p.at_most(x[2] * x[3], 1)
        p.equal(x[1:3] - x[2:4], 0)
        p.equal(np.exp(np.sum(x)), 9)

    problem = PartiallySeparable.trace(definition)
    assert problem.linear_rows.tolist() == [True, False, True, True, False]


def test_agrees_with_the_hessians_of_the_collection():
    import cutest_problems

    for name in ("HS28", "HS48", "HS49", "HS53", "HS62", "HS79", "BT3", "HS112", "HS71", "HS73"):
        p = cutest_problems.load(name, compile=None)
        for i, linear in enumerate(p.linear_rows):
            y = np.eye(p.m)[i]
            changes = [abs(p.hess(x, y) - p.hess(x)).max() for x in (p.x0, p.x0 + 0.3)]
            assert linear == (max(changes) == 0.0), (name, i)
