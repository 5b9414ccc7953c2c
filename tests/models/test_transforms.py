"""The equality form against the problem that it stands for."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix, issparse

from numopt.core.errors import Status, Stop
from numopt.models.nlp import NLP
from numopt.models.transforms import (
    BOUND_RELAXATION,
    SLACK_RELAXATION,
    EqualityForm,
    gradient_scales,
)

INF = np.inf


class Mixed(NLP):
    """Five variables, one of them fixed; an equation, three kinds of inequalities, a free row."""

    def __init__(self):
        x0, lb, ub = np.array([0.5, 2.0, -1.0, 0.3, 1.0]), np.full(5, -INF), np.full(5, INF)
        lb[[0, 1]], ub[[0, 1]] = (-1.0, 2.0), (4.0, 2.0)
        super().__init__(x0, lb, ub, cl=[1, -INF, 0, -1, -INF], cu=[1, 3, INF, 1, INF])

    def _fun(self, x):
        return float(1000 * x[0] ** 3 + x[1] * x[2] ** 2 + np.exp(x[3]) * x[4])

    def _grad(self, x):
        e = np.exp(x[3])
        return np.array([3000 * x[0] ** 2, x[2] ** 2, 2 * x[1] * x[2], e * x[4], e])

    def _cons(self, x):
        return np.array([400 * x[0] * x[1], x @ x, x[2] * x[3], x[4] ** 2, x[0]])

    def _jac(self, x):
        J = np.zeros((5, 5))
        J[0, :2] = 400 * x[1], 400 * x[0]
        J[1] = 2 * x
        J[2, 2:4] = x[3], x[2]
        J[3, 4] = 2 * x[4]
        J[4, 0] = 1
        return csr_matrix(J)

    def _hess(self, x, y):
        H, e = 2 * y[1] * np.eye(5), np.exp(x[3])
        H[0, 0] += 6000 * x[0]
        H[2, 2] += 2 * x[1]
        H[3, 3] += e * x[4]
        H[4, 4] += 2 * y[3]
        for i, j, h in [(1, 2, 2 * x[2]), (3, 4, e), (0, 1, 400 * y[0]), (2, 3, y[2])]:
            H[i, j] += h
            H[j, i] += h
        return csr_matrix(H)


@pytest.fixture(params=[500, 0], ids=["dense", "sparse"])
def form(request):
    problem = Mixed()
    return EqualityForm(problem, *gradient_scales(problem, problem.x0), request.param)


def dense(matrix):
    return matrix.toarray() if issparse(matrix) else matrix


def inside(w, lower, upper):
    return np.clip(w, lower + 0.01, upper - 0.01)


def differences(function, w, h=1e-6):
    columns = [(function(w + h * e) - function(w - h * e)) / (2 * h) for e in np.eye(w.size)]
    return np.array(columns).T


def test_sizes(form):
    assert (form.n_x, form.n, form.m) == (4, 7, 4)
    assert form.dense == (form.problem.n < 500 and isinstance(form.A(np.ones(7)), np.ndarray))
    assert form.free


def test_points_there_and_back(form):
    x = np.array([0.1, 2.0, 0.3, 0.4, 0.5])
    w = form.start(x, inside)
    np.testing.assert_array_equal(form.full(w), x)
    assert (w >= form.lower).all()
    assert (w <= form.upper).all()


def test_slacks_start_at_their_rows_where_these_are_inside(form):
    w = form.start(np.array([0.5, 2.0, 0.3, 0.4, 0.5]), inside)
    C = form.C(w)
    np.testing.assert_allclose(C[2:], 0, atol=1e-12)
    assert C[1] * form.c_scale[1] > 0  # x'x > 3: its slack stays below the bound


def test_bounds_are_those_of_the_problem_scaled_and_a_little_relaxed(form):
    low, up = -1 - BOUND_RELAXATION, 4 * (1 + BOUND_RELAXATION)
    np.testing.assert_array_equal(form.lower[:4], [low, -INF, -INF, -INF])
    np.testing.assert_array_equal(form.upper[:4], [up, INF, INF, INF])
    x = form.full(np.full(form.n, 9.0))  # functions are never evaluated outside the bounds
    assert (form.problem.lb <= x).all()
    assert (x <= form.problem.ub).all()
    s = form.c_scale[1:]
    np.testing.assert_allclose(form.lower[4:], s * (np.array([-INF, 0, -1]) - SLACK_RELAXATION))
    np.testing.assert_allclose(form.upper[4:], s * (np.array([3, INF, 1]) + SLACK_RELAXATION))


def test_scales_bring_gradients_down_to_100_and_never_up():
    problem = Mixed()
    f_scale, c_scale = gradient_scales(problem, problem.x0)
    free = [0, 2, 3, 4]
    g, J = problem.grad(problem.x0)[free], problem.jac(problem.x0).toarray()[:, free]
    assert np.abs(f_scale * g).max() == pytest.approx(100)
    assert c_scale[0] * 800 == pytest.approx(100)
    np.testing.assert_array_equal(c_scale[1:], 1)
    assert (np.abs(c_scale[:, None] * J) <= 100 + 1e-9).all()


@pytest.mark.parametrize(("where", "detail"), [("grad", "entry 2 of"), ("jac", r"entry \(2, 3\)")])
def test_undefined_derivatives_are_named(where, detail, monkeypatch):
    problem = Mixed()
    value = getattr(problem, where)(problem.x0)
    if where == "grad":
        value[2] = np.nan
    else:
        value[2, 3] = np.inf
    monkeypatch.setattr(problem, f"_{where}", lambda x: value)
    with pytest.raises(Stop, match=detail) as info:
        gradient_scales(problem, problem.x0)
    assert info.value.status is Status.NONFINITE
    form = EqualityForm(problem, 1.0, np.ones(5), 500)
    assert not form.differentiable(form.start(problem.x0, inside))


def test_derivatives_agree_with_differences(form, rng):
    w = form.start(form.problem.x0, inside) + 0.01 * rng.standard_normal(form.n)
    y = rng.standard_normal(form.m)
    assert form.differentiable(w)
    np.testing.assert_allclose(form.g(w), differences(form.f, w), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(dense(form.A(w)), differences(form.C, w), rtol=1e-6, atol=1e-6)

    def lagrangian_gradient(v):
        return form.g(v) + form.A(v).T @ y

    H = dense(form.H(w, y))
    np.testing.assert_allclose(H, differences(lagrangian_gradient, w), rtol=1e-5, atol=1e-5)
    rows = dense(form.H_rows(w, y))
    np.testing.assert_allclose(
        rows, differences(lambda v: form.A(v).T @ y, w), rtol=1e-5, atol=1e-5
    )


def test_multipliers_of_the_form_are_those_of_the_problem(form, rng):
    """The gradients of the two Lagrangians agree up to the scale of the objective."""
    w = form.start(form.problem.x0, inside)
    y, z_lower, z_upper = (rng.uniform(0, 1, k) for k in (form.m, form.n, form.n))
    own = (form.g(w) + form.A(w).T @ y - z_lower + z_upper)[: form.n_x] / form.f_scale
    problem, x = form.problem, form.full(w)
    full = (
        problem.grad(x)
        + problem.jac(x).T @ form.row_multipliers(y)
        - form.bound_multipliers(z_lower)
        + form.bound_multipliers(z_upper)
    )
    np.testing.assert_allclose(full[[0, 2, 3, 4]], own, rtol=1e-10)
    assert form.row_multipliers(y)[4] == 0  # the row without a bound
    assert form.bound_multipliers(z_lower)[1] == 0  # the fixed variable


def test_better_slacks_lower_the_violation_and_leave_the_bounds(form):
    w = form.start(form.problem.x0, inside)
    w[4:] = [form.upper[4] - 1.0, form.lower[5] + 1.0, 0.0]
    C = form.C(w)
    better, changed = form.with_better_slacks(w, C)
    np.testing.assert_allclose(form.C(better), changed, atol=1e-12)
    assert np.abs(changed).sum() <= np.abs(C).sum()
    assert (better[4:6] <= form.upper[4:6]).all()
    assert (better[4:6] >= form.lower[4:6]).all()
    np.testing.assert_array_equal(better[[0, 1, 2, 3, 6]], w[[0, 1, 2, 3, 6]])


def test_best_slacks_leave_the_violation_of_the_rows(form):
    w = form.start(form.problem.x0 + 0.3, np.clip)
    w, C = form.with_best_slacks(w, form.C(w))
    assert ((form.lower <= w) & (w <= form.upper))[form.n_x :].all()
    np.testing.assert_allclose(form.C(w), C, atol=1e-12)
    lower, upper = form.sides(w, C)
    violation = np.maximum(0.0, np.maximum(lower, -upper))
    np.testing.assert_allclose(np.abs(C), violation, atol=1e-12)


def test_sides_are_what_a_change_of_the_rows_may_be(form, rng):
    w = form.start(form.problem.x0, np.clip)
    lower, upper = form.sides(w, form.C(w))
    moved = w.copy()
    moved[form.n_x :] += rng.standard_normal(form.n - form.n_x)  # slacks do not matter
    for old, new in zip((lower, upper), form.sides(moved, form.C(moved)), strict=True):
        np.testing.assert_allclose(new, old)


def test_minus_infinity_counts_at_feasible_points_only():
    problem = NLP([0.0], cl=[0], cu=[0]).armed()
    problem._fun, problem._cons = lambda x: -INF, lambda x: x.copy()
    form = EqualityForm(problem, 1.0, np.ones(1), 500)
    form.C(np.ones(1))
    assert form.f(np.ones(1)) == -INF
    form.C(np.zeros(1))
    with pytest.raises(Stop) as info:
        form.f(np.zeros(1))
    assert info.value.status is Status.UNBOUNDED


def test_no_free_variable():
    form = EqualityForm(NLP([1.0], lb=1, ub=1), 1.0, np.zeros(0), 500)
    assert not form.free
    np.testing.assert_array_equal(form.full(np.zeros(0)), [1.0])
