"""Time of a step of consensus-based optimisation, beside CBXpy, and of the hybrid search.

``numopt bench global --speed``; whatever the objective itself takes is measured and left out.
An iteration has 20 steps; where they come one by one it has one.
"""

from importlib.util import find_spec
from time import process_time
from typing import Any

import numpy as np

from numopt.front import minimize
from numopt.problems.landscapes import landscape

SIZES = ((50, 10), (200, 20), (1000, 20))
STEPS, REPEATS, INNER = 1000, 5, 20


def lines(sizes=SIZES, steps=STEPS, repeats=REPEATS, dimensions=(5, 10, 20), evaluations=100_000):
    """Yield two tables: CPU time of a step, and of an evaluation in the hybrid; medians."""
    yield f"CPU milliseconds of a step without the objective, medians of {repeats} runs"
    yield ""
    yield "| N | d | compiled | vectorised | the same, one by one | cbx | ratios |"
    yield "|---|---|---|---|---|---|---|"
    for n, d in sizes:
        rounds = [_round(n, d, steps) for _ in range(repeats + 1)][1:]
        *own, cbx = np.median(rounds, axis=0)
        ratios = ", ".join(f"{cbx / time:.1f}" for time in own) if cbx == cbx else "-"
        yield f"| {n} | {d} | {' | '.join(f'{time:.4f}' for time in (*own, cbx))} | {ratios} |"
    yield ""
    yield "CPU microseconds of the hybrid for each evaluation, without the objective"
    yield ""
    yield "| d | compiled objective |"
    yield "|---|---|"
    for d in dimensions:
        price = np.median([_hybrid(d, evaluations) for _ in range(repeats + 1)][1:])
        yield f"| {d} | {price:.2f} |"


def _hybrid(d, evaluations):
    """Return the microseconds of an evaluation, beyond those of the objective, on Rastrigin."""
    f = landscape("rastrigin", d, rng=0, rotated=True)
    given = {"args": (f.parameters,), "bounds": f.bounds, "method": "cbo", "rng": 0}
    start = process_time()
    res: Any = minimize(f.fun, **given, options={"maxfun": evaluations, "maxiter": 10**9})
    spent = process_time() - start
    start = process_time()
    _all_values()(f.fun, np.tile(f.x, (res.nfev, 1)), 1, f.parameters)
    return 1e6 * (spent - (process_time() - start)) / res.nfev


def _round(n, d, steps):
    """Return the milliseconds of a step of each, in one go."""
    X = np.random.default_rng(0).uniform(-3.0, 3.0, (n, d))
    own = _own(X, steps, True), _own(X, steps, False), _own(X, steps, False, inner=1)
    return *own, _cbx(X, steps)


def _squares():
    from numba import njit

    if not hasattr(_squares, "function"):

        @njit
        def squares(x):
            total = 0.0
            for v in x:
                total += v * v
            return total

        _squares.function = squares
    return _squares.function


def _vectorised(X):
    return np.einsum("ij,ij->i", X, X)


def _own(X, steps, compiled, inner=INNER):
    options = {
        "variant": "paper", "ensemble": X, "sigma": 5.1, "noise": "isotropic", "dt": 1e-4,
        "inner": inner, "maxiter": steps // inner, "tol": 1e-300, "radius": 1.0,
    }  # fmt: skip
    fun = _squares() if compiled else _vectorised
    start = process_time()
    res: Any = minimize(
        fun, np.zeros(X.shape[1]), method="cbo", rng=0, options=options, vectorized=not compiled
    )
    spent = process_time() - start
    return 1e3 * (spent - _objective(fun, X, compiled, steps)) / (res.nit * inner)


def _objective(fun, X, compiled, steps):
    """Return the seconds that the evaluations alone take."""
    start = process_time()
    if compiled:
        _all_values()(fun, X, steps)
    else:
        for _ in range(steps):
            fun(X)
    return process_time() - start


def _all_values():
    from numba import njit

    if not hasattr(_all_values, "function"):

        @njit
        def values(fun, X, steps, *args):
            total = 0.0
            for _ in range(steps):
                for i in range(X.shape[0]):
                    total += fun(X[i], *args)
            return total

        _all_values.function = values
    return _all_values.function


def _cbx(X, steps):
    if not find_spec("cbx"):
        return np.nan
    from cbx.dynamics import CBO  # pyright: ignore

    def values(X):
        return np.einsum("mij,mij->mi", X, X)

    dynamic = CBO(
        values, f_dim="3D", check_f_dims=False, x=X[None].copy(), noise="isotropic", sigma=5.1,
        dt=1e-4, alpha=1.0, max_it=steps, verbosity=0, seed=0, track_args={"names": []},
    )  # fmt: skip
    start = process_time()
    for _ in range(steps):
        dynamic.step()
    spent = process_time() - start
    start = process_time()
    for _ in range(steps):
        values(X[None])
    return 1e3 * (spent - (process_time() - start)) / steps
