"""Experiments of Nutini, Laradji, Schmidt, JMLR 2022: the rules on the five problems of the paper.

Each panel runs 500 iterations from zero and shows F - F* at the end, and the first iteration with
F - F* <= 1e-8. Data that were not published are drawn from a seed of our own (A, C, E).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import inf
from time import process_time
from typing import Any

import numpy as np
from scipy.sparse.linalg import cg, spsolve

from numopt.front import solve
from numopt.problems import block_coordinates as problems
from numopt.solvers.bcd.partition import lattice_combs

ITERATIONS = 500
NEVER = 1e-300  # a tolerance that is never reached
REACHED = 1e-8


@dataclass(frozen=True)
class Curve:
    """One way to choose and update blocks.

    Parameters
    ----------
    label : str
        For the table.
    options : dict or callable
        Options of the method, or a function of the problem that returns them.
    published : str
        What the paper shows, read off its figures; empty where that was not read.
    """

    label: str
    options: Any
    published: str = ""

    def on(self, problem):
        """Return the options for a problem."""
        return self.options(problem) if callable(self.options) else self.options


@dataclass(frozen=True)
class Panel:
    """Several curves on one problem.

    Parameters
    ----------
    title : str
        For the table.
    build : callable
        ``build() -> problem``.
    optimum : callable
        ``optimum(problem) -> F*``.
    curves : tuple of Curve
        What to compare.
    """

    title: str
    build: Callable
    optimum: Callable
    curves: tuple

    def gaps(self):
        """Yield ``(curve, F - F* by iteration, seconds, result)``."""
        problem = _built(self.build)
        best = _value(self.optimum, self.build)
        for curve in self.curves:
            options = {"maxiter": ITERATIONS, "tol": NEVER} | curve.on(problem)
            start = process_time()
            res = solve(problem, method="bcd", options=options, rng=0, history=True)
            yield curve, np.array(res.history.fun) - best, process_time() - start, res


@cache
def _built(build):
    return build()


@cache
def _value(optimum, build):
    return optimum(_built(build))


def _zero(problem):
    return 0.0


def _lattice_optimum(problem):
    return problems.LATTICE_OPTIMUM


def direct(problem):
    """Return the least value of a quadratic form, by a sparse factorisation."""
    loss = problem.loss
    return -0.5 * float(loss.b @ spsolve(loss.A.tocsc(), loss.b))


def _solved(problem):
    """Return the least value of problem A+, by projected Newton steps on large blocks."""
    options = {"blocks": "variable", "block_size": 200, "update": "two_metric"}
    return solve(problem, method="bcd", options=options, tol=1e-12).fun


def _rule(selection, blocks, update, size, published=""):
    kind = "variable" if blocks == "variable" else "fixed"
    options = {"selection": selection, "update": update, "blocks": blocks, "block_size": size}
    return Curve(f"{selection}, {kind}", options, published)


def _rules(update, size, **published):
    """Return the curves whose names, such as gsl_variable, come with what is published."""
    curves = []
    for name, value in published.items():
        selection, kind = name.split("_")
        blocks = "variable" if kind == "variable" else None
        curves.append(_rule(selection, blocks, update, size, value))
    return tuple(curves)


def combs(problem):
    """Return the options of the two combs of the lattice, without the labelled nodes."""
    unknown = problem.loss.unlabelled
    position = np.full(problems.LATTICE_SIDE**2, -1)
    position[unknown] = np.arange(unknown.size)
    both = [position[b] for b in lattice_combs(problems.LATTICE_SIDE, problems.LATTICE_SIDE)]
    return {"blocks": [b[b >= 0] for b in both], "selection": "cyclic"}


def top(problem):
    """Return the options of variable blocks of n^(1/3) variables."""
    size = round(problem.n ** (1 / 3))
    return {"blocks": "variable", "block_size": size, "selection": "gs", "update": "exact"}


def _structured(*extra):
    return (
        Curve("greedy forest", {"blocks": "greedy_forest"}, extra[0]),
        Curve("forests by L", {"blocks": "forest"}, extra[1]),
        Curve("random forest", {"blocks": "random_forest"}, extra[2]),
        Curve("red-black", {"blocks": "red_black"}, extra[3]),
        Curve("top n^(1/3), gs", top, extra[4]),
    )


_FIXED_AND_VARIABLE = ("gsl_variable", "gs_variable", "gsl_fixed", "gs_fixed")
_GRADIENT_5 = dict(zip(_FIXED_AND_VARIABLE, ("8e3", "4e4", "8e3", "2e5"), strict=True))
_GRADIENT_100 = dict(zip(_FIXED_AND_VARIABLE, ("3e-6", "0.6", "1.3", "1e3"), strict=True))
_BLIND_5 = dict.fromkeys(("cyclic_fixed", "random_fixed", "lipschitz_fixed"), "0.7-2e6")
_BLIND_100 = {"cyclic_fixed": "2", "random_fixed": "8", "lipschitz_fixed": "1e3"}

PANELS = (
    Panel("A, gradient, 5", problems.regression, _zero,
          _rules("gradient", 5, **_GRADIENT_5, **_BLIND_5)),
    Panel("A, gradient, 100", problems.regression, _zero,
          _rules("gradient", 100, **_GRADIENT_100, **_BLIND_100)),
    Panel("A, matrix, 5", problems.regression, _zero,
          _rules("matrix", 5, gsq_variable="3e-2", gsd_variable="8e-2", gsl_variable="1e2",
                 gs_variable="5e3", gsq_fixed="5e3-3e5", gsd_fixed="5e3-3e5", gs_fixed="5e3-3e5")),
    Panel("A, matrix, 50", problems.regression, _zero,
          _rules("matrix", 50, gsq_variable="150 it.", gsd_variable="240 it.", gs_variable="never",
                 gsq_fixed="480 it.", gsd_fixed="480 it.", gs_fixed="never")),
    Panel("A, matrix, 100", problems.regression, _zero,
          _rules("matrix", 100, gsq_variable="100 it.", gsd_variable="200 it.", gs_variable="never",
                 gsq_fixed="265 it.", gsd_fixed="265 it.", gs_fixed="never")),
    Panel("A+, 5", problems.nonnegative_regression, _solved,
          (_rule("gs-q", "variable", "two_metric", 5, "60 it."),
           _rule("gs-q", None, "two_metric", 5, "290 it."),
           _rule("gs-q", "variable", "gradient", 5, "160 it."),
           _rule("gs-q", None, "gradient", 5, "430 it."))),
    Panel("A+, 100", problems.nonnegative_regression, _solved,
          (_rule("gs-q", "variable", "two_metric", 100, "< 10 it."),
           _rule("gs-q", None, "two_metric", 100, "125 it."),
           _rule("gs-q", "variable", "gradient", 100, "155 it."),
           _rule("gs-q", None, "gradient", 100, "never"))),
    Panel("B, newton, 50", problems.classification, _zero,
          _rules("newton", 50, gsq_variable="165 it.", gsd_variable="275 it.",
                 gsd_fixed="385 it.")),
    Panel("B, newton, 100", problems.classification, _zero,
          _rules("newton", 100, gsq_variable="120 it.", gsd_variable="225 it.",
                 gsd_fixed="210 it.")),
    Panel("B, matrix, 100", problems.classification, _zero,
          _rules("matrix", 100, gs_variable="", gsd_variable="")),
    Panel("C, gradient, 5", problems.multiclass, _zero,
          _rules("gradient", 5, gsl_variable="3.0e3", gs_variable="3.1e3", gsl_fixed="3.3e3",
                 gs_fixed="3.5e3", cyclic_fixed=">= 3.8e3")),
    Panel("C, newton, 100", problems.multiclass, _zero,
          _rules("newton", 100, gsq_variable="470 it.", gsd_variable="470 it.",
                 gs_variable="never")),
    Panel("D, exact", problems.lattice, _lattice_optimum,
          (*_structured("1e-5", "", "1", "4e1", "2e7"), Curve("two combs", combs, "1e-5"))),
    Panel("E, exact", problems.moons, direct,
          _structured("8e-5", "2e-3", "4e-2", "2-4", "1.5e2")),
)  # fmt: skip


def first_reached(gaps):
    """Return the first iteration with a gap of at most 1e-8, infinite if there is none."""
    reached = np.flatnonzero(gaps <= REACHED)
    return int(reached[0]) if reached.size else inf


def rows():
    """Yield the lines of the report."""
    yield "| problem, update, block size | rule, blocks | published | F - F* | 1e-8 at | CPU s |"
    yield "|---|---|---|---|---|---|"
    for panel in PANELS:
        for curve, gaps, seconds, _ in panel.gaps():
            reached = first_reached(gaps)
            at = "never" if reached == inf else str(reached)
            cells = (panel.title, _label(curve), curve.published, f"{gaps[-1]:.3g}", at)
            yield f"| {' | '.join(cells)} | {seconds:.1f} |"
    yield ""
    yield from beside_conjugate_gradients()


def _label(curve):
    update = curve.options.get("update") if isinstance(curve.options, dict) else None
    return f"{curve.label}, {update}" if curve.label.startswith("gs-q") else curve.label


def beside_conjugate_gradients():
    """Yield lines on problem D: the best forests beside conjugate gradients on the same system."""
    problem = problems.lattice()
    done: list[Any] = []
    loss: Any = problem.loss
    start = process_time()
    x, _ = cg(loss.A, loss.b, rtol=REACHED, callback=done.append)
    seconds = process_time() - start
    gap = loss.value(loss.state(x)) - problems.LATTICE_OPTIMUM
    yield "| problem D to a residual of 1e-8 | iterations | CPU s | F - F* |"
    yield "|---|---|---|---|"
    yield f"| conjugate gradients of SciPy | {len(done)} | {seconds:.3f} | {gap:.1e} |"
    options = combs(problem) | {"maxiter": 5000}
    start = process_time()
    res = solve(problem, method="bcd", options=options, tol=REACHED)
    seconds, gap = process_time() - start, res.fun - problems.LATTICE_OPTIMUM
    yield f"| two combs | {res.nit} | {seconds:.3f} | {gap:.1e} |"


def figures(folder):
    """Draw F - F* by iteration of each panel into ``folder/bcd_<problem>.png``."""
    from pathlib import Path

    import matplotlib.pyplot as plt  # pyright: ignore[reportMissingImports]

    for letter in ("A", "A+", "B", "C", "D", "E"):
        panels = [panel for panel in PANELS if panel.title.split(",")[0] == letter]
        figure, axes = plt.subplots(
            1, len(panels), figsize=(4.2 * len(panels), 3.4), squeeze=False, layout="constrained"
        )
        for ax, panel in zip(axes[0], panels, strict=True):
            _draw(ax, panel)
        name = letter.replace("+", "_plus").lower()
        figure.savefig(Path(folder) / f"bcd_{name}.png", dpi=80)
        plt.close(figure)
        yield f"bcd_{name}.png"


def _draw(ax, panel):
    for curve, gaps, _, _ in panel.gaps():
        fixed = "fixed" in curve.label
        ax.semilogy(np.maximum(gaps, 1e-12), "--" if fixed else "-", label=_label(curve))
    ax.set(title=panel.title, xlabel="iteration", ylabel="F - F*")
    ax.legend(fontsize="x-small")
