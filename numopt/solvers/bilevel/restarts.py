"""Single loops that diverge go back to their last sound iterates, with halved steps."""

import numpy as np

from numopt.core.errors import Status, Stop

DIVERGED = 1e10  # size of an iterate
RESTARTS = 5


def sound(*parts):
    """Return whether all iterates are finite and none is huge."""
    w = np.concatenate(parts)
    return bool(np.isfinite(w).all()) and float(np.abs(w).max(initial=0.0)) < DIVERGED


def restarted(s, names, **changed):
    """Return a state with the iterates of `s.sound` again, and further changes.

    Parameters
    ----------
    s : NamedTuple
        State of a loop, with `sound` and `restarts`.
    names : sequence of str
        Of the iterates, in the order of `s.sound`.
    changed
        Other fields: smaller steps.

    Raises
    ------
    Stop
        NONFINITE, after so many as `RESTARTS`.
    """
    if s.restarts == RESTARTS:
        words = f"the iterates diverged after {RESTARTS} halvings of the steps"
        raise Stop(Status.NONFINITE, words)
    back = dict(zip(names, s.sound, strict=True))
    return s._replace(restarts=s.restarts + 1, **back, **changed)
