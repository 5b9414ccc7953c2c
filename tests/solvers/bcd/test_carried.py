"""States that users carry along, and functions of which values are all that is known."""

import numpy as np
import pytest
from scipy.optimize import rosen

import numopt

RNG = np.random.default_rng(4)
X, Y = RNG.normal(size=(50, 12)), RNG.normal(size=50)
SOLUTION = np.linalg.lstsq(X, Y)[0]


class Residual:
    """Least squares with the residual carried along, and the columns that are read, counted."""

    def __init__(self):
        self.whole = self.columns = 0

    def fun(self, x):
        self.whole += 1
        return 0.5 * np.sum((X @ x - Y) ** 2)

    def init(self, x):
        self.whole += 1
        return X @ x - Y

    def update(self, r, b, d):
        self.columns += len(b)
        return r + X[:, b] @ d

    def value(self, x, r):
        return 0.5 * r @ r

    def jac_block(self, x, b, r):
        np.testing.assert_allclose(r, X @ x - Y, atol=1e-9)
        self.columns += len(b)
        return X[:, b].T @ r

    def hess_block(self, x, b, r):
        return X[:, b].T @ X[:, b]

    def options(self, *names, **others):
        given = {"init": "init_state", "update": "update_state", "value": "fun_state"}
        return {given.get(name, name): getattr(self, name) for name in names} | others


ALL = "init", "update", "value", "jac_block", "hess_block"


@pytest.mark.parametrize("names", [ALL, ALL[:4], ("init", "update", "jac_block")])
@pytest.mark.parametrize("bounds", [None, [(-0.05, 0.05)] * 12])
def test_carried_states(names, bounds):
    f = Residual()
    options = f.options(*names, blocks=3, check_descent=True)
    res = numopt.minimize(
        f.fun, np.zeros(12), method="bcd", bounds=bounds, tol=1e-7, options=options, rng=0
    )
    assert res.success
    ref = numopt.minimize(
        numopt.Composite(
            numopt.LeastSquares(X, Y), numopt.BoxConstraint(*(np.transpose(bounds or [(-9, 9)])))
        ),
        tol=1e-10,
    )
    np.testing.assert_allclose(res.x, ref.x, atol=1e-6)


def test_the_data_are_read_as_a_whole_at_the_ends_only():
    f = Residual()
    options = f.options(*ALL, blocks=3, selection="cyclic", update="gradient", lipschitz=60.0)
    res = numopt.minimize(f.fun, np.zeros(12), method="bcd", tol=1e-6, options=options)
    assert res.success
    assert f.whole <= 4  # at the start, to stop, and to confirm
    assert f.columns <= 3 * 2 * (res.nit + 1) + 3 * 12
    assert res.nfev == res.nit + f.whole


def test_a_wrong_update_is_no_success():
    f = Residual()
    options = f.options("init", "value", blocks=3, maxiter=200)
    options |= {"update_state": lambda r, b, d: r + 1.1 * X[:, b] @ d}
    options |= {"jac_block": lambda x, b, r: X[:, b].T @ r}
    assert not numopt.minimize(f.fun, np.zeros(12), method="bcd", options=options).success


def test_a_run_with_carried_states_continues_bit_for_bit():
    f = Residual()
    options = f.options("init", "update", "jac_block", blocks=4)
    problem = numopt.CallableNLP(f.fun, np.zeros(12))

    def run(**more):
        return numopt.solve(problem, method="bcd", rng=3, **more)

    whole = run(options=options)
    part = run(options=options | {"maxiter": 4})
    rest = run(options=options, state=part.state)
    np.testing.assert_array_equal(whole.x, rest.x)


# -- values alone ------------------------------------------------------------------------------


def bowl(n):
    w = np.linspace(1.0, 3.0, n)
    return lambda x: 0.5 * w @ (x - 1.0) ** 2 + np.log(np.exp(x).sum())


@pytest.mark.parametrize("blocks", [1, 5, None])
def test_values_alone_suffice_for_fast_convergence(blocks):
    n = 40
    options = {"blocks": blocks, "check_descent": True, "maxiter": 3000}
    res = numopt.minimize(bowl(n), np.zeros(n), method="bcd", options=options, tol=1e-4)
    options["update"] = "gradient"
    slow = numopt.minimize(bowl(n), np.zeros(n), method="bcd", options=options, tol=1e-4)
    assert res.success
    assert slow.success
    assert res.nfev <= 12 * n
    assert res.nfev <= 0.5 * slow.nfev


def test_the_valley_of_rosenbrock_by_values_alone():
    res = numopt.minimize(rosen, np.full(5, -1.0), method="bcd", tol=1e-4, rng=0)
    assert res.success
    assert res.fun < 1e-8
    assert res.nfev < 500


@pytest.mark.parametrize("update", ["newton", "two_metric", "proximal_newton"])
def test_updates_with_guessed_hessians(update):
    bounds = None if update == "newton" else [(0.5, 0.7), (None, 0.4), (0.3, None), (-1.0, 1.0)]
    f = bowl(4)
    res = numopt.minimize(
        f,
        np.array([0.5, 0.4, 0.5, 0.5]),
        method="bcd",
        bounds=bounds,
        tol=1e-4,
        options={"update": update, "blocks": 2},
    )
    ref = numopt.minimize(f, np.array([0.5, 0.4, 0.5, 0.5]), bounds=bounds, tol=1e-6)
    assert res.success
    np.testing.assert_allclose(res.x, ref.x, atol=1e-3)
    assert res.nhev == res.njev == 0


def test_damped_secants_stay_positive_definite(rng):
    from numopt.solvers.bcd.secant import first, renewed

    known = first(np.zeros(4), rng.normal(size=4))
    for _ in range(50):
        known = renewed(known, rng.normal(size=4), 10.0 * rng.normal(size=4))
        assert np.linalg.eigvalsh(known.matrix)[0] > 0.0
    again = renewed(known, known.point, known.slope)
    np.testing.assert_array_equal(again.matrix, first(known.point, known.slope).matrix)


def test_secants_learn_a_quadratic(rng):
    from numopt.solvers.bcd.secant import first, renewed

    H = np.diag([1.0, 4.0, 9.0])
    known = first(np.zeros(3), np.ones(3))
    for j in [0, 1, 2] * 3:
        x = known.point + np.eye(3)[j]
        known = renewed(known, x, 1.0 + H @ x)
    np.testing.assert_allclose(known.matrix @ np.eye(3)[2], H[2], atol=1e-10)
