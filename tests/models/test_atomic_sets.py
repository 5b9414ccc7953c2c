"""Oracles and projections: their answers lie in the set, and nothing there is better."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numopt

SETS = [
    numopt.KSparsePolytope(2, 1.5),
    numopt.L1Ball(1.5),
    numopt.NuclearBall((3, 2), 1.5),
    numopt.Simplex(2.0),
    numopt.Ball(0.5, 1.5),
    numopt.Box(-1.0, 2.0),
]
by_name = pytest.mark.parametrize("domain", SETS, ids=lambda s: type(s).__name__)


@by_name
def test_extreme_points(domain):
    rng = np.random.default_rng(0)
    points = [domain.project(3.0 * rng.standard_normal(6)) for _ in range(50)]
    for _ in range(20):
        g = rng.standard_normal(6)
        v = domain.extreme(g)
        assert domain.violation(v) < 1e-12
        assert g @ v <= min(g @ p for p in points) + 1e-12


@by_name
def test_projections(domain):
    """<v - P v, p - P v> <= 0 for every p of the set."""
    rng = np.random.default_rng(1)
    for _ in range(20):
        v, p = 3.0 * rng.standard_normal(6), domain.project(3.0 * rng.standard_normal(6))
        nearest = domain.project(v)
        np.testing.assert_allclose(domain.project(nearest), nearest, atol=1e-12)
        assert (v - nearest) @ (p - nearest) <= 1e-10


def test_k_sparse_oracle():
    v = numopt.KSparsePolytope(2, 3.0).extreme(np.array([1.0, -5.0, 0.5, 2.0]))
    np.testing.assert_array_equal(v, [0.0, 3.0, 0.0, -3.0])


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=6), st.integers(1, 7), st.floats(0.1, 3))
def test_k_sparse_projection(v, k, radius):
    """In the set, and no corner of it lies behind the plane that separates v from it."""
    v, domain = np.array(v), numopt.KSparsePolytope(k, radius)
    nearest = domain.project(v)
    assert np.abs(nearest).max() <= radius * (1 + 1e-12)
    assert np.abs(nearest).sum() <= k * radius * (1 + 1e-12)
    away = v - nearest
    assert away @ domain.extreme(-away) <= away @ nearest + 1e-9


def test_k_sparse_polytopes_between_l1_ball_and_box():
    v = np.array([2.0, -0.5, 0.1])
    ball, box = numopt.L1Ball(1.0), numopt.Box(-1.0, 1.0)
    np.testing.assert_allclose(numopt.KSparsePolytope(1).project(v), ball.project(v))
    np.testing.assert_allclose(numopt.KSparsePolytope(3).project(v), box.project(v))


@pytest.mark.parametrize("k", [0, -1, 1.5, "two"])
def test_k_must_be_a_positive_integer(k):
    with pytest.raises(numopt.ProblemError, match="`k` of `KSparsePolytope` must be a positive"):
        numopt.KSparsePolytope(k)


def test_spectrahedron():
    domain, rng = numopt.Spectrahedron(3, 2.0), np.random.default_rng(2)
    g = rng.standard_normal(9)
    V = domain.extreme(g).reshape(3, 3)
    assert np.trace(V) == pytest.approx(2.0)
    assert np.linalg.matrix_rank(V, tol=1e-9) == 1
    lowest = np.linalg.eigvalsh((g.reshape(3, 3) + g.reshape(3, 3).T) / 2)[0]
    assert g @ V.ravel() == pytest.approx(2.0 * lowest)
    P = domain.project(g).reshape(3, 3)
    assert np.trace(P) == pytest.approx(2.0)
    assert np.linalg.eigvalsh(P)[0] >= -1e-12


@pytest.mark.parametrize("radius", [0.0, -1.0, np.inf])
def test_radius_must_be_positive(radius):
    for make in (
        numopt.L1Ball,
        lambda r: numopt.KSparsePolytope(2, r),
        lambda r: numopt.NuclearBall((2, 2), r),
    ):
        with pytest.raises(numopt.ProblemError, match=r"radius of `.*` must be positive"):
            make(radius)
    with pytest.raises(numopt.ProblemError, match="`Spectrahedron` must be positive"):
        numopt.Spectrahedron(2, radius)
