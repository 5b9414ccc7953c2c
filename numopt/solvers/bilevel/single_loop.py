"""The published single loop of LV-HBA, with safe steps.

    (t, l) <- ( Proj_Y(t - eta dt), Proj_Z(l - eta dl) )
        dt = grad_y f(x, t) + J_y g(x, t)'l + (t - y)/g1,   dl = -g(x, t) + (l - z)/g2
    dx = grad_x F/c + grad_x f(x, y) - grad_x f(x, t) - J_x g(x, t)'l
    dy = grad_y F/c + grad_y f(x, y) - (y - t)/g1,   dz = -(l - z)/g2
    (x, y) <- Proj_C( (x, y) - alpha (dx, dy) ),   z <- Proj_Z(z - alpha dz),   c = c_0 (k + 1)^p

The rows of g are scaled to gradients of length one at the start. eta = 0.9 mu / L^2 with
mu = min(1/g1, 1/g2) and L >= L_f + 1/g1 + 1/g2 + |J_y g|, for which the saddle iteration is stable;
alpha is the smaller one of eta and 0.1 / L, as it must not outrun that iteration.
"""

from typing import NamedTuple

import numpy as np

from numopt.solvers.bilevel.certificate import solve_lower
from numopt.solvers.bilevel.restarts import restarted, sound
from numopt.solvers.bilevel.value_gap import (
    Penalised,
    Prox,
    first_penalty,
    first_prox,
    row_scales,
)

SAFE = 0.9
TRACKED = 0.1  # largest alpha relative to 1 / L: it must not outrun the saddle iteration
SADDLE_TOL = 1e-8  # of what is reported


class Loop(NamedTuple):
    """All iterates, the steps and the last point that was sound."""

    x: np.ndarray  # (n,)
    y: np.ndarray  # (m,)
    z: np.ndarray  # (p,), of the scaled rows, as l
    t: np.ndarray  # (m,)
    l: np.ndarray  # (p,)
    scale: np.ndarray  # of the rows, (p,)
    gamma: tuple  # g1, g2
    c0: float
    eta: float
    alpha: float
    k: int = 0
    sound: tuple = ()  # x, y, z, t, l to go back to
    restarts: int = 0


def lv_hba_state(solver, problem, x, y):
    """Return the first state of the single loop."""
    scale, Jy = row_scales(problem, x, y), problem.jac_g(x, y)[1]
    prox = first_prox(problem, x, y)
    gamma = solver.prox or prox, solver.prox_dual
    mu = min(1.0 / gamma[0], 1.0 / gamma[1])
    steep = np.linalg.norm(scale[:, None] * Jy, 2) if problem.p else 0.0
    L = 10.0 / prox + 1.0 / gamma[0] + (1.0 / gamma[1] if problem.p else 0.0) + steep
    eta = solver.step_y * (SAFE * mu / L**2 if problem.p else 1.0 / L)
    none = np.zeros(problem.p)
    c0 = solver.penalty0 or first_penalty(problem, x, y)
    parts = x, y, none, y, none
    alpha = solver.step_x * min(TRACKED / L, eta)
    return Loop(*parts, scale, gamma, c0, eta, alpha, sound=parts)


def lv_hba_step(solver, problem, s, run):
    """Return the state after `check_every` iterations; halve the steps where they diverge."""
    for _ in range(solver.check_every):
        s = _iteration(solver, problem, s)
        if not sound(s.x, s.y, s.z, s.t, s.l):
            return restarted(s, "xyztl", eta=s.eta / 2, alpha=s.alpha / 2)
    return s._replace(sound=(s.x, s.y, s.z, s.t, s.l))


def _iteration(solver, problem, s):
    (g1, g2), eq, r = s.gamma, problem.eq, solver.radius
    low = np.where(eq, -r, 0.0)
    Jy = problem.jac_g(s.x, s.t)[1]
    dt = problem.grad_f_y(s.x, s.t) + (s.scale * s.l) @ Jy + (s.t - s.y) / g1
    dl = -s.scale * problem.g(s.x, s.t) + (s.l - s.z) / g2
    t, l = problem.project_lower(s.t - s.eta * dt), np.clip(s.l - s.eta * dl, low, r)
    fx, _ = problem.grad_f(s.x, t)
    pull = (s.scale * l) @ (problem.jac_g(s.x, t)[0])
    (Fx, Fy), (ux, uy) = problem.grad_F(s.x, s.y), problem.grad_f(s.x, s.y)
    c = s.c0 * (s.k + 1) ** solver.penalty_power
    d = np.concatenate([Fx / c + ux - fx - pull, Fy / c + uy - (s.y - t) / g1, -(l - s.z) / g2])
    w = np.concatenate([s.x, s.y, s.z]) - s.alpha * d
    x, y = problem.project(*problem.split(w[: problem.size]))
    z = np.clip(w[problem.size :], low, r)
    return s._replace(x=x, y=y, z=z, t=t, l=l, k=s.k + 1)


def lv_hba_report(solver, problem, s, run):
    """Report the point with its lower level solved, and how far the penalised problem is."""
    y = solve_lower(problem, s.x, s.y)[1] if solver.resolve else s.y
    c = s.c0 * (s.k + 1) ** solver.penalty_power
    prox = Prox(s.gamma[0], s.gamma[1] * s.scale**2, solver.radius)
    w = np.concatenate([s.x, s.y, s.scale * s.z])
    penalised = Penalised(problem, prox, c, SADDLE_TOL)
    slope = penalised(w, s.t)[1][: problem.size]
    moved = np.concatenate(problem.project(*problem.split(w[: problem.size] - slope)))
    stationarity = float(np.linalg.norm(moved - w[: problem.size])) if s.k else np.inf
    f, fun = problem.f(s.x, y), problem.F(s.x, y)
    gap = max(0.0, problem.f(s.x, s.y) - f) / (1.0 + abs(f))
    apart = max(gap, abs(problem.F(s.x, s.y) - fun) / (1.0 + abs(fun)))
    scalars = {"penalty": c, "alpha": s.alpha}
    return solver.reported(problem, s.x, y, stationarity, 0.0, apart, scalars, penalty=c)
