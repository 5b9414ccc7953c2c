"""Preferences: answers that are rankings, and others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numopt


@given(st.lists(st.integers(0, 9), min_size=1, max_size=9), st.data())
def test_best_rows_by_comparisons(heights, data):
    k = data.draw(st.integers(1, len(heights)))
    problem = numopt.Preference([0.0], compare=lambda x, y: bool(x[0] < y[0]))
    best = problem.best(np.array(heights, dtype=float)[:, None], k)
    assert len(set(best.tolist())) == k
    assert sorted(heights)[:k] == [heights[i] for i in best]
    assert problem.counts.fun > 0 or k == len(heights) == 1


def test_rank_gets_copies_and_counts_points():
    def rank(X, k):
        X[:] = np.nan
        return [1, 0][:k]

    problem, X = numopt.Preference([0.0, 0.0], rank=rank), np.ones((2, 2))
    np.testing.assert_array_equal(problem.best(X, 2), [1, 0])
    assert np.isfinite(X).all()
    assert problem.counts.fun == 2


@pytest.mark.parametrize("answer", [[0], [0, 0], [0, 5], [-1, 0], [0.0, 1.0], None, "01"])
def test_answers_that_are_no_ranking(answer):
    problem = numopt.Preference([0.0], rank=lambda X, k: answer)
    with pytest.raises(numopt.ProblemError, match=r"`rank` returned .* expected 2 different"):
        problem.best(np.zeros((3, 1)), 2)


def test_answers_that_are_no_comparison():
    problem = numopt.Preference([0.0], compare=lambda x, y: 0.5)
    with pytest.raises(numopt.InputTypeError, match="`compare` returned float, expected a bool"):
        problem.best(np.zeros((3, 1)), 1)


@pytest.mark.parametrize(
    ("given", "error", "match"),
    [
        ({}, numopt.ProblemError, "give one of `compare` and `rank`"),
        ({"compare": max, "rank": max}, numopt.ProblemError, "give one of"),
        ({"compare": 3}, numopt.InputTypeError, "`compare` must be callable, got int"),
        ({"rank": "best"}, numopt.InputTypeError, "`rank` must be callable, got str"),
        ({"compare": max, "lb": 1.0, "ub": 0.0}, numopt.ProblemError, "cross"),
    ],
)
def test_bad_arguments(given, error, match):
    with pytest.raises(error, match=match):
        numopt.Preference([0.0, 0.0], **given)


def test_start_is_moved_into_the_bounds():
    problem = numopt.Preference([0.5], compare=max, lb=0.0, ub=1.0)
    with pytest.warns(UserWarning, match="`x0` was moved into the bounds"):
        assert problem.start([3.0]) == 1.0
    with pytest.raises(numopt.ProblemError, match="outside the bounds"):
        problem.start([3.0], strict=True)
