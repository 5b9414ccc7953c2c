"""An elitist masked swarm, the first arm of the hybrid search; in the unit cube.

x_i uniform;  once, at the start of the whole search: descend from the best
for sweep = 0, 1, 2, ...
    c   = consensus of the x_i with alpha = ALPHA^sweep / std f
    t   = x_i,  for some j:  t_j = x_ij - DRIFT u + NOISE u z,  u = x_ij - c_j
          or, with probability JUMP:  t_j = x_ij + 10^(-3.5 U) z
    x_i = t if f(t) <= f(x_i)
until the median distance to c is small, the best stays, or a fifth of the budget is spent;
descend from the best, and from up to three particles away from it
"""

from typing import NamedTuple

import numpy as np

from numopt.kernels import descent
from numopt.kernels.compiling import part
from numopt.kernels.consensus import consensus, distance, median_spread

START, FIRST, SWEEP, POLISH = range(4)
DRIFT, NOISE, MASK = 0.01, 0.81, 0.3
JUMP, DECADES = 0.2, 3.5
ALPHA, HIGHEST_ALPHA = 1.05, 1e15
COLLAPSED, GAIN = 1e-3, 1e-3
CAP = 0.2  # share of the budget that one swarm may use
OTHERS, AWAY = 3, 0.01

NOW = np.dtype(
    [(name, np.int64) for name in ("phase", "sweep", "latest", "others", "begun")]
    + [(name, np.float64) for name in ("alpha", "low")]
)


class Swarm(NamedTuple):
    """Particles at the best places that each has seen; `now` is of type `NOW`."""

    now: np.ndarray  # (1,)
    X: np.ndarray  # (N, d)
    f: np.ndarray  # (N,)
    c: np.ndarray  # (d,)
    work: np.ndarray  # (N,)


def new_swarm(x, f):
    """Return a swarm that has not started; its last particle is x, with the value f."""
    d = x.size
    n = size(d)
    X, values = np.zeros((n, d)), np.full(n, np.inf)
    X[-1], values[-1] = x, f
    return Swarm(np.zeros(1, NOW), X, values, np.zeros(d), np.zeros(n))


def size(d):
    """Return the number of particles."""
    return min(max(2 * d, 20), 80)


@part
def inside(rng, old, new, lo, hi):
    """Return `new`, or a uniform point between `old` and the bound that it has left."""
    if new < lo:
        return lo + (old - lo) * rng.random()
    if new > hi:
        return old + (hi - old) * rng.random()
    return new


@part
def ask(s, rng, X):
    """Write the points to evaluate and return their number."""
    w = s.swarm
    n, d = w.X.shape
    if w.now[0]["phase"] == START:
        n -= w.now[0]["begun"] == 0  # the last particle is the start point
        for i in range(n):
            for j in range(d):
                X[i, j] = rng.random()
        return n
    for i in range(n):
        for j in range(d):
            X[i, j] = w.X[i, j]
        if rng.random() < JUMP:
            _jump(s, rng, w.X[i], X[i])
        else:
            _move(s, rng, w.X[i], w.c, X[i])
    return n


@part
def _move(s, rng, x, c, t):
    forced = rng.integers(0, x.size)
    for j in range(x.size):
        if j == forced or rng.random() < MASK:
            u = x[j] - c[j]
            new = x[j] - DRIFT * u + NOISE * u * rng.standard_normal()
            t[j] = inside(rng, x[j], new, s.lo[j], s.hi[j])


@part
def _jump(s, rng, x, t):
    h = 10.0 ** (-DECADES * rng.random())
    forced = rng.integers(0, x.size)
    p = rng.random() if rng.random() < 0.5 else 0.0
    for j in range(x.size):
        if j == forced or rng.random() < p:
            t[j] = inside(rng, x[j], x[j] + h * rng.standard_normal(), s.lo[j], s.hi[j])


@part
def tell(s, X, f):
    """Take the values of the points that were asked for."""
    w = s.swarm
    now = w.now[0]
    if now["phase"] == START:
        _start(s, X, f)
        return
    for i in range(w.f.size):
        if f[i] <= w.f[i]:
            w.f[i] = f[i]
            for j in range(w.c.size):
                w.X[i, j] = X[i, j]
    now["sweep"] += 1
    now["alpha"] = min(ALPHA * now["alpha"], HIGHEST_ALPHA)
    consensus(w.X, w.f, now["alpha"], w.c)
    low = w.f.min()
    if low < now["low"] - GAIN * abs(low):
        now["low"], now["latest"] = low, now["sweep"]
    if _ended(s):
        now["phase"], now["others"] = POLISH, OTHERS
        best = np.argmin(w.f)
        d = w.c.size
        descent.begin_all(s.descent, w.X[best], w.f[best], 40 * d + 200, s.now[0]["ftol"])


@part
def _start(s, X, f):
    w = s.swarm
    now = w.now[0]
    n, d = w.X.shape
    for i in range(n - (now["begun"] == 0)):
        w.f[i] = f[i]
        for j in range(d):
            w.X[i, j] = X[i, j]
    now["alpha"] = 1.0 / max(_deviation(w.f), 1e-300)
    consensus(w.X, w.f, now["alpha"], w.c)
    now["low"], now["sweep"], now["latest"] = w.f.min(), 0, 0
    now["phase"] = SWEEP
    now["begun"] += 1
    if now["begun"] == 1 and np.isfinite(now["low"]):
        now["phase"] = FIRST
        best = np.argmin(w.f)
        descent.begin_all(s.descent, w.X[best], w.f[best], 40 * d + 200, s.now[0]["ftol"])


@part
def _deviation(f):
    """Return the standard deviation of the finite values."""
    count, mean, total = 0, 0.0, 0.0
    for v in f:
        if np.isfinite(v):
            count += 1
            change = v - mean
            mean += change / count
            total += change * (v - mean)
    return np.sqrt(total / max(count, 1))


@part
def _ended(s):
    w = s.swarm
    now = w.now[0]
    d = w.c.size
    return (
        now["sweep"] - now["latest"] > 60 + 20 * d
        or s.now[0]["unit"] > CAP * s.now[0]["budget"]
        or median_spread(w.X, w.c, w.work) < COLLAPSED
    )


@part
def polished(s, rng):
    """Go on after a descent; return whether this unit is complete."""
    w = s.swarm
    now = w.now[0]
    if now["phase"] == FIRST:
        now["phase"] = SWEEP
        return s.shares[0] == 0.0
    while now["others"] > 0:
        now["others"] -= 1
        i = rng.integers(0, w.f.size)
        away = distance(w.X[i], w.X[np.argmin(w.f)]) > AWAY
        if away and np.isfinite(w.f[i]):
            d = w.c.size
            descent.begin_all(s.descent, w.X[i], w.f[i], 10 * d + 50, s.now[0]["ftol"])
            return False
    now["phase"] = START
    return True
