"""Options that make no sense."""

import pytest

import numopt
from numopt.solvers.cbo import CBO


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("arms", ()), ("arms", ("swarms",)), ("arms", ("hop", "hop")), ("arms", "hop"),
        ("shares", (1, 2)), ("shares", (1, 2, -1)), ("shares", (1, 2, "x")), ("patience", 0),
        ("n_particles", 1), ("n_particles", -3), ("noise", "cauchy"), ("dt", 0), ("lam", -1),
        ("sigma", -1), ("alpha", -1), ("alpha_factor", 0), ("effective_share", 1.5),
        ("sigma_factor", 0), ("truncate", 0), ("batch_size", -1), ("kernel_width", -1),
        ("jump_rate", -1), ("surface", "torus"), ("inner", 0), ("radius", -1), ("ftol", 0),
        ("variant", "fast"), ("memory_lam", -1), ("memory", "yes"),
    ],
)  # fmt: skip
def test_bad_options(option, value):
    with pytest.raises(numopt.OptionError, match=f"`{option}` must"):
        CBO(**{option: value})
