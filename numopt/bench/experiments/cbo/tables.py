"""The success rates of the papers, and of the examples of CBXpy."""

from math import inf, sqrt
from typing import Any

import numpy as np

from numopt.bench.experiments.cbo.functions import (
    ackley,
    intensity,
    rastrigin,
    rastrigin_rows,
    rastrigin_slope,
    turned_rastrigin,
)
from numopt.bench.experiments.cbo.swarms import Diagram, swarm

SIGMA = sqrt(1.6)
LOW, FLAT = 2.5, 10.0  # heights of the ripples of Rastrigin's function
COUNTS = (10, 20, 50, 100)


def classical(seed, d=4, mean=2.0, turned=False, **options: Any):
    """Tell whether a run finds the basin of the minimum of Rastrigin's function: f(c) < 0.8.

    With `turned` in a random basis.
    """
    options = {"radius": 4.0, "sigma": SIGMA, "alpha": 100.0} | options
    vectorized = "memory" in options  # compiled objectives are faster without memory only
    fun, args = rastrigin_rows if vectorized else rastrigin, (LOW,)
    if turned:
        rng = np.random.default_rng([seed, d])
        fun, args = turned_rastrigin, (LOW, np.linalg.qr(rng.standard_normal((d, d)))[0])
    jac = rastrigin_slope if "gradient" in options else None
    given = {"args": args, "jac": jac, "vectorized": vectorized}
    return swarm(fun, np.full(d, mean), seed, **given, **options).fun < 0.8


MEMORY = {
    "none": {},
    "best places": {"memory": True},
    "and a pull of 0.4": {"memory": True, "memory_lam": 0.4},
    "best places, a gradient drift of 0.1": {"memory": True, "gradient": 0.1},
}


def truncated(limit, sigma, seed):
    """Tell whether isotropic noise with |D| <= limit finds f(c) < 0.1 from far away."""
    given = {"noise": "isotropic", "alpha": 1e5, "radius": sqrt(2000.0), "truncate": limit}
    res = swarm(rastrigin, np.ones(4), seed, 5000, args=(LOW,), sigma=sigma, **given)
    return res.fun < 0.1


NOISE = {
    "isotropic": lambda d: {"noise": "isotropic"},
    "isotropic, sigma / sqrt(d)": lambda d: {"noise": "isotropic", "sigma": SIGMA / sqrt(d)},
    "anisotropic": lambda d: {},
    "anisotropic, random basis": lambda d: {"turned": True},
    "anisotropic, sigma = 8": lambda d: {"sigma": 8.0},
    "sigma = 8, random basis": lambda d: {"sigma": 8.0, "turned": True},
}


def example_of_cbx(top, n, seed):
    """Tell whether n particles end within 0.25 of the minimiser in 20 variables.

    alpha grows by 1.05 a step. The example takes the mean over the variables, not the sum, and
    alpha from 30 to 1e5; on the sum this is from 1.5 to 5e3, in 166 steps.
    """
    X = np.random.default_rng([seed, n]).uniform(-3.0, 3.0, (n, 20))
    given: Any = {"sigma": 10.1, "args": (FLAT,)}
    rising = {"alpha": 1.5, "alpha_factor": 1.05, **given}
    if top == "1e15":
        res = swarm(rastrigin, np.zeros(20), seed, 5000, ensemble=X, **rising)
    else:
        res = swarm(rastrigin, np.zeros(20), [seed, 0], 166, inner=166, ensemble=X, **rising)
        then = {"ensemble": res.population, "alpha": 5e3, "inner": 4834}
        res = swarm(rastrigin, np.zeros(20), [seed, 1], 4834, **then, **given)
    return np.abs(res.x).max() < 0.25


SPHERE: Any = {"vectorized": True, "surface": "sphere", "radius": 1.0, "dt": 0.05, "alpha": 1e3}
SPHERE_NOISE = {
    "isotropic, 0.3": {"noise": "isotropic", "sigma": 0.3},
    "anisotropic, 2": {"noise": "anisotropic", "sigma": 2.0},
}


def on_sphere(noise, d, seed):
    """Tell whether 50 particles end within 0.05 of the minimiser of Ackley's function."""
    options = SPHERE | SPHERE_NOISE[noise] | {"n_particles": 50}
    res = swarm(ackley, np.zeros(d), seed, 500, args=(3.0,), **options)
    return np.linalg.norm(res.x - np.eye(d)[-1]) < 0.05


def phase_retrieval(noise, n, seed):
    """Tell whether n particles end within 0.05 of +z or -z, from 30 intensities (a'z)^2, d = 5."""
    rng = np.random.default_rng([seed, 5])
    z, A = rng.standard_normal(5), rng.standard_normal((30, 5))
    z /= np.linalg.norm(z)
    options = SPHERE | SPHERE_NOISE[noise] | {"n_particles": n}
    res = swarm(intensity, np.zeros(5), seed, 500, args=(A, (A @ z) ** 2), **options)
    return min(np.linalg.norm(res.x - z), np.linalg.norm(res.x + z)) < 0.05


RASTRIGIN = "Rastrigin, d = 4, anisotropic, T = 10, dt = 0.01, x0 ~ N(m, s^2)"
USUAL = "m = 2, s = 4, alpha = 100, sigma = sqrt(1.6), f(c) < 0.8"

DIAGRAMS = {
    "sigma": Diagram(
        f"{RASTRIGIN}, {USUAL}, but sigma", ("sigma", (0.4, 0.8, SIGMA, 2.0, 4.0, 8.0)),
        ("N", COUNTS), lambda sigma, n, seed: classical(seed, sigma=sigma, n_particles=n)),
    "alpha": Diagram(
        f"{RASTRIGIN}, {USUAL}, but alpha", ("alpha", (1.0, 10.0, 100.0, 1e3, 1e15)),
        ("N", COUNTS), lambda alpha, n, seed: classical(seed, alpha=alpha, n_particles=n)),
    "start": Diagram(
        f"{RASTRIGIN}, N = 100, {USUAL}, but m and s", ("m", (0.0, 2.0, 4.0, 8.0)),
        ("s", (1.0, 2.0, 4.0, 8.0)), lambda m, s, seed: classical(seed, mean=m, radius=s)),
    "memory": Diagram(
        f"{RASTRIGIN}, {USUAL}", ("memory", tuple(MEMORY)),
        ("N", (20, 50)), lambda m, n, seed: classical(seed, n_particles=n, **MEMORY[m])),
    "truncated": Diagram(
        "Rastrigin, d = 4, isotropic, N = 100, T = 50, dt = 0.01, alpha = 1e5, x0 ~ N(1, 2000), "
        "f(c) < 0.1", ("M", (1.0, 5.0, inf)), ("sigma", (0.5, 1.0, 1.5)), truncated),
    "dimensions": Diagram(
        f"Rastrigin, N = 100, T = 10, dt = 0.01, {USUAL}", ("noise", tuple(NOISE)),
        ("d", (2, 4, 8, 16)), lambda name, d, seed: classical(seed, d, **NOISE[name](d))),
    "cbx": Diagram(
        "Rastrigin of height 10, d = 20, anisotropic, sigma = 10.1, dt = 0.01, 5000 steps, "
        "x0 ~ U(-3, 3), max |c| < 0.25; published by CBXpy: 100 of 100 with 40 particles",
        ("alpha up to", ("5e3", "1e15")), ("N", (40,)), example_of_cbx),
    "sphere": Diagram(
        "Ackley of 3 (x - x*) on the sphere, N = 50, dt = 0.05, 500 steps, alpha = 1e3, "
        "|c - x*| < 0.05", ("noise, sigma", tuple(SPHERE_NOISE)), ("d", (3, 10, 20)), on_sphere),
    "phase": Diagram(
        "Phase retrieval on the sphere, d = 5, 30 measurements, otherwise the same",
        ("noise, sigma", tuple(SPHERE_NOISE)), ("N", (50, 200)), phase_retrieval),
}  # fmt: skip
