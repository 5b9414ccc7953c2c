"""The objective of a nonlinear program as a loss, whose blocks are evaluated one at a time."""

from typing import Any, NamedTuple

import numpy as np

from numopt.core.errors import UnsupportedError
from numopt.models.calls import Accept
from numopt.models.derivatives import Group, displaced, slopes
from numopt.models.losses import Loss, Point


class Carried(NamedTuple):
    """What users carry from point to point instead of computing it anew, such as residuals.

    Attributes
    ----------
    init : callable
        ``init(x) -> state``, any object.
    update : callable
        ``update(state, b, d) -> state`` after d is added to the variables b; the given state must
        stay as it is, for the step may be refused.
    value : callable or None
        ``value(x, state) ->`` the objective; None leaves it to the problem.
    """

    init: Any
    update: Any
    value: Any = None


class BlackBox(Loss):
    """The objective of a nonlinear program; nothing is known of its curvature.

    Parameters
    ----------
    problem : NLP
        Without constraints; its bounds limit the differences.
    jac_block : callable, optional
        ``jac_block(x, b) ->`` the entries b of the gradient, shape (|b|,).
    hess_block : callable, optional
        ``hess_block(x, b) ->`` the Hessian of the block b, shape (|b|, |b|).
    carried : Carried, optional
        Its state at x is the last argument of both of these functions.

    Notes
    -----
    The gradient of a block comes from `jac_block`, from the problem's gradient, or, where this is
    differenced, from differences along the block alone: |b| evaluations beside the one at the
    point. Its Hessian comes from `hess_block`, from the problem's exact Hessian, or from
    differences of the gradient along the block.

    Raises
    ------
    UnsupportedError
        For block functions of a problem that does not call users' functions.
    """

    design = None
    intercept = False

    def __init__(self, problem, jac_block=None, hess_block=None, carried=None):
        self.problem, self.n = problem, problem.n
        self.jac_block: Any = jac_block
        self.hess_block: Any = hess_block
        self.carried = carried
        self.objective: Any = getattr(problem, "objective", None)
        if (jac_block or hess_block) and self.objective is None:
            raise UnsupportedError(
                f"`jac_block` and `hess_block` need a problem of functions, not a "
                f"{type(problem).__name__}"
            )

    @property
    def differenced(self):
        """Whether gradients are differences of values."""
        return self.jac_block is None and "grad" in self.problem.by_differences

    @property
    def curved(self):
        """Whether the Hessian of a block can be had without second differences of values."""
        exact = self.problem.hess_kind == "exact"
        return exact or self.hess_block is not None or not self.differenced

    def state(self, x):
        x, held = np.array(x, dtype=np.float64), np.empty(0, dtype=object)
        if self.carried is not None:
            held = np.empty(1, dtype=object)
            held[0] = self.carried.init(x.copy())
        return Point(x, held, np.empty(0))

    def value(self, state):
        if self.carried is None or self.carried.value is None:
            return self.problem.fun(state.x)
        value, held = self.carried.value, state.z[0]
        accept = Accept("fun_state", ())
        return self.problem.ask("fun", "fun_state", lambda x: value(x, held), state.x, accept)

    def gradient(self, state):
        if self.jac_block is not None:
            return self.block_gradient(state, np.arange(self.n))
        return np.array(self.problem.grad(state.x))

    def block_gradient(self, state, b):
        if self.jac_block is not None:
            return self._gradients(state, [state.x], b)[0]
        if self.differenced and len(b) < self.n:
            return self._differenced_gradient(state.x, b)
        return self.problem.grad(state.x)[b]

    def advance(self, state, b, delta):
        state.x[b] += delta
        if self.carried is not None:
            state.z[0] = self.carried.update(state.z[0], b.copy(), delta.copy())

    def lipschitz(self):
        return np.full(self.n, np.inf)

    def hessian(self, state, b):
        problem, x = self.problem, state.x
        if self.hess_block is not None:
            return self._asked_hessian(state, b)
        if problem.hess_kind == "exact":
            return problem.hess(x)[b][:, b].toarray()
        return self._differenced_hessian(state, b)

    # -- how ---------------------------------------------------------------------------------

    def _held(self, state, b, x):
        """Return what is carried at x, which differs from the point in the block b at most."""
        if self.carried is None:
            return ()
        delta = x[b] - state.x[b]
        held = state.z[0]
        return (self.carried.update(held, b.copy(), delta) if delta.any() else held,)

    def _gradients(self, state, points, b):
        """Return the entries b of the gradients at some points, by the user's function of them."""

        def user(x):
            return self.jac_block(x, b.copy(), *self._held(state, b, x))

        accept = Accept("jac_block", (len(b),))
        return list(self.problem.ask_many("grad", "jac_block", user, points, accept))

    def _asked_hessian(self, state, b):
        def user(x):
            return self.hess_block(x, b.copy(), *self._held(state, b, x))

        accept = Accept("hess_block", (len(b), len(b)))
        return self.problem.ask("hess", "hess_block", user, state.x, accept).toarray()

    def _differenced_gradient(self, x, b):
        problem, objective = self.problem, self.objective

        def evaluate(points):
            return objective.values(problem, points)

        typical = 1.0
        if objective.jac != "cs":
            typical = problem.typical_sizes(objective.key, evaluate)
        f = np.array([problem.fun(x)])
        return self._along(evaluate, x, f, b, objective.jac, typical)[0]

    def _differenced_hessian(self, state, b):
        problem, x = self.problem, state.x

        def gradients(points):
            points = list(points)
            if self.jac_block is not None:
                return self._gradients(state, points, b)
            each = self.objective.weighted_gradients(problem, points, np.ones(1))
            return (g[b] for g in each)

        typical = problem.typical_sizes(("block gradient", b.tobytes()), gradients)
        J = self._along(gradients, x, self.block_gradient(state, b), b, "2-point", typical)
        return (J + J.T) / 2.0

    def _along(self, evaluate, x, f, b, formula, typical):
        """Return the derivatives of a function along the block, shape (f.size, |b|)."""
        lb, ub = self.problem.lb, self.problem.ub
        targets = displaced(x, formula, lb, ub, None, typical)
        groups = [Group(slice(None), j) for j in b if lb[j] < ub[j]]
        found = {g.cols: values for g, values in slopes(evaluate, x, f, groups, targets)}
        return np.stack([found.get(j, np.zeros(f.size)) for j in b], axis=1)
