"""Everything that users may catch, and the signal by which a run is stopped from inside."""

from numopt.core.status import Status

__all__ = [
    "ConvergenceWarning",
    "DerivativeError",
    "InputTypeError",
    "NotConverged",
    "NumoptError",
    "OptionError",
    "ProblemError",
    "SifError",
    "Status",
    "Stop",
    "SymbolicError",
    "UnsupportedError",
    "WorkerError",
]


class NumoptError(Exception):
    """Base of all errors that numopt raises on purpose."""


class OptionError(NumoptError, TypeError, ValueError):
    """A method was given an option that it does not have, or a value outside its range."""


class UnsupportedError(NumoptError, ValueError):
    """A method was given a problem that it cannot solve."""


class ProblemError(NumoptError, ValueError):
    """A problem is ill posed: wrong shapes, crossed bounds, data that are not numbers."""


class InputTypeError(NumoptError, TypeError):
    """An argument, or the return value of a user's function, has a type that is not accepted."""


class SymbolicError(NumoptError, TypeError):
    """A problem definition does something with symbolic variables that has no meaning."""


class SifError(NumoptError, ValueError):
    """A problem file cannot be read.

    Attributes
    ----------
    file : str
        Name of the file.
    line : int
        Number of the line, counted from 1.
    card : str
        The line itself.
    expected : str
        What should have stood there.
    """

    def __init__(self, reason, file="", line=0, card="", expected=""):
        where = f"{file or 'SIF text'}, line {line}: " if line else f"{file}: " if file else ""
        hint = f"; expected {expected}" if expected else ""
        shown = f"\n    {card.rstrip()}" if card else ""
        super().__init__(f"{where}{reason}{hint}{shown}")
        self.reason, self.file, self.line, self.card = reason, file, line, card
        self.expected = expected

    def __reduce__(self):
        return type(self), (self.reason, self.file, self.line, self.card, self.expected)


class DerivativeError(NumoptError, ValueError):
    """A derivative disagrees with differences of its function."""


class NotConverged(NumoptError, RuntimeError):  # noqa: N818 - reads as what happened
    """Raised by `OptimizeResult.raise_for_status`; the result is in `.result`."""

    def __init__(self, message, result=None):
        super().__init__(message)
        self.result = result


class WorkerError(NumoptError, RuntimeError):
    """A parallel worker died twice on the same task, or workers lost one."""


class ConvergenceWarning(UserWarning):
    """The answer may not be what was asked for, where no result object can say so."""


class Stop(Exception):  # noqa: N818 - a signal, not an error
    """Raised inside a step, or by a model out of budget, to end the run with a status."""

    def __init__(self, status, detail=""):
        super().__init__(status, detail)
        self.status = Status(status)
        self.detail = detail
