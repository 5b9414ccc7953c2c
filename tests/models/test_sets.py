"""Sets: projections are nearest points, feasible, idempotent; bad descriptions are refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import numopt
from numopt.models.sets import Intersection, as_set, project_rows

N = 4
A = np.array([[1.0, 2.0, 0.0, -1.0], [0.0, 1.0, 1.0, 1.0]])
SETS = {
    "box": numopt.Box([-1.0, 0.0, -np.inf, 2.0], [1.0, 0.5, 3.0, 2.0]),
    "simplex": numopt.Simplex(2.0),
    "ball": numopt.Ball([1.0, 0.0, 0.0, 0.0], 1.5),
    "affine": numopt.Affine(A, [1.0, 2.0]),
    "halfspaces": numopt.Halfspaces(A, [1.0, -2.0]),
}
vectors = arrays(float, N, elements=st.floats(-50, 50))


@pytest.mark.parametrize("name", SETS)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(v=vectors, w=vectors)
def test_projection(name, v, w):
    where = SETS[name]
    p, q = where.project(v), where.project(w)
    assert where.violation(p) <= 1e-10
    np.testing.assert_allclose(where.project(p), p, atol=1e-9)
    # The projection makes an obtuse angle with every other point of the set.
    assert (v - p) @ (q - p) <= 1e-8 * (1.0 + np.linalg.norm(v) ** 2 + np.linalg.norm(w) ** 2)


@pytest.mark.parametrize("name", SETS)
def test_explicit_rows_describe_the_set(name):
    region, rng = SETS[name].explicit(N), np.random.default_rng(0)
    for _ in range(20):
        v = SETS[name].project(3 * rng.standard_normal(N))
        assert np.all(v >= region.lb - 1e-9)
        assert np.all(v <= region.ub + 1e-9)
        assert np.all(region.A @ v >= region.lower - 1e-9)
        assert np.all(region.A @ v <= region.upper + 1e-9)
        if region.centre is not None:
            assert np.linalg.norm(v - region.centre) <= region.radius + 1e-9
        elif name != "ball":
            u = v + rng.standard_normal(N)
            np.testing.assert_allclose(project_rows(u, region), SETS[name].project(u), atol=1e-8)


def test_set_described_with_cvxpy():
    pytest.importorskip("cvxpy")
    where = numopt.CvxSet(lambda v: [v >= 0, sum(v) == 1], 3)
    v = np.array([0.7, 0.6, -0.2])
    np.testing.assert_allclose(where.project(v), numopt.Simplex().project(v), atol=1e-7)
    before = where._problem
    where.project(2 * v)
    assert where._problem is before  # compiled once


def test_cvxpy_description_that_is_not_convex():
    cp = pytest.importorskip("cvxpy")
    with pytest.raises(numopt.ProblemError, match="not convex"):
        numopt.CvxSet(lambda v: [cp.norm(v) >= 1], 2)


def test_intersection_by_dykstra():
    box, plane = numopt.Box(0.0, 1.0), numopt.Affine([[1.0, 1.0, 1.0, 1.0]], [1.0])
    v = np.array([2.0, 0.4, -1.0, 0.3])
    expected = numopt.Simplex().project(v)
    np.testing.assert_allclose(Intersection([box, plane]).project(v), expected, atol=1e-8)


def test_intersection_obeys_the_clock():
    def late():
        raise numopt.Stop(numopt.Status.MAX_TIME)

    with pytest.raises(numopt.Stop):
        Intersection([numopt.Box(0, 1)], tick=late).project(np.ones(2))


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: numopt.Box(1.0, 0.0), "cross"),
        (lambda: numopt.Box([0.0, 0.0], [1.0, 1.0, 1.0]), "lengths"),
        (lambda: numopt.Simplex(0.0), "positive"),
        (lambda: numopt.Ball(0.0, -1.0), "positive"),
        (lambda: numopt.Affine([[1.0, 0.0], [1.0, 0.0]], [0.0, 1.0]), "no vector"),
        (lambda: numopt.Halfspaces([[1.0], [-1.0]], [-1.0, -1.0]), "empty"),
        (lambda: numopt.Halfspaces([[1.0]], [1.0, 2.0]), "rows"),
        (lambda: numopt.Affine([[np.nan]], [1.0]), "finite"),
        (lambda: as_set(numopt.Ball([0.0, 0.0]), 3, "X"), "`X` is a set of vectors of length 2"),
        (lambda: as_set(lambda v: v + 1.0, 3, "Y"), "`Y` is no projection"),
    ],
)
def test_refused(make, match):
    with pytest.raises(numopt.ProblemError, match=match):
        make()


def test_no_set():
    with pytest.raises(numopt.InputTypeError, match="`X` must be a set"):
        as_set([0, 1], 2, "X")
