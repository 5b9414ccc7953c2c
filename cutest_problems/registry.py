"""The table of problems: every definition enters itself here."""

from dataclasses import dataclass
from functools import cached_property
from inspect import signature

import numpy as np

from numopt.models.replay import replay

TABLE = {}


@dataclass(frozen=True)
class Entry:
    """A problem of the collection.

    Attributes
    ----------
    name : str
        Name in the CUTEst collection.
    definition : callable
        ``definition(p, **params)``: states the problem to the recorder `p`.
    classification : str
        CUTEst classification, for example ``"OOR2-AN-4-2"``.
    source : str
        Where the problem was published.
    f_best : float or None
        Best known objective value for the default parameters: the source's, or a lower one that
        many runs from perturbed start points found; None if there is no solution.
    note : str
        Where and why the problem differs from the printed source, if it does.
    """

    name: str
    definition: object
    classification: str
    source: str
    f_best: float | None
    note: str

    @cached_property
    def _plain(self):
        return replay(self.definition)

    @property
    def n(self):
        """Number of variables at the default parameters."""
        return self._plain.x0.size

    @property
    def m(self):
        """Number of constraints at the default parameters."""
        return self._plain.cl.size

    @property
    def kind(self):
        """One of `KINDS`."""
        equal = self._plain.cl == self._plain.cu
        if not equal.size:
            bounded = np.isfinite(self._plain.lb).any() or np.isfinite(self._plain.ub).any()
            return "bound" if bounded else "unconstrained"
        return "equality" if equal.all() else "mixed" if equal.any() else "inequality"

    @property
    def params(self):
        """Default parameters: a dictionary from name to value."""
        return {
            name: parameter.default
            for name, parameter in list(signature(self.definition).parameters.items())[1:]
        }


def problem(classification, source, f_best=None, *, name=None, note=""):
    """Enter the decorated definition into the table, under its own name by default."""

    def enter(definition):
        key = name or definition.__name__
        if key in TABLE:
            raise ValueError(f"problem {key!r} is defined twice")
        TABLE[key] = Entry(key, definition, classification, source, f_best, note)
        return definition

    return enter
