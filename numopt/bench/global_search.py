"""Global search beside other libraries: ``numopt bench global``.

Functions with a known minimum of 0, shifted and rotated (`numopt.problems.landscapes`); a run is
solved at 1e-4 within 10 000 evaluations for each variable. Every method sees the same counted
function and starts again if it ends early. The compiled form of our method is run beside them: it
makes the same evaluations, so it has no share of its own but a time.
"""

from collections import defaultdict
from importlib.metadata import version
from time import process_time
from typing import Any, NamedTuple

import numpy as np

from numopt.bench.global_peers import PEERS, Recorder, installed, record
from numopt.front import minimize
from numopt.problems.landscapes import FAMILIES, HELD_OUT, landscapes

TARGET, BUDGET = 1e-4, 10_000


class Outcome(NamedTuple):
    """What a method made of one landscape."""

    solved: bool
    calls: int
    seconds: float


def attempt(peer, landscape, seed, budget):
    """Run a peer on a landscape."""

    def fun(x):
        return landscape.fun(np.ascontiguousarray(x, dtype=float), landscape.parameters)

    recorder, start = Recorder(fun, budget, [TARGET]), process_time()
    record(peer.run, recorder, landscape.lb, landscape.ub, seed)
    return Outcome(recorder.low <= TARGET, recorder.calls, process_time() - start)


def compiled(landscape, seed, budget, **options):
    """Run `cbo` with the compiled objective."""
    start = process_time()
    res: Any = minimize(
        landscape.fun,
        args=(landscape.parameters,),
        bounds=landscape.bounds,
        method="cbo",
        rng=[seed, 0],
        options={"maxfun": budget, "target": TARGET, "maxiter": 10**9} | options,
    )
    return Outcome(res.fun <= TARGET, res.nfev, process_time() - start)


def lines(seed=0, seeds=6, dimensions=(5, 10, 20), held_out=False, peers=None, detail=False):
    """Yield the lines of the report.

    Parameters
    ----------
    seed, seeds : int
        First seed and number of seeds; each draws all landscapes anew.
    dimensions : sequence of int
    held_out : bool
        The families that no constant was chosen by.
    peers : sequence of str, optional
        Names of the methods besides our own; by default all that are installed.
    detail : bool
        Also the solved runs of each family.
    """
    there = installed(peers)
    for peer in PEERS:
        if peer not in there and (peers is None or peer.name in peers):
            yield f"left out: {peer.name}, as {peer.module} is not installed"
    known = sorted({peer.module for peer in there} - {"numopt"})
    yield "versions: " + ", ".join(f"{name} {version(name)}" for name in known)
    names = HELD_OUT if held_out else FAMILIES
    yield f"seeds {seed} to {seed + seeds - 1}; share of runs below {TARGET:g}, {BUDGET} d calls"
    yield ""
    yield "| d | method | share | shifted | rotated | calls / budget | us a call |"
    yield "|---|---|---|---|---|---|---|"
    for d in dimensions:
        for name, run in _methods(there).items():
            found = _runs(run, d, names, range(seed, seed + seeds))
            yield _row(d, name, found)
            if detail:
                yield _families(found)


def _methods(peers):
    compiled_cbo = {"numopt cbo, compiled": compiled}
    return compiled_cbo | {peer.name: _with(peer) for peer in peers}


def _with(peer):
    return lambda landscape, seed, budget: attempt(peer, landscape, seed, budget)


def _runs(run, d, names, seeds):
    found = defaultdict(list)
    compile_first = landscapes(d, 0, names)[0]
    run(compile_first, 0, 300 * d)
    for seed in seeds:
        for landscape in landscapes(d, seed, names):
            found[landscape.name].append(run(landscape, seed, BUDGET * d))
    return found


def _row(d, name, found):
    parts = {True: [], False: []}
    for family, outcomes in found.items():
        parts[family.endswith("_rotated")] += outcomes
    every = parts[True] + parts[False]
    shares = [np.mean([o.solved for o in part]) for part in (every, parts[False], parts[True])]
    calls = sum(o.calls for o in every)
    used, price = calls / (len(every) * BUDGET * d), 1e6 * sum(o.seconds for o in every) / calls
    cells = [*(f"{share:.2f}" for share in shares), f"{used:.2f}", f"{price:.2f}"]
    return f"| {d} | {name} | {' | '.join(cells)} |"


def _families(found):
    each = (f"{name} {sum(o.solved for o in runs)}/{len(runs)}" for name, runs in found.items())
    return "<!-- " + ", ".join(each) + " -->"
