"""Global search beside other libraries: ``numopt bench global``.

Functions with a known minimum of 0, shifted and rotated (`numopt.problems.landscapes`); a run is
solved at 1e-4 within 10 000 evaluations for each variable. Every method sees the same counted
function and starts again if it ends early. The compiled form of our method is run beside them: it
makes the same evaluations, so it has no share of its own but a time.
"""

from collections import defaultdict
from functools import partial
from importlib.metadata import version
from time import process_time
from typing import Any

import numpy as np

from numopt.bench.attempts import Key, Log, code_of
from numopt.bench.global_peers import Recorder, installed, left_out, record
from numopt.front import minimize
from numopt.problems.landscapes import FAMILIES, HELD_OUT, landscapes

TARGET, BUDGET = 1e-4, 10_000


def attempt(peer, landscape, seed, budget):
    """Run a peer on a landscape; return the call that solved it, all calls, and the seconds."""

    def fun(x):
        return landscape.fun(np.ascontiguousarray(x, dtype=float), landscape.parameters)

    recorder, start = Recorder(fun, budget, [TARGET]), process_time()
    record(peer.run, recorder, landscape.lb, landscape.ub, seed)
    return recorder.hits, recorder.calls, process_time() - start


def compiled(landscape, seed, budget):
    """Run `cbo` with the compiled objective; return the same as `attempt`."""
    start = process_time()
    res: Any = minimize(
        landscape.fun,
        args=(landscape.parameters,),
        bounds=landscape.bounds,
        method="cbo",
        rng=[seed, 0],
        options={"maxfun": budget, "target": TARGET, "maxiter": 10**9},
    )
    hits = np.array([res.nfev if res.fun <= TARGET else np.inf])
    return hits, res.nfev, process_time() - start


def lines(
    seed=0, seeds=6, dimensions=(5, 10, 20), held_out=False, peers=None, detail=False, store=None
):
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
    store : path-like, optional
        File of attempts; those that are there are not made again.
    """
    there, log = installed(peers), Log(store)
    yield from left_out(peers)
    known = sorted({peer.module for peer in there} - {"numopt"})
    yield "versions: " + ", ".join(f"{name} {version(name)}" for name in known)
    names = HELD_OUT if held_out else FAMILIES
    seeds = range(seed, seed + seeds)
    yield f"seeds {seeds[0]} to {seeds[-1]}; share of runs below {TARGET:g}, {BUDGET} d calls"
    yield ""
    yield "| d | method | share | shifted | rotated | calls / budget | us a call |"
    yield "|---|---|---|---|---|---|---|"
    for d in dimensions:
        for name, (module, run) in _methods(there).items():
            found = _runs(log, Key("shifted", name, code_of(module), "", d, 0), run, names, seeds)
            yield _row(d, name, found)
            if detail:
                yield _families(found)


def _methods(peers):
    """Return the module and the function ``(landscape, seed, budget)`` of each method."""
    ours = {"numopt cbo, compiled": ("numopt", compiled)}
    return ours | {peer.name: (peer.module, partial(attempt, peer)) for peer in peers}


def _runs(log, key, run, names, seeds):
    """Return the attempts of a method by family."""
    found = defaultdict(list)
    first = landscapes(key.d, 0, names)[0]
    run(first, 0, 300 * key.d)  # compiles
    for seed in seeds:
        for landscape in landscapes(key.d, seed, names):
            this = key._replace(function=landscape.name, instance=seed)
            found[landscape.name].append(
                log.get(this, partial(run, landscape, seed, BUDGET * key.d))
            )
    return found


def _row(d, name, found):
    parts = {True: [], False: []}
    for family, attempts in found.items():
        parts[family.endswith("_rotated")] += attempts
    every = parts[True] + parts[False]
    shares = [_share(part) for part in (every, parts[False], parts[True])]
    calls = sum(a.calls for a in every)
    used, price = calls / (len(every) * BUDGET * d), 1e6 * sum(a.seconds for a in every) / calls
    cells = [*(f"{share:.2f}" for share in shares), f"{used:.2f}", f"{price:.2f}"]
    return f"| {d} | {name} | {' | '.join(cells)} |"


def _share(attempts):
    return np.mean([np.isfinite(a.hits[0]) for a in attempts])


def _families(found):
    each = (f"{name} {_share(runs) * len(runs):.0f}/{len(runs)}" for name, runs in found.items())
    return "<!-- " + ", ".join(each) + " -->"
