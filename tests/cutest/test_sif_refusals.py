"""What is refused, and how: always a SifError that says where."""

import pickle
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sif_texts import card, expression, text

import numopt
from numopt.cutest import interpreter as limits
from numopt.cutest import read_sif

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "sif"
X = card("", "X")
ONE_GROUP = (card("N", "OBJ", "X", "1.0"),)


def whole(variables=(X,), groups=ONE_GROUP, rest=(), **parts):
    return text("TEST", ("VARIABLES", *variables), ("GROUPS", *groups), *rest, **parts)


BAD = {
    "no problem": ("\n\n", "no problem"),
    "no name": ("VARIABLES\n    X\nENDATA\n", "NAME"),
    "no end": ("NAME          A\nVARIABLES\n    X\n", "not closed"),
    "unknown section": (whole(rest=[("NONSENSE",)]), "unknown section 'NONSENSE'"),
    "data before sections": ("NAME          A\n    X\nENDATA\n", "before the first section"),
    "no number": (whole(groups=[card("N", "OBJ", "X", "1.0.0")]), "'1.0.0' is not a number"),
    "infinity": (whole(groups=[card("N", "OBJ", "X", "inf")]), "'inf' is not a number"),
    "huge": (whole(groups=[card("N", "OBJ", "X", "1.0D+999")]), "too large"),
    "unknown variable": (whole(groups=[card("N", "OBJ", "Y", "1.0")]), "'Y' is not known"),
    "unknown group": (
        whole(rest=[("CONSTANTS", card("", "B", "C", "1.0"))]), "'C' is not known",
    ),
    "unknown card": (whole(groups=[card("Q", "OBJ")]), "unknown card 'Q'"),
    "unknown bound": (whole(rest=[("BOUNDS", card("XY", "B", "X"))]), "unknown bound 'XY'"),
    "late default": (
        whole(rest=[("BOUNDS", card("FR", "B", "X"), card("FR", "B", "'DEFAULT'"))]),
        "default after",
    ),
    "crossed bounds": (
        whole(rest=[("BOUNDS", card("LO", "B", "X", "2.0"), card("UP", "B", "X", "1.0"))]),
        "no number lies between",
    ),
    "unknown parameter": (whole([card("RA", "P", "Q", "1.0"), X]), "'Q' is not known"),
    "unknown function": (whole([card("RF", "P", "GAMMA", "1.0"), X]), "unknown function 'GAMMA'"),
    "root of -1": (whole([card("RF", "P", "SQRT", "-1.0"), X]), "undefined"),
    "overflow": (
        whole([card("RE", "Z", "", "1.0D+300"), card("R*", "P", "Z", "", "Z"), X]), "too large",
    ),
    "division by zero": (
        whole([card("RE", "Z", "", "0.0"), card("RD", "P", "Z", "1.0"), X]), "undefined",
    ),
    "unknown index": (whole([card("X", "Y(I)")]), "'I' is not known"),
    "four indices": (whole([card("X", "Y(I,I,I,I)")]), "4 indices"),
    "open parenthesis": (whole([card("X", "Y(I")]), "closing parenthesis"),
    "open loop": (whole([card("DO", "I", "1", "", "1"), X]), "not closed"),
    "unknown limit": (whole([card("DO", "I", "1", "", "1"), X, card("ND")]), "'1' is not known"),
    "deep loops": (
        whole([*(card("DO", k, "1", "", "1") for k in "IJKL"), X, card("ND")]), "deeper than 3",
    ),
    "scale of zero": (whole(groups=[card("N", "OBJ", "'SCALE'", "0.0")]), "divided by zero"),
    "group type of two variables": (
        whole(rest=[("GROUP TYPE", card("GV", "G", "T", "", "U"))]), "has 2 variables",
    ),
    "unknown element type": (
        whole(rest=[("ELEMENT USES", card("T", "E", "NONE"))]), "unknown type 'NONE'",
    ),
    "element without type": (
        whole(rest=[("ELEMENT USES", card("V", "E", "V", "", "X"))]), "has no type",
    ),
    "type without function": (
        whole(rest=[("GROUP TYPE", card("GV", "G", "T")), ("GROUP USES", card("T", "OBJ", "G"))]),
        "no function is given for the type 'G'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_refusals(name):
    content, message = BAD[name]
    with pytest.raises(numopt.SifError, match=message) as caught:
        read_sif(content)
    assert caught.value.line > 0 or name == "no problem"


def test_where_and_what(tmp_path):
    path = tmp_path / "BAD.SIF"
    path.write_text(whole(groups=[card("N", "OBJ", "X", "one")]))
    with pytest.raises(numopt.SifError) as caught:
        read_sif(path)
    error = caught.value
    assert (error.file, error.line) == ("BAD.SIF", 5)
    assert error.card == card("N", "OBJ", "X", "one")
    assert error.expected == "a number such as 1.0D+00"
    assert str(error).startswith("BAD.SIF, line 5: 'one' is not a number; expected a number")
    assert isinstance(error, numopt.NumoptError)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


ELEMENT = [
    ("ELEMENT TYPE", card("EV", "T", "V")),
    ("ELEMENT USES", card("T", "E", "T"), card("V", "E", "V", "", "X")),
    ("GROUP USES", card("E", "OBJ", "E")),
]
BODIES = {
    "no value": ([card("T", "T")], "has no value"),
    "no type": ([expression("F", "V")], "before the first type"),
    "unknown card": ([card("T", "T"), card("Q", "V")], "unknown card 'Q'"),
    "nothing to continue": ([card("T", "T"), " F+                     V"], "nothing to continue"),
    "twenty continuations": (
        [card("T", "T"), expression("F", "+".join(["V"] * 500))], "too many continuations",
    ),
    "unknown condition": (
        [card("T", "T"), expression("I", "V", "C", "R"), expression("F", "R")], "'C' has no value",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_functions_are_refused(name):
    body, message = BODIES[name]
    with pytest.raises(numopt.SifError, match=message) as caught:
        read_sif(whole(rest=ELEMENT, elements=["INDIVIDUALS", *body]))
    assert caught.value.line > 0


@pytest.mark.parametrize(("drop", "message"), [("V", "variable 'V'"), ("P", "parameter 'P'")])
def test_incomplete_elements(drop, message):
    types = [card("EV", "T", "V"), card("EP", "T", "P")]
    uses = [card("T", "E", "T"), card("V", "E", "V", "", "X"), card("P", "E", "P", "1.0")]
    uses = [c for c in uses if not c.startswith(f" {drop} ")]
    rest = [("ELEMENT TYPE", *types), ("ELEMENT USES", *uses), ELEMENT[2]]
    with pytest.raises(numopt.SifError, match=message):
        read_sif(whole(rest=rest, elements=["INDIVIDUALS", card("T", "T"), expression("F", "V*P")]))


def test_limit_on_loops(monkeypatch):
    monkeypatch.setattr(limits, "MOST_CARDS", 1000)
    cards = [card("IE", "1", "", "1"), card("IE", "N", "", "999999")]
    cards += [card("DO", "I", "1", "", "N"), card("X", "Y(I)"), card("ND")]
    with pytest.raises(numopt.SifError, match="more than 1000 cards"):
        read_sif(whole(cards))


def test_arguments():
    with pytest.raises(ValueError, match="`constants`"):
        read_sif(whole(), constants="quad")
    with pytest.raises(ValueError, match="`derivatives`"):
        read_sif(whole(), derivatives="finite")
    with pytest.raises(numopt.SifError, match="no parameter 'N'; parameters: none"):
        read_sif(whole(), {"N": 3})
    with pytest.raises(OSError, match="NOWHERE"):
        read_sif("NOWHERE.SIF")


COMPLETE = whole(
    [card("IE", "N", "", "3"), card("IE", "1", "", "1"), card("DO", "I", "1", "", "N"),
     card("X", "Y(I)"), card("ND"), X],
    [card("N", "OBJ", "X", "1.0"), card("XG", "C", "X", "2.0")],
    [("BOUNDS", card("FR", "B", "X")), *ELEMENT],
    elements=["TEMPORARIES", card("L", "B"), "INDIVIDUALS", card("T", "T"),
              expression("A", "V .GT. 1.0", "B"), expression("F", "EXP(V) + V**2")],
)  # fmt: skip
MUTATIONS = st.lists(
    st.tuples(
        st.integers(0, len(COMPLETE) - 1),
        st.sampled_from([*"()*/+-.,'$0159EDXVNI \n\t_;=<", "ENDATA\n", " DO", "\n ND\n", "1.0D"]),
    ),
    min_size=1,
    max_size=6,
)


def survives(content):
    """Return whether a text is read and evaluated, or refused with a reason."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            problem = read_sif(content, compile=None)
        except numopt.SifError as error:
            return bool(error.reason)
        values = problem.fun(problem.x0), *problem.cons(problem.x0)
        return len(values) == 1 + problem.m


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(MUTATIONS)
def test_mutated_text(mutations):
    content = COMPLETE
    for at, piece in mutations:
        content = content[:at] + piece + content[at + len(piece) :]
    assert survives(content)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200).map(lambda s: f"NAME          A\n{s}\n"))
def test_any_text(content):
    assert survives(content)


@pytest.mark.skipif(not FOLDER.exists(), reason="no files")
@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["HS71", "HS24", "BT1", "HUBFIT", "PT", "HS8"]), st.data())
def test_files_with_a_line_missing_or_twice(name, data):
    lines = (FOLDER / f"{name}.SIF").read_text(encoding="latin-1").split("\n")
    at, copies = data.draw(st.integers(0, len(lines) - 1)), data.draw(st.sampled_from([0, 2]))
    assert survives("\n".join(lines[:at] + [lines[at]] * copies + lines[at + 1 :]))
