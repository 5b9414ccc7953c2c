"""The plan of a point, stored for the points near it."""

import numpy as np
import pytest
from transport_examples import METHODS, example, masses, plan_of, squares

from numopt import Transport, solve


@pytest.mark.parametrize("relax", [np.inf, 0.4])
def test_stored_plan_serves_its_neighbours(relax):
    p = Transport(masses(40), masses(30, 2), squares(40, 30), eta=300.0, relax=relax)
    run, rng = p.armed(), np.random.default_rng(0)
    point = run.sinkhorn(run.point(p.eta, np.zeros(40), np.zeros(30)), 3)
    for size in (1e-3, 1.0, 20.0):
        g = point.g + rng.uniform(-size, size, size=30)
        near, exact = run.moved(point, g), p.point(p.eta, point.f, g)
        assert near.base is point.base
        for ours, theirs in zip(near[1:5], exact[1:5], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-15)
        low = 1e-4 * p.a / 30, 1e-4 * p.b / 40
        ours, theirs = run.kept(near, *low), p.kept(exact, *low)
        np.testing.assert_array_equal(ours.indices, theirs.indices)
        np.testing.assert_allclose(ours.data, theirs.data, rtol=1e-11)
    far = run.moved(point, point.g + 100.0)
    assert far.base is not point.base
    np.testing.assert_allclose(far.cols, p.point(p.eta, point.f, far.g).cols, rtol=1e-12)


def test_stored_plan_is_made_again_from_a_point():
    run = example(eta=300.0).armed()
    point = run.sinkhorn(run.point(300.0, np.zeros(40), np.zeros(30)), 3)
    once = run.moved(point, point.g + 0.1)
    run.point(200.0, point.f, point.g)
    for other in (run, example(eta=300.0).armed()):
        again = other.moved(point, point.g + 0.1)
        for ours, theirs in zip(again[:5], once[:5], strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_what_is_too_large_is_not_stored(monkeypatch):
    from numopt.models import passes

    p = example(eta=1200.0)
    stored = solve(p)
    monkeypatch.setattr(passes, "STORED", 10)
    res = solve(p)
    assert res.success
    assert res.newton_iterations == stored.newton_iterations
    np.testing.assert_allclose(res.x, stored.x, atol=1e-11)


def test_rows_that_hardly_keep_mass_are_not_stored():
    """The demand exp(-f / (eta rho)) underflows where every cost is far beyond rho."""
    C = np.array([[0.0, 1.0], [1.0, 0.0], [900.0, 900.0]])
    p = Transport([1.0, 1.0, 1.0], [1.0, 1.0], C, eta=1.0, relax=1.0)
    for method in METHODS:
        res = solve(p, method=method)
        assert res.success
        assert 0 < plan_of(res)[2].sum() < 1e-150
