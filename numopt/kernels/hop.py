"""Polished consensus hopping, the second arm of the hybrid search; in the unit cube.

    y = best point known
    until 100 d evaluations are spent
        choose how (below) and a scale h = 10^(-3.5 (b + U) / 7), b = 0..6
        t = y, but y_j + h z for one j / for each j with probability p ~ U(0, 1/2) / for all j
            or y + s, or y - s, s a step that has led to another local minimum, rather a short one
        leave t / descend from it in the moved coordinates / in all
        y = t if f(t) < f(y)
    descend from y if it is new

The six ways times seven scales, and old steps with and without a descent, are drawn by what they
have gained for an evaluation lately. Where minima lie on a lattice, old steps are its vectors.
"""

from typing import NamedTuple

import numpy as np

from numopt.kernels import descent
from numopt.kernels.compiling import part
from numopt.kernels.consensus import distance
from numopt.kernels.swarm import DECADES, inside

TRY, POLISH, FINAL = range(3)
SCALES, WAYS = 7, 6
RAW, BLOCK, FULL = range(3)
ONE, SOME, ALL = range(3)
TREATMENT = np.array([RAW, RAW, RAW, BLOCK, BLOCK, FULL])
SUBSET = np.array([ONE, SOME, ALL, ONE, SOME, ALL])
FRESH = WAYS * SCALES  # choices before those of old steps, which are left or descended from
OLD_TREATMENT = np.array([RAW, FULL])
STEPS, FEWEST, MOST = 4, 20, 160  # steps kept: 4 d within these limits
CANDIDATES = 4  # drawn at random; the shortest is repeated
AWAY = 1e-3  # distance from which on a minimum is another one
UNIT = 100  # evaluations of a unit for each variable
SHORT, GAIN, SMALLEST = 1e-6, 1e-6, 1e-3

NOW = np.dtype(
    [(name, np.int64) for name in ("phase", "choice", "moved", "improved", "steps")]
    + [(name, np.float64) for name in ("f", "spent")]
)


class Hop(NamedTuple):
    """The centre, and what each way has been worth; `now` is of type `NOW`."""

    now: np.ndarray  # (1,)
    y: np.ndarray  # (d,)
    reward: np.ndarray  # of each choice
    cost: np.ndarray  # of each choice
    moved: np.ndarray  # coordinates moved, (d,), int64
    steps: np.ndarray  # those that led to other minima lately, (K, d)


def new_hop(d):
    """Return a hop that has not started."""
    price = np.array([1.0, 20.0, 10.0 * d])
    treatments = np.append(np.repeat(TREATMENT, SCALES), OLD_TREATMENT)
    reward, cost = np.full(treatments.size, 0.3), price[treatments]
    steps = np.zeros((min(max(STEPS * d, FEWEST), MOST), d))
    return Hop(np.zeros(1, NOW), np.zeros(d), reward, cost, np.zeros(d, np.int64), steps)


@part
def ask(s, rng, X):
    """Write the point to try and return 1."""
    p = s.hop
    now = p.now[0]
    if s.now[0]["unit"] == 0:
        now["f"], now["improved"] = s.now[0]["f"], 0
        for j in range(p.y.size):
            p.y[j] = s.best[j]
    now["choice"], now["spent"] = _choose(p, rng), s.now[0]["unit"]
    for j in range(p.y.size):
        X[0, j] = p.y[j]
    if now["choice"] >= FRESH:
        _repeat_step(s, rng, X[0])
    else:
        _draw_step(s, rng, X[0])
    return 1


@part
def _draw_step(s, rng, t):
    """Move some coordinates of t by normal numbers."""
    p = s.hop
    way, scale = divmod(p.now[0]["choice"], SCALES)
    h = 10.0 ** (-DECADES * (scale + rng.random()) / SCALES)
    _choose_moved(p, rng, SUBSET[way])
    for r in range(p.now[0]["moved"]):
        j = p.moved[r]
        t[j] = inside(rng, t[j], t[j] + h * rng.standard_normal(), s.lo[j], s.hi[j])


@part
def _repeat_step(s, rng, t):
    """Move t by a step that led to another minimum before, or by its opposite."""
    p = s.hop
    kept = min(p.now[0]["steps"], p.steps.shape[0])
    shortest, least = 0, np.inf
    for _ in range(CANDIDATES):
        k = rng.integers(0, kept)
        length = 0.0
        for j in range(t.size):
            length += p.steps[k, j] ** 2
        if length < least:
            shortest, least = k, length
    sign = 1.0 if rng.random() < 0.5 else -1.0
    for j in range(t.size):
        t[j] = inside(rng, t[j], t[j] + sign * p.steps[shortest, j], s.lo[j], s.hi[j])


@part
def _choose(p, rng):
    """Draw a choice by its gain for an evaluation; old steps when there are some."""
    known = p.reward.size if p.now[0]["steps"] else FRESH
    top = total = 0.0
    for k in range(known):
        top = max(top, p.reward[k] / p.cost[k])
    for k in range(known):
        total += max(p.reward[k] / p.cost[k], 0.03 * top)
    u = total * rng.random()
    for k in range(known):
        u -= max(p.reward[k] / p.cost[k], 0.03 * top)
        if u < 0.0:
            return k
    return known - 1


@part
def _treatment(choice):
    return OLD_TREATMENT[choice - FRESH] if choice >= FRESH else TREATMENT[choice // SCALES]


@part
def _choose_moved(p, rng, subset):
    d = p.y.size
    forced = rng.integers(0, d)
    share = 1.0 if subset == ALL else 0.5 * rng.random() if subset == SOME else 0.0
    count = 0
    for j in range(d):
        if j == forced or (share > 0.0 and rng.random() < share):
            p.moved[count] = j
            count += 1
    p.now[0]["moved"] = count


@part
def tell(s, X, f):
    """Take the value of the trial; return whether this unit is complete."""
    p = s.hop
    now = p.now[0]
    treatment = _treatment(now["choice"])
    if treatment == RAW or not np.isfinite(f[0]):
        return _conclude(s, X[0], f[0])
    now["phase"] = POLISH
    size = now["moved"] if treatment == BLOCK else p.y.size
    for r in range(size):
        s.descent.active[r] = p.moved[r] if treatment == BLOCK else r
    descent.begin(s.descent, X[0], f[0], size, 3 * size + 10, SHORT)
    return False


@part
def polished(s):
    """Go on after a descent; return whether this unit is complete."""
    p = s.hop
    if p.now[0]["phase"] == FINAL:
        p.now[0]["phase"] = TRY
        return True
    return _conclude(s, s.descent.x, s.descent.now[0]["f"])


@part
def _conclude(s, x, f):
    p = s.hop
    now = p.now[0]
    k = now["choice"]
    if _treatment(k) == FULL and distance(x, p.y) > AWAY:
        _keep_step(p, x)
    better = now["f"] - f > GAIN * max(abs(f), SMALLEST)
    if better:
        now["f"], now["improved"] = f, 1
        for j in range(x.size):
            p.y[j] = x[j]
    p.reward[k] = max(0.003, 0.97 * p.reward[k] + 0.09 * better)
    p.cost[k] = 0.9 * p.cost[k] + 0.1 * (s.now[0]["unit"] - now["spent"])
    now["phase"] = TRY
    d = x.size
    if s.now[0]["unit"] < UNIT * d:
        return False
    if now["improved"]:
        now["phase"] = FINAL
        descent.begin_all(s.descent, p.y, now["f"], 40 * d + 200, s.now[0]["ftol"])
    return not now["improved"]


@part
def _keep_step(p, x):
    now = p.now[0]
    row = now["steps"] % p.steps.shape[0]
    now["steps"] += 1
    for j in range(x.size):
        p.steps[row, j] = x[j] - p.y[j]
