"""The benchmark of global search: counting, restarts, one line for each method."""

from itertools import pairwise

import numpy as np
import pytest

import numopt
from numopt.bench import (
    bbob,
    enclosed,
    global_peers,
    global_profiles,
    global_search,
    swarm_steps,
)
from numopt.bench.attempts import Attempt, Key, Log, code_of
from numopt.bench.global_peers import PEERS, Enough, Peer, Recorder, installed, record
from numopt.bench.profiles import runtime_profile
from numopt.bench.store import StoreError
from numopt.cli import main
from numopt.core.errors import OptionError
from numopt.problems.enclosed import ENCLOSED
from numopt.problems.landscapes import landscape

LB, UB = np.full(2, -1.0), np.full(2, 2.0)


def square(x):
    return float(np.sum(np.square(x)))


def test_recorder_counts_and_stops():
    f = Recorder(square, 3, [5.0, 1.0, 0.0])
    assert f(LB) == 2.0
    assert f(0.1 * LB) < 1.0
    np.testing.assert_array_equal(f.hits, [1, 2, np.inf])
    f(LB)
    with pytest.raises(Enough):
        f(LB)
    assert f.calls == 3
    with pytest.raises(Enough):
        Recorder(square, 9, [5.0])(LB)


@pytest.mark.parametrize("peer", installed(), ids=lambda p: p.name)
def test_peers_use_their_budget_and_reach_an_easy_target(peer):
    f = record(peer.run, Recorder(square, 700, [1e-2]), LB, UB, 0)
    assert f.low <= 1e-2
    endless = record(peer.run, Recorder(square, 300, [-1.0]), LB, UB, 0)
    assert 250 <= endless.calls <= 300


def test_same_seed_same_calls():
    for peer in installed(["numopt cbo", "dual_annealing"]):
        one, two = (record(peer.run, Recorder(square, 500, [1e-9]), LB, UB, 4) for _ in range(2))
        assert (one.calls, one.low) == (two.calls, two.low)


def test_table(monkeypatch):
    monkeypatch.setattr(global_search, "BUDGET", 300)
    lines = list(global_search.lines(1, 1, (2,), peers=["dual_annealing"], detail=True))
    rows = [line for line in lines if line.startswith("| 2 |")]
    assert [row.split("|")[2].strip() for row in rows] == ["numopt cbo, compiled", "dual_annealing"]
    assert all(0.0 < float(row.split("|")[3]) < 1.0 for row in rows)
    assert "rastrigin_rotated 1/1" in lines[-1] or "rastrigin_rotated 0/1" in lines[-1]


def test_compiled_and_counted_runs_are_the_same():
    f = landscape("ackley", 3, rng=0)
    counted = global_search.attempt(PEERS[0], f, 5, 4000)
    inside = global_search.compiled(f, 5, 4000)
    assert np.isfinite(counted[0][0])
    assert np.isfinite(inside[0][0])
    assert inside[1] == counted[1] + 1  # that which confirms the target


def test_absent_peers_are_named(monkeypatch):
    absent = Peer("absent", "no_such_module", None)
    monkeypatch.setattr(global_peers, "PEERS", (absent,))
    lines = global_search.lines(0, 1, (), peers=["absent"])
    assert next(lines) == "left out: absent, as no_such_module is not installed"


def test_steps():
    lines = list(swarm_steps.lines(((20, 3),), 100, 1, dimensions=(2,), evaluations=500))
    assert len(lines) == 11
    assert lines[4].startswith("| 20 | 3 |")
    assert lines[-1].startswith("| 2 |")


def test_bbob():
    pytest.importorskip("cocoex")
    lines = list(bbob.lines(1, 1, (2,), ["numopt cbo"], functions=(1, 8)))
    assert lines[-1].split("|")[3].strip() == "1.000"


def test_bbob_expected_time():
    hits = np.array([10.0, np.inf])
    one, two = (Key("bbob", "a", "", name, 2, 1) for name in ("f1", "f2"))
    attempts = [Attempt(one, hits, 50, 0.0), Attempt(one, hits[::-1], 30, 0.0)]
    attempts.append(Attempt(two, hits, 99, 0.0))
    assert bbob._expected(attempts, "f1", 0) == 40
    assert bbob._reached_by_all({"a": attempts, "b": attempts[:1]}) == {("f1", 0)}
    assert all(a > b for a, b in pairwise(bbob.TARGETS))


def test_attempts_are_kept(tmp_path):
    path = tmp_path / "new" / "attempts.csv"
    key = Key("bbob", "a, b", "1.0", "f3", 5, 7)
    made = Log(path).get(key, lambda: (np.array([12.0, np.inf]), 400, 0.25))
    kept = Log(path).get(key, lambda: pytest.fail("made again"))
    assert (kept.key, kept.calls, kept.seconds) == (made.key, 400, 0.25)
    np.testing.assert_array_equal(kept.hits, made.hits)
    Log(path).get(key._replace(code="1.1"), lambda: (np.array([np.inf]), 1, 0.0))
    assert len(path.read_text().splitlines()) == 2


@pytest.mark.parametrize("content", [b"a,b\n", b"\xff\x00SQLite", b"s,m,c,f,d,1,2,3.0,inf\n"])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "runs.sqlite"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is no file of attempts"):
        Log(path)
    assert path.read_bytes() == content


def test_a_table_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(global_search, "BUDGET", 100)
    choice = {"peers": ["none"], "store": tmp_path / "attempts.csv"}
    lines = [list(global_search.lines(1, 1, (2,), **choice)) for _ in range(2)]
    assert lines[0] == lines[1]


def stored(path, *attempts):
    """Keep attempts (suite, method, code, function, d, instance, hits) in a file."""
    log = Log(path)
    for *key, hits in attempts:
        log.get(Key(*key), lambda hits=hits: (np.array(hits), 100, 0.1))
    return path


def test_profiles_compare_what_all_have_attempted(tmp_path):
    now, scipy = code_of("numopt"), code_of("scipy")
    path = stored(
        tmp_path / "attempts.csv",
        ("bbob", "numopt cbo", now, "f1", 2, 1, [2.0, 20.0]),
        ("bbob", "numopt cbo", now, "f2", 2, 1, [2.0, 4.0]),
        ("bbob", "direct", scipy, "f1", 2, 1, [8.0, np.inf]),
        ("bbob", "direct", "0.0", "f2", 2, 1, [1.0, 1.0]),
        ("shifted", "direct", scipy, "levy_rotated", 2, 1, [8.0]),
    )
    found, other = global_profiles._attempts(Log(path), *global_profiles.SUITES["bbob"], None)
    assert other == {"direct": 1}
    hits = global_profiles._common(found[2])
    assert list(hits) == ["numopt cbo", "direct"]
    profile = runtime_profile(hits, 2)
    np.testing.assert_array_equal(profile["numopt cbo"], [[0.0, 1.0, 10.0], [0.0, 0.5, 1.0]])
    np.testing.assert_array_equal(profile["direct"], [[0.0, 4.0], [0.0, 0.5]])


def test_figures_of_a_store(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    scipy = code_of("scipy")
    path = stored(
        tmp_path / "attempts.csv",
        ("shifted", "direct", scipy, "levy_rotated", 2, 1, [8.0]),
        ("shifted", "direct", scipy, "levy", 5, 1, [80.0]),
        ("shifted", "direct", "0.0", "levy", 2, 1, [8.0]),
    )
    arguments = ["bench", "global", "--store", str(path), "--figures", str(tmp_path)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "left out: 1 attempts of direct by other code" in printed
    assert (tmp_path / "global_shifted.png").read_bytes().startswith(b"\x89PNG")
    assert main([*arguments, "--held-out"]) == 2
    assert "no attempts to compare of held_out functions" in capsys.readouterr().err
    assert main(["bench", "global", "--figures", str(tmp_path)]) == 2
    assert "--store FILE" in capsys.readouterr().err


def test_unknown_methods_are_refused():
    with pytest.raises(OptionError, match="'bipop' is none of numopt cbo"):
        installed(["bipop"])


def test_command_line(capsys, monkeypatch):
    monkeypatch.setattr(global_search, "BUDGET", 300)
    assert main(["bench", "global", "--dimensions", "2", "--seeds", "1", "--methods", "none"]) == 0
    assert "numopt cbo, compiled" in capsys.readouterr().out


def test_constraints():
    cases = [case for case in ENCLOSED if case.name in ("g08", "planes")]
    lines = list(enclosed.lines(3, 2, detail=True, maxfun=1500, problems=cases))
    assert len(lines) == 12
    shares = [float(cell) for line in lines[5:7] for cell in line.split("|")[2:-1] if cell.strip()]
    assert len(shares) == 11
    assert set(shares) <= {0.0, 0.5, 1.0}
    assert max(shares) > 0.0


@pytest.mark.parametrize("case", ENCLOSED, ids=lambda case: case.name)
def test_lowest_values_are_feasible(case):
    problem = case.problem()
    res = numopt.solve(problem, method="cbo", rng=0, options={"maxfun": 12_000})
    assert problem.violation(res.x, problem.cons(res.x)) <= 1e-6
    assert res.fun >= case.lowest - 1e-4 * max(1.0, abs(case.lowest))
