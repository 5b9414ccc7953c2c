"""Entropic transport beside other libraries: ``numopt bench ot``.

Every solver gets the same marginals and cost, one thread, and a stopping rule that asks for one
violation |P 1 - a|_1 + |P'1 - b|_1; one judge measures it on the plan that came back. Time is that
of the processor, without imports and compilation. A peer that did not get there has no ratio but
the violation that it reached.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from time import process_time
from typing import Any, NamedTuple

import numpy as np

from numopt.front import solve
from numopt.models.transport import Transport

FULL = {
    "random": (500, 1000, 2000),
    "cloud": (1000, 2000, 4000),
    "image-l1": (28,),
    "image-l2": (28,),
}
QUICK = {"random": (500,), "cloud": (1000,), "image-l1": (28,), "image-l2": (28,)}
ETAS, TOLS = (100.0, 400.0, 1200.0), (1e-9, 1e-12)
SLACK = 10.0  # a violation up to so many times the tolerance counts as reached
WORK = 5e8  # entries of the plan that a peer may compute: 500 iterations at n = 1000
FLOOR = 1e-2  # mass of an empty pixel relative to the darkest


class Case(NamedTuple):
    """Marginals and cost of one problem."""

    a: np.ndarray
    b: np.ndarray
    C: np.ndarray


class Outcome(NamedTuple):
    """What a solver needed, and what it reached."""

    seconds: float
    violation: float
    error: str = ""  # type of the exception that ended it


# -- problems --------------------------------------------------------------------------------------


def random_case(n, rng):
    """Return a uniformly random cost between uniform marginals."""
    return Case(np.full(n, 1 / n), np.full(n, 1 / n), rng.uniform(size=(n, n)))


def cloud_case(n, rng):
    """Return squared distances of points in the unit square, largest one 1."""
    X, Y = rng.uniform(size=(2, n, 2))
    return Case(np.full(n, 1 / n), np.full(n, 1 / n), _scaled(X, Y, 2))


def image_case(size, rng, power):
    """Return two handwritten digits of so many pixels a side, by distances of pixels."""
    from scipy.ndimage import zoom

    images = _digits()
    pair = images[rng.choice(len(images), 2, replace=False)]
    masses = []
    for image in pair:
        larger: Any = zoom(image, size / image.shape[0], order=1)
        grey = np.maximum(larger, 0.0) + FLOOR * image.max()
        masses.append((grey / grey.sum()).ravel())
    x = np.linspace(0.0, 1.0, size)
    pixels = np.stack(np.meshgrid(x, x, indexing="ij"), axis=-1).reshape(-1, 2)
    return Case(masses[0], masses[1], _scaled(pixels, pixels, power))


def _scaled(X, Y, power):
    C = (np.abs(X[:, None] - Y) ** power).sum(axis=2)
    return C / C.max()


@lru_cache
def _digits():
    from sklearn.datasets import load_digits  # pyright: ignore

    return load_digits().images  # pyright: ignore


MAKERS: dict[str, Callable] = {
    "random": random_case,
    "cloud": cloud_case,
    "image-l1": lambda size, rng: image_case(size, rng, 1),
    "image-l2": lambda size, rng: image_case(size, rng, 2),
}


# -- solvers ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Peer:
    """Another library's solver: ``solve(case, eta, tol) -> plan`` and the package it needs."""

    name: str
    package: str
    solve: Callable
    entropic: bool = True


def _own(method):
    def run(case, eta, tol):
        options = {} if method == "sns" else {"maxfun": WORK / case.C.size}
        return solve(Transport(*case, eta=eta), method=method, tol=tol, options=options).plan

    return run


def _pot(method, share):
    def run(case, eta, tol):
        import ot  # pyright: ignore

        n, m = case.C.shape
        # It stops on the 2-norm of one marginal.
        options: dict[str, Any] = {"numItermax": int(share * WORK / (n * m)), "warn": False}
        return ot.sinkhorn(*case, 1 / eta, method, stopThr=tol / np.sqrt(n), **options)  # pyright: ignore

    return run


def _emd(case, eta, tol):
    import ot  # pyright: ignore

    return ot.emd(*case, numItermax=10_000_000)


def _regot(case, eta, tol):
    import regot  # pyright: ignore

    n, m = case.C.shape
    # It stops on the 2-norm of the gradient.
    res = regot.sinkhorn_ssns(case.C, case.a, case.b, 1 / eta, tol / np.sqrt(n + m), 500)  # pyright: ignore
    return res.plan


def _ott(case, eta, tol):
    import jax  # pyright: ignore
    from ott.geometry.geometry import Geometry  # pyright: ignore
    from ott.solvers.linear import solve as ott_solve  # pyright: ignore

    jax.config.update("jax_enable_x64", True)
    limit = int(0.2 * WORK / case.C.size)
    geometry = Geometry(cost_matrix=case.C, epsilon=1 / eta)
    out = ott_solve(geometry, case.a, case.b, threshold=tol, max_iterations=limit)
    return np.asarray(out.matrix)


PEERS = (
    Peer("numopt sinkhorn", "numopt", _own("sinkhorn")),
    Peer("RegOT ssns", "regot", _regot),
    Peer("POT sinkhorn", "POT", _pot("sinkhorn", 1.0)),
    Peer("POT sinkhorn_log", "POT", _pot("sinkhorn_log", 0.2)),
    Peer("POT sinkhorn_stabilized", "POT", _pot("sinkhorn_stabilized", 1.0)),
    Peer("ott-jax", "ott-jax", _ott),
    Peer("POT emd (exact)", "POT", _emd, entropic=False),
)
MODULES = {"numopt": "numopt", "POT": "ot", "regot": "regot", "ott-jax": "ott"}


def measured(run, case, eta, tol):
    """Return the `Outcome` of a solver; one that raises has reached nothing."""
    import warnings

    start = process_time()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            P = run(case, eta, tol)
        except Exception as error:  # whatever a library raises is shown in its cell
            return Outcome(process_time() - start, np.inf, type(error).__name__)
    seconds = process_time() - start
    sums = (np.asarray(P.sum(axis=k)).ravel() for k in (1, 0))
    gap = sum(np.abs(s - mass).sum() for s, mass in zip(sums, case[:2], strict=True))
    return Outcome(seconds, float(gap) if np.isfinite(gap) else np.inf)


# -- report ----------------------------------------------------------------------------------------


def lines(seed=0, seeds=3, quick=False, etas=ETAS, tols=TOLS, problems=None, peers=PEERS):
    """Yield the lines of the report.

    Parameters
    ----------
    seed, seeds : int
        First seed, and number of seeds; what is shown are medians.
    quick : bool
        Smaller problems, and the largest eta only.
    etas, tols : sequence of float
    problems : dict of str to sequence of int, optional
        Names and sizes.
    peers : sequence of Peer
    """
    there = [peer for peer in peers if find_spec(MODULES[peer.package])]
    problems = problems or (QUICK if quick else FULL)
    for peer in peers:
        if peer not in there:
            yield f"left out: {peer.name}, as {peer.package} is not installed"
    if not find_spec("sklearn"):
        yield "left out: images, as scikit-learn is not installed"
        problems = {name: sizes for name, sizes in problems.items() if "image" not in name}
    known = sorted({peer.package for peer in there} - {"numopt"})
    yield "versions: " + ", ".join(f"{name} {version(name)}" for name in known)
    yield f"seeds {seed} to {seed + seeds - 1}, medians; ratio = CPU time over that of numopt sns"
    yield ""
    columns = ["problem", "n", "eta", "tol", "sns ms", *(peer.name for peer in there)]
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for name, sizes in problems.items():
        for n in sizes:
            cases = [MAKERS[name](n, np.random.default_rng(s)) for s in range(seed, seed + seeds)]
            for eta in etas[-1:] if quick else etas:
                for tol in tols:
                    yield _row(f"{name} | {cases[0].C.shape[0]}", cases, eta, tol, there)


def _row(label, cases, eta, tol, peers):
    own = _median(_own("sns"), cases, eta, tol)
    cells = [label, f"{eta:g}", f"{tol:g}", _own_cell(own, tol)]
    for peer in peers:
        other = _median(peer.solve, cases, eta, tol)
        reached = other.violation <= SLACK * tol or not peer.entropic
        cells.append(f"{other.seconds / own.seconds:.3g}" if reached else _missed(other))
    return f"| {' | '.join(cells)} |"


def _median(run, cases, eta, tol):
    measured(run, random_case(20, np.random.default_rng(0)), 10.0, 1e-3)  # imports, compilation
    runs = [measured(run, case, eta, tol) for case in cases]
    seconds, violations, errors = zip(*runs, strict=True)
    error = next(filter(None, errors), "")
    return Outcome(float(np.median(seconds)), float(np.median(violations)), error)


def _own_cell(own, tol):
    return f"{1e3 * own.seconds:.1f}" + ("" if own.violation <= SLACK * tol else _missed(own))


def _missed(outcome):
    return f"- ({outcome.error or format(outcome.violation, '.0e')})"
