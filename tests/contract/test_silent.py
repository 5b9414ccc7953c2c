"""Nothing is printed unless it was asked for; then every method prints the same columns."""

import logging


def test_silent(any_pair, capfd, recwarn):
    method, case = any_pair
    case.run(method, rng=0)
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


def test_disp(any_first, capsys, caplog):
    method, case = any_first
    with caplog.at_level(logging.INFO, logger="numopt"):
        res = case.run(method, rng=0, options={"disp": True})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:4] == ["nit", "fun", "optimality", "violation"]
    assert len(lines) == res.nit + 2
    assert [record.getMessage() for record in caplog.records] == lines


def test_history(any_first):
    method, case = any_first
    res = case.run(method, rng=0, history=True)
    assert len(res.history) == res.nit + 1
    assert list(res.history.nit) == list(range(res.nit + 1))
    assert res.history.fun[-1] == res.fun
    assert res.history["optimality"][-1] == res.optimality
    assert case.run(method, rng=0).history is None
