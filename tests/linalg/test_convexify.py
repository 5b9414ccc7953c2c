"""Convexification: exact where H is positive, on the null space and on the working set."""

import numpy as np
import pytest

from numopt.linalg.convexify import convexified, indefinite


def symmetric(rng, n):
    M = rng.standard_normal((n, n))
    return M + M.T


def matrix(convex):
    return convex.L @ convex.L.T


def test_a_positive_definite_matrix_is_left_alone():
    H = np.array([[2.0, 1.0], [1.0, 3.0]])
    convex = convexified(H, np.ones((1, 2)))
    assert not convex.changed
    np.testing.assert_allclose(matrix(convex), H)


@pytest.mark.parametrize("seed", range(10))
def test_positive_curvature_on_the_null_space_is_kept(seed):
    """The step with the working set met is the Newton step of H itself."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((2, 5))
    H = symmetric(rng, 5) + 20.0 * np.eye(5)
    H -= 60.0 * A.T @ A  # positive definite on the null space only
    assert np.linalg.eigvalsh(H)[0] < 0.0
    convex = convexified(H, A)
    g, b = rng.standard_normal(5), rng.standard_normal(2)
    shifted = g + convex.shift(b)
    both = [
        np.linalg.solve(np.block([[K, A.T], [A, np.zeros((2, 2))]]), np.r_[-slope, b])
        for K, slope in ((H, g), (matrix(convex), shifted))
    ]
    np.testing.assert_allclose(both[0], both[1], atol=1e-6 * np.abs(both[0]).max())


def test_negative_curvature_is_turned_over():
    H = np.diag([1.0, -4.0, -9.0])
    convex = convexified(H, np.array([[1.0, 0.0, 0.0]]))
    np.testing.assert_allclose(np.diag(matrix(convex))[1:], [4.0, 9.0])


@pytest.mark.parametrize("rows", [np.zeros((2, 3)), np.ones((3, 3)), np.eye(3), np.zeros((0, 3))])
def test_dependent_rows(rows):
    convex = convexified(-np.eye(3), rows)
    assert np.linalg.eigvalsh(matrix(convex))[0] > 0.0
    assert np.isfinite(convex.shift(np.ones(rows.shape[0]))).all()


def test_a_zero_matrix_becomes_positive():
    assert np.linalg.eigvalsh(matrix(convexified(np.zeros((3, 3)), np.zeros((0, 3)))))[0] > 0.0


def test_indefinite_looks_at_the_null_space_only():
    H = np.diag([-1.0, 1.0])
    assert indefinite(H, np.zeros((0, 2)))
    assert not indefinite(H, np.array([[1.0, 0.0]]))
    assert not indefinite(np.diag([-1e-6, 1.0]), np.zeros((0, 2)))
    assert not indefinite(H, np.eye(2))
