"""What the methods for monotone inclusions share: their measure, how they report and verify."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from numopt.core.errors import OptionError, UnsupportedError
from numopt.core.solver import Iterate, Solver
from numopt.models.monotone import Certified

NEGATIVE = 1e-8  # cosine of F(u) - F(v) and u - v below minus which F is not monotone
REMARK = "the operator is not monotone: <F(u) - F(v), u - v> < 0 was seen"
MEASURES = {
    "residual": "residual norm of F(u) + g",
    "relative": "relative residual",
    "gap": "duality gap",
}


@dataclass(frozen=True, kw_only=True)
class MonotoneSolver(Solver):
    """Base of the methods for inclusions; their states have `point` and `first`."""

    measure = MEASURES["residual"]
    certificate = "residual"
    problems = ("inclusion", "finite_sum", "bilinear")

    maxiter: int = 100_000
    criterion: Literal["residual", "relative", "gap"] = "residual"

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "measure", MEASURES[self.criterion])
        if self.check_derivatives != "no":
            raise OptionError(f"method {self.name!r}: an inclusion has no derivatives to check")

    def check(self, problem):
        super().check(problem)
        if self.criterion == "gap" and not problem.with_gap:
            raise UnsupportedError(
                f"{type(problem).__name__} has no duality gap; use criterion='residual'"
            )

    def measured(self, problem, point, first):
        """Return the chosen measure of a point."""
        if self.criterion == "gap":
            return problem.gap(point)
        return point.residual if self.criterion == "residual" else problem.relative(point, first)

    def report(self, problem, s, run):
        point, epochs = s.point, problem.counts.components / problem.components
        fields = lambda: {  # noqa: E731
            "residual": point.residual,
            "g": point.g,
            "epochs": epochs,
            "first_residual": s.first,
            **problem.fields(point),
        }
        return Iterate(
            point.u,
            problem.objective(point),
            self.measured(problem, point, s.first),
            problem.violation(point),
            {"residual": point.residual, "epochs": epochs},
            fields,
        )

    def verify(self, problem, it):
        fields = it.fields()
        point, error = problem.certify(it.x, fields["g"])
        optimality = self.measured(problem, point, fields["first_residual"])
        if self.criterion != "gap":
            optimality = max(optimality, error)  # of g, above rounding
        return problem.objective(point), optimality, problem.violation(point)


def first_point(problem, x0, t):
    """Return the certified point one forward-backward step of length t away."""
    return certified(problem, x0 - t * problem.operator(x0), t)


def certified(problem, w, t):
    """Return the point u = J_t(w) with F(u); (w - u) / t is an element of G(u)."""
    u = problem.resolvent(w, t)
    return Certified(u, problem.operator(u), (w - u) / t)


def watch_monotonicity(run, dF, du):
    """Remark once that <F(u) - F(v), u - v> < 0 was seen."""
    if dF @ du < -NEGATIVE * np.linalg.norm(dF) * np.linalg.norm(du) and REMARK not in run.remarks:
        run.remarks.append(REMARK)


def estimated_lipschitz(problem, u, F, rng, probes=5):
    """Return a lower bound of the constant of F near u, by power iteration on differences."""
    length = 1e-4 * (1.0 + float(np.linalg.norm(u)))
    d, L = rng.standard_normal(u.size), float(np.finfo(float).tiny)
    for _ in range(probes):
        d *= length / max(np.linalg.norm(d), np.finfo(float).tiny)
        dF = problem.operator(u + d) - F
        L = max(L, float(np.linalg.norm(dF)) / length)
        d = dF if dF.any() else rng.standard_normal(u.size)
    return L
