"""One generator: the same seed gives the same run, and the global one is never touched."""

import numpy as np


def test_same_seed_same_run(any_pair):
    method, case = any_pair
    one, two = case.run(method, rng=3), case.run(method, rng=3)
    np.testing.assert_array_equal(one.x, two.x)
    assert (one.nit, one.nfev) == (two.nit, two.nfev)


def test_global_generator_untouched(any_pair):
    method, case = any_pair
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    case.run(method, rng=0)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_accepts_every_kind_of_seed(any_first):
    method, case = any_first
    for rng in (None, 0, [1, 2], np.random.SeedSequence(0), np.random.default_rng(0)):
        assert case.run(method, rng=rng).success
