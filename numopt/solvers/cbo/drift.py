"""Ways to be drawn to the consensus point beside -lam dt (x - c).

correction: -lam dt h (x - c) with h = H(f(x) - f(c)), or the smooth (1 + tanh(. / 1e-3)) / 2
gradient:   -gamma dt grad f(x) in addition
adam:       m = 0.9 m + 0.1 (x - c), v = 0.99 v + 0.01 (x - c)^2, with their biases corrected;
            -lam m / (sqrt(v) + 1e-8) (Chen, Jin, Lyu, 2022)
exact:      -(1 - exp(-lam dt)) (x - c), the Ornstein-Uhlenbeck process for a fixed c
"""

import numpy as np

SMOOTH = 1e-3  # width of the smooth Heaviside function
FIRST, SECOND, TINY = 0.9, 0.99, 1e-8  # of Adam's moments


def pull(solver, problem, s, rows):
    """Return what is subtracted from some particles, shape (k, n), and their new moments."""
    U, moments = (s.X - s.c)[rows], s.moments
    if solver.update == "adam":
        step, moments = _adam(solver, s, U, rows)
    elif solver.update == "exact":
        step = -np.expm1(-solver.lam * solver.dt) * U
    else:
        step = solver.lam * solver.dt * U
    if solver.correction != "none":
        step = step * _correction(solver, problem, s, rows)[:, None]
    if solver.gradient:
        G = np.array([problem.grad(x) for x in s.X[rows]]).reshape(U.shape)
        step = step + solver.gradient * solver.dt * np.where(np.isfinite(G), G, 0.0)
    return step, moments


def value_at_consensus(solver, problem, s):
    """Return f(c), which is known after the last step of an iteration only."""
    return s.fun if s.steps % solver.inner == 0 else problem.fun(s.x)


def _adam(solver, s, U, rows):
    moments = s.moments.copy() if s.moments.size else np.zeros((2, *s.X.shape))
    m, v = moments[0], moments[1]
    m[rows] = FIRST * m[rows] + (1.0 - FIRST) * U
    v[rows] = SECOND * v[rows] + (1.0 - SECOND) * U**2
    age = s.steps + 1
    mean, square = m[rows] / (1.0 - FIRST**age), v[rows] / (1.0 - SECOND**age)
    return solver.lam * mean / (np.sqrt(square) + TINY), moments


def _correction(solver, problem, s, rows):
    """Return h for each particle; those without a value are drawn."""
    above = s.f[rows] - value_at_consensus(solver, problem, s)
    above = np.where(np.isnan(above), np.inf, above)
    if solver.correction == "step":
        return np.where(above > 0.0, 1.0, 0.0)
    return 0.5 + 0.5 * np.tanh(above / SMOOTH)
