"""What the bilevel methods share: how they begin, report, verify and conclude."""

from dataclasses import dataclass

import numpy as np

from numopt.core.solver import Iterate, Solver
from numopt.solvers.bilevel.certificate import certify

FINDINGS = ("lower_gap", "lower_solver", "lower_value", "lower_kkt", "lower_convex", "unique_lower")


@dataclass(frozen=True, kw_only=True)
class BilevelSolver(Solver):
    """Base of the bilevel methods.

    The measure is the larger one of the lower gap and the square of the stationarity: a success has
    a gap of at most `tol`, violations of at most `tol` and a stationarity of at most its root.
    """

    measure = "lower gap or squared stationarity"
    certificate = "lower_gap"
    problems = ("bilevel",)

    tol: float = 1e-4

    def begin(self, problem, x0, run):
        """Return the start point moved into the sets, x and y; refuse undefined functions there."""
        x, y = problem.split(np.asarray(x0, dtype=float))
        inside = problem.project_upper(x), problem.project_lower(y)
        if not all(np.array_equal(a, b) for a, b in zip(inside, (x, y), strict=True)):
            run.remarks.append("The start point was moved into the sets")
        problem.require_finite(*inside)
        return inside

    def reported(
        self,
        problem,
        x,
        y,
        stationarity,
        gap=0.0,
        apart=0.0,
        scalars=None,
        finished=False,
        **fields,
    ):
        """Return the `Iterate` of a point.

        `gap` is what the method knows of the lower level, `apart` the relative difference of F here
        and where the stationarity was measured, if that is elsewhere. As long as it is not
        `finished` the stationarity itself is the measure, so that it goes on to where it can get.
        """
        found = {"y": y, "stationarity": float(stationarity), "apart": float(apart), **fields}
        optimality = _worst(gap, apart, stationarity**2 if finished else stationarity)
        scalars = {"gap": float(gap), "stationarity": float(stationarity)} | (scalars or {})
        violation = float(problem.violation(x, y))
        return Iterate(x, float(problem.F(x, y)), optimality, violation, scalars, lambda: found)

    def verify(self, problem, it):
        fields = it.fields()
        found = self._certificate(problem, it.x, fields["y"])
        optimality = _worst(found.lower_gap, fields["apart"], fields["stationarity"] ** 2)
        if found.lower_convex == "violated" or not np.isfinite(found.lower_kkt):
            optimality = np.inf
        return it.fun, optimality, found.violation

    def concluded(self, problem, it, run):
        fields = it.fields() if it.fields is not None else None
        if fields is None:
            return {}
        found = self._certificate(problem, it.x, fields["y"])
        remarks = [*found.remarks(), *self._lost(problem)]
        run.remarks += [remark for remark in remarks if remark not in run.remarks]
        named = {name: getattr(found, name) for name in FINDINGS}
        named |= found.feasibility | {"stationarity": fields["stationarity"]}
        return {"certificates": named, "lower_fun": problem.armed().f(it.x, fields["y"]),
                "multipliers": {"lower": found.multipliers}}  # fmt: skip

    def _lost(self, problem):
        """Yield a sentence on the first function that was not finite somewhere on the way."""
        for name, w in list(problem.lost.items())[:1]:
            yield f"`{name}` was not finite at {problem.shown(w)}"

    def _certificate(self, problem, x, y):
        """Return the certificate, worked out once for a point."""
        key = x.tobytes() + y.tobytes()
        known = problem.memo.get("certificate")
        if known is None or known[0] != key:
            known = problem.memo["certificate"] = key, certify(problem, x, y)
        return known[1]


def _worst(*measures):
    """Return the largest measure, infinite if one is not a number."""
    worst = float(np.max(measures))
    return worst if worst == worst else np.inf
