"""A method refuses what it cannot solve, and says which methods can."""

import numpy as np
import pytest

import numopt
from numopt.core.solver import METHODS

numopt.methods()
FEATURES = {
    "bounds": {"lb": 0.0},
    "eq": {"cl": [0.0], "cu": [0.0]},
    "ineq": {"cl": [0.0], "cu": [1.0]},
}


@pytest.mark.parametrize("name", [n for n, cls in METHODS.items() if "nlp" in cls.problems])
@pytest.mark.parametrize("feature", FEATURES)
def test_unsupported_constraints(name, feature):
    problem = numopt.NLP(np.ones(2), **FEATURES[feature])
    cls = METHODS[name]
    if feature in cls.accepts:
        cls().check(problem)
    else:
        with pytest.raises(numopt.UnsupportedError, match=f"{name}.*{feature}.*Methods that can"):
            cls().check(problem)


@pytest.mark.parametrize("name", METHODS)
def test_other_problem_class(name):
    class Strange(numopt.NLP):
        kind = "strange"

    with pytest.raises(numopt.UnsupportedError, match="Strange"):
        METHODS[name]().check(Strange(np.ones(2)))


def test_not_a_problem():
    with pytest.raises(TypeError, match="use `minimize`"):
        numopt.solve(lambda x: x @ x, np.ones(2))
