"""Small problems with many minima in a box and under constraints, with their lowest values."""

from math import inf
from typing import Any, NamedTuple

import numpy as np

from numopt.models.callable_nlp import CallableNLP, LinearRows, NonlinearRows


class Enclosed(NamedTuple):
    """A problem and what is known of it.

    Attributes
    ----------
    name : str
    fun : callable
    box : tuple
        Pairs of bounds.
    rows : NonlinearRows or LinearRows
    lowest : float
        The global minimum.
    """

    name: str
    fun: Any
    box: tuple
    rows: Any
    lowest: float

    def problem(self):
        """Return the nonlinear program, which starts in the middle of the box."""
        lb, ub = np.array(self.box, dtype=float).T
        middle = 0.5 * (lb + ub)
        return CallableNLP(self.fun, middle, lb=lb, ub=ub, constraints=[self.rows], name=self.name)


def g06(x):
    """Return a cubic function whose feasible set is a thin crescent."""
    return (x[0] - 10.0) ** 3 + (x[1] - 20.0) ** 3


def _g06_rows(x):
    return [
        (x[0] - 5.0) ** 2 + (x[1] - 5.0) ** 2 - 100.0,
        82.81 - (x[0] - 6.0) ** 2 - (x[1] - 5.0) ** 2,
    ]


def g08(x):
    """Return a function with many waves near to zero, where it is infeasible."""
    waves = np.sin(2 * np.pi * x[0]) ** 3 * np.sin(2 * np.pi * x[1])
    return -waves / (x[0] ** 3 * (x[0] + x[1]))


def _g08_rows(x):
    return [x[0] ** 2 - x[1] + 1.0, 1.0 - x[0] + (x[1] - 4.0) ** 2]


def townsend(x):
    """Return a wavy function, in a set with the shape of a heart."""
    return -(np.cos((x[0] - 0.1) * x[1]) ** 2) - x[0] * np.sin(3.0 * x[0] + x[1])


def _townsend_row(x):
    t = np.arctan2(x[0], x[1])
    wave = 2 * np.cos(t) - 0.5 * np.cos(2 * t) - 0.25 * np.cos(3 * t) - 0.125 * np.cos(4 * t)
    return wave**2 + (2 * np.sin(t)) ** 2 - x @ x


def rastrigin(x):
    """Return Rastrigin's function."""
    return float(np.sum(x**2 + 10.0 - 10.0 * np.cos(2.0 * np.pi * x)))


def _moved_rastrigin(x):
    return rastrigin(x - 0.25)


def _square(x):
    return x @ x


SQUARE = (-4.0, 6.0)
PLANES = ((1.0, 1.0, 1.0, 1.0, 1.0), (1.0, -1.0, 2.0, 0.0, 0.5))

# The first two with the values of Liang et al., CEC 2006; the third is by Townsend, 2014. The
# values of the last two are the lowest ones of many runs.
ENCLOSED = (
    Enclosed("g06", g06, ((13, 100), (0, 100)), NonlinearRows(_g06_rows, 0.0), -6961.81387558015),
    Enclosed(
        "g08", g08, ((1e-3, 10),) * 2, NonlinearRows(_g08_rows, -inf, 0.0), -0.0958250414180359
    ),
    Enclosed(
        "townsend", townsend, ((-2.25, 2.25), (-2.5, 1.75)), NonlinearRows(_townsend_row, 0.0),
        -2.0239884,
    ),
    Enclosed("shell", rastrigin, (SQUARE,) * 3, NonlinearRows(_square, 5.0, 6.0), 5.0),
    Enclosed(
        "circle", _moved_rastrigin, (SQUARE,) * 2, NonlinearRows(_square, 2.0, 2.0), 2.2544648
    ),
    Enclosed(
        "planes", rastrigin, (SQUARE,) * 5, LinearRows(PLANES, (2.0, 1.0), (2.0, 1.0)), 1.9939512
    ),
)  # fmt: skip
