"""Consensus as a relaxed descent: hopping beside gradient descent and annealed Langevin dynamics.

    hopping       x <- consensus of N samples of N(x, sigma^2 I)
    smoothed      x <- x - alpha sigma^2 grad f_s(x)
    descent       x <- x - dt grad f(x)
    Langevin      x <- x - dt grad f(x) + sigma / log(k + 1) sqrt(dt) z

With f_s(x) = -log E exp(-alpha f(x + sigma z)) / alpha the second is the first with infinitely many
samples (z ~ N(0, I); Riedl, Klock, Geldhauser, Fornasier, 2023). All start at (8, 8) of a canyon
that has its minimum at 0.
"""

import numpy as np

from numopt.bench.experiments.cbo.functions import canyon, slopes
from numopt.bench.experiments.cbo.swarms import share, swarm

START = np.array([8.0, 8.0])
HOPS, SAMPLES, ALPHA = 250, 200, 100.0
DESCENT_STEPS, DESCENT_DT, HEAT = 10_000, 1e-3, 10.0
CLOSE = 1.0  # distance of the minimiser that counts as success


def hopping(seed, sigma, callback=None):
    """Return the result of `HOPS` hops of this width."""
    options = {"hopping": True, "sigma": sigma, "radius": sigma, "alpha": ALPHA}
    return _on_canyon(seed, HOPS, callback, **options)


def consensus(seed, callback=None):
    """Return the result of the dynamics themselves, T = 5."""
    options = {"noise": "isotropic", "sigma": 1.6, "radius": 0.5, "alpha": ALPHA}
    return _on_canyon(seed, 500, callback, **options)


def _on_canyon(seed, steps, callback, **options):
    """Return the result; a callback sees every step."""
    inner = 1 if callback else 50
    options |= {"vectorized": True, "n_particles": SAMPLES, "inner": inner}
    return swarm(canyon, START, seed, steps, callback=callback, **options)


def descent(runs, heat, seed=0, every=100):
    """Return every so many points of so many paths, shape (k, runs, 2); without heat no noise."""
    rng, X = np.random.default_rng(seed), np.tile(START, (runs, 1))
    path = [X]
    for k in range(1, DESCENT_STEPS + 1):
        noise = heat / np.log(k + 1.0) * np.sqrt(DESCENT_DT) * rng.standard_normal(X.shape)
        X = X - DESCENT_DT * slopes(canyon, X) + noise
        if k % every == 0:
            path.append(X)
    return np.array(path)


class Smoothed:
    """f_s of the canyon on a grid.

    Parameters
    ----------
    sigma, alpha : float
        Width of the samples, and weight exponent, so small that exp(-alpha f) does not underflow.

    """

    def __init__(self, sigma, alpha):
        self.grid = np.linspace(-4.0, 12.0, 401)
        self._weights = np.exp(-alpha * grid_values(self.grid))
        self.sigma, self.alpha = sigma, alpha

    def values(self, grid):
        """Return f_s at (grid[i], grid[j]), shape (k, k)."""
        K = self._normal(grid)
        return -np.log(K @ self._weights @ K.T) / self.alpha

    def _normal(self, centres):
        """Return the densities of the samples, one row for each centre; rows sum to one."""
        K = np.exp(-0.5 * ((centres[:, None] - self.grid) / self.sigma) ** 2)
        return K / K.sum(axis=1, keepdims=True)

    def hop(self, x):
        """Return the consensus of infinitely many samples around x, shape (2,)."""
        P = self._weights * np.outer(*self._normal(x))
        return np.array([P.sum(axis=1) @ self.grid, P.sum(axis=0) @ self.grid]) / P.sum()

    def path(self, steps):
        """Return the points of so many hops from the start, shape (steps + 1, 2)."""
        points = [START]
        for _ in range(steps):
            points.append(self.hop(points[-1]))
        return np.array(points)


def grid_values(grid):
    """Return the canyon at (grid[i], grid[j]), shape (k, k)."""
    X, Y = np.meshgrid(grid, grid, indexing="ij")
    return canyon(np.column_stack([X.ravel(), Y.ravel()])).reshape(X.shape)


def lines(runs):
    """Yield the table: how often each arrives."""
    yield f"From (8, 8) down a canyon to its minimum at 0; seeds 0 to {runs - 1}:"
    yield ""
    yield f"| | within {CLOSE:g} of 0 | median distance at the end | evaluations |"
    yield "|---|---|---|---|"
    steps = f"{DESCENT_STEPS} of the gradient"
    yield _row("gradient descent", descent(1, 0.0)[-1], steps)
    yield _row("annealed Langevin", descent(runs, HEAT)[-1], steps)
    for sigma in (0.4, 0.7, 1.0):
        yield _results_row(f"hopping, sigma = {sigma:g}", [hopping(k, sigma) for k in range(runs)])
    results = [consensus(seed) for seed in range(runs)]
    yield _results_row("consensus, isotropic, sigma = 1.6", results)


def _results_row(name, results):
    cost = np.mean([res.nfev for res in results])
    return _row(name, [res.x for res in results], f"{cost:.0f}")


def _row(name, ends, cost):
    distance = np.linalg.norm(ends, axis=1)
    close = np.mean(distance < CLOSE)
    arrived = share(close, len(distance)) if len(distance) > 1 else f"{close:.0f} of 1, no noise"
    return f"| {name} | {arrived} | {np.median(distance):.2f} | {cost} |"
