"""What the practical method chooses itself: the linear solver and how inequalities are treated."""

from typing import NamedTuple

from numopt.linalg.factor import sparse_kind
from numopt.linalg.iterative import MODES
from numopt.linalg.kkt import DENSE_LIMIT

LARGEST_QUADRATIC = 100_000  # n (n + m) up to which quadratic programs are cheaper than patience
FEW_ROWS = 100  # up to which ``linear_solver="auto"`` projects onto the rows


class Choice(NamedTuple):
    """What was chosen, and why."""

    name: str
    reason: str

    def __str__(self):
        return f"{self.name}: {self.reason}"


def linear_solver(method, problem):
    """Return the `Choice` of the linear solver for a problem."""
    if method.linear_solver != "auto":
        return Choice(method.linear_solver, "as demanded")
    if not problem.only_products or problem.n <= DENSE_LIMIT:
        return Choice("exact", "the Hessian is available")
    if problem.m <= FEW_ROWS:
        return Choice("projected_cg", f"no `hess`, n > {DENSE_LIMIT}, few constraints")
    return Choice("minres", f"no `hess`, n > {DENSE_LIMIT}")


def told(choice, form):
    """Return the sentence of the result on the linear solver."""
    if choice.name in MODES:
        return str(choice)
    kind = "dense" if form.dense else sparse_kind()
    return f"exact ({kind}, n + m = {form.n + form.m}): {choice.reason}"


def inequalities(method, form, barrier):
    """Return the `Choice` of the treatment of bounds and inequalities."""
    if method.inequalities != "auto":
        return Choice(method.inequalities, "as demanded")
    if not barrier.any:
        return Choice("barrier", "not needed, there are none")
    equations = int((form.problem.cl == form.problem.cu).sum())
    if equations > form.n_x:
        return Choice("barrier", "there are more equations than variables")
    size = f"n = {form.n_x}, m = {form.m}"
    if form.products or form.n_x * (form.n_x + form.m) > LARGEST_QUADRATIC:
        return Choice("barrier", f"{size} is large")
    return Choice("active_set", f"{size} is small")
