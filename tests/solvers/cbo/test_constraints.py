"""Constraints, and a local method at the end."""

import numpy as np
import pytest
from cbo_examples import BOX, counted, plain, run
from scipy.optimize import LinearConstraint, NonlinearConstraint

import numopt
from numopt import Status
from numopt.problems.enclosed import ENCLOSED

SHELL = NonlinearConstraint(lambda x: x @ x, 5.0, 6.0)


def constrained(fun, bounds, constraints, rng=0, x0=None, workers=None, **options):
    return numopt.minimize(
        fun, x0, bounds=bounds, constraints=constraints, method="cbo", rng=rng, options=options,
        workers=workers,
    )  # fmt: skip


CASES = [case for case in ENCLOSED if case.name in ("g06", "g08", "townsend")]


@pytest.mark.parametrize("rng", [0, 1, 2])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_known_minima(case, rng):
    rows = NonlinearConstraint(case.rows.fun, case.rows.lower, case.rows.upper)
    res = constrained(case.fun, case.box, rows, rng, maxfun=20_000)
    assert res.fun == pytest.approx(case.lowest, rel=1e-6)
    assert res.constr_violation <= 1e-6
    assert res.nfev <= 20_000
    assert res.polish["method"] == "sketched_newton"


@pytest.mark.parametrize("variant", ["hybrid", "paper"])
def test_many_minima_in_a_shell(variant):
    res = constrained(plain, BOX, SHELL, variant=variant, maxfun=20_000)
    assert res.fun == pytest.approx(5.0, abs=1e-5)
    assert 5.0 - 1e-6 <= res.x @ res.x <= 6.0 + 1e-6


def test_equation():
    sphere = NonlinearConstraint(lambda x: x @ x, 2.0, 2.0)
    res = constrained(lambda x: x[0] + x[1], None, sphere, x0=[-1.5, -0.5])
    assert res.success
    np.testing.assert_allclose(res.x, -1.0, atol=1e-6)
    np.testing.assert_allclose(res.polish["multipliers"]["constraints"][0], 0.5, atol=1e-5)


def test_linear_and_nonlinear_together():
    rows = [LinearConstraint([[1.0, 1.0, 0.0]], 2.0, np.inf), SHELL]
    res = constrained(plain, BOX, rows, maxfun=8000)
    assert res.x[0] + res.x[1] >= 2.0 - 1e-6
    assert 5.0 - 1e-6 <= res.x @ res.x <= 6.0 + 1e-6
    assert res.fun < 5.5


def test_scale_of_a_constraint_changes_nothing():
    for factor in (1e-4, 1e5):
        rows = NonlinearConstraint(lambda x, a=factor: a * (x @ x - 5.0), 0.0, factor)
        res = constrained(plain, BOX, rows, maxfun=4000)
        assert res.fun == pytest.approx(5.0, abs=0.1)


def test_no_feasible_point():
    res = constrained(plain, BOX, NonlinearConstraint(lambda x: x @ x, -2.0, -1.0), patience=50)
    assert res.status == Status.INFEASIBLE
    assert not res.success
    assert res.constr_violation == pytest.approx(1.0, abs=1e-4)


def test_success_is_recomputed():
    """A constraint that changes its mind between two calls of one point is never a success."""
    calls = []

    def row(x):
        calls.append(1)
        return x[0] + 1e-3 * (len(calls) % 7)

    res = constrained(plain, BOX, NonlinearConstraint(row, 1.0, 1.0), maxfun=3000)
    assert not res.success or res.constr_violation <= 1e-6


@pytest.mark.parametrize("maxfun", [1, 2, 11, 12, 31, 33, 200, 333])
@pytest.mark.parametrize("variant", ["hybrid", "paper"])
def test_budget_is_exact(variant, maxfun):
    (fun, calls), (row, rows) = counted(plain), counted(lambda x: x @ x)
    shell = NonlinearConstraint(row, 5.0, 6.0)
    res = constrained(fun, BOX, shell, variant=variant, maxfun=maxfun)
    assert len(calls) == res.nfev <= maxfun
    assert len(rows) == res.counts["cons"] <= maxfun


def test_without_polishing():
    res = constrained(plain, BOX, SHELL, polish="none", maxfun=4000)
    assert res.polish is None
    assert res.nit < 100
    assert 3900 <= res.nfev <= 4000
    assert res.constr_violation <= 1e-6
    assert res.fun < 5.1


def test_polishing_without_constraints():
    options = {"variant": "paper", "tol": 1e-3, "n_particles": 100}
    rough, fine = run(**options), run(polish="sketched_newton", **options)
    assert fine.success
    assert fine.fun <= rough.fun
    np.testing.assert_allclose(fine.x, 0.0, atol=1e-5)
    assert fine.polish["success"]


def test_same_seed_and_workers():
    from concurrent.futures import ThreadPoolExecutor

    one, two = (constrained(plain, BOX, SHELL, rng=4, patience=50) for _ in range(2))
    with ThreadPoolExecutor(2) as pool:
        three = constrained(plain, BOX, SHELL, rng=4, patience=50, workers=pool)
    for other in (two, three):
        np.testing.assert_array_equal(one.x, other.x)
        assert (one.nfev, one.nit) == (other.nfev, other.nit)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_undefined_constraints(bad):
    """Where a row is undefined no point is feasible."""
    row = lambda x: bad if x[0] < 0.5 else x @ x  # noqa: E731
    res = constrained(plain, BOX, NonlinearConstraint(row, -np.inf, 6.0), maxfun=6000)
    assert res.x[0] >= 0.5
    assert res.fun < 1.1


def test_a_row_that_raises():
    def row(x):
        if x[0] > 5.0:
            raise RuntimeError("no row here")
        return x @ x

    with pytest.raises(RuntimeError, match="no row here") as info:
        constrained(plain, BOX, NonlinearConstraint(row, 5.0, 6.0))
    assert np.isfinite(info.value.numopt_result.x).all()


@pytest.mark.parametrize("name", ["cbo", "newton", "sns"])
def test_polishing_needs_a_local_method(name):
    with pytest.raises((numopt.OptionError, numopt.UnsupportedError)):
        run(polish=name)


def test_polishing_by_a_method_that_cannot():
    with pytest.raises(numopt.UnsupportedError, match="gradient_newton"):
        constrained(plain, BOX, SHELL, polish="gradient_newton")


def test_a_surface_takes_no_constraints():
    with pytest.raises(numopt.UnsupportedError, match="a surface excludes bounds, constraints"):
        constrained(plain, None, SHELL, x0=np.ones(3), surface="sphere", variant="paper")
