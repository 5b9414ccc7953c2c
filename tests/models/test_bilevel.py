"""The bilevel model: shapes, derivatives, counts, sets, and the errors of its arguments."""

import numpy as np
import pytest

import numopt
from numopt import Bilevel, Status
from numopt.models.bilevel_levels import LowerLevel, RelaxedKKT
from numopt.problems import bolib
from numopt.problems.hyperparameters import toy

B = np.array([[1.0, 0.5, 0.0], [0.0, 1.0, -1.0]])


def F(x, y):
    return 0.5 * ((x - 1.0) @ (x - 1.0)) + 0.25 * (y @ y) ** 2


def f(x, y):
    return 0.5 * ((y - B @ x) @ (y - B @ x)) + 0.1 * np.sum(y**4)


def grad_F(x, y):
    return x - 1.0, (y @ y) * y


def grad_f(x, y):
    return B.T @ (B @ x - y), y - B @ x + 0.4 * y**3


def hvp(x, y, v):
    return -B.T @ v, v + 1.2 * y**2 * v


def g(x, y):
    return np.array([y @ y - 9.0, y[0] + x[0] - 3.0])


def jac_g(x, y):
    return np.array([[0.0, 0, 0], [1, 0, 0]]), np.array([2 * y, [1.0, 0.0]])


def problem(**given):
    return Bilevel(F, f, **{"n": 3, "m": 2} | given)


X, Y, V = np.array([0.3, -1.0, 0.7]), np.array([0.5, -0.8]), np.array([1.0, 2.0])


def test_differences_agree_with_given_derivatives():
    exact = problem(grad_F=grad_F, grad_f=grad_f, hvp=hvp, g=g, jac_g=jac_g)
    plain = problem(g=g)
    for name in ("grad_F", "grad_f", "jac_g"):
        pairs = zip(getattr(exact, name)(X, Y), getattr(plain, name)(X, Y), strict=True)
        for given, found in pairs:
            np.testing.assert_allclose(found, given, atol=1e-8)
    for given, found in zip(exact.hvp(X, Y, V), plain.hvp(X, Y, V), strict=True):
        np.testing.assert_allclose(found, given, atol=1e-5)
    np.testing.assert_allclose(plain.grad_f_y(X, Y), grad_f(X, Y)[1], atol=1e-8)


@pytest.mark.parametrize("package", ["trace", "autograd", "jax", "torch"])
def test_autodiff(package):
    if package != "trace":
        pytest.importorskip(package)
    P = Bilevel(
        lambda x, y: ((x - 1.0) ** 2).sum() + (y**4).sum(),
        lambda x, y: (y[0] - x[0] * x[1]) ** 2 + (y[1] - x[2]) ** 2 * 3.0,
        n=3,
        m=2,
        g=lambda x, y: [y[0] + x[0] - 3.0, y[1] * y[1] - x[1]],
        autodiff=package,
    )
    plain = Bilevel(P._users["F"], P._users["f"], n=3, m=2, g=P._users["g"])
    for name, args in (("grad_F", ()), ("grad_f", ()), ("jac_g", ()), ("hvp", (V,))):
        pairs = zip(getattr(P, name)(X, Y, *args), getattr(plain, name)(X, Y, *args), strict=True)
        for found, expected in pairs:
            np.testing.assert_allclose(found, expected, atol=1e-5)


def test_traced_rows_are_recognised_as_affine():
    P = Bilevel(F, f, n=3, m=2, g=lambda x, y: [2 * x[0] - y[1] + 1.0], autodiff=None)
    assert P.affine("g") is None
    P = bolib.load("Bard1988Ex1")
    np.testing.assert_array_equal(P.affine("g").Ax.ravel(), [-3.0, 1.0, 1.0, 0.0])
    assert P.g(np.array([2.0]), np.array([1.0])) == pytest.approx([-2.0, -2.5, -4.0, -1.0])


def test_missing_package_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "autograd", None)
    with pytest.raises(ImportError, match="pip install autograd"):
        problem(autodiff="autograd")


def test_unknown_package():
    with pytest.raises(numopt.ProblemError, match="'trace', 'autograd', 'jax', 'torch'"):
        problem(autodiff="tensorflow")


def test_many_differences_are_announced():
    with pytest.warns(UserWarning, match=r"grad_F and grad_f .*404 evaluations"):
        Bilevel(lambda x, y: 0.0, lambda x, y: 0.0, n=200, m=2)


def test_counts():
    P = problem(grad_F=grad_F, grad_f=grad_f).armed()
    P.F(X, Y), P.f(X, Y), P.f(X, Y), P.grad_f(X, Y), P.hvp(X, Y, V)
    assert P.calls == {"F": 1, "f": 2, "grad_f": 3}
    assert (P.counts.fun, P.counts.grad) == (3, 3)


def test_curvature_and_programs_have_the_derivatives_they_claim():
    P = problem(grad_F=grad_F, grad_f=grad_f, hvp=hvp, g=g, jac_g=jac_g, Y=numopt.Ball(0.0, 5.0))
    numopt.check_derivatives(LowerLevel(P, X, Y), raise_error=True)
    v = np.concatenate([X, Y, [0.3, 0.7, 0.1]])
    nlp = RelaxedKKT(P, v, 0.1, cuts=[V])
    y = np.linspace(-1.0, 1.0, nlp.m)
    H = nlp.hess(v, y).toarray()
    h = 1e-5
    for j, e in enumerate(np.eye(nlp.n)):
        ends = [nlp.grad(v + s * e) + nlp.jac(v + s * e).T @ y for s in (h, -h)]
        np.testing.assert_allclose(H[j], (ends[0] - ends[1]) / (2 * h), atol=1e-4)
    nlp.by_differences = frozenset({"hess"})
    numopt.check_derivatives(nlp, raise_error=True)


def test_check_derivatives():
    wrong = problem(grad_F=grad_F, grad_f=lambda x, y: (0 * x, y))
    assert all(r.ok for r in problem(grad_F=grad_F, grad_f=grad_f).check_derivatives())
    assert not all(r.ok for r in wrong.check_derivatives())
    with pytest.raises(numopt.DerivativeError):
        numopt.minimize(wrong, method="implicit", options={"check_derivatives": "once"})


def test_batches_are_unbiased():
    rng = np.random.default_rng(0)
    D = rng.standard_normal((50, 2))
    P = Bilevel(
        lambda x, y: float(x @ x),
        lambda x, y, idx=None: float(((D[slice(None) if idx is None else idx] - y) ** 2).mean()),
        n=1,
        m=2,
        n_lower=50,
        autodiff=None,
        grad_f=lambda x, y, idx=None: (
            0 * x,
            (y - D[slice(None) if idx is None else idx]).mean(axis=0),
        ),
    )
    x, y = np.zeros(1), np.ones(2)
    batches = [P.grad_f(x, y, rng.integers(50, size=10))[1] for _ in range(4000)]
    np.testing.assert_allclose(np.mean(batches, axis=0), P.grad_f(x, y)[1], atol=0.02)


@pytest.mark.parametrize("name", bolib.PROBLEMS)
def test_collection_agrees_with_the_reference(name, reference_data):
    import json

    facts = json.loads((reference_data / "bolib3_reference.json").read_text())["problems"]
    fact = next(entry for entry in facts if entry["name"] == name)
    P = bolib.load(name)
    sizes = [fact[k] for k in ("n_upper", "n_lower", "rows_G", "rows_g")]
    assert [P.n, P.m, P.q, P.p] == sizes
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(P.n), rng.standard_normal(P.m)
    for key, value in (("F", P.F), ("f", P.f), ("g", P.g), ("G", P.G)):
        names = {"x": x, "y": y, "exp": np.exp}
        expected = eval(fact["formulas"][key], names)
        np.testing.assert_allclose(
            np.ravel(value(x, y)), np.ravel(expected), rtol=1e-12, atol=1e-12
        )


# -- projections onto C ----------------------------------------------------------------------------


def joint(**given):
    return problem(g=numopt.AffineRows(np.ones((1, 3)), np.ones((1, 2)), [1.0]), **given)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"X": numopt.Box(-0.5, 0.5), "Y": numopt.Simplex(0.8)},
        {"X": numopt.Ball(0.0, 0.7)},
        {"X": lambda v: np.clip(v, -0.5, 0.5), "Y": numopt.Box(0.0, 0.4)},
    ],
)
def test_projection_onto_all_constraints(given):
    P, rng = joint(**given), np.random.default_rng(1)
    for _ in range(5):
        w = 3 * rng.standard_normal(5)
        p = np.concatenate(P.project(*P.split(w)))
        exact = P.X is None or isinstance(P.X, numopt.Box)
        assert P.violation(*P.split(p)) <= (1e-10 if exact and P.Y is None else 1e-7)
        for _ in range(5):
            q = np.concatenate(P.project(*P.split(3 * rng.standard_normal(5))))
            assert (w - p) @ (q - p) <= 1e-5


def test_curved_rows_are_projected_onto_by_linearisation():
    P = problem(g=g, jac_g=jac_g)
    x, y = P.project(np.array([9.0, 0.0, 0.0]), np.array([8.0, 6.0]))
    assert P.violation(x, y) <= 1e-8


def test_projection_that_is_given():
    P = joint(C_projection=lambda x, y: (0 * x, 0 * y))
    assert not np.concatenate(P.project(np.ones(3), np.ones(2))).any()


def test_empty_constraints_are_found():
    rows = numopt.AffineRows(np.zeros((2, 3)), [[1.0, 0.0], [-1.0, 0.0]], [-1.0, -1.0])
    P = problem(g=rows, grad_F=grad_F, grad_f=grad_f)
    res = numopt.minimize(P, method="lv_hba")
    assert res.status == Status.INFEASIBLE
    assert "phase 1" in res.message


# -- arguments -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"n": None}, "give `n` and `m`"),
        ({"x0": [1.0, 2.0, 3.0]}, "pair"),
        ({"eq": [True]}, "`eq` must be 0 booleans"),
        ({"g": numopt.AffineRows([[1.0]], [[1.0]], [0.0])}, "expected"),
        ({"X": numopt.Ball([0.0, 0.0])}, "length 2, expected 3"),
        ({"x0": (np.array([1.0, np.nan, 0.0]), [0.0, 0.0])}, "finite"),
    ],
)
def test_bad_arguments(given, match):
    with pytest.raises(numopt.ProblemError, match=match):
        problem(**given)


def test_function_that_is_none():
    with pytest.raises(numopt.InputTypeError, match="`F` must be callable, got int"):
        Bilevel(3, f, n=1, m=1)


@pytest.mark.parametrize("x0", [np.zeros(4), ([0.0, 0.0], [0.0, 0.0]), ([0.0] * 3, [0.0])])
def test_start_of_wrong_length(x0):
    with pytest.raises(numopt.ProblemError, match="x0"):
        numopt.minimize(problem(), x0, method="implicit")


def test_start_that_is_not_finite():
    with pytest.raises(numopt.ProblemError, match="finite"):
        numopt.minimize(problem(), ([np.inf, 0, 0], [0, 0]), method="implicit")


def test_swapped_gradient():
    P = problem(grad_f=lambda x, y: grad_f(x, y)[::-1])
    with pytest.raises(numopt.ProblemError, match=r"`grad_f`.*swapped"):
        P.grad_f(X, Y)


def test_gradient_that_is_no_pair():
    P = problem(grad_f=lambda x, y: np.zeros(5))
    with pytest.raises(numopt.InputTypeError, match="expected a pair"):
        P.grad_f(X, Y)


def test_rows_that_change_their_number():
    P = problem(g=lambda x, y: np.zeros(2 if y.any() else 3))
    with pytest.raises(numopt.ProblemError, match=r"`g` returned shape \(2,\), expected"):
        P.g(X, Y)


def test_jacobian_of_wrong_shape():
    P = problem(g=g, jac_g=lambda x, y: (np.zeros((2, 2)), np.zeros((2, 2))))
    with pytest.raises(numopt.ProblemError, match="`jac_g`"):
        P.jac_g(X, Y)


def test_hessian_of_the_toy_is_consistent():
    P = toy(5)
    assert all(report.ok for report in P.check_derivatives())
