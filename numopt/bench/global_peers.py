"""Methods of global search under one roof: each calls one counted function until it has enough.

A method that ends before its budget is spent starts again with another seed, so that all of them
use what they are given.
"""

import warnings
from collections.abc import Callable
from importlib.util import find_spec
from itertools import count
from math import inf
from typing import Any, NamedTuple

import numpy as np

from numopt.core.errors import OptionError
from numopt.front import minimize


class Enough(BaseException):
    """Ends a method whose budget is spent, or that has reached the last target."""


class Recorder:
    """An objective that counts, and knows when each target was reached first.

    Parameters
    ----------
    fun : callable
        ``fun(x) -> float``.
    budget : int
        Calls that are answered; the next one raises `Enough`.
    targets : sequence of float
        Values, in decreasing order; reaching the last one raises `Enough` too.

    Attributes
    ----------
    calls : int
    hits : ndarray
        Number of the call that reached each target, infinite if none did.
    low : float
        Lowest value.
    """

    def __init__(self, fun, budget, targets):
        self.fun, self.budget, self.targets = fun, budget, targets
        self.calls, self.low = 0, inf
        self.hits = np.full(len(targets), inf)
        self._next = 0

    def __call__(self, x):
        """Return the value, or raise `Enough`."""
        if self.calls >= self.budget:
            raise Enough
        self.calls += 1
        value = float(self.fun(x))
        if value < self.low:
            self.low = value
            while self._next < len(self.targets) and value <= self.targets[self._next]:
                self.hits[self._next] = self.calls
                self._next += 1
            if self._next == len(self.targets):
                raise Enough
        return value


def record(run, recorder, lb, ub, seed):
    """Run a method until it has enough."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            for again in count():
                before = recorder.calls
                run(recorder, lb, ub, [seed, again])
                stuck = recorder.calls == before or run is direct
                if stuck or recorder.calls >= recorder.budget:
                    break
        except Enough:
            pass
    return recorder


# -- methods ---------------------------------------------------------------------------------------


def cbo(f, lb, ub, seed):
    """Run the hybrid search with the budget that is left."""
    options = {"maxfun": f.budget - f.calls, "maxiter": 10**9}
    bounds = list(zip(lb, ub, strict=True))
    minimize(f, bounds=bounds, method="cbo", rng=seed, options=options)


def dual_annealing(f, lb, ub, seed):
    """Run SciPy's generalised simulated annealing with local searches."""
    from scipy.optimize import dual_annealing as run

    run(f, list(zip(lb, ub, strict=True)), maxfun=f.budget, maxiter=10**9, rng=_generator(seed))


def differential_evolution(f, lb, ub, seed):
    """Run SciPy's differential evolution without polishing, until the population is flat."""
    from scipy.optimize import differential_evolution as run

    bounds = list(zip(lb, ub, strict=True))
    how: Any = {"maxiter": 10**9, "polish": False, "tol": 0.0, "atol": 1e-10}
    how |= {"vectorized": True, "updating": "deferred"}
    run(lambda X: np.array([f(x) for x in X.T]), bounds, rng=_generator(seed), **how)


def basinhopping(f, lb, ub, seed):
    """Run SciPy's basin hopping with L-BFGS-B from a random point."""
    from scipy.optimize import basinhopping as run

    rng = _generator(seed)
    local = {"method": "L-BFGS-B", "bounds": list(zip(lb, ub, strict=True))}
    step = 0.1 * float(np.max(ub - lb))
    run(f, rng.uniform(lb, ub), niter=10**9, stepsize=step, minimizer_kwargs=local, rng=rng)


def direct(f, lb, ub, seed):
    """Run SciPy's DIRECT, which is deterministic and runs once."""
    from scipy.optimize import direct as run

    bounds: Any = list(zip(lb, ub, strict=True))
    left = f.budget - f.calls
    run(_quiet(f), bounds, maxfun=left, maxiter=left, vol_tol=0.0, len_tol=0.0)


def _quiet(f):
    """Return the function without the exception, which compiled code would not pass on."""

    def value(x):
        try:
            return f(x)
        except Enough:
            return 0.0

    return value


def bipop(f, lb, ub, seed):
    """Run pycma with BIPOP restarts; outside of the box the functions are defined too."""
    import cma  # pyright: ignore

    rng, width = _generator(seed), ub - lb
    options = {"maxfevals": f.budget, "verbose": -9, "verb_log": 0}
    options["seed"] = int(rng.integers(1, 2**31))
    start = lambda: 0.1 + 0.8 * rng.random(lb.size)  # noqa: E731
    cma.fmin2(lambda u: f(lb + width * u), start, 0.2, options, restarts=9, bipop=True)


def cbx(f, lb, ub, seed):
    """Run CBXpy with anisotropic noise, a rising exponent and clipping, in the unit cube."""
    from cbx.dynamics import CBO  # pyright: ignore
    from cbx.scheduler import multiply, scheduler  # pyright: ignore

    d, rng, width = lb.size, _generator(seed), ub - lb
    X = rng.random((1, min(max(20 * d, 40), 200), d))

    def values(X):
        return np.array([[f(x) for x in lb + width * X[0]]])

    dynamic = CBO(
        values, f_dim="3D", check_f_dims=False, x=X, noise="anisotropic", sigma=8.1, dt=0.01,
        alpha=1.0, max_it=10**9, verbosity=0, seed=int(rng.integers(2**31)),
        post_process=lambda dyn: np.clip(dyn.x, 0.0, 1.0, out=dyn.x), track_args={"names": []},
        term_criteria=[_collapsed],
    )  # fmt: skip
    rising: Any = scheduler([multiply(name="alpha", factor=1.05, maximum=1e15)])
    dynamic.optimize(sched=rising)


def _collapsed(dynamic):
    if dynamic.consensus is None:
        return np.zeros(1, dtype=bool)
    return np.median(np.abs(dynamic.x - dynamic.consensus).max(axis=2), axis=1) < 1e-10


def _generator(seed):
    return np.random.default_rng(seed)


class Peer(NamedTuple):
    """A method, and the module that it needs."""

    name: str
    module: str
    run: Callable


PEERS = (
    Peer("numopt cbo", "numopt", cbo),
    Peer("dual_annealing", "scipy", dual_annealing),
    Peer("differential_evolution", "scipy", differential_evolution),
    Peer("basinhopping", "scipy", basinhopping),
    Peer("direct", "scipy", direct),
    Peer("cma BIPOP", "cma", bipop),
    Peer("cbx", "cbx", cbx),
)


def installed(names=None):
    """Return the peers that can run, of those that were asked for.

    Raises
    ------
    OptionError
        If a name is not known.
    """
    known = {peer.name: peer for peer in PEERS}
    unknown = set(names or ()) - {*known, "none"}
    if unknown:
        raise OptionError(f"peers: {unknown.pop()!r} is none of {', '.join(known)}, none")
    asked = [peer for peer in PEERS if not names or peer.name in names]
    return [peer for peer in asked if find_spec(peer.module)]


def left_out(names=None):
    """Yield a line for each method that was asked for and is not installed."""
    there = installed(names)
    for peer in PEERS:
        if peer not in there and (not names or peer.name in names):
            yield f"left out: {peer.name}, as {peer.module} is not installed"
