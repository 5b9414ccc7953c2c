"""Parts 2 and 3 of a file: expressions of Fortran 77 and what is made of them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sif_texts import card, expression, text

from numopt import SifError, check_derivatives
from numopt.cutest import check_derivative_cards, read_sif
from numopt.cutest.fields import FieldError
from numopt.cutest.fortran import parse


def problem(*cards, declared=(), common=(), parameter=None, **options):
    """Return the problem of one element of the variables V and W (and the parameter P)."""
    parameters = [] if parameter is None else [card("EP", "T", "P")]
    uses = [card("T", "E", "T"), card("V", "E", "V", "", "X"), card("V", "E", "W", "", "Y")]
    uses += [] if parameter is None else [card("P", "E", "P", str(parameter))]
    return read_sif(
        text(
            "TEST",
            ("VARIABLES", card("", "X"), card("", "Y")),
            ("GROUPS", card("N", "OBJ")),
            ("BOUNDS", card("FR", "B", "'DEFAULT'")),
            ("ELEMENT TYPE", card("EV", "T", "V", "", "W"), *parameters),
            ("ELEMENT USES", *uses),
            ("GROUP USES", card("E", "OBJ", "E")),
            elements=[
                "TEMPORARIES",
                *(card(kind, name) for kind, name in declared),
                *(["GLOBALS", *common] if common else []),
                "INDIVIDUALS",
                card("T", "T"),
                *cards,
            ],
        ),
        **options,
    )


def value(formula, v=1.5, w=-0.75, **options):
    """Return what an expression is worth."""
    return problem(expression("F", formula), **options).fun([v, w])


V, W = 1.5, -0.75
VALUES = [
    ("V + W * 2 - 3", V + W * 2 - 3),
    ("- V ** 2", -(V**2)),
    ("V ** 2 ** 3", V**8),
    ("V ** (-2)", V**-2),
    ("V ** - 2", V**-2),
    ("V / W / 2.0D0", V / W / 2),
    ("V - W - 1.D+0", V - W - 1),
    ("1 / 2 * V", 0.0),
    ("-7 / 2 * V", -3 * V),
    ("V * 2 / 4", V / 2),
    ("2 ** 3 * V", 8 * V),
    ("2 ** (-1) * V", 0.0),
    ("1.0D0 / 2 * V", V / 2),
    (".5 * V + 1.E-1 + 2.", 0.5 * V + 0.1 + 2.0),
    ("exp(v) * Sin( w )", math.exp(V) * math.sin(W)),
    ("DSQRT(V) + LOG10(V) + ATAN2(V, W)", math.sqrt(V) + math.log10(V) + math.atan2(V, W)),
    ("SIGN(V, W) + SIGN(2.0, V)", -V + 2),
    ("MAX(V, W, 1.0) + MIN(V, W, 1.0)", V + W),
    ("MAX0(2, 3) * V + INT(2.7) + MOD(7, 4)", 3 * V + 2 + 3),
    ("MOD(V, 1.0) + INT(W) + NINT(W) + INT(V)", 0.5 + 0 - 1 + 1),
    ("ABS(W) + TANH(V) + ASIN(W) + ACOS(W)", 0.75 + math.tanh(V) + math.asin(W) + math.acos(W)),
    ("DBLE(1) / 2 + REAL(3) / 2", 2.0),
    ("((((V))))", V),
]


@pytest.mark.parametrize(("formula", "expected"), VALUES)
def test_values(formula, expected):
    assert value(formula) == pytest.approx(expected, rel=1e-15)


SMOOTH = ["V**W", "EXP(V*W)/V", "TAN(W)*COSH(V)-SINH(W)", "V**3*W**2+ABS(W)**2.5", "LOG(V)*ATAN(W)"]


@pytest.mark.parametrize("formula", SMOOTH)
def test_derivatives(formula):
    check_derivatives(problem(expression("F", formula)), np.array([V, W]))


CONDITIONS = [
    ("V .GT. W", True),
    ("V.LE.W", False),
    ("V .LT. 1.0 .OR. W .LT. 0.0", True),
    ("V .GT. 1.0 .AND. .NOT. W .GE. -1.0", False),
    ("V > W", True),
    ("W <= -0.75D0", True),
    ("V .EQ. 1.5D0", True),
    ("V .NE. 1.5D0", False),
    (".TRUE. .AND. V .GT. W", True),
    (".FALSE. .OR. .NOT. .TRUE.", False),
    ("V .GT. W .EQV. W .GT. V", False),
    ("V .GT. W .NEQV. W .GT. V", True),
    ("1 .LT. 2", True),
]


@pytest.mark.parametrize(("condition", "expected"), CONDITIONS)
def test_conditions(condition, expected):
    cards = [
        expression("A", condition, "C"),
        expression("I", "V * V", "C", "R"),
        expression("E", "W + 1", "C", "R"),
        expression("F", "R"),
    ]
    own = problem(*cards, declared=[("L", "C"), ("R", "R")])
    assert own.fun([V, W]) == (V * V if expected else W + 1)
    np.testing.assert_allclose(own.grad([V, W]), [2 * V, 0] if expected else [0, 1])


def test_assignment_under_a_condition_keeps_the_old_value():
    cards = [
        expression("A", "10 * V", "R"),
        expression("A", "W .GT. 0", "C"),
        expression("I", "0 * V", "C", "R"),
        expression("F", "R"),
    ]
    own = problem(*cards, declared=[("L", "C"), ("R", "R")])
    assert (own.fun([2.0, -1.0]), own.fun([2.0, 1.0])) == (20.0, 0.0)


def test_a_name_without_value_is_undefined():
    cards = [
        expression("A", "W .GT. 0", "C"),
        expression("I", "V", "C", "R"),
        expression("F", "R"),
    ]
    own = problem(*cards, declared=[("L", "C"), ("R", "R")])
    assert own.fun([2.0, 1.0]) == 2.0
    assert math.isnan(own.fun([2.0, -1.0]))


def test_logical_names_combine():
    cards = [
        expression("A", "V .GT. 0", "C"),
        expression("A", ".FALSE.", "D"),
        expression("I", "W .GT. 0", "C", "D"),
        expression("A", "0.0", "R"),
        expression("I", "V", "D", "R"),
        expression("F", "R"),
    ]
    own = problem(*cards, declared=[("L", "C"), ("L", "D"), ("R", "R")])
    got = [own.fun([v, w]) for v, w in ((1.0, 1.0), (1.0, -1.0), (-1.0, 1.0))]
    assert got == [1.0, 0.0, 0.0]


def test_integer_names_cut_off_decimals():
    cards = [expression("A", "V * 2", "K"), expression("F", "K / 2 + W")]
    own = problem(*cards, declared=[("I", "K")])
    assert own.fun([2.7, 0.5]) == 2.5  # int(5.4) / 2 = 2
    assert own.fun([-2.7, 0.5]) == -1.5


def test_a_value_uses_the_statements_above_it():
    cards = [expression("A", "V", "R"), expression("F", "R * R"), expression("A", "2 * V", "R")]
    own = problem(*cards, expression("G", "R", "V"), expression("H", "2.0", "V", "V"))
    assert own.fun([3.0, 0.0]) == 9.0
    assert check_derivative_cards(own, rng=0) == []


def test_globals_come_first():
    own = problem(
        expression("F", "TWO * V"),
        declared=[("R", "TWO")],
        common=[expression("A", "1.0 + 1.0", "TWO")],
    )
    assert own.fun([3.0, 0.0]) == 6.0


def test_undefined_values_are_nan():
    own = problem(expression("F", "LOG(V) + SQRT(W)"))
    assert math.isnan(own.fun([-1.0, 1.0]))
    assert math.isnan(own.fun([1.0, -1.0]))
    assert own.fun([0.0, 1.0]) == -math.inf


def test_parameters_as_exponents():
    own = problem(expression("F", "V ** P + INT(P) * W"), parameter=2.0)
    assert own.fun([-3.0, 1.0]) == 11.0


SINGLE = [
    ("V * 0.1", float(np.float32(0.1))),
    ("V * 0.1D0", 0.1),
    ("V * (7.0 / 3.0)", float(np.float32(7) / np.float32(3))),
    ("V * 4.0 * ATAN(1.0)", 4 * float(np.float32(np.pi / 4))),
    ("V * (4.0 * ATAN(1.0))", float(np.float32(np.pi))),
    ("V * (2 / 3.0)", float(np.float32(2) / np.float32(3))),
    ("V * (0.1 + 0.1D0)", float(np.float32(0.1)) + 0.1),
    ("V * 2.0 ** 0.5", float(np.float32(2**0.5))),
    ("V * MAX(0.1, 0.2)", float(np.float32(0.2))),
    ("V * SIGN(0.1, -1.0)", -float(np.float32(0.1))),
]


@pytest.mark.parametrize(("formula", "expected"), SINGLE)
def test_single_precision_constants(formula, expected):
    assert value(formula, v=1.0, constants="fortran") == expected


def test_double_reads_all_constants_in_double_precision():
    assert value("V * 0.1", v=1.0) == 0.1
    assert value("V * (7.0 / 3.0)", v=1.0) == 7 / 3


def test_eleven_digits_of_the_official_decoder():
    content = text(
        "TEST",
        ("VARIABLES", card("RF", "R", "SQRT", "2.0"), card("", "X")),
        ("GROUPS", card("ZN", "OBJ", "X", "", "R")),
    )
    assert read_sif(content).fun([1.0]) == math.sqrt(2)
    assert read_sif(content, constants="fortran").fun([1.0]) == 1.4142135624


def test_derivative_cards():
    cards = [
        expression("F", "V**2 * W"),
        expression("G", "2.0 * V * W", "V"),
        expression("G", "V", "W"),
        expression("H", "2.0 * W", "V", "V"),
        expression("H", "2.0 * V", "W", "V"),
    ]
    wrong = check_derivative_cards(problem(*cards), rng=0)
    assert [(w.type, w.variables) for w in wrong] == [("T", ("W",))]
    assert (
        check_derivative_cards(problem(*cards[:2], expression("G", "V*V", "W"), *cards[3:])) == []
    )
    missing = problem(*cards[:2], expression("G", "V*V", "W"), cards[3])
    assert [w.variables for w in check_derivative_cards(missing, rng=0)] == [("V", "W")]


WRONG = [
    expression("F", "V**2 * W"),
    expression("G", "3.0 * V * W", "V"),
    expression("G", "V**2", "W"),
    expression("H", "5.0 * W", "V", "V"),
    expression("H", "7.0 * V", "W", "V"),
]


def test_derivatives_of_the_cards():
    own = problem(*WRONG, derivatives="cards")
    v, w = 2.0, 5.0
    assert own.fun([v, w]) == v**2 * w
    np.testing.assert_array_equal(own.grad([v, w]), [3 * v * w, v**2])
    hessian = [[5 * w, 7 * v], [7 * v, 0]]
    np.testing.assert_array_equal(own.hess([v, w]).toarray(), hessian)
    np.testing.assert_array_equal(own.hessp([v, w], None, [1.0, 2.0]), hessian @ np.array([1, 2]))


def test_derivatives_of_the_cards_where_variables_coincide():
    uses = [card("T", "E", "T"), card("V", "E", "V", "", "X"), card("V", "E", "W", "", "X")]
    content = text(
        "TEST",
        ("VARIABLES", card("", "X")),
        ("GROUPS", card("N", "OBJ")),
        ("ELEMENT TYPE", card("EV", "T", "V", "", "W")),
        ("ELEMENT USES", *uses),
        ("GROUP USES", card("E", "OBJ", "E")),
        elements=["INDIVIDUALS", card("T", "T"), *WRONG],
    )
    own = read_sif(content, derivatives="cards")
    assert own.grad([2.0]) == [3 * 4 + 4]
    assert own.hess([2.0]).toarray() == [[5 * 2 + 2 * 7 * 2]]


def test_derivative_by_an_unknown_variable():
    cards = [expression("F", "V"), expression("G", "1.0", "U")]
    with pytest.raises(SifError, match="unknown variable"):
        problem(*cards, derivatives="cards")


MALFORMED = [
    "V +", "V W", "(V", "V)", "SIN()", "V ** * W", "1..2", "V % W", "V.GT", "FOO(V)", "SIN(V, W)",
    "MAX(V)", "UNKNOWN", "V .AND. W", "V + (V .GT. W)", "1 / 0 * V", "3 ** 40", "99999999999", "",
    "__import__('os')", "V; W", "[V]", "V.real", "lambda: V", "2**(2**31)",
    "INT(1.0D0/0.0D0) * V", "SQRT(.TRUE.)",
]  # fmt: skip


@pytest.mark.parametrize("formula", MALFORMED)
def test_malformed_expressions(formula):
    with pytest.raises(ValueError, match="line"):
        problem(expression("F", formula))


def test_limits():
    with pytest.raises(FieldError, match="nested"):
        parse("(" * 200 + "V" + ")" * 200)
    with pytest.raises(FieldError, match="nested"):
        parse("-" * 300 + "V")
    with pytest.raises(FieldError, match="characters"):
        parse("V+" * 4000 + "V")
    parse("+".join(["V"] * 1500))


NUMBER = st.integers(1, 9).map(lambda k: (f"{k}.0D0", float(k)))
LEAVES = NUMBER | st.sampled_from([("V", V), ("W", W)])


def combined(children):
    def infix(op, f):
        return st.tuples(children, children).map(
            lambda ab: (f"({ab[0][0]} {op} {ab[1][0]})", f(ab[0][1], ab[1][1]))
        )

    unary = children.map(lambda a: (f"(-{a[0]})", -a[1]))
    return (
        infix("+", lambda a, b: a + b)
        | infix("-", lambda a, b: a - b)
        | infix("*", lambda a, b: a * b)
        | unary
    )


@settings(max_examples=60, deadline=None)
@given(st.recursive(LEAVES, combined, max_leaves=12))
def test_random_expressions(pair):
    formula, expected = pair
    assert value(formula) == pytest.approx(expected, rel=1e-12, abs=1e-12)
