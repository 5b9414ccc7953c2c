"""The public collection: what is solved, and what is never claimed."""

import json

import numpy as np
import pytest
from bilevel_examples import QUICK

from numopt import minimize
from numopt.problems import bolib
from numopt.solvers.bilevel.certificate import certify


@pytest.mark.parametrize("name", [n for n, p in bolib.PROBLEMS.items() if p.convex])
def test_unpolished_or_polished_never_claims_what_is_not_so(name):
    known = bolib.PROBLEMS[name]
    for polish in (False, True)[: 1 + (known.best > 0.0)]:
        res = minimize(bolib.load(name), method="lv_hba", options={"polish": polish}, rng=0)
        assert not res.success or res.certificates["lower_gap"] <= 1e-4
        if res.success:
            assert res.fun >= known.best - 1e-3 * (1.0 + abs(known.best))


@pytest.mark.parametrize("name", ["Bard1988Ex1", "CandlerTownsley1982", "AllendeStill2013"])
def test_kkt_solves(name):
    res = minimize(bolib.load(name), method="kkt", options={"starts": 3}, rng=0)
    assert res.success
    assert res.fun == pytest.approx(bolib.PROBLEMS[name].best, rel=1e-4)


@pytest.mark.parametrize("name", ["MitsosBarton2006Ex314", "Mirrlees1999"])
@pytest.mark.parametrize("method", ["kkt", "lv_hba"])
def test_lower_level_that_is_not_convex(name, method):
    res = minimize(bolib.load(name), method=method, options=QUICK.get(method), rng=0)
    assert not res.success
    assert res.certificates["lower_convex"] == "violated"
    assert "not convex" in res.message
    best = bolib.PROBLEMS[name].best
    assert res.fun == pytest.approx(best, rel=1e-2) or res.certificates["lower_gap"] > 1e-2


def test_the_gap_catches_the_wrong_answer_of_the_kkt_conditions():
    P = bolib.load("Mirrlees1999")
    assert certify(P, np.array([1.9]), np.array([0.9])).lower_gap > 0.1


def test_reference_solutions_are_certified(reference_data):
    facts = json.loads((reference_data / "bolib3_reference.json").read_text())["problems"]
    for fact in facts:
        if "a_solution" in fact:
            point = (np.array(fact["a_solution"][k], dtype=float) for k in "xy")
            found = certify(bolib.load(fact["name"]), *point)
            assert found.lower_gap <= 1e-3, fact["name"]
            assert found.lower_convex == "checked", fact["name"]
