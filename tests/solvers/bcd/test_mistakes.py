"""Options and combinations that make no sense."""

import numpy as np
import pytest
from rule_examples import (
    data,
    logistic,
    smooth_problem,
    solved,
)

import numopt
from numopt import (
    L1,
    MCP,
    Composite,
    GroupL2,
    LeastSquares,
    Logistic,
    OptionError,
    ProblemError,
    QuadForm,
    Status,
    UserProx,
)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"blocks": "stripes"}, "`blocks` must be"),
        ({"selection": "greedy"}, "`selection` must be one of"),
        ({"update": "magic"}, "`update` must be one of"),
        ({"order": "odd"}, "`order` must be one of"),
        ({"bound": "none"}, "`bound` must be one of"),
        ({"score_norm": 3}, "`score_norm` must be one of"),
        ({"block_size": 0}, "`block_size` must be"),
        ({"refresh": 0}, "`refresh` must be"),
        ({"jac_block": 3}, "`jac_block` must be callable"),
        ({"refresh": 2, "selection": "shuffle"}, "`refresh` is for fixed blocks"),
        ({"refresh": 2, "blocks": "variable"}, "`refresh` is for fixed blocks"),
        ({"blocks": 0}, "`blocks` must be"),
        ({"lipschitz": "guess"}, "`lipschitz` must be"),
        ({"lipschitz": -1.0}, "`lipschitz` must be"),
        ({"lipschitz": np.nan}, "`lipschitz` must be"),
        ({"refresh": 2, "blocks": 2, "selection": "gsc"}, "`refresh` is for fixed blocks"),
        ({"blocks": "random_forest", "selection": "gs"}, "'random' with blocks='random_forest'"),
        ({"blocks": "greedy_forest", "selection": "gsq"}, "'gsd' with blocks='greedy_forest'"),
        ({"jac_block": lambda x, b: x[b]}, "`jac_block` is for functions"),
        ({"hess_block": lambda x, b: x[b]}, "`hess_block` is for functions"),
        ({"init_state": abs}, "go together"),
        ({"update_state": abs}, "go together"),
        ({"fun_state": abs}, "`fun_state` needs"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(OptionError, match=message):
        solved(smooth_problem(0)[0], **options)


@pytest.mark.parametrize(
    ("penalty", "options", "message"),
    [
        (L1(1.0), {"selection": "gs"}, "knows no penalty"),
        (UserProx(np.maximum, np.sum), {"selection": "gs-q"}, "needs a penalty with values"),
        (L1(1.0), {"update": "newton", "selection": "gs-q"}, "no place for a penalty"),
        (MCP(1.0), {"update": "matrix"}, "separable penalty"),
        (GroupL2(1.0, 2), {"update": "exact", "blocks": 2}, "one group each"),
        (GroupL2(1.0, 2), {"update": "two_metric"}, "separable penalty"),
    ],
)
def test_combinations_that_make_no_sense(penalty, options, message):
    with pytest.raises(OptionError, match=message):
        solved(Composite(LeastSquares(*data(0)), penalty), **options)


def test_exact_updates_need_a_quadratic():
    with pytest.raises(OptionError, match="needs a quadratic loss"):
        solved(logistic(0), update="exact", blocks=2)


def test_forests_need_a_sparse_quadratic_form():
    for blocks in ("forest", "red_black", "greedy_forest", "random_forest"):
        with pytest.raises(ProblemError, match="sparse matrix"):
            solved(smooth_problem(0)[0], blocks=blocks)


def test_blocks_take_whole_groups():
    P = Composite(LeastSquares(*data(0)), GroupL2(1.0, 4))
    with pytest.raises(ProblemError, match="part of a group"):
        solved(P, blocks=[np.arange(3), np.arange(3, 8)])


def test_no_progress_ends_the_run():
    P = Composite(QuadForm(np.eye(2), np.zeros(2)), None)
    res = numopt.solve(P, [1e-320, 0.0], method="bcd", options={"blocks": 1, "tol": 5e-324})
    assert res.status in (Status.SMALL_STEP, Status.CONVERGED)


def test_constants_that_are_too_small_are_told():
    P = Composite(LeastSquares(*data(0)), L1(1.0))
    with pytest.raises(ProblemError, match="`lipschitz` are too small"):
        solved(P, blocks=5, lipschitz=1.0, update="gradient")


def test_a_wrong_proximal_map_is_told():
    P = Composite(LeastSquares(*data(0)), UserProx(lambda v, step, b: v + 9.0, lambda x: 0.0))
    with pytest.raises(ProblemError, match="proximal map is wrong"):
        solved(P, blocks=5, update="gradient")


@pytest.mark.parametrize("penalty", [L1(1.0), MCP(3.0), GroupL2(2.0, 2)])
@pytest.mark.parametrize("make", [LeastSquares, Logistic])
def test_working_sets_are_watched_as_well(make, penalty):
    X, y = data(1)
    P = Composite(make(X, y if make is LeastSquares else np.sign(y)), penalty)
    assert numopt.solve(P, method="bcd", options={"check_descent": True}, tol=1e-9).success
