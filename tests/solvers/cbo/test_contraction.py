"""Whether particles come nearer to a fixed consensus point, and when a warning tells."""

import warnings

import numpy as np
import pytest
from cbo_examples import paper

import numopt
from numopt.solvers.cbo import CBO
from numopt.solvers.cbo.contraction import spreading
from numopt.solvers.cbo.noise import stable


def measured(n, steps=6, particles=4000, **options):
    """Return the mean logarithm of the growth of |x| in a step of the kernel around c = 0."""
    from numopt.kernels.ensemble import move
    from numopt.solvers.cbo.fused import dynamics

    solver = CBO(variant="paper", **options)
    X = np.random.default_rng(1).standard_normal((particles, n))
    before, out = np.linalg.norm(X, axis=1), np.full(n, np.inf)
    rows, c = np.arange(particles), np.zeros((1, n))
    for _ in range(steps):
        move(np.random.default_rng(0), rows, X, c, dynamics(solver, solver.sigma), -out, out)
    return np.mean(np.log(np.linalg.norm(X, axis=1) / before)) / steps


@pytest.mark.parametrize("n", [1, 2, 10, 40])
@pytest.mark.parametrize(("sigma", "dt"), [(1.0, 0.1), (5.1, 0.01), (2.0, 0.3)])
def test_rate_of_isotropic_noise_depends_on_the_dimension(n, sigma, dt):
    options = {"noise": "isotropic", "sigma": sigma, "dt": dt}
    expected = spreading(CBO(variant="paper", **options), n)
    assert measured(n, steps=1, **options) == pytest.approx(expected, abs=0.04)


@pytest.mark.parametrize(
    ("sigma", "dt", "rate"),
    [(1.0, 0.1, -0.187), (8.1, 0.01, -0.253), (5.1, 0.1, -0.010), (6.0, 0.1, 0.113)],
)
@pytest.mark.parametrize("n", [1, 30])
def test_rate_of_anisotropic_noise_does_not(sigma, dt, rate, n):
    """The table of E log |1 - lam dt + sigma sqrt(dt) z|."""
    assert spreading(CBO(sigma=sigma, dt=dt), n) == pytest.approx(rate, abs=0.02)


def test_isotropic_noise_in_many_dimensions_spreads():
    """About sigma sqrt(dt d) > 1 the typical particle flies away."""
    rates = [spreading(CBO(noise="isotropic", sigma=8.1), n) for n in (1, 2, 10, 100)]
    assert rates[0] < 0.0 < rates[2]
    assert rates == sorted(rates)
    assert rates[3] == pytest.approx(np.log(np.hypot(0.99, 0.81 * 10)), abs=0.05)


def test_the_pull_of_a_memory_is_a_second_move():
    without, quiet, noisy = (
        spreading(CBO(memory=True, memory_lam=lam, memory_sigma=sigma), 3)
        for lam, sigma in ((0.0, None), (0.4, 0.0), (0.4, 60.0))
    )
    assert without == spreading(CBO(), 3)
    assert quiet == pytest.approx(without + np.log(1.0 - 0.004), abs=1e-9)
    assert noisy > 0.0


@pytest.mark.parametrize("tail", [1.2, 1.7])
@pytest.mark.parametrize("noise", ["anisotropic", "isotropic"])
def test_rate_of_heavy_tails(tail, noise):
    solver = CBO(tail=tail, sigma=1.5, dt=0.1, noise=noise)
    rng = np.random.default_rng(5)
    n = 1 if noise == "anisotropic" else 4
    Z = 1.5 * 0.1 ** (1 / tail) * stable(rng, (40_000, n), tail)
    Z[:, 0] += 0.9
    expected = np.mean(np.log(np.linalg.norm(Z, axis=1)))
    assert spreading(solver, 4) == pytest.approx(expected, abs=0.03)


def test_truncation_bounds_the_noise_and_does_not_bring_particles_together():
    """Where untruncated noise spreads, truncated noise keeps them about `truncate` apart."""
    options = {"sigma": 30.0, "dt": 0.1, "truncate": 0.1}
    with pytest.warns(numopt.ConvergenceWarning, match="lower `sigma` or `dt`"):
        res = paper(maxiter=200, **options)
    assert not res.success
    spread = np.median(np.abs(res.population - res.x).max(axis=1))
    assert 0.01 < spread < 3.0


@pytest.mark.parametrize(
    "options",
    [
        {"hopping": True, "sigma": 60.0}, {"noise": "covariance", "sigma": 60.0},
        {"update": "adam", "sigma": 60.0}, {"noise": "covariance", "update": "exact", "sigma": 9.0},
    ],
)  # fmt: skip
def test_where_no_rate_is_known_nothing_is_told(options):
    assert spreading(CBO(**options), 3) == -np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        paper(maxiter=1, **options)


def test_it_is_told_for_the_dimension_of_the_problem():
    options = {"noise": "isotropic", "sigma": 3.0, "dt": 0.1, "maxiter": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        paper(bounds=[(-4, 6)], **options)
    with pytest.warns(numopt.ConvergenceWarning, match="particles spread by a factor"):
        paper(bounds=[(-4, 6)] * 6, **options)


def test_on_a_sphere_the_dimension_is_that_of_the_tangent_space():
    flat = CBO(noise="isotropic", sigma=2.0, dt=0.05)
    sphere = CBO(noise="isotropic", sigma=2.0, dt=0.05, surface="sphere")
    assert spreading(sphere, 5) == spreading(flat, 4)
