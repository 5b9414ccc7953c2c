"""The published loops of F2SA and F3SA.

    repeat T times:  z <- Proj_Y(z - b_k grad_y f(x, z))
                     y <- Proj_Y(y - b_k (grad_y F(x, y)/c_k + grad_y f(x, y)))
    x <- Proj_X(x - s_k m_k),   m_k = grad_x F(x, y) + c_k (grad_x f(x, y) - grad_x f(x, z))
    c_k = c_0 (k + 1)^p

Every gradient is that of a batch of its own, or of all rows. F3SA has T = 1 and

    h <- grad(w; s) + (1 - e_k)(h - grad(w_before; s)),   e_k = (k + 1)^-q,   for each gradient.

The step b is the inverse of the curvature of f at the start, found by power iteration, and
decreases like (k + 1)^-r with noise. The step of x is scaled entry by entry by averages of squares,
because its gradient has a size of its own in every entry, and decreases like (k + 1)^-1/2; where
all gradients are exact it is half the inverse of the curvature seen along the last step.
"""

from typing import NamedTuple

import numpy as np

from numopt.solvers.bilevel.descent import secant_step
from numopt.solvers.bilevel.restarts import restarted, sound

# Growth p of the penalty, decrease r of the steps of y and z, decrease q of the corrections.
RATES = {"both": (1 / 7, 4 / 7, 4 / 5), "upper": (1 / 5, 2 / 5, 2 / 3), "none": (1 / 3, 0.0, 0.0)}
FADED = 200.0  # iterations after which the decrease of the steps begins to show
MEMORY, SQUARES = 0.9, 0.99  # of the averages of gradients and of their squares
FIRST_STEP = 0.1  # of each entry of x
FIRST_EXACT_STEP = 1e-2
LARGER = 1.1  # growth of an exact step
POWER_STEPS = 10


class Loop(NamedTuple):
    """All iterates, averages and steps."""

    x: np.ndarray  # (n,)
    y: np.ndarray  # (m,)
    z: np.ndarray  # (m,)
    c0: float
    curvature: float  # of f in y at the start
    mean: np.ndarray  # average of the gradients in x, (n,)
    square: np.ndarray  # of their squares, (n,)
    move: np.ndarray  # the last step of x, (n,)
    h: tuple = ()  # corrected gradients of F3SA: (x part, y, z)
    before: tuple = ()  # x, y, z of the last step
    step: float = FIRST_EXACT_STEP  # of x, where gradients are exact
    k: int = 0
    sound: tuple = ()  # x, y, z to go back to
    shrink: float = 1.0
    restarts: int = 0


def first_state(solver, problem, x, y, c):
    """Return the first state."""
    none = np.zeros(problem.n)
    return Loop(x, y, y, c, curvature(problem, x, y), none, none, none, sound=(x, y, y))


def curvature(problem, x, y):
    """Return the largest curvature of f in y, by power iteration on differences of its gradient."""
    v = np.ones(problem.m) / np.sqrt(problem.m)
    here, size, h = problem.grad_f_y(x, y), 1.0, 1e-4 * (1.0 + float(np.linalg.norm(y)))
    for _ in range(POWER_STEPS):
        change = (problem.grad_f_y(x, y + h * v) - here) / h
        size = float(np.linalg.norm(change))
        if not 1e-12 < size < np.inf:
            return 1.0
        v = change / size
    return size


def next_state(solver, problem, s, run):
    """Return the state after `check_every` steps of x; halve the steps where they diverge."""
    for _ in range(solver.check_every):
        s = _iteration(solver, problem, s, run.rng)
        if not sound(s.x, s.y, s.z):
            return _restarted(s)
    return s._replace(sound=(s.x, s.y, s.z))


def _restarted(s):
    none = np.zeros_like(s.mean)
    smaller = {"shrink": s.shrink / 2, "step": FIRST_EXACT_STEP * s.shrink / 2}
    fresh = {"h": (), "before": (), "mean": none, "square": none, "move": none}
    return restarted(s, "xyz", **smaller, **fresh)


def penalty(solver, problem, s):
    """Return c_k."""
    return s.c0 * (s.k + 1) ** RATES[noise(solver, problem)][0]


def noise(solver, problem):
    """Return which level has noise here."""
    return solver.noise if problem.stochastic and solver.batch else "none"


def _iteration(solver, problem, s, rng):
    c, rates = penalty(solver, problem, s), RATES[noise(solver, problem)]
    draw = _Batches(problem, solver.batch, rng)
    tracked = s.k % solver.update_every == 0
    if solver.momentum:
        h = _corrected(problem, s, c, draw, (s.k + 1.0) ** -rates[2])
        s = s._replace(before=(s.x, s.y, s.z), h=h)
        gx = h[0]
        if tracked:
            s = _tracked(solver, problem, s, c, rates[1], h[1], h[2])
    else:
        for _ in range(solver.inner if tracked else 0):
            gz = problem.grad_f_y(s.x, s.z, draw("f"))
            gy = _pull(problem, s.x, s.y, c, draw("F"), draw("f"))
            s = _tracked(solver, problem, s, c, rates[1], gy, gz)
        gx = _slope(problem, s.x, s.y, s.z, c, draw("F"), draw("f"))
    return _moved(solver, problem, s, gx)


class _Batches:
    """Draws rows; None where a level takes none."""

    def __init__(self, problem, size, rng):
        self.rows, self.size, self.rng = problem.batches, size, rng

    def __call__(self, name):
        """Return an index array into the rows of F or of f."""
        rows = self.rows[name]
        if rows is None or not self.size or self.size >= rows:
            return None
        return self.rng.integers(rows, size=self.size)


def _pull(problem, x, y, c, upper, lower):
    """Return the gradient of f + F/c in y."""
    return problem.grad_f_y(x, y, lower) + problem.grad_F(x, y, upper)[1] / c


def _slope(problem, x, y, z, c, upper, lower):
    """Return the gradient of L_c in x; both gradients of f are those of one batch."""
    apart = problem.grad_f(x, y, lower)[0] - problem.grad_f(x, z, lower)[0]
    return problem.grad_F(x, y, upper)[0] + c * apart


def _corrected(problem, s, c, draw, e):
    """Return the momentum-corrected gradients in x, y and z."""
    upper, lower = draw("F"), draw("f")

    def at(x, y, z):
        return (
            _slope(problem, x, y, z, c, upper, lower),
            _pull(problem, x, y, c, upper, lower),
            problem.grad_f_y(x, z, lower),
        )

    now = at(s.x, s.y, s.z)
    if not s.h:
        return now
    then = at(*s.before)
    return tuple(g + (1.0 - e) * (h - old) for g, h, old in zip(now, s.h, then, strict=True))


def _tracked(solver, problem, s, c, rate, gy, gz):
    step = s.shrink * solver.step_y / (s.curvature * (1.0 + s.k / FADED) ** rate)
    y, z = problem.project_lower(s.y - step * gy), problem.project_lower(s.z - step * gz)
    return s._replace(y=y, z=z)


def _moved(solver, problem, s, gx):
    k = s.k + 1
    mean = MEMORY * s.mean + (1.0 - MEMORY) * gx
    square = SQUARES * s.square + (1.0 - SQUARES) * gx**2
    step = s.shrink * solver.step_x * FIRST_STEP / np.sqrt(1.0 + k / FADED)
    if solver.normalise:
        d = mean / max(float(np.linalg.norm(mean)), 1e-300) * np.sqrt(gx.size)
    elif noise(solver, problem) == "none":
        return _moved_exactly(solver, problem, s, gx)
    else:
        unbiased = mean / (1.0 - MEMORY**k)
        d = unbiased / np.maximum(np.sqrt(square / (1.0 - SQUARES**k)), 1e-300)
    return s._replace(x=problem.project_upper(s.x - step * d), mean=mean, square=square, k=k)


def _moved_exactly(solver, problem, s, gx):
    """Return the state after a step of x whose size is seen from exact gradients."""
    step = s.shrink * s.step if s.k == 0 else secant_step(s.step, s.move, gx - s.mean, LARGER)
    x = problem.project_upper(s.x - solver.step_x * step * gx)
    return s._replace(x=x, mean=gx, move=x - s.x, step=step, k=s.k + 1)


def report(solver, problem, s, run):
    """Report x with z, and the projected gradient of L_c of all rows."""
    c = penalty(solver, problem, s)
    slope = _slope(problem, s.x, s.y, s.z, c, None, None)
    stationarity = np.linalg.norm(problem.project_upper(s.x - slope) - s.x) if s.k else np.inf
    settled = problem.project_lower(s.z - problem.grad_f_y(s.x, s.z)) - s.z
    gap = float(np.linalg.norm(settled)) ** 2 / s.curvature
    at_z = problem.F(s.x, s.z)
    apart = abs(problem.F(s.x, s.y) - at_z) / (1.0 + abs(at_z))
    how = {"scalars": {"penalty": c}, "penalty": c}
    return solver.reported(problem, s.x, s.z, stationarity, gap, apart, **how)
