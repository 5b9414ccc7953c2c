"""The benchmark of gradients from values: a row for each function, equal budgets."""

from importlib.util import find_spec

import numpy as np
import pytest

from numopt.bench import zeroth_order
from numopt.cli import main


def test_table(monkeypatch, capsys):
    small = [f._replace(budget=60) for f in zeroth_order.functions()[2:]]
    monkeypatch.setattr(zeroth_order, "functions", lambda quick: small)
    assert main(["bench", "zeroth_order", "--quick"]) == 0
    rows = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if "|" in line]
    peers = [name for name in zeroth_order.PEERS if name != "cma" or find_spec("cma")]
    assert [cell.strip() for cell in rows[0][2:]] == [*zeroth_order.METHODS, *peers]
    assert len(rows) == 2 + len(small)
    cells = [cell.strip() for row in rows[2:] for cell in row[2:]]
    assert cells.count("-") == 2  # frank_wolfe, where there is no set
    assert all(float(cell) > 0 for cell in cells if cell != "-")


def test_a_peer_that_is_not_installed_is_told(monkeypatch):
    monkeypatch.setattr(zeroth_order, "find_spec", lambda name: None)
    monkeypatch.setattr(zeroth_order, "functions", lambda quick: [])
    told = list(zeroth_order.lines())
    assert "left out: cma is not installed" in told
    assert "cma |" not in told[-2]


def test_answers_lie_in_the_set():
    f = zeroth_order.functions(quick=True)[-1]
    assert f.domain.violation(zeroth_order._entered(f, np.full(10, 9.0))) < 1e-12
    assert f.lowest == pytest.approx(0.5949, abs=1e-3)


def test_the_lowest_values_are_lower_bounds():
    rng = np.random.default_rng(0)
    for f in zeroth_order.functions(quick=True):
        assert f.fun(f.x0) > f.lowest
        assert min(f.fun(f.x0 + rng.standard_normal(f.x0.size)) for _ in range(20)) > f.lowest
