"""Functions with many minima, shifted and rotated, whose minimum is 0 at a known point.

    f(x) = base(z),   z = R (x - x*) + z*,   R a random rotation or the identity

``FAMILIES`` are the classical ones; ``HELD_OUT`` played no part in the choice of any constant of
`cbo`. One compiled function holds them all, chosen by a number in its vector of parameters.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

FAMILIES = (
    "rastrigin", "ackley", "rosenbrock", "griewank", "schwefel", "levy", "ellipsoid",
    "weierstrass", "salomon",
)  # fmt: skip
HELD_OUT = ("schaffer", "styblinski_tang", "alpine", "gaussian_peaks", "sharp_ridge")
NAMES = FAMILIES + HELD_OUT
BOX = {
    "rastrigin": 5.12, "ackley": 32.768, "rosenbrock": 5.0, "griewank": 600.0, "schwefel": 500.0,
    "levy": 10.0, "ellipsoid": 5.0, "weierstrass": 0.5, "salomon": 100.0, "schaffer": 100.0,
    "styblinski_tang": 5.0, "alpine": 10.0, "gaussian_peaks": 5.0, "sharp_ridge": 5.0,
}  # fmt: skip
SCHWEFEL_X, SCHWEFEL_F = 420.968746359982, 418.9828872724338
STYBLINSKI_X, STYBLINSKI_F = -2.9035340276126953, -39.166165703771419
BASE_MINIMISER = {
    "rosenbrock": 1.0, "levy": 1.0, "schwefel": SCHWEFEL_X, "styblinski_tang": STYBLINSKI_X,
}  # fmt: skip
PEAKS = 15
PLAIN = {"salomon", "gaussian_peaks"}  # the same in every rotation


@dataclass(frozen=True)
class Landscape:
    """A function of this module with its box and its answer.

    Attributes
    ----------
    name : str
        Family, with ``_rotated`` where it is.
    parameters : ndarray
        Second argument of `fun`.
    lb, ub, x : ndarray, shape (d,)
        Box and minimiser; the minimum is 0.
    """

    name: str
    parameters: np.ndarray
    lb: np.ndarray
    ub: np.ndarray
    x: np.ndarray

    @property
    def fun(self):
        """The objective, compiled: ``fun(x, parameters)``."""
        return evaluate

    @property
    def bounds(self):
        """Pairs (low, high) of each variable."""
        return list(zip(self.lb.tolist(), self.ub.tolist(), strict=True))


def landscape(name, d, rng, rotated=False):
    """Draw a landscape of a family.

    Parameters
    ----------
    name : str
        One of ``NAMES``.
    d : int
        Number of variables.
    rng : None, int, Generator or another seed
    rotated : bool
        Rotate it about the minimiser (Haar).

    Returns
    -------
    Landscape

    Raises
    ------
    ValueError
        For fewer than two variables.

    Examples
    --------
    >>> f = landscape("rastrigin", 5, rng=0, rotated=True)
    >>> float(abs(f.fun(f.x, f.parameters))) < 1e-12
    True
    """
    if d < 2:
        raise ValueError(f"a landscape has at least 2 variables, got {d}")
    rng = np.random.default_rng(rng)
    half = BOX[name]
    x = rng.uniform(-0.8 * half, 0.8 * half, d)
    if name == "schwefel":  # its second-best minima are far from the best one
        x = rng.choice([-1.0, 1.0], d) * SCHWEFEL_X + rng.uniform(-50.0, 50.0, d)
    R = _rotation(d, rng) if rotated else np.zeros((0, d))
    extra = _peaks(d, half, rng) if name == "gaussian_peaks" else np.zeros(0)
    if name == "schwefel" and not rotated:
        extra = np.sign(x)
    head = [NAMES.index(name), rotated, BASE_MINIMISER.get(name, 0.0)]
    parameters = np.concatenate([head, x, R.ravel(), extra])
    title = name + "_rotated" * rotated
    return Landscape(title, parameters, np.full(d, -half), np.full(d, half), x)


def landscapes(d, rng, names=FAMILIES):
    """Return the families at one dimension, each shifted, and shifted and rotated."""
    rng = np.random.default_rng(rng)
    turns = [(name, turned) for name in names for turned in (False, True)]
    return [landscape(n, d, rng, turned) for n, turned in turns if not (turned and n in PLAIN)]


def _rotation(d, rng):
    Q, R = np.linalg.qr(rng.standard_normal((d, d)))
    return Q * np.sign(np.diag(R))


def _peaks(d, half, rng):
    """Return for each peak but the first: centre, height, width."""
    centres = rng.uniform(-0.9 * half, 0.9 * half, (PEAKS - 1, d))
    heights, widths = rng.uniform(0.3, 0.9, (PEAKS - 1, 1)), rng.uniform(0.8, 2.0, (PEAKS - 1, 1))
    return np.hstack([centres, heights, widths]).ravel()


@njit(cache=True)
def evaluate(x, parameters):
    """Return the value at x, shape (d,), of the landscape that has these parameters."""
    d = x.size
    code, rotated, base = int(parameters[0]), parameters[1] > 0.0, parameters[2]
    z = np.empty(d)
    if rotated:
        for i in range(d):
            total = 0.0
            for j in range(d):
                total += parameters[3 + d + i * d + j] * (x[j] - parameters[3 + j])
            z[i] = total + base
    else:
        for i in range(d):
            z[i] = x[i] - parameters[3 + i] + base
    rest = parameters[3 + d + (d * d if rotated else 0) :]
    if code == 4:
        return _schwefel(z, rest)
    if code == 12:
        return _gaussian_peaks(x, parameters, rest)
    return _classical(code, z) if code < 9 else _other(code, z)


@njit(cache=True)
def _classical(code, z):
    if code == 0:
        return _rastrigin(z)
    if code == 1:
        return _ackley(z)
    if code == 2:
        return _rosenbrock(z)
    if code == 3:
        return _griewank(z)
    if code == 5:
        return _levy(z)
    if code == 6:
        return _ellipsoid(z)
    if code == 7:
        return _weierstrass(z)
    return _salomon(z)


@njit(cache=True)
def _other(code, z):
    if code == 9:
        return _schaffer(z)
    if code == 10:
        return _styblinski_tang(z)
    if code == 11:
        return _alpine(z)
    return _sharp_ridge(z)


@njit(cache=True)
def _rastrigin(z):
    total = 0.0
    for v in z:
        total += v * v + 10.0 - 10.0 * math.cos(2.0 * math.pi * v)
    return total


@njit(cache=True)
def _ackley(z):
    squares = waves = 0.0
    for v in z:
        squares += v * v
        waves += math.cos(2.0 * math.pi * v)
    bowl = -20.0 * math.exp(-0.2 * math.sqrt(squares / z.size))
    return bowl - math.exp(waves / z.size) + 20.0 + math.e


@njit(cache=True)
def _rosenbrock(z):
    total = 0.0
    for i in range(z.size - 1):
        total += 100.0 * (z[i + 1] - z[i] ** 2) ** 2 + (1.0 - z[i]) ** 2
    return total


@njit(cache=True)
def _griewank(z):
    total, product = 0.0, 1.0
    for i in range(z.size):
        total += z[i] ** 2 / 4000.0
        product *= math.cos(z[i] / math.sqrt(i + 1.0))
    return 1.0 + total - product


@njit(cache=True)
def _schwefel(z, signs):
    """Outside of +-500 the value at the border holds, and a penalty."""
    total = 0.0
    for i in range(z.size):
        v = z[i]
        if signs.size and signs[i] < 0.0:  # mirrored: the minimiser is on the other side
            v = 2.0 * SCHWEFEL_X - v
        w = min(max(v, -500.0), 500.0)
        total += SCHWEFEL_F - w * math.sin(math.sqrt(abs(w))) + 0.01 * (v - w) ** 2
    return total


@njit(cache=True)
def _levy(z):
    d = z.size
    first, last = 1.0 + (z[0] - 1.0) / 4.0, 1.0 + (z[d - 1] - 1.0) / 4.0
    total = math.sin(math.pi * first) ** 2
    total += (last - 1.0) ** 2 * (1.0 + math.sin(2.0 * math.pi * last) ** 2)
    for i in range(d - 1):
        w = 1.0 + (z[i] - 1.0) / 4.0
        total += (w - 1.0) ** 2 * (1.0 + 10.0 * math.sin(math.pi * w + 1.0) ** 2)
    return total


@njit(cache=True)
def _ellipsoid(z):
    total = 0.0
    for i in range(z.size):
        total += 1e6 ** (i / max(z.size - 1, 1)) * z[i] ** 2
    return total


@njit(cache=True)
def _weierstrass(z):
    total = 0.0
    for v in z:
        a, b = 1.0, 1.0
        for _ in range(10):
            total += a * (math.cos(2.0 * math.pi * b * (v + 0.5)) - math.cos(math.pi * b))
            a, b = 0.5 * a, 3.0 * b
    return total


@njit(cache=True)
def _salomon(z):
    r = 0.0
    for v in z:
        r += v * v
    r = math.sqrt(r)
    return 1.0 - math.cos(2.0 * math.pi * r) + 0.1 * r


@njit(cache=True)
def _schaffer(z):
    total = 0.0
    for i in range(z.size - 1):
        r = math.sqrt(z[i] ** 2 + z[i + 1] ** 2)
        total += math.sqrt(r) * (1.0 + math.sin(50.0 * r**0.2) ** 2)
    return (total / (z.size - 1)) ** 2


@njit(cache=True)
def _styblinski_tang(z):
    total = 0.0
    for v in z:
        total += 0.5 * (v**4 - 16.0 * v * v + 5.0 * v) - STYBLINSKI_F
    return total


@njit(cache=True)
def _alpine(z):
    total = 0.0
    for v in z:
        total += abs(v * math.sin(v) + 0.1 * v)
    return total


@njit(cache=True)
def _gaussian_peaks(x, parameters, rest):
    """Return 1 less the highest of the peaks; the first is at the minimiser, of width 1."""
    d = x.size
    r = 0.0
    for j in range(d):
        r += (x[j] - parameters[3 + j]) ** 2
    top = math.exp(-0.5 * r / d)
    for i in range(rest.size // (d + 2)):
        r, k = 0.0, i * (d + 2)
        for j in range(d):
            r += (x[j] - rest[k + j]) ** 2
        top = max(top, rest[k + d] * math.exp(-0.5 * r / (d * rest[k + d + 1] ** 2)))
    return 1.0 - top


@njit(cache=True)
def _sharp_ridge(z):
    total = 0.0
    for i in range(1, z.size):
        total += z[i] ** 2
    return z[0] ** 2 + 100.0 * math.sqrt(total)
