"""The bilevel benchmark: one judge, tables from one run."""

import numpy as np
import pytest

from numopt.bench import bilevel
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


def test_task_table():
    pytest.importorskip("sklearn")
    solvers = [s for s in bilevel.TASK_SOLVERS if s[0] in ("implicit", "grid, one level")]
    solvers.append(("absent", None, "no_such_package"))
    table = list(bilevel.task_lines("regularisation", range(1), solvers))
    assert table[-1] == "| absent | not installed | | |"
    implicit, grid = (float(line.split("|")[2]) for line in table[2:4])
    assert implicit < grid


def test_command(monkeypatch, capsys):
    monkeypatch.setattr(bilevel, "lines", lambda *given: iter([f"{given}"]))
    assert main(["bench", "bilevel", "--quick", "--seeds", "2", "--seed", "5"]) == 0
    assert capsys.readouterr().out.strip() == "(5, 2, True)"
