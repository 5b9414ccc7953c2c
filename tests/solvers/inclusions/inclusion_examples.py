"""What the tests of inclusions share."""

import numpy as np

METHODS = ("rhpdhg", "extragradient", "halpern_vr")


def identity(v, t):
    return v


def recomputed(problem, res):
    """Return |F(u) + g| and the distance of g from G(u)."""
    u, g = res.x, res.g
    return np.linalg.norm(problem._operator(u) + g), np.linalg.norm(
        u - problem.resolvent(u + g, 1.0)
    )
