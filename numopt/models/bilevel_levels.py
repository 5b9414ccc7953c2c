"""Nonlinear programs that a bilevel problem is made of, or replaced by."""

import numpy as np
from scipy.sparse import csr_matrix

from numopt.models.nlp import NLP

FORWARD = np.finfo(float).eps ** (1 / 2)  # step of differences of exact gradients


class Joint(NLP):
    """One objective with its rows over (x, y), as a nonlinear program; to check derivatives.

    Parameters
    ----------
    problem : Bilevel
    names : {"FG", "fg"}
        Objective and rows.
    """

    def __init__(self, problem, names):
        self.problem, (self.objective, self.rows) = problem.armed(), names
        rows = problem.p if self.rows == "g" else problem.q
        super().__init__(problem.x0, cl=np.full(rows, -np.inf), cu=np.zeros(rows))
        self.by_differences = frozenset({"hess"})
        if not problem.exact("grad_" + self.objective):
            self.by_differences |= {"grad"}

    def _fun(self, x):
        return getattr(self.problem, self.objective)(*self.problem.split(x))

    def _grad(self, x):
        return np.concatenate(
            getattr(self.problem, "grad_" + self.objective)(*self.problem.split(x))
        )

    def _cons(self, x):
        return getattr(self.problem, self.rows)(*self.problem.split(x))

    def _jac(self, x):
        return csr_matrix(
            np.hstack(getattr(self.problem, "jac_" + self.rows)(*self.problem.split(x)))
        )


class LowerLevel(NLP):
    """The lower level at one x: minimise f(x, .) subject to g(x, .) <= 0 and the rows of Y.

    Parameters
    ----------
    problem : Bilevel
        Evaluations go on its account.
    x : ndarray, shape (n,)
    y : ndarray, shape (m,)
        Start point.
    products : bool
        Whether the Hessian is known by products only.
    """

    def __init__(self, problem, x, y, products=False):
        self.problem, self.x, self.stacked = problem, x, problem.lower_rows
        self.only_products = products
        eq = self.stacked.eq
        super().__init__(y, cl=np.where(eq, 0.0, -np.inf), cu=np.zeros(eq.size), name="lower level")

    def _fun(self, x):
        return self.problem.f(self.x, x)

    def _grad(self, x):
        return self.problem.grad_f_y(self.x, x)

    def _cons(self, x):
        return self.stacked.value(self.x, x)

    def _jac(self, x):
        return csr_matrix(self.stacked.jac(self.x, x)[1])

    def _hess(self, x, y):
        return csr_matrix(curvature(self.problem, self.x, x, y)[1])

    def _hessp(self, x, y, v):
        product = self.problem.hvp(self.x, x, v)[1]
        return product + self.stacked.curvature(self.x, x, y, v)[1]


def curvature(problem, x, y, weights):
    """Return second derivatives of the lower Lagrangian f + weights'r, arrays (m, n) and (m, m).

    The first is in y and x, the second in y twice, and symmetric.
    """
    mixed, own = np.empty((problem.m, problem.n)), np.empty((problem.m, problem.m))
    for j, e in enumerate(np.eye(problem.m)):
        first, second = problem.hvp(x, y, e)
        rows = problem.lower_rows.curvature(x, y, weights, e)
        mixed[j], own[j] = first + rows[0], second + rows[1]
    return mixed, (own + own.T) / 2


class RelaxedKKT(NLP):
    """The bilevel problem with the KKT conditions of its lower level, complementarity relaxed.

        minimise F(x, y)   subject to   G(x, y) <= 0,  x in X,
            grad_y f + J_y'l = 0,   r(x, y) <= 0,   l >= 0,   -l_i r_i <= e,
            f(x, y) <= f(x, t)   for t in `cuts`

    over v = (x, y, l); equations among the rows r have multipliers of either sign.

    Parameters
    ----------
    problem : Bilevel
    v : ndarray, shape (n + m + k,)
        Start point.
    relaxation : float
        e.
    cuts : sequence of ndarray, shape (m,)
        Better points of the lower level found before.
    """

    def __init__(self, problem, v, relaxation, cuts=()):
        self.problem, self.cuts = problem, list(cuts)
        self.lower, self.upper = problem.lower_rows, problem.upper_rows
        eq = self.lower.eq
        self.inequal = np.flatnonzero(~eq)
        self.hess_kind = (
            "exact" if problem.exact("grad_F") and problem.exact("hvp") else "differences"
        )
        blocks = [
            (np.where(self.upper.eq, 0.0, -np.inf), np.zeros(self.upper.eq.size)),
            (np.zeros(problem.m), np.zeros(problem.m)),
            (np.where(eq, 0.0, -np.inf), np.zeros(eq.size)),
            (np.full(self.inequal.size, -np.inf), np.full(self.inequal.size, relaxation)),
            (np.full(len(self.cuts), -np.inf), np.zeros(len(self.cuts))),
        ]
        cl, cu = (np.concatenate(sides) for sides in zip(*blocks, strict=True))
        lb, ub = np.full(v.size, -np.inf), np.full(v.size, np.inf)
        if self.upper.region is not None:
            lb[: problem.n], ub[: problem.n] = self.upper.region.lb, self.upper.region.ub
        lb[problem.size :] = np.where(eq, -np.inf, 0.0)
        self.ends = np.cumsum([0, *(low.size for low, _ in blocks)])
        super().__init__(np.clip(v, lb, ub), lb, ub, cl, cu, name="relaxed KKT system")

    def parts(self, v):
        """Return x, y and the multipliers."""
        n, size = self.problem.n, self.problem.size
        return v[:n], v[n:size], v[size:]

    def _fun(self, x):
        return self.problem.F(*self.parts(x)[:2])

    def _grad(self, x):
        grad = self.problem.grad_F(*self.parts(x)[:2])
        return np.concatenate([*grad, np.zeros(self.lower.eq.size)])

    def _cons(self, x):
        x, y, weights = self.parts(x)
        r, Jy = self.lower.value(x, y), self.lower.jac(x, y)[1]
        own = self.problem.f(x, y) if self.cuts else 0.0
        return np.concatenate(
            [
                self.upper.value(x, y),
                self.problem.grad_f_y(x, y) + Jy.T @ weights,
                r,
                -(weights * r)[self.inequal],
                [own - self.problem.f(x, t) for t in self.cuts],
            ]
        )

    def _jac(self, x):
        x, y, weights = self.parts(x)
        size, k = self.problem.size, self.lower.eq.size
        r, (Rx, Ry) = self.lower.value(x, y), self.lower.jac(x, y)
        mixed, own = curvature(self.problem, x, y, weights)
        R = np.hstack([Rx, Ry, np.zeros((k, k))])
        products = -weights[:, None] * R
        products[:, size:] -= np.diag(r)
        rows = [
            np.hstack([*self.upper.jac(x, y), np.zeros((self.upper.eq.size, k))]),
            np.hstack([mixed, own, Ry.T]),
            R,
            products[self.inequal],
            self._cut_slopes(x, y, k),
        ]
        return csr_matrix(np.vstack(rows))

    def _cut_slopes(self, x, y, k):
        if not self.cuts:
            return np.zeros((0, self.n))
        own = self.problem.grad_f(x, y)
        slopes = [own[0] - self.problem.grad_f(x, t)[0] for t in self.cuts]
        rest = np.concatenate([own[1], np.zeros(k)])
        return np.array([np.concatenate([slope, rest]) for slope in slopes])

    def _hess(self, x, y):
        """Return the Hessian of the Lagrangian by differences of its gradient in x and y.

        In the multipliers l the gradient is linear.
        """
        size, H = self.problem.size, np.zeros((self.n, self.n))
        here = self._lagrange_gradient(x, y)
        for j in range(size):
            h = FORWARD * max(1.0, abs(x[j]))
            H[j] = (self._lagrange_gradient(_moved(x, j, h), y) - here) / h
        H[size:] = H[:, size:].T
        H[:size, :size] = (H[:size, :size] + H[:size, :size].T) / 2
        return csr_matrix(H)

    def _lagrange_gradient(self, v, weights):
        """Return grad F + J'weights, without the Jacobian of grad_y f."""
        x, y, l = self.parts(v)
        upper, mu, rows, products, cuts = np.split(weights, self.ends[1:-1])
        r, (Rx, Ry) = self.lower.value(x, y), self.lower.jac(x, y)
        along = self.problem.hvp(x, y, mu)
        bend = self.lower.curvature(x, y, l, mu)
        on_r = rows.copy()
        on_r[self.inequal] -= products * l[self.inequal]
        gx, gy = self.problem.grad_F(x, y)
        Ux, Uy = self.upper.jac(x, y)
        gx = gx + upper @ Ux + along[0] + bend[0] + on_r @ Rx
        gy = gy + upper @ Uy + along[1] + bend[1] + on_r @ Ry
        on_l = Ry @ mu
        on_l[self.inequal] -= products * r[self.inequal]
        if self.cuts:
            joint = cuts @ self._cut_slopes(x, y, l.size)
            gx, gy = gx + joint[: gx.size], gy + joint[gx.size : gx.size + gy.size]
        return np.concatenate([gx, gy, on_l])


def _moved(v, j, h):
    v = v.copy()
    v[j] += h
    return v
