"""Active-set finish: Newton on the sides that the barrier iterates point to.

    A = sides with multiplier > gap,  F = all components that are on no side of A
    solve  [ H_FF  A_F' ] (dw_F)       ( g_F + H_FA dw_A )
           [ A_F    0   ] ( y' )  =  - ( C   + A_A  dw_A ),      dw_A = bound - w
    z_A = +-(g + H dw + A'y')_A

If the multipliers have the right signs, F stays within its bounds and the KKT error at w + dw is
a tenth of what it was, the step is taken; two or three of them reach full accuracy, where the
barrier needs four or five decreases of mu. Otherwise the barrier goes on from where it was. The
identification of active sides is that of Facchinei, Fischer and Kanzow, SIAM J. Optim. 9, 1998.
"""

import numpy as np

from numopt.solvers.sketched_newton.newton import RestorationNeeded, newton_step

LARGEST_ERROR = 0.1  # KKT error up to which the active sides are guessed
PROGRESS = 0.1
ROUNDING = 1e-12  # relative slack of the sign tests


def finishing_step(model, barrier, s, error):
    """Return the state after one step on the guessed active set, or None.

    Parameters
    ----------
    model, barrier, s
        As for `numopt.solvers.sketched_newton.interior.advance`.
    error : callable
        ``error(state) ->`` KKT error without barrier.
    """
    before = error(s)
    if s.strategy is not None or before > LARGEST_ERROR:
        return None
    at_lower, at_upper = _active(barrier, s)
    free = ~(at_lower | at_upper)
    step = _step_on(model, barrier, s, free, at_lower, at_upper)
    if step is None:
        return None
    w, y, z_lower, z_upper = step
    f, C = model.f(w), model.C(w)
    if not (np.isfinite(f) and np.isfinite(C).all() and model.differentiable(w)):
        return None
    new = s._replace(
        w=w, y=y, z_lower=z_lower, z_upper=z_upper, f=f, C=C, g=model.g(w), A=model.A(w), alpha=1.0
    )
    return new if error(new) <= PROGRESS * before else None


def _active(barrier, s):
    at_lower = barrier.has_lower & (s.z_lower > s.w - barrier.lower)
    at_upper = barrier.has_upper & (s.z_upper > barrier.upper - s.w) & ~at_lower
    return at_lower, at_upper


def _step_on(model, barrier, s, free, at_lower, at_upper):
    """Return (w, y, z_lower, z_upper) after the step, or None if a sign or a bound is violated."""
    H, F = model.H(s.w, s.y), np.flatnonzero(free)
    dw = np.where(at_lower, barrier.lower - s.w, np.where(at_upper, barrier.upper - s.w, 0.0))
    r_dual, r_primal = s.g + H @ dw + s.A.T @ s.y, s.C + s.A @ dw
    try:
        newton = newton_step(
            H[F][:, F],
            s.A[:, F],
            np.zeros(F.size),
            r_dual[F],
            r_primal,
            0.0,
            analyses=model.analyses,
        )
    except RestorationNeeded:
        return None
    if newton.delta_w or not np.isfinite(newton.dw).all():
        return None
    dw[F] = newton.dw
    w, y = s.w + dw, s.y + newton.dy
    w[at_lower], w[at_upper] = barrier.lower[at_lower], barrier.upper[at_upper]
    if (w < barrier.lower).any() or (w > barrier.upper).any():
        return None
    z = s.g + H @ dw + s.A.T @ y
    z_lower, z_upper = np.where(at_lower, z, 0.0), np.where(at_upper, -z, 0.0)
    slack = ROUNDING * (1.0 + np.abs(z).max(initial=0.0))
    if min(z_lower.min(initial=0.0), z_upper.min(initial=0.0)) < -slack:
        return None
    return w, y, np.maximum(z_lower, 0.0), np.maximum(z_upper, 0.0)
