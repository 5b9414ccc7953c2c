import numpy as np
import pytest
import tiny_suite
from scipy.sparse import csr_array

from numopt.bench.judge import judge
from numopt.bench.peers import PEERS, find_peer
from numopt.bench.peers.compiled import Pattern
from numopt.bench.peers.table import Peer, weighted_hess
from numopt.core.errors import ProblemError

EXACT = ("scipy:SLSQP", "ipopt", "casadi:ipopt", "pounce", "ipax", "uno")


def answer(name, problem):
    peer = find_peer(name)
    if peer.missing():
        pytest.skip(peer.missing())
    return peer.prepare(problem.armed(maxtime=20.0), problem.x0.copy(), 1e-6, 20.0, 0)()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("case", ["ROSENBR", "HS1", "HS6", "HS71"])
def test_peers_solve_what_they_accept(name, case):
    problem = tiny_suite.load(case)
    if find_peer(name).unsupported(problem):
        assert problem.features() - find_peer(name).accepts
        return
    found = answer(name, problem)
    assert judge(problem, *found[:4]).solved
    assert found.message


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("case", ["HS6", "HS71", "HS35"])
def test_multipliers_are_converted_to_our_signs(name, case):
    problem = tiny_suite.load(case)
    found = answer(name, problem)
    y, J = found.y, problem.jac(found.x)
    slope = problem.grad(found.x) + J.T @ y
    z = np.zeros(problem.n) if found.z_lower is None else found.z_upper - found.z_lower
    inside = (found.x - problem.lb > 1e-3) & (problem.ub - found.x > 1e-3)
    np.testing.assert_allclose((slope + z)[inside], 0.0, atol=2e-6)
    if found.z_lower is not None:
        np.testing.assert_allclose(slope + z, 0.0, atol=2e-6)


def test_a_missing_package_is_named():
    peer = Peer("x", None, frozenset(), "no_such_module", "no-such-package")
    assert peer.missing() == "no_such_module is not installed; `pip install no-such-package`"
    assert find_peer("scipy:SLSQP").missing() == ""


def test_another_way_to_the_same_method_is_taken(monkeypatch):
    there = Peer("there", None, frozenset(), "numpy", "numpy")
    absent = Peer("absent", None, frozenset(), "no_such_module", "no-such-package", "there")
    monkeypatch.setitem(PEERS, "there", there)
    monkeypatch.setitem(PEERS, "absent", absent)
    found = find_peer("absent")
    assert (found.name, found.module) == ("absent", "numpy")
    monkeypatch.delitem(PEERS, "there")
    assert find_peer("absent") is absent


def test_weighted_hessian():
    problem, y = tiny_suite.HS71(), np.array([0.3, -0.7])
    f, c = problem.hess(problem.x0).toarray(), None
    c = problem.hess(problem.x0, y).toarray() - f
    for weight in (0.0, 1.0, 2.5):
        got = weighted_hess(problem, problem.x0, y, weight).toarray()
        np.testing.assert_allclose(got, weight * f + c, atol=1e-12)


def test_pattern_places_entries():
    A = csr_array(np.array([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0], [2.0, 0.0, 0.0]]))
    B = csr_array(np.array([[0.0, 0.0, 5.0], [0.0, 7.0, 0.0], [5.0, 0.0, 9.0]]))
    pattern = Pattern(A, B, lower=True)
    assert pattern.rows.tolist() == [0, 1, 2, 2]
    assert pattern.cols.tolist() == [0, 1, 0, 2]
    assert pattern.values(A).tolist() == [1, 3, 2, 0]
    assert pattern.values(B).tolist() == [0, 7, 5, 9]
    full = csr_array((A + B) * 1.0)
    assert pattern.values(full).tolist() == [1, 10, 7, 9]
    with pytest.raises(ProblemError, match="pattern"):
        pattern.values(csr_array(np.ones((3, 3))))
