"""Methods that a sweep can run: those of numopt by name, and other solvers as plug-ins.

A plug-in is a function ``(problem, x0, tol, time_limit, seed) -> run`` whose result, called
without arguments, solves the problem and returns an `Answer`; only that call is timed. Everyone
gets exact first and second derivatives in the form it takes best, the same functions, and
tolerances tight enough to pass the judge at `tol`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np

from numopt.core.errors import OptionError
from numopt.core.solver import METHODS, suggestion

MANY = 20_000  # an iteration limit for what would never end, such as cycling

PEERS: dict[str, "Peer"] = {}


class Answer(NamedTuple):
    """What a method returned.

    Attributes
    ----------
    x : ndarray, shape (n,)
        The point.
    y, z_lower, z_upper : ndarray or None
        Multipliers in the sign of L = f + y'c - z_lower'(x - lb) + z_upper'(x - ub).
    claimed : bool
        Whether the method itself says that it solved the problem.
    message : str
        Its own words.
    nit : int or None
        Iterations.
    """

    x: np.ndarray
    y: np.ndarray | None = None
    z_lower: np.ndarray | None = None
    z_upper: np.ndarray | None = None
    claimed: bool = False
    message: str = ""
    nit: int | None = None


@dataclass(frozen=True)
class Peer:
    """A method of a sweep.

    Parameters
    ----------
    name : str
        As in ``--methods``.
    prepare : callable
        ``prepare(problem, x0, tol, time_limit, seed) -> run``, and ``run() -> Answer``.
    accepts : frozenset of str
        Which of "bounds", "eq" and "ineq" it can handle.
    module, package : str
        What is imported, and the name by which it is installed.
    instead : str
        Name of another way to the same method, taken where the package is missing.
    """

    name: str
    prepare: Callable
    accepts: frozenset
    module: str
    package: str
    instead: str = ""

    @property
    def own(self):
        """Whether the method is one of numopt's."""
        return self.module == "numopt"

    def version(self):
        """Return the version of the package, or None where it is not installed."""
        try:
            return metadata.version(self.package) if find_spec(self.module) else None
        except metadata.PackageNotFoundError:
            return "present"

    def missing(self):
        """Return why the method cannot be run here, or an empty string."""
        if self.version():
            return ""
        return f"{self.module} is not installed; `pip install {self.package}`"

    def unsupported(self, problem):
        """Return the features of the problem that the method cannot handle, as words."""
        return " and ".join(sorted(problem.features() - self.accepts))


def peer(name, accepts="bounds eq ineq", module="scipy", package="scipy", instead=""):
    """Enter the decorated plug-in into the table."""

    def enter(prepare):
        PEERS[name] = Peer(name, prepare, frozenset(accepts.split()), module, package, instead)
        return prepare

    return enter


def find_peer(name):
    """Return the method of that name: a plug-in, or a method of numopt.

    Raises
    ------
    OptionError
        For an unknown name, with the nearest one.
    """
    if name in PEERS:
        found, other = PEERS[name], PEERS.get(PEERS[name].instead)
        if other and found.missing() and not other.missing():
            return replace(other, name=name)
        return found
    names = peer_names()
    if name in names:
        return Peer(name, partial(_own, name), METHODS[name].accepts, "numopt", "numopt")
    hint = suggestion(name, names)
    raise OptionError(f"unknown method {name!r}.{hint} Methods: {', '.join(names)}.")


def peer_names():
    """Return the names of all methods that a sweep can run, those of numopt first."""
    from numopt import front  # noqa: F401 - enters the methods of numopt into their table

    own = (name for name, cls in METHODS.items() if "nlp" in cls.problems)
    return [*own, *sorted(PEERS)]


def _own(name, problem, x0, tol, time_limit, seed):
    from numopt.front import solve

    def run():
        options = {"maxtime": time_limit, "maxiter": MANY}
        res = solve(problem, x0, method=name, tol=tol, rng=seed, options=options)
        dual = res.multipliers or {}
        y = dual.get("constraints")
        return Answer(
            res.x, y, dual.get("lower"), dual.get("upper"), res.success, res.message, res.nit
        )

    return run


def one_sided(problem):
    """Return (kind, rows, sign, side) such that sign * (c[rows] - side) is = 0 or >= 0."""
    cl, cu = problem.cl, problem.cu
    picks = (
        ("eq", cl == cu, 1.0, cl),
        ("ineq", (cl < cu) & np.isfinite(cl), 1.0, cl),
        ("ineq", (cl < cu) & np.isfinite(cu), -1.0, cu),
    )
    found = ((kind, np.flatnonzero(rows), sign, side) for kind, rows, sign, side in picks)
    return [(kind, i, sign, side[i]) for kind, i, sign, side in found if i.size]


def weighted_hess(problem, x, y, weight):
    """Return the Hessian of weight * f + y'c."""
    if weight == 1.0:
        return problem.hess(x, y)
    if weight > 0.0:
        return weight * problem.hess(x, np.asarray(y) / weight)
    return problem.hess(x, y) - problem.hess(x)
