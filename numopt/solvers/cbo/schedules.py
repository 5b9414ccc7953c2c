"""Parameters that change during a run.

``schedule(state) -> dict`` is called before each step with the `State` of the dynamics: ``steps``
made so far, the ensemble ``X`` with values ``f``, its consensus point ``x``, ``alpha``, ``sigma``.
What it returns holds until it returns it anew.
"""

from dataclasses import dataclass
from math import log2
from typing import Any

from numopt.core.errors import OptionError
from numopt.core.solver import get_solver

PARAMETERS = frozenset({
    "alpha", "sigma", "lam", "dt", "alpha_factor", "effective_share", "sigma_factor", "truncate",
    "memory_lam", "memory_sigma", "batch_size", "kernel_width", "jump_rate", "gradient", "kick",
})  # fmt: skip


@dataclass(frozen=True)
class Cooling:
    """Logarithmic cooling with a growing alpha, by epochs.

        sigma = sigma log2(e + 1) / log2(e + 2),   alpha = alpha_factor alpha   after epoch e >= 1

    Used with the option ``alpha_factor=1.0``, which would multiply alpha in each step.

    Parameters
    ----------
    epoch : int
        Steps in an epoch.
    alpha_factor : float
        What multiplies alpha after each.

    References
    ----------
    .. [1] M. Fornasier, T. Klock, K. Riedl, Convergence of Anisotropic Consensus-Based
       Optimization in Mean-Field Law, EvoApplications 2022.
    """

    epoch: int
    alpha_factor: float = 2.0

    def __post_init__(self):
        if self.epoch < 1 or self.alpha_factor <= 0:
            raise OptionError("a cooling needs `epoch` >= 1 and `alpha_factor` > 0")

    def __call__(self, s):
        """Return sigma and alpha after the end of an epoch, else nothing."""
        e = s.steps // self.epoch
        if e == 0 or s.steps % self.epoch:
            return {}
        factor = log2(e + 1) / log2(e + 2)
        return {"sigma": s.sigma * factor, "alpha": s.alpha * self.alpha_factor}


@dataclass(frozen=True)
class Geometric:
    """Multiply a parameter in each step, down to a floor.

    Parameters
    ----------
    factor : float
        In (0, 1].
    floor : float
    """

    factor: float
    floor: float = 0.0

    def __post_init__(self):
        if not (0 < self.factor <= 1 and self.floor >= 0):
            raise OptionError("a geometric schedule needs 0 < `factor` <= 1 and `floor` >= 0")

    def __call__(self, s):
        """Return sigma."""
        return {"sigma": min(s.sigma, max(self.factor * s.sigma, self.floor))}


def scheduled(solver, s) -> tuple[Any, Any]:
    """Return the solver and the state of the next step, with what a schedule has changed.

    Raises
    ------
    OptionError
        For a value that is no dictionary of `PARAMETERS`.
    """
    if solver.schedule is None:
        return solver, s
    changes = solver.schedule(s)
    if not isinstance(changes, dict) or not set(changes) <= PARAMETERS:
        raise OptionError(
            f"method 'cbo': `schedule` must return a dict of some of "
            f"{', '.join(sorted(PARAMETERS))}, got {changes!r}"
        )
    changed = s.changed | changes
    solver = get_solver(solver, changed)
    alpha, sigma = changes.get("alpha", s.alpha), changes.get("sigma", s.sigma)
    return solver, s._replace(alpha=float(alpha), sigma=float(sigma), changed=changed)
