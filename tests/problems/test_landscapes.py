"""Landscapes: zero at the minimiser, positive elsewhere, the same for the same seed."""

import numpy as np
import pytest

from numopt.problems.landscapes import FAMILIES, HELD_OUT, NAMES, landscape, landscapes


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rotated", [False, True])
def test_minimum(name, rotated):
    f = landscape(name, 6, rng=1, rotated=rotated)
    assert f.fun(f.x, f.parameters) == pytest.approx(0.0, abs=1e-11)
    assert (f.lb < f.x).all()
    assert (f.x < f.ub).all()
    rng = np.random.default_rng(2)
    far, near = rng.uniform(f.lb, f.ub, (300, 6)), f.x + 1e-3 * rng.standard_normal((300, 6))
    values = [f.fun(x, f.parameters) for x in np.vstack([far, near])]
    assert min(values) > 0


def test_seeds_and_names():
    one, two = landscapes(3, 5), landscapes(3, 5)
    assert len(one) == 17
    for a, b in zip(one, two, strict=True):
        assert a.name == b.name
        np.testing.assert_array_equal(a.parameters, b.parameters)
    assert len(landscapes(3, 5, HELD_OUT)) == 9
    assert len(FAMILIES + HELD_OUT) == len(NAMES)


def test_rotations_are_orthogonal():
    f = landscape("ackley", 4, rng=0, rotated=True)
    R = f.parameters[3 + 4 :].reshape(4, 4)
    np.testing.assert_allclose(R @ R.T, np.eye(4), atol=1e-12)


def test_needs_two_variables():
    with pytest.raises(ValueError, match="at least 2"):
        landscape("schaffer", 1, rng=0)
