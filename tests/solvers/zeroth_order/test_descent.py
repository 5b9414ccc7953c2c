"""What each variant reaches on the common functions, with fixed seeds and budgets."""

import numpy as np
import pytest
from zeroth_order_examples import CURVATURES, bowl, farthest, noisy, rosenbrock, run

import numopt
from numopt import Status


def median(fun, x0, true=None, seeds=5, **options):
    """Return the median of the true value at the answers."""
    answers = [run(fun, x0, rng=s, **options).x for s in range(seeds)]
    return np.median([(true or fun)(x) for x in answers])


def test_coordinates_are_verified():
    res = run(bowl, np.ones(100))
    assert res.success
    assert res.certificate is None
    assert res.nfev < 25_000
    assert np.abs(CURVATURES * res.x).max() <= 1.1e-6


def test_rosenbrock_in_ten_variables():
    res = run(rosenbrock, np.zeros(10))
    assert res.success
    assert res.nfev < 4000
    np.testing.assert_allclose(res.x, 1.0, atol=1e-6)


def test_a_tenth_of_the_differences_in_a_step():
    res = run(bowl, np.ones(100), density=0.1, maxiter=10_000, tol=1.0)
    assert res.success
    assert np.abs(CURVATURES * res.x).max() <= 1.1


def test_bounds():
    res = run(rosenbrock, np.array([0.1, 0.2]), bounds=[(-2, 0.5), (-2, 2)])
    assert res.success
    np.testing.assert_allclose(res.x, [0.5, 0.25], atol=1e-6)


@pytest.mark.parametrize("variant", ["coordinates", "smoothing", "spsa", "ranking", "recursive"])
def test_nothing_is_evaluated_outside_bounds(variant):
    seen = []

    def fun(x):
        seen.append(x.copy())
        return float(np.sum((x + 1.0) ** 2))

    res = run(fun, np.full(3, 0.3), bounds=[(0, 1)] * 3, variant=variant, maxfun=1500)
    assert np.min(seen) >= 0.0
    assert np.max(seen) <= 1.0
    np.testing.assert_allclose(res.x, 0.0, atol=0.05)


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ({"variant": "smoothing", "maxfun": 10_000}, 1.0),
        ({"variant": "smoothing", "maxfun": 10_000, "momentum": 0.5}, 1.0),
        ({"variant": "smoothing", "maxfun": 10_000, "density": 0.2}, 1.0),
        ({"variant": "spsa", "maxfun": 8000, "maxiter": 10**6}, 10.0),
        ({"variant": "ranking", "maxfun": 10_000, "maxiter": 10**6}, 25.0),
    ],
)
def test_condition_100_in_100_variables(options, value):
    """From 1090 down to `value`."""
    assert run(bowl, np.ones(100), **options).fun < value


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ({"variant": "coordinates"}, 5e-3),
        ({"variant": "smoothing", "average": True}, 5.0),
        ({"variant": "spsa", "average": True, "maxiter": 10**6}, 15.0),
        ({"variant": "spsa", "blocking": True, "maxiter": 10**6}, 15.0),
    ],
)
def test_noise_of_a_thousandth(options, value):
    fun = noisy(bowl, 1e-3)
    res = run(fun, np.ones(100), noise=1e-3, maxfun=8000, **options)
    assert bowl(res.x) < value


def test_averaging_pays_where_constant_steps_meet_noise():
    options = {"variant": "smoothing", "step_size": 0.1, "maxfun": 4000, "samples": 4}
    options |= {"noise": 0.1, "radius": 0.1}
    fun, true = noisy(lambda x: float(x @ x), 0.1), lambda x: float(x @ x)
    last, mean = (
        median(fun, np.ones(5), true, average=average, **options) for average in (False, True)
    )
    assert mean < 0.5 * last


def test_a_lucky_value_is_no_answer():
    """The last value of 1000 with noise 1 is near 0; the luckiest of the stencils is near -3."""
    rng, lucky = np.random.default_rng(0), []

    def fun(x):
        lucky.append(float(x @ x) + rng.standard_normal())
        return lucky[-1]

    for variant in ("coordinates", "smoothing", "spsa"):
        lucky.clear()
        res = run(fun, np.ones(3), variant=variant, noise=1.0, maxfun=1000, average=True)
        assert res.fun > min(lucky)


def test_largest_residual():
    """Nonsmooth and convex; the optimum by linear programming."""
    from scipy.optimize import linprog
    from zeroth_order_examples import DATA, SIDE

    rows = np.block([[DATA, -np.ones((40, 1))], [-DATA, -np.ones((40, 1))]])
    lowest = linprog([0.0] * 10 + [1.0], rows, [*SIDE, *-SIDE], bounds=[(None, None)] * 11).fun
    start = farthest(np.zeros(10)) - lowest
    for variant, share in (("recursive", 0.2), ("spsa", 0.35), ("ranking", 0.35)):
        options = {"variant": variant, "maxfun": 4000, "maxiter": 10**6}
        assert run(farthest, np.zeros(10), **options).fun - lowest < share * start


def capped(x):
    """Sum of |x_i| and of capped terms: the only stationary point near 0 is 0."""
    return float(np.abs(x).sum() + 0.5 * np.minimum(np.abs(x - 2.0), 0.5).sum())


def test_nonsmooth_nonconvex_ends_at_a_goldstein_stationary_point():
    """At the end zero lies among the subgradients within the radius: |x_i| <= delta for all i."""
    res = run(capped, np.full(4, 1.0), variant="recursive", maxfun=60_000, tol=0.05, radius=1e-2)
    assert res.success
    assert np.abs(res.x).max() <= 1e-2
    assert res.radius == 1e-2


def test_the_measure_of_recursive_is_recomputed():
    """A radius far beyond the slope: the estimate is small where it was drawn, and elsewhere."""
    res = run(lambda x: float(np.abs(x).sum()), np.zeros(3), variant="recursive")
    assert res.success
    assert res.optimality < 1e-6


def test_constant_steps_as_published():
    res = run(rosenbrock, np.zeros(2), variant="smoothing", step_size=1e-3, maxfun=10_000, rng=1)
    assert res.status in (Status.MAX_FUN, Status.MAX_ITER)
    assert res.fun < 0.5


def test_spsa_does_not_run_away():
    res = run(rosenbrock, np.zeros(10), variant="spsa", maxfun=5000, maxiter=10**6)
    assert res.fun < rosenbrock(np.zeros(10)) * 10
    assert np.abs(res.x).max() < 5.0


def test_nonfinite_differences_end_the_run():
    fun = lambda x: np.nan if x[0] > 1.0 else float(x @ x)  # noqa: E731
    for variant in ("coordinates", "smoothing", "spsa", "recursive"):
        res = run(fun, np.ones(2), variant=variant)
        assert res.status == Status.NONFINITE
        assert np.isfinite(res.fun)


def test_ranking_passes_by_nonfinite_points():
    fun = lambda x: np.nan if x[0] > 1.5 else float(x @ x)  # noqa: E731
    res = run(fun, np.ones(2), variant="ranking")
    assert res.success
    np.testing.assert_allclose(res.x, 0.0, atol=1e-5)


def test_a_minimum_at_infinity_is_no_success():
    """At 1e24 a gradient of 1 is lost in x - g."""
    res = run(lambda x: float(x.sum()), np.ones(3))
    assert res.status == Status.UNBOUNDED


@pytest.mark.parametrize("variant", ["coordinates", "smoothing", "frank_wolfe", "recursive"])
def test_rounded_values_are_no_success(variant):
    """Close to the start they are constant; the message says what helps."""
    fun = lambda x: round(float(np.sum((x - 0.5) ** 2)), 2)  # noqa: E731
    options = {"variant": variant, "radius": 1e-5, "bounds": [(-5, 5)] * 3}
    res = run(fun, np.full(3, 2.0), **options)
    assert res.status == Status.SMALL_STEP
    assert "give a larger `radius`" in res.message


def test_single_precision_with_a_radius_for_it():
    def fun(x):
        return float(np.float32(10.0) + np.float32(np.sum((x - 0.5) ** 2)))

    res = run(fun, np.full(3, 2.0), radius=0.05)
    assert fun(res.x) == 10.0


def test_a_constant_function_is_minimal_everywhere():
    assert run(lambda x: 3.0, np.ones(3)).success


@pytest.mark.parametrize("scale", [1e-3, 1e3])
@pytest.mark.parametrize("variant", ["coordinates", "smoothing", "spsa", "recursive"])
def test_noise_at_any_scale_of_the_variables(variant, scale):
    """The radius is in units of the variables: at a scale of 1 all of them reach 0.02 too."""
    curvatures, rng = np.array([1.0, 3.0, 10.0, 30.0]), np.random.default_rng(0)
    true = lambda x: float(curvatures @ (x / scale - 0.4) ** 2)  # noqa: E731
    options = {"variant": variant, "noise": 1e-2, "maxfun": 2000, "maxiter": 10**6}
    fun = lambda x: true(x) + 1e-2 * rng.standard_normal()  # noqa: E731
    res = run(fun, np.full(4, 0.9 * scale), **options)
    assert true(res.x) < 0.03


def test_a_ball_respects_the_narrowest_side_of_a_box():
    """In a ball of half of the first side its middle and both ends look alike."""
    fun = lambda x: float((x[0] - 0.2) ** 2 + (x[1] / 1e3 - 0.3) ** 2)  # noqa: E731
    res = run(fun, np.array([0.5, 500.0]), bounds=[(0, 1), (0, 1e3)], variant="recursive")
    np.testing.assert_allclose(res.x / [1.0, 1e3], [0.2, 0.3], atol=0.02)


def test_a_ranking_reaches_a_minimum_far_away():
    res = run(lambda x: float(np.sum((x - 1e4) ** 2)), np.zeros(3), variant="ranking", maxfun=4000)
    np.testing.assert_allclose(res.x, 1e4, rtol=1e-4)


@pytest.mark.parametrize("options", [{"variant": "recursive"}, {"second_order": True}])
def test_no_variables(options):
    res = run(lambda x: 1.0, np.zeros(0), **({"variant": "spsa"} | options))
    assert res.success


def test_a_ball_in_which_f_is_undefined_is_made_smaller():
    fun = lambda x: np.nan if x[0] < 0.9 else float(np.sum((x - 1.0) ** 2))  # noqa: E731
    res = run(fun, np.full(2, 1.05), variant="recursive")
    assert res.success
    np.testing.assert_allclose(res.x, 1.0, atol=1e-6)


def test_second_order_pays_where_few_variables_are_curved_differently():
    curvatures = np.geomspace(1.0, 1e4, 6)
    fun = lambda x: 0.5 * float(curvatures @ x**2)  # noqa: E731
    options = {"variant": "spsa", "maxfun": 3000, "maxiter": 10**6}
    first, second = (
        median(fun, np.ones(6), seeds=3, second_order=order, **options) for order in (False, True)
    )
    assert second < 0.3 * first


def test_kinks_are_learnt():
    """Weak Wolfe steps: without them this ends at 9e-3."""
    from scipy.optimize import linprog

    rng = np.random.default_rng(2)
    A, b = rng.standard_normal((40, 10)), rng.standard_normal(40)
    rows = np.block([[A, -np.ones((40, 1))], [-A, -np.ones((40, 1))]])
    lowest = linprog([0.0] * 10 + [1.0], rows, [*b, *-b], bounds=[(None, None)] * 11).fun
    res = run(lambda x: float(np.abs(A @ x - b).max()), np.zeros(10), maxfun=4000)
    assert res.fun - lowest < 2e-3


def test_start_at_the_solution():
    assert run(bowl, np.zeros(100)).nfev <= 402


def test_fixed_variables_stay():
    for variant in ("coordinates", "smoothing", "spsa", "ranking", "recursive"):
        res = run(
            lambda x: float(x @ x), np.array([1.0, 2.0]), bounds=[(-3, 3), (2, 2)],
            variant=variant, maxfun=2000,
        )  # fmt: skip
        assert res.x[1] == 2.0
        assert abs(res.x[0]) < 0.2


def test_scipy_can_call_it():
    from scipy.optimize import minimize

    res = minimize(rosenbrock, np.zeros(3), method=numopt.ZerothOrder())
    np.testing.assert_allclose(res.x, 1.0, atol=1e-5)
