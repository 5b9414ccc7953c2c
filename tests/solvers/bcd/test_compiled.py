"""Many greedy updates of single variables in one iteration."""

import numpy as np
import pytest
from rule_examples import (
    assert_right,
    random_laplacian,
    smooth_problem,
    solved,
)

from numopt import (
    L1,
    BoxConstraint,
    Composite,
    ElasticNet,
    OptionError,
    QuadForm,
)


@pytest.mark.parametrize("penalty", [None, L1(0.3), ElasticNet(0.1, 0.5), BoxConstraint(-0.2, 0.1)])
@pytest.mark.parametrize("selection", ["gs-s", "gs-r", "gsl-r", "gs-q"])
def test_many_updates_in_one_iteration_are_the_same_updates(penalty, selection):
    A, b = random_laplacian(4)
    P = Composite(QuadForm(A, b), penalty)
    common = {"blocks": "variable", "block_size": 1, "selection": selection, "tol": 1e-15}
    slow, fast = solved(P, **common, maxiter=60), solved(P, **common, maxiter=3, inner=20)
    np.testing.assert_allclose(fast.x, slow.x, atol=1e-12)
    assert fast.nepoch == slow.nepoch
    end = solved(P, **common | {"tol": 1e-9}, inner=200)
    assert end.success
    assert (np.diff(end.history.fun) <= 1e-12).all()


@pytest.mark.parametrize("selection", ["gs", "gsl", "gsd"])
def test_many_updates_by_smooth_rules(selection):
    A, b = random_laplacian(5)
    res = solved(Composite(QuadForm(A, b)), blocks=1, selection=selection, inner=100, tol=1e-10)
    assert_right(res, np.linalg.solve(A.toarray(), b), selection)


def test_a_greedy_update_visits_the_neighbours_alone():
    from numopt.kernels import greedy

    A, b = random_laplacian(6)
    n, free = len(b), np.full(len(b), np.inf)
    x, G, zero = np.zeros(n), -b, np.zeros(n)
    visited = greedy.descend(
        A.indptr, A.indices, A.data, G, x, A.diagonal(), -free, free, zero, zero, greedy.MOVE, 50
    )
    assert visited <= 50 * np.diff(A.indptr).max()
    np.testing.assert_allclose(G, A @ x - b, atol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {"blocks": 2, "inner": 5},
        {"blocks": 1, "inner": 5, "selection": "shuffle"},
        {"blocks": 1, "inner": 5, "update": "newton"},
        {"blocks": 1, "inner": 0},
    ],
)
def test_many_updates_need_single_variables_and_a_greedy_rule(options):
    A, b = random_laplacian(7)
    with pytest.raises(OptionError, match="inner"):
        solved(Composite(QuadForm(A, b)), **options)
    with pytest.raises(OptionError, match="inner"):
        solved(smooth_problem(0)[0], blocks=1, selection="gs", inner=5)
