"""Writing: what is read back is the same problem, with derivative cards that are right."""

import numpy as np
import pytest
from numpy.linalg import norm

import cutest_problems
import numopt
from numopt.cutest import check_derivative_cards, read_sif, write_sif
from numopt.models.replay import replay

# Functions of sums and of other variables: no group of the language is of this form.
NOT_WRITABLE = {"BA-L1SP"}


def shift(problem):
    """Return what is subtracted from the constraints when they are written."""
    upper = np.isinf(problem.cl) | ((problem.cu == 0) & (problem.cl < 0))
    return np.where(upper, problem.cu, problem.cl)


def assert_same(problem, other):
    for key in ("x0", "lb", "ub"):
        np.testing.assert_array_equal(getattr(problem, key), getattr(other, key), err_msg=key)
    by = shift(problem)
    np.testing.assert_allclose(other.cl, problem.cl - by, rtol=1e-15)
    np.testing.assert_allclose(other.cu, problem.cu - by, rtol=1e-15)
    y, w = 1 / np.arange(1.0, problem.m + 1), np.cos(np.arange(problem.n))
    for x in (problem.x0, problem.x0 + 0.1 * w):
        (f, g, c, J, H), (f2, g2, c2, J2, H2) = (evaluated(p, x, y) for p in (problem, other))
        noise = 1e-13 * (1 + norm(x))
        assert f2 == pytest.approx(f, rel=1e-12, abs=noise * norm(g), nan_ok=True)
        assert_close(g2, g, noise * norm(H.data))
        assert_close(c2, c - by, noise * norm(J.data) + 1e-14 * norm(by))
        assert_close(J2 @ w, J @ w, noise * norm(J.data))
        assert_close(J2.T @ y, J.T @ y, noise * norm(J.data))
        assert_close(H2 @ w, H @ w, noise * norm(H.data))


def evaluated(problem, x, y):
    with np.errstate(all="ignore"):
        values = problem.fun_and_grad(x)
        return *values, problem.cons(x), problem.jac(x), problem.hess(x, y)


def assert_close(got, expected, slack):
    if np.isfinite(slack):
        np.testing.assert_allclose(got, expected, rtol=1e-11, atol=slack + 1e-12 * norm(expected))


@pytest.mark.cutest
@pytest.mark.parametrize("name", sorted(set(cutest_problems.names()) - NOT_WRITABLE))
def test_every_embedded_problem_survives(name):
    problem = cutest_problems.load(name, compile=None)
    other = read_sif(write_sif(problem), compile=None)
    assert_same(problem, other)
    assert other.classification == cutest_problems.entry(name).classification
    assert other.name == name
    assert check_derivative_cards(other, points=1, rng=0) == []


@pytest.mark.parametrize("name", ["HS71", "HS87", "CVXQP1", "HS109", "SIPOW1", "CURLY10", "EG1"])
def test_problems_of_files_survive(reference_data, name):
    problem = read_sif(reference_data / "sif" / f"{name}.SIF")
    other = read_sif(write_sif(problem))
    assert_same(problem, other)
    assert other.variable_names == problem.variable_names
    assert other.constraint_names == problem.constraint_names
    np.testing.assert_array_equal(other.y0, problem.y0)


def test_sums_inside_functions_are_groups():
    def definition(p, n=200):
        x = p.variables(n, start=0.5, upper=[np.inf] * (n - 1) + [0.0], lower=-1.0)
        p.minimize(np.exp(np.sum(x) / n) + 0.1 + np.sum(x[:3] * np.sin(1e-5 * x[1:4])))
        p.between(0.25, np.sqrt(np.sum(x**2) + np.arange(3)), 1e4)
        p.at_most(np.abs(x[:2]), 1 / 3)

    problem = numopt.PartiallySeparable.trace(definition)
    assert problem.structure.q
    text = write_sif(problem)
    assert_same(problem, read_sif(text))
    assert "GROUP TYPE" in text
    assert max(map(len, text.splitlines())) <= 65
    assert replay(definition).fun == pytest.approx(read_sif(text).fun(problem.x0), rel=1e-13)


def test_integer_types_and_multipliers():
    problem = read_sif(write_sif(cutest_problems.load("HS71")))
    problem.variable_types = ["integer", "real", "zero-one", "real"]
    problem.y0 = np.array([1 / 3, -2.0])
    other = read_sif(write_sif(problem))
    assert other.variable_types == problem.variable_types
    np.testing.assert_array_equal(other.y0, problem.y0)


@pytest.mark.parametrize("value", [1 / 3, -1e-300 / 7, 123456789.123456789, 2**0.5 * 1e17, 5e-324])
def test_numbers_lose_nothing(value):
    def definition(p):
        x = p.variables(1, start=value)
        p.minimize(x[0])

    problem = numopt.PartiallySeparable.trace(definition)
    assert read_sif(write_sif(problem)).x0[0] == value


def test_what_cannot_be_written_is_named():
    with pytest.raises(numopt.ProblemError, match="functions of one sum"):
        write_sif(cutest_problems.load("BA-L1SP"))

    def no_fortran(p):
        x = p.variables(2)
        p.minimize(np.sum(np.expm1(x)))

    with pytest.raises(numopt.ProblemError, match="'expm1'"):
        write_sif(numopt.PartiallySeparable.trace(no_fortran))

    def free_row(p):
        x = p.variables(2)
        p.between([-np.inf, 0.0], x**2, [np.inf, 1.0])

    with pytest.raises(numopt.ProblemError, match="constraint 0 has no finite side"):
        write_sif(numopt.PartiallySeparable.trace(free_row))
    with pytest.raises(TypeError, match="CallableNLP"):
        write_sif(numopt.CallableNLP(lambda x: x @ x, [1.0]))
