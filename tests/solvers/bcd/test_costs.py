"""What the rules ask of a loss, counted; and runs that go on where they stopped."""

import numpy as np
import pytest
from rule_examples import assert_right, smooth_problem, solved

import numopt
from numopt.solvers.bcd.selection import BLIND


def counting(P):
    """Let the loss of a problem count its full gradients and the entries of block gradients."""
    calls = {"full": 0, "entries": 0}
    loss, full, block = P.loss, P.loss.gradient, P.loss.block_gradient

    def gradient(state):
        calls["full"] += 1
        return full(state)

    def block_gradient(state, b):
        calls["entries"] += len(b)
        return block(state, b)

    loss.gradient, loss.block_gradient = gradient, block_gradient
    return calls


@pytest.mark.parametrize("selection", BLIND)
@pytest.mark.parametrize("blocks", [2, "variable"])
def test_blind_rules_never_form_the_gradient(selection, blocks):
    P, _ = smooth_problem(2)
    calls = counting(P)
    res = solved(P, selection=selection, blocks=blocks, block_size=2, maxiter=50, tol=1e-15)
    assert res.nit == 50
    assert calls["full"] == 1  # at zero, for the scale of the tolerance
    assert calls["entries"] == 2 * 51


def test_greedy_rules_form_one_gradient_in_each_iteration():
    P, _ = smooth_problem(2)
    calls = counting(P)
    solved(P, selection="gsd", blocks="variable", block_size=2, maxiter=50, tol=1e-15)
    assert calls["full"] == 52


def test_scores_of_the_oldest_blocks_alone_are_renewed():
    P, x = smooth_problem(2)
    calls = counting(P)
    res = solved(P, selection="gsl", blocks=2, refresh=1, maxiter=40, tol=1e-15)
    assert calls["full"] == 1
    assert calls["entries"] <= 2 * 2 * (res.nit + 1)
    assert_right(solved(P, selection="gsl", blocks=2, refresh=1), x, "refresh")


def test_epochs_are_counted_in_variables():
    P, _ = smooth_problem(2)
    assert solved(P, blocks=2, selection="cyclic", maxiter=8, tol=1e-15).nepoch == 2.0


@pytest.mark.parametrize("selection", ["shuffle", "lipschitz", "gs-q", "gsq"])
@pytest.mark.parametrize("blocks", [2, "variable"])
def test_a_run_continues_bit_for_bit(selection, blocks):
    P, _ = smooth_problem(2)
    options = {"selection": selection, "blocks": blocks, "block_size": 2, "order": "random"}
    whole = solved(P, **options)
    part = solved(P, **options, maxiter=7)
    rest = numopt.solve(
        P, method="bcd", options=options | {"maxiter": 20_000, "tol": 1e-11}, state=part.state
    )
    np.testing.assert_array_equal(whole.x, rest.x)
    assert whole.nit == rest.nit
