"""Checks of what users hand over to a bilevel problem, and of what their functions return."""

import numpy as np

from numopt.core.errors import InputTypeError, ProblemError
from numopt.models.bilevel_rows import AffineRows
from numopt.models.inputs import real_array, real_vector


class AcceptParts:
    """Checks a pair of arrays, one part for x and one for y, and joins them.

    Parameters
    ----------
    name : str
        Who returns it, for messages.
    first, second : tuple of int
        Their shapes.
    """

    def __init__(self, name, first, second):
        self.name, self.first, self.second = name, first, second

    def __call__(self, pair, dtype):
        """Return the joint array."""
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise InputTypeError(f"{self.name} returned {type(pair).__name__}, expected a pair")
        if len(self.first) == 1:
            shapes = tuple(np.shape(part) for part in pair)
            if shapes == (self.second, self.first) != (self.first, self.second):
                raise ProblemError(
                    f"{self.name} returned shapes {shapes}, expected {(self.first, self.second)}: "
                    "the parts in x and y are swapped"
                )
            parts = zip(pair, (self.first, self.second), strict=True)
            return np.concatenate([real_array(a, self.name, shape) for a, shape in parts])
        return np.hstack(
            [
                _plain_matrix(a, self.name, shape)
                for a, shape in zip(pair, (self.first, self.second), strict=True)
            ]
        )

    def blank(self, dtype):
        """Return what stands for a failed evaluation."""
        return np.full((*self.first[:-1], self.first[-1] + self.second[-1]), np.nan)


def _plain_matrix(value, name, shape):
    if hasattr(value, "toarray"):
        value = value.toarray()
    array = np.asarray(value)
    if array.dtype.kind not in "biuf" or array.size != shape[0] * shape[1] or array.ndim > 2:
        raise ProblemError(f"{name} returned shape {array.shape}, expected shape {shape}")
    return array.reshape(shape).astype(np.float64)


def lengths(n, m, x0):
    """Return n, m and the joint start point."""
    if x0 is None and (n is None or m is None):
        raise ProblemError("give `n` and `m`, the lengths of x and y, or the start point `x0`")
    if x0 is None:
        return int(n), int(m), np.zeros(int(n) + int(m))
    if not isinstance(x0, (tuple, list)) or len(x0) != 2:
        raise ProblemError("`x0` of a `Bilevel` must be a pair (x, y)")
    sizes = tuple(np.atleast_1d(part).size for part in x0)
    n, m = (size if k is None else int(k) for k, size in zip((n, m), sizes, strict=True))
    return n, m, joined(x0, n, m)


def joined(x0, n, m):
    """Return a pair, or a joint vector, as the joint vector."""
    pair = isinstance(x0, (tuple, list)) and len(x0) == 2
    if pair and ((n, m) != (1, 1) or np.ndim(x0[0])):
        parts = zip(x0, ("x0[0]", "x0[1]"), (n, m), strict=True)
        return np.concatenate([real_vector(v, name, n=k, finite=True) for v, name, k in parts])
    w = real_vector(x0, "x0", finite=True)
    if w.size != n + m:
        raise ProblemError(
            f"`x0` must be a pair of vectors of lengths {n} and {m}, or both joined; got {w.size} "
            "entries"
        )
    return w


def bound(user, name, args):
    """Return the user's function with its further arguments."""
    if user is None or isinstance(user, AffineRows):
        if name in ("F", "f"):
            raise InputTypeError(f"`{name}` must be callable, got {type(user).__name__}")
        return user
    if not callable(user):
        raise InputTypeError(f"`{name}` must be callable, got {type(user).__name__}")
    if not args or name == "C_projection":
        return user
    if name == "hvp":
        return lambda x, y, v, **rows: user(x, y, v, *args, **rows)
    return lambda x, y, **rows: user(x, y, *args, **rows)


def mask(eq, p):
    """Return the mask of the equations among p rows."""
    marked = np.zeros(p, dtype=bool) if eq is None else np.asarray(eq)
    if marked.shape != (p,) or marked.dtype != bool:
        raise ProblemError(f"`eq` must be {p} booleans, one for each row of g, got {eq!r}")
    return marked
