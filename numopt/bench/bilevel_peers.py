"""Solvers of the two learning tasks: ``prepare(task, seed)`` returns a function that is timed.

That function returns x, and the judge solves the lower level exactly there; a peer whose lower
level is another model returns its coefficients y instead.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from numopt.bench.limits import TimeUp, limited, processor_time, silenced
from numopt.bench.runner import blank_row, warm_up
from numopt.front import minimize
from numopt.problems import hyperparameters
from numopt.solvers.bilevel.newton import newton

TASKS = {"regularisation": hyperparameters.regularisation, "cleaning": hyperparameters.cleaning}
PATIENCE = 3.0  # seconds by the clock for a second of the processor
LEVELS, DRAWS = 30, 100  # points of grid and random search
FARTHEST = 15.0  # end of the grid where x is free
SPREAD = 5.0  # of random points there


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


def _own(method, batches=False, **options):
    def prepare(task, seed):
        problem = task.problem(batches=batches)
        solve: Any = minimize
        return lambda: solve(problem, method=method, options=options, rng=seed).x

    return prepare


def _bounds(problem):
    free = np.full(problem.n, np.inf)
    return (-free, free) if problem.X is None else (problem.X.lb, problem.X.ub)


def hand_written(task, seed):
    """Return L-BFGS-B on both levels with conjugate gradients, all of SciPy."""
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
    how: Any = {"jac": True, "method": "L-BFGS-B", "bounds": bounds, "options": options}
    return lambda: scipy_minimize(upper, x0, **how).x


# -- without derivatives ---------------------------------------------------------------------------


def _exact_value(task):
    return lambda x: task.F(x, exact_lower(task, x))


def grid_search(task, seed=0):
    """Return a function that finds the best x with all entries equal."""
    problem = task.problem()
    low, high = (float(np.clip(np.min(b), -FARTHEST, FARTHEST)) for b in _bounds(problem))
    points = [np.full(problem.n, level) for level in np.linspace(low, high, LEVELS)]
    return lambda: min(points, key=_exact_value(task))


def random_search(task, seed):
    """Return a function that finds the best of random x."""
    problem, rng = task.problem(), np.random.default_rng(seed)
    low, high = (np.clip(b, -SPREAD, SPREAD) for b in _bounds(problem))
    points = [rng.uniform(low, high, problem.n) for _ in range(DRAWS)]
    return lambda: min(points, key=_exact_value(task))


def nelder_mead(task, seed):
    """Return a function that goes on from the best of random x by Nelder and Mead."""
    from scipy.optimize import Bounds
    from scipy.optimize import minimize as scipy_minimize

    first, bounds = random_search(task, seed), Bounds(*_bounds(task.problem()))  # pyright: ignore
    how: Any = {"method": "Nelder-Mead", "bounds": bounds, "options": {"maxfev": DRAWS}}
    return lambda: scipy_minimize(_exact_value(task), first(), **how).x


# -- other libraries -------------------------------------------------------------------------------


def with_jaxopt(task, seed):
    """Return jaxopt's implicit differentiation, L-BFGS in both levels, compiled."""
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
    import jax  # pyright: ignore

    jax.config.update("jax_enable_x64", True)
    problem = task.problem()
    x0, y0 = problem.split(problem.x0)
    low, high = (np.array(np.broadcast_to(b, x0.shape)) for b in _bounds(problem))
    data = tuple(task.train), tuple(task.valid)
    compiled = _compiled_by_jax(type(task), x0.size, y0.size, data)
    return lambda: np.asarray(compiled(x0, y0, (low, high), data))


_programs: dict[type, Any] = {}


def _compiled_by_jax(kind, n, m, data):
    """Return the compiled solver of one kind of task; the data are its arguments."""
    import jax  # pyright: ignore
    import jaxopt  # pyright: ignore

    if kind not in _programs:
        f, F = (features_in_jax if kind is hyperparameters.Regularisation else rows_in_jax)()
        inner = jaxopt.LBFGS(fun=f, tol=1e-7, maxiter=1000, implicit_diff=True)

        def solve(x0, y0, bounds, data):
            def upper(x, data):
                return F(inner.run(y0, x, data[0]).params, data[1])

            outer = jaxopt.LBFGSB(fun=upper, tol=1e-5, maxiter=100)
            return outer.run(x0, bounds, data).params

        x0, y0 = np.zeros(n), np.zeros(m)
        _programs[kind] = jax.jit(solve).lower(x0, y0, (x0, x0), data).compile()
    return _programs[kind]


def features_in_jax():
    """Return f(y, x, train) and F(y, valid) of `Regularisation` for JAX."""
    import jax.numpy as jnp  # pyright: ignore

    def loss(y, part):
        A, b = part
        return jnp.logaddexp(0.0, -b * (A @ y)).mean()

    def f(y, x, train):
        weights = jnp.append(jnp.exp(x), hyperparameters.INTERCEPT)
        return loss(y, train) + 0.5 * weights @ y**2

    return f, loss


def rows_in_jax():
    """Return f(Y, x, train) and F(Y, valid) of `Cleaning` for JAX."""
    import jax.numpy as jnp  # pyright: ignore
    from jax.nn import log_softmax, sigmoid  # pyright: ignore

    def losses(y, part):
        A, b = part
        scores = A @ y.reshape(A.shape[1], -1)
        return -jnp.take_along_axis(log_softmax(scores), b[:, None], axis=1)[:, 0]

    def f(y, x, train):
        return (sigmoid(x) * losses(y, train)).mean() + 0.5 * hyperparameters.L2 * y @ y

    return f, lambda y, valid: losses(y, valid).mean()


def with_sparho(task, seed):
    """Return sparho's search with one absolute-value penalty for each feature."""
    import sparho  # pyright: ignore
    from sklearn.linear_model import LogisticRegression  # pyright: ignore

    def lower(problem, levels, tol=1e-6):
        scaled = problem.design / levels
        fit = LogisticRegression(l1_ratio=1.0, C=1.0, fit_intercept=False, solver="liblinear",
                                 tol=tol, max_iter=10_000).fit(scaled, problem.target)  # fmt: skip
        y = fit.coef_.ravel() / levels
        active = np.flatnonzero(y).astype(np.int32)
        return sparho.SolverResult(y, active, 0.0, int(fit.n_iter_[0]))

    rows = task.train.b.size, task.valid.b.size
    A, b = (np.concatenate(parts) for parts in zip(task.train, task.valid, strict=True))
    ends = np.split(np.arange(sum(rows), dtype=np.int32), [rows[0]])
    problem = sparho.Problem(sparho.LogisticLoss(), sparho.WeightedL1(), A, b)
    alone = sparho.Problem(sparho.LogisticLoss(), sparho.WeightedL1(), *task.train)
    how: Any = {"solver": sparho.adapters.callable.as_solver(lower)}
    how["criterion"] = sparho.HeldOutLogistic(*ends)
    start = np.full(A.shape[1], 1e-2 * rows[0])
    return lambda: lower(alone, sparho.hoag_search(problem, start, **how).best_hyperparam).coef


@dataclass(frozen=True)
class Peer:
    """A solver of the tasks, and the package it needs."""

    prepare: Callable
    package: str = "numopt"
    method: str = ""  # of numopt
    tasks: tuple = tuple(TASKS)
    coefficients: bool = False  # returns y of another lower level instead of x

    @property
    def there(self):
        """Whether the package is installed."""
        return find_spec(self.package) is not None


def _method(name, batches=False, **options):
    return Peer(_own(name, batches, **options), method=name)


PEERS = {
    "implicit": _method("implicit"),
    "f2sa": _method("f2sa"),
    "lv_hba": _method("lv_hba"),
    "f2sa, batches of 64": _method("f2sa", True, maxiter=40),
    "f3sa, batches of 64": _method("f3sa", True, maxiter=120),
    "bamm": _method("bamm", maxiter=60),
    "L-BFGS-B by hand": Peer(hand_written),
    "jaxopt": Peer(with_jaxopt, "jaxopt"),
    "sparho, absolute values": Peer(
        with_sparho, "sparho", tasks=("regularisation",), coefficients=True
    ),
    "grid, one level": Peer(grid_search),
    "random search": Peer(random_search),
    "random search, Nelder-Mead": Peer(nelder_mead),
}


# -- one run, in a process of its own --------------------------------------------------------------


def run_case(task, started=lambda facts: None):
    """Run a task and return its row: ``value, test, cpu``, and ``preparing``, with compilation.

    Parameters
    ----------
    task : numopt.bench.runner.Task
        `problem` is a name in `TASKS`, `method` one in `PEERS`. Time is limited twice: here to
        `time_limit / PATIENCE` seconds of the processor, from outside to `time_limit` by the clock.
    started : callable
        Called when the solve begins.
    """
    data, peer = TASKS[task.problem](task.seed), PEERS[task.method]
    with silenced():
        if peer.method:
            warm_up(peer.method)
        begun = processor_time()
        run = peer.prepare(data, task.seed)
    facts = {"value": np.inf, "test": np.nan, "cpu": np.inf, "preparing": processor_time() - begun}
    row = blank_row(task, "done") | facts
    started(facts)
    start = processor_time()
    try:
        with silenced(), limited(task.time_limit / PATIENCE):
            found = run()
    except TimeUp:
        return row | {"status": "timeout"}
    except Exception as error:  # whatever a library raises is shown in its cell
        return row | {"status": "error", "message": type(error).__name__}
    cpu = processor_time() - start
    y = found if peer.coefficients else exact_lower(data, found)
    return row | {"cpu": cpu, "value": data.F(None, y), "test": data.test_score(y)}
