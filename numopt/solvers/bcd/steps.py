"""The updates of one block by name: from a place and the gradient of the block to the next place.

    gradient          x_b <- prox_{g_b / L_b}(x_b - G_b / L_b)
    matrix            minimiser of the model with a fixed bound H_b of the Hessian, and g_b
    exact             minimiser of F along the block
    newton            direction -H_b^-1 G_b with the true Hessian; backtracking
    proximal_newton   minimiser of the model with the true Hessian and g_b; backtracking
    two_metric        Newton's direction off the active bounds; backtracking along the projection

None of them raises F. Where values are all that is known of a function, the Hessian of a fixed
block is that of `numopt.solvers.bcd.secant`.
"""

from contextlib import suppress

import numpy as np

from numopt.core.errors import OptionError, ProblemError
from numopt.models.losses import Point
from numopt.models.penalties import SparseGroup
from numopt.solvers.bcd.forests import CycleError, ForestSystem
from numopt.solvers.bcd.linesearch import ROUNDING, backtrack
from numopt.solvers.bcd.selection import PROXIMAL, SMOOTH
from numopt.solvers.bcd.update import (
    model_step,
    newton_direction,
    positive_solver,
    secular_step,
    sparse_solver,
    two_metric,
)

MOST_DOUBLINGS = 100
MOST_NEWTON_STEPS = 100  # for one variable


def gradient(o, s):
    """Return (place, constants); where these are estimates they are doubled until they hold."""
    b, g, x = s.block, s.slope, s.place.point.x[s.block]
    L = o.block_constant(b, s.lipschitz)
    for _ in range(MOST_DOUBLINGS):
        d = o.penalty.prox(x - g / L, 1.0 / L, b) - x
        place = o.moved(s.place, b, d)
        model = s.place.smooth + g @ d + 0.5 * L * (d @ d)
        if not o.adaptive or place.smooth <= model + ROUNDING * abs(s.place.smooth):
            break
        L *= 2.0
    else:
        return s.place, s.lipschitz
    if not o.adaptive:
        return place, s.lipschitz
    constants = s.lipschitz.copy()
    constants[b] = np.maximum(constants[b], L)
    return place, constants


def matrix(o, s):
    """Return (place, constants) after minimising the bounding model."""
    return o.moved(s.place, s.block, _model_minimiser(o, s)), s.lipschitz


def _model_minimiser(o, s):
    b, g = s.block, s.slope
    if o.smooth:
        return -o.cached(b, lambda: _solver(o, b))(g)
    H = o.cached(b, lambda: o.loss.hessian_bound(b))
    x = s.place.point.x[b]
    if o.separable:
        return model_step(H, g, x, o.terms(b))
    return secular_step(H, H @ x - g, o.penalty.lam[o.units.of(b)[0]]) - x


def _solver(o, b):
    """Return the function ``v -> H_b^-1 v``; where the graph of H_b is a forest it costs O(|b|)."""
    graph = o.loss.graph()
    if graph is not None:
        with suppress(CycleError):
            return ForestSystem(graph, b).solve
    if o.sparse(b):
        return sparse_solver(o.hessian(None, b))
    return positive_solver(o.loss.hessian_bound(b))


def exact(o, s):
    """Return (place, constants) at the minimiser along the block."""
    if o.options.block_solve is not None:
        return _solved_by_user(o, s), s.lipschitz
    if o.loss.quadratic:
        return matrix(o, s)
    return _along_one_variable(o, s), s.lipschitz


def _solved_by_user(o, s):
    b, x = s.block, s.place.point.x
    y = np.asarray(o.options.block_solve(x.copy(), b.copy()), dtype=np.float64)
    if y.shape != b.shape:
        raise ProblemError(f"`block_solve` returned shape {y.shape}, expected {b.shape}")
    place = o.moved(s.place, b, y - x[b])
    if not place.fun <= s.place.fun + 1e-8 * (1.0 + abs(s.place.fun)):
        raise ProblemError(
            f"`block_solve` raised the objective from {s.place.fun!r} to {place.fun!r}; it must "
            "return minimisers along the block"
        )
    return place


def _along_one_variable(o, s):
    """Return the place where the derivative along one variable vanishes, by Newton steps."""
    place, g = s.place, s.slope
    first = abs(g[0])
    for _ in range(MOST_NEWTON_STEPS):
        d = newton_direction(o.hessian(place, s.block), g)
        new = _along(o, place, s.block, d, g @ d)
        if new is place:
            break
        place, g = new, o.block_gradient(new, s.block)
        if abs(g[0]) <= ROUNDING * first:
            break
    return place


def curvature(o, s):
    """Return the Hessian of the block, or what its gradients tell of it."""
    if o.by_secants:
        return s.secants[s.block.tobytes()].matrix
    return o.hessian(s.place, s.block)


def newton(o, s):
    """Return (place, constants) after a damped Newton step on the block."""
    d = newton_direction(curvature(o, s), s.slope)
    return _along(o, s.place, s.block, d, s.slope @ d), s.lipschitz


def _along(o, place, b, d, gain):
    """Return the place that backtracking along d accepts; the same one if there is none."""
    return _searched(o, place, b, lambda t: t * d, gain)


def _searched(o, place, b, path, gain):
    """Return the place that backtracking along the displacements ``path(t)`` accepts."""
    trial = {0.0: place}

    def value(t):
        trial[t] = o.moved(place, b, path(t))
        return trial[t].fun

    return trial[backtrack(value, place.fun, gain)[0]]


def proximal_newton(o, s):
    """Return (place, constants) after a damped step to the minimiser of the model with g_b."""
    b = s.block
    H = positive_part(curvature(o, s))
    d = model_step(H, s.slope, s.place.point.x[b], o.terms(b))
    gain = -(d @ H @ d)  # the slope along d is at least as steep
    return (_along(o, s.place, b, d, gain) if gain < 0.0 else s.place), s.lipschitz


def positive_part(H):
    """Return H with the modulus of its eigenvalues if it is indefinite."""
    values, vectors = np.linalg.eigh(H)
    if values[0] >= -ROUNDING * abs(values[-1]):
        return H
    return (vectors * np.abs(values)) @ vectors.T


def two_metric_projection(o, s):
    """Return (place, constants) after a search along the projection of a two-metric direction."""
    b, x, terms = s.block, s.place.point.x[s.block], o.terms(s.block)
    H = curvature(o, s)
    way = two_metric(H, s.slope, x, terms)

    def path(t):
        return np.clip(x + t * way.direction, way.low, way.high) - x

    def change(t):
        d = path(t)
        return way.slope @ d + 0.5 * (d @ (H @ d) + terms.l2 @ d**2)

    gain = way.slope @ np.where(way.active, path(1.0), way.direction)
    if not gain < 0.0:
        return s.place, s.lipschitz
    if not o.loss.quadratic:
        return _searched(o, s.place, b, path, gain), s.lipschitz
    step, _ = backtrack(change, 0.0, gain)  # exact, and no digits cancel
    return (o.moved(s.place, b, path(step)) if step else s.place), s.lipschitz


def coordinates(o, s):
    """Return (place, constants) after `inner` greedy updates of single variables, compiled."""
    from numopt.kernels import greedy

    rules = {
        "gs": greedy.DISTANCE,
        "gs-s": greedy.DISTANCE,
        "gs-r": greedy.MOVE,
        "gs-q": greedy.DECREASE,
    }
    rule = rules.get(o.options.rule_of(o), greedy.SCALED_MOVE)
    A, terms = o.loss.A, o.terms(slice(None))
    point = Point(*(array.copy() for array in s.place.point))
    G = np.ascontiguousarray(point.z[:, 0])
    at = G, point.x, o.constants, terms.low, terms.high, terms.l1, terms.l2
    greedy.descend(A.indptr, A.indices, A.data, *at, rule, o.options.inner)  # pyright: ignore[reportCallIssue]
    point.z[:, 0] = G
    return o.evaluated(point), s.lipschitz


STEPS = {
    "gradient": gradient,
    "matrix": matrix,
    "exact": exact,
    "newton": newton,
    "proximal_newton": proximal_newton,
    "two_metric": two_metric_projection,
}
UPDATES = tuple(STEPS)


def step_of(update, o, single):
    """Return the function that makes one iteration of updates of this name.

    Raises
    ------
    OptionError
        Unless the update can handle this loss and penalty, see `check_update`; or for `inner` above
        1 where there is no compiled loop.
    """
    check_update(update, o, single)
    if o.options.inner == 1:
        return STEPS[update]
    sparse = getattr(o.loss, "sparse", False) and o.loss.design is None
    greedy = o.options.rule_of(o) in SMOOTH + PROXIMAL and o.options.refresh is None
    closed = update in ("exact", "matrix", "gradient") and o.options.lipschitz is None
    if not (single and sparse and greedy and closed and o.separable):
        raise OptionError(
            "method 'bcd': `inner` above 1 is for blocks of one variable, chosen greedily, of a "
            "sparse quadratic form with a separable penalty"
        )
    return coordinates


def check_update(update, o, blocks_of_one):
    """Raise `OptionError` unless the update can handle this loss and penalty.

    Parameters
    ----------
    update : str
        Name.
    o : Objective
        The problem.
    blocks_of_one : bool
        Whether every block is one variable, or one group of the penalty.
    """
    loss, user = o.loss, o.options.block_solve is not None
    if update == "exact" and not (loss.quadratic or user or (blocks_of_one and o.smooth)):
        _refuse(update, "needs a quadratic loss, `block_solve`, or blocks of one variable")
    grouped = isinstance(o.penalty, SparseGroup) and o.penalty.lam1 == 0.0 and blocks_of_one
    if update in ("matrix", "exact") and not (o.separable or user or grouped):
        _refuse(update, "needs a separable penalty, or blocks that are one group each")
    if update == "newton" and not o.smooth:
        _refuse(update, "has no place for a penalty or bounds; take 'proximal_newton'")
    if update in ("proximal_newton", "two_metric") and not o.separable:
        _refuse(update, "needs a separable penalty: absolute values, squares and bounds")
    if update == "matrix" and not np.isfinite(loss.lipschitz()).all():
        _refuse(update, "needs a loss with a bound of its Hessian")


def _refuse(update, why):
    raise OptionError(f"method 'bcd': update={update!r} {why}")
