"""Anything that a file can contain ends in a problem or in a `SifError`."""

import random
import re
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sif_mutations import damaged

import cutest_problems
from numopt import SifError
from numopt.cutest import read_sif, write_sif
from numopt.cutest.header import read_header

# Written by ourselves: group types and conditions, ranges and scalars, elements of many variables.
TEXTS = [write_sif(cutest_problems.load(name)) for name in ("HS71", "HS87", "CURLY10", "HS118")]
REAL = [
    "ALLINITA",
    "AVION2",
    "BRATU1D",
    "CATMIX",
    "EG1",
    "GPP",
    "HS109",
    "HUBFIT",
    "NET1",
    "TRO3X3",
]

MUTANTS_PER_FILE = 40


def survives(text):
    """Read and evaluate a text; return the error, if any."""
    read_header(text.split("\n"))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", UserWarning)
        try:
            problem = read_sif(text, compile=None)
        except SifError as error:
            return error
        problem.fun_and_grad(problem.x0)
        problem.cons(problem.x0)
        problem.jac(problem.x0)
        if problem.n < 1000:
            problem.hess(problem.x0, np.ones(problem.m))
    return None


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(TEXTS), st.integers(0, 2**32))
def test_damaged_texts(text, seed):
    error = survives(damaged(text, random.Random(seed)))
    assert error is None or error.reason


@pytest.mark.parametrize("name", REAL)
def test_damaged_files(reference_data, name):
    text = (reference_data / "sif" / f"{name}.SIF").read_text(encoding="latin-1")
    outcomes = [survives(damaged(text, random.Random(seed))) for seed in range(MUTANTS_PER_FILE)]
    refused = [error for error in outcomes if error is not None]
    assert 0 < len(refused) < len(outcomes)
    # All but what concerns the file as a whole names line and card.
    assert sum(bool(error.line and error.card) for error in refused) > len(refused) / 2


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_any_text(text):
    assert isinstance(survives(text + "\n"), SifError)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_file(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("fuzz") / "X.SIF"
    path.write_bytes(content)
    with pytest.raises(SifError) as caught:
        read_sif(path)
    assert caught.value.file


def test_a_quoted_optimum_beyond_all_numbers():
    text = re.sub(r"(\*LO SOLTN +).*", r"\g<1>1.0D+400", TEXTS[0])
    assert text != TEXTS[0]
    assert read_sif(text).f_opt_quoted == np.inf
    assert read_sif(TEXTS[0]).f_opt_quoted == pytest.approx(17.014017)
