"""Linear programs as saddle points.

    minimise c'x   subject to   cl <= Ax <= cu,  lb <= x <= ub

    min_{lb <= x <= ub} max_y   c'x + y'Ax - h(y),     h(y) = cu'max(y, 0) - cl'max(-y, 0)

The multipliers have the sign of the house: c + A'y - z_lower + z_upper = 0, y >= 0 at upper sides.
"""

from typing import Any

import numpy as np

from numopt.core.errors import ProblemError, Status, Stop
from numopt.linalg.coupling import Dense
from numopt.models.inputs import real_vector
from numopt.models.saddle import BilinearProblem, checked_coupling

RUIZ_PASSES = 10  # of cuPDLPx
RAY = 1e-10  # relative error that the proof of infeasibility may have, of cuPDLPx


class LinearProgram(BilinearProblem):
    """A linear program with two-sided rows and bounds.

        minimise c'x   subject to   cl <= Ax <= cu,  lb <= x <= ub

    Parameters
    ----------
    c : array_like, shape (n,)
    A : array_like, sparse matrix or LinearOperator, shape (m, n)
    cl, cu : array_like, shape (m,), or float
        Sides of the rows; infinite for none, equal for an equation.
    lb, ub : array_like, shape (n,), or float
        Bounds; by default x >= 0.
    x0 : array_like, shape (n + m,), optional
        Start point (x, y); zero, moved into the bounds, by default.

    Raises
    ------
    ProblemError
        For shapes that do not fit, crossed sides or bounds, numbers that are not finite.

    Notes
    -----
    Results have ``primal`` (x), ``dual`` (y), ``fun`` (c'x), ``dual_value`` and ``gap``, the
    difference of the two. ``criterion="relative"`` is the largest of the errors
    |Ax - [cl, cu]| / (1 + |sides|), |c + A'y - z| / (1 + |c|) and gap / (1 + |c'x| + |dual value|)
    in Euclidean norms.

    Examples
    --------
    >>> lp = numopt.LinearProgram([-1.0, -2.0], [[1.0, 1.0]], cu=1.0, cl=-np.inf)
    >>> res = numopt.solve(lp)
    >>> res.success, res.primal.round(5), res.dual.round(5)
    (True, array([0., 1.]), array([2.]))
    """

    with_gap = True
    adaptive_weight = True

    def __init__(
        self, c, A, cl: Any = -np.inf, cu: Any = np.inf, lb: Any = 0.0, ub: Any = np.inf, x0=None
    ):
        super().__init__()
        self.K = checked_coupling(A, "A")
        m, n = self.K.shape
        self.p, self.q = real_vector(c, "c", n=n, finite=True), np.zeros(m)
        self.cl, self.cu = _sides(cl, cu, m, "cl", "cu")
        self.lb, self.ub = _sides(lb, ub, n, "lb", "ub")
        self._sized()
        self.x0 = np.zeros(self.n)
        self.x0 = self.start(x0)

    @classmethod
    def from_mps(cls, path):
        """Read a file in free or fixed MPS format; needs the package ``highspy``.

        Raises
        ------
        ImportError
            Without ``highspy``.
        ProblemError
            For a file that cannot be read, or holds integer variables or a quadratic objective.
        """
        import highspy  # pyright: ignore
        from scipy.sparse import csc_matrix

        highs = highspy.Highs()
        highs.setOptionValue("output_flag", False)
        if highs.readModel(str(path)) != highspy.HighsStatus.kOk:
            raise ProblemError(f"{path} cannot be read as MPS")
        lp, matrix = highs.getLp(), highs.getLp().a_matrix_
        if any(kind != highspy.HighsVarType.kContinuous for kind in lp.integrality_):
            raise ProblemError(f"{path} has integer variables")
        if highs.getModel().hessian_.dim_:
            raise ProblemError(f"{path} has a quadratic objective")
        data = matrix.value_, matrix.index_, matrix.start_
        A = csc_matrix(tuple(map(np.array, data)), (lp.num_row_, lp.num_col_))
        sign = -1.0 if lp.sense_ == highspy.ObjSense.kMaximize else 1.0
        columns = (
            np.array(v) for v in (lp.row_lower_, lp.row_upper_, lp.col_lower_, lp.col_upper_)
        )
        return cls(sign * np.array(lp.col_cost_), A, *columns)

    def prox_x(self, v, t):
        """Return the proximal map of f with step t."""
        return np.clip(v, self.lb, self.ub)

    def prox_y(self, v, t):
        """Return the proximal map of h with step t."""
        return v - t * np.clip(v / t, self.cl, self.cu)

    # -- measures ----------------------------------------------------------------------------

    def objective(self, point):
        """Return what `res.fun` shows."""
        return float(self.p @ self.split(point.u)[0])

    def violation(self, point):
        """Return the largest violation of a row."""
        Ax = -self.split(point.F)[1]
        return float(np.abs(Ax - np.clip(Ax, self.cl, self.cu)).max())

    def reduced(self, point):
        """Return the part of c + A'y that finite bounds bear, and the part that nothing bears."""
        r = self.split(point.F)[0]
        borne = np.where(r > 0, np.isfinite(self.lb), np.isfinite(self.ub))
        return np.where(borne, r, 0.0), np.where(borne, 0.0, r)

    def dual_value(self, point):
        """Return the dual objective; what no finite bound or side bears is left out."""
        z, y = self.reduced(point)[0], self.split(point.u)[1]
        return _paid(z, self.lb, self.ub) - _paid(y, self.cu, self.cl)

    def gap(self, point):
        """Return the duality gap."""
        return abs(self.objective(point) - self.dual_value(point))

    def relative(self, point, first):
        """Return the largest relative error of the optimality conditions."""
        Ax = -self.split(point.F)[1]
        sides = (
            np.where(np.isfinite(self.cl), self.cl, 0.0),
            np.where(np.isfinite(self.cu), self.cu, 0.0),
        )
        size = float(np.linalg.norm(np.maximum(*map(np.abs, sides))))
        primal = np.linalg.norm(Ax - np.clip(Ax, self.cl, self.cu)) / (1.0 + size)
        dual = np.linalg.norm(self.reduced(point)[1]) / (1.0 + np.linalg.norm(self.p))
        value, other = self.objective(point), self.dual_value(point)
        return float(max(primal, dual, abs(value - other) / (1.0 + abs(value) + abs(other))))

    def fields(self, point):
        """Return the problem's own fields of a result."""
        own = {"gap": self.gap(point), "dual_value": self.dual_value(point)}
        return super().fields(point) | own | {"ray": (self.memo or {}).get("ray")}

    # -- what the primal-dual method needs ---------------------------------------------------

    def metric(self):
        """Return the squares of the scalings by Ruiz and then Pock and Chambolle."""
        if not self.K.rows_known:
            return super().metric()
        self.pay(self.components * (RUIZ_PASSES + 1))
        entries = abs(self.K.K)
        dx, dy = np.ones(self.K.shape[1]), np.ones(self.K.shape[0])
        for passes in range(RUIZ_PASSES + 1):
            scaled = self._scaled(entries, dx, dy)
            if passes < RUIZ_PASSES:
                columns, rows = (_dense(scaled.max(axis=k)) for k in (0, 1))
            else:
                columns, rows = (_dense(scaled.sum(axis=k)) for k in (0, 1))
            dx, dy = dx / np.where(columns > 0, columns, 1.0), dy / np.where(rows > 0, rows, 1.0)
        return dx, dy

    def _scaled(self, entries, dx, dy):
        rx, ry = np.sqrt(dx), np.sqrt(dy)
        if isinstance(self.K, Dense):
            return ry[:, None] * entries * rx
        return entries.multiply(ry[:, None]).multiply(rx).tocsr()

    def weight(self, dx, dy):
        """Return the ratio of the norms of objective and sides in the metric."""
        sides = np.where(
            np.isfinite(self.cl), self.cl, np.where(np.isfinite(self.cu), self.cu, 0.0)
        )
        cost, size = np.linalg.norm(np.sqrt(dx) * self.p), np.linalg.norm(np.sqrt(dy) * sides)
        return float(cost / size) if cost > 0.0 and size > 0.0 else 1.0

    def refuse_unsolvable(self, x, y):
        """Stop with INFEASIBLE or UNBOUNDED if a ray (x, y) proves it; it is kept as ``ray``."""
        for ray, proves, status in (
            (y, self.proves_infeasible, Status.INFEASIBLE),
            (x, self.proves_unbounded, Status.UNBOUNDED),
        ):
            if ray.any() and proves(ray):
                if self.memo is not None:
                    self.memo["ray"] = ray / np.abs(ray).max()
                raise Stop(status, "a ray proves it, see `ray`")

    def proves_infeasible(self, y):
        """Say whether y'Ax > h(y) for all x within the bounds: then no x satisfies the rows."""
        d = self.K.adjoint(y)
        bounds, sides = np.where(d > 0, self.lb, self.ub), np.where(y > 0, self.cu, self.cl)
        lost = np.linalg.norm(d[np.isinf(bounds)]) + np.linalg.norm(y[np.isinf(sides)])
        gain = _paid(d, self.lb, self.ub) - _paid(y, self.cu, self.cl)
        return gain > 0.0 and lost <= RAY * gain

    def proves_unbounded(self, x):
        """Say whether x can be added to any feasible point as often as one likes, and c'x < 0."""
        Ax, gain = self.K.times(x), -float(self.p @ x)
        lost = _leaving(Ax, self.cl, self.cu) + _leaving(x, self.lb, self.ub)
        return gain > 0.0 and lost <= RAY * gain


def _paid(v, at_positive, at_negative):
    """Return the sum of v_i times the limit that belongs to its sign, infinite ones left out."""
    limit = np.where(v > 0, at_positive, at_negative)
    return float(np.sum(np.where(np.isfinite(limit) & (v != 0), v * np.nan_to_num(limit), 0.0)))


def _leaving(v, lower, upper):
    """Return the norm of the parts of a direction that finite limits forbid."""
    down, up = np.where(np.isfinite(lower), -v, 0.0), np.where(np.isfinite(upper), v, 0.0)
    return float(np.linalg.norm(np.maximum(np.maximum(down, up), 0.0)))


def _dense(v):
    return np.asarray(v.todense() if hasattr(v, "todense") else v).ravel()


def _sides(lower, upper, size, *names):
    pair = [real_vector(v, name, n=size) for v, name in zip((lower, upper), names, strict=True)]
    if np.any(pair[0] > pair[1]) or np.any(pair[0] == np.inf) or np.any(pair[1] == -np.inf):
        raise ProblemError(f"`{names[0]}` exceeds `{names[1]}`, or is infinite on the wrong side")
    return pair
