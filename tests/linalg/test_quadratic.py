"""The dual active-set method against CVXPY, and where it is delicate."""

import numpy as np
import pytest

from numopt.linalg.quadratic import solve_quadratic

INF = np.inf


def cost(H, g, A, lower, upper, cap, d):
    """Return the objective with the price of the rows that have one."""
    outside = np.maximum(np.maximum(lower - A @ d, A @ d - upper), 0.0)
    priced = np.isfinite(cap)
    return float(g @ d + 0.5 * d @ H @ d + cap[priced] @ outside[priced])


def by_cvxpy(H, g, A, lower, upper, cap):
    cp = pytest.importorskip("cvxpy")
    d = cp.Variable(g.size)
    price, rows = 0, []
    for a, low, up, c in zip(A, lower, upper, cap, strict=True):
        for side, outside in ((low, low - a @ d), (up, a @ d - up)):
            if np.isfinite(side) and np.isfinite(c):
                price += c * cp.pos(outside)
            elif np.isfinite(side):
                rows.append(outside <= 0)
    objective = g @ d + 0.5 * cp.quad_form(d, cp.psd_wrap(H)) + price
    return cp.Problem(cp.Minimize(objective), rows).solve(solver="CLARABEL")


def random_problem(rng):
    """Return small integer rows, many of them dependent or contradictory, and box bounds."""
    n, m = rng.integers(1, 8), rng.integers(0, 10)
    M = rng.standard_normal((n, n))
    H, g = M @ M.T + 1e-2 * np.eye(n), 3 * rng.standard_normal(n)
    A = np.vstack([rng.integers(-2, 3, size=(m, n)), np.eye(n)]).astype(float)
    lower = rng.integers(-3, 2, size=m).astype(float)
    upper = lower + rng.integers(0, 3, size=m)
    lower[rng.random(m) < 0.3] = -INF
    upper[(rng.random(m) < 0.3) & np.isfinite(lower)] = INF
    lower, upper = np.r_[lower, np.full(n, -1.0)], np.r_[upper, np.full(n, 2.0)]
    cap = np.r_[np.full(m, 10.0 ** rng.integers(0, 4)), np.full(n, INF)]
    return H, g, A, lower, upper, cap


def check(problem, guess=None):
    """Solve, check the optimality conditions, and return the solution."""
    H, g, A, lower, upper, cap = problem
    q = solve_quadratic(np.linalg.cholesky(H), g, A, lower, upper, cap, guess)
    assert q is not None
    np.testing.assert_allclose(H @ q.d + g + A.T @ q.y, 0.0, atol=1e-8 * (1 + np.abs(q.y).max()))
    row, met = A @ q.d, 1e-9 * (1 + np.abs(A @ q.d))
    assert (np.abs(q.y) <= cap).all()
    assert ((row >= upper - met) | (q.y <= 0)).all()
    assert ((row <= lower + met) | (q.y >= 0)).all()
    bought = np.abs(q.y) == cap
    assert (((lower - met <= row) & (row <= upper + met)) | bought).all()
    return q


@pytest.mark.parametrize("seed", range(40))
def test_the_conditions_hold_from_any_guess(seed):
    rng = np.random.default_rng(seed)
    for _ in range(5):
        problem = random_problem(rng)
        q = check(problem)
        for guess in (rng.integers(-1, 2, size=q.y.size), q.working):
            np.testing.assert_allclose(check(problem, guess).d, q.d, atol=1e-7)


@pytest.mark.parametrize("seed", range(8))
def test_the_value_is_that_of_cvxpy(seed):
    problem = random_problem(np.random.default_rng(1000 + seed))
    found = cost(*problem, check(problem).d)
    assert found == pytest.approx(by_cvxpy(*problem), rel=1e-5, abs=1e-5)


def test_without_rows():
    q = solve_quadratic(
        np.eye(2), np.array([1.0, 2.0]), np.zeros((0, 2)), np.zeros(0), np.zeros(0), np.zeros(0)
    )
    np.testing.assert_allclose(q.d, [-1.0, -2.0])


def test_a_contradiction_is_bought_at_the_lower_price():
    A, lower, upper = np.ones((2, 1)), np.array([1.0, -INF]), np.array([INF, 0.0])
    problem = np.eye(1) * 1e-3, np.zeros(1), A, lower, upper, np.array([5.0, 7.0])
    q = check(problem)
    assert q.d[0] == pytest.approx(0.0, abs=1e-9)
    assert q.y[0] == -5.0


def test_rows_that_must_hold_but_cannot():
    A, lower, upper = np.ones((2, 1)), np.array([1.0, -INF]), np.array([INF, 0.0])
    none = solve_quadratic(np.eye(1), np.zeros(1), A, lower, upper, np.array([INF, INF]))
    assert none is None


def test_a_degenerate_vertex():
    """Four rows meet at the solution of a problem with two variables."""
    A = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 2.0]])
    upper = np.array([1.0, 1.0, 2.0, 4.0])
    problem = np.eye(2), np.array([-9.0, -9.0]), A, np.full(4, -INF), upper, np.full(4, INF)
    np.testing.assert_allclose(check(problem).d, [1.0, 1.0], atol=1e-12)


def test_nearly_linear_programs_are_solved_accurately():
    """With a curvature of 1e-8 the unconstrained minimum is at a distance of 1e8."""
    rng = np.random.default_rng(0)
    A = np.vstack([rng.standard_normal((30, 5)), np.eye(5)])
    lower, upper = np.full(35, -INF), np.ones(35)
    lower[30:] = -10.0
    problem = 1e-8 * np.eye(5), rng.standard_normal(5), A, lower, upper, np.full(35, INF)
    q = check(problem)
    assert np.abs(q.working).sum() == 5
    assert (A @ q.d - upper).max() < 1e-9
