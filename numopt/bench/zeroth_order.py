"""Gradients from values beside SciPy's methods without derivatives: ``numopt bench zeroth_order``.

Every method gets the same number of evaluations; what is shown is the median, over the seeds, of
f - f* at its answer, without noise.
"""

import warnings
from typing import Any, NamedTuple

import numpy as np

from numopt.front import minimize

VARIANTS = ("coordinates", "smoothing", "spsa", "ranking", "recursive")
PEERS = ("Nelder-Mead", "COBYQA")
MOST_COBYQA = 20  # variables; its models take longer than the runs of all others beyond
NOISE = 1e-3


class Function(NamedTuple):
    """A function with its start, its minimum, and the evaluations that a method gets."""

    name: str
    fun: Any
    x0: np.ndarray
    lowest: float
    budget: int
    noise: float = 0.0


def rosenbrock(x):
    """Return the chained Rosenbrock function."""
    return float(np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2))


def functions(quick=False):
    """Return the functions of the benchmark; a quick one has fewer evaluations."""
    curvatures, short = np.geomspace(1.0, 100.0, 100), 10 if quick else 1
    rng = np.random.default_rng(0)
    rows, side = rng.standard_normal((40, 10)), rng.standard_normal(40)

    def bowl(x):
        return 0.5 * float(x @ (curvatures * x))

    def farthest(x):
        return float(np.abs(rows @ x - side).max())

    ones = np.ones(100)
    return (
        Function("quadratic, condition 100, d = 100", bowl, ones, 0.0, 20_000 // short),
        Function("the same, noise 1e-3", bowl, ones, 0.0, 20_000 // short, NOISE),
        Function("Rosenbrock, d = 10", rosenbrock, np.zeros(10), 0.0, 5000 // short),
        Function(
            "largest residual, d = 10", farthest, np.zeros(10), _least(rows, side), 5000 // short
        ),
    )


def _least(rows, side):
    """Return the least largest residual, by linear programming."""
    from scipy.optimize import linprog

    m, n = rows.shape
    A = np.block([[rows, -np.ones((m, 1))], [-rows, -np.ones((m, 1))]])
    free = [(None, None)] * (n + 1)
    return linprog(np.append(np.zeros(n), 1.0), A, np.append(side, -side), bounds=free).fun


def lines(seed=0, seeds=5, quick=False):
    """Yield the lines of the report: a row for each function, a column for each method."""
    yield f"seeds {seed} to {seed + seeds - 1}; median of f - f* with equal numbers of evaluations"
    yield ""
    yield f"| function | evaluations | {' | '.join(VARIANTS + PEERS)} |"
    yield "|---" * (2 + len(VARIANTS + PEERS)) + "|"
    for f in functions(quick):
        cells = [_cell(_ours, f, name, range(seed, seed + seeds)) for name in VARIANTS]
        cells += [_cell(_peer, f, name, range(seed, seed + seeds)) for name in PEERS]
        yield f"| {f.name} | {f.budget} | {' | '.join(cells)} |"


def _cell(run, f, name, seeds):
    if name == "COBYQA" and f.x0.size > MOST_COBYQA:
        return "-"
    return f"{np.median([f.fun(run(f, name, s)) - f.lowest for s in seeds]):.1e}"


def _observed(f, seed):
    rng = np.random.default_rng([seed, 1])
    return (lambda x: f.fun(x) + f.noise * rng.standard_normal()) if f.noise else f.fun


def _ours(f, variant, seed):
    options = {"variant": variant, "maxfun": f.budget, "maxiter": 10**9, "noise": f.noise}
    fun = _observed(f, seed)
    res: Any = minimize(fun, f.x0, method="zeroth_order", rng=seed, options=options)
    return res.x


def _peer(f, name, seed):
    from scipy.optimize import minimize as scipy_minimize

    options = {"maxfev": f.budget, "maxiter": 10**9}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return scipy_minimize(_observed(f, seed), f.x0, method=name, options=options).x
