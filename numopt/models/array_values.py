"""Values of a population of another array library, which stays where it is."""

from math import inf

import numpy as np

from numopt.core.errors import InputTypeError, ProblemError, Status, Stop
from numopt.kernels.arrays import copied, namespace_of, on_host, placed
from numopt.models.inputs import real_array


def array_values(problem, X):
    """Return f at each row of X, an array of the library of X, shape (k,).

    Counts, budget, faults and the memory of the best point are as in `NLP.values`. A vectorised
    objective gets a copy of X; others get their points one by one, from the host.

    Parameters
    ----------
    problem : CallableNLP
        Its functions take arrays like X.
    X : array, shape (k, n)

    Raises
    ------
    Stop
        With MAX_FUN, after the rows that the budget allows.
    """
    if not problem.objective.vectorized:
        return placed(problem.values(on_host(X).astype(np.float64)), X)
    room = problem.room()
    if room < X.shape[0]:
        if room >= 1:
            array_values(problem, X[: int(room), :])
        raise Stop(Status.MAX_FUN)
    accept = AcceptArray("objective", X[:, 0])
    objective = problem.objective
    f = problem.ask("fun", objective.key, _user(objective), X, accept, amount=X.shape[0])
    _keep_best(problem, X, f)
    return f


def _user(objective):
    """Return the user's function of a population with a point in each row."""
    function = objective.fun.function  # without the way to the host and back
    if objective.vectorized == "columns":
        return lambda X: function(copied(X.T))
    return function


def _keep_best(problem, X, f):
    xp = namespace_of(X)
    f = xp.where(xp.isnan(f), xp.full_like(f, inf), f)
    low = float(xp.min(f))
    if low < problem.best_known()[0]:
        i = int(xp.argmin(f))
        problem.keep_best(on_host(X[i : i + 1, :]).astype(np.float64), np.array([low]))


class AcceptArray:
    """Checks the values of a function of arrays.

    Parameters
    ----------
    name : str
        Who returns them, for messages.
    like : array, shape (k,)
        Tells shape, library, device and dtype.
    """

    def __init__(self, name, like):
        self.name, self.like = name, like

    def __call__(self, value, dtype):
        """Return the value as a fresh array like the given one."""
        xp = namespace_of(self.like)
        if not isinstance(value, type(self.like)):
            return placed(real_array(value, self.name, self.like.shape), self.like)
        if not xp.isdtype(value.dtype, ("real floating", "integral")):
            raise InputTypeError(f"{self.name} returned dtype {value.dtype}, expected real numbers")
        if value.shape != self.like.shape:
            raise ProblemError(
                f"{self.name} returned shape {value.shape}, expected shape {self.like.shape}"
            )
        return xp.astype(value, self.like.dtype)

    def blank(self, dtype):
        """Return what stands for a failed evaluation."""
        return namespace_of(self.like).full_like(self.like, np.nan)
