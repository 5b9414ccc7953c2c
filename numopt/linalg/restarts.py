"""When an anchored iteration takes its present point as the new anchor.

The three tests of the restarted primal-dual methods for linear programs (Applegate and others,
Mathematical Programming 201, 2023; Lu and Yang, arXiv 2407.16144). They need no constants of the
problem: sharp and strongly monotone problems then converge linearly.
"""

from typing import NamedTuple

NECESSARY, LONG = 0.5, 0.36  # of cuPDLPx, which has 0.2 as the sufficient factor


class Epoch(NamedTuple):
    """The iterations since the last restart, as the tests see them."""

    first: float = float("inf")  # measure at the first test
    last: float = float("inf")  # measure at the latest test
    length: int = 0  # iterations

    def seen(self, measure):
        """Return the epoch one iteration later."""
        first = measure if self.length == 0 else self.first
        return Epoch(first, measure, self.length + 1)

    def over(self, measure, sufficient, total=float("inf")):
        """Say whether to restart.

        Parameters
        ----------
        measure : float
            At the next point.
        sufficient : float
            Share of the first measure at which to restart in any case.
        total : float
            Iterations since the start; infinite for no test of the length of the epoch.
        """
        if self.length == 0:
            return False
        if measure <= sufficient * self.first:
            return True
        if measure <= NECESSARY * self.first and measure > self.last:
            return True
        return self.length >= LONG * total
