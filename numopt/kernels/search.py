"""The hybrid search: three arms that share an incumbent and the evaluations; in the unit cube.

    loop: run one unit of the arm with the smallest (evaluations used) / (share)

`ask` writes points, `tell` takes their values, so the search can wait for any kind of objective;
`advance` evaluates a compiled one in between.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from numopt.kernels import covariance, descent, hop, swarm
from numopt.kernels.compiling import part, with_objective

SWARM, HOP, COVARIANCE = range(3)
REFINED = 1e-9  # relative decrease below the last refined value that is worth refining again

NOW = np.dtype(
    [(name, np.int64) for name in ("arm", "used", "unit")]
    + [(name, np.float64) for name in ("f", "budget", "ftol", "target", "refined")]
)


class Search(NamedTuple):
    """A search under way; `now` is of type `NOW`."""

    now: np.ndarray  # (1,)
    best: np.ndarray  # incumbent, (d,)
    lo: np.ndarray  # 0 or -infinity, (d,)
    hi: np.ndarray  # 1 or infinity, (d,)
    h: np.ndarray  # steps of differences, (d,)
    shares: np.ndarray  # of the arms, (3,)
    used: np.ndarray  # evaluations of each arm, (3,)
    descent: descent.Descent
    swarm: swarm.Swarm
    hop: hop.Hop
    cov: covariance.Covariance


class Domain(NamedTuple):
    """Where the unit cube lies among the points of the problem."""

    free: np.ndarray  # variables that are not fixed, (d,), int64
    corner: np.ndarray  # (d,)
    width: np.ndarray  # (d,)
    lb: np.ndarray  # (n,)
    ub: np.ndarray  # (n,)


class Batch(NamedTuple):
    """Points to evaluate and their values; nothing in it survives `tell`."""

    X: np.ndarray  # (K, d)
    V: np.ndarray  # (K, d)
    f: np.ndarray  # (K,)
    work: np.ndarray  # (K,)


def new_search(x, f, lo, hi, h, shares, budget, ftol, target):
    """Return a search from x, with the value f; the swarm draws the first points for all arms."""
    d = lo.size
    now = np.zeros(1, NOW)
    now["f"] = f if f == f else np.inf
    now["refined"] = np.inf
    now["budget"], now["ftol"], now["target"] = budget, ftol, target
    arms = swarm.new_swarm(x, now["f"][0]), hop.new_hop(d), covariance.new_covariance(d)
    start = x.copy(), lo, hi, h, np.array(shares, float), np.zeros(3)
    return Search(now, *start, descent.new_descent(d), *arms)


def new_batch(d):
    """Return room for the largest batch in d variables."""
    rows = max(2 * d, swarm.size(d), covariance.MOST)
    return Batch(np.empty((rows, d)), np.empty((rows, d)), np.empty(rows), np.empty(rows))


def copied(value):
    """Return a copy of a nested tuple of arrays."""
    if isinstance(value, tuple):
        return type(value)(*map(copied, value))  # pyright: ignore
    return value.copy()


@njit(cache=True)
def ask(s, rng, batch):
    """Write the points to evaluate to the first rows of ``batch.X`` and return their number."""
    arm = s.now[0]["arm"]
    if s.descent.now[0]["phase"] != descent.IDLE:
        return descent.ask(s.descent, s.lo, s.hi, s.h, batch.X)
    if arm == SWARM:
        return swarm.ask(s, rng, batch.X)
    if arm == HOP:
        return hop.ask(s, rng, batch.X)
    return covariance.ask(s, rng, batch.X, batch.V)


@njit(cache=True)
def record(s, batch, k):
    """Count k values, put infinity for NaN, and keep the best point."""
    now = s.now[0]
    for i in range(k):
        now["used"] += 1
        if batch.f[i] != batch.f[i]:
            batch.f[i] = np.inf
        if batch.f[i] < now["f"]:
            now["f"] = batch.f[i]
            for j in range(s.best.size):
                s.best[j] = batch.X[i, j]
    now["unit"] += k
    s.used[now["arm"]] += k


@njit(cache=True)
def tell(s, rng, batch, k):
    """Take the values of all k points that were asked for."""
    record(s, batch, k)
    arm = s.now[0]["arm"]
    complete = False
    if s.descent.now[0]["phase"] != descent.IDLE:
        descent.tell(s.descent, s.lo, s.hi, batch.X, batch.f)
        if s.descent.now[0]["phase"] == descent.IDLE and not _refined(s):
            complete = _polished(s, rng)
    elif arm == SWARM:
        swarm.tell(s, batch.X, batch.f)
    elif arm == HOP:
        complete = hop.tell(s, batch.X, batch.f)
    else:
        complete = covariance.tell(s, batch.X, batch.V, batch.f, batch.work)
    if complete:
        _next_arm(s)


@part
def _refined(s):
    """Begin to find the last digits of a new incumbent; return whether that is to be done."""
    now, f = s.now[0], s.descent.now[0]["f"]
    margin = REFINED * max(abs(f), 1.0)
    if s.descent.now[0]["central"]:
        now["refined"] = now["f"]
        return False
    if (
        f > now["f"] + margin
        or f > now["refined"] - margin
        or s.descent.now[0]["ftol"] > now["ftol"]
    ):
        return False
    descent.refine(s.descent)
    return True


@part
def _polished(s, rng):
    """Go on after a descent; return whether the unit of this arm is complete."""
    arm = s.now[0]["arm"]
    if arm == SWARM:
        return swarm.polished(s, rng)
    return arm == COVARIANCE or hop.polished(s)


@part
def _next_arm(s):
    now = s.now[0]
    now["unit"] = 0
    least = np.inf
    for arm in range(s.shares.size):
        if s.shares[arm] > 0.0 and s.used[arm] / s.shares[arm] < least:
            least, now["arm"] = s.used[arm] / s.shares[arm], arm


@njit(cache=True)
def place(u, domain, x):
    """Set the free entries of x to those that the point u of the cube stands for."""
    for j in range(u.size):
        k = domain.free[j]
        value = domain.corner[j] + domain.width[j] * u[j]
        x[k] = min(max(value, domain.lb[k]), domain.ub[k])


@njit(cache=True)
def place_all(U, domain, X):
    """Do the same for all rows."""
    for i in range(U.shape[0]):
        place(U[i], domain, X[i])


@njit(cache=True)
def turn(s, rng, batch, told, asked, domain, X):
    """Tell the values of `told` points; then ask for more, if that is wanted, and place them in X.

    All in one call, as a call costs more than its work. Returns the number of points, which is 0
    at the target.
    """
    if told:
        tell(s, rng, batch, told)
    if not asked or s.now[0]["f"] <= s.now[0]["target"]:
        return 0
    k = ask(s, rng, batch)
    for i in range(k):
        place(batch.X[i], domain, X[i])
    return k


@with_objective
def advance(fun, args, s, rng, batch, domain, x, chunk, limit):
    """Evaluate about `chunk` points, at most `limit`; return how many it were.

    Parameters
    ----------
    fun, args : function and tuple
        The objective is ``fun(x, *args)``.
    s, rng, batch, domain
        Search, generator, room, and where the cube lies.
    x : ndarray, shape (n,)
        Where the points are written; holds the fixed variables.
    """
    made = 0
    while made < min(chunk, limit) and s.now[0]["f"] > s.now[0]["target"]:
        k = ask(s, rng, batch)
        fits = min(k, limit - made)
        for i in range(fits):
            place(batch.X[i], domain, x)
            batch.f[i] = fun(x, *args)
        made += fits
        if fits == k:
            tell(s, rng, batch, k)
        else:
            record(s, batch, fits)
    return made
