"""The published dynamics and their variants."""

import numpy as np
import pytest
from cbo_examples import assert_same, paper, plain, rastrigin

import numopt
from numopt.solvers.cbo.groups import own_consensus

SETTINGS = {
    "anisotropic": {},
    "isotropic": {"noise": "isotropic", "sigma": 1.0, "dt": 0.1},
    "covariance": {"noise": "covariance", "sigma": 1.4, "dt": 0.05},
    "memory": {"memory": True, "memory_lam": 0.4},
    "batches": {"batch_size": 20},
    "hopping": {"hopping": True, "sigma": 0.7, "sigma_factor": 0.98},
    "jumps": {"jump_rate": 1.0},
    "effective size": {"effective_share": 0.3},
    "truncated": {"truncate": 1.0},
    "constant alpha": {"alpha": 1e4, "alpha_factor": 1.0},
}


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_variants_reach_consensus_at_the_minimum(setting):
    res = paper(tol=1e-4, n_particles=100, rng=1, **setting)
    assert res.success
    assert res.optimality <= 1e-4
    np.testing.assert_allclose(res.x, 0.0, atol=0.05)
    assert res.population.shape == (100, 3)


@pytest.mark.parametrize(
    ("inner", "options"),
    [
        (1, {}),
        (7, {"noise": "isotropic", "sigma": 1.0, "dt": 0.1}),
        (25, {"n_particles": 300, "maxiter": 2}),  # numbers in several blocks
        (3, {"effective_share": 0.3, "truncate": 1.0}),
    ],
)
def test_fused_steps_give_the_same_bits(inner, options):
    one, two = (paper(fun, inner=inner, **options) for fun in (rastrigin, plain))
    assert_same(one, two)
    np.testing.assert_array_equal(one.population, two.population)


def test_polarised_particles_find_several_minimisers():
    def wells(x):
        return min(np.sum((x - 3.0) ** 2), np.sum((x + 3.0) ** 2))

    options = {"kernel_width": 3.0, "sigma": 2.0, "alpha": 100.0, "alpha_factor": 1.0}
    res = paper(wells, [(-5, 5)] * 2, maxiter=300, n_particles=60, **options)
    near = [np.sum(np.abs(res.population - w).max(axis=1) < 0.3) for w in (3.0, -3.0)]
    assert min(near) >= 10
    assert res.fun == wells(res.x)


def test_sphere():
    top = np.array([0.0, 0.6, 0.8])
    options = {"variant": "paper", "surface": "sphere", "sigma": 1.0, "dt": 0.05, "tol": 1e-3}
    options |= {"n_particles": 400, "alpha": 1e4}
    res = numopt.minimize(
        lambda x: np.sum((x - top) ** 2), np.ones(3), method="cbo", rng=0, options=options
    )
    np.testing.assert_allclose(np.linalg.norm(res.population, axis=1), 1.0)
    np.testing.assert_allclose(res.x, top, atol=0.05)
    with pytest.raises(numopt.UnsupportedError, match="a surface excludes bounds"):
        paper(surface="sphere")


def test_an_ensemble_of_the_user():
    X = np.random.default_rng(0).uniform(-4, 6, (30, 3))
    res = paper(ensemble=X, maxiter=0)
    np.testing.assert_array_equal(res.population, X)
    with pytest.raises(numopt.OptionError, match=r"`ensemble` must have shape \(N, 3\)"):
        paper(ensemble=X[:, :2])


@pytest.mark.parametrize(
    ("sigma", "dt", "factor"), [(1.0, 0.1, -0.187), (8.1, 0.01, -0.253), (5.1, 0.1, -0.010)]
)
def test_contraction_of_a_particle(sigma, dt, factor):
    """E log |1 - lam dt + sigma sqrt(dt) z| for a fixed consensus point."""
    from numopt.kernels.ensemble import ANISOTROPIC, move

    X, c, out = np.ones((40_000, 1)), np.zeros((1, 1)), np.full(1, np.inf)
    rng, rows = np.random.default_rng(0), np.arange(40_000)
    move(rng, rows, X, c, (dt, sigma * np.sqrt(dt), ANISOTROPIC, np.inf), -out, out)
    assert np.mean(np.log(np.abs(X))) == pytest.approx(factor, abs=0.02)


def test_an_expanding_ensemble_is_told():
    with pytest.warns(numopt.ConvergenceWarning, match="lower `sigma` or `dt`"):
        paper(sigma=60.0, maxiter=1)


def test_own_consensus_of_a_wide_kernel_is_the_common_one():
    rng = np.random.default_rng(0)
    X, f = rng.standard_normal((9, 2)), rng.standard_normal(9)
    w = np.exp(-2.0 * (f - f.min()))
    np.testing.assert_allclose(own_consensus(X, f, 2.0, 1e9)[4], w @ X / w.sum())


def test_first_claim_of_the_paper_success_grows_with_the_ensemble():
    """Rastrigin in d = 4 from N(2, 4^2 I): success means f(c) < 0.8 (Riedl et al., 2023)."""
    options = {"sigma": 1.6**0.5, "alpha": 1000.0, "alpha_factor": 1.0, "radius": 4.0}
    options |= {"maxiter": 40, "dt": 0.02, "variant": "paper", "inner": 20}

    def share(n):
        given = options | {"n_particles": n}
        runs = (
            numopt.minimize(rastrigin, np.full(4, 2.0), method="cbo", rng=s, options=given).fun
            for s in range(20)
        )
        return np.mean([fun < 0.8 for fun in runs])

    assert share(400) > share(20) + 0.2
