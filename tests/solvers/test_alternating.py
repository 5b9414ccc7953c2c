"""Factorisations by alternating minimisation: monotone, and as low as other libraries get."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numopt

PLANTED = np.random.default_rng(3)
ATOMS = PLANTED.standard_normal((12, 6))
ATOMS /= np.linalg.norm(ATOMS, axis=0)
CODES = PLANTED.standard_normal((150, 6)) * (PLANTED.uniform(size=(150, 6)) < 0.3)
SIGNALS = ATOMS @ CODES.T + 0.01 * PLANTED.standard_normal((12, 150))
CLASSES = np.where(CODES[:, 0] + CODES[:, 1] > 0, 1.0, -1.0)


def incomplete(rng, m=20, n=15, rank=2, share=0.7):
    Y = rng.standard_normal((m, rank)) @ rng.standard_normal((rank, n))
    return Y, np.where(rng.uniform(size=Y.shape) < share, Y, np.nan)


PROBLEMS = {
    "dictionary": lambda: numopt.DictionaryLearning(SIGNALS, 6, lam=0.05),
    "positive codes": lambda: numopt.DictionaryLearning(SIGNALS, 6, lam=0.05, positive=True),
    "nonnegative": lambda: numopt.NonnegativeFactorisation(np.abs(SIGNALS), 4),
    "logistic": lambda: numopt.SupervisedDictionary(SIGNALS, CLASSES, 6, lam=0.05, nu=1.0),
    "well predicted": lambda: numopt.SupervisedDictionary(SIGNALS, CLASSES, 6, lam=0.05, nu=0.01),
    "squares": lambda: numopt.SupervisedDictionary(
        SIGNALS, CODES[:, :2], 6, lam=0.05, loss="squares"
    ),
    "completion": lambda: numopt.MatrixCompletion(incomplete(np.random.default_rng(0))[1], 2),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_never_rises_and_ends_at_a_stationary_point(name):
    problem = PROBLEMS[name]()
    res = numopt.minimize(problem, rng=1, tol=1e-4, history=True)
    assert res.success
    fun = np.array(res.history.fun)
    assert np.all(np.diff(fun) <= 1e-12 * (1 + fun[:-1]))
    assert res.fun == problem.value(problem.split(res.x))
    assert problem.residual(problem.split(res.x)) == res.optimality <= 1e-4


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(1, 7),
    st.sampled_from([0.0, 0.1, 3.0]),
    st.booleans(),
    st.booleans(),
)
def test_monotone_on_random_data(seed, n_atoms, lam, positive, positive_atoms):
    rng = np.random.default_rng(seed)
    Y = rng.standard_normal((5, 9)) * 10.0 ** rng.integers(-3, 4)
    problem = numopt.DictionaryLearning(Y, n_atoms, lam, positive, positive_atoms)
    res = numopt.minimize(problem, rng=seed, options={"maxiter": 15}, history=True)
    fun = np.array(res.history.fun)
    assert np.all(np.diff(fun) <= 1e-12 * fun[0])
    assert np.linalg.norm(res.dictionary, axis=0).max() <= 1 + 1e-12
    assert not positive or res.codes.min() >= 0
    assert not positive_atoms or res.dictionary.min() >= 0


def test_finds_the_planted_atoms():
    runs = [numopt.minimize(PROBLEMS["dictionary"](), rng=seed) for seed in range(3)]
    best = min(runs, key=lambda res: res.fun)
    assert np.abs(ATOMS.T @ best.dictionary).max(axis=1).min() > 0.99
    assert np.mean(best.codes == 0.0) > 0.4


def test_dictionary_as_low_as_scikit_learn():
    decomposition = pytest.importorskip("sklearn.decomposition")
    peer = decomposition.DictionaryLearning(
        6, alpha=0.05, max_iter=300, tol=1e-9, fit_algorithm="cd", transform_algorithm="lasso_cd",
        transform_alpha=0.05, random_state=0,
    )  # fmt: skip
    A = peer.fit_transform(SIGNALS.T)
    theirs = 0.5 * np.sum((SIGNALS.T - A @ peer.components_) ** 2) + 0.05 * np.abs(A).sum()
    runs = [numopt.minimize(PROBLEMS["dictionary"](), rng=seed) for seed in range(3)]
    assert min(res.fun for res in runs) <= theirs * (1 + 1e-6)


def test_nonnegative_as_low_as_scikit_learn():
    decomposition = pytest.importorskip("sklearn.decomposition")
    Y = np.abs(SIGNALS)
    peer = decomposition.NMF(4, init="nndsvda", max_iter=2000, tol=1e-7)
    theirs = 0.5 * np.sum((Y.T - peer.fit_transform(Y.T) @ peer.components_) ** 2)
    problem = numopt.NonnegativeFactorisation(Y, 4)
    runs = [numopt.minimize(problem, rng=seed, tol=1e-5) for seed in range(3)]
    assert min(res.fun for res in runs) <= theirs * (1 + 1e-4)


def test_codes_are_lasso_solutions():
    res = numopt.minimize(PROBLEMS["dictionary"](), rng=0, tol=1e-10)
    G = res.dictionary.T @ (SIGNALS - res.dictionary @ res.codes.T)
    on = res.codes.T != 0.0
    np.testing.assert_allclose(G[on], 0.05 * np.sign(res.codes.T[on]), atol=1e-7)
    assert np.abs(G[~on]).max() <= 0.05 + 1e-7


def test_dead_atoms_become_signals():
    problem = numopt.DictionaryLearning(SIGNALS, 6, lam=0.05)
    D = np.tile(ATOMS[:, :1], (1, 6))
    x0 = np.concatenate([D.ravel(), np.zeros(problem.n - D.size)])
    res = numopt.solve(problem, x0, history=True)
    assert np.all(np.abs(res.codes).sum(axis=0) > 0)
    assert res.fun < 0.5 * numopt.solve(problem, x0, options={"maxiter": 1}).fun
    assert np.all(np.diff(res.history.fun) <= 1e-12 * res.history.fun[0])


def test_labels_shape_the_dictionary():
    fitted = numopt.minimize(PROBLEMS["logistic"](), rng=0, tol=1e-4)
    guess = np.sign(fitted.codes @ fitted.weights[0])
    assert np.mean(guess == CLASSES) > 0.95
    G = fitted.codes * CLASSES[:, None]
    slope = -G.T @ (1 / (1 + np.exp(G @ fitted.weights[0])))
    np.testing.assert_allclose(fitted.weights[0], -slope, atol=1e-2)  # nu = mu = 1


def test_completion_recovers_a_matrix_of_low_rank():
    whole, some = incomplete(np.random.default_rng(1))
    res = numopt.minimize(numopt.MatrixCompletion(some, 2, ridge=1e-6), rng=0)
    np.testing.assert_allclose(res.left @ res.right.T, whole, atol=1e-3)


def test_completion_takes_stored_zeros_of_sparse_matrices():
    sparse = pytest.importorskip("scipy.sparse")
    Y = sparse.coo_array(([0.0, 2.0, 3.0], ([0, 1, 1], [0, 0, 1])), shape=(2, 2))
    dense = np.array([[0.0, np.nan], [2.0, 3.0]])
    ours, same = (numopt.minimize(numopt.MatrixCompletion(M, 1), rng=2) for M in (Y, dense))
    np.testing.assert_array_equal(ours.x, same.x)


def test_whole_matrix_agrees_with_shrunk_singular_values():
    Y = np.random.default_rng(5).standard_normal((8, 6))
    res = numopt.minimize(numopt.MatrixCompletion(Y, 6, ridge=1.0), rng=0)
    U, s, Vt = np.linalg.svd(Y, full_matrices=False)
    np.testing.assert_allclose(res.left @ res.right.T, U * np.maximum(s - 1, 0) @ Vt, atol=1e-4)


def test_given_start_is_made_admissible():
    problem = numopt.NonnegativeFactorisation(np.abs(SIGNALS), 2)
    res = numopt.solve(problem, -5 * np.ones(problem.n), options={"maxiter": 0})
    assert res.dictionary.min() == res.codes.min() == 0.0


@pytest.mark.parametrize("margin", [0.0, 1e-9, 0.5, -3.0, 30.0])
def test_parabolas_touch_the_logistic_loss_and_lie_above(margin):
    from numopt.models.supervised_dictionary import _tight_curvature

    z = np.linspace(-60.0, 60.0, 1001)
    slope = -1.0 / (1.0 + np.exp(margin))
    curvature = _tight_curvature(np.array(margin))
    assert curvature <= 0.25
    bound = np.logaddexp(0.0, -margin) + slope * (z - margin) + 0.5 * curvature * (z - margin) ** 2
    assert np.all(bound >= np.logaddexp(0.0, -z) - 1e-9)
