"""Reaches the tolerance on small problems with known answers, and the measure is what it says."""

import numpy as np
import pytest

from numopt import Status
from numopt.models.kkt import kkt_residual


def test_converges(any_pair):
    method, case = any_pair
    res = case.run(method, rng=0)
    assert res.success
    assert res.status == Status.CONVERGED == 0
    np.testing.assert_allclose(res.x, case.x, atol=1e-5)
    assert res.fun == pytest.approx(case.fun(np.array(case.x)), abs=1e-5)
    assert res.method == method
    assert res.maxcv == res.constr_violation <= 1e-6


def test_optimality_is_recomputed(any_pair):
    method, case = any_pair
    res = case.run(method, rng=0)
    p = case.problem()
    if res.certificate != "kkt" or case.kind != "nlp":
        pytest.skip("the method's measure is not the KKT residual")
    m = res.multipliers
    y = np.concatenate([np.atleast_1d(v) for v in m["constraints"]] or [np.zeros(0)])
    kkt = kkt_residual(
        p, res.x, y, m["lower"], m["upper"], p.grad(res.x), p.cons(res.x), p.jac(res.x)
    )
    assert res.optimality == pytest.approx(kkt.optimality, abs=1e-8)
    assert res.constr_violation == pytest.approx(kkt.feasibility, abs=1e-8)


def test_message_names_measure_and_tolerance(any_first):
    method, case = any_first
    res = case.run(method, rng=0, tol=1e-5)
    assert f"tolerance {1e-5:.2e}" in res.message
    assert f"{res.optimality:.2e}" in res.message
