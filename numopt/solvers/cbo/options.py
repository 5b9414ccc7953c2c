"""Which values the options may have, and what they need of a problem."""

from math import inf

import numpy as np

from numopt.core.errors import UnsupportedError
from numopt.solvers.cbo.handling import equations

POSITIVE = ("patience", "ftol", "lam", "dt", "truncate", "alpha_factor", "inner")
NOT_NEGATIVE = (
    "radius", "sigma", "alpha", "memory_lam", "batch_size", "kernel_width", "jump_rate", "clusters",
    "gradient", "kicks", "kick",
)  # fmt: skip


def check_values(solver):
    """Raise `OptionError` for an option out of range."""
    require = solver.require
    for option in POSITIVE:
        require(getattr(solver, option) > 0, option, "must be > 0")
    for option in NOT_NEGATIVE:
        require(getattr(solver, option) >= 0, option, "must be >= 0")
    few = solver.n_particles != 0 and solver.n_particles < 2
    require(not few, "n_particles", "must be >= 2, or 0")
    require(0 <= solver.effective_share <= 1, "effective_share", "must be in [0, 1]")
    require(0 < solver.sigma_factor <= 1, "sigma_factor", "must be in (0, 1]")
    require(1 <= solver.tail <= 2, "tail", "must be in [1, 2]")
    require(0 <= solver.reduction <= 1, "reduction", "must be in [0, 1]")
    one = solver.columns == 1 or solver.surface == "stiefel"
    require(solver.columns >= 1 and one, "columns", "must be 1 unless on 'stiefel'")
    known = solver.memory_sigma
    number = known is None or (isinstance(known, (int, float)) and known >= 0)
    require(number, "memory_sigma", "must be None or a number >= 0")
    callable_ = solver.schedule is None or callable(solver.schedule)
    require(callable_, "schedule", "must be None or callable")


def check_pairs(solver):
    """Raise `OptionError` for options that exclude each other."""
    s, require = solver, solver.require
    many = bool(s.kernel_width or s.clusters)
    flat = s.surface == "none"
    changing = s.batch_size or s.reduction or s.memory
    rules = (
        (s.clusters and s.kernel_width, "clusters", "must be 0 where `kernel_width` is given"),
        (s.reduction and s.batch_size, "reduction", "must be 0 where `batch_size` is given"),
        (s.tail < 2 and (s.noise == "covariance" or not flat), "tail",
         "must be 2 with covariance noise and on surfaces"),
        (s.batches != "stale" and many, "batches",
         "must be 'stale' where there are several consensus points"),
        (s.batches == "full" and (s.effective_share or s.memory), "batches",
         "must not be 'full' where `effective_share` or `memory` is given"),
        (s.correction != "none" and (many or s.batches == "partial"), "correction",
         "must be 'none' where there are several consensus points"),
        (s.update == "exact" and s.noise != "covariance", "update",
         "must not be 'exact' unless with covariance noise"),
        (not flat and (s.update != "euler" or s.correction != "none"), "surface",
         "must be 'none' with `update` or `correction`"),
        (not flat and (s.gradient or s.kicks), "surface",
         "must be 'none' with `gradient` or `kicks`"),
        (s.handling != "exact" and s.variant == "hybrid", "handling",
         "must be 'exact' unless with variant='paper'"),
        (s.handling in ("adaptive", "rank") and changing, "handling",
         "must not compare values of different steps, as `memory` and batches do"),
    )  # fmt: skip
    for refused, option, rule in rules:
        require(not refused, option, rule)


def check_arms(solver):
    """Raise `OptionError` unless the arms are known, and the shares are theirs."""
    arms, shares = solver.arms, solver.shares
    known = isinstance(arms, (list, tuple)) and 0 < len(arms) == len(set(map(str, arms)))
    known = known and set(arms) <= set(solver.ARMS)
    solver.require(known, "arms", f"must be some of {', '.join(solver.ARMS)}")
    if shares is None:
        return
    fits = isinstance(shares, (list, tuple)) and len(shares) == len(arms)
    fits = fits and all(isinstance(v, (int, float)) and 0 < v < inf for v in shares)
    solver.require(fits, "shares", "must have a positive number for each of `arms`")


def check_parts(solver, problem):
    """Raise `UnsupportedError` if an option needs what the problem does not have."""
    s = solver
    handled = s.handling != "exact"
    rules = (
        (s.surface != "none" and (problem.features() or s.polishes(problem)),
         "a surface excludes bounds, constraints and polishing"),
        (s.surface != "none" and problem.n % s.columns,
         f"{problem.n} variables are no matrix of {s.columns} columns"),
        (s.gradient and (problem.m or "grad" in problem.by_differences),
         "`gradient` needs a given gradient, and no constraints"),
        (s.walls == "mirror" and not np.isfinite(problem.ub - problem.lb).all(),
         "walls='mirror' needs finite bounds"),
        (handled and problem.m == 0, f"handling={s.handling!r} needs constraints"),
        (s.handling == "project" and not equations(problem).size,
         "handling='project' needs linear equations"),
    )  # fmt: skip
    for refused, why in rules:
        if refused:
            raise UnsupportedError(f"method {s.name!r}: {why}")
