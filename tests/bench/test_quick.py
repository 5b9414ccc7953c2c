import cutest_problems
from numopt.bench import large
from numopt.bench.quick import EXPECTED, METHODS, problems
from numopt.bench.suite import Suite
from numopt.cutest import KINDS, kind_of


def test_expected_optima_are_known_and_cover_all_classes():
    entries = [cutest_problems.entry(name) for name in EXPECTED]
    assert len({entry.name for entry in entries}) == 40
    assert {entry.kind for entry in entries} == set(KINDS)
    assert all(entry.f_best is not None and entry.n <= 20 for entry in entries)
    assert METHODS[0] == "sketched_newton"
    assert len(problems(Suite("cutest"))) >= 150


def test_classes_agree_with_the_collection():
    suite = Suite("cutest")
    for name in EXPECTED:
        assert kind_of(suite.load(name)) == suite.entry(name).kind
    assert set(suite.names(kind="mixed", max_n=4)) == {
        name for name in suite.names(max_n=4) if suite.entry(name).kind == "mixed"
    }


def test_large_problems_are_large_and_constrained():
    suite = Suite("cutest")
    for name, params in large.PROBLEMS:
        suite.check(name, params)
    p = suite.load(*large.PROBLEMS[0])
    assert p.n >= 1000
    assert p.m > 0


def test_a_definition_has_a_digest():
    suite = Suite("cutest")
    assert len(suite.digest("HS71")) == 16
    assert suite.digest("HS71") != suite.digest("ARWHEAD")
