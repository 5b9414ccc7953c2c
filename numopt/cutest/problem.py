"""A problem read from a file: a partially separable one that knows what the file says of it."""

import numpy as np

from numopt.models.separable import PartiallySeparable


class SifProblem(PartiallySeparable):
    """A nonlinear program read from a SIF file by `numopt.cutest.read_sif`.

    Attributes
    ----------
    name, classification : str
        As the file says; the classification is empty where it says nothing.
    params : dict
        Values of the parameters that the file marks as such.
    y0 : ndarray, shape (m,)
        Start values of the multipliers.
    variable_names, constraint_names : list of str
    variable_types : list of str
        ``"real"``, ``"integer"`` or ``"zero-one"``.
    is_linear : ndarray of bool, shape (m,)
        Constraints that are linear by their form.
    f_opt_quoted : float or None
        Optimal value that a comment of the file quotes, if it quotes exactly one.
    objective_bounds : dict
        Bounds of the optimal value, ``"lower"`` and ``"upper"``, as far as the file gives them.
    constants : {"double", "fortran"}
        How constants were read.
    """

    classification: str
    constants: str
    params: dict
    y0: np.ndarray
    variable_names: list
    variable_types: list
    constraint_names: list
    is_linear: np.ndarray
    f_opt_quoted: float | None
    objective_bounds: dict
    samples: list | None = None  # for `numopt.cutest.checks`

    @property
    def is_eq(self):
        """Which constraints are equations, a boolean array of shape (m,)."""
        return self.cl == self.cu


def sides(data):
    """Return lower and upper sides of the constraints."""
    lower, upper = [], []
    for k, letter in enumerate(data.group_letters):
        if letter == "N":
            continue
        width = abs(data.ranges.entries.get(k, data.ranges.default))
        lower.append({"E": 0.0, "G": 0.0, "L": -width}[letter])
        upper.append({"E": 0.0, "G": width, "L": 0.0}[letter])
    return np.array(lower), np.array(upper)


def spread(vector, size):
    """Return the values of a `Vector` as an array."""
    out = np.full((size, *np.shape(vector.default)), vector.default, dtype=float)
    if vector.entries:
        numbers = np.fromiter(vector.entries.keys(), dtype=np.int64)
        out[numbers] = list(vector.entries.values())
    return out


def without_infinity(values, infinity):
    """Return bounds in which numbers beyond CUTEst's infinity are infinite."""
    values = values.copy()
    values[values >= infinity] = np.inf
    values[values <= -infinity] = -np.inf
    return values
