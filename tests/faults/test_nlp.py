"""Nonlinear programs with something wrong in them: each fault has its one right answer."""

import hashlib
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import Bounds, LinearConstraint, NonlinearConstraint

import cutest_problems
import numopt
from numopt import Status
from numopt.models.kkt import kkt_residual

minimize = partial(numopt.minimize, method="sketched_newton", rng=0)
solve = partial(numopt.solve, method="sketched_newton", rng=0)
START = [-1.2, 1.0]


class Own(Exception):
    pass


class Counting:
    """A function that counts its calls, and goes wrong after the first `good` ones."""

    def __init__(self, function, good=np.inf, fault=None):
        self.function, self.good, self.fault = function, good, fault
        self.calls = 0

    def __call__(self, x):
        self.calls += 1
        if self.calls <= self.good:
            return self.function(x)
        if isinstance(self.fault, BaseException):
            raise self.fault
        return self.fault


def bowl(x):
    return float(((x - 1) ** 2).sum())


def bowl_grad(x):
    return 2 * (x - 1)


def bowl_hess(x):
    return 2 * np.eye(x.size)


def rosenbrock(x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


def rosenbrock_grad(x):
    slope = x[1] - x[0] ** 2
    return np.array([-400 * x[0] * slope - 2 * (1 - x[0]), 200 * slope])


def rosenbrock_hess(x):
    return np.array([[1200 * x[0] ** 2 - 400 * x[1] + 2, -400 * x[0]], [-400 * x[0], 200.0]])


BOWL = {"jac": bowl_grad, "hess": bowl_hess}
ROSENBROCK = {"jac": rosenbrock_grad, "hess": rosenbrock_hess}


def ring(lower, upper):
    return NonlinearConstraint(
        lambda x: x @ x,
        lower,
        upper,
        jac=lambda x: 2 * x,
        hess=lambda x, v: 2 * v[0] * np.eye(x.size),
    )


def assert_bitwise(a, b):
    assert (a.status, a.nit, a.fun, a.counts) == (b.status, b.nit, b.fun, b.counts)
    np.testing.assert_array_equal(a.x, b.x)


# -- what the user's functions may do ------------------------------------------------------------


def test_objective_raises_at_the_start():
    error = Own("mine")
    with pytest.raises(Own) as info:
        minimize(Counting(rosenbrock, 0, error), START)
    assert info.value is error
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    assert error.__notes__ == ["raised in iteration 0, evaluation 1 of the objective"]


def test_objective_raises_later():
    fun, error = Counting(rosenbrock, 9, Own("mine")), None
    with pytest.raises(Own) as info:
        minimize(fun, START, **ROSENBROCK)
    error = info.value
    assert error is fun.fault
    assert f"evaluation {fun.calls}" in error.__notes__[0]
    assert error.numopt_result.fun < rosenbrock(START)
    assert error.numopt_result.nfev == fun.calls
    assert not error.numopt_result.success


def test_objective_raises_stop_iteration():
    with pytest.raises(StopIteration, match="mine") as info:
        minimize(Counting(rosenbrock, 5, StopIteration("mine")), START, **ROSENBROCK)
    assert np.isfinite(info.value.numopt_result.fun)


@pytest.mark.parametrize("what", ["jac", "hess"])
def test_derivative_raises_later(what):
    faulty = Counting(ROSENBROCK[what], 3, Own("mine"))
    with pytest.raises(Own) as info:
        minimize(rosenbrock, START, **ROSENBROCK | {what: faulty})
    assert np.isfinite(info.value.numopt_result.x).all()


def test_constraint_raises_later():
    faulty = Counting(lambda x: x @ x, 3, Own("mine"))
    constraint = NonlinearConstraint(faulty, 2, 2, jac=lambda x: 2 * x)
    with pytest.raises(Own) as info:
        minimize(bowl, START, **BOWL, constraints=constraint)
    assert np.isfinite(info.value.numopt_result.x).all()


def test_errors_count_as_nan_if_asked_for():
    fun = Counting(rosenbrock, 9, Own("mine"))
    with pytest.warns(RuntimeWarning, match="Own: mine; counted as NaN") as seen:
        res = minimize(fun, START, **ROSENBROCK, options={"on_error": "nan"})
    assert len(seen) == 1
    assert res.status == Status.NONFINITE
    assert "20 exceptions in a row" in res.message
    assert fun.calls == res.nfev == 29
    assert np.isfinite(res.fun)
    assert res.fun <= rosenbrock(START)


def test_single_errors_are_survived_if_asked_for():
    class Sometimes(Counting):
        def __call__(self, x):
            value = super().__call__(x)
            if self.calls % 4 == 0:
                raise Own("mine")
            return value

    with pytest.warns(RuntimeWarning, match="counted as NaN"):
        res = minimize(Sometimes(rosenbrock), START, **ROSENBROCK, options={"on_error": "nan"})
    assert res.success


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("more", [{}, {"bounds": [(-2, 2)] * 2}, {"constraints": ring(-1, 3)}])
def test_undefined_at_a_trial_point(value, more):
    """A wall beside the path: the step is shortened, the answer is found."""
    fun = Counting(lambda x: rosenbrock(x) if x[1] < 1.2 else value)
    res = minimize(fun, [-1.0, 0.5], **ROSENBROCK, **more)
    assert res.success
    assert fun.calls == res.nfev
    np.testing.assert_allclose(res.x, [1, 1], atol=1e-3)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_constraint_undefined_at_a_trial_point(value):
    def c(x):
        return x @ x if abs(x[0]) < 1.5 else value

    constraint = NonlinearConstraint(c, 2, 2, jac=lambda x: 2 * x)
    res = minimize(lambda x: x.sum(), [0.1, -0.2], jac=lambda x: np.ones(2), constraints=constraint)
    assert res.success
    np.testing.assert_allclose(res.x, [-1, -1], atol=1e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("bounds", [None, [(-2, 2)] * 2])
def test_undefined_at_the_start(value, bounds):
    fun = Counting(lambda x: value)
    res = minimize(fun, START, bounds=bounds)
    assert res.status == Status.NONFINITE
    assert not res.success
    np.testing.assert_array_equal(res.x, START)
    assert fun.calls == res.nfev <= 11


def test_start_is_moved_out_of_an_undefined_region_within_the_bounds():
    seen = []

    def fun(x):
        seen.append(x)
        return bowl(x) if x[0] > 0 else np.nan

    res = minimize(fun, [0.0, 0.5], **BOWL, bounds=[(0, 3), (0, 3)])
    assert res.success
    assert all(((x >= 0) & (x <= 3)).all() for x in seen)


def test_minus_infinity_at_the_start():
    res = minimize(lambda x: -np.inf, START)
    assert res.status == Status.UNBOUNDED
    assert not res.success
    np.testing.assert_array_equal(res.x, START)


def test_minus_infinity_later():
    line = {"jac": lambda x: [-1.0], "hess": lambda x: [[0.0]]}
    res = minimize(lambda x: -x[0] if x[0] < 5 else -np.inf, [0.0], **line)
    assert res.status == Status.UNBOUNDED
    assert not res.success
    assert np.isfinite(res.fun)


def test_minus_infinity_at_an_infeasible_point_says_nothing():
    constraint = LinearConstraint([[1.0, 1.0]], 1, 1)

    def fun(x):
        return bowl(x) if abs(x.sum() - 1) < 1e-6 else -np.inf

    res = minimize(fun, [0.25, 0.75], **BOWL, constraints=constraint)
    assert res.success
    np.testing.assert_allclose(res.x, [0.5, 0.5], atol=1e-6)


@pytest.mark.parametrize(
    ("fun", "grad"),
    [
        (lambda x: x.sum(), lambda x: np.ones(2)),
        (lambda x: -(x @ x), lambda x: -2 * x),
        (lambda x: (x**3).sum(), lambda x: 3 * x**2),
        (lambda x: -np.exp(x).sum(), lambda x: -np.exp(x)),
    ],
)
def test_objective_without_a_lower_bound(fun, grad):
    res = minimize(fun, START, jac=grad)
    assert res.status == Status.UNBOUNDED
    assert not res.success


def test_objective_without_a_lower_bound_on_a_line():
    line = LinearConstraint([[1.0, 1.0]], 0, 0)
    res = minimize(lambda x: x[0] - x[1], [1, -1], jac=lambda x: [1, -1], constraints=line)
    assert res.status == Status.UNBOUNDED


def test_objective_without_a_lower_bound_beside_a_bound():
    given = {"jac": lambda x: np.ones(2), "bounds": [(0, None), (None, None)]}
    res = minimize(lambda x: x.sum(), [1.0, 1.0], **given)
    assert res.status == Status.UNBOUNDED
    assert not res.success


def test_gradient_undefined_at_the_start():
    res = minimize(rosenbrock, START, jac=lambda x: [1.0, np.nan])
    assert res.status == Status.NONFINITE
    assert "entry 1 of the gradient" in res.message
    np.testing.assert_array_equal(res.x, START)


def test_jacobian_undefined_at_the_start():
    constraint = NonlinearConstraint(
        lambda x: [x[0], x.sum()], 0, 3, jac=lambda x: [[0.0, 1.0], [1.0, np.inf]]
    )
    res = minimize(rosenbrock, START, **ROSENBROCK, constraints=constraint)
    assert res.status == Status.NONFINITE
    assert "entry (1, 1) of the Jacobian" in res.message


def test_hessian_undefined_at_the_start():
    hess = {"jac": rosenbrock_grad, "hess": lambda x: np.full((2, 2), np.nan)}
    res = minimize(rosenbrock, START, **hess)
    assert res.status == Status.NONFINITE
    assert "the Hessian" in res.message
    np.testing.assert_array_equal(res.x, START)


@pytest.mark.parametrize("more", [{}, {"bounds": [(-2, 2)] * 2}, {"constraints": ring(2, 2)}])
def test_gradient_undefined_at_a_trial_point(more):
    def grad(x):
        return rosenbrock_grad(x) if not 0 < x[0] < 0.2 else np.full(2, np.nan)

    res = minimize(rosenbrock, START, jac=grad, **more)
    assert res.success
    assert np.isfinite(grad(res.x)).all()


def test_hessian_undefined_later():
    hess = Counting(rosenbrock_hess, 4, np.full((2, 2), np.nan))
    res = minimize(rosenbrock, START, jac=rosenbrock_grad, hess=hess)
    assert res.status == Status.NONFINITE
    assert res.fun < rosenbrock(START)


@pytest.mark.parametrize(
    ("value", "name"),
    [(None, "NoneType"), ("3", "str"), (object(), "object"), ([None], "list"), ({}, "dict")],
)
def test_objective_returns_no_number(value, name):
    expected = rf"objective returned {name}, expected a float \(evaluation 1\)"
    with pytest.raises(TypeError, match=expected):
        minimize(lambda x: value, START)


def test_objective_returns_none_later():
    with pytest.raises(TypeError, match=r"objective returned NoneType.*evaluation 6"):
        minimize(Counting(rosenbrock, 5, None), START, **ROSENBROCK)


@pytest.mark.parametrize(
    "form", [lambda f: [f], lambda f: np.array([f]), lambda f: np.array(f), lambda f: ((f,),)]
)
def test_objective_returns_one_entry(form):
    reference = minimize(rosenbrock, START, **ROSENBROCK)
    assert_bitwise(minimize(lambda x: form(rosenbrock(x)), START, **ROSENBROCK), reference)


@pytest.mark.parametrize("shape", [(2,), (1, 2), (0,), (2, 2)])
def test_objective_returns_a_wrong_shape(shape):
    with pytest.raises(ValueError, match=rf"objective returned.*\({shape[0]},"):
        minimize(lambda x: np.zeros(shape), START)


@pytest.mark.parametrize("value", [1j, 1 + 0j, np.complex128(2), np.array([1 + 0j])])
def test_objective_returns_complex(value):
    with pytest.raises(TypeError, match="objective returned complex"):
        minimize(lambda x: value, START)


@pytest.mark.parametrize("kind", [int, bool, np.float32, np.int8, Decimal])
def test_objective_returns_another_kind_of_number(kind):
    res = minimize(lambda x: kind(1), START)
    assert res.success
    assert type(res.fun) is float
    assert res.fun == 1.0


def test_gradient_of_wrong_length():
    with pytest.raises(ValueError, match=r"returned shape \(3,\), expected shape \(2,\)"):
        minimize(rosenbrock, START, jac=lambda x: np.zeros(3))


def test_hessian_of_wrong_shape():
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(2, 2\)"):
        minimize(rosenbrock, START, jac=rosenbrock_grad, hess=lambda x: np.zeros((2, 3)))


def test_functions_overwrite_their_argument():
    def vandal(function):
        def f(x):
            value = function(x)
            x[:] = np.nan
            return value

        return f

    given = {key: vandal(function) for key, function in ROSENBROCK.items()}
    plain = ring(0.5, 1.5)
    ruined = NonlinearConstraint(vandal(plain.fun), 0.5, 1.5, vandal(plain.jac), plain.hess)
    assert_bitwise(
        minimize(vandal(rosenbrock), START, **given, constraints=ruined),
        minimize(rosenbrock, START, **ROSENBROCK, constraints=plain),
    )


def test_functions_keep_their_argument():
    kept, copies = [], []

    def fun(x):
        kept.append(x)
        copies.append(x.copy())
        return rosenbrock(x)

    minimize(fun, START)
    np.testing.assert_array_equal(kept, copies)


def test_gradient_returns_the_same_array_each_time():
    buffer = np.empty(2)

    def grad(x):
        buffer[:] = rosenbrock_grad(x)
        return buffer

    given = {"jac": grad, "hess": rosenbrock_hess}
    assert_bitwise(minimize(rosenbrock, START, **given), minimize(rosenbrock, START, **ROSENBROCK))


def test_history_holds_what_was_seen_then():
    res = minimize(rosenbrock, START, **ROSENBROCK, history=True)
    assert res.history.fun[0] == rosenbrock(START)
    assert len(res.history) == res.nit + 1
    assert res.history.fun[-1] == res.fun


def test_objective_is_not_deterministic(rng):
    res = minimize(lambda x: bowl(x) + rng.random(), START, options={"maxiter": 50})
    assert not res.success
    assert np.isfinite(res.x).all()


def test_objective_is_not_deterministic_and_this_is_checked(rng):
    check = {"deterministic_check": True}
    with pytest.raises(ValueError, match=r"not deterministic: at `x0`"):
        minimize(lambda x: bowl(x) + rng.random(), START, options=check)
    assert minimize(bowl, START, options=check).success
    assert minimize(bowl, START, options=check | {"maxfun": 1}).status == Status.MAX_FUN
    assert minimize(bowl, START, options=check | {"maxtime": 0}).status == Status.MAX_TIME


def test_wrong_gradient_is_found_by_the_check():
    def wrong(x):
        return rosenbrock_grad(x) + np.array([0.0, 1.0 + abs(x[0])])

    grads, funs = Counting(wrong), Counting(rosenbrock)
    with pytest.raises(numopt.DerivativeError, match="gradient along"):
        minimize(funs, START, jac=grads, options={"check_derivatives": "once"})
    assert funs.calls == 4
    with pytest.raises(numopt.DerivativeError, match=r"gradient\[1\]"):
        minimize(rosenbrock, START, jac=wrong, options={"check_derivatives": "full"})


def test_check_is_made_near_the_given_start():
    seen = []

    def grad(x):
        seen.append(x)
        return bowl_grad(x)

    problem = numopt.CallableNLP(bowl, [0.0, 0.0], grad)
    solve(problem, [1e6, 1e6], options={"check_derivatives": "once"})
    assert np.abs(seen[0]).min() > 1e5


def test_wrong_gradient_without_a_check_suggests_one():
    res = minimize(rosenbrock, START, jac=lambda x: -x)
    assert not res.success
    assert "check_derivatives" in res.message


@pytest.mark.parametrize("factor", [2.0**-20, 2.0**40, 1e-12, 1e12, 1e100])
def test_scale_of_the_objective(factor):
    def scaled(function):
        return lambda x: factor * function(x)

    points = []
    for given in (ROSENBROCK, {key: scaled(f) for key, f in ROSENBROCK.items()}):
        seen = []
        fun = rosenbrock if given is ROSENBROCK else scaled(rosenbrock)
        options = {"tol": 1e-300, "maxiter": 15}
        minimize(fun, START, **given, callback=seen.append, options=options)
        points.append(np.array(seen))
    np.testing.assert_allclose(points[1], points[0], rtol=1e-2)


@pytest.mark.parametrize("factor", [1e-8, 1e8])
def test_scale_of_the_variables(factor):
    res = minimize(
        lambda x: rosenbrock(x / factor),
        factor * np.array(START),
        jac=lambda x: rosenbrock_grad(x / factor) / factor,
        hess=lambda x: rosenbrock_hess(x / factor) / factor**2,
    )
    assert np.isfinite(res.x).all()
    assert res.success == (res.optimality <= 1e-6)
    if factor < 1:  # the measure is in the user's units: 1e8 makes it 1e-8 of what it was
        np.testing.assert_allclose(res.x / factor, 1, atol=1e-6)


# -- problem data --------------------------------------------------------------------------------


def test_lower_above_upper():
    with pytest.raises(ValueError, match=r"index 1: 2.0 and 1.0"):
        minimize(Counting(bowl, 0, Own("called")), START, bounds=Bounds([0, 2], [3, 1]))


def test_some_variables_are_fixed():
    def record(function):
        def f(x):
            assert x.shape == (3,)
            assert x[1] == 2.0
            return function(x)

        return f

    given = {"jac": record(bowl_grad), "hess": record(bowl_hess)}
    res = minimize(record(bowl), [4.0, 2, 5], **given, bounds=[(0, 9), (2, 2), (None, 9)])
    assert res.success
    np.testing.assert_allclose(res.x, [1, 2, 1], atol=1e-6)
    assert res.multipliers["lower"].shape == res.multipliers["upper"].shape == (3,)


@pytest.mark.parametrize("value", [1.0, 3.0])
def test_all_variables_are_fixed(value):
    fun = Counting(bowl)
    res = minimize(fun, [value, value], **BOWL, bounds=[(value, value)] * 2)
    assert res.success
    assert res.status == Status.CONVERGED
    assert fun.calls == res.nfev == 1
    assert res.nit == 0
    np.testing.assert_array_equal(res.x, [value, value])


def test_all_variables_are_fixed_at_an_infeasible_point():
    fun = Counting(bowl)
    res = minimize(fun, [2, 2], bounds=[(2, 2)] * 2, constraints=LinearConstraint([[1, 1]], 0, 0))
    assert res.status == Status.INFEASIBLE
    assert res.constr_violation == 4.0
    assert fun.calls == 1


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"bounds": Bounds([0, np.nan], [1, 1])}, "lb.* entry 1 is nan"),
        ({"bounds": [(0, 1), (0, np.nan)]}, "upper bounds.* entry 1 is nan"),
        ({"bounds": Bounds([0, np.inf], [1, np.inf])}, "index 1: inf"),
        ({"bounds": Bounds([0, -np.inf], [1, -np.inf])}, "index 1: -inf"),
        ({"constraints": LinearConstraint([[1, np.nan]], 0, 1)}, "constraint 0"),
        ({"constraints": LinearConstraint([[1, 1]], 0, np.nan)}, "constraint 0.* entry 0 is nan"),
        ({"constraints": LinearConstraint([[1, 1]], 2, 1)}, "index 0: 2.0 and 1.0"),
        ({"constraints": LinearConstraint([[1, 1]], np.inf, np.inf)}, "index 0: inf"),
    ],
)
def test_data_hold_nan_or_leave_no_room(given, match):
    with pytest.raises(ValueError, match=match):
        minimize(Counting(bowl, 0, Own("called")), START, **given)


def test_infinite_bounds_are_none():
    free = minimize(rosenbrock, START, **ROSENBROCK)
    same = minimize(rosenbrock, START, **ROSENBROCK, bounds=Bounds([-np.inf] * 2, [np.inf] * 2))
    assert_bitwise(same, free)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_start_is_not_finite(bad):
    with pytest.raises(ValueError, match=r"`x0`.* entry 1"):
        minimize(bowl, [0, bad])
    with pytest.raises(ValueError, match=r"`x0`.* entry 1"):
        solve(numopt.CallableNLP(bowl, [0, 0]), [0, bad])


def test_start_outside_the_bounds():
    box = Bounds([0, 0], [0.5, 3])
    with pytest.warns(UserWarning, match=r"`x0` was moved.*index 0: 7.0 to 0.5") as seen:
        res = minimize(bowl, [7.0, 2.0], **BOWL, bounds=box)
    assert len(seen) == 1
    assert seen[0].filename == __file__
    assert res.success
    with pytest.raises(ValueError, match=r"`x0` lies outside the bounds, first at index 0: 7.0"):
        minimize(bowl, [7.0, 2.0], bounds=box, options={"strict_x0": True})


def test_start_of_a_problem_object_outside_the_bounds():
    problem = numopt.CallableNLP(bowl, [0.1, 2.0], bowl_grad, lb=0, ub=[0.5, 3])
    with pytest.warns(UserWarning, match=r"`x0` was moved.*index 0: 7.0 to 0.5") as seen:
        assert solve(problem, [7.0, 2.0]).success
    assert seen[0].filename == __file__
    strict = {"strict_x0": True}
    with pytest.raises(ValueError, match="`x0` lies outside"):
        solve(problem, [7.0, 2.0], options=strict)
    outside = numopt.CallableNLP(bowl, [7.0, 2.0], bowl_grad, lb=0, ub=[0.5, 3])
    assert solve(outside).success
    with pytest.raises(ValueError, match="`x0` lies outside"):
        solve(outside, options=strict)


def test_no_variables():
    fun = Counting(lambda x: x.sum() + 3.0)
    rows = LinearConstraint(np.zeros((1, 0)), -1, 0)
    for given in ({}, {"bounds": []}, {"constraints": rows}):
        fun.calls = 0
        res = minimize(fun, [], **given)
        assert res.success
        assert (res.fun, res.x.shape, fun.calls, res.nfev) == (3.0, (0,), 1, 1)
    rows = LinearConstraint(np.zeros((1, 0)), 1, 2)
    assert minimize(fun, [], constraints=rows).status == Status.INFEASIBLE


@pytest.mark.parametrize(
    "A",
    [np.zeros((0, 2)), sp.csr_array((0, 2)), sp.coo_matrix((0, 2))],
    ids=["dense", "csr", "coo"],
)
def test_matrix_without_rows(A):
    none = minimize(bowl, START, **BOWL)
    assert_bitwise(minimize(bowl, START, **BOWL, constraints=LinearConstraint(A, [], [])), none)


def test_nonlinear_constraint_without_rows():
    empty = NonlinearConstraint(lambda x: np.zeros(0), [], [], jac=lambda x: np.zeros((0, 2)))
    assert minimize(bowl, START, **BOWL, constraints=empty).success


def test_one_variable():
    res = minimize(lambda x: (x[0] - 1) ** 4 + x[0] ** 2, 3.0)
    assert res.success
    assert res.x.shape == (1,)


def test_no_degree_of_freedom():
    rows = NonlinearConstraint(
        lambda x: [x @ x, x[0] - x[1]], [2, 0], [2, 0], jac=lambda x: [2 * x, [1, -1]]
    )
    res = minimize(bowl, [2.0, 1.0], **BOWL, constraints=rows)
    assert res.success
    np.testing.assert_allclose(res.x, [1, 1], atol=1e-6)


def test_more_rows_than_variables():
    rows = LinearConstraint([[1.0], [2.0], [3.0]], [1, 2, 3], [1, 2, 3])
    res = minimize(bowl, [4.0], **BOWL, constraints=rows)
    assert res.success
    np.testing.assert_allclose(res.x, 1, atol=1e-6)
    rows = LinearConstraint([[1.0], [2.0], [3.0]], [1, 2, 4], [1, 2, 4])
    res = minimize(bowl, [4.0], **BOWL, constraints=rows)
    assert res.status == Status.INFEASIBLE
    assert 0.2 < res.maxcv < 0.5


@pytest.mark.parametrize(
    ("A", "b", "least"),
    [([[1, 1], [1, 1]], [1, 2], 1.0), ([[1, 0], [1, 0], [0, 1]], [0, 2, 1], 2.0)],
)
def test_inconsistent_equalities(A, b, least):
    """The point has the least sum of violations."""
    res = minimize(bowl, [2.0, 5.0], **BOWL, constraints=LinearConstraint(A, b, b))
    assert res.status == Status.INFEASIBLE
    assert not res.success
    violations = np.abs(np.array(A) @ res.x - b)
    assert violations.sum() == pytest.approx(least, abs=1e-5)
    assert res.maxcv == pytest.approx(violations.max())


def test_dependent_consistent_equalities():
    """One row is kept, the others are left out with multipliers 0."""
    rows = [[1.0, 1.0], [1.0, 1.0], [2.0, 2.0]]
    res = minimize(
        bowl, [2.0, 5.0], **BOWL, constraints=LinearConstraint(rows, [1, 1, 2], [1, 1, 2])
    )
    assert res.success
    np.testing.assert_allclose(res.x, [0.5, 0.5], atol=1e-6)
    assert "Rank 1 of 3" in res.message
    y = res.multipliers["constraints"][0]
    assert np.count_nonzero(y) == 1
    assert y @ [1, 1, 2] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("upper", [-1, -0.25])
@pytest.mark.parametrize("start", [[0.1, 0.2], [-0.5, 0.3]])
def test_infeasible_nonlinear_constraint(upper, start):
    res = minimize(bowl, start, **BOWL, constraints=ring(-np.inf, upper))
    assert res.status == Status.INFEASIBLE
    assert not res.success
    assert res.maxcv == pytest.approx(-upper, abs=1e-3)
    np.testing.assert_allclose(res.x, 0, atol=2e-2)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"bounds": [(0, 1)]}, "a pair for each of 2 variables, got 1"),
        ({"bounds": Bounds([0, 0, 0], [1, 1, 1])}, r"`lb` must have 2 entries, got shape \(3,\)"),
        (
            {"constraints": numopt.LinearRows(np.ones((1, 3)), 0, 1)},
            r"constraint 0.*\(1, 3\).*\(None, 2\)",
        ),
        (
            {"constraints": numopt.LinearRows(np.ones((2, 2)), [0, 0, 0], 1)},
            r"bound of constraint 0.*2 entries, got shape \(3,\)",
        ),
        ({"x0": [[1.0, 2.0], [3.0, 4.0]]}, r"`x0`.*\(2, 2\)"),
    ],
)
def test_wrong_shapes(given, match):
    fun = Counting(bowl, 0, Own("called"))
    with pytest.raises(ValueError, match=match):
        minimize(**{"fun": fun, "x0": START} | given)
    assert fun.calls == 0


class Sub(np.ndarray):
    pass


def forms(base):
    wide = np.zeros(2 * base.size)
    wide[::2] = base
    frozen = base.copy()
    frozen.setflags(write=False)
    return {
        "list": base.tolist(),
        "tuple": tuple(base.tolist()),
        "strided": wide[::2],
        "reversed": base[::-1].copy()[::-1],
        "read-only": frozen,
        "big-endian": base.astype(">f8"),
        "subclass": base.view(Sub),
        "float32": base.astype(np.float32),
        "int": base.astype(int),
    }


@pytest.mark.parametrize("form", forms(np.zeros(2)))
def test_forms_of_vectors(form):
    x0, lb, ub = np.array([3.0, -2.0]), np.array([-2.0, -3.0]), np.array([4.0, 0.0])
    reference = minimize(bowl, x0, **BOWL, bounds=Bounds(lb, ub))
    x0, lb, ub = forms(x0)[form], forms(lb)[form], forms(ub)[form]
    res = minimize(bowl, x0, **BOWL, bounds=Bounds(lb, ub))
    np.testing.assert_array_equal(res.x, reference.x.astype(res.x.dtype))
    np.testing.assert_array_equal(np.asarray(x0), [3, -2])


def test_pandas_series():
    pandas = pytest.importorskip("pandas")
    x0 = pandas.Series(START, index=["a", "b"])
    assert_bitwise(minimize(rosenbrock, x0), minimize(rosenbrock, START))


def test_fortran_order_of_a_matrix():
    A = np.array([[1.0, 2.0], [0.0, 1.0]])
    reference = minimize(bowl, START, **BOWL, constraints=LinearConstraint(A, -1, 1))
    wide = np.zeros((4, 4))
    wide[::2, ::2] = A
    for B in (np.asfortranarray(A), wide[::2, ::2], A.astype(">f8"), A.tolist()):
        res = minimize(bowl, START, **BOWL, constraints=LinearConstraint(B, -1, 1))
        assert_bitwise(res, reference)


@pytest.mark.parametrize(
    "x0",
    [
        np.ma.masked_array([1.0, 2.0], [0, 1]),
        np.matrix([1.0, 2.0]),
        np.array([1.0, None]),
        np.array([1j, 2.0]),
        ["a", "b"],
    ],
    ids=["masked", "matrix", "object", "complex", "string"],
)
def test_refused_kinds_of_arrays(x0):
    with pytest.raises(TypeError, match="`x0`"):
        minimize(bowl, x0)
    with pytest.raises(TypeError, match="constraint 0"):
        minimize(bowl, START, constraints=numopt.LinearRows([[1, 1]], x0[:1]))


FORMATS = ["csr", "csc", "coo", "bsr", "dia", "dok", "lil"]


@pytest.mark.parametrize("name", [f"{f}_{kind}" for f in FORMATS for kind in ("array", "matrix")])
def test_sparse_formats(name):
    A = np.array([[1.0, 0.0, 2.0], [0.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
    sides = [1, 0, -np.inf], [1, 0, 0.5]
    reference = minimize(bowl, np.zeros(3), **BOWL, constraints=LinearConstraint(A, *sides))
    sparse = getattr(sp, name)(A)
    res = minimize(bowl, np.zeros(3), **BOWL, constraints=LinearConstraint(sparse, *sides))
    assert res.success
    np.testing.assert_allclose(res.x, reference.x, rtol=0, atol=1e-10)
    np.testing.assert_array_equal(sparse.toarray(), A)


@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_sparse_matrix_unsorted_with_duplicates_and_zeros(index):
    data = np.array([1.0, 1.0, 1.0, 0.0])
    indices = np.array([2, 0, 2, 1], dtype=index)
    A = sp.csr_array((data, indices, np.array([0, 4], dtype=index)), shape=(1, 3))
    for part in (A.data, A.indices, A.indptr):
        part.setflags(write=False)
    res = minimize(bowl, np.zeros(3), **BOWL, constraints=LinearConstraint(A, 1, 1))
    dense = LinearConstraint([[1.0, 0.0, 2.0]], 1, 1)
    reference = minimize(bowl, np.zeros(3), **BOWL, constraints=dense)
    np.testing.assert_allclose(res.x, reference.x, rtol=0, atol=1e-10)
    np.testing.assert_array_equal(A.indices, [2, 0, 2, 1])


def test_sparse_jacobian_of_one_dimension():
    row = NonlinearConstraint(lambda x: x.sum(), 1, 1, jac=lambda x: sp.coo_array(np.ones(2)))
    res = minimize(bowl, START, **BOWL, constraints=row)
    np.testing.assert_allclose(res.x, [0.5, 0.5], atol=1e-6)


# -- control flow --------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["raise", "return", "numpy"])
def test_callback_stops(how):
    def callback(xk):
        if how == "raise":
            raise StopIteration
        return True if how == "return" else np.bool_(True)

    res = minimize(rosenbrock, START, **ROSENBROCK, callback=callback)
    assert res.status == Status.CALLBACK
    assert not res.success
    assert res.nit == 1
    assert res.fun == res.best["fun"] < rosenbrock(START)


def test_callback_raises():
    error = Own("mine")

    def callback(xk):
        raise error

    with pytest.raises(Own) as info:
        minimize(rosenbrock, START, **ROSENBROCK, callback=callback)
    assert info.value is error
    assert error.numopt_result.nit == 1


def test_callback_modifies_its_argument():
    def vandal(intermediate_result):
        res = intermediate_result
        best = res.best or {"x": np.zeros(2)}  # there is none before the first feasible point
        for array in (res.x, best["x"], res.multipliers["lower"], res.multipliers["upper"]):
            array[:] = np.nan
        res.multipliers["constraints"][0][...] = np.nan
        res.counts.clear()
        res.clear()

    given = {"bounds": [(-2, 0.5), (-2, 2)], "constraints": ring(0.1, 2)}
    plain = minimize(rosenbrock, START, **ROSENBROCK, **given)
    ruined = minimize(rosenbrock, START, **ROSENBROCK, **given, callback=vandal)
    assert_bitwise(plain, ruined)
    assert ruined.success


def test_callback_cannot_change_the_published_variant():
    def vandal(intermediate_result):
        intermediate_result.multipliers["constraints"][:] = np.nan

    problem = cutest_problems.load("HS7", compile=None)
    paper = {"variant": "paper", "linear_solver": "exact"}
    assert_bitwise(solve(problem, options=paper, callback=vandal), solve(problem, options=paper))


def test_keyboard_interrupt():
    fun = Counting(rosenbrock, 9, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt) as info:
        minimize(fun, START, **ROSENBROCK)
    res = info.value.numopt_result
    assert res.status == Status.INTERRUPTED
    assert res.fun < rosenbrock(START)
    fun.calls = 0
    res = minimize(fun, START, **ROSENBROCK, options={"on_interrupt": "return"})
    assert res.status == Status.INTERRUPTED
    assert not res.success
    assert res.fun < rosenbrock(START)


@pytest.mark.parametrize("error", [SystemExit(3), GeneratorExit()])
@pytest.mark.parametrize("options", [{}, {"on_error": "nan", "on_interrupt": "return"}])
def test_system_exit_is_never_swallowed(error, options):
    with pytest.raises(type(error)) as info:
        minimize(Counting(rosenbrock, 9, error), START, **ROSENBROCK, options=options)
    assert info.value is error


@pytest.mark.parametrize("maxfun", [1, 2, 3, 7, 20])
@pytest.mark.parametrize("given", [{}, ROSENBROCK, {"jac": "3-point"}, {"bounds": [(-2, 2)] * 2}])
def test_maxfun_is_never_exceeded(maxfun, given):
    fun = Counting(rosenbrock)
    res = minimize(fun, START, **given, options={"maxfun": maxfun})
    assert fun.calls == res.nfev <= maxfun
    assert res.status == Status.MAX_FUN
    assert not res.success
    assert np.isfinite(res.fun)


@pytest.mark.parametrize("maxfun", [1, 2, 5, 11])
def test_maxfun_holds_for_the_constraints(maxfun):
    c = Counting(lambda x: x @ x)
    rows = NonlinearConstraint(c, 2, 2)
    res = minimize(rosenbrock, START, **ROSENBROCK, constraints=rows, options={"maxfun": maxfun})
    assert c.calls == res.counts["cons"] <= maxfun
    assert res.status == Status.MAX_FUN


@pytest.mark.parametrize("maxiter", [0, 1, 4])
def test_maxiter_is_exact(maxiter):
    fun = Counting(rosenbrock)
    res = minimize(fun, START, **ROSENBROCK, options={"maxiter": maxiter})
    assert res.nit == maxiter
    assert res.status == Status.MAX_ITER
    if maxiter == 0:
        assert fun.calls == 1
        np.testing.assert_array_equal(res.x, START)


def test_maxtime_ends_the_run_at_the_next_evaluation(monkeypatch):
    """By a clock that advances by one second with each call of the objective."""
    fun = Counting(rosenbrock)
    for module in ("numopt.models.problem", "numopt.core.loop"):
        monkeypatch.setattr(f"{module}.perf_counter", lambda: float(fun.calls))
    res = minimize(fun, START, **ROSENBROCK, options={"maxtime": 5})
    assert res.status == Status.MAX_TIME
    assert not res.success
    assert fun.calls <= 6
    assert res.execution_time <= 6


def test_recursion():
    def nested(depth):
        def fun(x):
            extra = minimize(nested(depth - 1), [0.5, 0.5], jac=bowl_grad).fun if depth else 0.0
            return bowl(x) + extra

        return fun

    res = minimize(nested(3), [0.5, 0.5], jac=bowl_grad)
    assert res.success
    np.testing.assert_allclose(res.x, 1, atol=1e-6)


def test_threads_share_a_problem():
    problem = cutest_problems.load("HS71", compile=None)
    starts = [problem.x0 + 0.05 * k for k in range(8)]
    box = pytest.warns(UserWarning, match="moved into the bounds")
    with box:
        alone = [solve(problem, x0) for x0 in starts]
    with warnings.catch_warnings():  # the state of the filters is shared by threads
        warnings.simplefilter("ignore")
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(lambda x0: solve(problem, x0), starts))
    for a, b in zip(alone, together, strict=True):
        assert a.success
        assert_bitwise(a, b)


def test_threads_solve_different_problems():
    names = ["HS6", "HS26", "HS35", "HS40", "HS43", "HS65", "HS71", "HS78"]
    problems = [cutest_problems.load(name, compile=None) for name in names]
    alone = [solve(problem) for problem in problems]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(solve, problems))
    for a, b in zip(alone, together, strict=True):
        assert_bitwise(a, b)


def test_pickled_result():
    given = {"bounds": [(-2, 0.5), (-2, 2)], "constraints": ring(0.1, 2), "history": True}
    res = minimize(rosenbrock, START, jac=rosenbrock_grad, **given)
    copy = pickle.loads(pickle.dumps(res))
    assert list(copy) == list(res)
    assert_bitwise(copy, res)
    np.testing.assert_array_equal(copy.history.fun, res.history.fun)
    assert copy.status is res.status


def test_pickled_problem_and_options():
    problem = numopt.CallableNLP(rosenbrock, START, rosenbrock_grad, rosenbrock_hess, lb=-2)
    solver = numopt.SketchedNewton(tol=1e-8)
    for original in (problem, cutest_problems.load("HS71", compile=None)):
        copy = pickle.loads(pickle.dumps(original))
        assert_bitwise(solve(copy, method=solver), solve(original, method=solver))
    assert pickle.loads(pickle.dumps(solver)) == solver


def test_continued_run_is_the_uninterrupted_one():
    problem = numopt.CallableNLP(rosenbrock, START, rosenbrock_grad, lb=-2)
    whole = solve(problem)
    part = solve(problem, options={"maxiter": 7})
    state = pickle.loads(pickle.dumps(part.state))
    rest = solve(problem, state=state)
    np.testing.assert_array_equal(rest.x, whole.x)
    assert rest.nit == whole.nit


def test_same_seed_same_result_for_all_workers():
    given = {"bounds": [(0, 3), (0, 3)], "x0": [0.0, 0.5]}

    def fun(x):
        return bowl(x) if x[0] > 0 else np.nan

    reference = minimize(fun, **given)
    assert_bitwise(minimize(fun, **given), reference)
    with ThreadPoolExecutor(2) as pool:
        for workers in (1, map, pool.map, pool):
            res = minimize(fun, **given, workers=workers)
            np.testing.assert_array_equal(res.x, reference.x)


@pytest.mark.parametrize(
    "rng",
    [None, 3, [1, 2], np.random.SeedSequence(1), np.random.default_rng(1), np.random.PCG64(1)],
)
def test_forms_of_rng_leave_the_global_state_alone(rng):
    before = pickle.dumps(np.random.get_state())  # noqa: NPY002
    assert minimize(rosenbrock, START, **ROSENBROCK, rng=rng).success
    assert pickle.dumps(np.random.get_state()) == before  # noqa: NPY002


def test_global_state_is_left_alone(capfd):
    errors, filters = np.geterr(), list(warnings.filters)
    minimize(rosenbrock, START, bounds=[(-2, 0.5), (-2, 2)])
    with pytest.raises(Own):
        minimize(Counting(rosenbrock, 5, Own("mine")), START)
    assert np.geterr() == errors
    assert warnings.filters == filters
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("good", [1, 2, 4, 8])
def test_memory_runs_out(good, monkeypatch):
    from numopt.linalg import iterative

    system = Counting(iterative.KKTSystem, good, MemoryError())
    monkeypatch.setattr(iterative, "KKTSystem", lambda *args, **_: Counted(system, args))
    x0 = np.array(START)
    res = minimize(rosenbrock, x0, **ROSENBROCK)
    assert res.status == Status.OUT_OF_MEMORY
    assert res.fun <= rosenbrock(START)
    np.testing.assert_array_equal(x0, START)


def Counted(counting, args):
    """Call a `Counting` with several arguments."""
    function, counting.function = counting.function, lambda a: None
    try:
        counting(args)
    finally:
        counting.function = function
    return function(*args)


# -- what even the best do badly -----------------------------------------------------------------


def test_best_unbounded():
    res = minimize(lambda x: x.sum(), [0.0, 0.0])
    assert res.status == Status.UNBOUNDED
    assert not res.success


def test_best_always_nan():
    fun = Counting(lambda x: np.nan)
    res = minimize(fun, [0.0, 0.0])
    assert res.status == Status.NONFINITE
    assert not res.success
    assert fun.calls <= 11


@pytest.mark.parametrize("given", [{}, BOWL])
def test_best_single_precision_start(given):
    res = minimize(bowl, np.zeros(2, dtype=np.float32), **given)
    assert res.success
    assert res.x.dtype == np.float32
    np.testing.assert_allclose(res.x, 1, atol=1e-6)


def test_best_undefined_start_with_the_optimum_elsewhere():
    fun = Counting(lambda x: bowl(x) if x.all() else np.nan)
    res = minimize(fun, [0.0, 0.0])
    assert res.success
    np.testing.assert_allclose(res.x, 1, atol=1e-6)
    assert fun.calls <= 20


def test_best_all_fixed():
    res = minimize(bowl, [0.5, 0.5], bounds=[(0.5, 0.5)] * 2)
    assert res.success
    assert res.nfev == 1


def test_best_the_same_equality_twice():
    twice = [{"type": "eq", "fun": lambda x: x.sum() - 1}] * 2
    res = minimize(bowl, [0.0, 0.0], constraints=twice)
    assert res.success
    np.testing.assert_allclose(res.x, 0.5, atol=1e-6)


def test_best_empty_start(capfd):
    res = minimize(bowl, [])
    assert res.success
    assert (res.fun, res.nfev) == (0.0, 1)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("value", [None, 1j])
def test_best_objective_is_named(value):
    with pytest.raises(TypeError, match="objective returned"):
        minimize(lambda x: value, [0.0, 0.0])


@pytest.mark.parametrize("bounds", [None, [(-1, 0.5)] * 2])
def test_best_evaluation_count(bounds):
    fun = Counting(bowl)
    assert minimize(fun, [0.0, 0.0], bounds=bounds).nfev == fun.calls


def test_best_interrupt_keeps_the_work():
    with pytest.raises(KeyboardInterrupt) as info:
        minimize(Counting(rosenbrock, 30, KeyboardInterrupt()), START)
    assert info.value.numopt_result.fun < rosenbrock(START)


def test_best_objective_overwrites_its_argument():
    def vandal(x):
        value = bowl(x)
        x[:] = 7.0
        return value

    assert minimize(vandal, [0.0, 0.0]).success


def test_best_objective_minimises_itself():
    inner = Counting(lambda x: minimize(bowl, x).fun + bowl(x))
    assert minimize(inner, [0.0, 0.0]).success


# -- functions that fail at random points --------------------------------------------------------


class Tough:
    """An objective that raises, or returns NaN, +inf or -1e30, each at one point in twenty.

    Which point is hit depends on the seed and the bytes of x alone, so that a failure replays.
    """

    def __init__(self, function, seed):
        self.function, self.seed, self.calls = function, seed, 0

    def __call__(self, x):
        self.calls += 1
        digest = hashlib.blake2b(x.tobytes(), digest_size=8, salt=self.seed.to_bytes(4, "big"))
        draw = int.from_bytes(digest.digest(), "big") / 2**64
        if draw < 0.05:
            raise Own("a hard point")
        faults = {1: np.nan, 2: np.inf, 3: -1e30}
        return faults.get(int(draw / 0.05), self.function(x))


TOUGH = cutest_problems.names(max_n=6)
TOUGH = TOUGH[:: len(TOUGH) // 40][:40]


def certified(problem, res):
    y = np.concatenate([np.zeros(0), *res.multipliers["constraints"]])
    at = problem.grad(res.x), problem.cons(res.x), problem.jac(res.x)
    kkt = kkt_residual(problem, res.x, y, res.multipliers["lower"], res.multipliers["upper"], *at)
    return max(kkt.optimality, kkt.feasibility) <= 1e-6


@pytest.mark.parametrize("name", TOUGH)
@pytest.mark.filterwarnings("ignore:a function raised Own")
def test_tough(name):
    problem = cutest_problems.load(name, compile=None)
    rows = NonlinearConstraint(
        problem.cons,
        problem.cl,
        problem.cu,
        jac=problem.jac,
        hess=lambda x, v: problem.hess(x, v) - problem.hess(x),
    )
    fun = Tough(problem.fun, seed=1)
    res = minimize(
        fun,
        np.clip(problem.x0, problem.lb, problem.ub),
        jac=problem.grad,
        hess=problem.hess,
        bounds=Bounds(problem.lb, problem.ub),
        constraints=rows if problem.m else (),
        options={"on_error": "nan", "maxfun": 200, "maxiter": 200},
    )
    assert fun.calls == res.nfev <= 200
    assert np.isfinite(res.x).all()
    if res.success:
        assert certified(problem, res)
        assert fun(res.x) == res.fun
