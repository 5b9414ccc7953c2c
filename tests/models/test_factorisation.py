"""What is refused when a factorisation is posed."""

import numpy as np
import pytest
from scipy.sparse import coo_array

import numopt

Y = np.arange(6.0).reshape(2, 3)
T = [1.0, -1.0, 1.0]


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: numopt.DictionaryLearning(Y[0], 1), "must be a matrix"),
        (lambda: numopt.DictionaryLearning(np.zeros((0, 3)), 1), "with entries"),
        (lambda: numopt.DictionaryLearning(np.where(Y > 4, np.nan, Y), 1), "finite"),
        (lambda: numopt.DictionaryLearning(Y, 0), "`n_atoms` must be a positive integer, got 0"),
        (lambda: numopt.DictionaryLearning(Y, 1.5), "positive integer"),
        (lambda: numopt.DictionaryLearning(Y, True), "positive integer"),
        (lambda: numopt.DictionaryLearning(Y, 1, lam=-1.0), "`lam` must not be negative"),
        (lambda: numopt.DictionaryLearning(Y, 1, lam=np.inf), "finite"),
        (lambda: numopt.NonnegativeFactorisation(-Y, 1), "must not be negative"),
        (lambda: numopt.SupervisedDictionary(Y, [1.0, -1.0], 1), "must have 3 rows"),
        (lambda: numopt.SupervisedDictionary(Y, [0.0, 1.0, 1.0], 1), "-1 and 1"),
        (lambda: numopt.SupervisedDictionary(Y, T, 1, nu=0.0), "`nu` must be positive"),
        (lambda: numopt.SupervisedDictionary(Y, T, 1, mu=-1.0), "`mu`"),
        (lambda: numopt.SupervisedDictionary(Y, T, 1, loss="hinge"), "'logistic' or 'squares'"),
        (lambda: numopt.MatrixCompletion(Y, 1, ridge=0.0), "`ridge` must be positive"),
        (lambda: numopt.MatrixCompletion(np.full((2, 2), np.nan), 1), "no entry"),
        (lambda: numopt.MatrixCompletion(np.where(Y > 4, np.inf, Y), 1), "finite"),
        (lambda: numopt.MatrixCompletion(coo_array((2, 2)), 1), "no entry"),
    ],
)
def test_problem_errors(make, match):
    with pytest.raises(numopt.ProblemError, match=match):
        make()


@pytest.mark.parametrize(
    "data", [np.ma.masked_array(Y), coo_array(Y), Y.astype(complex), np.array([["a", "b"]])]
)
def test_types(data):
    with pytest.raises(numopt.InputTypeError):
        numopt.DictionaryLearning(data, 1)


def test_start_of_wrong_length():
    with pytest.raises(numopt.ProblemError, match="5 entries"):
        numopt.solve(numopt.NonnegativeFactorisation(Y, 1), np.ones(4))


def test_data_are_not_changed():
    kept = Y.copy()
    numopt.minimize(numopt.NonnegativeFactorisation(Y, 1), rng=0)
    np.testing.assert_array_equal(Y, kept)
