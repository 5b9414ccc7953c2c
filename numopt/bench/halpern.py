"""Inclusions, games and finite sums beside other methods: ``numopt bench halpern``.

Epochs are exact: evaluations of components over their number, with everything counted. Times are
those of the processor, medians over seeds, without compilation; ratios are from one run. The point
that a method returns is judged by its residual |F(u) + g|, and games by their duality gap.
"""

import tracemalloc
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from numopt.bench.halpern_peers import highs, pdlp
from numopt.bench.halpern_sums import (
    BUDGET,
    Table,
    lasso_table,
    logistic_tables,
    run,
    turning_table,
)
from numopt.problems import games, inclusions, traffic

# -- games -----------------------------------------------------------------------------------------

GAME_METHODS = {
    "rhpdhg": ("rhpdhg", {}),
    "rhpdhg, no metric": ("rhpdhg", {"metric": "none"}),
    "forb": ("extragradient", {"variant": "forb"}),
    "eg": ("extragradient", {"variant": "eg"}),
    "eag": ("extragradient", {"variant": "eag"}),
    "ehalpern": ("extragradient", {"variant": "ehalpern"}),
    "halpern_vr": ("halpern_vr", {}),
}
BY_GAP = ("rhpdhg", "forb")


def game_tables(seed, quick):
    """Yield a table for each game, by residual and by gap."""
    n = 200 if quick else 500
    built = {
        f"policeman, n = {n}, seed 1": games.policeman(n),
        f"policeman, n = {n}, seed {seed + 2}": games.policeman(n, seed + 2),
        f"Gaussian, n = {n}": games.gaussian(n, seed),
        f"Nemirovski, n = {n}": games.nemirovski(n),
        f"Nemirovski with differences, n = {n}": games.nemirovski(n, difference=True),
    }
    for name, game in built.items():
        yield _game_table(name, game, GAME_METHODS, 2000 if quick else 5000)
    if not quick:
        few = {"rhpdhg": GAME_METHODS["rhpdhg"]}
        yield _game_table("policeman, n = 2000, seed 1", games.policeman(2000), few, BUDGET)


def _game_table(name, game, methods, budget):
    rows, runs = [], {}
    peers = {"HiGHS simplex": lambda: highs(game, "highs-ds"), "HiGHS PDLP": lambda: pdlp(game)}
    for label, peer in peers.items():
        if find_spec("highspy") is None and "PDLP" in label:
            continue
        gap, seconds = peer()
        rows.append((label, "", "", f"{gap:.1e}", f"{1e3 * seconds:.0f}"))
    for label, (method, options) in methods.items():
        for criterion, tol in (("residual", 1e-4), ("gap", 1e-6), ("gap", 1e-8)):
            if criterion == "gap" and label not in BY_GAP:
                continue
            given = {"criterion": criterion, "maxfun": budget} | options
            res, seconds = run(game, method, tol, history=criterion == "residual", **given)
            if criterion == "residual":
                runs[label] = res
            label_of = f"{label} to {criterion} {tol:g}"
            rows.append((label_of, *_judged(res), f"{res.gap:.1e}", f"{1e3 * seconds:.0f}"))
    return Table(name, ("method", "epochs", "residual", "gap", "CPU ms"), rows, runs)


def _judged(res):
    return f"{res.epochs:.0f}" + ("" if res.success else " (not reached)"), f"{res.residual:.1e}"


def structured_table(quick):
    """Return the game of many houses by products, with the memory that its solution took."""
    n = 10_000 if quick else 100_000
    games.policeman(10, structured=True)  # imports
    tracemalloc.start()
    game = games.policeman(n, structured=True)
    res, seconds = run(game, "rhpdhg", 1e-4, history=False, criterion="gap")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    row = ("rhpdhg", f"{res.epochs:.0f}", f"{res.gap:.1e}", f"{peak / n:.0f}", f"{seconds:.2f}")
    columns = ("method", "epochs", "gap", "bytes a house", "CPU s (traced)")
    return Table(f"policeman by products, n = {n}, gap 1e-4", columns, [row], {})


# -- saddle points and other inclusions ------------------------------------------------------------


def quadratic_table(quick):
    """Return epochs to residual 1e-10 on the quadratic saddle point, with a slope."""
    n, budget = (50, 5000) if quick else (200, BUDGET)
    forms = games.quadratic_saddle(n), games.quadratic_saddle_point(n)
    cases = {
        "rhpdhg": (forms[1], "rhpdhg", {}),
        "eag, proximal": (forms[1], "extragradient", {"variant": "eag"}),
        "ehalpern, proximal": (forms[1], "extragradient", {"variant": "ehalpern"}),
        "eag": (forms[0], "extragradient", {"variant": "eag"}),
        "ehalpern": (forms[0], "extragradient", {"variant": "ehalpern"}),
        "forb": (forms[0], "extragradient", {"variant": "forb"}),
        "halpern_vr": (forms[0], "halpern_vr", {}),
        "eag without restarts": (forms[0], "extragradient", {"variant": "eag", "restart": False}),
    }
    rows, runs = [], {}
    for label, (problem, method, options) in cases.items():
        res, seconds = run(problem, method, 1e-10, maxfun=budget, **options)
        runs[label] = res
        slope = f"{decay(res.history):.2f}" if "without" in label else ""
        rows.append((label, *_judged(res), slope, f"{seconds:.2f}"))
    columns = ("method", "epochs", "residual", "slope", "CPU s")
    return Table(f"quadratic saddle point, n = {n}, residual 1e-10", columns, rows, runs)


def decay(history):
    """Return the slope of log residual against log epochs after a hundred epochs."""
    epochs, residual = np.array(history["epochs"]), np.array(history["residual"])
    late = epochs > 100
    return float(np.polyfit(np.log(epochs[late]), np.log(residual[late]), 1)[0])


def other_tables(seed, quick):
    """Yield a table for each of the smaller problems."""
    built = {
        "AUC": inclusions.auc(seed=seed),
        "robust least squares": inclusions.robust_least_squares(seed=seed),
        "constrained quadratic program": inclusions.constrained_qp(seed=seed),
        "Nash-Cournot": inclusions.nash_cournot(seed=seed),
        "traffic, Braess": traffic.braess().problem,
        "traffic, Sioux Falls": traffic.sioux_falls().problem,
    }
    # The same with the terms that are no products as proximal maps.
    proximal = {
        "traffic, Braess": traffic.braess().separated,
        "traffic, Sioux Falls": traffic.sioux_falls().separated,
    }
    budget = 2000 if quick else BUDGET
    for name, problem in built.items():
        rows, runs = [], {}
        cases = {k: (problem, *GAME_METHODS[k]) for k in ("forb", "eg", "eag", "halpern_vr")}
        if name in proximal:
            cases["rhpdhg"] = proximal[name], "rhpdhg", {"weight": "adaptive"}
        for label, (form, method, options) in cases.items():
            res, seconds = run(form, method, 1e-6, seed, maxfun=budget, **options)
            runs[label] = res
            rows.append((label, *_judged(res), f"{res.fun:.6g}", f"{seconds:.2f}"))
        columns = ("method", "epochs", "residual", "fun", "CPU s")
        yield Table(f"{name}, residual 1e-6", columns, rows, runs)


# -- report ----------------------------------------------------------------------------------------


def tables(seed, seeds, quick):
    """Yield all tables."""
    yield from game_tables(seed, quick)
    yield structured_table(quick)
    yield quadratic_table(quick)
    yield lasso_table(seed, seeds, quick)
    yield turning_table(seed, seeds, quick)
    yield from logistic_tables(seed, seeds, quick)
    yield from other_tables(seed, quick)


def lines(seed=0, seeds=3, quick=False, folder=None):
    """Yield the lines of the report.

    Parameters
    ----------
    seed, seeds : int
        First seed of the data, and number of seeds of the methods; what is shown are medians.
    quick : bool
        Smaller problems.
    folder : path, optional
        Where a figure for each table is written; none without matplotlib.
    """
    yield f"seeds {seed}.., {seeds} runs, medians; CPU time, one run"
    if find_spec("highspy") is None:
        yield "left out: HiGHS PDLP, as highspy is not installed"
    for table in tables(seed, seeds, quick):
        yield ""
        yield f"## {table.title}"
        yield ""
        yield f"| {' | '.join(table.columns)} |"
        yield f"|{'---|' * len(table.columns)}"
        for row in table.rows:
            yield f"| {' | '.join(row)} |"
        if folder is not None and table.runs and find_spec("matplotlib"):
            yield f"figure: {figure(table, folder)}"


def figure(table, folder):
    """Draw residuals against epochs and time, and return the file."""
    from matplotlib.figure import Figure

    canvas = Figure(figsize=(10, 4))
    for ax, x in zip(canvas.subplots(1, 2, sharey=True), ("epochs", "time"), strict=True):
        for label, res in table.runs.items():
            ax.loglog(res.history[x], res.history["residual"], label=label)
        ax.set(xlabel=x if x == "epochs" else "time [s]", ylabel="residual")
    canvas.axes[0].legend(fontsize=7)
    name = "".join(c if c.isalnum() else "_" for c in table.title)
    path = Path(folder) / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.savefig(path, dpi=120)
    return path
