"""Limits on the processor time of other libraries, from inside their process."""

import signal
import warnings
from contextlib import contextmanager
from time import process_time, sleep

import numpy as np

PATIENCE = 10.0  # seconds by the clock for a second of the processor, as a machine may be busy


class TimeUp(BaseException):
    """Raised inside a solver by the timer."""


def processor_time():
    """Return the processor time; while a timer runs, it is up to date only after a pause."""
    sleep(1e-3)
    return process_time()


@contextmanager
def silenced():
    """Ignore warnings and floating-point errors: a peer's are no part of its answer."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


@contextmanager
def limited(seconds):
    """Raise `TimeUp` after so many seconds of processor time, where the system has that timer."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def expire(number, frame):
        raise TimeUp

    before = signal.signal(signal.SIGPROF, expire)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)
