"""The proximal Lagrangian value function and the penalised objective of LV-HBA.

    v(x, y, z) = min_{t in Y} max_{l in Z}  f(x, t) + l'g(x, t)
                                            + |t - y|^2/(2 g1) - |l - z|^2/(2 g2)

with Z = [0, r] for inequalities and [-r, r] for equations. For each t the inner maximum has
l = Proj_Z(z + g2 g(x, t)), so that a smooth, strongly convex function of t is left. At the saddle

    grad_x v = grad_x f(x, t) + J_x g(x, t)'l,   grad_y v = (y - t)/g1,   grad_z v = (l - z)/g2.

On g <= 0, y in Y the gap f(x, y) - v(x, y, z) is never negative, and zero exactly where y solves
the lower level with the multipliers z.
"""

from typing import NamedTuple

import numpy as np

from numopt.models.nlp import NLP
from numopt.solvers.bilevel.descent import Region, minimise, region_of
from numopt.solvers.bilevel.newton import Metric, newton

INNER, STEPS = 3e-5, 50  # gradient in y relative to |grad_y F|, and steps, where y is eliminated


class Prox(NamedTuple):
    """Parameters of the value function."""

    gamma1: float
    gamma2: np.ndarray  # one for each row, (p,)
    radius: float  # r

    def multipliers(self, z, g, eq):
        """Return Proj_Z(z + g2 g), shape (p,)."""
        return np.clip(z + self.gamma2 * g, np.where(eq, -self.radius, 0.0), self.radius)


def row_scales(problem, x, y):
    """Return the reciprocal lengths of the gradients of g, 1 where they vanish, shape (p,)."""
    lengths = np.sqrt(sum((J**2).sum(axis=1) for J in problem.jac_g(x, y)))
    return 1.0 / np.where(lengths > 0.0, lengths, 1.0)


class Saddle(NamedTuple):
    """The saddle point of a value v and its gradient."""

    t: np.ndarray  # (m,)
    l: np.ndarray  # (p,)
    value: float
    gx: np.ndarray  # (n,)
    gy: np.ndarray  # (m,)
    gz: np.ndarray  # (p,)
    metric: Metric


def saddle(problem, prox, x, y, z, near, tol, maxiter=500):
    """Return the `Saddle` at (x, y, z).

    Parameters
    ----------
    problem : Bilevel
    prox : Prox
    x, y, z : ndarray, shapes (n,), (m,), (p,)
    near : Saddle or ndarray, shape (m,)
        First guess of the saddle point, or of t.
    tol : float
        Of the gradient in t.
    maxiter : int
    """
    t, metric = (near.t, near.metric) if isinstance(near, Saddle) else (near, Metric())

    def multipliers(t):
        return prox.multipliers(z, problem.g(x, t), problem.eq)

    def value(t):
        g = problem.g(x, t)
        l = prox.multipliers(z, g, problem.eq)
        near = (t - y) @ (t - y) / (2 * prox.gamma1) - (l - z) ** 2 @ (0.5 / prox.gamma2)
        return problem.f(x, t) + l @ g + near

    def gradient(t):
        push = multipliers(t) @ problem.jac_g(x, t)[1]
        return problem.grad_f_y(x, t) + push + (t - y) / prox.gamma1

    def product(t, v):
        l, J = multipliers(t), problem.jac_g(x, t)[1]
        inside = problem.eq | ((l > 0.0) & (l < prox.radius))
        stiff = J.T @ (prox.gamma2 * inside * (J @ v))
        own = problem.lower_rows.curvature(x, t, _padded(problem, l), v)[1]
        return problem.hvp(x, t, v)[1] + own + stiff + v / prox.gamma1

    if problem.Y is None:
        found = newton(value, gradient, product, t, tol, maxiter, metric)
        t, metric = found.y, found.metric
    else:
        oracle = lambda t, _: (value(t), gradient(t), None)  # noqa: E731
        region = region_of(problem.Y, problem.m)
        t = minimise(oracle, region.project(t), region, tol, maxiter).at.w
    l = multipliers(t)
    gx = problem.grad_f(x, t)[0] + l @ problem.jac_g(x, t)[0]
    return Saddle(t, l, value(t), gx, (y - t) / prox.gamma1, (l - z) / prox.gamma2, metric)


def _padded(problem, l):
    """Return multipliers of g followed by zeros for the rows of Y."""
    return np.concatenate([l, np.zeros(problem.lower_rows.eq.size - l.size)])


class Penalised:
    """The objective F + c (f - v) over w = (x, y, z), with its gradient.

    Parameters
    ----------
    problem : Bilevel
    prox : Prox
    c : float
        Penalty.
    tol : float
        Of the saddle points.
    """

    def __init__(self, problem, prox, c, tol):
        self.problem, self.prox, self.c, self.tol = problem, prox, c, tol

    def parts(self, w):
        """Return x, y, z."""
        n, size = self.problem.n, self.problem.size
        return w[:n], w[n:size], w[size:]

    def __call__(self, w, near):
        """Return (value, gradient, saddle point); `near` is its first guess."""
        x, y, z = self.parts(w)
        if not np.isfinite(w).all():
            return np.inf, np.full(w.size, np.nan), near
        s = saddle(self.problem, self.prox, x, y, z, near, self.tol)
        F, f = self.problem.F(x, y), self.problem.f(x, y)
        (Fx, Fy), (fx, fy) = self.problem.grad_F(x, y), self.problem.grad_f(x, y)
        c = self.c
        slope = np.concatenate([Fx + c * (fx - s.gx), Fy + c * (fy - s.gy), -c * s.gz])
        return F + c * (f - s.value), slope, s

    def reduced(self, x, known):
        """Return (value, gradient) of the minimum over y in Y, and what finds the next one.

        For problems without rows: z is empty. `known` is (y, a saddle point, memory of descent).
        """
        if not np.isfinite(x).all():
            return np.inf, np.full(x.size, np.nan), known
        y, near, memory = known
        tol = INNER * float(np.linalg.norm(self.problem.grad_F(x, y)[1]))
        own = _InY(self, x, near)
        if self.problem.Y is None:
            found = newton(own.value, own.gradient, own.product, y, tol, STEPS, memory)
            y, memory = found.y, found.metric
        else:
            region = region_of(self.problem.Y, y.size)
            oracle = lambda y, _: (own.value(y), own.gradient(y), None)  # noqa: E731
            memory = minimise(oracle, y, region, tol, STEPS, None, memory)
            y = memory.at.w
        value, slope = own.both(y)
        return value, slope[: x.size], (y, own.near, memory)


class _InY:
    """The penalised objective as a function of y."""

    def __init__(self, penalised, x, near):
        self.penalised, self.x, self.near, self.known = penalised, x, near, None

    def both(self, y):
        """Return the value and the gradient in x and y, once for a point."""
        if self.known is None or not np.array_equal(self.known[0], y):
            w = np.concatenate([self.x, y])
            value, slope, self.near = self.penalised(w, self.near)
            self.known = y.copy(), (value, slope)
        return self.known[1]

    def value(self, y):
        """Return the value."""
        return self.both(y)[0]

    def gradient(self, y):
        """Return the gradient in y."""
        return self.both(y)[1][self.x.size :]

    def product(self, y, v):
        """Return the curvature of F + c f along v; that of v(x, y, z) is at most 1/g1."""
        problem, c = self.penalised.problem, self.penalised.c
        return problem.hvp_F(self.x, y, v)[1] + c * problem.hvp(self.x, y, v)[1]


class PenalisedNLP(NLP):
    """The same as a nonlinear program, over the rows of both levels and z in Z.

    Parameters
    ----------
    penalised : Penalised
    w : ndarray, shape (n + m + p,)
        Start point.
    near : Saddle or ndarray, shape (m,)
        First guess of the saddle point there, or of t.
    """

    hess_kind = "quasi-newton"

    def __init__(self, penalised, w, near):
        self.penalised, self.problem, self.near = penalised, penalised.problem, near
        self.stacks = self.problem.upper_rows, self.problem.lower_rows
        eq = np.concatenate([rows.eq for rows in self.stacks])
        lb, ub = np.full(w.size, -np.inf), np.full(w.size, np.inf)
        size, region, r = self.problem.size, self.problem.upper_rows.region, penalised.prox.radius
        lb[size:], ub[size:] = np.where(self.problem.eq, -r, 0.0), r
        if region is not None:
            lb[: self.problem.n], ub[: self.problem.n] = region.lb, region.ub
        sides = np.where(eq, 0.0, -np.inf), np.zeros(eq.size)
        super().__init__(np.clip(w, lb, ub), lb, ub, *sides, name="penalised problem")

    def hess_strategy(self):
        """Return damped BFGS, not yet initialised."""
        from scipy.optimize import BFGS

        return BFGS(exception_strategy="damp_update")

    def _both(self, x):
        known = (self.memo or {}).get("both")
        if known is None or known[0] != x.tobytes():
            value, slope, self.near = self.penalised(x, self.near)
            known = x.tobytes(), value, slope
            if self.memo is not None:
                self.memo["both"] = known
        return known

    def _fun(self, x):
        return self._both(x)[1]

    def _grad(self, x):
        return self._both(x)[2].copy()

    def _cons(self, x):
        return np.concatenate([rows.value(*self.penalised.parts(x)[:2]) for rows in self.stacks])

    def _jac(self, x):
        from scipy.sparse import csr_matrix

        x, y, z = self.penalised.parts(x)
        blocks = [np.hstack(rows.jac(x, y)) for rows in self.stacks]
        J = np.vstack(blocks)
        return csr_matrix(np.hstack([J, np.zeros((len(J), z.size))]))


def joint_region(problem, prox):
    """Return the `Region` of (x, y, z)."""
    low = np.where(problem.eq, -prox.radius, 0.0)

    def project(w):
        x, y = problem.project(*problem.split(w[: problem.size]))
        return np.concatenate([x, y, np.clip(w[problem.size :], low, prox.radius)])

    return Region(projection=project)


def first_penalty(problem, x, y):
    """Return |grad F| / |grad f| at the start, between 1 and 100."""
    upper, lower = (
        np.linalg.norm(np.concatenate(g(x, y))) for g in (problem.grad_F, problem.grad_f)
    )
    return float(np.clip(upper / max(lower, 1e-300), 1.0, 100.0)) if upper > 0.0 else 1.0


def first_prox(problem, x, y):
    """Return 10 over the largest curvature of f in y, found by power iteration, 1 if it is flat."""
    v, size = np.ones(problem.m) / np.sqrt(problem.m), 0.0
    for _ in range(10):
        v = problem.hvp(x, y, v)[1]
        size = float(np.linalg.norm(v))
        if not 1e-12 < size < np.inf:
            return 1.0
        v = v / size
    return 10.0 / size
