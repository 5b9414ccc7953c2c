"""Experiments of consensus-based optimisation: success rates, and consensus as a relaxed descent.

Settings are those of the codes of the papers (Fornasier, Klock, Riedl, 2021 and later; the memory
of Riedl, 2022; truncated noise of Fornasier, Richtarik, Riedl, Sun, 2023; Riedl, Klock, Geldhauser,
Fornasier, 2023) and of an example of CBXpy, where they are known; those on the sphere are ours.
"""

from numopt.bench.experiments.cbo import descent
from numopt.bench.experiments.cbo.tables import DIAGRAMS

RUNS = 100


def rows(runs=RUNS):
    """Yield the lines of the report: shares of successful runs with their standard errors."""
    for diagram in DIAGRAMS.values():
        yield from diagram.lines(runs)
        yield ""
    yield from descent.lines(runs)


def figures(folder, runs=RUNS):
    """Draw the pictures into the folder and yield the names of their files."""
    from numopt.bench.experiments.cbo.pictures import draw

    yield from draw(folder, runs)
