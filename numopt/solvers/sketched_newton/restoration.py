"""Restoration: get closer to feasibility, staying near the point where the line search failed.

    minimise   rho sum(p + q) + (zeta/2) |D (w - w_R)|^2
    subject to C(w) - p + q = 0,   lower <= w <= upper,   p, q >= 0

is solved by the same interior method until the filter of the original problem accepts w and the
violation has dropped by a tenth. If instead it is solved to the end with a violation left, the
constraints are locally inconsistent. Waechter and Biegler (2006), section 3.3.
"""

from functools import partial

import numpy as np
from scipy.sparse import bmat, diags, eye

from numopt.core.errors import Status, Stop
from numopt.models.transforms import padded
from numopt.solvers.sketched_newton.barrier import Barrier
from numopt.solvers.sketched_newton.certificate import TOL, Multipliers
from numopt.solvers.sketched_newton.interior import (
    advance,
    barrier_error,
    decreased_mu,
    first_state,
)
from numopt.solvers.sketched_newton.linesearch import trial_at
from numopt.solvers.sketched_newton.newton import RestorationNeeded, least_squares_multipliers

PENALTY = 1e3  # rho
SUFFICIENT = 0.9  # factor by which the violation must fall
PATIENCE, THOROUGH = 2, 1e-3  # after so many restorations it must fall by this factor
STUCK = PENALTY * TOL  # error at which a point without a further step may be certified
LARGE_BOUND_MULTIPLIER = 1e3
NEARLY_FEASIBLE = 1e-2  # a violation below this part of the tolerance is not worth restoring
ITERATIONS = 300


class Elastic:
    """The restoration problem of `model`, seen from the point w_R.

    Parameters
    ----------
    model : EqualityForm
        The problem whose violation is to be reduced.
    w_R : ndarray, shape (model.n,)
        Reference point.
    zeta : float
        Weight of the distance to it.
    """

    def __init__(self, model, w_R, zeta):
        self.model, self.w_R, self.zeta = model, w_R, zeta
        self.k, self.m = model.n, model.m
        self.n = self.k + 2 * self.m
        self.dense, self.products, self.analyses = model.dense, model.products, model.analyses
        self.weight = zeta * np.minimum(1.0, 1.0 / np.maximum(np.abs(w_R), 1e-300)) ** 2
        self.lower = np.concatenate([model.lower, np.zeros(2 * self.m)])
        self.upper = np.concatenate([model.upper, np.full(2 * self.m, np.inf)])

    free, finishes = True, False

    def new_strategy(self):
        """Return a quasi-Newton strategy for H, or None if the model has Hessians."""
        return self.model.new_strategy()

    def approximation(self, strategy):
        """Return the current approximation of H."""
        return padded(self.model.approximation(strategy), self.n, self.dense)

    def updated(self, strategy, old, new):
        """Return the strategy after the step from state `old` to state `new`."""
        return self.model.updated(strategy, old, new)

    def start(self, w, C, mu):
        """Return (w, p, q) with the p and q that are best for given w and mu."""
        root = (mu - PENALTY * C) / (2.0 * PENALTY)
        q = root + np.sqrt(root**2 + mu * C / (2.0 * PENALTY))
        q = np.maximum(q, 1e-12)
        return np.concatenate([w, np.maximum(C + q, 1e-12), q])

    def f(self, v):
        """Return the penalty plus the distance term."""
        d = v[: self.k] - self.w_R
        return PENALTY * v[self.k :].sum() + 0.5 * float(self.weight @ d**2)

    def C(self, v):
        """Return C(w) - p + q."""
        return self.model.C(v[: self.k]) - v[self.k : self.k + self.m] + v[self.k + self.m :]

    def with_better_slacks(self, v, C):
        """Return (v, C): p and q are slacks of their own."""
        return v, C

    def g(self, v):
        """Return the gradient, shape (n,)."""
        distance = self.weight * (v[: self.k] - self.w_R)
        return np.concatenate([distance, np.full(2 * self.m, PENALTY)])

    def A(self, v):
        """Return the Jacobian, shape (m, n)."""
        A = self.model.A(v[: self.k])
        if self.dense:
            return np.hstack([A, -np.eye(self.m), np.eye(self.m)])
        return bmat([[A, -eye(self.m), eye(self.m)]], format="csr")

    def differentiable(self, v):
        """Return whether the first derivatives are finite at v."""
        return self.model.differentiable(v[: self.k])

    def H(self, v, y):
        """Return the Hessian of f + y'C, shape (n, n)."""
        W = self.model.H_rows(v[: self.k], y)
        if self.products:
            return self.products(self.n, partial(self._padded_product, W))
        return padded(W + (np.diag if self.dense else diags)(self.weight), self.n, self.dense)

    def _padded_product(self, W, V):
        out = np.zeros_like(V)
        out[: self.k] = W @ V[: self.k] + self.weight[:, None] * V[: self.k]
        return out


def restored(model, barrier, s, tol):
    """Return a state from which the interior method can go on, or a stationary violation.

    The latter has the multipliers of the violation |C|_1 in its field `violation`.

    Raises
    ------
    Stop
        With SMALL_STEP if no progress is possible.
    """
    here = trial_at(model, barrier, s.w, s.mu, s.f, s.C)
    if here.theta <= NEARLY_FEASIBLE * tol or model.m == 0:
        return _renewed(model, barrier, s)
    mu = max(s.mu, float(np.abs(s.C).max()))
    try:
        return _attempt(model, barrier, s, here, mu, np.sqrt(s.mu), tol)
    except Stop as signal:
        if signal.status is not Status.SMALL_STEP:
            raise
    return _attempt(model, barrier, s, here, mu, np.sqrt(mu), tol)  # shorter steps, from s.w again


def _attempt(model, barrier, s, here, mu, zeta, tol):
    guarded = s.filter.added(here.theta, here.phi)
    sufficient = SUFFICIENT if s.restorations < PATIENCE else THOROUGH
    elastic = Elastic(model, s.w, zeta)
    fence = Barrier(elastic.lower, elastic.upper)
    r = _elastic_state(elastic, fence, s, mu)
    for _ in range(ITERATIONS):
        r = decreased_mu(r, fence, 0.1 * tol)
        r, elastic = _loosened(r, elastic, r.mu if r.mu <= 0.1 * tol else np.sqrt(r.mu))
        moved = _moved(elastic, fence, r)
        r = moved or r
        trial = trial_at(model, barrier, r.w[: model.n], s.mu)
        if trial.theta <= sufficient * here.theta and guarded.accepts(trial.theta, trial.phi):
            return _resumed(model, barrier, s, r, trial, guarded)
        if barrier_error(r, fence, 0.0) <= (tol if moved else STUCK):
            found = _resumed(model, barrier, s, r, trial, guarded.emptied())
            stationary = np.abs(trial.C).max() > tol
            return found._replace(violation=_duals(r, model.n)) if stationary else found
        if not moved:
            raise Stop(Status.SMALL_STEP, "the restoration of feasibility stalled")
    raise Stop(Status.SMALL_STEP, "the restoration of feasibility made no progress")


def _moved(elastic, fence, r):
    """Return the next state of the restoration problem, or None if there is no step."""
    try:
        return advance(elastic, fence, r, r.mu)
    except RestorationNeeded:
        return None
    except Stop as signal:
        if signal.status in (Status.MAX_FUN, Status.MAX_TIME):
            raise
        return None


def _duals(r, k):
    """Return the multipliers of |C|_1 that belong to those of the penalty."""
    return Multipliers(r.y / PENALTY, r.z_lower[:k] / PENALTY, r.z_upper[:k] / PENALTY)


def _renewed(model, barrier, s):
    """Return the same point with multipliers computed afresh: those at hand may have diverged."""
    if s.renewed:
        raise Stop(Status.SMALL_STEP)
    z_lower, z_upper = barrier.centres(s.w, s.mu)
    y = _multipliers(s.A, s.g - z_lower + z_upper)
    around = s.filter.emptied()
    return s._replace(y=y, z_lower=z_lower, z_upper=z_upper, filter=around, renewed=True, tiny=0)


def _multipliers(A, g):
    y = least_squares_multipliers(A, g)
    fine = np.isfinite(y).all() and np.abs(y).max(initial=0.0) <= LARGE_BOUND_MULTIPLIER
    return y if fine else np.zeros(y.size)


def _elastic_state(elastic, fence, s, mu):
    v = elastic.start(s.w, s.C, mu)
    r = first_state(elastic, fence, v, mu)
    gap = v[elastic.k :]
    z_lower = np.concatenate([np.minimum(s.z_lower, PENALTY), mu / gap])
    z_upper = np.concatenate([np.minimum(s.z_upper, PENALTY), np.zeros(gap.size)])
    return r._replace(y=np.zeros(elastic.m), z_lower=z_lower, z_upper=z_upper)


def _loosened(r, elastic, zeta):
    """Return the state and the problem with the distance weighted by at most zeta."""
    if elastic.zeta <= zeta:
        return r, elastic
    elastic = Elastic(elastic.model, elastic.w_R, zeta)
    return r._replace(f=elastic.f(r.w), g=elastic.g(r.w)), elastic


def _resumed(model, barrier, s, r, trial, guarded):
    """Return the state of the original problem at the restored point."""
    w, k = trial.w, model.n
    g, A = model.g(w), model.A(w)
    z_lower, z_upper = barrier.centred(w, r.z_lower[:k], r.z_upper[:k], s.mu)
    if max(z_lower.max(initial=0.0), z_upper.max(initial=0.0)) > LARGE_BOUND_MULTIPLIER:
        z_lower, z_upper = barrier.start_multipliers()
    return s._replace(
        w=w, y=_multipliers(A, g - z_lower + z_upper), z_lower=z_lower, z_upper=z_upper,
        f=trial.f, C=trial.C, g=g, A=A, filter=guarded, short=-1, tiny=0,
        restorations=s.restorations + 1,
    )  # fmt: skip
