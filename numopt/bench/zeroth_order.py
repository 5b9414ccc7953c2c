"""Gradients from values beside other methods without derivatives: ``numopt bench zeroth_order``.

Every method gets the same number of evaluations; what is shown is the median, over the seeds, of
f - f* at its answer, without noise.
"""

import warnings
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from numopt.front import minimize
from numopt.models.atomic_sets import L1Ball

METHODS: dict[str, dict] = {
    "coordinates": {},
    "smoothing": {},
    "spsa": {},
    "2spsa": {"variant": "spsa", "second_order": True},
    "ranking": {},
    "recursive": {},
    "frank_wolfe": {},
}
PEERS = ("Nelder-Mead", "COBYQA", "cma")
STEADY = ("coordinates", "frank_wolfe", "Nelder-Mead", "COBYQA")  # the same for every seed
MOST_COBYQA = 20  # variables; its models take longer than the runs of all others beyond
NOISE = 1e-3
SPREAD = 0.3  # first standard deviation of cma


class Function(NamedTuple):
    """A function with its start, its minimum, and the evaluations that a method gets."""

    name: str
    fun: Any
    x0: np.ndarray
    lowest: float
    budget: int
    noise: float = 0.0
    domain: Any = None  # all but frank_wolfe minimise f(P(x)), with P the projection on it


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

    def logistic(x):
        return float(np.mean(np.logaddexp(0.0, -np.sign(side) * (rows @ x))))

    ones, zero, ball = np.ones(100), np.zeros(10), L1Ball(2.0)
    budget = 5000 // short
    return (
        Function("quadratic, condition 100, d = 100", bowl, ones, 0.0, 20_000 // short),
        Function("the same, noise 1e-3", bowl, ones, 0.0, 20_000 // short, NOISE),
        Function("Rosenbrock, d = 10", rosenbrock, zero, 0.0, budget),
        Function("largest residual, d = 10", farthest, zero, _least(rows, side), budget),
        Function(
            "logistic loss, l1 ball, d = 10", logistic, zero, _lowest(logistic, ball), budget,
            domain=ball,
        ),
    )  # fmt: skip


def _lowest(fun, ball):
    """Return the minimum over the ball, by SLSQP on the positive and negative parts."""
    from scipy.optimize import minimize as scipy_minimize

    n = 10
    inside = {"type": "ineq", "fun": lambda u: ball.radius - u.sum()}
    found = scipy_minimize(
        lambda u: fun(u[:n] - u[n:]), np.full(2 * n, 0.05), method="SLSQP", constraints=inside,
        bounds=[(0.0, None)] * (2 * n), options={"ftol": 1e-15, "maxiter": 1000},
    )  # fmt: skip
    return found.fun


def _least(rows, side):
    """Return the least largest residual, by linear programming."""
    from scipy.optimize import linprog

    m, n = rows.shape
    A = np.block([[rows, -np.ones((m, 1))], [-rows, -np.ones((m, 1))]])
    free = [(None, None)] * (n + 1)
    return linprog(np.append(np.zeros(n), 1.0), A, np.append(side, -side), bounds=free).fun


def lines(seed=0, seeds=20, quick=False):
    """Yield the lines of the report: a row for each function, a column for each method."""
    peers = [name for name in PEERS if name != "cma" or find_spec("cma")]
    yield f"seeds {seed} to {seed + seeds - 1}; median of f - f* with equal numbers of evaluations"
    yield from (f"left out: {name} is not installed" for name in PEERS if name not in peers)
    yield ""
    yield f"| function | evaluations | {' | '.join([*METHODS, *peers])} |"
    yield "|---" * (2 + len(METHODS) + len(peers)) + "|"
    for f in functions(quick):
        cells = [_cell(f, name, range(seed, seed + seeds)) for name in (*METHODS, *peers)]
        yield f"| {f.name} | {f.budget} | {' | '.join(cells)} |"


def _cell(f, name, seeds):
    if (name == "COBYQA" and f.x0.size > MOST_COBYQA) or (name == "frank_wolfe" and not f.domain):
        return "-"
    if name in STEADY and not f.noise:
        seeds = seeds[:1]
    run = _ours if name in METHODS else _by_cma if name == "cma" else _by_scipy
    return f"{np.median([f.fun(_entered(f, run(f, name, s))) - f.lowest for s in seeds]):.1e}"


def _entered(f, x):
    return f.domain.project(x) if f.domain else x


def _observed(f, seed):
    rng = np.random.default_rng([seed, 1])
    noise = (lambda: f.noise * rng.standard_normal()) if f.noise else lambda: 0.0
    return lambda x: f.fun(_entered(f, x)) + noise()


def _ours(f, name, seed):
    options = {"variant": name, "maxfun": f.budget, "maxiter": 10**9, "noise": f.noise}
    options |= METHODS[name]
    if name == "frank_wolfe":
        options["domain"] = f.domain
    fun = f.fun if name == "frank_wolfe" else _observed(f, seed)
    res: Any = minimize(fun, f.x0, method="zeroth_order", rng=seed, options=options)
    return res.x


def _by_scipy(f, name, seed):
    from scipy.optimize import minimize as scipy_minimize

    options = {"maxfev": f.budget, "maxiter": 10**9}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return scipy_minimize(_observed(f, seed), f.x0, method=name, options=options).x


def _by_cma(f, name, seed):
    import cma  # pyright: ignore

    options = {"maxfevals": f.budget, "verbose": -9, "verb_log": 0, "seed": seed + 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = cma.CMAEvolutionStrategy(f.x0, SPREAD, options).optimize(_observed(f, seed)).result
    return found.xfavorite if f.noise else found.xbest
