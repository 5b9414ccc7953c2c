"""Pictures of the experiments: phase diagrams, frames of a swarm, paths down the canyon."""

from pathlib import Path

import numpy as np

from numopt.bench.experiments.cbo import descent
from numopt.bench.experiments.cbo.swarms import label
from numopt.bench.experiments.cbo.tables import DIAGRAMS
from numopt.plot import COLOURS

SHOWN = {
    "sigma": "noise", "alpha": "weights, 1e15 is the best particle",
    "start": "initial law N(m, s²)", "truncated": "noise cut at M, isotropic",
}  # fmt: skip
FRAMES = (1, 20, 60, 120, 200, 320)
WINDOW = (-2.0, 9.0)


def draw(folder, runs):
    """Draw all pictures into the folder and yield the names of the files."""
    drawings = {"phases": lambda: phases(runs), "frames": frames, "paths": paths}
    for name, make in drawings.items():
        make().savefig(Path(folder) / f"cbo_{name}.png", dpi=80)
        yield f"cbo_{name}.png"


def _panels(rows, columns, size, **how):
    """Return a figure that belongs to no window, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **how)


def phases(runs):
    """Return a figure of success rates over two settings each."""
    figure, axes = _panels(1, len(SHOWN), (14, 3.8))
    for ax, (name, title) in zip(axes[0], SHOWN.items(), strict=True):
        image = _phase(ax, DIAGRAMS[name], runs)
        ax.set_title(title)
    figure.colorbar(image, ax=axes, label=f"share of {runs} runs", pad=0.01)
    return figure


def _phase(ax, diagram, runs):
    """Draw the rates of a diagram, each with its number, and return the image."""
    rates = diagram.rates(runs)
    image = ax.imshow(rates, vmin=0.0, vmax=1.0, cmap="cividis", origin="lower", aspect="auto")
    for (i, j), rate in np.ndenumerate(rates):
        ax.text(j, i, f"{rate:.2f}", ha="center", va="center", color="w" if rate < 0.6 else "k")
    settings = (ax.yaxis, diagram.rows), (ax.xaxis, diagram.columns)
    for axis, (name, values) in settings:
        axis.set_ticks(range(len(values)), [label(value) for value in values])
        axis.set_label_text(name)
    return image


def frames():
    """Return a figure of particles and their consensus point on the canyon, six times."""
    seen = []
    descent.consensus(0, lambda intermediate_result: seen.append(intermediate_result))
    figure, axes = _panels(2, 3, (10.5, 7), sharex=True, sharey=True)
    path = np.array([result.x for result in seen])
    for ax, k in zip(axes.flat, FRAMES, strict=True):
        _relief(ax, descent.grid_values)
        ax.plot(*seen[k - 1].population.T, ".", ms=3, color=COLOURS[0])
        ax.plot(*path[:k].T, "-", lw=1.5, color=COLOURS[1])
        ax.plot(*path[k - 1], "o", ms=6, color=COLOURS[1])
        ax.set_title(f"step {k}")
        ax.label_outer()
    return figure


def paths():
    """Return a figure of descents, of the smoothed function, and of hops from one start."""
    smooth, hops = descent.Smoothed(1.0, 0.3), []
    descent.hopping(0, 1.0, lambda intermediate_result: hops.append(intermediate_result.x))
    figure, axes = _panels(1, 3, (13, 4.9), sharey=True)
    axes = axes[0]
    _relief(axes[0], descent.grid_values)
    langevin = descent.descent(3, descent.HEAT)
    for path in np.moveaxis(langevin, 1, 0):
        axes[0].plot(*path.T, ".", ms=2, color=COLOURS[5])
    axes[0].plot([], [], ".", color=COLOURS[5], label="annealed Langevin, 3 runs")
    _path(axes[0], descent.descent(1, 0.0)[:, 0], "gradient descent", COLOURS[1])
    _relief(axes[1], smooth.values)
    _path(axes[1], smooth.path(40), "gradient descent of it", COLOURS[2])
    _relief(axes[2], descent.grid_values)
    _path(axes[2], np.array([descent.START, *hops]), "hops of 200 samples", COLOURS[0])
    for ax, title in zip(axes, ("f", "f smoothed, σ = 1", "f, values only"), strict=True):
        ax.set_title(title)
        ax.legend(loc="lower right", framealpha=0.9)
        ax.label_outer()
    return figure


def _relief(ax, values):
    """Draw contours of a function of the plane, and its minimiser."""
    grid = np.linspace(*WINDOW, 221)
    ax.contourf(grid, grid, values(grid).T, 24, cmap="Greys", alpha=0.6)
    ax.plot(0.0, 0.0, "*", ms=13, color=COLOURS[4], markeredgecolor="k", zorder=3)
    ax.set(xlim=WINDOW, ylim=WINDOW, xlabel="x", ylabel="y", aspect="equal")


def _path(ax, points, name, colour):
    ax.plot(*points.T, "o-", ms=2.5, lw=1, color=colour, label=name)
