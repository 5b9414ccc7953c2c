"""Calls of users' functions: copies in, checked values out, counted and paid for."""

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from numopt.core.backend import to_host
from numopt.core.errors import NumoptError, ProblemError, Status, Stop
from numopt.kernels.arrays import copied, placed
from numopt.models.inputs import real_array, real_matrix, real_scalar

PATIENCE = 20  # exceptions in a row after which ``on_error="nan"`` gives up


class Caller:
    """The part of a problem that calls the user.

    Subclasses have `spend` and `counts` of `Problem`, and

    ``on_error``, ``map``
        As in `CallableNLP`.
    """

    on_error = "raise"
    map: Any = None
    tally: "Tally"
    counts: Any
    spend: Any

    def ask(self, kind, key, user, x, accept, amount=1):
        """Call a user's function at one point, in this process.

        Parameters
        ----------
        kind : str
            Counter.
        key : hashable
            Which of the functions of this kind.
        user : callable
            Gets its own copy of x, which it may keep or overwrite.
        x : array
            The point, or `amount` points for a vectorised function.
        accept : Accept
            Checks the value.
        amount : int
            What the call counts.
        """
        self._pay(kind, key, amount)
        value = _Guarded(user, self.on_error == "nan")(copied(x))
        return self._accepted(value, accept, x.dtype, self.tally.calls[kind, key])

    def ask_many(self, kind, key, user, points, accept):
        """Return an iterator over the values at many points, in order; see `ask`.

        With `map` they are evaluated in one go; without, each when it is taken.
        """
        if self.map is None:
            return (self.ask(kind, key, user, x, accept) for x in points)
        points = [x.copy() for x in points]
        self._pay(kind, key, len(points))
        last = self.tally.calls[kind, key]
        values = self.map(_Guarded(user, self.on_error == "nan"), points)
        numbers = range(last - len(points) + 1, last + 1)
        return (
            self._accepted(value, accept, x.dtype, number)
            for value, x, number in zip(values, points, numbers, strict=True)
        )

    def _pay(self, kind, key, amount=1):
        """Count calls of one function, and spend what exceeds the calls of its neighbours."""
        calls = self.tally.calls
        made = calls.get((kind, key), 0) + amount
        self.spend(kind, max(0, made - getattr(self.counts, kind)))
        calls[kind, key] = made

    def _accepted(self, value, accept, dtype, number):
        if isinstance(value, _Failure):
            self._tolerate(value)
            return accept.blank(dtype)
        self.tally.failures = 0
        try:
            return accept(value, dtype)
        except NumoptError as error:
            raise type(error)(f"{error} (evaluation {number})") from None

    def _tolerate(self, failure):
        tally = self.tally
        if not tally.warned:
            tally.warned = True
            warnings.warn(f"a function raised {failure.text}; counted as NaN", RuntimeWarning, 2)
        tally.failures += 1
        if tally.failures >= PATIENCE:
            raise Stop(Status.NONFINITE, f"{PATIENCE} exceptions in a row, last {failure.text}")


@dataclass
class Tally:
    """What belongs to one run: calls of each function, exceptions in a row, the last pair."""

    calls: dict = field(default_factory=dict)
    failures: int = 0
    warned: bool = False
    pair: tuple | None = None  # x, (f, g)


class WithArguments:
    """A function with further arguments fixed: ``function(*arguments, *args)``; can be pickled."""

    def __init__(self, function, args):
        self.function, self.args = function, args

    def __call__(self, *arguments):
        """Call the function."""
        return self.function(*arguments, *self.args)


class OnArrays:
    """A function of arrays of another library, called with NumPy arrays.

    Parameters
    ----------
    function : callable
        Takes arrays like `sample`, and returns one or a number.
    sample : array
        Tells the library, the type and the device.
    """

    def __init__(self, function, sample):
        self.function, self.sample = function, sample

    def __call__(self, x, *arguments):
        """Call the function and bring its value to the host."""
        value = self.function(placed(x, self.sample, dtype=self.sample.dtype), *arguments)
        return value if isinstance(value, float) else to_host(value)


class _Failure:
    """Stands for the value of a function that raised."""

    def __init__(self, text):
        self.text = text


class _Guarded:
    """A user's function whose exceptions become values if asked for; it can be pickled."""

    def __init__(self, function, catch):
        self.function, self.catch = function, catch

    def __call__(self, x):
        if not self.catch:
            return self.function(x)
        try:
            return self.function(x)
        except Stop:
            raise
        except Exception as error:
            return _Failure(f"{type(error).__name__}: {error}")


class Accept:
    """Checks the values of one function.

    Parameters
    ----------
    name : str
        Who returns them, for messages.
    shape : tuple
        ``()`` demands a float, ``(k,)`` a vector, ``(k, n)`` a matrix, which becomes CSR.
    """

    def __init__(self, name, shape):
        self.name, self.shape = name, shape

    def __call__(self, value, dtype) -> Any:
        """Return the value in its standard form; at a complex point it must be complex."""
        if len(self.shape) == 2:
            return real_matrix(value, self.name, self.shape, dtype)
        if self.shape:
            return real_array(value, self.name, self.shape, dtype)
        if dtype.kind == "c":
            return real_array(value, self.name, (1,), dtype)[0]
        return real_scalar(value, self.name)

    def blank(self, dtype):
        """Return what stands for a failed evaluation: NaN, in a matrix once for each row."""
        if len(self.shape) < 2:
            return np.full(self.shape, np.nan, dtype)[()]
        k, n = self.shape
        rows = np.arange(k if n else 0)
        return csr_matrix((np.full(rows.size, np.nan, dtype), (rows, rows % max(n, 1))), self.shape)


class AcceptPair:
    """Checks the values of a function that returns f and its gradient."""

    def __init__(self, value, gradient):
        self.value, self.gradient = value, gradient

    def __call__(self, pair, dtype):
        """Return (f, g)."""
        if not (isinstance(pair, (tuple, list)) and len(pair) == 2):
            raise ProblemError(
                f"objective returned {type(pair).__name__}, expected the pair (value, gradient)"
            )
        return self.value(pair[0], dtype), self.gradient(pair[1], dtype)

    def blank(self, dtype):
        """Return what stands for a failed evaluation."""
        return self.value.blank(dtype), self.gradient.blank(dtype)
