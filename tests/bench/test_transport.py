"""The transport benchmark: fair problems, one judge, one line for each case."""

import numpy as np
import pytest

from numopt.bench import transport
from numopt.bench.runner import Task
from numopt.bench.transport_cases import FAMILIES, case_of, image_case
from numopt.bench.transport_peers import PEERS, Peer, run_case, violation
from numopt.cli import main
from numopt.core.errors import ProblemError


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def task(method, name="cloud", n=20, k=0, eta=20.0, tol=1e-9, seconds=30.0):
    return Task("", name, method, (("n", n), ("k", k), ("eta", eta)), 3, tol, seconds)


@pytest.mark.parametrize("name", ["random", "cloud", "qrot"])
def test_problems(name):
    case = FAMILIES[name].make(20, np.random.default_rng(0))
    again = FAMILIES[name].make(20, np.random.default_rng(0))
    np.testing.assert_array_equal(case.C, again.C)
    assert case.C.shape == (20, 20)
    assert 0 <= case.C.min() < case.C.max() <= 1
    assert case.a.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("power", [1, 2])
def test_images(power):
    pytest.importorskip("sklearn")
    case = image_case(14, np.random.default_rng(0), power)
    assert case.C.shape == (196, 196)
    assert case.C.max() == 1
    assert case.a.min() > 0
    assert case.a.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("method", [name for name, peer in PEERS.items() if not peer.compiles])
def test_solvers_reach_the_same_plan(method):
    if not PEERS[method].there:
        pytest.skip(f"{PEERS[method].package} is not installed")
    eta = 1.0 if PEERS[method].regularisation == "square" else 20.0
    row = run_case(task(method, eta=eta))
    assert row["status"] == "done"
    assert row["size"] == 20
    assert 0 < row["cpu"] < 30
    assert row["violation"] <= (1e-4 if method == "pot:smooth" else 1e-8)


def test_ott_in_a_process_of_its_own():
    pytest.importorskip("ott", exc_type=ImportError)
    with transport.Pool(1, run_case) as pool:
        ((_, row),) = pool.results([task("ott:sinkhorn")])
    assert row["status"] == "done", row["message"]
    assert row["violation"] <= 1e-8


def test_judge():
    case = case_of("cloud", 6, 0, 0)
    P = np.outer(case.a, case.b)
    assert violation(P, case) <= 1e-15
    assert violation(2 * P, case) == pytest.approx(2.0)
    assert violation(P * np.nan, case) == np.inf
    assert violation(P, case._replace(k=5)) == np.inf
    assert violation(P, case._replace(k=6)) <= 1e-15


def test_a_solver_that_raises_and_one_that_never_ends(monkeypatch):
    def endless(case, eta, tol):
        while eta > 1.0:  # the warm-up ends
            pass

    monkeypatch.setitem(PEERS, "broken", Peer("numopt", lambda case, eta, tol: 1 / (eta - 20.0)))
    monkeypatch.setitem(PEERS, "endless", Peer("numopt", endless))
    row = run_case(task("broken"))
    assert (row["status"], row["message"]) == ("error", "ZeroDivisionError")
    assert run_case(task("endless", seconds=0.5))["status"] == "timeout"


class FakePool:
    """Answers with rows of a table instead of running."""

    def __init__(self, table):
        self.table, self.tasks = table, []

    def results(self, tasks):
        self.tasks += tasks
        for given in tasks:
            cpu, reached, status = self.table[given.method]
            row = {"size": 12, "message": "OSError" if status == "error" else "", "status": status}
            yield given, row | {"cpu": cpu, "violation": reached}


def test_cells_of_a_row():
    table = {
        "sns": (0.1, 1e-12, "done"),
        "regot:ssns": (0.3, 1e-12, "done"),
        "pot:sinkhorn": (0.3, 1e-3, "done"),
        "pot:sinkhorn_log": (np.inf, np.inf, "timeout"),
        "pot:sinkhorn_stabilized": (np.inf, np.inf, "error"),
        "pot:emd": (0.05, 1.0, "done"),
    }
    pool, others = FakePool(table), list(table)[1:]
    plan = transport.Plan("entropy", {"random": [12]}, others, (), (1e-9, 1e-12), range(3), 5.0)
    rows = list(transport._rows(plan, pool, "random", {"n": 12, "k": 0, "eta": 20.0}))
    for row, tol in zip(map(cells, rows), ("1e-09", "1e-12"), strict=True):
        assert row[:5] == ["random", "12", "20", tol, "100.0"]
        assert row[5:] == ["3", "- (1e-03)", "> 5", "- (OSError)", "0.5"]
    slow = [given for given in pool.tasks if given.method == "pot:sinkhorn_log"]
    assert [given.tol for given in slow] == [1e-9] * 2  # two of three decide, and for 1e-12 too
    assert slow[0].time_limit == pytest.approx(transport.PATIENCE * 0.5)


def test_report(monkeypatch):
    monkeypatch.setattr(Peer, "there", property(lambda peer: peer.package == "numopt"))
    problems = {"random": (12,), "kot": (12,)}
    methods = ["sinkhorn", "pot:emd"]
    lines = list(
        transport.lines(3, 2, problems=problems, etas=(20.0,), tols=(1e-9,), methods=methods)
    )
    assert "left out: pot:emd, as POT is not installed" in lines
    assert any("seeds 3 to 4" in line for line in lines)
    row = cells(next(line for line in lines if "random" in line))
    assert row[:4] == ["random", "12", "20", "1e-09"]
    assert float(row[4]) > 0
    assert row[5].startswith(">") or float(row[5]) > 0
    limited = [cells(line) for line in lines if "kot" in line]
    assert [row[2] for row in limited] == ["4", "6", "8", "500"]


def test_unknown_names():
    with pytest.raises(ProblemError, match="unknown problem 'clod'; there are random, cloud"):
        list(transport.lines(problems={"clod": ()}))
    with pytest.raises(ProblemError, match="unknown method 'pot'; there are sns"):
        list(transport.lines(methods=["pot"]))


def test_command(capsys, monkeypatch):
    seen = []
    record = lambda *given, **options: seen.append((given, options)) or iter(["a line"])  # noqa: E731
    monkeypatch.setattr(transport, "lines", record)
    selection = ["--problems", "cloud:n=5,cloud:n=7,random", "--etas", "3", "--tols", "1e-9,1e-10"]
    assert main(["bench", "ot", "--seed", "5", "--seeds", "2", *selection]) == 0
    problems = {"cloud": (5, 7), "random": ()}
    etas = {"problems": problems, "at_most": 20.0, "etas": [3.0], "tols": [1e-9, 1e-10]}
    assert seen == [((5, 2, False), etas)]
    assert capsys.readouterr().out == "a line\n"
    assert main(["bench", "ot", "--problems", "cloud:m=5"]) == 2
    assert "the only parameter is n" in capsys.readouterr().err
