"""Functions of files that call Fortran, written from the published formulas.

Nine problems of Hock and Schittkowski [1]_ evaluate their elements by functions in Fortran that
follow the last part of the file. Fortran is never executed; here these elements are given by
formulas, by the name of the problem and of the element type. The problems 67 and 85 come from
inner equations; those of problem 67, which the original solves by an iteration to 1e-3, are
quadratic and solved exactly.

References
----------
.. [1] W. Hock and K. Schittkowski, "Test Examples for Nonlinear Programming Codes", Springer,
   1981.
"""

from functools import partial
from math import atan, cos, pi, sin, sqrt

from numopt.cutest.data import Kind

# -- problems 67 to 69 -----------------------------------------------------------------------------


def alkylation(k, x1, x2, x3):
    """Return y_k of problem 67, k = 2, ..., 8."""
    # y6 = (x2 + 1.22 y2 - x1) / x1 and y2 = 0.01 x1 (112 + 13.167 y6 - 0.6667 y6^2)
    y6 = _root(0.0122 * 0.6667, 1 - 0.0122 * 13.167, 1 - 0.0122 * 112 - x2 / x1)
    y2 = 0.01 * x1 * (112 + 13.167 * y6 - 0.6667 * (y6 * y6))
    # y5 = a + 0.325 y4 and y4 (y2 y7 + 1000 x3) = 98000 x3 with y7 = b - 0.666 * 0.325 y4
    a = 86.35 + 1.098 * y6 - 0.038 * (y6 * y6) - 0.325 * 89
    b = 35.82 - 0.222 * (3 * a - 133)
    y4 = _smaller_root(0.222 * 3 * 0.325 * y2, y2 * b + 1000 * x3, 98000 * x3)
    y5 = a + 0.325 * y4
    y8 = 3 * y5 - 133
    y7 = 35.82 - 0.222 * y8
    return {2: y2, 3: 1.22 * y2 - x1, 4: y4, 5: y5, 6: y6, 7: y7, 8: y8}[k]


def _root(a, b, c):
    """Return the positive root of a y^2 + b y + c = 0 for c < 0 < a."""
    return ((b * b - 4 * a * c).sqrt() - b) / (2 * a)


def _smaller_root(a, b, c):
    """Return the smaller root of a y^2 - b y + c = 0."""
    return 2 * c / (b + (b * b - 4 * (a * c)).sqrt())


def alkylation_profit(x1, x2, x3):
    """Return y_2 y_5 of problem 67."""
    return alkylation(2, x1, x2, x3) * alkylation(5, x1, x2, x3)


# -- problem 85 ------------------------------------------------------------------------------------


def pulp_plant(letter, k, x1, x2, x3, x4, x5):
    """Return y_k or c_k of problem 85; the last ones of each are sides of its constraints."""
    y, c = {}, {}
    y[1] = x2 + x3 + 41.6
    c[1] = 0.024 * x4 - 4.62
    y[2] = 12.5 / c[1] + 12
    c[2] = 0.0003535 * x1**2 + 0.5311 * x1 + 0.08705 * y[2] * x1
    c[3] = 0.052 * x1 + 78 + 0.002377 * y[2] * x1
    y[3] = c[2] / c[3]
    y[4] = 19 * y[3]
    c[4] = (
        0.04782 * (x1 - y[3]) + 0.1956 * (x1 - y[3]) ** 2 / x2 + 0.6376 * y[4] + 1.594 * y[3]
    )  # fmt: skip
    c[5] = 100 * x2
    c[6] = x1 - y[3] - y[4]
    c[7] = 0.950 - c[4] / c[5]
    y[5] = c[6] * c[7]
    y[6] = x1 - y[5] - y[4] - y[3]
    c[8] = (y[5] + y[4]) * 0.995
    y[7] = c[8] / y[1]
    y[8] = c[8] / 3798
    c[9] = y[7] - 0.0663 * y[7] / y[8] - 0.3153
    y[9] = 96.82 / c[9] + 0.321 * y[1]
    y[10] = 1.29 * y[5] + 1.258 * y[4] + 2.29 * y[3] + 1.71 * y[6]
    y[11] = 1.71 * x1 - 0.452 * y[4] + 0.58 * y[3]
    c[10] = 12.3 / 752.3
    c[11] = 1.75 * y[2] * (0.995 * x1)
    c[12] = 0.9995 * y[10] + 1998
    y[12] = c[10] * x1 + c[11] / c[12]
    y[13] = c[12] - 1.75 * y[2]
    y[14] = 3623 + 64.4 * x2 + 58.4 * x3 + 146312 / (y[9] + x5)
    c[13] = 0.9995 * y[10] + 60.8 * x2 + 48 * x4 - 0.1121 * y[14] - 5095
    y[15] = y[13] / c[13]
    y[16] = 148000 - 331000 * y[15] + 40 * y[13] - 61 * y[15] * y[13]
    c[14] = 2324 * y[10] - 28740000 * y[2]
    y[17] = 14130000 - 1328 * y[10] - 531 * y[11] + c[14] / c[12]
    c[15] = y[13] / y[15] - y[13] / 0.52
    c[16] = 1.104 - 0.72 * y[15]
    c[17] = y[9] + x5
    c[18] = c[15] / c[16]
    c[19] = y[2] / c[12]
    y[18] = y[4] - 0.28 / 0.72 * y[5]
    y[19] = -3496 * c[19]
    y[20] = 62212 / c[17] - y[1]
    return {"Y": y, "C": c}[letter][k]


def _separate(data):
    """Give each element of problem 85 a type of its own: a parameter tells which quantity it is."""
    kinds = {}
    for e, old in enumerate(data.element_kind):
        k = int(old.values[data.element_position[e]])
        name = f"{old.name}{k}"
        kind = kinds.setdefault(name, Kind(name, old.variables, card=old.card))
        kind.formula = partial(pulp_plant, old.name, k)
        at = data.element_position[e] * len(old.variables)
        data.element_position[e] = kind.add()
        kind.slots[-len(old.variables) :] = old.slots[at : at + len(old.variables)]
        data.element_kind[e] = kind
    data.element_kinds = kinds


# -- problems 88 to 92 -----------------------------------------------------------------------------

# The problem is truncated to this many functions cos(mu s), with mu tan(mu) = 1.
MODES = 30


def _roots():
    """Return the roots by fixed-point iteration, a contraction."""
    found = []
    for k in range(MODES):
        mu = 1 + pi * k
        for _ in range(100):
            mu = pi * k + atan(1 / mu)
        found.append(mu)
    return found


def heat_conduction(*x):
    """Return the squared distance to the wanted temperature after n switches of the control.

    The control switches between 1 and -1; the functions cos(mu s) are orthogonal, so the distance
    is a sum over them, and the square of the wanted profile (1 - s^2)/2 integrates to 2/15.
    """
    n, total = len(x), 2 / 15
    tails = [x[n - 1] * x[n - 1]]
    for v in x[-2::-1]:
        tails.append(tails[-1] + v * v)
    tails.reverse()
    for mu in _roots():
        temperature = (-(mu**2) * tails[0]).exp() + (-1) ** n
        for i in range(1, n):
            temperature = temperature + 2 * (-1) ** i * (-(mu**2) * tails[i]).exp()
        q = 2 * sin(mu) / (mu + sin(mu) * cos(mu)) * temperature
        size = (1 + sin(2 * mu) / (2 * mu)) / 2
        profile = sin(mu) / mu**3 - cos(mu) / mu**2
        total = size * (q * q) + 2 * profile * q + total
    return total


# -- the table -------------------------------------------------------------------------------------


def normal_distribution(x, p):
    """Return the distribution function of the normal distribution at p - x."""
    return 0.5 + 0.5 * ((p - x) / sqrt(2)).erf()


_INSPECTION = {"PHI": normal_distribution}
FORMULAS = {
    "HS67": {
        "Y2Y5": alkylation_profit, **{f"Y{k}": partial(alkylation, k) for k in range(2, 9)}
    },
    "HS68": _INSPECTION,
    "HS69": _INSPECTION,
    "HS85": {},
    **{f"HS{k}": {"H": heat_conduction} for k in range(88, 93)},
}  # fmt: skip


def attach(data, name):
    """Replace functions in Fortran by formulas, for the problems that are known here.

    Parameters
    ----------
    data : Data
        Its element types are changed.
    name : str
        Name of the problem.
    """
    if name == "HS85":
        _separate(data)
    for type_name, formula in FORMULAS.get(name, {}).items():
        if type_name in data.element_kinds:
            data.element_kinds[type_name].formula = formula
