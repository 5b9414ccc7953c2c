"""Sets that are known by a linear minimisation oracle."""

import warnings

import numpy as np
import pytest
from zeroth_order_examples import logistic, noisy, run, square

import numopt
from numopt import Status

SETS = {
    "l1": numopt.L1Ball(2.0),
    "simplex": numopt.Simplex(2.0),
    "ball": numopt.Ball(0.0, 1.5),
    "box": numopt.Box([-1.0] * 10, [0.5] * 10),
}


def lowest(domain):
    """Return the minimum over the set by CVXPY."""
    import cvxpy as cp
    from zeroth_order_examples import DATA, LABELS

    x = cp.Variable(10)
    rows = {
        "L1Ball": lambda: [cp.norm1(x) <= 2.0],
        "Simplex": lambda: [x >= 0, cp.sum(x) == 2.0],
        "Ball": lambda: [cp.norm(x) <= 1.5],
        "Box": lambda: [x >= -1.0, x <= 0.5],
    }[type(domain).__name__]()
    loss = cp.sum(cp.logistic(-cp.multiply(LABELS, DATA @ x))) / len(LABELS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "may be inaccurate", in the eighth digit
        return cp.Problem(cp.Minimize(loss), rows).solve(solver="CLARABEL")


@pytest.mark.parametrize("domain", SETS.values(), ids=SETS)
def test_the_gap_bounds_the_distance_to_the_minimum(domain):
    res = run(logistic, np.full(10, 0.1), domain=domain, tol=3e-3)
    assert res.success
    assert res.constr_violation <= 1e-12
    assert -1e-7 <= res.fun - lowest(domain) <= 3.1e-3


def test_a_k_sparse_polytope():
    domain = numopt.KSparsePolytope(2, 0.5)
    res = run(logistic, np.zeros(10), domain=domain, tol=3e-3)
    assert res.success
    assert domain.violation(res.x) <= 1e-12
    corners = [s * domain.extreme(g) for g in np.eye(10) + np.eye(10)[::-1] for s in (1.0, -1.0)]
    assert res.fun <= min(logistic(v) for v in corners)


def test_an_oracle_of_the_user():
    res = run(logistic, np.full(10, 0.1), domain=SETS["l1"].extreme, tol=1e-3)
    assert res.success
    assert np.abs(res.x).sum() <= 2.0 + 1e-12
    assert res.fun - lowest(SETS["l1"]) <= 1.1e-3


def test_a_start_outside_is_moved_and_told():
    res = run(logistic, np.full(10, 9.0), domain=SETS["l1"], tol=1e-3)
    assert "`x0` was moved into `domain`" in res.message
    outside = run(logistic, np.full(10, 9.0), domain=SETS["l1"].extreme, tol=1e-3)
    for found in (res, outside):
        assert np.abs(found.x).sum() <= 2.0 + 1e-12


def test_a_start_outside_an_oracle_is_no_success():
    res = run(logistic, np.full(10, 9.0), domain=SETS["l1"].extreme, maxiter=0)
    assert not res.success
    assert res.constr_violation == np.inf


def test_bounds_are_a_set():
    res = run(square, np.full(3, 0.1), bounds=[(0, 0.3)] * 3, variant="frank_wolfe")
    assert res.success
    np.testing.assert_allclose(res.x, 0.3)


def test_noisy_values():
    """The published schedule: one gradient is the average of estimates from few directions."""
    best = lowest(SETS["l1"])
    found = []
    for s in range(3):
        options = {"domain": SETS["l1"], "noise": 1e-3, "samples": 10, "maxfun": 5000}
        res = run(noisy(logistic, 1e-3, s), np.full(10, 0.1), s, **options)
        found.append(logistic(res.x) - best)
        assert np.abs(res.x).sum() <= 2.0 + 1e-12
    assert np.median(found) < 0.02


def test_low_rank_by_the_nuclear_norm():
    rng = np.random.default_rng(0)
    target = np.outer(rng.standard_normal(4), rng.standard_normal(3))
    size = np.linalg.svd(target)[1][0]
    domain = numopt.NuclearBall((4, 3), size)
    res = run(lambda x: float(np.sum((x - target.ravel()) ** 2)), np.zeros(12), domain=domain)
    np.testing.assert_allclose(res.x, target.ravel(), atol=1e-2)
    assert np.linalg.svd(res.x.reshape(4, 3))[1].sum() <= size * (1 + 1e-9)


def test_largest_eigenvalue_on_the_spectrahedron():
    A = np.diag([1.0, 3.0, -2.0])
    domain = numopt.Spectrahedron(3)
    res = run(lambda x: float(np.sum(A * x.reshape(3, 3))), np.eye(3).ravel() / 3, domain=domain)
    assert res.success
    assert res.fun == pytest.approx(-2.0, abs=1e-6)


@pytest.mark.parametrize(
    ("domain", "error", "match"),
    [
        (lambda g: g[:1], numopt.ProblemError, "`domain` returned shape"),
        (lambda g: g * np.nan, numopt.ProblemError, "not finite"),
        (lambda g: None, numopt.InputTypeError, "`domain` returned NoneType"),
        (3.0, numopt.InputTypeError, "`domain` must be a set"),
        (numopt.Box([0.0] * 3, [1.0] * 3), numopt.ProblemError, "of length 3, expected 4"),
    ],
)
def test_bad_domains(domain, error, match):
    with pytest.raises(error, match=match):
        run(square, np.ones(4), domain=domain)


def test_a_set_is_needed():
    with pytest.raises(numopt.ProblemError, match="needs a `domain`, or finite bounds"):
        run(square, np.ones(4), variant="frank_wolfe")
    with pytest.raises(numopt.ProblemError, match="a `domain` or bounds, not both"):
        run(square, np.ones(4), domain=numopt.Simplex(), bounds=[(0, 1)] * 4)


def test_other_variants_take_no_set():
    with pytest.raises(numopt.UnsupportedError, match="variant='spsa' takes no `domain`"):
        run(square, np.ones(4), domain=numopt.Simplex(), variant="spsa")


def test_an_oracle_that_raises():
    def domain(g):
        raise RuntimeError("no oracle")

    with pytest.raises(RuntimeError, match="no oracle"):
        run(square, np.ones(4), domain=domain)


def test_the_gap_of_a_stuck_run_is_told():
    res = run(logistic, np.full(10, 0.1), domain=SETS["l1"], maxiter=3)
    assert res.status == Status.MAX_ITER
    assert 0.0 < res.optimality < np.inf
