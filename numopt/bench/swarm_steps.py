"""Time of a step of consensus-based optimisation beside CBXpy: ``numopt bench global --speed``."""

from importlib.util import find_spec
from time import process_time

import numpy as np

from numopt.front import minimize

SIZES = ((50, 10), (200, 20), (1000, 20))
STEPS, REPEATS = 1000, 5


def lines(sizes=SIZES, steps=STEPS, repeats=REPEATS):
    """Yield a table: CPU milliseconds of a step beyond the objective, medians of several runs."""
    yield f"CPU milliseconds of a step without the objective, medians of {repeats} runs"
    yield ""
    yield "| N | d | numopt, compiled objective | numopt, vectorised objective | cbx | ratios |"
    yield "|---|---|---|---|---|---|"
    for n, d in sizes:
        rounds = [_round(n, d, steps) for _ in range(repeats + 1)][1:]
        inside, outside, other = np.median(rounds, axis=0)
        ratios = f"{other / inside:.1f}, {other / outside:.1f}" if other == other else "-"
        yield f"| {n} | {d} | {inside:.4f} | {outside:.4f} | {other:.4f} | {ratios} |"


def _round(n, d, steps):
    """Return the milliseconds of a step of each, in one go."""
    X = np.random.default_rng(0).uniform(-3.0, 3.0, (n, d))
    return _own(X, steps, True), _own(X, steps, False), _cbx(X, steps)


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


def _own(X, steps, compiled):
    inner = 20
    options = {
        "variant": "paper", "ensemble": X, "sigma": 5.1, "noise": "isotropic", "dt": 1e-4,
        "inner": inner, "maxiter": steps // inner, "tol": 1e-300, "radius": 1.0,
    }  # fmt: skip
    fun = _squares() if compiled else _vectorised
    start = process_time()
    res = minimize(
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
        def values(fun, X, steps):
            total = 0.0
            for _ in range(steps):
                for i in range(X.shape[0]):
                    total += fun(X[i])
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
