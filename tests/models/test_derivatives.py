"""Finite differences: accuracy, bounds, grouping; and the check of given derivatives."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix, random_array

from numopt.core.errors import DerivativeError
from numopt.models.callable_nlp import CallableNLP, NonlinearRows
from numopt.models.derivatives import (
    FORMULAS,
    check_derivatives,
    dense_jacobian,
    displaced,
    grouped_columns,
    probe_sparsity,
    sparse_jacobian,
    typical_sizes,
)

TOLERANCE = {"2-point": 1e-6, "3-point": 1e-9, "cs": 1e-14}


def smooth(x):
    return np.array([np.sin(x[0]) * x[1], np.exp(x[2]), x[0] * x[1] * x[2]])


def smooth_jacobian(x):
    return np.array(
        [
            [np.cos(x[0]) * x[1], np.sin(x[0]), 0.0],
            [0.0, 0.0, np.exp(x[2])],
            [x[1] * x[2], x[0] * x[2], x[0] * x[1]],
        ]
    )


def each(function, seen=None):
    """Return an evaluator of points that records them."""

    def evaluate(points):
        for point in points:
            if seen is not None:
                seen.append(point)
            yield function(point)

    return evaluate


FREE = np.full(3, -np.inf), np.full(3, np.inf)


@pytest.mark.parametrize("formula", FORMULAS)
def test_formulas_reach_their_accuracy(formula):
    x = np.array([0.3, -1.2, 0.7])
    J = dense_jacobian(each(smooth), x, smooth(x), *FREE, formula)
    np.testing.assert_allclose(
        J, smooth_jacobian(x), rtol=TOLERANCE[formula], atol=1e-7 * (formula != "cs")
    )


def test_typical_sizes_of_tiny_start_values():
    scale = np.array([1e-8, 1.0, 1e-7, 1.0])
    x = np.array([3e-8, -2e-7, 4e-7, 0.3])  # the second is next to zero by chance
    seen = []

    def steep(x):
        z = x / scale
        return np.array([z[0] ** 3 + z[1], z[2] ** 2 * z[0] + np.cos(z[3])])

    lb, ub = np.full(4, -np.inf), np.full(4, np.inf)
    typical = typical_sizes(each(steep, seen), x, lb, ub)
    np.testing.assert_array_equal(typical, [3e-8, 1, 4e-7, 1])
    assert len(seen) == 7
    J = dense_jacobian(each(steep), x, steep(x), lb, ub, typical=typical) * scale
    np.testing.assert_allclose(J[:, :2], [[27, 1], [16, 0]], rtol=1e-6, atol=1e-6)
    J = dense_jacobian(each(steep), x, steep(x), lb, ub) * scale
    assert J[0, 0] != pytest.approx(27, rel=0.1)


def test_typical_sizes_cost_nothing_where_no_start_value_is_tiny():
    seen = []
    x = np.array([0.0, 1e-3, -5.0])
    np.testing.assert_array_equal(typical_sizes(each(smooth, seen), x, *FREE), 1.0)
    assert seen == []


def test_typical_sizes_stay_inside_the_bounds():
    seen, x = [], np.array([1e-9, 1e-5, 1.0])
    lb, ub = np.array([1e-9, 0.0, 1.0]), np.array([2e-9, 1e-5, 1.0])
    typical_sizes(each(smooth, seen), x, lb, ub)
    assert all((lb <= point).all() and (point <= ub).all() for point in seen)


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("side", ["lower", "upper", "both", "narrow", "adjacent"])
def test_differences_never_leave_the_bounds_and_stay_accurate(formula, side):
    x = np.array([0.3, -1.2, 0.7])
    reach = {"narrow": 1e-9, "both": 1e-4, "adjacent": 0.0}.get(side, 1.0)
    lb = x - (0.0 if side == "lower" else reach)
    ub = x + (0.0 if side == "upper" else reach)
    if side == "adjacent":
        ub = np.nextafter(x, np.inf)
    seen = []
    J = dense_jacobian(each(smooth, seen), x, smooth(x), lb, ub, formula)
    points = np.real(np.array(seen))
    assert (points >= lb).all()
    assert (points <= ub).all()
    if side in ("lower", "upper", "both") or formula == "cs":
        accuracy = {"2-point": 1e-6, "3-point": 1e-8, "cs": 1e-14}[formula]
        np.testing.assert_allclose(J, smooth_jacobian(x), rtol=accuracy, atol=1e-9)
    assert np.isfinite(J).all()


def test_three_points_at_a_bound_are_of_second_order():
    x, lb, ub = np.array([1.0]), np.array([1.0]), np.array([np.inf])
    targets = displaced(x, "3-point", lb, ub)
    assert targets.shape == (2, 1)
    assert (targets > x).all()
    J = dense_jacobian(each(lambda p: p**3), x, x**3, lb, ub, "3-point")
    assert abs(J[0, 0] - 3.0) < 1e-9


def test_fixed_variables_are_not_moved():
    x = np.array([0.3, -1.2, 0.7])
    reach = np.array([1.0, 0.0, 1.0])
    lb, ub = x - reach, x + reach
    seen = []
    J = dense_jacobian(each(smooth, seen), x, smooth(x), lb, ub)
    assert len(seen) == 2
    assert all(point[1] == x[1] for point in seen)
    assert (J[:, 1] == 0.0).all()


def test_steps_follow_the_sign_of_x_and_a_users_relative_step():
    x, lb, ub = np.array([4.0, -4.0]), np.full(2, -np.inf), np.full(2, np.inf)
    steps = displaced(x, "2-point", lb, ub)[0] - x
    assert steps[0] > 0 > steps[1]
    np.testing.assert_allclose(np.abs(steps), 4 * np.sqrt(np.finfo(float).eps), rtol=1e-6)
    own = displaced(x, "2-point", lb, ub, rel_step=np.array([-1e-3, 1e-3]))[0] - x
    np.testing.assert_allclose(own, [-4e-3, 4e-3], rtol=1e-9)


def tridiagonal(x):
    return np.concatenate([[0.0], x[:-1]]) * x + np.sin(x) + np.concatenate([x[1:] ** 2, [0.0]])


def tridiagonal_pattern(n):
    i = np.arange(n)
    return csr_matrix((abs(i[:, None] - i) <= 1).astype(float))


@pytest.mark.parametrize("formula", FORMULAS)
def test_grouped_columns_give_the_same_jacobian_in_three_groups(formula):
    n = 50
    x = np.linspace(-1.0, 1.0, n)
    lb, ub = np.full(n, -np.inf), np.full(n, np.inf)
    groups = grouped_columns(tridiagonal_pattern(n), lb < ub)
    assert len(groups) == 3
    seen = []
    J = sparse_jacobian(each(tridiagonal, seen), x, tridiagonal(x), lb, ub, groups, formula)
    assert len(seen) == 3 * (2 if formula == "3-point" else 1)
    dense = dense_jacobian(each(tridiagonal), x, tridiagonal(x), lb, ub, formula)
    np.testing.assert_array_equal(J.toarray(), dense)


def test_columns_of_a_group_share_no_row():
    rng = np.random.default_rng(1)
    pattern = random_array((40, 60), density=0.08, rng=rng, format="csr")
    free = rng.random(60) < 0.9
    groups = grouped_columns(pattern, free)
    covered = np.zeros(pattern.shape, dtype=int)
    for rows, cols in groups:
        assert np.unique(rows).size == rows.size
        covered[rows, cols] += 1
    expected = (pattern.toarray() != 0) & free
    np.testing.assert_array_equal(covered, expected)


def test_empty_problems_have_empty_derivatives():
    nothing = np.zeros(0)
    assert dense_jacobian(each(smooth), nothing, np.zeros(2), nothing, nothing).shape == (2, 0)
    groups = grouped_columns(csr_matrix((0, 3)), np.ones(3, dtype=bool))
    J = sparse_jacobian(each(smooth), np.ones(3), nothing, *FREE, groups)
    assert J.shape == (0, 3)
    assert probe_sparsity(smooth, nothing).shape == (0, 0)


def test_probed_pattern_contains_the_true_one():
    pattern = probe_sparsity(smooth, [0.0, 0.0, 0.0]).toarray()
    np.testing.assert_array_equal(pattern, [[1, 1, 0], [0, 0, 1], [1, 1, 1]])


def test_values_that_are_not_finite_pass_silently():
    x = np.array([1.0])
    J = dense_jacobian(each(lambda p: np.full(1, np.inf)), x, np.array([np.inf]), -x, 2 * x)
    assert np.isnan(J).all()


# -- check_derivatives ---------------------------------------------------------------------------


def problem(grad=None, jac=None, hess=None, x0=(0.5, -0.3), **bounds):
    ring = NonlinearRows(
        lambda x: [x @ x, x[0] * x[1]],
        jac=jac or (lambda x: np.array([2 * x, x[::-1]])),
        hess=lambda x, v: 2 * v[0] * np.eye(2) + v[1] * np.array([[0, 1], [1, 0]]),
    )
    return CallableNLP(
        lambda x: x[0] ** 3 + x[1] ** 2,
        x0,
        grad or (lambda x: np.array([3 * x[0] ** 2, 2 * x[1]])),
        hess or (lambda x: np.diag([6 * x[0], 2.0])),
        constraints=[ring],
        **bounds,
    )


@pytest.mark.parametrize("x", [None, [0.0, 0.0], [1.0, 2.0], [1e6, -1e6]])
def test_right_derivatives_agree(x):
    report = check_derivatives(problem(), x)
    assert report.ok
    assert report.checked == ("gradient", "Jacobian", "Hessian")
    assert "agree" in repr(report)


@pytest.mark.parametrize("x", [None, [1.0, 2.0], [1e6, -1e6]])
def test_right_derivatives_agree_along_directions(x):
    report = check_derivatives(problem(), x, directions=2)
    assert report.ok
    assert len(report.checked) == 2


def test_check_leaves_the_counters_alone_and_respects_the_bounds():
    seen = []

    def fun(x):
        seen.append(x)
        return x[0] ** 2 + x[1]

    nlp = CallableNLP(fun, [0.0, 1.0], lambda x: [2 * x[0], 1.0], lb=[0.0, 1.0], ub=[1e-3, 1.0])
    assert check_derivatives(nlp).ok
    assert check_derivatives(nlp, directions=2).ok
    assert nlp.counts.fun == 0
    assert all(0.0 <= x[0] <= 1e-3 and x[1] == 1.0 for x in seen)


def test_two_directions_cost_four_calls():
    calls = []
    nlp = CallableNLP(lambda x: calls.append(1) or x @ x, np.ones(20), lambda x: 2 * x)
    assert check_derivatives(nlp, directions=2).ok
    assert len(calls) == 4


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_wrong_gradient_is_found_at_every_scale(scale):
    nlp = CallableNLP(
        lambda x: scale * (x[0] ** 3 + x[1] ** 2),
        [0.5, -0.3],
        lambda x: scale * np.array([3 * x[0] ** 2, 2.02 * x[1]]),
    )
    with pytest.raises(DerivativeError, match=r"gradient\[1\]: given .*, expected "):
        check_derivatives(nlp, raise_error=True)
    report = check_derivatives(nlp)
    assert report.worst[0].index == (1,)
    assert report.error == pytest.approx(0.02 / 2.02, rel=1e-3)
    assert "DISAGREE" in repr(report)
    assert not check_derivatives(nlp, directions=2).ok


def test_wrong_jacobian_and_wrong_hessian_are_named():
    wrong = problem(jac=lambda x: np.array([2 * x, x]))
    worst = check_derivatives(wrong).worst[0]
    assert worst.name in ("Jacobian", "Hessian")
    names = {entry.name for entry in check_derivatives(wrong, worst=20).worst if entry.error > 0.1}
    assert "Jacobian" in names
    worst = check_derivatives(problem(hess=lambda x: np.diag([6 * x[0], 3.0]))).worst[0]
    assert (worst.name, worst.index) == ("Hessian", (1, 1))


def test_derivative_that_is_not_finite_counts_as_wrong():
    report = check_derivatives(problem(grad=lambda x: np.array([np.nan, 2 * x[1]])))
    assert not report.ok
    assert report.error == np.inf


def test_differences_are_not_checked_against_themselves():
    nlp = CallableNLP(lambda x: x @ x, [1.0, 2.0])
    report = check_derivatives(nlp)
    assert report.checked == ()
    assert report.ok
