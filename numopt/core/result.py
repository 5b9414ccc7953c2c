"""What every run returns."""

from numopt.core.errors import NotConverged

ORDER = (
    *("message", "success", "status", "method", "x", "fun", "optimality", "constr_violation"),
    *("nit", "nfev", "njev", "nhev", "execution_time"),
)


class Lazy:
    """A field of a result that is worked out when it is first read.

    Parameters
    ----------
    build : callable
        Without arguments; can be pickled if the result is to be.
    """

    def __init__(self, build):
        self.build = build

    def __deepcopy__(self, memo):
        return self  # never changed

    def __repr__(self):
        return "<worked out when read>"


class OptimizeResult(dict):
    """Result of a run: a dictionary whose keys are attributes, as in SciPy.

    Attributes
    ----------
    x : ndarray, shape (n,)
        The answer, in the dtype of `x0`.
    fun : float
        Objective at `x`.
    success : bool
        True only if the method's stated measure is within tolerance, recomputed at `x`, and `x` is
        finite and feasible.
    status : Status
        How the run ended; an integer with a name.
    message : str
        The same in words, with the measure, its value and the tolerance.
    optimality, constr_violation : float
        The measure that the method stops on; largest violation of bounds and constraints
        (`maxcv` is the same number).
    nit, nfev, njev, nhev : int
        Iterations; calls of the objective, of its gradient and of the Hessian, as the user's
        functions saw them. `counts` has all counters, those of the constraints included.
    multipliers : dict or None
        ``{"constraints": [...], "lower": z, "upper": z}`` with
        ``grad f + J'y - z_lower + z_upper = 0`` at a solution, one array per constraint object.
    certificate : str or None
        Name of the condition that `success` rests on.
    method, execution_time : str, float
        Name of the method; seconds.
    history : History or None
        One column per quantity, if it was asked for.
    best : dict or None
        Best feasible iterate seen: ``x, fun, nit``.
    state : object
        Continue the run with ``solve(problem, state=res.state)``; can be pickled.
    """

    def __getitem__(self, name):
        value = super().__getitem__(name)
        if isinstance(value, Lazy):
            value = self[name] = value.build()
        return value

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the result has no field {name!r}") from None

    __setattr__ = dict.__setitem__
    __delattr__ = dict.__delitem__

    def __dir__(self):
        return list(self)

    def __reduce__(self):
        return type(self), (dict(self),)

    def __repr__(self):
        first = [name for name in ORDER if name in self]
        rest = [name for name in self if name not in ORDER and name not in ("state", "history")]
        width = max(map(len, first + rest), default=0)
        shown = dict(self.items())  # as they are: what is lazy stays so
        return "\n".join(f"{name:>{width}}: {shown[name]!r}" for name in first + rest)

    def raise_for_status(self):
        """Raise `NotConverged` unless the run was a success; return the result otherwise."""
        if not self.success:
            raise NotConverged(self.message, self)
        return self
