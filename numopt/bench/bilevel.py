"""Bilevel methods beside their baselines: ``numopt bench bilevel``.

Three tables from one run. The public collection: problems solved, median time, and claims of
success that do not hold. The two hyper-parameter tasks: validation loss with the lower level solved
exactly at the x that came back, what it means on test data, and time of the processor.
"""

from importlib.util import find_spec
from time import process_time
from typing import Any, NamedTuple

import numpy as np

from numopt.front import minimize
from numopt.problems import bolib, hyperparameters
from numopt.solvers.bilevel.certificate import certify, solve_lower
from numopt.solvers.bilevel.newton import newton

VALUE, GAP, VIOLATION, EXACT = 1e-2, 1e-2, 1e-3, 1e-6  # what counts as solved
OWN = (
    ("lv_hba, not polished", "lv_hba", {"polish": False}),
    ("lv_hba", "lv_hba", {}),
    ("kkt", "kkt", {}),
    ("auto", "auto", {}),
)
TASKS = {"regularisation": hyperparameters.regularisation, "cleaning": hyperparameters.cleaning}
POINTS = 200  # of random search on the collection
DRAWS = 100  # of random search on the tasks


class Outcome(NamedTuple):
    """What a solver returned for a problem of the collection."""

    solved: bool
    false_claim: bool
    seconds: float


def judged(name, x, y, seconds, success=False):
    """Return the `Outcome` of a point, by a certificate of its own."""
    problem, best = bolib.load(name), bolib.PROBLEMS[name].best
    found, value = certify(problem, x, y), problem.F(x, y)
    error = (value - best) / max(1.0, abs(best))
    solved = abs(error) <= VALUE and found.lower_gap <= GAP and found.violation <= VIOLATION
    solved = solved and (error >= -EXACT or found.lower_gap <= EXACT)
    return Outcome(solved, success and found.lower_gap > GAP, seconds)


def own(name, method, options, seed):
    """Return the `Outcome` of a method of numopt with its default options."""
    begun = process_time()
    res: Any = minimize(bolib.load(name), method=method, options=options, rng=seed)
    return judged(name, res.x, res.y, process_time() - begun, res.success)


def random_search(name, seed):
    """Return the `Outcome` of random x, then Nelder and Mead, the lower level solved at each."""
    from scipy.optimize import minimize as scipy_minimize

    problem, rng, begun = bolib.load(name), np.random.default_rng(seed), process_time()
    start, y0 = problem.split(problem.x0)

    def merit(x):
        y = solve_lower(problem, x, y0)[1]
        return problem.F(x, y) + 1e3 * problem.violation(x, y)

    spread = 3.0 * (1.0 + np.abs(start).max())
    points = [start + spread * rng.standard_normal(start.size) for _ in range(POINTS)]
    options: Any = {"maxfev": POINTS}
    x = scipy_minimize(merit, min(points, key=merit), method="Nelder-Mead", options=options).x
    y = solve_lower(problem, x, y0)[1]
    return judged(name, x, y, process_time() - begun)


def collection_lines(names, seed, with_random=True):
    """Yield the table of the collection."""
    rows = {label: [own(n, m, dict(o), seed) for n in names] for label, m, o in OWN}
    if with_random:
        rows["random search, Nelder-Mead"] = [random_search(n, seed) for n in names]
    yield f"| collection, {len(names)} problems | solved | median s | false claims |"
    yield "|---|---|---|---|"
    for label, outcomes in rows.items():
        solved, wrong = (sum(o[k] for o in outcomes) for k in (0, 1))
        yield f"| {label} | {solved} | {np.median([o.seconds for o in outcomes]):.2f} | {wrong} |"


# -- tasks -----------------------------------------------------------------------------------------


def _by(method, **options):
    def solve(task, seed):
        res: Any = minimize(task.problem(), method=method, options=options, rng=seed)
        return res.x

    return solve


def _batches(method, **options):
    def solve(task, seed):
        problem = task.problem(batches=True)
        res: Any = minimize(problem, method=method, options=options, rng=seed)
        return res.x

    return solve


def _bounds(problem):
    free = np.full(problem.n, np.inf)
    return (-free, free) if problem.X is None else (problem.X.lb, problem.X.ub)


def hand_written(task, seed):
    """Return x by L-BFGS-B on both levels and conjugate gradients, all of SciPy."""
    from scipy.optimize import minimize as scipy_minimize
    from scipy.sparse.linalg import LinearOperator, cg

    problem = task.problem()
    x0, y = problem.split(problem.x0)
    near = {"y": y}

    def lower(y, x):
        return task.f(x, y), task.grad_f(x, y)[1]

    def upper(x):
        inner: Any = {"gtol": 1e-7, "ftol": 0.0, "maxiter": 2000, "maxfun": 5000}
        y = scipy_minimize(lower, near["y"], (x,), "L-BFGS-B", jac=True, options=inner).x
        near["y"] = y
        products: Any = {"matvec": lambda v: task.hvp(x, y, v)[1], "dtype": float}
        H: Any = LinearOperator((y.size, y.size), **products)  # pyright: ignore
        q = cg(H, task.grad_F(x, y)[1], rtol=1e-6)[0]
        return task.F(x, y), task.grad_F(x, y)[0] - task.hvp(x, y, q)[0]

    bounds = list(zip(*(np.broadcast_to(b, x0.shape) for b in _bounds(problem)), strict=True))
    options: Any = {"gtol": 1e-5, "maxiter": 200}
    return scipy_minimize(upper, x0, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x


def grid_search(task, seed):
    """Return the best x with all entries equal."""
    problem = task.problem()
    low, high = (float(np.clip(np.min(b), -15, 15)) for b in _bounds(problem))
    points = [np.full(problem.n, level) for level in np.linspace(low, high, 30)]
    return min(points, key=lambda x: task.F(x, exact_lower(task, x)))


def draws(task, seed):
    """Return the best of random x."""
    problem, rng = task.problem(), np.random.default_rng(seed)
    low, high = (np.clip(b, -5, 5) for b in _bounds(problem))
    points = [rng.uniform(low, high, problem.n) for _ in range(DRAWS)]
    return min(points, key=lambda x: task.F(x, exact_lower(task, x)))


def with_jaxopt(task, seed):
    """Return x by jaxopt's implicit differentiation, L-BFGS in both levels."""
    import jax  # pyright: ignore
    import jax.numpy as jnp  # pyright: ignore
    import jaxopt  # pyright: ignore

    jax.config.update("jax_enable_x64", True)
    problem = task.problem()
    f, F = _in_jax(task, jnp)
    inner = jaxopt.LBFGS(fun=lambda y, x: f(x, y), tol=1e-7, maxiter=1000, implicit_diff=True)
    x0, y0 = problem.split(problem.x0)
    low, high = (jnp.broadcast_to(jnp.asarray(b), x0.shape) for b in _bounds(problem))

    def upper(x):
        return F(x, inner.run(y0, x).params)

    outer = jaxopt.LBFGSB(fun=upper, tol=1e-5, maxiter=100)
    return np.asarray(outer.run(x0, bounds=(low, high)).params)


def _in_jax(task, jnp):
    """Return f and F of a task for JAX."""
    from jax.nn import log_softmax, sigmoid  # pyright: ignore

    if isinstance(task, hyperparameters.Regularisation):

        def loss(part, y):
            return jnp.logaddexp(0.0, -part.b * (part.A @ y)).mean()

        def f(x, y):
            weights = jnp.append(jnp.exp(x), task.intercept)
            return loss(task.train, y) + 0.5 * weights @ y**2

        return f, lambda x, y: loss(task.valid, y)

    def losses(part, y):
        scores = part.A @ y.reshape(task.features, task.classes)
        return -jnp.take_along_axis(log_softmax(scores), part.b[:, None], axis=1)[:, 0]

    def weighted(x, y):
        return (sigmoid(x) * losses(task.train, y)).mean() + 0.5 * task.l2 * y @ y

    return weighted, lambda x, y: losses(task.valid, y).mean()


TASK_SOLVERS = (
    ("implicit", _by("implicit"), ""),
    ("f2sa", _by("f2sa"), ""),
    ("lv_hba", _by("lv_hba"), ""),
    ("f2sa, batches of 64", _batches("f2sa", maxiter=40), ""),
    ("f3sa, batches of 64", _batches("f3sa", maxiter=200), ""),
    ("bamm", _by("bamm", maxiter=60), ""),
    ("L-BFGS-B by hand", hand_written, ""),
    ("grid, one level", grid_search, ""),
    ("random search", draws, ""),
    ("jaxopt", with_jaxopt, "jaxopt"),
)


def exact_lower(task, x):
    """Return the solution of the lower level of a task at x."""
    start = np.zeros(task.problem().m)
    return newton(
        lambda y: task.f(x, y),
        lambda y: task.grad_f(x, y)[1],
        lambda y, v: task.hvp(x, y, v)[1],
        start,
        1e-9,
        200,
    ).y


def task_lines(name, seeds, solvers=TASK_SOLVERS):
    """Yield the table of a task: medians over the seeds."""
    last = "test loss" if name == "regularisation" else "test accuracy"
    yield f"| {name}, seeds {seeds[0]} to {seeds[-1]} | validation loss | {last} | s |"
    yield "|---|---|---|---|"
    for label, solve, package in solvers:
        if package and find_spec(package) is None:
            yield f"| {label} | not installed | | |"
            continue
        runs = []
        for seed in seeds:
            task, begun = TASKS[name](seed), process_time()
            x = solve(task, seed)
            seconds, y = process_time() - begun, exact_lower(task, x)
            told = task.losses(y)[1] if name == "regularisation" else task.accuracy(y)
            runs.append((task.F(x, y), told, seconds))
        value, told, seconds = np.median(runs, axis=0)
        yield f"| {label} | {value:.4f} | {told:.3f} | {seconds:.2f} |"


def lines(seed=0, seeds=3, quick=False):
    """Yield the lines of the report.

    Parameters
    ----------
    seed, seeds : int
        First seed, and number of seeds of the tasks; what is shown are medians.
    quick : bool
        A part of the collection, and the first task only.
    """
    minimize(bolib.load("Yezza1996Ex41"), method="kkt", options={"starts": 1})  # compilation
    names = list(bolib.PROBLEMS)
    yield from collection_lines(names[:4] if quick else names, seed, with_random=not quick)
    if find_spec("sklearn") is None:
        yield "left out: the tasks, as scikit-learn is not installed"
        return
    for name in list(TASKS)[:1] if quick else TASKS:
        yield ""
        yield from task_lines(name, range(seed, seed + seeds))
