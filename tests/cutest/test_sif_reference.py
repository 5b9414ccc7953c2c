"""Every file at hand against values of the compiled original."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.linalg import norm

from numopt.cutest import check_derivative_cards, read_sif

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
REFERENCE, FOLDER = SHARED / "cutest_reference.json", SHARED / "sif"

# Read as compiled CUTEst does, everything agrees to rounding. Otherwise numbers beyond the eleven
# digits that the official decoder hands on make a difference, and so do derivative cards that are
# wrong or hold constants in single precision.
AS_COMPILED = {"constants": "fortran", "derivatives": "cards"}
TOLERANCE = {"fortran": 1e-10, "double": 1e-7}
ROUNDING = {"fortran": 1e-14, "double": 1e-10}


def entries():
    """Return the reference entries whose files are at hand."""
    if not REFERENCE.exists() or not FOLDER.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason="no files or reference values"))]
    out = []
    for record in json.loads(REFERENCE.read_text())["problems"]:
        if (FOLDER / record["file"]).exists():
            label = "-".join([record["name"], *map(str, (record["params"] or {}).values())])
            out.append(pytest.param(record, id=label))
    return out


every_entry = pytest.mark.parametrize("record", entries())


def read(record, **options):
    """Return the problem of an entry."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*not among the values that the file lists")
        return read_sif(FOLDER / record["file"], record["params"], compile=None, **options)


def kinds(lower, upper):
    """Return the numbers of free, one-sided, two-sided and fixed entries."""
    low, up, fixed = np.isfinite(lower), np.isfinite(upper), lower == upper
    both = low & up & ~fixed
    masks = (~low & ~up, low & ~up, ~low & up, both, fixed)
    return [int(np.count_nonzero(mask)) for mask in masks]


def weighted(lower, upper):
    """Return the sum by which the reference describes bounds."""
    k = np.arange(lower.size)
    low, up = (np.where(np.isfinite(side), side, 0) for side in (lower, upper))
    return low @ np.cos(k) + up @ np.sin(k)


def check_description(problem, record):
    assert (problem.n, problem.m) == (record["n"], record["m"])
    assert problem.classification == record["classification"]
    variables = [record["var"][key] for key in ("free", "lower", "upper", "both", "fixed")]
    assert kinds(problem.lb, problem.ub) == variables
    constraints = [record["con"][key] for key in ("free", "ge", "le", "range", "eq")]
    assert kinds(problem.cl, problem.cu) == constraints
    assert np.count_nonzero(problem.is_linear) == record["con"]["linear"]
    assert sum(t != "real" for t in problem.variable_types) == record["nonreal_vars"]
    assert weighted(problem.lb, problem.ub) == pytest.approx(record["bound_sum"], rel=1e-9)
    assert weighted(problem.cl, problem.cu) == pytest.approx(record.get("cbound_sum", 0), rel=1e-9)
    assert norm(problem.x0) == pytest.approx(record["norm_x0"], rel=1e-9)
    assert problem.f_opt_quoted == pytest.approx(record.get("f_opt_sif"))


def check_sparsity(problem, record):
    x, y = problem.x0 + 0.1 * np.cos(np.arange(problem.n)), 1 / np.arange(1.0, problem.m + 1)
    for key, values in (("nnzj", problem.jac_values(x)), ("nnzh", problem.hess_values(x, y))):
        if values.size != record[key]:  # either may store explicit zeros
            assert np.count_nonzero(values) == record[f"{key}_num"]


@every_entry
@pytest.mark.parametrize("constants", ["fortran", "double"])
def test_values(record, constants):
    problem = read(record, **(AS_COMPILED if constants == "fortran" else {}))
    if constants == "double":
        check_description(problem, record)
        check_sparsity(problem, record)
    shift = 0.1 * np.cos(np.arange(problem.n))
    for point, x in (("x0", problem.x0), ("x1", problem.x0 + shift)):
        expected = record[point]
        if constants == "double":
            expected = record.get(f"{point}_double") or expected
        if expected is None:
            with np.errstate(all="ignore"):
                assert not np.isfinite([problem.fun(x), *problem.cons(x), *problem.grad(x)]).all()
        else:
            got = quantities(problem, x, ROUNDING[constants])
            if constants == "double" and "fd_check_failed" in record:
                expected = {"f": expected["f"]}  # cards are wrong
            compare(got, expected, TOLERANCE[constants])


def compare(got, expected, tolerance):
    for key, value in expected.items():
        if value is not None:
            mine, scale = got[key]
            allowed = tolerance * max(abs(value), scale / tolerance)
            assert abs(mine - value) <= allowed, f"{key}: {mine!r}, expected {value!r}"


def quantities(problem, x, rounding):
    """Return value and rounding of every reference quantity."""
    f, g = problem.fun_and_grad(x)
    c, J = problem.cons(x), problem.jac(x)
    y, w = 1 / np.arange(1.0, problem.m + 1), np.cos(np.arange(problem.n))
    H, Hw = problem.hess(x, y), problem.hessp(x, y, w)
    size_c, size_g, size_J, size_H = norm(c), norm(g), norm(J.data), norm(H.data)
    move, size_w = rounding * norm(x), norm(w)
    return {
        "f": (f, size_g * move),
        "g": (size_g, size_H * move),
        "c": (size_c, size_J * move),
        "g_w": (g @ w, 1e-10 * size_g * size_w),
        "c_y": (c @ y, 1e-10 * size_c * norm(y) + size_J * move),
        "J": (size_J, 0.0),
        "Jw": (norm(J @ w), size_J * size_w * rounding),
        "JTy": (norm(J.T @ y), size_J * size_w * rounding),
        "H": (size_H, 0.0),
        "Hw": (norm(Hw), size_H * size_w * rounding),
        "wHw": (w @ Hw, 1e-10 * norm(Hw) * size_w),
    }


@pytest.mark.skipif(not FOLDER.exists(), reason="no files")
@pytest.mark.parametrize("name", ["BRYBND", "CHNROSNB", "DTOC2", "HS112", "HUBFIT", "SVANBERG"])
def test_right_cards_give_the_exact_derivatives(name):
    own, given = (read_sif(FOLDER / f"{name}.SIF", derivatives=kind) for kind in ("exact", "cards"))
    x, y = own.x0 + 0.1 * np.cos(np.arange(own.n)), 1 / np.arange(1.0, own.m + 1)
    v = np.sin(np.arange(own.n))
    np.testing.assert_allclose(given.grad(x), own.grad(x), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(given.jac(x).toarray(), own.jac(x).toarray(), rtol=1e-12)
    size = 1e-13 * norm(own.hess(x, y).data)
    np.testing.assert_allclose(
        given.hess(x, y).toarray(), own.hess(x, y).toarray(), rtol=1e-12, atol=size
    )
    np.testing.assert_allclose(given.hessp(x, y, v), own.hess(x, y) @ v, rtol=1e-10, atol=size)


def test_known_wrong_cards():
    if not FOLDER.exists():
        pytest.skip("no files")
    found = {}
    for name in ("AVION2", "GULFNE", "HS70", "WATER", "HS71", "CATMIX"):
        problem = read_sif(FOLDER / f"{name}.SIF", compile=None)
        found[name] = [(w.type, w.variables) for w in check_derivative_cards(problem, rng=0)]
    assert found == {
        "AVION2": [("CB/SQQD", ("X", "Z")), ("CB/SQQD", ("Y", "Y"))],
        "GULFNE": [("GLF", ("V1", "V3")), ("GLF", ("V2", "V3"))],
        "HS70": [("Y1", ("V2", "V2"))],
        "WATER": [("POWER", ("ALPHA", "ALPHA"))],
        "HS71": [],
        "CATMIX": [],
    }
