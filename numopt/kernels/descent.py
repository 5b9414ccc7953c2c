"""Projected L-BFGS with differences, one batch of points at a time.

    g  = (f(x + h_j e_j) - f(x)) / h_j                        GRADIENT: one point for each j,
                                                              or two: `refine`
    p  = -H g,  H the L-BFGS matrix, coordinates fixed at a bound left out
    x' = clip(x + t p),  t = 1, then by quadratic interpolation until
         f(x') <= f(x) + ARMIJO g'(x' - x)                     LINE: one point

`ask` writes the points that are to be evaluated, `tell` takes their values; in between nobody
waits, so one code serves every kind of objective. Only the coordinates in ``active[:size]`` move.
"""

from typing import NamedTuple

import numpy as np

from numopt.kernels.compiling import part

IDLE, GRADIENT, LINE = range(3)
PAIRS = 20  # fewer cost three times the evaluations at condition 1e6
ARMIJO, LONGEST_LINE, FIRST_STEP = 1e-4, 20, 0.01
WIDER = 400.0  # central steps over forward ones: eps^(1/3) over eps^(1/2)
LAST_DIGITS = 1e-4  # what `refine` multiplies ftol by
CURVATURE = 1e-10  # pairs with s'y below this times y'y are left out

NOW = np.dtype(
    [(name, np.int64) for name in ("phase", "size", "iteration", "limit", "small", "pairs", "line")]
    + [("central", np.int64)]
    + [(name, np.float64) for name in ("f", "t", "slope", "ftol")]
)


class Descent(NamedTuple):
    """A descent under way; `now` has its numbers, of type `NOW`."""

    now: np.ndarray  # (1,)
    active: np.ndarray  # coordinates that may move, (d,), int64
    x: np.ndarray  # (d,), as all vectors
    g: np.ndarray
    p: np.ndarray
    x_old: np.ndarray
    g_old: np.ndarray
    S: np.ndarray  # steps, (PAIRS, d)
    Y: np.ndarray  # changes of the gradient, (PAIRS, d)
    rho: np.ndarray  # 1 / s'y, (PAIRS,)


def new_descent(d):
    """Return an idle descent in d variables."""
    vectors = [np.zeros(d) for _ in range(5)]
    pairs = np.zeros((PAIRS, d)), np.zeros((PAIRS, d)), np.zeros(PAIRS)
    return Descent(np.zeros(1, NOW), np.arange(d), *vectors, *pairs)  # pyright: ignore


@part
def begin(s, x, f, size, limit, ftol):
    """Start at x, with value f, along the coordinates ``active[:size]``."""
    now = s.now[0]
    now["phase"], now["size"], now["limit"], now["ftol"], now["f"] = GRADIENT, size, limit, ftol, f
    now["iteration"], now["small"], now["pairs"], now["central"] = 0, 0, 0, 0
    for j in range(x.size):
        s.x[j] = x[j]
        s.g[j] = 0.0
        s.p[j] = 0.0


@part
def refine(s):
    """Go on where the descent ended, by central differences."""
    now = s.now[0]
    now["phase"], now["central"], now["iteration"], now["small"] = GRADIENT, 1, 0, 0
    now["ftol"] *= LAST_DIGITS


@part
def begin_all(s, x, f, limit, ftol):
    """Start at x along all coordinates."""
    for j in range(x.size):
        s.active[j] = j
    begin(s, x, f, x.size, limit, ftol)


@part
def ask(s, lo, hi, h, X):
    """Write the points to evaluate to the first rows of X and return their number."""
    now = s.now[0]
    if now["phase"] == LINE:
        for j in range(s.x.size):
            X[0, j] = min(max(s.x[j] + now["t"] * s.p[j], lo[j]), hi[j])
        return 1
    size = now["size"]
    for r in range(size * (1 + now["central"])):
        for j in range(s.x.size):
            X[r, j] = s.x[j]
    for r in range(size):
        k = s.active[r]
        if now["central"]:
            X[r, k] = min(s.x[k] + WIDER * h[k], hi[k])
            X[size + r, k] = max(s.x[k] - WIDER * h[k], lo[k])
        else:
            X[r, k] += h[k] if s.x[k] + h[k] <= hi[k] else -h[k]
    return size * (1 + now["central"])


@part
def tell(s, lo, hi, X, f):
    """Take the values of the points that were asked for; `phase` is IDLE at the end."""
    now = s.now[0]
    if now["phase"] == LINE:
        _tell_line(s, lo, hi, X[0], f[0])
        return
    for r in range(now["size"]):
        k = s.active[r]
        other = now["size"] + r
        if now["central"]:
            slope = (f[r] - f[other]) / (X[r, k] - X[other, k])
        else:
            slope = (f[r] - now["f"]) / (X[r, k] - s.x[k])
        if not np.isfinite(slope):
            now["phase"] = IDLE
            return
        s.g[k] = slope
    if now["iteration"] > 0:
        _store_pair(s)
    _aim(s, lo, hi)


@part
def _store_pair(s):
    now = s.now[0]
    row = now["pairs"] % PAIRS
    sy = yy = 0.0
    for r in range(now["size"]):
        j = s.active[r]
        s.S[row, j] = s.x[j] - s.x_old[j]
        s.Y[row, j] = s.g[j] - s.g_old[j]
        sy += s.S[row, j] * s.Y[row, j]
        yy += s.Y[row, j] ** 2
    if sy > CURVATURE * yy:
        s.rho[row] = 1.0 / sy
        now["pairs"] += 1


@part
def _aim(s, lo, hi):
    """Choose direction and first step length."""
    now = s.now[0]
    slope = _direction(s, lo, hi)
    if slope >= 0.0 and now["pairs"] > 0:
        now["pairs"] = 0
        slope = _direction(s, lo, hi)
    now["slope"], now["line"], now["t"] = slope, 0, 1.0
    now["phase"] = LINE if slope < 0.0 else IDLE
    if now["pairs"] == 0:
        longest = 0.0
        for j in range(s.p.size):
            longest = max(longest, abs(s.p[j]))
        now["t"] = min(1.0, FIRST_STEP / max(longest, 1e-300))


@part
def _direction(s, lo, hi):
    """Set p = -H g by two loops over the pairs, and return g'p."""
    now = s.now[0]
    for j in range(s.p.size):
        s.p[j] = 0.0
    for r in range(now["size"]):
        j = s.active[r]
        s.p[j] = 0.0 if _fixed(s, lo, hi, j) else -s.g[j]
    _two_loops(s)
    slope = 0.0
    for r in range(now["size"]):
        j = s.active[r]
        if _fixed(s, lo, hi, j):
            s.p[j] = 0.0
        slope += s.g[j] * s.p[j]
    return slope


@part
def _fixed(s, lo, hi, j):
    return (s.x[j] <= lo[j] and s.g[j] > 0.0) or (s.x[j] >= hi[j] and s.g[j] < 0.0)


@part
def _two_loops(s):
    pairs = s.now[0]["pairs"]
    kept = min(pairs, PAIRS)
    a = np.zeros(PAIRS)
    for back in range(kept):
        row = (pairs - 1 - back) % PAIRS
        a[row] = s.rho[row] * _dot(s, s.S[row], s.p)
        _add(s, -a[row], s.Y[row])
    if kept:
        row = (pairs - 1) % PAIRS
        scale = 1.0 / (s.rho[row] * _dot(s, s.Y[row], s.Y[row]))
        for j in range(s.p.size):
            s.p[j] *= scale
    for forth in range(kept):
        row = (pairs - kept + forth) % PAIRS
        _add(s, a[row] - s.rho[row] * _dot(s, s.Y[row], s.p), s.S[row])


@part
def _dot(s, u, v):
    total = 0.0
    for r in range(s.now[0]["size"]):
        j = s.active[r]
        total += u[j] * v[j]
    return total


@part
def _add(s, t, u):
    for r in range(s.now[0]["size"]):
        j = s.active[r]
        s.p[j] += t * u[j]


@part
def _tell_line(s, lo, hi, x, f):
    now = s.now[0]
    model = 0.0
    for j in range(x.size):
        model += s.g[j] * (x[j] - s.x[j])
    if f <= now["f"] + ARMIJO * model and model < 0.0:
        _accept(s, x, f)
        return
    now["line"] += 1
    if now["line"] < LONGEST_LINE:
        curved = f - now["f"] - now["t"] * now["slope"]
        shrink = -0.5 * now["t"] * now["slope"] / curved if np.isfinite(curved) else 0.1
        now["t"] *= min(max(shrink, 0.1), 0.5)
    elif now["pairs"] > 0:
        now["pairs"] = 0
        _aim(s, lo, hi)
    else:
        now["phase"] = IDLE


@part
def _accept(s, x, f):
    now = s.now[0]
    flat = now["f"] - f <= now["ftol"] * max(abs(f), 1.0)
    now["small"] = now["small"] + 1 if flat else 0
    for j in range(x.size):
        s.x_old[j], s.g_old[j] = s.x[j], s.g[j]
        s.x[j] = x[j]
    now["f"] = f
    now["iteration"] += 1
    done = now["small"] >= 2 or now["iteration"] >= now["limit"]
    now["phase"] = IDLE if done else GRADIENT
