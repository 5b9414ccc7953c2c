"""Matrices with orthonormal columns, clusters, heavy tails, fewer and fewer particles."""

import numpy as np
import pytest
from cbo_examples import paper, plain

import numopt
from numopt.solvers.cbo import CBO
from numopt.solvers.cbo.groups import clustered, seeds
from numopt.solvers.cbo.noise import stable
from numopt.solvers.cbo.surfaces import Stiefel

MATRIX = np.diag([3.0, 2.0, -1.0, -4.0])
STIEFEL = {"variant": "paper", "surface": "stiefel", "columns": 2, "noise": "isotropic"}
STIEFEL |= {"sigma": 0.4, "dt": 0.1, "n_particles": 200, "alpha": 1e3, "tol": 1e-2}


def trace(x):
    X = x.reshape(4, 2)
    return float(np.trace(X.T @ MATRIX @ X))


def on_matrices(fun=trace, x0=None, **options):
    x0 = np.eye(4)[:, :2].ravel() if x0 is None else x0
    return numopt.minimize(fun, x0, method="cbo", rng=0, options=STIEFEL | options)


def test_smallest_eigenvalues_on_the_stiefel_manifold():
    """The least trace of X'AX over X'X = I is the sum of the two smallest eigenvalues."""
    res = on_matrices()
    X = res.x.reshape(4, 2)
    np.testing.assert_allclose(X.T @ X, np.eye(2), atol=1e-12)
    assert res.fun == pytest.approx(-5.0, abs=0.15)
    each = res.population.reshape(-1, 4, 2)
    products = np.swapaxes(each, 1, 2) @ each
    np.testing.assert_allclose(products, np.tile(np.eye(2), (200, 1, 1)), atol=1e-12)


def test_projection_on_matrices_is_the_nearest():
    rng = np.random.default_rng(0)
    V, surface = rng.standard_normal((5, 8)), Stiefel(2)
    nearest = surface.project(V)
    for _ in range(50):
        other = surface.project(rng.standard_normal((5, 8)))
        assert (np.linalg.norm(V - nearest, axis=1) <= np.linalg.norm(V - other, axis=1)).all()


def test_one_column_is_the_sphere():
    X = np.random.default_rng(0).standard_normal((6, 3))
    U, _, Vt = np.linalg.svd(X[:, :, None], full_matrices=False)
    np.testing.assert_allclose(Stiefel(1).project(X), (U @ Vt)[:, :, 0])


def test_moves_are_tangential():
    """Without noise X'Z + Z'X = 0 for the move Z."""
    from numopt.core.loop import Run

    surface, problem = Stiefel(2), numopt.NLP(np.ones(8))
    X = surface.project(np.random.default_rng(0).standard_normal((5, 8)))
    new = surface.move(Run(problem, 0), X.copy(), np.arange(5), X.mean(axis=0), 0.3, 0.0, 1)
    A, Z = X.reshape(5, 4, 2), (new - X).reshape(5, 4, 2)
    inner = np.swapaxes(A, 1, 2) @ Z
    np.testing.assert_allclose(inner + np.swapaxes(inner, 1, 2), 0.0, atol=1e-12)


def test_variables_that_are_no_matrix():
    with pytest.raises(numopt.UnsupportedError, match="7 variables are no matrix of 2 columns"):
        on_matrices(lambda x: x @ x, np.ones(7))


def wells(x):
    return min(np.sum((x - c) ** 2) for c in (3.0, -3.0, np.array([3.0, -3.0])))


def test_clusters_find_several_minimisers():
    options = {"clusters": 3, "sigma": 2.0, "alpha": 100.0, "alpha_factor": 1.0}
    res = paper(wells, [(-5, 5)] * 2, maxiter=300, n_particles=90, rng=1, **options)
    found = res.consensus_points
    assert len(found) == 3
    assert max(wells(c) for c in found) < 0.1
    assert res.fun == wells(res.x)


def test_consensus_of_a_cluster_is_that_of_its_members():
    X = np.array([[0.0], [1.0], [10.0], [11.0]])
    f = np.array([1.0, 1.0, 0.0, np.nan])
    c = clustered(X, f, 5.0, seeds(X, f, 2))
    np.testing.assert_allclose(c, [[0.5], [0.5], [10.0], [10.0]])


def test_stable_noise_of_index_two_is_normal():
    z = stable(np.random.default_rng(0), 200_000, 2.0)
    assert z.std() == pytest.approx(1.0, abs=0.01)
    assert np.mean(z**4) == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("tail", [1.0, 1.5])
def test_tails_of_stable_noise(tail):
    """P(|z| > t) falls like t^-tail: 10 times as far, 10^tail times as rare."""
    z = np.abs(stable(np.random.default_rng(0), 2_000_000, tail))
    ratio = (z > 20).mean() / (z > 200).mean()
    assert np.log10(ratio) == pytest.approx(tail, abs=0.15)


@pytest.mark.parametrize(("noise", "sigma"), [("anisotropic", 2.0), ("isotropic", 1.0)])
def test_heavy_tails_reach_consensus(noise, sigma):
    options = {"sigma": sigma, "dt": 0.1, "tail": 1.7, "noise": noise, "n_particles": 200}
    res = paper(plain, [(-4, 6)] * 2, rng=0, tol=1e-4, **options)
    assert res.success
    np.testing.assert_allclose(res.x, 0.0, atol=0.05)


def test_particles_become_fewer():
    few, all_of_them = (
        paper(rng=0, tol=1e-4, n_particles=150, reduction=r, memory=True) for r in (0.5, 0.0)
    )
    assert few.success
    assert 10 <= len(few.population) < 150
    assert few.nfev < 0.8 * all_of_them.nfev
    assert len(few.population_energies) == len(few.population)
    np.testing.assert_allclose(few.x, 0.0, atol=0.05)


@pytest.mark.parametrize(
    "options",
    [
        {"clusters": 2, "kernel_width": 1.0}, {"reduction": 0.5, "batch_size": 5},
        {"tail": 1.5, "noise": "covariance"}, {"tail": 1.5, "surface": "sphere"},
        {"tail": 0.5}, {"tail": 2.5}, {"reduction": 1.5}, {"clusters": -1},
        {"columns": 2}, {"columns": 0, "surface": "stiefel"},
    ],
)  # fmt: skip
def test_options_that_exclude_each_other(options):
    with pytest.raises(numopt.OptionError, match=f"`{next(iter(options))}` must"):
        CBO(**options)
