"""Which linear solver a problem gets, how its inequalities are treated, and why."""

from typing import NamedTuple

from numopt.linalg.factor import sparse_kind
from numopt.linalg.iterative import MODES
from numopt.linalg.kkt import DENSE_LIMIT

LARGEST_QUADRATIC = 100_000  # n (n + m) up to which an iteration may cost a quadratic program
FEW_ROWS = 100  # up to which ``linear_solver="auto"`` projects onto the rows


class Choice(NamedTuple):
    """What was chosen, and why."""

    mode: str
    reason: str

    def __str__(self):
        return f"{self.mode}: {self.reason}"

    def told(self, form):
        """Return the sentence of the result on a linear solver."""
        if self.mode in MODES:
            return str(self)
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


def treatment(method, form, barrier):
    """Return how bounds and inequalities are treated: "active_set" or "barrier"."""
    if method.inequalities != "auto":
        return Choice(method.inequalities, "as demanded")
    if not barrier.any:
        return Choice("barrier", "not needed, there are none")
    if method.regularization == "gradient":
        return Choice("barrier", "regularization='gradient' is for it")
    if form.products:
        return Choice("barrier", "only products with the Hessian are used")
    if (form.problem.cl == form.problem.cu).sum() > form.n_x:
        return Choice("barrier", "there are more equations than variables")
    size = f"n = {form.n_x}, m = {form.m}"
    if form.n_x * (form.n_x + form.m) > LARGEST_QUADRATIC:
        return Choice("barrier", f"{size} is large")
    return Choice("active_set", f"{size} is small")
