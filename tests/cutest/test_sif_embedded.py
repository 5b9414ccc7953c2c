"""The embedded problems and their originals agree wherever both exist."""

from pathlib import Path

import pytest

import cutest_problems
from numopt.cutest import collection, differences, facts

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "sif"

# Not compared: which rows count as linear, and explicit zeros.
LEFT_OUT = ("con", "nonreal_vars", "nnzj_num", "nnzh_num")


def same_size(name, entry):
    """Return the embedded problem at the parameters of a file, or None where it has others."""
    known = {key.lower(): key for key in cutest_problems.entry(name).params}
    shared = {known[k.lower()]: v for k, v in entry.params.items() if k.lower() in known}
    problem = cutest_problems.load(name, compile=None, **shared)
    return problem if (problem.n, problem.m) == (entry.n, entry.m) else None


def pairs():
    """Return names of embedded problems whose files are at hand, by the name of the file."""
    if not FOLDER.is_dir():
        return [pytest.param("", marks=pytest.mark.skip(reason="no files"))]
    c = collection(FOLDER)
    return [name for name in c if embedded(name) in cutest_problems.names()]


def embedded(name):
    """Return a name as the collection spells it."""
    return {"TRYmB": "TRY-B"}.get(name, name.removeprefix("n") if name[:1] == "n" else name)


@pytest.mark.cutest
@pytest.mark.parametrize("name", pairs())
def test_agreement(name):
    c = collection(FOLDER)
    mine = same_size(embedded(name), c.entry(name))
    assert mine is not None
    original = facts(c.load(name, compile=None))
    wanted = {key: value for key, value in original.items() if key not in LEFT_OUT}
    assert differences(facts(mine), wanted, 1e-7, rounding=1e-10) == []
