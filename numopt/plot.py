"""Standard plots, each with ``ax=``, returning the axes; matplotlib is imported at use."""

import numpy as np

# Okabe and Ito (2008): told apart by colour-blind readers.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
DASHES = ("-", "--", "-.", ":")
X_LABELS = {"nit": "iterations", "nfev": "objective evaluations", "time": "time [s]"}


def performance_profile(profiles, *, cost="processor time", ax=None):
    """Plot the fraction of problems solved within a factor of the best method.

    Parameters
    ----------
    profiles : dict of str to (ndarray, ndarray)
        Factors and fractions, from `numopt.bench.performance_profile`.
    cost : str
        What the numbers are, for the label.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default new axes.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = _axes(ax)
    _stairs(ax, profiles)
    ax.set_xscale("log", base=2)
    ax.set(xlabel=f"{cost} / smallest of all methods", ylabel="fraction of problems solved")
    return ax


def data_profile(profiles, *, ax=None):
    """Plot the fraction of problems solved against evaluations divided by n + 1.

    Parameters
    ----------
    profiles : dict of str to (ndarray, ndarray)
        Evaluations and fractions, from `numopt.bench.data_profile`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default new axes.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = _axes(ax)
    _stairs(ax, profiles)
    ax.set_xscale("symlog", linthresh=1.0)
    ax.set(xlabel="evaluations / (n + 1)", ylabel="fraction of problems solved", xlim=(0.0, None))
    return ax


def runtime_profile(profiles, *, names=None, ax=None):
    """Plot the fraction of targets reached against evaluations divided by the number of variables.

    Parameters
    ----------
    profiles : dict of str to (ndarray, ndarray)
        Evaluations and fractions, from `numopt.bench.runtime_profile`.
    names : sequence of str, optional
        All methods of a figure of several axes, so that each keeps its colour.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default new axes.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = _axes(ax)
    _stairs(ax, profiles, names)
    ax.set_xscale("log")
    ax.set(xlabel="evaluations / d", ylabel="fraction of targets reached", xlim=(1.0, None))
    ax.legend(frameon=False, loc="upper left")
    return ax


def convergence(runs, *, x="nit", y="optimality", ax=None):
    """Plot a measure against iterations, evaluations or time; several runs give a band.

    Parameters
    ----------
    runs : History, OptimizeResult or dict
        One run, or a dictionary from labels to runs or lists of runs (for example of several
        seeds: the line is their median, the band their quartiles).
    x : {"nit", "nfev", "time"}
        Horizontal axis.
    y : str
        A column of the history.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default new axes.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = _axes(ax)
    labelled = runs if type(runs) is dict else {"": runs}
    for i, (label, group) in enumerate(labelled.items()):
        group = group if isinstance(group, (list, tuple)) else [group]
        curves = [(h[x], h[y]) for h in map(_history, group)]
        _line(ax, curves, label, COLOURS[i % len(COLOURS)])
    ax.set_yscale("log")
    ax.set(xlabel=X_LABELS.get(x, x), ylabel=y)
    if any(labelled):
        ax.legend(frameon=False)
    return ax


def plan(result, X, Y, *, share=0.02, ax=None):
    """Plot a transport plan between points in the plane: the more mass, the darker the line.

    Parameters
    ----------
    result : OptimizeResult
        Of a `Transport`.
    X, Y : array_like, shapes (n, 2) and (m, 2)
        Where its rows and columns lie.
    share : float
        Entries below this share of the largest one are left out.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default new axes.

    Returns
    -------
    matplotlib.axes.Axes
    """
    from matplotlib.collections import LineCollection
    from scipy.sparse import coo_matrix

    ax, P = _axes(ax), coo_matrix(result.plan)
    X, Y = np.asarray(X), np.asarray(Y)
    strength = P.data / P.data.max()
    large = strength >= share
    ends = np.stack([X[P.row[large]], Y[P.col[large]]], axis=1)
    few = 3.0 * (len(X) + len(Y)) / large.sum()
    alpha = strength[large] * min(1.0, few)  # fewer lines are darker
    lines = LineCollection(list(ends), colors=COLOURS[-1], linewidths=0.6, alpha=alpha)
    ax.add_collection(lines)
    ax.scatter(*X.T, s=8, color=COLOURS[0], zorder=2)
    ax.scatter(*Y.T, s=8, color=COLOURS[1], zorder=2)
    ax.set_aspect("equal")
    return ax


def _history(run):
    """Return the History of a result, or the History itself."""
    return run["history"] if isinstance(run, dict) else run


def _line(ax, curves, label, colour):
    if len(curves) == 1:
        ax.plot(*curves[0], color=colour, label=label)
        return
    grid = np.unique(np.concatenate([x for x, _ in curves]))
    values = np.array([np.interp(grid, x, y) for x, y in curves])
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
    ax.plot(grid, middle, color=colour, label=label)
    ax.fill_between(grid, low, high, color=colour, alpha=0.2, linewidth=0)


def _stairs(ax, profiles, names=None):
    """Draw step functions and carry each on to the right end."""
    end = 1.1 * max(places[-1] for places, _ in profiles.values())
    names = list(names or profiles)
    for label, (places, below) in profiles.items():
        i = names.index(label)
        style = {"color": COLOURS[i % len(COLOURS)], "linestyle": DASHES[i // 2 % len(DASHES)]}
        steps = np.append(places, end), np.append(below, below[-1])
        ax.step(*steps, where="post", label=label, **style)
    ax.set_ylim(0.0, 1.02)
    ax.legend(frameon=False, loc="lower right")


def _axes(ax):
    """Return the axes, or new ones of a figure that belongs to no window."""
    if ax is not None:
        return ax
    from matplotlib.figure import Figure

    return Figure(figsize=(6.4, 4.0), layout="constrained").subplots()
