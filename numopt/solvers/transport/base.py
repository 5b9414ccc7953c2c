"""What the methods for entropic transport share: how they report, verify and give up."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from numopt.core.errors import OptionError
from numopt.core.result import Lazy
from numopt.core.solver import Iterate, Solver
from numopt.models.plans import Certificate

ROUNDING = float(np.finfo(np.float64).eps)
PROOFS = ("plan", "dual", "gap", "gradients", "rounded", "lower", "upper", "exact")
LEFT_OUT = 1e-2  # of the tolerance: the mass that the sparse plan may lack


@dataclass(frozen=True, kw_only=True)
class EntropicSolver(Solver):
    """Base of the methods whose state has a `point` and that climb a ladder in eta."""

    measure = "marginal violation (1-norm)"
    certificate = "marginals"
    problems = ("transport",)
    accepts = frozenset({"unbalanced"})
    backends = ("numpy", "array-api")
    counters: ClassVar[tuple[str, ...]] = ()  # fields of the state that the result shows

    tol: float = 1e-9

    def check(self, problem):
        super().check(problem)
        floor = problem.rounding_floor
        if self.tol < floor:
            raise OptionError(
                f"method {self.name!r}: `tol` {self.tol:.1e} is below {floor:.1e}, what potentials "
                "in float32 can reach here; raise it, pass the cost in float64, or refine=True"
            )

    def report(self, problem, s, run):
        """Report the plan; before the last eta, the violation is at least the way still to go."""
        point = s.point
        total, largest = problem.violation(point)
        total += ROUNDING * max(np.abs(point.f).max(), np.abs(point.g).max())
        if point.eta < problem.eta:
            total = largest = max(total, 1.0 - point.eta / problem.eta)
        x = problem.potentials(point).astype(problem.dtype)
        scalars = {"eta": point.eta} | {name: float(getattr(s, name)) for name in self.counters}
        fields = lambda: {  # noqa: E731
            **{name: int(getattr(s, name)) for name in self.counters},
            **certificate_fields(problem, x, self.tol),
        }
        return Iterate(x, problem.objective(point), total, largest, scalars, fields)

    def verify(self, problem, it):
        alpha, beta = problem.split(it.x)
        return problem.recomputed(problem.eta, problem.eta * alpha, problem.eta * beta)


def certificate_fields(problem, x, tol):
    """Return the fields of a result that are worked out when they are read."""
    if problem.kind == "barycenter":
        return {}
    proof = Certificate(problem, np.asarray(x, dtype=np.float64), LEFT_OUT * tol)
    return lazy_fields(proof, PROOFS if problem.balanced else PROOFS[:4])


def lazy_fields(proof, names=PROOFS):
    """Return the methods of a certificate as fields that are worked out when they are read."""
    return {name: Lazy(getattr(proof, name)) for name in names}
