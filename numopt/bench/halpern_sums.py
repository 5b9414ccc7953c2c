"""Finite sums in `numopt bench halpern`: where variance reduction and the anchor pay."""

from time import process_time
from typing import Any, NamedTuple

import numpy as np

from numopt.bench.halpern_peers import fista, prox_newton
from numopt.front import solve
from numopt.problems import inclusions

RELATIVE = (1e-2, 1e-3, 1e-5)  # residuals relative to the start
BUDGET = 20_000  # epochs


class Table(NamedTuple):
    """A table of the report, and what a figure of it shows."""

    title: str
    columns: tuple
    rows: list
    runs: dict  # of results with a history


def timed(call, repeats=1):
    """Return what a call returns, and the median of its processor times."""
    seconds = []
    for _ in range(repeats):
        start = process_time()
        value: Any = call()
        seconds.append(process_time() - start)
    return value, float(np.median(seconds))


def run(problem, method, tol, seed=0, history=True, **options):
    """Return the result and the seconds of a method of numopt."""
    options = {"maxfun": BUDGET, "maxiter": 10**7} | options
    args: dict = {"method": method, "tol": tol, "rng": seed, "options": options}
    return timed(lambda: solve(problem, history=history, **args))


def turning_table(seed, seeds, quick, angles=(0.5, 1.2, 1.5, 1.55)):
    """Return the anchor on cocoercive operators that are no gradients, by angle."""
    rows, n = [], 1000 if quick else 20_000
    for angle in angles:
        row = [f"{angle:g}"]
        for options in ({"anchor": True}, {"anchor": False}):
            found = []
            for s in range(seed, seed + seeds):
                problem = inclusions.turning(n, seed=s, angle=angle)
                given = options | {"maxfun": 2000, "criterion": "relative"}
                res, _ = run(problem, "halpern_vr", 1e-5, s, history=False, **given)
                found.append(res.epochs if res.success else np.inf)
            row.append(f"{np.median(found):.0f}")
        rows.append(tuple(row))
    title = f"cocoercive and no gradient, n = {n}: epochs to relative residual 1e-5, at most 2000"
    return Table(title, ("angle", "anchor", "no anchor"), rows, {})


# -- finite sums -----------------------------------------------------------------------------------

TUNED = {"step_factor": 1.8}
SUM_METHODS = {
    "anchor": {},
    "no anchor": {"anchor": False},
    "anchor, 1.8": TUNED,
    "no anchor, 1.8": TUNED | {"anchor": False},
    "svrg": {"estimator": "svrg", "anchor": False},
    "paper": {"schedule": "paper"},
}


def lasso_table(seed, seeds, quick):
    """Return epochs of the lasso and the elastic net to residual 1e-8."""
    rows, runs = [], {}
    for name, ridge in (("lasso", 0.0), ("elastic net", 0.1)):
        problem = inclusions.lasso(ridge=ridge, seed=seed)
        passes, seconds, _ = fista(problem, 1e-8)
        rows.append((f"{name}, FISTA with restart", f"{passes}", "", f"{1e3 * seconds:.0f}"))
        for label, options in SUM_METHODS.items():
            if "1.8" in label or (quick and label == "paper"):
                continue
            found = [run(problem, "halpern_vr", 1e-8, s, **options) for s in range(seeds)]
            epochs = [res.epochs for res, _ in found]
            spread = f"{min(epochs):.0f} to {max(epochs):.0f}"
            cpu = np.median([seconds for _, seconds in found])
            rows.append(
                (f"{name}, {label}", f"{np.median(epochs):.0f}", spread, f"{1e3 * cpu:.0f}")
            )
            runs[f"{name}, {label}"] = found[0][0]
    columns = ("method", "epochs", f"over {seeds} seeds", "CPU ms")
    return Table("lasso 4000 x 100, residual 1e-8", columns, rows, runs)


def logistic_tables(seed, seeds, quick):
    """Yield the tables of l1-logistic regression: where variance reduction pays."""
    sizes = [(30_000, 20, 1.0), (100_000, 20, 1.0)]
    if not quick:
        sizes += [
            (300_000, 20, 1.0),
            (1_000_000, 20, 1.0),
            (1_000_000, 20, 0.5),
            (100_000, 100, 1.0),
        ]
    for n, d, decay_of in sizes:
        problem = inclusions.logistic(n, d, seed, decay_of)
        start = float(np.linalg.norm(problem.natural(problem.x0, problem._operator(problem.x0))))
        yield _logistic_table(f"l1-logistic, n = {n}, d = {d}, scale j^-{decay_of:g}", problem,
                              start, seeds)  # fmt: skip


def _logistic_table(title, problem, start, seeds):
    rows, runs = [], {}
    solve(problem, rng=0, options={"maxiter": 1})  # compiles
    for rtol in RELATIVE:
        tol = rtol * start
        passes, base, _ = fista(problem, tol)
        rows.append((f"FISTA with restart, {rtol:g}", f"{passes}", f"{base:.3f}", "1"))
        steps, seconds, _ = prox_newton(problem, tol)
        row = f"{steps} steps", f"{seconds:.3f}", f"{base / seconds:.1f}"
        rows.append((f"proximal Newton, {rtol:g}", *row))
        for label, options in SUM_METHODS.items():
            if label == "paper" and (rtol < 1e-2 or problem.components > 100_000):
                continue  # thousands of passes
            found = [run(problem, "halpern_vr", tol, s, **options) for s in range(seeds)]
            epochs = float(np.median([res.epochs for res, _ in found]))
            cpu = float(np.median([seconds for _, seconds in found]))
            missed = "" if all(res.success for res, _ in found) else " (not reached)"
            row = f"{epochs:.1f}{missed}", f"{cpu:.3f}", f"{base / cpu:.1f}"
            rows.append((f"{label}, {rtol:g}", *row))
            runs[label] = found[0][0]
    return Table(title, ("method, relative residual", "epochs", "CPU s", "FISTA / it"), rows, runs)
