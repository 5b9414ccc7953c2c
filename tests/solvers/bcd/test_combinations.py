"""Every rule with every update and partition: monotone and right."""

from itertools import product

import numpy as np
import pytest
from rule_examples import (
    N,
    assert_right,
    penalised_problem,
    random_laplacian,
    smooth_problem,
    solved,
)

from numopt import (
    L1,
    MCP,
    SCAD,
    Composite,
    ElasticNet,
    GroupL2,
    QuadForm,
    SparseGroup,
)
from numopt.solvers.bcd.selection import BLIND, PROXIMAL, SMOOTH
from numopt.solvers.bcd.steps import UPDATES

BLOCKS = {
    "natural": {"blocks": 3, "order": "natural"},
    "sorted": {"blocks": 3, "order": "sorted"},
    "random": {"blocks": 2, "order": "random"},
    "alternating": {"blocks": 4, "order": "alternating"},
    "list": {"blocks": [np.array([0, 5, 2]), np.array([1, 3, 4, 6, 7])]},
    "variable": {"blocks": "variable", "block_size": 3},
}
COMBINATIONS = list(product(SMOOTH + PROXIMAL + BLIND, UPDATES, BLOCKS))


@pytest.mark.parametrize(
    "penalty",
    [L1(2.0), ElasticNet(1.0, 3.0), MCP(1.5), SCAD(1.5), GroupL2(2.0, 2), SparseGroup(2.0, 1.0, 4)],
)
def test_changes_by_unit_add_up(penalty):
    rng = np.random.default_rng(1)
    p = penalty.bound(N)
    for x, y in 4.0 * rng.normal(size=(20, 2, N)) * (rng.random((20, 2, N)) < 0.7):
        assert p.change(x, y).sum() == pytest.approx(p.value(y) - p.value(x), abs=1e-12)


def run(problem, rule, update, blocks):
    P, x = problem
    res = solved(P, selection=rule, update=update, tol=1e-10, **BLOCKS[blocks])
    assert_right(res, x, (rule, update, blocks))


@pytest.mark.parametrize("update", UPDATES)
def test_each_rule_update_and_partition(update):
    for i, (rule, _, blocks) in enumerate(c for c in COMBINATIONS if c[1] == update):
        run(smooth_problem(i % 20), rule, update, blocks)


@pytest.mark.parametrize("update", [u for u in UPDATES if u != "newton"])
def test_each_proximal_rule(update):
    rules = [c for c in COMBINATIONS if c[1] == update and c[0] in PROXIMAL + BLIND]
    for i, (rule, _, blocks) in enumerate(rules):
        run(penalised_problem(i % 20), rule, update, blocks)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(20))
def test_all_combinations_on_each_problem(seed):
    for rule, update, blocks in COMBINATIONS:
        run(smooth_problem(seed), rule, update, blocks)
        if rule not in SMOOTH and update != "newton":
            run(penalised_problem(seed), rule, update, blocks)


@pytest.mark.parametrize("blocks", ["red_black", "forest", "greedy_forest", "random_forest"])
@pytest.mark.parametrize("update", [None, "matrix"])
def test_structured_blocks(blocks, update):
    for seed in range(5):
        A, b = random_laplacian(seed)
        res = solved(Composite(QuadForm(A, b)), blocks=blocks, update=update)
        assert_right(res, np.linalg.solve(A.toarray(), b), (blocks, seed))


@pytest.mark.parametrize("selection", ["gs", "gsd"])
def test_greedy_forests_by_both_scores(selection):
    A, b = random_laplacian(9)
    res = solved(Composite(QuadForm(A, b)), blocks="greedy_forest", selection=selection)
    assert_right(res, np.linalg.solve(A.toarray(), b), selection)
