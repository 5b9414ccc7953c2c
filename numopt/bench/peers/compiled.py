"""IPOPT, POUNCE and Uno: compiled solvers that take sparse derivatives of a fixed structure."""

import numpy as np
from scipy.sparse import csr_array

from numopt.bench.peers.table import MANY, Answer, peer, weighted_hess
from numopt.core.errors import ProblemError


class Pattern:
    """Positions of the entries of matrices of one structure, found from examples.

    Parameters
    ----------
    *examples : sparse matrices
        Their stored entries, zeros included, make up the pattern.
    lower : bool
        Keep the lower triangle only.
    """

    def __init__(self, *examples, lower=False):
        coo = [A.tocoo() for A in examples]
        rows, cols = (np.concatenate([getattr(A, a) for A in coo]) for a in ("row", "col"))
        self.shape = examples[0].shape
        keys = np.unique(rows.astype(np.int64) * self.shape[1] + cols)
        self.rows, self.cols = np.divmod(keys, self.shape[1])
        self._full = csr_array((np.ones(keys.size), (self.rows, self.cols)), shape=self.shape)
        self._keep = np.flatnonzero(self.rows >= self.cols) if lower else slice(None)
        self.rows, self.cols = self.rows[self._keep], self.cols[self._keep]

    def values(self, A):
        """Return the entries of A in the order of `rows` and `cols`.

        Raises
        ------
        ProblemError
            If A has a nonzero elsewhere.
        """
        A, full = A.tocsr(), self._full
        same = A.nnz == full.nnz and np.array_equal(A.indices, full.indices)
        if same and np.array_equal(A.indptr, full.indptr):
            return A.data[self._keep]
        coo = A.tocoo()
        keys = np.concatenate([_keys(coo, self.shape), _keys(full.tocoo(), self.shape)])
        data = np.concatenate([coo.data, np.zeros(full.nnz)])
        found, where = np.unique(keys, return_inverse=True)
        if found.size > full.nnz:
            raise ProblemError("the sparsity pattern of a derivative changes from point to point")
        return np.bincount(where, data, found.size)[self._keep]


def _keys(coo, shape):
    return coo.row.astype(np.int64) * shape[1] + coo.col


def patterns(problem, x0):
    """Return the patterns of the Jacobian and of the lower triangle of the Hessian."""
    near, y = x0 + 0.1 * np.cos(np.arange(problem.n)), np.ones(problem.m)
    points = (x0, near)
    hessians = [problem.hess(x, y) for x in points]
    return Pattern(*map(problem.jac, points)), Pattern(*hessians, lower=True)


class _Callbacks:
    """A problem in the words of IPOPT's interface."""

    def __init__(self, problem, x0):
        self.problem = problem
        self.objective, self.gradient, self.constraints = problem.fun, problem.grad, problem.cons
        self.jacobian_pattern, self.hessian_pattern = patterns(problem, x0)

    def jacobian(self, x):
        return self.jacobian_pattern.values(self.problem.jac(x))

    def jacobianstructure(self):
        return self.jacobian_pattern.rows, self.jacobian_pattern.cols

    def hessian(self, x, y, weight):
        return self.hessian_pattern.values(weighted_hess(self.problem, x, y, weight))

    def hessianstructure(self):
        return self.hessian_pattern.rows, self.hessian_pattern.cols


@peer("ipopt", module="cyipopt", package="cyipopt-wheels", instead="casadi:ipopt")
def _ipopt(problem, x0, tol, time_limit, seed):
    import cyipopt

    options = {"print_level": 0, "sb": "yes", "max_wall_time": float(time_limit)}
    return _by_callbacks(cyipopt.Problem, problem, x0, tol, options)  # pyright: ignore


@peer("pounce", module="pounce", package="pounce-solver")
def _pounce(problem, x0, tol, time_limit, seed):
    import pounce

    options = {"print_level": 0, "max_wall_time": float(time_limit)}
    return _by_callbacks(pounce.Problem, problem, x0, tol, options)


def _by_callbacks(make, problem, x0, tol, options):
    """Return the run of a solver with the interface of cyipopt."""
    bounds = {"lb": problem.lb, "ub": problem.ub, "cl": problem.cl, "cu": problem.cu}
    nlp = make(problem.n, problem.m, problem_obj=_Callbacks(problem, x0), **bounds)
    for name, value in (ipopt_options(tol) | options).items():
        nlp.add_option(name, value)

    def answer():
        x, info = nlp.solve(x0)
        y, z_lower, z_upper = (np.asarray(info[k]) for k in ("mult_g", "mult_x_L", "mult_x_U"))
        message = info["status_msg"]
        words = message.decode() if isinstance(message, bytes) else str(message)
        return Answer(np.asarray(x), y, z_lower, z_upper, info["status"] in (0, 1), words)

    return answer


def ipopt_options(tol):
    """Return the options of IPOPT that pass the judge at `tol`."""
    return dict.fromkeys(("tol", "constr_viol_tol", "compl_inf_tol"), 1e-2 * tol) | {
        "max_iter": MANY
    }


@peer("uno", module="unopy", package="unopy")
def _uno(problem, x0, tol, time_limit, seed):
    import unopy

    model = _uno_model(unopy, problem, _Callbacks(problem, x0), x0)
    solver = unopy.UnoSolver()  # pyright: ignore
    solver.set_preset("filtersqp")
    options = {"primal_tolerance": 1e-2 * tol, "dual_tolerance": 1e-2 * tol, "logger": "SILENT"}
    options |= {"max_iterations": MANY, "time_limit": float(time_limit), "print_solution": False}
    for name, value in options.items():
        solver.set_option(name, value)

    def answer():
        res = solver.optimize(model)
        bounds = np.abs(res.lower_bound_dual_solution), np.abs(res.upper_bound_dual_solution)
        dual = np.asarray(res.constraint_dual_solution)[: problem.m], *bounds
        claimed = res.solution_status == unopy.SolutionStatus.FEASIBLE_KKT_POINT  # pyright: ignore
        words = f"{res.optimization_status.name}, {res.solution_status.name}"
        return Answer(np.array(res.primal_solution), *dual, claimed, words, res.number_iterations)

    return answer


def _uno_model(unopy, problem, callbacks, x0):
    def write(function):
        def into(*args):
            args[-1][:] = function(*args[:-1])

        return into

    def hessian(x, weight, y):
        return callbacks.hessian(x, y, weight)

    jac, hess = callbacks.jacobian_pattern, callbacks.hessian_pattern
    variables = problem.n, problem.lb, problem.ub
    model = unopy.Model(unopy.PROBLEM_NONLINEAR, *variables, unopy.ZERO_BASED_INDEXING)
    model.set_objective(unopy.MINIMIZE, problem.fun, write(problem.grad))
    if problem.m:
        sides = problem.cl, problem.cu
        places = jac.rows.size, jac.rows, jac.cols
        model.set_constraints(
            problem.m, write(problem.cons), *sides, *places, write(callbacks.jacobian)
        )
    places = hess.rows, hess.cols
    model.set_lagrangian_hessian(hess.rows.size, unopy.LOWER_TRIANGLE, *places, write(hessian))
    model.set_lagrangian_sign_convention(unopy.MULTIPLIER_POSITIVE)
    model.set_initial_primal_iterate(x0)
    return model
