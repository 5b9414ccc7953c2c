"""The bilevel benchmark: one judge, tables from one run."""

import numpy as np
import pytest

from numopt.bench import bilevel
from numopt.bench.bilevel_peers import PATIENCE, PEERS, TASKS, Peer, features_in_jax, run_case
from numopt.bench.runner import Task, blank_row
from numopt.cli import main


def test_judge():
    good = bilevel.judged("Yezza1996Ex41", np.array([3.0]), np.array([1.0]), 0.1)
    assert good.solved
    assert not good.false_claim
    # F is below the best value here, but y is not optimal for the lower level.
    wrong = bilevel.judged("Mirrlees1999", np.array([1.9]), np.array([0.9]), 0.1, success=True)
    assert not wrong.solved
    assert wrong.false_claim


def test_collection_table():
    lines = list(bilevel.collection_lines(["Yezza1996Ex41"], 0))
    assert len(lines) == 2 + len(bilevel.OWN) + 1
    assert all("| 1 |" in line and line.endswith("| 0 |") for line in lines[2:6])


def test_toy_table():
    lines = list(bilevel.toy_lines(5))
    errors = [float(line.split("|")[2]) for line in lines[2:]]
    assert errors[0] <= 5e-3
    assert errors[1] <= 1e-5


class Here:
    """Runs tasks in this process, or says that they were stopped."""

    def __init__(self, stopped=()):
        self.stopped = stopped

    def results(self, tasks):
        for task in tasks:
            late = blank_row(task, "timeout", "killed")
            yield task, late if task.method in self.stopped else run_case(task)


def test_task_table(monkeypatch):
    pytest.importorskip("sklearn")
    peers = ("implicit", "grid, one level", "bamm", "absent")
    monkeypatch.setitem(PEERS, "absent", Peer(None, "no_such_package"))
    table = list(bilevel.task_lines("regularisation", range(1), Here({"bamm"}), peers, 3.0))
    assert len({line.count("|") for line in table}) == 1
    assert table[-1].startswith("| absent | not installed |")
    assert "| bamm | stopped | | > " in table[-2]
    implicit, grid = (float(line.split("|")[2]) for line in table[2:4])
    assert implicit < grid


def test_time_of_a_peer_is_limited():
    pytest.importorskip("sklearn")
    task = Task("", "cleaning", "random search", time_limit=0.05 * PATIENCE)
    assert run_case(task)["status"] == "timeout"


def test_failure_of_a_peer_is_shown(monkeypatch):
    pytest.importorskip("sklearn")

    def broken(task, seed):
        def run():
            raise ZeroDivisionError

        return run

    monkeypatch.setitem(PEERS, "broken", Peer(broken))
    row = run_case(Task("", "regularisation", "broken"))
    assert (row["status"], row["message"]) == ("error", "ZeroDivisionError")
    table = list(bilevel.task_lines("regularisation", range(1), Here(), ("broken",)))
    assert table[-1].startswith("| broken | ZeroDivisionError |")


@pytest.mark.parametrize("name", ["jaxopt", "sparho, absolute values", "L-BFGS-B by hand"])
def test_peers_agree(name):
    """Other codes find about the validation loss that `implicit` finds."""
    pytest.importorskip("sklearn")
    if not PEERS[name].there:
        pytest.skip(f"{PEERS[name].package} is not installed")
    if name == "jaxopt":
        pytest.importorskip("jaxopt")
        objective, validation = features_in_jax()
        task = TASKS["regularisation"](0)
        x, y = task.problem().split(task.problem().x0)
        y = y + 0.1
        assert float(objective(y, x, tuple(task.train))) == pytest.approx(task.f(x, y))
        assert float(validation(y, tuple(task.valid))) == pytest.approx(task.F(x, y))
        return
    row, own = (run_case(Task("", "regularisation", label, seed=3)) for label in (name, "implicit"))
    assert row["status"] == "done"
    slack = 1.1 if name == "L-BFGS-B by hand" else 4.0  # another lower level
    assert row["value"] <= slack * own["value"]


def test_command(monkeypatch, capsys):
    monkeypatch.setattr(bilevel, "lines", lambda *given: iter([f"{given}"]))
    given = ["--quick", "--seeds", "2", "--seed", "5", "--at-most", "7"]
    assert main(["bench", "bilevel", *given]) == 0
    assert capsys.readouterr().out.strip() == "(5, 2, True, 7.0)"
