"""Limited-memory BFGS against the full updates, and its KKT systems against dense ones."""

import numpy as np
import pytest
import scipy.sparse as sp

from numopt.linalg.factor import Inertia
from numopt.linalg.iterative import kkt_system
from numopt.linalg.lbfgs import DAMPED, LimitedBFGS, LowRankKKT
from numopt.linalg.shifted import LowRank


def started(n, pairs=10):
    strategy = LimitedBFGS(pairs)
    strategy.initialize(n, "hess")
    return strategy


def full_updates(pairs):
    """Return the matrix that BFGS updates make of a multiple of I, and that multiple."""
    s, y = pairs[-1]
    B = (y @ y) / (s @ y) * np.eye(s.size)
    for s, y in pairs:
        Bs = B @ s
        B = B - np.outer(Bs, Bs) / (s @ Bs) + np.outer(y, y) / (s @ y)
    return B


@pytest.mark.parametrize("count", [1, 4, 9])
def test_equals_full_updates_of_the_latest_pairs(count, rng):
    n, strategy, seen = 12, started(12, pairs=5), []
    H = np.diag(np.linspace(1.0, 4.0, n))
    for _ in range(count):
        s = rng.standard_normal(n)
        strategy.update(s, H @ s)
        seen.append((s, H @ s))
    B = full_updates(seen[-5:])
    np.testing.assert_allclose(strategy.get_matrix().toarray(), B, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(strategy.dot(s), H @ s, rtol=1e-9)
    assert strategy.get_matrix().V.shape == (n, 2 * min(count, 5))


def test_starts_from_the_identity_and_refuses_inverses():
    np.testing.assert_array_equal(started(3).dot(np.arange(3.0)), np.arange(3.0))
    with pytest.raises(ValueError, match="hess"):
        LimitedBFGS().initialize(3, "inv_hess")


def test_damping_keeps_it_positive_definite(rng):
    n, strategy = 8, started(8)
    for _ in range(30):
        s = rng.standard_normal(n)
        before = s @ strategy.dot(s)
        strategy.update(s, rng.standard_normal(n) - 2.0 * s)
        assert np.linalg.eigvalsh(strategy.get_matrix().toarray())[0] > 0
        assert s @ strategy.dot(s) >= 0.99 * DAMPED * before


def test_useless_pairs_are_left_out():
    strategy = started(3)
    strategy.update(np.zeros(3), np.ones(3))
    strategy.update(np.ones(3), np.array([1.0, np.nan, 1.0]))
    assert strategy.get_matrix().V.shape == (3, 0)


@pytest.mark.parametrize("m", [0, 7])
@pytest.mark.parametrize("rank", [0, 6])
def test_kkt_systems(m, rank, rng):
    n = 40
    V = 0.1 * rng.standard_normal((n, rank))
    H = LowRank(V, np.resize([-1.0, 1.0], rank), rng.uniform(1.0, 2.0, n))
    A, diagonal = sp.csr_matrix(rng.standard_normal((m, n))), rng.uniform(0.0, 1.0, n)
    system = kkt_system(H, A, diagonal)
    assert isinstance(system, LowRankKKT)
    K = np.block(
        [[H.toarray() + np.diag(diagonal), A.T.toarray()], [A.toarray(), np.zeros((m, m))]]
    )
    b = rng.standard_normal(n + m)
    p, y = system.solve(b[:n], b[n:])
    np.testing.assert_allclose(K @ np.concatenate([p, y]), b, atol=1e-10)
    np.testing.assert_allclose(np.concatenate(system.product(p, y)), b, atol=1e-10)
    assert system.curvature(p) == pytest.approx(p @ K[:n, :n] @ p)
    assert system.inertia in (None, Inertia(n, m, 0))
