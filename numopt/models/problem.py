"""What all problem classes share: counters, the budget of a run, the last evaluated points."""

import copy
from dataclasses import dataclass
from math import inf
from time import perf_counter
from typing import Any

from numopt.core.errors import Status, Stop
from numopt.models.inputs import real_vector


@dataclass
class Counts:
    """Number of evaluations of each kind, as the user's functions saw them."""

    fun: int = 0
    grad: int = 0
    hess: int = 0
    hessp: int = 0
    cons: int = 0
    jac: int = 0

    def as_dict(self):
        """Return the counters as a dictionary."""
        return dict(vars(self))


class Problem:
    """Base of all problems; a subclass counts in `self.counts` through `self.spend`."""

    kind = "problem"
    name = ""
    counters = Counts  # class of the counters
    maxfun = inf
    deadline = inf
    on_error = "raise"  # for problems that call user functions, see `CallableNLP`
    x0: Any
    n: int
    memo = None  # a dictionary during a run: the latest value of each function
    draws_start = False  # whether a method may draw the start point, for lack of one

    def __init__(self):
        self.counts = self.counters()

    def armed(self, maxfun=inf, maxtime=inf):
        """Return a view of this problem for one run: own counters, a budget, and a memory.

        The problem itself is not changed, so several threads may solve it at once.
        """
        view = copy.copy(self)
        view.counts = self.counters()
        view.maxfun, view.deadline = maxfun, perf_counter() + maxtime
        view.memo = {}
        return view

    def start(self, x0=None, strict=False):
        """Return the start point of a run, shape (n,): `x0`, or the problem's own if it is None.

        With `strict` a point outside the bounds is refused.
        """
        return self.x0 if x0 is None else real_vector(x0, "x0", n=self.n, finite=True)

    def reset_counts(self):
        """Set all counters to zero."""
        self.counts = self.counters()

    def spend(self, kind, amount=1):
        """Count `amount` evaluations that are about to be made, unless that breaks the budget.

        Raises
        ------
        Stop
            With MAX_FUN or MAX_TIME; the first evaluation is always allowed.
        """
        counts = self.counts
        made = getattr(counts, kind)
        if self.memo is not None and made:
            if made + amount > self.maxfun and kind in ("fun", "cons"):
                raise Stop(Status.MAX_FUN)
            self.check_time()
        setattr(counts, kind, made + amount)

    def room(self):
        """Return how many evaluations of the objective the budget still allows."""
        return self.maxfun - self.counts.fun

    def best_known(self):
        """Return (fun, x) of the best point of the populations that a run has evaluated."""
        return (self.memo or {}).get("best", (inf, None))

    def check_time(self):
        """Stop with MAX_TIME if a run is over its time."""
        if self.memo is not None and perf_counter() > self.deadline:
            raise Stop(Status.MAX_TIME)

    def features(self):
        """Return what a method must be able to handle, a set of words."""
        return set()

    def differentiable_parts(self):
        """Return the nonlinear programs whose derivatives a user may have got wrong."""
        return [self]

    def known_at(self, x):
        """Return (fun, violation) at a point as far as a run has evaluated them."""
        return float("nan"), inf

    def present(self, result):
        """Return a result in the form in which the user posed the problem."""
        return result


class Batch(Problem):
    """Several problems of the same shape, which `solve` takes one after the other.

    Parameters
    ----------
    problems : sequence of Problem
    """

    def __init__(self, problems):
        super().__init__()
        self.problems = list(problems)
        self.kind = self.problems[0].kind
        self.n = self.problems[0].n
