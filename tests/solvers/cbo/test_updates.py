"""Corrections of the drift, gradients, Adam, the exact law of a step, memory noise, batches."""

from types import SimpleNamespace

import numpy as np
import pytest
from cbo_examples import BOX, assert_same, paper, plain

import numopt
from numopt.core.loop import Run
from numopt.solvers.cbo import CBO, drift
from numopt.solvers.cbo.moves import moved
from numopt.solvers.cbo.plain import init

SETTINGS = {
    "step": {"correction": "step"},
    "smooth": {"correction": "smooth", "inner": 3},
    "adam": {"update": "adam", "lam": 0.1},
    "exact": {"noise": "covariance", "update": "exact", "sigma": 2**0.5, "dt": 0.1},
    "quiet memory": {"memory": True, "memory_lam": 0.4, "memory_sigma": 0.0},
    "noisy memory": {"memory": True, "memory_sigma": 2.0},
    "partial": {"batch_size": 20, "batches": "partial"},
    "full": {"batch_size": 20, "batches": "full"},
}


def slope(x):
    return 2.0 * x + 20.0 * np.pi * np.sin(2.0 * np.pi * x)


def start(fun=plain, n=3, jac=None, **options):
    """Return a solver, a problem of a run, the first state and the run."""
    problem = numopt.models.callable_nlp.CallableNLP(
        fun, np.zeros(n), jac or "2-point", lb=np.full(n, -4.0), ub=np.full(n, 6.0)
    ).armed()
    solver = CBO(variant="paper", n_particles=20, **options)
    run = Run(problem, 0)
    return solver, problem, init(solver, problem, np.ones(n), run), run


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_each_reaches_consensus_near_the_minimum(setting):
    res = paper(bounds=[(-4, 6)] * 2, tol=1e-4, n_particles=100, rng=1, **setting)
    assert res.success
    np.testing.assert_allclose(res.x, 0.0, atol=0.1)


def test_the_step_correction_draws_only_what_is_worse():
    solver, problem, s, _ = start(correction="step")
    pull, _ = drift.pull(solver, problem, s, np.arange(20))
    worse = s.f > s.fun
    assert worse.any()
    assert not worse.all()
    np.testing.assert_array_equal(pull[~worse], 0.0)
    np.testing.assert_allclose(pull[worse], 0.01 * (s.X - s.c)[worse])


def test_the_smooth_correction():
    solver, problem, s, _ = start(correction="smooth")
    s = s._replace(f=s.fun + np.array([0.0, 1e-3, -1e-3, 1.0, -1.0, np.nan]), X=s.X[:6])
    pull, _ = drift.pull(solver, problem, s, np.arange(6))
    share = [0.5, 0.5 + 0.5 * np.tanh(1.0), 0.5 - 0.5 * np.tanh(1.0), 1.0, 0.0, 1.0]
    expected = 0.01 * np.array(share)[:, None] * (s.X - s.c)
    np.testing.assert_allclose(pull, expected, atol=1e-15)


def test_the_correction_costs_no_evaluation_where_one_step_is_an_iteration():
    one, two = (paper(maxiter=7, correction=c, n_particles=10) for c in ("none", "step"))
    assert one.nfev == two.nfev
    assert paper(maxiter=3, inner=2, correction="step", n_particles=10).nfev == 11 + 3 * (21 + 1)


def test_the_gradient_drift():
    solver, problem, s, _ = start(jac=slope, gradient=0.3)
    pull, _ = drift.pull(solver, problem, s, np.arange(4))
    gradients = np.array([slope(x) for x in s.X[:4]])
    np.testing.assert_allclose(pull, 0.01 * (s.X - s.c)[:4] + 0.3 * 0.01 * gradients)
    assert problem.counts.grad == 4


def test_the_gradient_drift_goes_downhill():
    """Without noise and attraction nearly, it is gradient descent."""
    options = {"variant": "paper", "gradient": 10.0, "lam": 1e-12, "sigma": 0.0, "maxiter": 100}
    options |= {"tol": 1e-300}
    res = numopt.minimize(
        lambda x: x @ x, jac=lambda x: 2 * x, bounds=BOX, method="cbo", rng=0, options=options
    )
    np.testing.assert_allclose(res.population, 0.0, atol=1e-8)
    assert res.njev == 100 * 60


@pytest.mark.parametrize("given", [{}, {"constraints": ({"type": "ineq", "fun": lambda x: x[0]},)}])
def test_the_gradient_drift_needs_a_gradient_and_no_constraints(given):
    given = given | ({"jac": slope} if given else {})
    with pytest.raises(numopt.UnsupportedError, match="`gradient` needs a given gradient"):
        numopt.minimize(
            plain, bounds=BOX, method="cbo", options={"variant": "paper", "gradient": 1.0}, **given
        )


def test_the_gradient_drift_before_a_local_method():
    options = {"variant": "paper", "gradient": 0.1, "polish": "sketched_newton", "tol": 1e-3}
    res = numopt.minimize(plain, jac=slope, bounds=BOX, method="cbo", rng=0, options=options)
    assert res.success
    assert np.abs(slope(res.x)).max() < 1e-2


def test_undefined_gradients_do_not_move():
    solver, problem, s, _ = start(jac=lambda x: np.full(3, np.nan), gradient=1.0)
    pull, _ = drift.pull(solver, problem, s, np.arange(20))
    np.testing.assert_allclose(pull, 0.01 * (s.X - s.c))


def test_first_step_of_adam_has_the_length_lam():
    solver, problem, s, _ = start(update="adam", lam=0.25)
    pull, moments = drift.pull(solver, problem, s, np.arange(20))
    np.testing.assert_allclose(pull, 0.25 * np.sign(s.X - s.c), rtol=1e-6)
    np.testing.assert_allclose(moments, [0.1 * (s.X - s.c), 0.01 * (s.X - s.c) ** 2], rtol=1e-9)


def test_adam_by_hand():
    """Two steps for one particle against the formulas."""
    solver, problem, s, _ = start(update="adam", lam=0.5)
    u = (s.X - s.c)[0]
    _, moments = drift.pull(solver, problem, s, np.arange(20))
    s = s._replace(moments=moments, steps=1, X=s.X + 0.5)
    pull, _ = drift.pull(solver, problem, s, np.arange(20))
    m, v = 0.09 * u + 0.1 * (u + 0.5), 0.0099 * u**2 + 0.01 * (u + 0.5) ** 2
    m, v = m / (1 - 0.9**2), v / (1 - 0.99**2)
    np.testing.assert_allclose(pull[0], 0.5 * m / (np.sqrt(v) + 1e-8))


def test_exact_steps_do_not_depend_on_their_length():
    """Mean and covariance of x after a time T, for a fixed consensus, in 1 step or in 4."""
    from numopt.solvers.cbo.noise import increments

    rng = np.random.default_rng(0)
    X = rng.standard_normal((4000, 2)) @ np.array([[2.0, 0.0], [1.0, 0.5]]) + 3.0
    x = X.mean(axis=0)
    spread = []
    for k in (1, 4):
        solver = CBO(variant="paper", noise="covariance", update="exact", sigma=1.1, dt=0.8 / k)
        Z, run = np.full((4000, 2), 7.0), SimpleNamespace(normal=rng.standard_normal)
        for _ in range(k):
            s = SimpleNamespace(X=Z, c=x[None], moments=np.zeros(0))
            pull, _ = drift.pull(solver, None, s, np.arange(4000))
            law = SimpleNamespace(X=X, f=np.zeros(4000), alpha=0.0, x=x, sigma=1.1)
            Z = Z + increments(solver, law, np.arange(4000), run) - pull
        np.testing.assert_allclose(Z.mean(axis=0), x + np.exp(-0.8) * (7.0 - x), atol=0.1)
        spread.append(np.cov(Z.T))
    expected = 1.1**2 / 2 * (1 - np.exp(-1.6)) * np.cov(X.T)
    np.testing.assert_allclose(spread[0], expected, atol=0.15)
    np.testing.assert_allclose(spread[1], expected, atol=0.15)


def test_consensus_based_sampling():
    """With sigma = sqrt(2 (1 + alpha)) the ensemble tends to the law exp(-f), here normal."""
    A = np.array([[2.0, 0.6], [0.6, 1.0]])
    options = {"noise": "covariance", "update": "exact", "dt": 0.5, "alpha": 1.0, "inner": 40}
    options |= {"alpha_factor": 1.0, "sigma": 2.0, "n_particles": 1500, "maxiter": 1}
    res = numopt.minimize(
        lambda X: 0.5 * np.einsum("ij,jk,ik->i", X - 1.0, A, X - 1.0), np.zeros(2), method="cbo",
        rng=0, vectorized=True, options=options | {"variant": "paper", "radius": 2.0},
    )  # fmt: skip
    np.testing.assert_allclose(res.population.mean(axis=0), 1.0, atol=0.25)
    np.testing.assert_allclose(np.cov(res.population.T), np.linalg.inv(A), atol=0.3)


def test_noise_of_the_memory_is_an_option_of_its_own():
    one = paper(memory=True, memory_lam=0.4, maxiter=20)
    same = paper(memory=True, memory_lam=0.4, memory_sigma=0.4 * 8.1, maxiter=20)
    np.testing.assert_allclose(one.population, same.population)
    quiet = paper(memory=True, memory_lam=0.4, memory_sigma=0.0, maxiter=20)
    assert not np.array_equal(one.population, quiet.population)


@pytest.mark.parametrize("batches", ["stale", "partial", "full"])
def test_who_moves_and_who_is_evaluated(batches):
    solver, problem, s, run = start(batch_size=6, batches=batches)
    before = problem.counts.fun
    new, rows = moved(solver, problem, s, run)
    assert rows.size == 6
    assert problem.counts.fun == before
    still = (new.X == s.X).all(axis=1)
    assert still.sum() == (0 if batches == "full" else 14)
    assert not still[rows].any()


def test_the_consensus_of_a_batch_is_that_of_its_particles():
    solver, problem, s, run = start(
        batch_size=6, batches="partial", sigma=0.0, lam=100.0, alpha=2.0
    )
    new, rows = moved(solver, problem, s, run)  # lam dt = 1: all in the consensus point
    w = np.exp(-2.0 * (s.f[rows] - s.f[rows].min()))
    np.testing.assert_allclose(new.X[rows], np.tile(w @ s.X[rows] / w.sum(), (6, 1)))


def test_values_that_a_full_batch_has_outdated_are_unknown():
    res = paper(batch_size=8, batches="full", n_particles=20, maxiter=3)
    known = np.isfinite(res.population_energies)
    assert known.sum() == 8
    np.testing.assert_allclose(
        res.population_energies[known], [plain(x) for x in res.population[known]]
    )


@pytest.mark.parametrize("batches", ["stale", "partial", "full"])
def test_evaluations_of_batches(batches):
    res = paper(batch_size=8, batches=batches, n_particles=20, maxiter=10)
    assert 21 + 10 * 8 < res.nfev <= 21 + 10 * 9  # a consensus point that stays costs nothing


def test_a_run_is_continued_bit_for_bit():
    options = {"update": "adam", "lam": 0.1, "correction": "step", "batch_size": 9}
    options |= {"variant": "paper", "n_particles": 30, "memory": True}
    problem = numopt.models.callable_nlp.CallableNLP(plain, np.ones(3), lb=[-4.0] * 3, ub=[6.0] * 3)
    given = {"method": "cbo", "rng": 0}
    whole = numopt.solve(problem, options=options | {"maxiter": 12}, **given)
    half = numopt.solve(problem, options=options | {"maxiter": 6}, **given)
    rest = numopt.solve(problem, options=options | {"maxiter": 12}, state=half.state, **given)
    np.testing.assert_array_equal(whole.population, rest.population)
    assert whole.nfev == half.nfev + rest.nfev
    assert whole.nit == rest.nit
    assert_same(whole, numopt.solve(problem, options=options | {"maxiter": 12}, **given))


@pytest.mark.parametrize(
    "options",
    [
        {"batches": "full", "clusters": 2}, {"batches": "partial", "kernel_width": 1.0},
        {"batches": "full", "effective_share": 0.5}, {"batches": "full", "memory": True},
        {"correction": "step", "clusters": 2},
        {"correction": "step", "batches": "partial"}, {"update": "exact"},
        {"surface": "sphere", "update": "adam"}, {"surface": "sphere", "gradient": 1.0},
        {"surface": "sphere", "kicks": 1}, {"memory_sigma": -1.0}, {"memory_sigma": "x"},
        {"batches": "half"}, {"correction": "hard"}, {"update": "milstein"}, {"gradient": -1},
        {"handling": "rank"}, {"handling": "rank", "variant": "paper", "memory": True},
        {"handling": "adaptive", "variant": "paper", "batch_size": 5}, {"handling": "barrier"},
        {"walls": "open"}, {"kicks": -1}, {"kick": -1.0}, {"schedule": 3},
    ],
)  # fmt: skip
def test_options_that_make_no_sense(options):
    with pytest.raises(numopt.OptionError, match=f"`{next(iter(options))}` must"):
        CBO(**options)
