"""Variance reduction: where differences start, which snapshots are taken."""

from itertools import pairwise

import numpy as np
from inclusion_examples import identity

from numopt import Inclusion, solve
from numopt.problems import games, inclusions


def recording(problem, **changes):
    """Return a copy of an inclusion that records its evaluations."""
    log = []

    def F(u):
        log.append(("full", u.copy(), None))
        return problem.user_F(u)

    def F_diff(idx, u, v):
        log.append(("difference", u.copy(), v.copy()))
        return problem.F_diff(idx, u, v)

    given = {"n": problem.components, "cocoercive": problem.cocoercive} | changes
    return Inclusion(F, identity, problem.x0, F_diff=F_diff, check=False, **given), log


def test_differences_start_where_the_estimate_was_formed():
    problem, log = recording(inclusions.turning(400, 8), L=3.0)
    solve(
        problem, method="halpern_vr", rng=0, options={"maxiter": 20, "refresh": 0.3, "tol": 1e-14}
    )
    kinds = {(a[0], b[0]) for a, b in pairwise(log)}
    assert ("full", "difference") in kinds
    assert ("difference", "difference") in kinds
    for before, now in pairwise(log):
        if now[0] == "difference":
            np.testing.assert_array_equal(now[2], before[1])


def test_svrg_takes_differences_to_the_latest_full_evaluation():
    problem, log = recording(inclusions.turning(400, 8), L=3.0)
    options = {"maxiter": 20, "estimator": "svrg", "refresh": 0.3, "tol": 1e-14}
    solve(problem, method="halpern_vr", rng=0, options=options)
    snapshot = None
    for kind, u, v in log:
        if kind == "difference":
            np.testing.assert_array_equal(v, snapshot)
        else:
            snapshot = u


def test_inner_snapshots_are_the_newest_points():
    problem, log = recording(games.quadratic_saddle(60), L=1.0)
    solve(problem, method="halpern_vr", rng=0, options={"maxiter": 3, "tol": 1e-14})
    full = [u for kind, u, _ in log if kind == "full"]
    assert len(full) > 20
    # Differences refer to the full evaluations in their order: none is taken up again.
    used = [tuple(v) for kind, _, v in log if kind == "difference"]
    order = {tuple(u): k for k, u in enumerate(full)}
    positions = [order[v] for v in used]
    assert positions == sorted(positions)
