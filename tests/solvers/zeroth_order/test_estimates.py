"""The estimates themselves: accuracy, means, weights, and what they cost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from zeroth_order_examples import DATA, bowl, run, square

import numopt
from numopt.core.loop import Run
from numopt.scipy_like import nlp_from_scipy
from numopt.solvers.zeroth_order import ZerothOrder, common, frank_wolfe, ranking, recursive, spsa
from numopt.solvers.zeroth_order import smoothing as smoothed


def problem_of(fun, x0, **given):
    return nlp_from_scipy(fun, x0, **given).armed()


def cubic(x):
    return float(np.sum(x**3))


def differences(fun, x, formula, **options):
    problem = problem_of(fun, x)
    args = np.arange(x.size), np.ones(x.size), formula
    return common.gradient(problem, x, fun(x), *args, **options), problem


@pytest.mark.parametrize(("formula", "accuracy"), [("2-point", 1e-6), ("3-point", 1e-9)])
def test_coordinates_cost_and_accuracy(formula, accuracy):
    x = np.array([0.5, 1.0, 2.0])
    g, problem = differences(cubic, x, formula)
    np.testing.assert_allclose(g, 3.0 * x**2, rtol=accuracy)
    assert problem.counts.fun == (3 if formula == "2-point" else 6)


def test_error_of_central_differences_is_the_square_of_the_radius():
    x = np.ones(3)
    errors = [differences(cubic, x, "3-point", step=h)[0] - 3.0 for h in (1e-2, 2e-2)]
    np.testing.assert_allclose(errors[0], 1e-4, rtol=1e-6)
    np.testing.assert_allclose(errors[1] / errors[0], 4.0, rtol=1e-6)


def test_forward_costs_half():
    forward = run(bowl, np.ones(100), difference="forward", maxiter=3)
    central = run(bowl, np.ones(100), maxiter=3)
    assert 1.8 < central.nfev / forward.nfev < 2.0


def mean_estimate(module, solver, fun, x, draws):
    problem, random = problem_of(fun, x), Run(problem_of(fun, x), 0)
    s = module.init(solver, problem, x, random)
    if module is spsa:
        return np.mean(
            [spsa._estimate(solver, problem, s, s.c, random) for _ in range(draws)], axis=0
        )
    return np.mean([smoothed._estimate(solver, problem, s, random) for _ in range(draws)], axis=0)


@pytest.mark.parametrize(
    ("module", "options"),
    [(smoothed, {"samples": 50}), (smoothed, {"samples": 50, "density": 0.4}), (spsa, {})],
)
def test_random_estimates_are_unbiased(module, options):
    """Of a quadratic; a mean of 4000 directions has an error of 6 % in each entry at most."""
    x = np.array([1.0, -2.0, 0.5, 0.0, 3.0])
    draws = 4000 if module is spsa else 80
    g = mean_estimate(module, ZerothOrder(**options), lambda x: 0.5 * float(x @ x), x, draws)
    np.testing.assert_allclose(g, x, atol=6 * np.linalg.norm(x) * np.sqrt(6 / 4000))


def test_sparse_directions_move_few_variables():
    seen = []

    def fun(X):
        seen.append(X.copy())
        return np.sum(X**2, axis=1)

    run(fun, np.ones(10), vectorized=True, variant="smoothing", density=0.3, samples=4, maxiter=1)
    stencils = [X for X in seen if len(X) == 8]
    assert stencils
    assert all((np.abs(X[0] - X[4]) > 1e-9).sum() == 3 for X in stencils)


def test_spsa_costs_two_evaluations_a_step():
    few = run(bowl, np.ones(100), variant="spsa", maxiter=1, inner=10)
    more = run(bowl, np.ones(100), variant="spsa", maxiter=1, inner=30)
    assert more.nfev - few.nfev == 40
    blocked = run(bowl, np.ones(100), variant="spsa", maxiter=1, inner=30, blocking=True)
    assert blocked.nfev - more.nfev == 29  # 30 more, less the one for the report


def test_second_order_costs_four_evaluations_a_step():
    options = {"variant": "spsa", "second_order": True, "maxiter": 1}
    few, more = (run(bowl, np.ones(100), inner=inner, **options) for inner in (10, 30))
    assert more.nfev - few.nfev == 80


@given(st.integers(1, 5), st.integers(0, 10**6))
def test_a_correction_fits_the_value_it_was_told(n, seed):
    """u'Hv is what was found, H stays symmetric, and nothing else moves."""
    rng = np.random.default_rng(seed)
    H = rng.standard_normal((n, n))
    H, (u, v) = H + H.T, rng.choice([-1.0, 1.0], (2, n))
    new = spsa.corrected(H, 3.0, u, v)
    assert u @ new @ v == pytest.approx(3.0)
    np.testing.assert_allclose(new, new.T, rtol=1e-14)
    np.testing.assert_allclose(spsa.corrected(new, u @ new @ v, u, v), new, rtol=1e-14)


def test_the_second_order_form_learns_the_hessian():
    A = np.array([[100.0, 3.0, 0.0], [3.0, 1.0, 0.5], [0.0, 0.5, 10.0]])
    problem, x = problem_of(lambda x: 0.5 * float(x @ A @ x), np.ones(3)), np.ones(3)
    solver, random = ZerothOrder(variant="spsa", second_order=True), Run(problem, 0)
    s = spsa.init(solver, problem, x, random)
    for _ in range(20):
        s = spsa.step(solver, problem, s, random)
    np.testing.assert_allclose(s.H, A, atol=1e-6)


def test_the_inverse_of_an_indefinite_matrix_is_positive():
    H = np.diag([4.0, -2.0, 1e-9])
    expected = np.diag([0.25, 0.5, 1.0 / (4.0 * spsa.FLATTEST)])
    np.testing.assert_allclose(spsa.absolute_inverse(H), expected)


def test_spsa_gains():
    problem, x = problem_of(bowl, np.ones(100)), np.ones(100)
    solver = ZerothOrder(variant="spsa", maxiter=100)
    s = spsa.init(solver, problem, x, Run(problem, 0))
    assert s.A == 100.0  # a tenth of 1000 steps
    assert s.c == 1e-2
    first = s.a / (s.A + 1) ** 0.602
    slopes = [
        np.abs(spsa._estimate(solver, problem, s, s.c, Run(problem, k))).max() for k in range(200)
    ]
    assert first * np.mean(slopes) == pytest.approx(0.1, rel=0.5)


@given(st.integers(2, 12), st.data())
def test_ranking_weights_sum_to_zero_and_count_the_pairs(m, data):
    k = data.draw(st.integers(1, m))
    order = np.array(data.draw(st.permutations(range(m)))[:k])
    weights = ranking.estimate(np.eye(m), order)
    pairs = [(i, j) for r, i in enumerate(order) for j in order[r + 1 :]]
    pairs += [(i, j) for i in order for j in set(range(m)) - set(order.tolist())]
    expected = sum(np.eye(m)[j] - np.eye(m)[i] for i, j in pairs) / max(len(pairs), 1)
    np.testing.assert_allclose(weights, expected, atol=1e-14)
    assert abs(weights.sum()) < 1e-13


def test_full_ranking_is_the_evolution_strategy_with_linear_weights():
    u, order = np.random.default_rng(0).standard_normal((7, 3)), np.array([3, 1, 0, 6, 5, 2, 4])
    linear = np.array([3, 2, 1, 0, -1, -2, -3]) / (7 * 6 / 4)
    np.testing.assert_allclose(ranking.estimate(u, order), -linear @ u[order])


def test_directions_are_orthonormal_in_sets():
    W = recursive.directions(np.random.default_rng(0), 7, 3)
    assert W.shape == (7, 3)
    np.testing.assert_allclose(W[:3] @ W[:3].T, np.eye(3), atol=1e-14)
    np.testing.assert_allclose(W[3:6] @ W[3:6].T, np.eye(3), atol=1e-14)
    assert np.linalg.norm(W[6]) == pytest.approx(1.0)
    many = recursive.directions(np.random.default_rng(0), 30_000, 3)
    np.testing.assert_allclose(many.mean(axis=0), 0.0, atol=0.02)


def ball_estimate(fun, x, delta, k):
    problem = problem_of(fun, x)
    W = recursive.directions(np.random.default_rng(0), k, x.size)
    return recursive._terms(recursive._ends(problem, x, delta, W), delta, W)


def test_ball_estimate_is_exact_for_linear_functions():
    slope = np.array([1.0, -2.0, 3.0])
    terms = ball_estimate(lambda x: float(slope @ x), np.ones(3), 0.1, 6)
    np.testing.assert_allclose(terms.mean(axis=0), slope, rtol=1e-12)


def test_ball_estimate_is_the_gradient_of_the_average_over_the_ball():
    """Of abs(x_1) at t < delta in the plane, d/dt E |t + delta u_1| = E sign(t + delta u_1)."""
    delta, t = 0.5, 0.2
    terms = ball_estimate(lambda x: float(abs(x[0])), np.array([t, 0.0]), delta, 20_000)
    a = t / delta  # the share of the disc with u_1 > -a, less the rest
    share = 2.0 / np.pi * (np.arcsin(a) + a * np.sqrt(1 - a * a))
    np.testing.assert_allclose(terms.mean(axis=0), [share, 0.0], atol=0.02)


def test_second_moment_of_the_ball_estimate():
    """E |g|^2 <= 16 sqrt(2 pi) d L^2 (Lin, Zheng, Jordan, 2022, lemma D.1)."""
    d = DATA.shape[1]
    fun = lambda x: float(np.abs(DATA @ x).max())  # noqa: E731
    L = np.linalg.norm(DATA, axis=1).max()
    terms = ball_estimate(fun, np.ones(d), 0.1, 2000)
    assert (terms**2).sum(axis=1).mean() <= 16 * np.sqrt(2 * np.pi) * d * L**2


def test_larger_balls_come_first():
    """Each has four times the radius of the next, up to a quarter of the size of the variables."""
    radii = []
    options = {"variant": "recursive", "maxfun": 4000, "tol": 1e-12}
    note = lambda intermediate_result: radii.append(intermediate_result.radius)  # noqa: E731
    numopt.minimize(
        lambda x: float(np.abs(x).sum()), np.ones(3), method="zeroth_order", rng=0,
        options=options, callback=note,
    )  # fmt: skip
    widths = sorted(set(radii), reverse=True)
    assert radii == sorted(radii, reverse=True)
    np.testing.assert_allclose(widths, [0.25, 0.25 / 4, 0.25 / 16, 0.25 / 64, 1e-3])
    assert run(square, np.ones(3), variant="recursive", levels=0, maxiter=2).radius == 1e-3


def test_recursive_estimates_share_their_directions():
    """Both points of a difference see the same displacements."""
    seen = []

    def fun(X):
        seen.append(X.copy())
        return np.abs(X).sum(axis=1)

    options = {"variant": "recursive", "samples": 16, "levels": 0, "maxiter": 1}
    run(fun, np.ones(4), vectorized=True, **options)
    few = [X for X in seen if len(X) == 8]  # b' = 4, at both ends
    assert len(few) == 2 * 3  # two points in each of m - 1 = 3 steps
    for here, there in zip(few[::2], few[1::2], strict=True):
        np.testing.assert_allclose(here[0] - here[4], there[0] - there[4], atol=1e-12)


def test_schedule_of_the_noisy_oracle_method():
    """Sahu, Zaheer, Kar: rho_k = 4 / ((1 + d/m)^(1/3) (k + 8)^(2/3)), steps 2 / (k + 8)."""
    problem, x = problem_of(square, np.full(3, 0.2), bounds=[(0, 1)] * 3), np.full(3, 0.2)
    solver = ZerothOrder(variant="frank_wolfe", samples=3)
    s = frank_wolfe.init(solver, problem, x, Run(problem, 0))
    new = frank_wolfe.step(solver, problem, s, Run(problem, 1))
    np.testing.assert_allclose(new.x, s.x + 2.0 / 8.0 * (s.v - s.x))
    frozen = frank_wolfe._averaged(solver, problem, s._replace(k=10**12), Run(problem, 1))
    np.testing.assert_allclose(frozen, s.g, atol=1e-6)
