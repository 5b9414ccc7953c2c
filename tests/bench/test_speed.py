import pytest

import cutest_problems
from numopt import ProblemError
from numopt.bench import speed
from numopt.bench.speed import (
    CALLS,
    bytes_per_row,
    evaluation_times,
    file_lines,
    loop_overhead,
    without_meaning,
)
from numopt.cutest import collection, write_sif


def test_every_call_is_timed():
    times = evaluation_times(cutest_problems.load("HS71"))
    assert len(times) == len(CALLS)
    assert all(0 < time < 1e6 for time in times)


def test_the_loop_is_timed(monkeypatch):
    monkeypatch.setattr("numopt.bench.speed.TURNS", 100)
    assert 0 < loop_overhead() < 1e6


def test_files_are_timed_and_weighed(tmp_path, monkeypatch):
    monkeypatch.setattr(speed, "REPEATS", 1)
    monkeypatch.setenv("NUMOPT_CACHE", str(tmp_path))
    for name in ("HS71", "HS6"):
        (tmp_path / f"{name}.SIF").write_text(write_sif(cutest_problems.load(name)))
    first, last = (line for line in file_lines(tmp_path) if line.startswith(("HS", "f of")))
    assert last.startswith("f of 2 files with n < 50, CPU us: median ")
    name, *times, size = first.split()
    assert (name, len(times)) == ("HS71", len(CALLS))
    assert all(0 < float(time) < 1e6 for time in times)
    assert float(size) > 0
    (tmp_path / "HS71.SIF").unlink()
    with pytest.raises(ProblemError, match="none of the files"):
        list(file_lines(tmp_path))


def test_what_has_no_meaning_has_no_times():
    problem = cutest_problems.load("ARWHEAD")
    times = evaluation_times(problem, lambda call: call() is not None, without_meaning(problem))
    assert times == [True, True, None, None, True, True]
    assert without_meaning(cutest_problems.load("BRATU2D")) == (0, 1)


@pytest.mark.parametrize("name", ["SCURLY20", "BRATU2D"])  # with and without auxiliary variables
def test_memory_of_files(reference_data, name):
    params = {"SCURLY20": {"N": 1000}, "BRATU2D": {"P": 32}}[name]
    assert 0 < bytes_per_row(collection(reference_data / "sif"), name, params) < 300
