"""Options that make no sense, and variants."""

import numpy as np
import pytest
from newton_examples import problem, solve

import numopt


@pytest.mark.parametrize(
    "options",
    [
        {"beta": 0.5},
        {"nu": 1.0},
        {"eta1": 0.0},
        {"block": -1},
        {"linear_solver": "rk"},
        {"lam0": 1.0},
        {"regularization": "gradient", "variant": "paper"},
        {"xi": 1},
    ],
)
def test_wrong_options(options):
    with pytest.raises(numopt.OptionError, match=next(iter(options))):
        numopt.SketchedNewton(**options) if "xi" not in options else solve(
            problem("HS6"), options=options
        )


@pytest.mark.parametrize("name", ["HS71", "HS5"])
def test_paper_variant_refuses_what_it_cannot_handle(name):
    with pytest.raises(numopt.UnsupportedError, match="variant='paper' cannot handle bounds"):
        solve(problem(name), options={"variant": "paper"})


def test_start_multipliers_of_the_paper_variant():
    """HS28 is quadratic: the first report has the residual at x0 with lam = lam0."""
    p = problem("HS28")
    for lam0 in (0.0, 1.0):
        options = {"variant": "paper", "lam0": lam0}
        first = next(numopt.iterate(p, method="sketched_newton", options=options))
        lagrange = p.grad(p.x0) + lam0 * p.jac(p.x0).T @ np.ones(p.m)
        expected = np.hypot(np.linalg.norm(lagrange), np.linalg.norm(p.cons(p.x0) - p.cl))
        assert first.optimality == pytest.approx(expected)
