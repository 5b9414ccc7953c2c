"""The published dynamics without extras, in as few calls as possible.

An objective compiled by Numba is called inside one kernel that does all steps of an iteration;
around any other, a step is one kernel before the values and one after them. The random numbers
are the same, and so is every bit of the result.
"""

import numpy as np

from numopt.solvers.cbo.walls import box

BLOCK = 2**14  # random numbers drawn in one go: handing a generator over costs as much as 1000


def applies(solver):
    """Tell whether a step is drift, noise and consensus, and nothing else."""
    return solver.noise != "covariance" and not solver.extras


def dynamics(solver, sigma):
    """Return the constants of a step, as the kernels take them."""
    from numopt.kernels.ensemble import ANISOTROPIC, ISOTROPIC

    noise = ISOTROPIC if solver.noise == "isotropic" else ANISOTROPIC
    return solver.lam * solver.dt, sigma * np.sqrt(solver.dt), noise, solver.truncate


def steps(solver, problem, s, run):
    """Return the state after the steps of an iteration."""
    X, c = s.X.copy(), s.c.copy()
    within = problem.room() > solver.inner * len(X)
    inside = within and problem.compiled() is not None
    f, alpha = (_inside if inside else _around)(solver, problem, s, run, X, c)
    return s._replace(X=X, f=f, c=c, x=c[0].copy(), alpha=alpha)


def _inside(solver, problem, s, run, X, c):
    from numopt.kernels.ensemble import steps

    problem.check_time()
    f = s.f.copy()
    alpha = steps(
        *problem.compiled(), solver.inner, run.rng, np.arange(len(X)), X, f, c, s.alpha,
        _schedule(solver), dynamics(solver, s.sigma), *box(problem),
    )  # fmt: skip
    problem.account(solver.inner * len(X))
    return f, alpha


def _around(solver, problem, s, run, X, c):
    from numopt.kernels.ensemble import gather, move_all

    constants, schedule = dynamics(solver, s.sigma), _schedule(solver)
    f, alpha = s.f, s.alpha
    lb, ub = box(problem)
    for Z in _normals(run.rng, solver.inner, X.shape):
        move_all(Z, X, c, constants, lb, ub)
        f = problem.values(X)
        alpha = gather(X, f, c, alpha, schedule)
    return f, alpha


def _schedule(solver):
    return solver.alpha_factor, solver.effective_share


def _normals(rng, k, shape):
    """Yield k arrays of standard normal numbers."""
    from numopt.kernels.ensemble import fill

    block = np.empty((min(k, max(1, BLOCK // (shape[0] * shape[1]))), *shape))
    while k > 0:
        Z = block[:k]
        fill(rng, Z.reshape(-1))
        yield from Z
        k -= len(Z)
