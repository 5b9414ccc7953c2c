"""Penalties with something wrong in them."""

import numpy as np
import pytest
from composite_examples import INF, NAN, Own, X, Y, problem

from numopt import (
    L1,
    MCP,
    SCAD,
    BoxConstraint,
    ElasticNet,
    GroupL2,
    InputTypeError,
    LeastSquares,
    ProblemError,
    SparseGroup,
    Status,
    UserProx,
    solve,
)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: L1(-1.0), "`lam` must not be negative, got -1.0"),
        (lambda: L1(NAN), "`lam` must hold finite numbers only"),
        (lambda: L1(INF), "`lam` must hold finite numbers"),
        (lambda: L1([1.0, 2.0]), "`lam` must have 1 entries"),
        (lambda: L1(1.0, weights=[1.0, NAN, 1.0]), "`weights` must hold numbers only, entry 1"),
        (lambda: L1(1.0, weights=[1.0, -1.0, 1.0]), "`weights` must not be negative"),
        (lambda: problem(L1(1.0, weights=[1.0, 1.0])), "`weights` must have 3 entries"),
        (lambda: problem(ElasticNet(1.0, 1.0, weights=[1.0, 1.0])), "`weights` must have 3"),
        (lambda: ElasticNet(1.0, -1.0), "`mu` must not be negative"),
        (lambda: ElasticNet(1.0, NAN), "`mu`"),
        (lambda: GroupL2(NAN, 2), "`lam`"),
        (lambda: GroupL2(-1.0, 2), "`lam` must not be negative"),
        (lambda: SparseGroup(1.0, -1.0, 2), "must not be negative"),
        (lambda: problem(GroupL2(1.0, [[0, 1], [1, 2]])), "in one group"),
        (lambda: problem(GroupL2(1.0, [[0], [2]])), "each of the 3 variables"),
        (lambda: problem(GroupL2(1.0, [[0, 1], [2, 3]])), "each of the 3 variables"),
        (lambda: problem(GroupL2(1.0, [[0, 1], [-1]])), "each of the 3 variables"),
        (lambda: problem(GroupL2(1.0, [[0, 1, 2], []])), "none be empty"),
        (lambda: problem(GroupL2(1.0, [[0.5, 1.0], [2.0]])), "vectors of indices"),
        (lambda: problem(GroupL2(1.0, "ab")), "vectors of indices"),
        (lambda: problem(GroupL2(1.0, 0)), "positive length"),
        (lambda: problem(GroupL2(1.0, [[0, 1], [2]], weights=[1.0] * 3)), "`weights`"),
        (lambda: GroupL2(1.0, [[0, 1], [2]], weights=[1.0, -1.0]), "`weights`"),
        (lambda: MCP(1.0, gamma=0.5), "`gamma` must be > 1.0"),
        (lambda: MCP(1.0, gamma=NAN), "`gamma`"),
        (lambda: MCP(1.0, weights=INF), "`weights` must be finite"),
        (lambda: SCAD(1.0, gamma=1.5), "`gamma` must be > 2.0"),
        (lambda: SCAD(-1.0), "`lam` must not be negative"),
        (lambda: BoxConstraint(NAN, 1.0), "`lower` must hold numbers only"),
        (lambda: problem(BoxConstraint(1.0, 0.0)), "no value of variable 0"),
        (lambda: problem(BoxConstraint(INF)), "no value of variable 0"),
        (lambda: problem(BoxConstraint([0.0, 1.0])), "`lower` must have 3 entries"),
    ],
)
def test_wrong_penalties(make, match):
    with pytest.raises(ProblemError, match=match):
        make()


@pytest.mark.parametrize("options", [{}, {"blocks": 1}])
@pytest.mark.parametrize("penalty", [MCP(0.01, 3.0), SCAD(0.01, 3.0)])
def test_concave_penalties_without_a_proximal_point(penalty, options):
    P = problem(penalty, LeastSquares(0.1 * X, Y))  # gamma times the curvature is below 1
    with pytest.raises(ProblemError, match="no proximal point"):
        solve(P, method="bcd", options=options)


@pytest.mark.parametrize(
    ("prox", "value", "match"),
    [
        (lambda v, t, b: v[:1], lambda x: 0.0, "prox returned shape"),
        (lambda v, t, b: v, lambda x: np.ones(2), "value returned an array of shape"),
    ],
)
def test_proximal_maps_of_the_wrong_shape(prox, value, match):
    with pytest.raises(ProblemError, match=match):
        solve(problem(UserProx(prox, value)))


@pytest.mark.parametrize("answer", [None, "a", 1j])
def test_values_of_the_wrong_type(answer):
    with pytest.raises(InputTypeError, match="value returned"):
        solve(problem(UserProx(lambda v, t, b: v, lambda x: answer)))
    with pytest.raises(InputTypeError, match="prox returned"):
        solve(problem(UserProx(lambda v, t, b: answer, lambda x: 0.0)))


def test_undefined_proximal_points_are_no_success():
    res = solve(problem(UserProx(lambda v, t, b: NAN * v, lambda x: 0.0)))
    assert res.status == Status.NONFINITE
    assert np.isfinite(res.x).all()


def test_exceptions_of_proximal_maps_reach_the_user():
    def prox(v, t, b):
        raise Own("mine")

    with pytest.raises(Own, match="mine"):
        solve(problem(UserProx(prox, lambda x: 0.0)))


def test_proximal_maps_may_overwrite_their_arguments():
    def vandal(v, t, b):
        found = np.maximum(v, 0.0)
        v[:] = NAN
        return found

    def value(x):
        x[:] = NAN
        return 0.0

    res = solve(problem(UserProx(vandal, value)), tol=1e-9)
    reference = solve(problem(BoxConstraint(0.0)), tol=1e-12)
    assert res.success
    np.testing.assert_allclose(res.x, reference.x, atol=1e-7)
