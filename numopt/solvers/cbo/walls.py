"""What happens to particles at the bounds: clipped, reflected, or led by a mirror map.

The mirror map is the gradient of the Fermi-Dirac entropy of the box, over 4, which makes it the
identity around the middle; with u = (x - lb) / (ub - lb)

    y(u) = log(u / (1 - u)) / 4,   a move d of u becomes   u = y^-1(y(u) + d)

so that particles slow down near to a bound (Bungert, Hoffmann, Kim, Roith, MirrorCBO, 2025).
"""

import numpy as np

FARTHEST = 1e100  # where there is no bound; squares of it are finite
NEAREST = 1e-12  # to a bound, in widths of the box, for the mirror map


def box(problem, far=FARTHEST):
    """Return bounds that are finite, however far away."""
    return np.maximum(problem.lb, -far), np.minimum(problem.ub, far)


def limits(solver, problem):
    """Return the bounds to which the moves themselves are clipped."""
    if solver.walls == "clip":
        return box(problem)
    far = np.full(problem.n, FARTHEST)
    return -far, far


def kept(solver, problem, old, new, rows):
    """Return an ensemble of which `rows` have moved from `old` to `new`, inside the bounds."""
    if solver.walls == "clip":
        return new
    guided = reflected if solver.walls == "reflect" else mirrored
    inside = guided(old[rows], new[rows], problem.lb, problem.ub)
    new[rows] = np.clip(inside, *box(problem))
    return new


def reflected(old, new, lb, ub):
    """Return the points folded back at the bounds, as often as it takes."""
    both = np.isfinite(ub - lb) & (ub > lb)
    low, width = np.where(both, lb, 0.0), np.where(both, ub - lb, 1.0)
    phase = np.mod(new - low, 2.0 * width)
    folded = low + np.minimum(phase, 2.0 * width - phase)
    once = np.where(new < lb, 2.0 * lb - new, np.where(new > ub, 2.0 * ub - new, new))
    inside = (lb <= new) & (new <= ub)
    return np.where(inside, new, np.where(both, folded, once))


def mirrored(old, new, lb, ub):
    """Return the points after their moves in the dual variables; the box must be finite."""
    width = np.where(ub > lb, ub - lb, 1.0)
    u = np.clip((old - lb) / width, NEAREST, 1.0 - NEAREST)
    y = np.log(u / (1.0 - u)) + 4.0 * (new - old) / width
    return lb + (ub - lb) / (1.0 + np.exp(-y))
