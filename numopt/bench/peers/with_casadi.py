"""IPOPT inside CasADi, called back for all functions: a second way to it."""

import numpy as np

from numopt.bench.peers.compiled import ipopt_options, patterns
from numopt.bench.peers.table import Answer, peer, weighted_hess


@peer("casadi:ipopt", module="casadi", package="casadi")
def _ipopt(problem, x0, tol, time_limit, seed):
    import casadi

    functions = _Functions(casadi, problem, x0)
    options = {"ipopt." + name: value for name, value in ipopt_options(tol).items()}
    options |= {"ipopt.print_level": 0, "ipopt.sb": "yes", "print_time": False, "no_nlp_grad": True}
    options |= {"ipopt.max_wall_time": float(time_limit), "error_on_fail": False}
    x, sides = casadi.MX.sym("x", problem.n), {"lbx": problem.lb, "ubx": problem.ub}
    model = {"x": x, "f": functions.f(x)}
    options |= {"grad_f": functions.grad_f, "hess_lag": functions.hess_lag}
    if problem.m:
        model["g"], options["jac_g"] = functions.g(x), functions.jac_g
        sides |= {"lbg": problem.cl, "ubg": problem.cu}
    solver = casadi.nlpsol("numopt", "ipopt", model, options)

    def answer(_alive=functions):
        found, stats = solver(x0=x0, **sides), solver.stats()
        z, y = np.ravel(found["lam_x"]), np.ravel(found["lam_g"])[: problem.m]
        dual = y, np.maximum(-z, 0.0), np.maximum(z, 0.0)
        words = str(stats["return_status"])
        return Answer(np.ravel(found["x"]), *dual, stats["success"], words, stats["iter_count"])

    return answer


class _Functions:
    """A problem in the functions that CasADi's interface to IPOPT asks for; keeps them alive."""

    def __init__(self, casadi, problem, x0):
        n, m = problem.n, problem.m
        jac, hess = patterns(problem, x0)
        dense = casadi.Sparsity.dense
        J, place_J = _sparsity(casadi, (m, n), jac.rows, jac.cols)
        H, place_H = _sparsity(casadi, (n, n), hess.cols, hess.rows)  # the upper triangle

        def make(name, inputs, outputs, evaluate):
            return _callback(casadi, name, inputs, outputs, evaluate)

        def jacobian(x, p):
            return problem.cons(x), jac.values(problem.jac(x))[place_J]

        def hessian(x, p, weight, y):
            return [hess.values(weighted_hess(problem, x, y, float(weight[0])))[place_H]]

        point = [dense(n), dense(0)]
        self.f = make("f", point[:1], [dense(1)], lambda x: [problem.fun(x)])
        self.g = make("g", point[:1], [dense(m)], lambda x: [problem.cons(x)])
        self.grad_f = make(
            "grad_f", point, [dense(1), dense(n)], lambda x, p: (problem.fun(x), problem.grad(x))
        )
        self.jac_g = make("jac_g", point, [dense(m), J], jacobian)
        self.hess_lag = make("hess_lag", [*point, dense(1), dense(m)], [H], hessian)


def _sparsity(casadi, shape, rows, cols):
    """Return CasADi's pattern and the order of its entries, column by column."""
    order = np.lexsort((rows, cols))
    pattern = casadi.Sparsity.triplet(*shape, rows[order].tolist(), cols[order].tolist())
    return pattern, order


def _callback(casadi, name, inputs, outputs, evaluate):
    """Return a CasADi function of arrays, given the patterns of its arguments and results."""

    class Callback(casadi.Callback):
        def __init__(self):
            casadi.Callback.__init__(self)
            self.construct(name, {})

        def get_n_in(self):
            return len(inputs)

        def get_n_out(self):
            return len(outputs)

        def get_sparsity_in(self, i):
            return inputs[i]

        def get_sparsity_out(self, i):
            return outputs[i]

        def eval(self, arguments):
            values = evaluate(*(np.ravel(a.full()) for a in arguments))
            return [casadi.DM(s, v) for s, v in zip(outputs, values, strict=True)]

    return Callback()
