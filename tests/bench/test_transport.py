"""The transport benchmark: fair problems, one judge, one line for each case."""

import numpy as np
import pytest

from numopt.bench import transport
from numopt.cli import main


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.parametrize("name", ["random", "cloud"])
def test_problems(name):
    case = transport.MAKERS[name](20, np.random.default_rng(0))
    again = transport.MAKERS[name](20, np.random.default_rng(0))
    np.testing.assert_array_equal(case.C, again.C)
    assert case.C.shape == (20, 20)
    assert 0 <= case.C.min() < case.C.max() <= 1
    assert case.a.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("power", [1, 2])
def test_images(power):
    pytest.importorskip("sklearn")
    case = transport.image_case(14, np.random.default_rng(0), power)
    assert case.C.shape == (196, 196)
    assert case.C.max() == 1
    assert case.a.min() > 0
    assert case.a.sum() == pytest.approx(1.0)


def test_report():
    wrong = transport.Peer("wrong", "numopt", lambda case, eta, tol: np.outer(case.a, case.a[::-1]))
    broken = transport.Peer("broken", "numopt", lambda case, eta, tol: 1 / 0)
    absent = transport.Peer("absent", "ott-jax", None)
    rng = np.random.default_rng(0)
    shifted = np.linspace(1, 2, 12) / np.linspace(1, 2, 12).sum()
    case = transport.Case(shifted, shifted, rng.uniform(size=(12, 12)))
    transport_makers = transport.MAKERS | {"skew": lambda n, rng: case}
    peers = (transport.PEERS[0], wrong, broken, absent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "MAKERS", transport_makers)
        patch.setattr(transport, "find_spec", lambda name: name != "ott")
        lines = list(
            transport.lines(3, 2, etas=(20.0,), tols=(1e-9,), problems={"skew": [12]}, peers=peers)
        )
    assert "left out: absent, as ott-jax is not installed" in lines
    assert any("seeds 3 to 4" in line for line in lines)
    row = cells(lines[-1])
    assert row[:4] == ["skew", "12", "20", "1e-09"]
    assert float(row[4]) > 0
    assert float(row[5]) > 0
    assert row[6].startswith("- (")
    assert row[7] == "- (ZeroDivisionError)"


def test_peers_reach_the_same_plan():
    case = transport.cloud_case(30, np.random.default_rng(0))
    own = transport.measured(transport._own("sns"), case, 30.0, 1e-9)
    assert own.violation <= 1.1e-9
    for peer in transport.PEERS:
        if transport.find_spec(transport.MODULES[peer.package]) and peer.package != "ott-jax":
            outcome = transport.measured(peer.solve, case, 30.0, 1e-9)
            assert outcome.violation <= 1e-8, peer.name


def test_command(capsys, monkeypatch):
    seen = []
    monkeypatch.setattr(transport, "lines", lambda *given: seen.append(given) or iter(["a line"]))
    assert main(["bench", "ot", "--seed", "5", "--seeds", "2", "--quick"]) == 0
    assert seen == [(5, 2, True)]
    assert capsys.readouterr().out == "a line\n"
