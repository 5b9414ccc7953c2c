"""The benchmark of gradients from values: a row for each function, equal budgets."""

import numpy as np

from numopt.bench import zeroth_order
from numopt.cli import main


def test_table(monkeypatch, capsys):
    small = [f._replace(budget=60) for f in zeroth_order.functions()[2:]]
    monkeypatch.setattr(zeroth_order, "functions", lambda quick: small)
    assert main(["bench", "zeroth_order", "--quick"]) == 0
    rows = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if "|" in line]
    assert [cell.strip() for cell in rows[0][2:]] == [*zeroth_order.VARIANTS, *zeroth_order.PEERS]
    assert len(rows) == 2 + len(small)
    assert all(float(cell) > 0 for row in rows[2:] for cell in row[2:])


def test_the_lowest_values_are_lower_bounds():
    rng = np.random.default_rng(0)
    for f in zeroth_order.functions(quick=True):
        assert f.fun(f.x0) > f.lowest
        assert min(f.fun(f.x0 + rng.standard_normal(f.x0.size)) for _ in range(20)) > f.lowest
