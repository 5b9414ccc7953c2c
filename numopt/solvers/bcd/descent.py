"""Descent on a quadratic model: cyclic passes, Anderson's extrapolation, Newton steps.

repeat
a pass over the working set, then up to K passes over its units off their kinks
after K of them: x_e = sum_i c_i x_i with min |sum_i c_i (x_i - x_(i-1))|, sum_i c_i = 1;
taken if it lowers the model
when passes have cost as much, and more of them are to come: Newton steps on the support
until the decrease still to come, by the rate of the last passes, or the violation, is small
"""

from math import inf

import numpy as np

from numopt.solvers.bcd.newton import Account, NewtonPhase

MEMORY = 5  # passes that are extrapolated from
SLOWEST = 0.999  # largest rate of decrease that is believed
RELATIVE = 0.1  # of what is asked for: accuracy on the active units, and in mere models
LESS = 0.9  # factor on the violation that is progress where rounding hides the decrease
TINY = 1e-300
MOST_ROUNDS = 2000


class Descent:
    """Descent on a model over a working set.

    Parameters
    ----------
    sub : Subproblem
    model : Model
        Moved in place.
    account : Account, optional
        What passes have cost since the last Newton step; None forbids these steps.
    exact : bool
        Whether the model is the problem itself.
    """

    def __init__(self, sub, model, account=None, exact=True):
        self.sub, self.model = sub, model
        self.relative = 0.0 if exact or not sub.penalty.dual else RELATIVE
        able = account is not None and not sub.grouped and sub.k == 1 and sub.penalty.convex
        self.newton = NewtonPhase(sub, model, account, exact) if able else None
        self.slope = 0.0  # largest violation at the start
        self.per_pass = float(sub.lengths.sum())
        self.first = self.value = self.objective()

    @property
    def account(self):
        """The account as it stands now."""
        return None if self.newton is None else Account(self.newton.price, self.newton.work)

    def objective(self):
        """Return the value of the model, up to a constant."""
        return self.model.smooth_value() + self.sub.penalties(self.model.x)

    def run(self, target):
        """Descend until about `target` is left, in the unit of `left`; see `to_do`."""
        rate, last = SLOWEST, inf
        for _ in range(MOST_ROUNDS):
            epoch = self.sub.epoch(self.model, self.sub.units)
            self.slope = max(self.slope, epoch[1])
            to_do = self.to_do(epoch, rate, target)
            if to_do <= 1.0:
                break
            before, active, newton = self.value, self.sub.active(self.model.x), self.newton
            if newton and newton.cheap(active, self.per_pass) and newton.run(active, 0.0) > 0.0:
                continue
            rate, work = self.round(active, target)
            if not (self.value < before or epoch[1] < LESS * last):
                break
            last = epoch[1]
            if newton and newton.due(active, work, rate, to_do):
                newton.run(active, (before - self.value) / work)
        self.value = self.objective()

    def to_do(self, epoch, rate, target):
        """Return the factor still to gain; one is enough.

        In a model that is not the problem itself a share of the first violation will do.
        """
        factor = self.left(epoch, rate) / max(target, TINY)
        if self.relative > 0.0:
            factor = min(factor, epoch[1] / (self.relative * self.slope + TINY))
        return factor

    def left(self, epoch, rate):
        """Return an estimate of the duality gap after a pass; of the violation without a dual.

        `rate` is that of the decrease. A violation v of the conditions at x costs v |x|_1.
        """
        moved, worst = epoch
        if not self.sub.penalty.dual:
            return worst
        return max(0.5 * moved * rate / (1.0 - rate), worst * float(np.abs(self.model.x).sum()))

    def round(self, active, target):
        """Pass over the active units and extrapolate; return the rate of decrease and the work."""
        per_pass = float(self.sub.lengths[active].sum())
        trail, rate, last = [self.snapshot()], SLOWEST, 0.0
        for _ in range(MEMORY):
            epoch = self.sub.epoch(self.model, active)
            trail.append(self.snapshot())
            if last > 0.0:
                rate = min(epoch[0] / last, SLOWEST)
            last = epoch[0]
            if self.to_do(epoch, rate, target) <= RELATIVE:
                break
        else:
            self.extrapolate(trail)
        self.value = self.objective()
        return rate, self.per_pass + 2.0 * (len(trail) - 1) * per_pass

    def snapshot(self):
        """Return what an extrapolation combines."""
        return self.model.x.copy(), self.model.V.copy(), self.model.c.copy()

    def extrapolate(self, trail):
        """Move to the extrapolated point if the model is lower there."""
        X = np.array([point[0] for point in trail])
        U = np.diff(X, axis=0)
        G = U @ U.T
        trace = np.trace(G)
        if not trace > 0.0:
            return
        G[np.diag_indices(MEMORY)] += 1e-12 * trace
        weights = np.linalg.solve(G, np.ones(MEMORY))
        total = weights.sum()
        if not (np.isfinite(weights).all() and abs(total) > 0.0):
            return
        weights /= total
        x = weights @ X[1:]
        if self.sub.allows(x):
            self._try(x, trail, weights)

    def _try(self, x, trail, weights):
        model, value = self.model, self.objective()
        model.x[:], model.V[:], model.c[:] = x, 0.0, 0.0
        for weight, (_, V, c) in zip(weights, trail[1:], strict=True):
            model.V[:] += weight * V
            model.c[:] += weight * c
        if not self.objective() < value:
            model.x[:], model.V[:], model.c[:] = trail[-1]
