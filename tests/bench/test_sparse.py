"""The sparse benchmark: one objective for all, bounds that hold, the first run that gets there."""

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
import scipy.sparse as sp

from numopt.bench import sparse
from numopt.bench.sparse import cases, data, race
from numopt.bench.sparse.peers import OWN, PEERS, Peer
from numopt.bench.sparse.task import Task
from numopt.cli import main

X, Y = data.dense(np.random.default_rng(0), n=40, p=60)
BASE = Task(X, Y, np.ones(1))
CLASSES = replace(BASE, y=np.where(Y > 0, 1.0, -1.0), logistic=True)
TASKS = {
    "lasso": replace(BASE, l1=np.array([BASE.l1_max / 5])),
    "enet": replace(BASE, l1=np.array([BASE.l1_max / 5]), l2=3.0),
    "logistic": replace(CLASSES, l1=np.array([CLASSES.l1_max / 5])),
    "group": replace(replace(BASE, size=5), l1=np.array([replace(BASE, size=5).l1_max / 5])),
    "path": replace(BASE, l1=BASE.l1_max * np.geomspace(1, 0.05, 6)),
}


def shrunk(task, steps=3000):
    """Solve by plain proximal gradients."""
    W, L = np.zeros((task.X.shape[1], task.l1.size)), np.linalg.norm(X, 2) ** 2 + task.l2
    for _ in range(steps):
        V = W + (X.T @ task._residual(X @ W) - task.l2 * W) / L
        norms = np.repeat(task._norms(V), task.size, axis=0)
        W = V * np.maximum(1 - task.l1 / (L * np.maximum(norms, 1e-300)), 0)
    return W


@pytest.mark.parametrize("family", TASKS)
def test_bounds_meet_the_values(family):
    task = TASKS[family]
    W = shrunk(task)
    rough = shrunk(task, 5)
    best = task.values(W)
    assert np.all(task.bounds(rough) <= best + 1e-9)
    assert np.all(task.values(rough) >= best - 1e-9)
    np.testing.assert_allclose(task.bounds(W), best, rtol=1e-6)


COMPILES = {"skglm": [pytest.mark.slow]}  # in every process
SOLVERS = [
    pytest.param(peer, id=peer.name, marks=COMPILES.get(peer.name, ())) for peer in (OWN, *PEERS)
]


@pytest.mark.parametrize("family", TASKS)
@pytest.mark.parametrize("peer", SOLVERS)
@pytest.mark.parametrize("storage", [np.asfortranarray, sp.csc_matrix])
def test_solvers_minimise_the_same_objective(family, peer, storage):
    if family not in peer.families:
        pytest.skip("not its kind of problem")
    if not find_spec(peer.module):
        pytest.skip(f"{peer.package} is not installed")
    task = replace(TASKS[family], X=storage(X))
    answer = race.timed(peer, task, 1e-9)
    assert not answer.error
    best = TASKS[family].values(shrunk(TASKS[family]))
    np.testing.assert_allclose(task.values(answer.W), best, rtol=1e-5)


def test_zero_is_optimal_at_the_largest_lambda():
    for task in (BASE, CLASSES, replace(BASE, size=5)):
        top = replace(task, l1=np.array([task.l1_max]))
        zero = np.zeros((60, 1))
        assert top.values(zero)[0] == pytest.approx(task.at_zero)
        assert top.bounds(zero)[0] == pytest.approx(task.at_zero)


def test_random_data_follow_the_seed():
    for name in ("small", "tall"):
        one, two = (data.SOURCES[name].make(np.random.default_rng(4)) for _ in range(2))
        np.testing.assert_array_equal(one.X, two.X)
        np.testing.assert_array_equal(one.y, two.y)


def test_sparse_data():
    design, y = data.sparse(np.random.default_rng(0), 200, 400, 1e-2)
    assert design.format == "csc"
    assert design.nnz == 800
    assert abs(y.mean()) < 1e-12


@pytest.mark.parametrize(
    ("name", "shape"), [("genes", (64, 6829)), ("diabetes", (442, 10)), ("digits", (1797, 61))]
)
def test_real_data(name, shape):
    if not find_spec(data.SOURCES[name].module):
        pytest.skip("not installed")
    design, y = data.SOURCES[name].make(np.random.default_rng(0))
    assert design.shape == shape
    assert y.shape == shape[:1]
    np.testing.assert_allclose(design.std(axis=0), 1.0)


def fake(name, accuracy):
    """A solver that misses the solution by `accuracy(tol)`."""
    best = shrunk(TASKS["lasso"])

    def solve(task, tol):
        if not accuracy(tol):
            raise ZeroDivisionError
        return best * (1 + accuracy(tol)) if task.X is X else np.zeros((task.X.shape[1], 1))

    return Peer(name, "numpy", "numpy", frozenset({"lasso"}), solve)


def test_race_takes_the_first_tolerance_that_reaches_the_target():
    task = TASKS["lasso"]
    exact = race.Reference(task.values(shrunk(task)), 0.0)
    asked = []
    peer = fake("x", lambda tol: asked.append(tol) or tol)
    outcome = race.race(peer, task, exact, [1e-1, 1e-3, 1e-5, 1e-7], 60.0)
    assert outcome.accuracy <= race.TARGET
    assert set(asked) == {1e-1, 1e-3, 1e-5}
    assert asked.count(1e-3) == 2  # asked by the check above as well


def test_race_gives_up():
    task = TASKS["lasso"]
    exact = race.Reference(task.values(shrunk(task)), 0.0)
    stuck = race.race(fake("x", lambda tol: 0.1), task, exact, [1e-1, 1e-3], 60.0)
    assert 1e-4 < stuck.accuracy < 1
    late = race.race(fake("x", lambda tol: 0.1), task, exact, np.ones(1000), 0.0)
    assert late.accuracy == stuck.accuracy
    broken = race.race(fake("x", lambda tol: 0), task, exact, [1e-1, 1e-3], 60.0)
    assert broken.error == "ZeroDivisionError"


def test_rows():
    names = [case.name for case in cases.chosen()]
    assert "lasso:dense:1000" in names
    assert "path:texts" in names
    assert len(set(names)) == len(names)
    chosen = [case.name for case in cases.chosen(problems=["lasso:dense:10", "path:tall"])]
    assert chosen == ["lasso:dense:10", "path:tall"]
    task = cases.task_of(cases.Case("group", "x", 10), data.Data(X[:, :57], Y))
    assert task.X.shape == (40, 50)
    assert cases.task_of(cases.Case("path", "x", 0), data.Data(X, Y)).l1.size == cases.VALUES


def test_report(monkeypatch):
    good, bad = fake("good", lambda tol: min(tol, 1e-6)), fake("bad", lambda tol: 0)
    absent = Peer("absent", "missing", "no_such_module", frozenset({"lasso"}), None)
    monkeypatch.setattr(sparse, "OWN", replace(good, name="numopt"))
    monkeypatch.setattr(sparse, "PEERS", (good, bad, absent))
    monkeypatch.setitem(data.SOURCES, "small", data.Source(lambda rng: data.Data(X, Y)))
    monkeypatch.setitem(data.SOURCES, "gone", data.Source(None, "no_such_module"))
    table = [cases.Case("lasso", "small", 5), cases.Case("lasso", "gone", 5)]
    monkeypatch.setattr(sparse, "chosen", lambda quick, problems: table)
    lines = list(sparse.lines(3, 2, quick=True))
    assert "left out: absent, as missing is not installed" in lines
    assert "left out: gone, as no_such_module is not installed" in lines
    assert any("seeds 3 to 4" in line for line in lines)
    row = next(line for line in lines if "lasso:small:5" in line).strip("|").split("|")
    cells = [cell.strip() for cell in row]
    assert cells[1] == "40 x 60"
    assert float(cells[3]) > 0
    assert float(cells[4]) == 1
    assert cells[5] == "- (ZeroDivisionError)"
    assert lines[-1].startswith("| lasso |")


def test_command(capsys, monkeypatch):
    seen = []
    monkeypatch.setattr(sparse, "lines", lambda *given: seen.append(given) or iter(["a line"]))
    arguments = ["--seed", "5", "--seeds", "2", "--problems", "lasso,path:tall"]
    arguments += ["--peers", "celer", "--time-limit", "9"]
    assert main(["bench", "bcd", *arguments]) == 0
    assert seen == [(5, 2, False, ["lasso", "path:tall"], ["celer"], 9.0)]
    assert capsys.readouterr().out == "a line\n"
