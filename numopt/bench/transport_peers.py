"""Solvers of the transport benchmark: ``solve(case, eta, tol) -> plan``, each in its own words."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from numopt.bench.limits import PATIENCE, TimeUp, limited, processor_time, silenced
from numopt.bench.runner import blank_row
from numopt.bench.transport_cases import Case, case_of, random_case
from numopt.front import solve
from numopt.models.transport import Transport

ENDLESS = 10**8  # iterations: time is limited, not work
MODULES = {"numopt": "numopt", "POT": "ot", "regot": "regot", "ott-jax": "ott"}


@dataclass(frozen=True)
class Peer:
    """A solver, and the package it needs."""

    package: str
    solve: Callable
    regularisation: str = "entropy"
    exact: bool = False  # solves the problem without regularisation, whatever the tolerance
    compiles: bool = False  # for each shape anew

    @property
    def there(self):
        """Whether the package is installed."""
        return find_spec(MODULES[self.package]) is not None


def _own(method):
    def run(case, eta, tol):
        options = {"k": case.k} if method == "sparse_ot" else {"maxiter": ENDLESS}
        return solve(Transport(*case[:3], eta=eta), method=method, tol=tol, options=options).plan

    return run


def _pot(method):
    def run(case, eta, tol):
        import ot  # pyright: ignore

        # It stops on the 2-norm of one marginal.
        options: dict[str, Any] = {"numItermax": ENDLESS, "warn": False}
        threshold = tol / np.sqrt(case.a.size)
        return ot.sinkhorn(*case[:3], 1 / eta, method, stopThr=threshold, **options)  # pyright: ignore

    return run


def _emd(case, eta, tol):
    import ot  # pyright: ignore

    return ot.emd(*case[:3], numItermax=ENDLESS)


def _pot_smooth(case, eta, tol):
    import ot  # pyright: ignore

    limit: dict[str, Any] = {"stopThr": 1e-15, "numItermax": ENDLESS}
    if case.k in (0, case.a.size):
        return ot.smooth.smooth_ot_dual(case.a, case.b, case.C, 1 / eta, **limit)
    kind = {"reg_type": "sparsity_constrained", "max_nz": case.k}
    return ot.smooth.smooth_ot_semi_dual(case.a, case.b, case.C, 1 / eta, **kind, **limit)


def _regot(function):
    def run(case, eta, tol):
        import regot  # pyright: ignore

        # It stops on the 2-norm of the gradient.
        threshold = tol / np.sqrt(sum(case.C.shape))
        return getattr(regot, function)(case.C, case.a, case.b, 1 / eta, threshold, 500).plan

    return run


def _ott(case, eta, tol):
    import jax  # pyright: ignore

    jax.config.update("jax_enable_x64", True)
    geometry, run = _ott_solver()
    out = run(geometry(case.C, 1 / eta), case.a, case.b, tol)
    return np.asarray(out)


@lru_cache
def _ott_solver():
    import jax  # pyright: ignore
    from ott.geometry.geometry import Geometry  # pyright: ignore
    from ott.solvers.linear import solve as ott_solve  # pyright: ignore

    def plan(geometry, a, b, tol):
        return ott_solve(geometry, a, b, threshold=tol, max_iterations=10**6).matrix

    return lambda C, reg: Geometry(cost_matrix=C, epsilon=reg), jax.jit(plan)


PEERS = {
    "sns": Peer("numopt", _own("sns")),
    "sinkhorn": Peer("numopt", _own("sinkhorn")),
    "regot:ssns": Peer("regot", _regot("sinkhorn_ssns")),
    "pot:sinkhorn": Peer("POT", _pot("sinkhorn")),
    "pot:sinkhorn_log": Peer("POT", _pot("sinkhorn_log")),
    "pot:sinkhorn_stabilized": Peer("POT", _pot("sinkhorn_stabilized")),
    "ott:sinkhorn": Peer("ott-jax", _ott, compiles=True),
    "pot:emd": Peer("POT", _emd, exact=True),
    "sparse_ot": Peer("numopt", _own("sparse_ot"), "square"),
    "regot:qrot_grssn": Peer("regot", _regot("qrot_grssn"), "square"),
    "regot:qrot_assn": Peer("regot", _regot("qrot_assn"), "square"),
    "pot:smooth": Peer("POT", _pot_smooth, "square"),
}
TAKES_LIMIT = {"sparse_ot", "pot:smooth"}  # on the entries of a column


# -- one run, in a process of its own --------------------------------------------------------------


def run_case(task, started=lambda facts: None):
    """Run a task and return its row: `cpu` seconds, and the `violation` of the plan.

    Parameters
    ----------
    task : Task
        `problem` is the name of a family, `params` are its size, k and eta. Time is limited twice:
        here, to `time_limit / PATIENCE` seconds of the processor, and from outside, where a library
        does not come back, to `time_limit` by the clock.
    started : callable
        Called when the solve begins.
    """
    params = dict(task.params)
    case, peer = case_of(task.problem, params["n"], params["k"], task.seed), PEERS[task.method]
    _warm_up(task.method, case.C.shape if peer.compiles else None)
    facts = {"size": case.C.shape[0], "cpu": np.inf, "violation": np.inf}
    row = blank_row(task, "done") | facts
    started(facts)
    start = processor_time()
    try:
        with silenced(), limited(task.time_limit / PATIENCE):
            P = peer.solve(case, params["eta"], task.tol)
    except TimeUp:
        return row | {"status": "timeout"}
    except Exception as error:  # whatever a library raises is shown in its cell
        return row | {"status": "error", "message": type(error).__name__}
    cpu = processor_time() - start
    return row | {"cpu": cpu, "violation": violation(P, case)}


def violation(P, case):
    """Return |P 1 - a|_1 + |P'1 - b|_1, infinite for a plan that is not finite."""
    sums = (np.asarray(P.sum(axis=k)).ravel() for k in (1, 0))
    gap = sum(np.abs(s - mass).sum() for s, mass in zip(sums, case[:2], strict=True))
    if case.k and (np.asarray((abs(P) > 0).sum(axis=0)).max() > case.k):
        return np.inf
    return float(gap) if np.isfinite(gap) else np.inf


@lru_cache
def _warm_up(name, shape):
    """Solve something small or easy: imports and compilation are over when the clock starts."""
    case = random_case(20, np.random.default_rng(0))
    if shape is not None:
        n, m = shape
        case = Case(np.full(n, 1 / n), np.full(m, 1 / m), np.zeros(shape))
    with silenced():
        PEERS[name].solve(case, 1.0, 1e-3)
