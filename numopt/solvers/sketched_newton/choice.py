"""Which linear solver a problem gets, and why."""

from typing import NamedTuple

from numopt.linalg.factor import sparse_kind
from numopt.linalg.iterative import MODES
from numopt.linalg.kkt import DENSE_LIMIT

FEW_ROWS = 100  # up to which ``linear_solver="auto"`` projects onto the rows


class Choice(NamedTuple):
    """A linear solver and why it was chosen."""

    mode: str
    reason: str

    def told(self, form):
        """Return a sentence for the result."""
        if self.mode in MODES:
            return f"{self.mode}: {self.reason}"
        kind = "dense" if form.dense else sparse_kind()
        return f"exact ({kind}, n + m = {form.n + form.m}): {self.reason}"


def chosen(method, problem):
    """Return the linear solver for a problem."""
    if method.linear_solver != "auto":
        return Choice(method.linear_solver, "as demanded")
    if problem.hess_kind == "quasi-newton":
        return Choice("exact", "the Hessian is approximated from gradients")
    if not problem.only_products or problem.n <= DENSE_LIMIT:
        return Choice("exact", "the Hessian is available")
    if problem.m <= FEW_ROWS:
        return Choice("projected_cg", f"no `hess`, n > {DENSE_LIMIT}, few constraints")
    return Choice("minres", f"no `hess`, n > {DENSE_LIMIT}")
