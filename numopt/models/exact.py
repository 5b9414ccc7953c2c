"""The unregularised problem, exactly, from potentials of the regularised one.

    minimise <C, P>   subject to   P 1 = a,  P'1 = b,  P >= 0

Only entries with a small reduced cost C_ij - alpha_i - beta_j can matter. The linear program on
these is solved by HiGHS; entries whose reduced cost for its multipliers is negative are added until
there are none, which proves the solution.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

from numopt.core.errors import Status, Stop

BAND = 5.0  # over eta: reduced costs of the first entries
ROUNDING = 1e-9  # relative to the largest cost: a reduced cost that counts as negative
TOLERANCES = dict.fromkeys(("primal_feasibility_tolerance", "dual_feasibility_tolerance"), 1e-10)
ROUNDS = 50


class ExactTransport(NamedTuple):
    """Solution of the unregularised problem.

    Attributes
    ----------
    fun : float
        Its value.
    plan : csr_matrix, shape (n, m)
    potentials : tuple of ndarray
        Multipliers (alpha, beta), feasible up to rounding.
    lower : float
        Value of potentials that are feasible: `fun` less the error of the proof.
    """

    fun: float
    plan: csr_matrix
    potentials: tuple
    lower: float


def exact_transport(problem, alpha):
    """Solve the unregularised problem.

    Parameters
    ----------
    problem : Transport
        Its `eta` sets the reduced costs that are tried first.
    alpha : ndarray, shape (n,)
        Row potentials, for example of the entropic problem.

    Returns
    -------
    ExactTransport

    Raises
    ------
    Stop
        With INFEASIBLE if there is no plan, with BREAKDOWN if HiGHS fails.
    """
    beta = lower_envelope(problem, alpha)
    entries = _entries(problem, alpha, beta, BAND / problem.eta)
    for _ in range(ROUNDS):
        solution = _restricted(problem, *entries)
        if solution is None:
            wider = _entries(problem, alpha, beta, np.inf)
            if wider[0].size == entries[0].size:
                raise Stop(Status.INFEASIBLE, "no plan without a forbidden entry")
            entries = wider
            continue
        value, flow, alpha, beta = solution
        columns = entries[:2]
        missing = _entries(problem, alpha, beta, -ROUNDING * max(problem.highest, 1e-300))
        more = _merged(entries, missing, problem.shape[1])
        if more[0].size == entries[0].size:
            break
        entries = more
    lower = float(problem.a @ alpha + problem.b @ np.minimum(beta, lower_envelope(problem, alpha)))
    plan = csr_matrix((flow, columns), shape=problem.shape)
    plan.eliminate_zeros()
    return ExactTransport(value, problem.embedded(plan), (alpha, beta), lower)


def lower_envelope(problem, alpha):
    """Return the largest beta with alpha_i + beta_j <= C_ij, shape (m,)."""
    beta = np.full(problem.shape[1], np.inf)
    for rows, cost in problem.cost.blocks():
        problem.kernels.lower_potentials(*cost, alpha[rows], beta)
    return beta


def _entries(problem, alpha, beta, most):
    """Return rows, columns and costs of the finite entries with reduced cost at most `most`."""
    found = []
    for rows, _ in problem.cost.blocks():
        C = problem.cost.dense(rows)
        i, j = np.nonzero((C - alpha[rows, None] - beta <= most) & (np.inf > C))
        found.append((i + rows.start, j, C[i, j]))
    return tuple(np.concatenate(part) for part in zip(*found, strict=True))


def _merged(one, two, m):
    i, j, C = (np.concatenate(parts) for parts in zip(one, two, strict=True))
    _, first = np.unique(i * m + j, return_index=True)
    return i[first], j[first], C[first]


def _restricted(problem, i, j, C):
    """Solve the program on some entries; None if it is infeasible."""
    from scipy.optimize import linprog

    n, m = problem.shape
    columns = np.arange(i.size)
    rows = np.concatenate([i, n + j])
    A = csr_matrix(
        (np.ones(rows.size), (rows, np.concatenate([columns, columns]))), (n + m, i.size)
    )
    rhs = np.concatenate([problem.a, problem.b * (problem.mass / problem.b.sum())])
    # One equation follows from the others; without it rounding cannot make them inconsistent.
    equations = {"A_eq": A[:-1], "b_eq": rhs[:-1]}
    res = linprog(C, **equations, method="highs-ds", options=TOLERANCES)
    if res.status == 2:
        return None
    if res.status != 0:
        raise Stop(Status.BREAKDOWN, f"HiGHS: {res.message}")
    y = np.append(res.eqlin.marginals, 0.0)
    return float(res.fun), res.x, y[:n], y[n:]
