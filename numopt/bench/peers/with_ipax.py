"""ipax: an interior-point method on the array API, here with NumPy arrays."""

import numpy as np

from numopt.bench.peers.table import MANY, Answer, one_sided, peer, weighted_hess


@peer("ipax", module="ipax", package="ipax")
def _ipax(problem, x0, tol, time_limit, seed):
    import ipax

    limits = dict.fromkeys(("dual_inf_tol", "constr_viol_tol", "compl_inf_tol"), 1e-2 * tol)
    options = ipax.Options(
        optimality=ipax.OptimalityConditionOptions(**limits),
        max_iter=MANY,
        max_time=float(time_limit),
        hessian="exact",
    )
    rows = _Rows(problem)
    model = ipax.FunctionProblem(problem.n, problem.fun, gradient=problem.grad, **rows.given())

    def answer():
        res = ipax.solve(model, x0, options=options)
        y = rows.multipliers(res.y_eq, res.y_ineq)
        z_lower, z_upper = (_full(z, problem.n) for z in (res.z_lower, res.z_upper))
        claimed = res.status is ipax.Status.OPTIMAL
        words = f"{res.status.name}: {res.message}"
        return Answer(np.asarray(res.x), y, z_lower, z_upper, claimed, words, res.n_iter)

    return answer


def _full(z, n):
    return np.zeros(n) if z is None else np.asarray(z)


class _Rows:
    """The constraints as equations c = 0 and inequalities g <= 0, and back."""

    def __init__(self, problem):
        self.problem = problem
        rows = one_sided(problem)
        self.eq = [part for part in rows if part[0] == "eq"]
        self.ineq = [part for part in rows if part[0] == "ineq"]

    def given(self):
        """Return the arguments of a `FunctionProblem`."""
        p = self.problem
        given = {"bounds": (p.lb, p.ub), "lagrangian_hessian": self._hess}
        for name, rows, sign in (("eq", self.eq, 1.0), ("ineq", self.ineq, -1.0)):
            if rows:
                given[f"{name}_constraints"] = lambda x, r=rows, s=sign: s * self._values(r, x)
                given[f"{name}_jacobian"] = lambda x, r=rows, s=sign: s * self._jacobian(r, x)
        return given

    def multipliers(self, y_eq, y_ineq):
        """Return the multipliers of the rows of the problem."""
        y = np.zeros(self.problem.m)
        for rows, found, factor in ((self.eq, y_eq, 1.0), (self.ineq, y_ineq, -1.0)):
            start = 0
            for _, i, sign, _ in rows:
                y[i] += factor * sign * np.asarray(found)[start : start + i.size]
                start += i.size
        return y

    def _hess(self, x, y_eq, y_ineq, weight=1.0):
        y = self.multipliers(y_eq, y_ineq)
        return weighted_hess(self.problem, x, y, float(weight)).toarray()

    def _values(self, rows, x):
        c = self.problem.cons(x)
        return np.concatenate([sign * (c[i] - side) for _, i, sign, side in rows])

    def _jacobian(self, rows, x):
        J = self.problem.jac(x).toarray()
        return np.concatenate([sign * J[i] for _, i, sign, _ in rows])
