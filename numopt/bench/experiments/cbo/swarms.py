"""One run of the published dynamics, and success rates over two of its settings."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from numopt.core.errors import ConvergenceWarning
from numopt.front import minimize

SETTLED = 1e-4  # median distance to the consensus point, relative to the start, that ends a run
BASE = {"variant": "paper", "n_particles": 100, "dt": 0.01, "alpha_factor": 1.0, "inner": 100}


def swarm(
    fun, x0, seed, steps=1000, *, args=(), jac=None, vectorized=False, callback=None, **options
) -> Any:
    """Run the dynamics from normal particles around `x0` and return the result.

    Parameters
    ----------
    fun, x0, args, jac, vectorized, callback
        As in `numopt.minimize`.
    seed : int or sequence of int
    steps : int
        Of the dynamics, a multiple of the option `inner`; fewer if the swarm settles.
    **options
        Of ``method="cbo"``; what is missing is as in `BASE`.
    """
    options = BASE | {"tol": SETTLED} | options
    options["maxiter"] = steps // options["inner"]
    given = {"args": args, "jac": jac, "vectorized": vectorized, "callback": callback}
    with warnings.catch_warnings():  # settings that spread the particles are run on purpose
        warnings.simplefilter("ignore", ConvergenceWarning)
        return minimize(fun, x0, method="cbo", rng=seed, options=options, **given)


@dataclass(frozen=True)
class Diagram:
    """Success rates over two settings.

    Parameters
    ----------
    title : str
        What is run, and what success is.
    rows, columns : (str, sequence)
        Name and values of a setting.
    solves : callable
        ``solves(row, column, seed) -> bool``, one run.
    """

    title: str
    rows: tuple[str, Sequence]
    columns: tuple[str, Sequence]
    solves: Callable

    def rates(self, runs):
        """Return the shares of successes of the seeds from 0 on, shape (rows, columns)."""
        return np.array([
            [np.mean([self.solves(row, column, seed) for seed in range(runs)])
             for column in self.columns[1]]
            for row in self.rows[1]
        ])  # fmt: skip

    def lines(self, runs):
        """Yield the table in Markdown, each share with its standard error."""
        head = [f"{self.rows[0]} \\ {self.columns[0]}", *map(label, self.columns[1])]
        yield f"{self.title}; seeds 0 to {runs - 1}:"
        yield ""
        yield f"| {' | '.join(head)} |"
        yield "|---" * len(head) + "|"
        for value, shares in zip(self.rows[1], self.rates(runs), strict=True):
            yield f"| {' | '.join([label(value), *(share(p, runs) for p in shares)])} |"


def label(value):
    """Return a value of a setting as a heading: numbers with three digits, as in 1.26 or 1e15."""
    return (
        value if isinstance(value, str) else f"{value:.3g}".replace("e+0", "e").replace("e+", "e")
    )


def share(p, runs):
    """Return a share of runs with its standard error."""
    return f"{p:.2f} ± {sqrt(p * (1.0 - p) / runs):.2f}"
