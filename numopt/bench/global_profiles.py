"""How many targets global methods reach, by evaluations: ``numopt bench global --figures FOLDER``.

The runs are those of a file of attempts (`numopt.bench.attempts`); nothing is run. In each
dimension the methods are compared on the problems that all of them have attempted.
"""

from collections import defaultdict
from pathlib import Path

from numopt.bench.attempts import Log, code_of
from numopt.bench.global_peers import PEERS, installed
from numopt.bench.profiles import runtime_profile
from numopt.core.errors import OptionError
from numopt.problems.landscapes import FAMILIES, HELD_OUT

SUITES = {
    "bbob": ("bbob", tuple(f"f{number}" for number in range(1, 25))),
    "shifted": ("shifted", FAMILIES),
    "held_out": ("shifted", HELD_OUT),
}


def figures(store, folder, families="bbob", dimensions=None, methods=None):
    """Draw a panel for each dimension into ``folder/global_<families>.png``.

    Parameters
    ----------
    store : path-like
        File of attempts.
    folder : path-like
        Where the figure goes; it must exist.
    families : {"bbob", "shifted", "held_out"}
        Which functions.
    dimensions : sequence of int, optional
        By default all that are there.
    methods : sequence of str, optional
        By default all that are there.

    Yields
    ------
    str
        What was left out, and the name of the file.

    Raises
    ------
    OptionError
        If the file holds no such attempts.
    """
    suite, functions = SUITES[families]
    found, other = _attempts(Log(store), suite, functions, methods)
    for method, number in other.items():
        yield f"left out: {number} attempts of {method} by other code or versions"
    panels = {d: _common(found[d]) for d in sorted(found) if not dimensions or d in dimensions}
    panels = {d: hits for d, hits in panels.items() if all(hits.values())}
    if not panels:
        raise OptionError(f"{store}: no attempts to compare of {families} functions")
    yield _draw(panels, Path(folder) / f"global_{families}.png")


def _attempts(log, suite, functions, methods):
    """Return hits by dimension, method and problem, and numbers of attempts of other code."""
    code = {peer.name: code_of(peer.module) for peer in installed(methods)}
    found, other = defaultdict(lambda: defaultdict(dict)), defaultdict(int)
    for key, hits, _, _ in log:
        family = key.function.removesuffix("_rotated")
        if key.suite != suite or family not in functions or key.method not in code:
            continue
        if key.code == code[key.method]:
            found[key.d][key.method][key.function, key.instance] = hits
        else:
            other[key.method] += 1
    return found, other


def _common(hits):
    """Return the hits of each method on the problems that all methods have attempted."""
    shared = sorted(set.intersection(*map(set, hits.values())))
    names = [peer.name for peer in PEERS if peer.name in hits]
    return {name: [hits[name][problem] for problem in shared] for name in names}


def _draw(panels, path):
    """Draw the panels and return the name of the file."""
    from matplotlib.figure import Figure

    from numopt.plot import runtime_profile as plot

    figure = Figure(figsize=(4.6 * len(panels), 3.8), layout="constrained")
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    names = [peer.name for peer in PEERS if any(peer.name in hits for hits in panels.values())]
    for ax, (d, hits) in zip(axes, panels.items(), strict=True):
        plot(runtime_profile(hits, d), names=names, ax=ax)
        ax.set_title(f"d = {d}, {len(next(iter(hits.values())))} problems")
        ax.label_outer()
    figure.savefig(path, dpi=80)
    return path.name
