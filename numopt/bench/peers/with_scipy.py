"""Methods of SciPy."""

from functools import partial

import numpy as np
from scipy.sparse import csr_array

from numopt.bench.peers.table import MANY, Answer, one_sided, peer, weighted_hess

DENSE = 50  # variables up to which matrices are passed as dense arrays


def _scipy(method, problem, x0, options, **kwargs):
    from scipy.optimize import Bounds, minimize

    if "bounds" in problem.features():
        kwargs["bounds"] = Bounds(problem.lb, problem.ub)
    return partial(minimize, problem.fun, x0, method=method, options=options, **kwargs)


def _plain(run):
    res = run()
    return Answer(res.x, None, None, None, bool(res.success), res.message, res.get("nit"))


@peer("scipy:SLSQP")
def _slsqp(problem, x0, tol, time_limit, seed):
    rows = one_sided(problem)
    constraints = [
        {
            "type": kind,
            "fun": lambda x, i=i, sign=sign, side=side: sign * (problem.cons(x)[i] - side),
            "jac": lambda x, i=i, sign=sign: sign * problem.jac(x)[i].toarray(),
        }
        for kind, i, sign, side in rows
    ]
    # SLSQP stops on the change of f, which is second order in the gradient of the Lagrangian.
    options = {"ftol": 1e-2 * tol**2, "maxiter": MANY // 10}
    run = _scipy("SLSQP", problem, x0, options, jac=problem.grad, constraints=constraints)

    def answer():
        res = run()
        y = _slsqp_multipliers(problem.m, rows, res.get("multipliers"))
        return Answer(res.x, y, None, None, bool(res.success), res.message, res.nit)

    return answer


def _slsqp_multipliers(m, rows, multipliers):
    """Undo `one_sided`; SLSQP's Lagrangian subtracts the constraints."""
    if multipliers is None or len(multipliers) != sum(i.size for _, i, _, _ in rows):
        return None
    y, start = np.zeros(m), 0
    for _, i, sign, _ in rows:
        y[i] -= sign * multipliers[start : start + i.size]
        start += i.size
    return y


@peer("scipy:trust-constr")
def _trust_constr(problem, x0, tol, time_limit, seed):
    from scipy.optimize import NonlinearConstraint

    shape = (lambda A: A.toarray()) if problem.n <= DENSE else csr_array
    constraints = ()
    if problem.m:
        constraints = NonlinearConstraint(
            problem.cons,
            problem.cl,
            problem.cu,
            jac=lambda x: shape(problem.jac(x)),  # pyright: ignore
            hess=lambda x, v: shape(weighted_hess(problem, x, v, 0.0)),
        )
    # Its test of the gradient of L ignores complementarity. Where that matters, a small trust
    # region at a small barrier parameter is the only safe sign (58 of 61 problems, not 32).
    barrier = problem.features() - {"eq"}
    options = {"gtol": 0.0 if barrier else 1e-2 * tol, "xtol": 1e-2 * tol, "maxiter": MANY}
    options["barrier_tol"] = 1e-2 * tol
    run = _scipy(
        "trust-constr",
        problem,
        x0,
        options,
        jac=problem.grad,
        hess=lambda x: shape(problem.hess(x)),
        constraints=constraints,
    )

    def answer():
        res = run()
        v = list(res.v)
        y = v.pop(0) if problem.m else np.zeros(0)
        z = v.pop(0) if v else np.zeros(problem.n)
        z = np.maximum(-z, 0.0), np.maximum(z, 0.0)
        return Answer(res.x, y, *z, bool(res.success), res.message, res.nit)

    return answer


@peer("scipy:COBYQA")
def _cobyqa(problem, x0, tol, time_limit, seed):
    from scipy.optimize import NonlinearConstraint

    constraints = ()
    if problem.m:  # it uses no Jacobian, but SciPy takes differences where none is given
        rows = problem.cons, problem.cl, problem.cu
        constraints = NonlinearConstraint(*rows, jac=lambda x: problem.jac(x).toarray())  # pyright: ignore
    small = 1e-2 * tol
    options = {"final_tr_radius": small, "feasibility_tol": small, "maxfev": MANY, "maxiter": MANY}
    return partial(_plain, _scipy("COBYQA", problem, x0, options, constraints=constraints))


@peer("scipy:L-BFGS-B", accepts="bounds")
def _lbfgsb(problem, x0, tol, time_limit, seed):
    options = {"gtol": 1e-1 * tol, "ftol": 0.0, "maxiter": MANY, "maxfun": MANY}
    return partial(_plain, _scipy("L-BFGS-B", problem, x0, options, jac=problem.grad))


@peer("scipy:trust-exact", accepts="")
def _trust_exact(problem, x0, tol, time_limit, seed):
    options = {"gtol": 1e-1 * tol, "maxiter": MANY}
    dense = lambda x: problem.hess(x).toarray()  # noqa: E731 - an argument with a name
    run = _scipy("trust-exact", problem, x0, options, jac=problem.grad, hess=dense)
    return partial(_plain, run)


@peer("scipy:Newton-CG", accepts="")
def _newton_cg(problem, x0, tol, time_limit, seed):
    options = {"xtol": 1e-3 * tol, "maxiter": MANY}
    product = lambda x, v: problem.hessp(x, None, v)  # noqa: E731
    run = _scipy("Newton-CG", problem, x0, options, jac=problem.grad, hessp=product)
    return partial(_plain, run)
