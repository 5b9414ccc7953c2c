"""The published dynamics without extras, in as few calls as possible.

An objective compiled by Numba is called inside one kernel that does all steps of an iteration;
around any other, a step is one kernel before the values and one after them. The random numbers
are the same, and so is every bit of the result.
"""

from dataclasses import fields
from math import sqrt
from typing import Any

import numpy as np

from numopt.core.solver import Solver

BASIC = frozenset(option.name for option in fields(Solver)) | {
    "variant", "arms", "shares", "patience", "ftol", "polish", "inner", "radius", "n_particles",
    "ensemble", "noise", "lam", "sigma", "dt", "alpha", "alpha_factor", "effective_share",
    "truncate",
}  # fmt: skip

BLOCK = 2**14  # random numbers drawn in one go
FEW = 2000  # below, NumPy draws them faster: handing a generator to a kernel takes long


def extras(solver):
    """Return the names of the options of the dynamics beyond the basic ones that are in use."""
    own: Any = [option for option in fields(solver) if option.name not in BASIC]
    return frozenset(o.name for o in own if not np.array_equal(getattr(solver, o.name), o.default))


def applies(solver):
    """Tell whether a step is drift, noise and consensus, and nothing else."""
    return solver.noise != "covariance" and not solver.extras


def dynamics(solver, sigma):
    """Return the constants of a step, as the kernels take them."""
    from numopt.kernels.ensemble import ANISOTROPIC, ISOTROPIC

    noise = ISOTROPIC if solver.noise == "isotropic" else ANISOTROPIC
    return solver.lam * solver.dt, sigma * sqrt(solver.dt), noise, solver.truncate


def schedule(solver):
    """Return what the next alpha depends on, as the kernels take it."""
    return solver.alpha_factor, solver.effective_share


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
        schedule(solver), dynamics(solver, s.sigma), problem.lb, problem.ub,
    )  # fmt: skip
    problem.account(solver.inner * len(X))
    return f, alpha


def _around(solver, problem, s, run, X, c):
    from numopt.kernels.ensemble import gather, move_all

    constants, factors = dynamics(solver, s.sigma), schedule(solver)
    f, alpha = s.f, s.alpha
    for Z in _normals(run.rng, solver.inner, X.shape):
        move_all(Z, X, c, constants, problem.lb, problem.ub)
        f = problem.values(X)
        alpha = gather(X, f, c, alpha, factors)
    return f, alpha


def _normals(rng, k, shape):
    """Yield k arrays of standard normal numbers."""
    from numopt.kernels.ensemble import fill

    many = BLOCK // max(shape[0] * shape[1], 1)
    block = np.empty((min(k, max(many, 1)), *shape))
    while k > 0:
        Z = block[:k]
        if Z.size < FEW:
            rng.standard_normal(out=Z)
        else:
            fill(rng, Z.reshape(-1))
        yield from Z
        k -= len(Z)
