"""Covariance consensus hopping, the third arm of the hybrid search; in the unit cube.

    x_i = m + step A z_i,  A A' = C,  i = 1..N;  N = 50, 100, .. 800 from run to run
    w   = exp(-alpha f), alpha such that the effective size is mu = SHARE N
    m   = sum_i w_i x_i / sum_i w_i;  C and step by the formulas of CMA-ES with these weights
    until the best values, the step or the matrix say so, or 0.4 of the budget is spent;
    descend from the best

A run pauses after each unit, so that the arm keeps its share, unless it has found the incumbent.
Points outside are evaluated where they leave the cube, with a penalty on the distance. The path of
the step is that of A^-1 dm, so no eigenvalues are needed.
"""

from typing import NamedTuple

import numpy as np

from numopt.kernels import descent
from numopt.kernels.compiling import part
from numopt.kernels.consensus import alpha_for_size, kth_smallest, weight
from numopt.kernels.hop import UNIT

START, SAMPLE = range(2)
FEWEST, MOST, SHARE = 50, 800, 0.27  # samples, and the part of them that carries the weight
CAP = 0.4
FIRST_STEP, LAST_STEP, FLAT, FINE, CONDITION = 0.25, 1e-12, 1e-6, 1e-13, 1e7

NOW = np.dtype(
    [(name, np.int64) for name in ("phase", "n", "generation", "made")]
    + [(name, np.float64) for name in ("step", "alpha", "f")]
)


class Covariance(NamedTuple):
    """The law of the samples; `now` is of type `NOW`."""

    now: np.ndarray  # (1,)
    m: np.ndarray  # (d,)
    C: np.ndarray  # (d, d)
    A: np.ndarray  # its Cholesky factor, (d, d)
    path: np.ndarray  # of the matrix, (d,)
    step_path: np.ndarray  # (d,)
    shift: np.ndarray  # (d,)
    y: np.ndarray  # best of this run, (d,)
    recent: np.ndarray  # best values of the latest generations, (10 + 30 d / N,)


def new_covariance(d):
    """Return a law that has not started."""
    vectors = [np.zeros(d) for _ in range(4)]
    recent = np.zeros(10 + -(-30 * d // FEWEST))
    square = np.zeros((d, d)), np.zeros((d, d))
    return Covariance(np.zeros(1, NOW), np.zeros(d), *square, *vectors, recent)  # pyright: ignore


@part
def ask(s, rng, X, V):
    """Write the points to evaluate to X, those before clipping to V; return their number."""
    v = s.cov
    now = v.now[0]
    if now["phase"] == START:
        _start(v, rng)
    d = v.m.size
    z = v.shift
    for i in range(now["n"]):
        for j in range(d):
            z[j] = rng.standard_normal()
        for j in range(d):
            total = 0.0
            for k in range(j + 1):
                total += v.A[j, k] * z[k]
            V[i, j] = v.m[j] + now["step"] * total
            X[i, j] = min(max(V[i, j], s.lo[j]), s.hi[j])
    return now["n"]


@part
def _start(v, rng):
    now = v.now[0]
    d = v.m.size
    now["n"] = min(2 * now["n"], MOST) if now["n"] else FEWEST
    now["phase"], now["generation"], now["made"] = SAMPLE, 0, 0
    now["step"], now["alpha"], now["f"] = FIRST_STEP, 0.0, np.inf
    for j in range(d):
        v.m[j] = 0.1 + 0.8 * rng.random()
        v.path[j] = v.step_path[j] = 0.0
        for k in range(d):
            v.C[j, k] = v.A[j, k] = 1.0 if j == k else 0.0


@part
def tell(s, X, V, f, work):
    """Take the values; return whether this unit is complete: the run may go on in the next one."""
    v = s.cov
    now = v.now[0]
    n, d = now["n"], v.m.size
    best = np.argmin(f[:n])
    if f[best] < now["f"]:
        now["f"] = f[best]
        for j in range(d):
            v.y[j] = X[best, j]
    v.recent[now["generation"] % v.recent.size] = f[best]
    now["generation"] += 1
    _penalise(v, X, V, f, work)
    fine = np.isfinite(f[:n].min()) and _update(v, V, f)
    now["made"] += n
    if fine and not _ended(s):
        return s.now[0]["unit"] >= UNIT * d and not _leads(s)
    now["phase"] = START
    if not np.isfinite(now["f"]):
        return True
    descent.begin_all(s.descent, v.y, now["f"], 40 * d + 200, s.now[0]["ftol"])
    return False


@part
def _penalise(v, X, V, f, work):
    now = v.now[0]
    n, d = now["n"], v.m.size
    finite = 0
    for i in range(n):
        if np.isfinite(f[i]):
            work[finite] = f[i]
            finite += 1
    if finite == 0:
        return
    upper = kth_smallest(work[:finite], (3 * finite) // 4)
    price = (upper - kth_smallest(work[:finite], finite // 4)) / (d * now["step"] ** 2)
    for i in range(n):
        out = 0.0
        for j in range(d):
            out += (V[i, j] - X[i, j]) ** 2
        if out > 0.0:
            f[i] += price * out


@part
def _update(v, V, f):
    """Move mean, step and matrix; return False if the matrix is not positive definite any more."""
    now = v.now[0]
    n, d = now["n"], v.m.size
    mu = SHARE * n
    now["alpha"] = alpha_for_size(f[:n], now["alpha"], mu)
    low, total = f[:n].min(), 0.0
    for i in range(n):
        f[i] = weight(f[i], low, now["alpha"])  # from here on f holds weights
        total += f[i]
    for j in range(d):
        v.shift[j] = 0.0
    for i in range(n):
        f[i] /= total
        if f[i] > 0.0:
            for j in range(d):
                v.shift[j] += f[i] * (V[i, j] - v.m[j]) / now["step"]
    keep = _update_paths(v, mu)
    _update_matrix(v, V, f, mu, keep)
    for j in range(d):
        v.m[j] += now["step"] * v.shift[j]
    cs = (mu + 2.0) / (d + mu + 5.0)
    damping = 1.0 + cs + 2.0 * max(0.0, np.sqrt((mu - 1.0) / (d + 1.0)) - 1.0)
    length = 0.0
    for j in range(d):
        length += v.step_path[j] ** 2
    now["step"] *= np.exp(min(1.0, cs / damping * (np.sqrt(length) / _chi(d) - 1.0)))
    return _factor(v)


@part
def _chi(d):
    """Return the mean length of a standard normal vector."""
    return np.sqrt(d) * (1.0 - 1.0 / (4.0 * d) + 1.0 / (21.0 * d * d))


@part
def _update_paths(v, mu):
    """Move both paths; return whether that of the matrix may grow."""
    now = v.now[0]
    d = v.m.size
    cs, cc = (mu + 2.0) / (d + mu + 5.0), (4.0 + mu / d) / (d + 4.0 + 2.0 * mu / d)
    length, part = 0.0, np.empty(d)
    for j in range(d):  # part = A^-1 shift
        total = v.shift[j]
        for k in range(j):
            total -= v.A[j, k] * part[k]
        part[j] = total / v.A[j, j]
        v.step_path[j] = (1.0 - cs) * v.step_path[j] + np.sqrt(cs * (2.0 - cs) * mu) * part[j]
        length += v.step_path[j] ** 2
    settled = np.sqrt(1.0 - (1.0 - cs) ** (2 * now["generation"]))
    keep = np.sqrt(length) / settled < (1.4 + 2.0 / (d + 1.0)) * _chi(d)
    for j in range(d):
        v.path[j] *= 1.0 - cc
        if keep:
            v.path[j] += np.sqrt(cc * (2.0 - cc) * mu) * v.shift[j]
    return keep


@part
def _update_matrix(v, V, w, mu, keep):
    now = v.now[0]
    d = v.m.size
    c1 = 2.0 / ((d + 1.3) ** 2 + mu)
    cmu = min(1.0 - c1, 2.0 * (mu - 2.0 + 1.0 / mu) / ((d + 2.0) ** 2 + mu))
    cc = (4.0 + mu / d) / (d + 4.0 + 2.0 * mu / d)
    old = 1.0 - c1 - cmu + (0.0 if keep else c1 * cc * (2.0 - cc))
    for j in range(d):
        for k in range(j + 1):
            v.C[j, k] = old * v.C[j, k] + c1 * v.path[j] * v.path[k]
    scale = cmu / now["step"] ** 2
    for i in range(now["n"]):
        if w[i] > 0.0:
            for j in range(d):
                t = scale * w[i] * (V[i, j] - v.m[j])
                for k in range(j + 1):
                    v.C[j, k] += t * (V[i, k] - v.m[k])


@part
def _factor(v):
    d = v.m.size
    for j in range(d):
        for k in range(j + 1):
            total = v.C[j, k]
            for i in range(k):
                total -= v.A[j, i] * v.A[k, i]
            if k < j:
                v.A[j, k] = total / v.A[k, k]
            elif total > 0.0:
                v.A[j, j] = np.sqrt(total)
            else:
                return False
    return True


@part
def _ended(s):
    v = s.cov
    now = v.now[0]
    n, d = now["n"], v.m.size
    widest, narrowest, spread = 0.0, np.inf, 0.0
    for j in range(d):
        spread = max(spread, np.sqrt(v.C[j, j]))
        widest, narrowest = max(widest, v.A[j, j]), min(narrowest, v.A[j, j])
    if now["step"] * spread < LAST_STEP or widest > CONDITION * narrowest:
        return True
    if now["made"] > CAP * s.now[0]["budget"]:
        return True
    span = 10 + (30 * d + n - 1) // n
    if now["generation"] < span:
        return False
    low, top = np.inf, -np.inf
    for back in range(1, span + 1):
        value = v.recent[(now["generation"] - back) % v.recent.size]
        low, top = min(low, value), max(top, value)
    return top - low < (FINE if _leads(s) else FLAT) * max(1.0, abs(low))


@part
def _leads(s):
    """Tell whether this run has found the incumbent, or one as good."""
    best = s.now[0]["f"]
    return s.cov.now[0]["f"] <= best + FLAT * max(1.0, abs(best))
