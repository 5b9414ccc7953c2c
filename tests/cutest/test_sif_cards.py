"""Part 1 of a file: layout, parameters, loops, sections."""

import pickle

import numpy as np
import pytest
from sif_texts import card, expression, text

from numopt import SifError, check_derivatives
from numopt.cutest import read_sif

X = card("", "X")
ONE_GROUP = (card("N", "OBJ", "X", "1.0"),)
SQUARE = {
    "groups": ["INDIVIDUALS", card("T", "SQUARE"), expression("F", "T**2")],
}


def linear(*cards, groups=ONE_GROUP, rest=()):
    """Return a problem in X."""
    return text("TEST", ("VARIABLES", X, *cards), ("GROUPS", *groups), *rest)


def parameter(*cards, name="P"):
    """Return the value of a real parameter after some cards."""
    problem = read_sif(
        text("TEST", ("VARIABLES", *cards, X), ("GROUPS", card("ZN", "OBJ", "X", "", name)))
    )
    return problem.fun([1.0])


@pytest.mark.parametrize(
    ("code", "f3", "f4", "f5", "expected"),
    [
        ("I=", "K", "", "", 7),
        ("IA", "K", "-2", "", 5),
        ("IS", "K", "2", "", -5),
        ("IM", "K", "3", "", 21),
        ("ID", "K", "15", "", 2),
        ("I+", "K", "", "M", 4),
        ("I-", "K", "", "M", 10),
        ("I*", "K", "", "M", -21),
        ("I/", "K", "", "M", -2),
        ("I/", "M", "", "K", 0),
        ("IR", "R", "", "", -2),
        ("IE", "", "2.9", "", 2),
    ],
)
def test_integer_arithmetic(code, f3, f4, f5, expected):
    cards = [card("IE", "K", "", "7"), card("IE", "M", "", "-3"), card("RE", "R", "", "-2.75")]
    cards += [card(code, "J", f3, f4, f5), card("RI", "P", "J")]
    assert parameter(*cards) == expected


@pytest.mark.parametrize(
    ("code", "f3", "f4", "f5", "expected"),
    [
        ("RE", "", "1.5D+01", "", 15.0),
        ("RE", "", " -.5e1", "", -5.0),
        ("R=", "A", "", "", 0.5),
        ("RA", "A", "2.0", "", 2.5),
        ("RS", "A", "2.0", "", 1.5),
        ("RM", "A", "2.0", "", 1.0),
        ("RD", "A", "2.0", "", 4.0),
        ("R+", "A", "", "B", 4.5),
        ("R-", "A", "", "B", -3.5),
        ("R*", "A", "", "B", 2.0),
        ("R/", "A", "", "B", 0.125),
        ("RF", "SQRT", "2.0", "", 2**0.5),
        ("R(", "ARCTAN", "", "B", np.arctan(4.0)),
        ("R(", "HYPSIN", "", "B", np.sinh(4.0)),
        ("R(", "LOG10", "", "B", np.log10(4.0)),
        ("RI", "K", "", "", 7.0),
    ],
)
def test_real_arithmetic(code, f3, f4, f5, expected):
    cards = [card("RE", "A", "", "0.5"), card("RE", "B", "", "4.0"), card("IE", "K", "", "7")]
    assert parameter(*cards, card(code, "P", f3, f4, f5)) == pytest.approx(expected, rel=1e-15)


def test_arrays_of_parameters():
    cards = [
        card("IE", "1", "", "1"),
        card("IE", "3", "", "3"),
        card("DO", "I", "1", "", "3"),
        card("AI", "S(I)", "I"),
        card("A*", "S(I)", "S(I)", "", "S(I)"),
        card("ND"),
        card("A+", "P", "S(1)", "", "S(3)"),
        card("A=", "P(3)", "P"),
        card("R=", "P", "P3"),
    ]
    assert parameter(*cards) == 10.0


def test_loops_nest_step_and_skip():
    cards = [
        *(card("IE", str(k), "", str(k)) for k in range(4)),
        card("IE", "-2", "", "-2"),
        card("RE", "P", "", "0.0"),
        card("DO", "I", "3", "", "0"),
        card("DI", "-2"),
        card("DO", "J", "1", "", "I"),
        card("RA", "P", "P", "1.0"),
        card("ND"),
        card("DO", "I", "3", "", "1"),
        card("RA", "P", "P", "100.0"),
        card("OD", "I"),
    ]
    cards[7] = card("DI", "", "-2")
    # The second loop is empty; the first runs over 3 and 1.
    assert parameter(*cards) == 4.0


def test_two_coefficients_add_up_and_names_expand():
    groups = [
        card("XN", "OBJ", "Y(K)", "1.0", "Y2,5", "2.0"),
        card("XN", "OBJ", "Y(K,M)", "4.0"),
        card("ZN", "OBJ", "'SCALE'", "", "HALF"),
    ]
    cards = [
        card("IE", "K", "", "2"),
        card("IE", "M", "", "5"),
        card("RE", "HALF", "", "0.5"),
        card("X", "Y(K)"),
        card("", "Y2,5"),
    ]
    problem = read_sif(text("TEST", ("VARIABLES", *cards), ("GROUPS", *groups)))
    assert problem.variable_names == ["Y2", "Y2,5"]
    np.testing.assert_allclose(problem.grad([0.0, 0.0]), [2.0, 12.0])


def test_kinds_of_constraints_and_ranges():
    groups = [card(kind, f"C{kind}{k}", "X", "1.0") for k in (0, 1) for kind in "NELG"]
    vector = [card("", "V", name, "2.0") for name in ("CL1", "CG1")]
    problem = read_sif(
        text(
            "TEST",
            ("VARIABLES", X),
            ("GROUPS", *groups),
            ("CONSTANTS", card("", "B", "'DEFAULT'", "1.0"), card("", "B", "CE0", "3.0")),
            ("RANGES", *vector, card("", "OTHER", "CL0", "5.0")),
        )
    )
    assert problem.constraint_names == ["CE0", "CL0", "CG0", "CE1", "CL1", "CG1"]
    inf = np.inf
    np.testing.assert_array_equal(problem.cl, [0, -inf, 0, 0, -2, 0])
    np.testing.assert_array_equal(problem.cu, [0, 0, inf, 0, 0, 2])
    np.testing.assert_array_equal(problem.cons([4.0]), [1, 3, 3, 3, 3, 3])
    np.testing.assert_array_equal(problem.is_eq, [1, 0, 0, 1, 0, 0])
    assert problem.fun([4.0]) == 6.0
    assert problem.is_linear.all()


def test_groups_before_variables():
    groups = [card("N", "OBJ"), card("G", "CON")]
    columns = [card("", "X", "OBJ", "2.0", "CON", "3.0"), card("", "X", "OBJ", "1.0")]
    columns.append(card("", "Y", "'MARKER'", "", "'INTORG'"))
    columns.append(card("", "Z", "'INTEGER'"))
    problem = read_sif(text("TEST", ("ROWS", *groups), ("COLUMNS", *columns)))
    assert (problem.fun([1.0, 0.0]), problem.cons([1.0, 0.0])) == (3.0, [3.0])
    assert problem.variable_types == ["real", "integer"]


def test_combination_of_groups():
    groups = [
        card("N", "A", "X", "2.0"),
        card("G", "B", "X", "3.0"),
        card("DE", "C", "A", "10.0", "B", "100.0"),
    ]
    problem = read_sif(linear(groups=groups))
    np.testing.assert_array_equal(problem.jac([0.0]).toarray(), [[3.0], [320.0]])


BOUNDS = [
    ((), (0, np.inf)),
    (("FR",), (-np.inf, np.inf)),
    (("LO -1.5",), (-1.5, np.inf)),
    (("UP 3.0",), (0, 3)),
    (("UP 0.0",), (-np.inf, 0)),
    (("LO -1.0", "UP 0.0"), (-1, 0)),
    (("MI",), (-np.inf, 0)),
    (("UP 5.0", "MI"), (-np.inf, 5)),
    (("FX 2.0",), (2, 2)),
    (("UP 5.0", "PL"), (0, np.inf)),
    (("LO -1.0D+21", "UP 1.0E20"), (-np.inf, np.inf)),
]


@pytest.mark.parametrize(("bounds", "expected"), BOUNDS)
@pytest.mark.parametrize("name", ["X", "'DEFAULT'"])
def test_bounds(bounds, expected, name):
    cards = [card(b.split()[0], "BND", name, *b.split()[1:]) for b in bounds]
    problem = read_sif(linear(rest=[("BOUNDS", *cards)]))
    assert (problem.lb[0], problem.ub[0]) == expected


def test_choice_of_vectors():
    bounds = [card("UP", "ONE", "X", "1.0"), card("UP", "TWO", "X", "2.0")]
    start = [card("", "A", "X", "0.5"), card("", "B", "X", "0.25")]
    content = linear(rest=[("BOUNDS", *bounds), ("START POINT", *start)])
    one, two = read_sif(content), read_sif(content, vectors={"BOUNDS": "TWO", "START POINT": "B"})
    assert (one.ub[0], two.ub[0]) == (1.0, 2.0)
    assert (one.x0[0], two.x0[0]) == (0.5, 0.25)
    with pytest.raises(SifError, match="no vector 'THREE' of BOUNDS") as caught:
        read_sif(content, vectors={"BOUNDS": "THREE"})
    assert "'TWO' of BOUNDS" in caught.value.expected


def test_start_of_variables_and_multipliers():
    groups = [card("N", "OBJ", "X", "1.0"), card("E", "C", "X", "1.0"), card("G", "D", "X", "1.0")]
    start = [
        card("", "S", "'DEFAULT'", "7.0"),
        card("V", "S", "X", "1.0"),
        card("M", "S", "C", "2.0"),
        card("", "S", "D", "3.0"),
    ]
    problem = read_sif(linear(groups=groups, rest=[("START POINT", *start)]))
    assert (problem.x0[0], *problem.y0) == (1.0, 2.0, 3.0)
    problem = read_sif(linear(groups=groups, rest=[("START POINT", start[0])]))
    assert (problem.x0[0], *problem.y0) == (7.0, 7.0, 7.0)


@pytest.mark.parametrize("keyword", ["QUADRATIC", "HESSIAN", "QMATRIX", "QUADOBJ"])
def test_quadratic_term(keyword):
    variables = ("VARIABLES", X, card("", "Y"))
    entries = [card("", "X", "X", "2.0", "Y", "3.0"), card("", "Y", "Y", "8.0")]
    problem = read_sif(text("TEST", variables, ("GROUPS", card("N", "OBJ")), (keyword, *entries)))
    np.testing.assert_array_equal(problem.hess([1, 1]).toarray(), [[2, 3], [3, 8]])
    assert problem.fun([1.0, 2.0]) == 1 + 6 + 16


def elements(*uses):
    """Return a problem with one element type, ``F = P U V`` with U = X + 2 Y."""
    types = [card("EV", "T", "X", "", "Y"), card("EV", "T", "V"), card("EP", "T", "P")]
    types += [card("IV", "T", "U"), card("IV", "T", "W")]
    own = ["INDIVIDUALS", card("T", "T"), card("R", "U", "X", "1.0", "Y", "2.0")]
    own += [card("R", "W", "V", "1.0"), expression("F", "P * U * W")]
    return text(
        "TEST",
        ("VARIABLES", X),
        ("GROUPS", card("N", "OBJ")),
        ("BOUNDS", card("FR", "B", "'DEFAULT'")),
        ("START POINT", card("", "S", "'DEFAULT'", "1.0")),
        ("ELEMENT TYPE", *types),
        ("ELEMENT USES", *uses),
        ("GROUP USES", card("E", "OBJ", "E1", "", "E2", "-3.0")),
        elements=own,
    )


def test_elements_may_make_variables():
    uses = [
        card("T", "'DEFAULT'", "T"),
        *(card("V", "E1", slot, "", name) for slot, name in zip("XYV", "XYZ", strict=True)),
        *(card("V", "E2", slot, "", name) for slot, name in zip("XYV", "ZZX", strict=True)),
        card("P", "E1", "P", "2.0"),
        card("P", "E2", "P", "5.0"),
    ]
    problem = read_sif(elements(*uses))
    assert problem.variable_names == ["X", "Y", "Z"]
    np.testing.assert_array_equal(problem.x0, [1, 1, 1])
    assert not np.isfinite(problem.lb).any()
    x, y, z = 1.5, 0.25, -2.0
    expected = 2 * (x + 2 * y) * z - 3 * 5 * (3 * z) * x
    assert problem.fun([x, y, z]) == pytest.approx(expected, rel=1e-15)
    check_derivatives(problem, np.array([x, y, z]))


def test_group_types_parameters_and_default():
    groups = ["INDIVIDUALS", card("T", "POWER"), expression("F", "P * T**3")]
    problem = read_sif(
        text(
            "TEST",
            ("VARIABLES", X, card("", "Y")),
            ("GROUPS", card("N", "OBJ", "X", "1.0", "Y", "2.0"), card("E", "CON", "X", "1.0")),
            ("CONSTANTS", card("", "B", "OBJ", "1.0")),
            ("GROUP TYPE", card("GV", "POWER", "T"), card("GP", "POWER", "P")),
            (
                "GROUP USES",
                card("T", "'DEFAULT'", "POWER"),
                card("P", "OBJ", "P", "5.0"),
                card("P", "CON", "P", "0.5"),
            ),
            groups=groups,
        )
    )
    assert problem.fun([2.0, 3.0]) == 5 * 7**3
    np.testing.assert_array_equal(problem.cons([2.0, 3.0]), [4.0])
    assert not problem.is_linear.any()
    check_derivatives(problem, np.array([2.0, 3.0]))


@pytest.mark.parametrize("n", [4, 60])
def test_wide_groups_are_the_same_whether_lifted_or_not(n):
    variables = [card("", f"X{k}") for k in range(n)]
    groups = [card("N", "OBJ", f"X{k}", str(k + 1.0)) for k in range(n)]
    problem = read_sif(
        text(
            "TEST",
            ("VARIABLES", *variables),
            ("GROUPS", *groups),
            ("GROUP TYPE", card("GV", "SQUARE", "T")),
            ("GROUP USES", card("T", "OBJ", "SQUARE")),
            **SQUARE,
        )
    )
    a, x = np.arange(1.0, n + 1), np.cos(np.arange(n))
    assert problem.fun(x) == pytest.approx((a @ x) ** 2)
    np.testing.assert_allclose(problem.grad(x), 2 * (a @ x) * a)
    np.testing.assert_allclose(problem.hess(x).toarray(), 2 * np.outer(a, a))


def test_free_format():
    content = """NAME FREE
FREE FORMAT
VARIABLES
 _ X ; _ Y $ two at once
GROUPS
 N OBJ X 1.0 Y 2.0
 G CON X 1.0
CONSTANTS
 _ B CON 3.0
FIXED FORMAT
BOUNDS
 FR BND       X
ENDATA
"""
    problem = read_sif(content)
    assert problem.fun([1.0, 1.0]) == 3.0
    np.testing.assert_array_equal(problem.cons([1.0, 1.0]), [-2.0])
    np.testing.assert_array_equal(problem.lb, [-np.inf, 0.0])


def test_comments_and_line_ends():
    content = linear(groups=[card("N", "OBJ", "X", "1.0", "$ rest Y", "9.0")])
    commented = content.replace("GROUPS", "* a comment\nGROUPS\n\n").replace("\n", "\r\n")
    assert read_sif(commented).fun([2.0]) == 2.0


def test_what_the_comments_say():
    content = linear().replace(
        "VARIABLES", "*   classification OLR2-AN-V-0\n*LO SOLTN               1.25D+00\nVARIABLES"
    )
    problem = read_sif(content)
    assert (problem.classification, problem.f_opt_quoted) == ("OLR2-AN-V-0", 1.25)
    again = content.replace("ENDATA", "OBJECT BOUND\n LO TEST                -3.0\nENDATA")
    assert read_sif(again).objective_bounds == {"lower": -3.0}
    assert read_sif(linear()).f_opt_quoted is None


SIZED = linear(
    "*IE N                   10             $-PARAMETER",
    " IE N                   20             $-PARAMETER",
    card("RI", "P", "N"),
    groups=[card("ZN", "OBJ", "X", "", "P")],
)


def test_parameters_of_a_file():
    assert read_sif(SIZED).params == {"N": 20}
    other = read_sif(SIZED, {"N": 10})
    assert (other.params, other.fun([1.0])) == ({"N": 10}, 10.0)
    with pytest.warns(UserWarning, match="N = 11 is not among"):
        assert read_sif(SIZED, {"N": 11}).fun([1.0]) == 11.0


def test_facts_and_pickling():
    problem = read_sif(SIZED)
    again = pickle.loads(pickle.dumps(problem))
    assert (again.name, again.params, again.fun([2.0])) == ("TEST", {"N": 20}, 40.0)
    assert again.facts == {"classification": "", "f_best": None}


def test_reading_a_path(tmp_path):
    path = tmp_path / "TEST.SIF"
    path.write_text(linear(), encoding="latin-1")
    assert read_sif(path).fun([3.0]) == read_sif(str(path)).fun([3.0]) == 3.0
