"""Descent on a quadratic model: cyclic passes, Anderson's extrapolation, Newton steps.

repeat
a pass over the working set, then passes over those of its units that are off their kinks
every K passes: x_e = sum_i c_i x_i of the last ones with min |sum_i c_i (x_i - x_(i-1))|,
sum_i c_i = 1; taken if it lowers the model
when the work of the passes has paid for one: a Newton step on the support
until the decrease still to come, by the rate of the last passes, is small
"""

import numpy as np

from numopt.solvers.bcd.newton import newton_cost, support_step

MEMORY = 5  # passes that are extrapolated from
SLOWEST = 0.999  # largest rate of decrease that is believed
RELATIVE = 0.1  # of the decrease so far: accuracy in a model that is not the problem itself
CAP = 64.0  # largest factor on the price of a Newton step


class Descent:
    """Descent on a model over a working set.

    Parameters
    ----------
    columns : Columns
    model : Model
        Moved in place.
    ws : ndarray
        Units to move.
    newton : bool
        Whether steps on the support may be tried.
    """

    def __init__(self, columns, model, ws, newton=True):
        self.columns, self.model, self.ws = columns, model, ws
        self.members = columns.members(ws)
        self.penalty = columns.penalty
        plain = not columns.grouped and columns.k == 1
        self.newton = newton and plain and self.penalty.convex
        self.work, self.price = 0.0, 1.0
        self.lengths = columns.lengths
        self.first = self.value = self.objective()

    def objective(self):
        """Return the value of the model, up to a constant."""
        return self.model.smooth_value() + self.penalty.part(self.model.x, self.members)

    def run(self, target, most=2000):
        """Descend until about `target` is left to gain."""
        exact = self.columns.loss.quadratic
        for _ in range(most):
            before = self.value
            left = self.round()
            goal = target if exact else max(target, RELATIVE * (self.first - self.value))
            if left <= goal or not self.value < before:
                return
            self.step_on_support(before - self.value)

    def round(self):
        """Do `MEMORY` passes and extrapolate; return an estimate of what is left to gain."""
        model, columns = self.model, self.columns
        moved = columns.epoch(model, self.ws)
        active = self.active()
        trail = [(model.x[self.members], model.V.copy(), model.c.copy())]
        for _ in range(MEMORY):
            last, moved = moved, columns.epoch(model, active)
            trail.append((model.x[self.members], model.V.copy(), model.c.copy()))
        self.work += float(self.lengths[self.ws].sum() + 2.0 * MEMORY * self.lengths[active].sum())
        self.extrapolate(trail)
        rate = min(moved / last, SLOWEST) if last > 0.0 else 0.0
        return 0.5 * moved * rate / (1.0 - rate)

    def active(self):
        """Return the units of the working set that are off their kinks."""
        return self.ws[~self.penalty.kink_at(self.model.x, self.ws, self.members)]

    def extrapolate(self, trail):
        """Move to the extrapolated point if the model is lower there."""
        model = self.model
        self.value = self.objective()
        U = np.array([b[0] - a[0] for a, b in zip(trail, trail[1:], strict=False)])
        G = U @ U.T
        trace = np.trace(G)
        if not trace > 0.0:
            return
        G[np.diag_indices(MEMORY)] += 1e-12 * trace
        c = np.linalg.solve(G, np.ones(MEMORY))
        if not (np.isfinite(c).all() and abs(c.sum()) > 0.0):
            return
        c /= c.sum()
        x, V, shift = (sum(w * t[i] for w, t in zip(c, trail[1:], strict=True)) for i in range(3))
        if not self.penalty.allows(x, self.members):
            return
        model.x[self.members], model.V[:], model.c[:] = x, V, shift
        value = self.objective()
        if value < self.value:
            self.value = value
        else:
            model.x[self.members], model.V[:], model.c[:] = trail[-1]

    def step_on_support(self, gain):
        """Try a Newton step on the support when passes have cost as much."""
        if not self.newton:
            return
        S = self.active()
        cost = newton_cost(self.columns, S)
        if S.size == 0 or self.work < self.price * cost:
            return
        per_pass = gain / self.work
        before = self.value
        full = support_step(self.columns, self.model, S)
        self.value = self.objective()
        better = (before - self.value) / cost > per_pass
        self.price = (
            max(self.price / 4.0, 1.0 / CAP) if full or better else min(2 * self.price, CAP)
        )
        self.work = 0.0
