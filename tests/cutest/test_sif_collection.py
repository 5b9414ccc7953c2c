"""Folders of files: selection, memory on disk, facts, command line."""

import json
import multiprocessing
import warnings
from pathlib import Path

import numpy as np
import pytest
from sif_texts import card, text

import cutest_problems
import numopt
from numopt.bench.suite import open_suite
from numopt.cli import main
from numopt.cutest import (
    Collection,
    check_derivative_cards,
    collection,
    differences,
    facts,
    read_sif,
    storage,
    write_sif,
)
from numopt.cutest.header import read_header


def chain(name, classification, letter="E", n=10):
    """Return a chain of n + 1 squares whose size is a parameter, with a row of one letter."""
    comments = [
        "*   Source:  problem 7 in",
        "*   A. Author, A Book, 1990.",
        "",
        f"*   classification {classification}",
        "*IE N                   100            $-PARAMETER",
        f" IE N                   {n:<15}$-PARAMETER",
        " IE 1                   1",
    ]
    loop = [" DO I         1                        N", card("X", "X(I)"), " ND"]
    body = text(
        name,
        ("VARIABLES", card("", "X0"), *loop),
        ("GROUPS", card("N", "OBJ", "X0", "1.0"), card(letter, "ROW", "X0", "1.0", "X1", "1.0")),
        ("BOUNDS", " FR BND       'DEFAULT'"),
        ("ELEMENT TYPE", card("EV", "SQ", "V")),
        ("ELEMENT USES",
         loop[0], card("XT", "E(I)", "SQ"), card("ZV", "E(I)", "V", "", "X(I)"), loop[2]),
        ("GROUP USES", loop[0], card("XE", "OBJ", "E(I)"), loop[2]),
        elements=["INDIVIDUALS", card("T", "SQ"), " F                      V * V",
                  " G  V                   2.0 * V", " H  V         V         3.0"],
    )  # fmt: skip
    first, rest = body.split("\n", 1)
    return "\n".join([first, *comments, rest])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of four files, one of them broken, and an empty cache."""
    cache, path = tmp_path / "cache", tmp_path / "sif"
    cache.mkdir(mode=0o700)
    path.mkdir()
    monkeypatch.setenv("NUMOPT_CACHE", str(cache))
    monkeypatch.delenv("MASTSIF", raising=False)
    (path / "CHAIN.SIF").write_text(chain("CHAIN", "QLR2-AN-V-1"))
    (path / "ROPE.SIF").write_text(chain("ROPE", "QLR1-MY-V-1", "G", n=3))
    (path / "BROKEN.SIF").write_text("NAME          BROKEN\nVARIABLES\n    X\n")
    (path / "README.md").write_text("no problem")
    return path


def test_selection(folder):
    c = collection(folder)
    assert list(c) == c.names() == ["BROKEN", "CHAIN", "ROPE"]
    assert len(c) == 3
    assert "ROPE" in c
    assert c.names(classification="QLR2-*") == ["CHAIN"]
    assert c.names(classification="?lr?-[MR]") == ["ROPE"]
    assert c.names(degree=1) == ["ROPE"]
    with pytest.warns(UserWarning, match="BROKEN"):
        assert c.names(kind="inequality") == ["ROPE"]
    assert "ENDATA" in str(c.errors["BROKEN"])
    with pytest.warns(UserWarning, match="BROKEN"):
        assert c.names(min_n=5, max_m=1) == ["CHAIN"]
    assert c.names(classification="Q", max_n=4, kind=("equality", "inequality")) == ["ROPE"]
    with pytest.raises(ValueError, match="`kind`"):
        c.names(kind="linear")


def test_entries(folder):
    e = collection(folder).entry("CHAIN")
    assert e.classification == "QLR2-AN-V-1"
    assert e.source == "problem 7 in A. Author, A Book, 1990."
    assert (e.params, e.alternatives) == ({"N": 10}, {"N": [100, 10]})
    assert (e.n, e.m, e.kind, e.f_best) == (11, 1, "equality", None)
    with pytest.raises(KeyError, match="did you mean CHAIN"):
        collection(folder).entry("chian")


def test_folder_of_the_environment(folder, monkeypatch):
    with pytest.raises(numopt.ProblemError, match="MASTSIF"):
        collection()
    monkeypatch.setenv("MASTSIF", str(folder))
    assert "CHAIN" in collection()
    with pytest.raises(numopt.ProblemError, match="no folder"):
        collection(folder / "absent")
    with pytest.raises(numopt.ProblemError, match="holds no file"):
        collection(folder.parent / "cache")


def test_parameters(folder):
    c = collection(folder)
    assert c.load("CHAIN").n == 11
    assert c.load("CHAIN", N=100).n == 101
    with pytest.warns(UserWarning, match="not among"):
        assert c.load("CHAIN", N=7).n == 8
    with pytest.raises(numopt.SifError, match="no parameter 'M'"):
        c.load("CHAIN", M=7)


def test_files_are_read_once_and_again_when_they_change(folder, monkeypatch):
    names = collection(folder).names(classification="QLR2", kind="equality")
    assert names == ["CHAIN"]

    def refuse(*arguments, **keywords):
        raise AssertionError("read again")

    monkeypatch.setattr("numopt.cutest.folder.read_sif", refuse)
    monkeypatch.setattr("numopt.cutest.folder.read_header", refuse)
    assert collection(folder).names(classification="QLR2", kind="equality") == names
    monkeypatch.undo()
    monkeypatch.setenv("NUMOPT_CACHE", str(folder.parent / "cache"))
    (folder / "CHAIN.SIF").write_text(chain("CHAIN", "QLR2-AN-V-1", "L"))
    assert collection(folder).names(classification="QLR2", kind="inequality") == names


def test_damaged_memory_is_made_anew(folder):
    big = 6000
    with pytest.warns(UserWarning, match="not among"):
        first = collection(folder).load("CHAIN", N=big)
    stored = [*storage.folder().glob("*.npz")]
    assert len(stored) == 1
    for content in (b"", b"PK\x03\x04", stored[0].read_bytes()[:-500], b"[]" * 1000):
        stored[0].write_bytes(content)
        with pytest.warns(UserWarning, match="not among"):
            assert collection(folder).load("CHAIN", N=big).fun(first.x0) == first.fun(first.x0)
    for content in (
        "",
        "[1]",
        '{"CHAIN": 3}',
        '{"CHAIN": {"stamp": 0, "header": {}, "facts": {}}}',
    ):
        for index in storage.folder().glob("index-*.json"):
            index.write_text(content)
        assert collection(folder).entry("CHAIN").params == {"N": 10}


def test_stored_problems_are_the_same(folder):
    c = collection(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fresh = c.load("ROPE", N=6000)
    again = c.load("ROPE", N=6000)  # nothing is read, so nothing warns
    assert facts(fresh) == facts(again)
    for key in ("variable_names", "constraint_names", "params", "classification", "constants"):
        assert getattr(fresh, key) == getattr(again, key)
    np.testing.assert_array_equal(fresh.y0, again.y0)
    np.testing.assert_array_equal(fresh.is_linear, again.is_linear)
    assert write_sif(fresh) == write_sif(again)
    assert [card.type for card in check_derivative_cards(fresh, rng=0)] == ["SQ"]
    with pytest.raises(numopt.ProblemError, match="no derivative cards"):
        check_derivative_cards(again)


@pytest.mark.parametrize(
    ("op", "arguments"),
    [("system", [0]), ("exp", [5]), ("const", ["x"]), ("var", [7]), ("add", [0])],
)
def test_formulas_of_the_store_are_checked(folder, tmp_path, op, arguments):
    path = tmp_path / "p.npz"
    problem = collection(folder).load("CHAIN")
    storage.save(problem, path)
    with np.load(path) as archive:
        pieces = dict(archive)
    head = json.loads(pieces["head"].tobytes())
    head["patterns"][0] = [[1, 0, 0], 1, [["var", 0], [op, *arguments]]]
    pieces["head"] = np.frombuffer(json.dumps(head).encode(), dtype=np.uint8)
    np.savez(path, **pieces)
    with pytest.raises(storage.UNREADABLE):
        storage.load(path)


@pytest.mark.parametrize("index", [11, -1])
def test_indices_of_the_store_are_checked(folder, tmp_path, index):
    path = tmp_path / "p.npz"
    storage.save(collection(folder).load("CHAIN"), path)
    with np.load(path) as archive:
        pieces = dict(archive)
    pieces["whole"] = np.full_like(pieces["whole"], index)
    np.savez(path, **pieces)
    with pytest.raises(ValueError, match="out of range"):
        storage.load(path)


def _load(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return collection(folder).load("CHAIN", N=5500).n


def test_processes_share_the_memory(folder):
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(_load, [folder] * 6) == [5501] * 6
    assert not [*storage.folder().glob("*.tmp")]


def test_headers_of_garbage():
    assert read_header(["", "*classification", " IE N    x $-PARAMETER", "\x00"]).params == {}


# -- facts -----------------------------------------------------------------------------------------


def test_facts_agree_with_records(reference_data):
    c = collection(reference_data / "sif")
    records = json.loads((reference_data / "cutest_reference.json").read_text())["problems"]
    compared = 0
    for record in records:
        name = Path(record["file"]).stem
        if name in c and record["n"] <= 20 and "fd_check_failed" not in record:
            found = facts(c.load(name, constants="fortran", compile=None, **record["params"] or {}))
            assert set(record["x1"] or ()) <= set(found["x1"])
            assert differences(found, record, 1e-7) == []
            compared += 1
    assert compared > 150


def test_differences_are_found():
    problem = read_sif(chain("CHAIN", "QLR2-AN-V-1"))
    one = facts(problem)
    other = json.loads(json.dumps(one))
    assert differences(one, other) == []
    other["var"]["free"] = 3
    other["x1"]["Hw"] *= 1 + 1e-6
    other["x0"]["g"] = None
    assert [s.split(":")[0] for s in differences(one, other)] == ["var", "Hw at x1"]


# -- command line ----------------------------------------------------------------------------------


def cutest(folder, capsys, *words):
    code = main(["cutest", *words, "--mastsif", str(folder)])
    return code, capsys.readouterr()


def test_commands(folder, capsys):
    code, said = cutest(folder, capsys, "list", "--class", "QLR2-*", "--max-n", "20")
    assert (code, said.out) == (0, "CHAIN\n")
    code, said = cutest(folder, capsys, "show", "CHAIN")
    assert code == 0
    assert "N = 100, 10" in said.out
    assert "n = 11, m = 1" in said.out
    code, said = cutest(folder, capsys, "load", "CHAIN:N=100", "ROPE")
    assert "101 variables, 1 constraints" in said.out
    code, said = cutest(folder, capsys, "check", "ROPE")
    found = json.loads(said.out)
    assert (found["name"], found["con"]["ge"], found["n"]) == ("ROPE", 1, 4)
    (wrong,) = found["wrong_derivative_cards"]
    assert (wrong["variables"], wrong["given"], wrong["derived"]) == (["V", "V"], 3.0, 2.0)
    code, said = cutest(folder, capsys, "coverage")
    assert "| read | 2 |" in said.out
    assert "refused: BROKEN.SIF" in said.out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["show", "CHIAN"], "Did you mean 'CHAIN'"),
        (["check", "CHAIN:M=3"], "no parameter 'M'; it has: N"),
        (["show", "BROKEN"], "ENDATA"),
        (["list", "--class", "hard"], "unknown class 'hard'"),
    ],
)
def test_mistakes_end_with_code_2(folder, capsys, words, sentence):
    code, said = cutest(folder, capsys, *words)
    assert code == 2
    assert sentence in said.err


def test_the_embedded_collection_is_checked_alike(capsys):
    assert main(["cutest", "check", "HS71"]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == 4
    assert main(["cutest", "coverage"]) == 2
    assert "--mastsif" in capsys.readouterr().err
    assert main(["cutest", "list", "--class", "QLR2-*", "--min-m", "2"]) == 2
    assert "cannot select by classification, min_m" in capsys.readouterr().err


def test_bench_and_solve(folder, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    words = ["bench", "--suite", "cutest", "--mastsif", str(folder), "--class", "QLR*,OOR2-*"]
    words += ["--max-n", "20", "--methods", "sketched_newton", "--workers", "0", "--out", "r"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "2 runs, 2 solved" in out
    main(words)
    assert "2/2  ROPE" not in capsys.readouterr().out  # nothing is run again
    (folder / "HS71.SIF").write_text(write_sif(cutest_problems.load("HS71")))
    open_suite.cache_clear()
    main([*words, "--held-out", "--fresh"])
    assert "2 runs" in capsys.readouterr().out
    assert main(["solve", "CHAIN:N=100", "--mastsif", str(folder)]) == 0
    assert main(["solve", str(folder / "ROPE.SIF")]) == 0
    assert main(["bench", "--mastsif", str(folder), "--suite", "tiny_suite"]) == 2


def test_suites_of_folders(folder):
    suite = open_suite(f"sif:{folder}")
    assert isinstance(suite.module, Collection)
    before = suite.digest("CHAIN")
    (folder / "CHAIN.SIF").write_text(chain("CHAIN", "QLR2-AN-V-1", "L"))
    assert suite.digest("CHAIN") != before
