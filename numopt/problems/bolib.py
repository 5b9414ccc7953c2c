"""Twenty small public bilevel problems of the BOLIB collection, written from their formulas.

`load(name)` makes one; `PROBLEMS` holds the formulas, start points and the best known value of F.
For some the value is better than the one the collection lists; two have a lower level that is not
convex. S. Zhou, A. B. Zemkoho, A. Tin, BOLIB: Bilevel Optimization LIBrary of test problems, 2020.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from numopt.models.bilevel import Bilevel


class Formulas(NamedTuple):
    """A problem: rows of G and g are at most 0."""

    F: Callable
    f: Callable
    G: Callable | None
    g: Callable | None
    x0: tuple
    y0: tuple
    best: float  # best known value of F
    convex: bool = True  # the lower level in y


def load(name, autodiff: str | None = "trace"):
    """Return a problem of the collection.

    Parameters
    ----------
    name : str
        One of `PROBLEMS`.
    autodiff : str or None
        As of `Bilevel`.

    Examples
    --------
    >>> P = load("Yezza1996Ex41")
    >>> P.n, P.m, P.p, P.q
    (1, 1, 2, 0)
    """
    known = PROBLEMS[name]
    start = np.array(known.x0, dtype=float), np.array(known.y0, dtype=float)
    rows = {"g": known.g, "G": known.G}
    return Bilevel(known.F, known.f, x0=start, **rows, autodiff=autodiff, name=name)


PROBLEMS = {
    "Bard1988Ex1": Formulas(
        lambda x, y: (x[0] - 5) ** 2 + (2 * y[0] + 1) ** 2,
        lambda x, y: (y[0] - 1) ** 2 - 1.5 * x[0] * y[0],
        lambda x, y: [-x[0]],
        lambda x, y: [3 + y[0] - 3 * x[0], x[0] - 4 - y[0] / 2, x[0] + y[0] - 7, -y[0]],
        (4.0,),
        (0.0,),
        17.0,
    ),
    "Bard1988Ex3": Formulas(
        lambda x, y: -(x[0] ** 2) - 3 * x[1] - 4 * y[0] + y[1] ** 2,
        lambda x, y: 2 * x[0] ** 2 + y[0] ** 2 - 5 * y[1],
        lambda x, y: [x[0] ** 2 + 2 * x[1] - 4, -x[0], -x[1]],
        lambda x, y: [
            -3 - x[0] ** 2 + 2 * x[0] - x[1] ** 2 + 2 * y[0] - y[1],
            4 - x[1] - 3 * y[0] + 4 * y[1],
            -y[0],
            -y[1],
        ],
        (0.0, 2.0),
        (4.0, 1.0),
        -12.678711,
    ),
    "AiyoshiShimizu1984Ex2": Formulas(
        lambda x, y: 2 * x[0] + 2 * x[1] - 3 * y[0] - 3 * y[1] - 60,
        lambda x, y: (y[0] - x[0] + 20) ** 2 + (y[1] - x[1] + 20) ** 2,
        lambda x, y: [x[0] + x[1] + y[0] - 2 * y[1] - 40, x[0] - 50, x[1] - 50, -x[0], -x[1]],
        lambda x, y: [
            2 * y[0] - x[0] + 10,
            2 * y[1] - x[1] + 10,
            -10 - y[0],
            -10 - y[1],
            y[0] - 20,
            y[1] - 20,
        ],
        (10.0, 10.0),
        (20.0, 20.0),
        0.0,
    ),
    "ClarkWesterberg1990a": Formulas(
        lambda x, y: (x[0] - 3) ** 2 + (y[0] - 2) ** 2,
        lambda x, y: (y[0] - 5) ** 2,
        lambda x, y: [x[0] - 8, -x[0]],
        lambda x, y: [y[0] - 2 * x[0] - 1, x[0] - 2 * y[0] + 2, x[0] + 2 * y[0] - 14],
        (1.0,),
        (1.0,),
        5.0,
    ),
    "Colson2002BIPA3": Formulas(
        lambda x, y: (x[0] - 5) ** 4 + (2 * y[0] + 1) ** 4,
        lambda x, y: (
            np.exp(y[0] - x[0]) + x[0] ** 2 + 2 * x[0] * y[0] + y[0] ** 2 + 2 * x[0] + 6 * y[0]
        ),
        lambda x, y: [x[0] + y[0] - 4, -x[0]],
        lambda x, y: [y[0] - x[0] - 2, -y[0]],
        (4.0,),
        (0.0,),
        2.0,
    ),
    "DempeFranke2011Ex41": Formulas(
        lambda x, y: x[0] + y[0] ** 2 + y[1] ** 2,
        lambda x, y: x[0] * y[0] + x[1] * y[1],
        lambda x, y: [-1 - x[0], x[0] - 1, -1 - x[1], x[1] + 1],
        lambda x, y: [y[1] - 2 * y[0], y[0] - 2, y[1] - 2, -y[1]],
        (1.0, 1.0),
        (1.0, 1.0),
        5.0,
    ),
    "FalkLiu1995": Formulas(
        lambda x, y: (x[0] - 1.5) ** 2 + (x[1] - 1.5) ** 2 + y[0] ** 2 + y[1] ** 2 - 4.5,
        lambda x, y: (y[0] - x[0]) ** 2 + (y[1] - x[1]) ** 2,
        None,
        lambda x, y: [0.5 - y[0], 0.5 - y[1], y[0] - 1.5, y[1] - 1.5],
        (0.0, 0.0),
        (1.0, 1.0),
        -2.25,
    ),
    "BardFalk1982Ex2": Formulas(
        lambda x, y: -2 * x[0] + x[1] + 0.5 * y[0],
        lambda x, y: x[0] + x[1] - 4 * y[0] + y[1],
        lambda x, y: [-x[0], -x[1]],
        lambda x, y: [
            2.5 - 2 * x[0] + y[0] - y[1],
            x[0] - 3 * x[1] + y[1] - 2,
            x[0] + x[1] - 2,
            -y[0],
            -y[1],
        ],
        (1.0, 1.0),
        (1.0, 1.0),
        -3.25,
    ),
    "CandlerTownsley1982": Formulas(
        lambda x, y: -8 * x[0] - 4 * x[1] + 4 * y[0] - 40 * y[1] - 4 * y[2],
        lambda x, y: x[0] + 2 * x[1] + y[0] + y[1] + 2 * y[2],
        lambda x, y: [-x[0], -x[1]],
        lambda x, y: [
            y[1] + y[2] - y[0] - 1,
            2 * x[0] - y[0] + 2 * y[1] - 0.5 * y[2] - 1,
            2 * x[1] + 2 * y[0] - y[1] - 0.5 * y[2] - 1,
            -y[0],
            -y[1],
            -y[2],
        ],
        (0.2, 0.2),
        (0.3, 0.3, 0.3),
        -29.2,
    ),
    "LamparielloSagratella2017Ex32": Formulas(
        lambda x, y: x[0] ** 2 + y[0] ** 2,
        lambda x, y: (x[0] + y[0] - 1) ** 2,
        None,
        None,
        (1.0,),
        (1.0,),
        0.5,
    ),
    "MacalHurter1997": Formulas(
        lambda x, y: (x[0] - 1) ** 2 + (y[0] - 1) ** 2,
        lambda x, y: 0.5 * y[0] ** 2 + 500 * y[0] - 50 * x[0] * y[0],
        None,
        None,
        (1.0,),
        (1.0,),
        81.327869,
    ),
    "Outrata1990Ex1a": Formulas(
        lambda x, y: (
            0.5 * (y[0] - 3) ** 2 + 0.5 * (y[1] - 4) ** 2 + 0.1 * x[0] ** 2 + 0.1 * x[1] ** 2 - 12.5
        ),
        lambda x, y: (
            0.5 * y[0] ** 2 - 2 * y[0] * y[1] + 2.5 * y[1] ** 2 - x[0] * y[0] - x[1] * y[1]
        ),
        None,
        lambda x, y: [y[1] - 0.333 * y[0] - 2, y[0] - 0.333 * y[1] - 2, -y[0], -y[1]],
        (0.0, 0.0),
        (1.0, 1.0),
        -8.917203,
    ),
    "ShimizuAiyoshi1981Ex2": Formulas(
        lambda x, y: (x[0] - 30) ** 2 + (x[1] - 20) ** 2 - 20 * y[0] + 20 * y[1],
        lambda x, y: (x[0] - y[0]) ** 2 + (x[1] - y[1]) ** 2,
        lambda x, y: [30 - x[0] - 2 * x[1], x[0] + x[1] - 25, x[1] - 15],
        lambda x, y: [y[0] - 10, y[1] - 10, -y[0], -y[1]],
        (1.0, 1.0),
        (1.0, 1.0),
        225.0,
    ),
    "TuyEtal2007": Formulas(
        lambda x, y: x[0] ** 2 + y[0] ** 2,
        lambda x, y: -y[0],
        lambda x, y: [-x[0], -y[0]],
        lambda x, y: [3 * x[0] + y[0] - 15, x[0] + y[0] - 7, x[0] + 3 * y[0] - 15],
        (5.0,),
        (0.0,),
        22.5,
    ),
    "Yezza1996Ex41": Formulas(
        lambda x, y: 0.5 * (y[0] - x[0] + 2) ** 2 + 0.5 * (y[0] - 2) ** 2,
        lambda x, y: 0.5 * y[0] ** 2 + x[0] - y[0],
        None,
        lambda x, y: [-y[0], y[0] - x[0]],
        (1.0,),
        (1.0,),
        0.5,
    ),
    "MuuQuy2003Ex1": Formulas(
        lambda x, y: y[0] ** 2 + y[1] ** 2 + x[0] ** 2 - 4 * x[0],
        lambda x, y: (
            y[0] ** 2 + 0.5 * y[1] ** 2 + y[0] * y[1] + (1 - 3 * x[0]) * y[0] + (1 + x[0]) * y[1]
        ),
        lambda x, y: [-x[0], x[0] - 2],
        lambda x, y: [2 * y[0] + y[1] - 2 * x[0] - 1, -y[0], -y[1]],
        (2.0,),
        (0.0, 0.0),
        -2.076923,
    ),
    "AllendeStill2013": Formulas(
        lambda x, y: (x[0] - 1) ** 2 + (x[1] - 1) ** 2 + y[0] ** 2 + y[1] ** 2,
        lambda x, y: y[0] ** 2 + y[1] ** 2 - 2 * x[0] * y[0] - 2 * x[1] * y[1],
        lambda x, y: [-x[0], -x[1], x[0] - 2, -y[0], -y[1]],
        lambda x, y: [(y[0] - 1) ** 2 - 0.25, (y[1] - 1) ** 2 - 0.25],
        (0.0, 0.0),
        (0.0, 0.0),
        1.0,
    ),
    "Bard1988Ex2": Formulas(
        lambda x, y: (y[0] + y[2]) * (y[0] + y[2] - 200) + (y[1] + y[3]) * (y[1] + y[3] - 160),
        lambda x, y: (y[0] - 4) ** 2 + (y[1] - 13) ** 2 + (y[2] - 35) ** 2 + (y[3] - 2) ** 2,
        lambda x, y: [
            x[0] + x[1] + x[2] + x[3] - 40,
            x[0] - 10,
            x[1] - 5,
            x[2] - 15,
            x[3] - 20,
            -x[0],
            -x[1],
            -x[2],
            -x[3],
        ],
        lambda x, y: [
            0.4 * y[0] + 0.7 * y[1] - x[0],
            0.6 * y[0] + 0.3 * y[1] - x[1],
            0.4 * y[2] + 0.7 * y[3] - x[2],
            0.6 * y[2] + 0.3 * y[3] - x[3],
            y[0] - 20,
            y[1] - 20,
            y[2] - 40,
            y[3] - 40,
            -y[0],
            -y[1],
            -y[2],
            -y[3],
        ],
        (5.0, 5.0, 15.0, 15.0),
        (0.0, 0.0, 0.0, 0.0),
        -6600.0,
    ),
    "MitsosBarton2006Ex314": Formulas(
        lambda x, y: (x[0] - 0.25) ** 2 + y[0] ** 2,
        lambda x, y: y[0] ** 3 / 3 - x[0] * y[0],
        lambda x, y: [-1 - x[0], x[0] - 1],
        lambda x, y: [-1 - y[0], y[0] - 1],
        (1.0,),
        (1.0,),
        0.25,
        convex=False,
    ),
    "Mirrlees1999": Formulas(
        lambda x, y: (x[0] - 2) ** 2 + (y[0] - 1) ** 2,
        lambda x, y: -np.exp(-((y[0] - 1) ** 2)) - x[0] * np.exp(-((y[0] + 1) ** 2)),
        None,
        lambda x, y: [-2 - y[0], y[0] - 2],
        (1.0,),
        (1.0,),
        1.002,
        convex=False,
    ),
}
