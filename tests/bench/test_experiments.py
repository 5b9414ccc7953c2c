"""The experiments of the papers, each in a small size."""

import re

import numpy as np
import pytest

from numopt.bench.experiments import experiment_names, find_experiment, sketched_newton
from numopt.core.errors import OptionError


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_lookup():
    assert "sketched_newton" in experiment_names()
    assert find_experiment("sketched_newton") is sketched_newton.rows
    with pytest.raises(OptionError, match=r"Experiments: .*sketched_newton"):
        find_experiment("os")
    with pytest.raises(OptionError, match="no figures"):
        find_experiment("sketched_newton", "figures")


def test_list_of_the_paper():
    assert len(sketched_newton.CUTEST) == len(set(sketched_newton.CUTEST)) == 47


def test_first_set():
    lines = list(sketched_newton.cutest_rows(["HS28", "GOTTFR"]))
    table = [cells(line) for line in lines[2:]]
    assert len({len(row) for row in table}) == 1
    solved = {row[0]: row[1] for row in table[2:]}
    assert solved == {
        "paper, exact": "1/2", "paper, rk": "1/2", "paper, gv": "1/2", "default": "2/2"
    }  # fmt: skip
    inner = {row[0]: int(row[6]) for row in table[2:]}
    assert inner["paper, exact"] == inner["default"] == 0
    assert min(inner["paper, rk"], inner["paper, gv"]) > 0


def test_second_set(monkeypatch):
    monkeypatch.setattr(sketched_newton, "LARGEST_GV", 10)
    lines = list(sketched_newton.logistic_rows(["ionosphere"], []))
    table = [cells(line) for line in lines[2:]]
    assert [row[0].rpartition(", ")[2] for row in table[2:]] == ["exact", "rk", "gv", "default"]
    assert [row[1] for row in table[2:]] == [
        "1/1", "1/1", "not run: dense systems of size 45", "1/1"
    ]  # fmt: skip
    assert all(float(row[5]) <= 1e-4 for row in table[2:] if row[5])


def test_third_set(monkeypatch):
    monkeypatch.setattr(sketched_newton, "RK_CAP", 20_000)
    lines = list(sketched_newton.control_rows([1, 4]))
    table = [cells(line) for line in lines[2:]]
    assert len({len(row) for row in table}) == 1
    ran = {row[0] for row in table[2:] if not row[1].startswith("not run")}
    assert ran == {f"1, paper, {s}" for s in ("exact", "rk", "gv")} | {
        "4, paper, exact", "1, default", "4, default"
    }  # fmt: skip


def test_outcome_measures_the_end_in_one_norm():
    from numopt.problems import pde_control

    problem = pde_control.load(2)
    run = sketched_newton.outcome(problem, {})
    assert run.solved
    assert run.residual <= 1e-4
    assert np.isfinite(run.seconds)


def test_stored_numbers_are_called_stored(monkeypatch):
    for name in ("cutest_rows", "logistic_rows", "control_rows"):
        monkeypatch.setattr(sketched_newton, name, lambda: iter(()))
    text = "\n".join(sketched_newton.rows())
    assert re.search(r"Stored by the authors", text)
    assert "| AdaSketch-RK | 45/47 | 5 | 24 | 24 |" in text
