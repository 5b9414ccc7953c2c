"""The three generators: undefined values, equal results, reproducible code, kernels on disk."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from numopt.core.errors import NumoptError
from numopt.models import kernel_cache
from numopt.models.codegen import CONSTRAINT, OBJECTIVE, array_function, kernel_text
from numopt.models.evaluators import compilable
from numopt.models.patterns import Pattern
from numopt.models.separable import PartiallySeparable
from numopt.models.trees import Table

trace = PartiallySeparable.trace
inf, nan = np.inf, np.nan

# Formula of (u, v), the point, and the values of f and of its first derivatives there.
UNDEFINED = [
    ("log of a negative number", lambda u, v: np.log(u), (-1, 0), nan, -1),
    ("log of zero", lambda u, v: np.log(u), (0, 0), -inf, inf),
    ("pole", lambda u, v: 1 / u, (0, 0), inf, -inf),
    ("root at zero", lambda u, v: np.sqrt(u), (0, 0), 0, inf),
    ("root of a negative number", lambda u, v: np.sqrt(u), (-1, 0), nan, nan),
    ("root of a square at zero", lambda u, v: np.sqrt(u**2), (0, 0), 0, nan),
    ("zero times infinity", lambda u, v: u * np.log(u), (0, 0), nan, nan),
    ("infinity minus infinity", lambda u, v: 1 / u - 1 / u, (0, 0), nan, 0),
    ("real power of a negative number", lambda u, v: u**1.5, (-1, 0), nan, nan),
    ("half power of a negative number", lambda u, v: u**0.5, (-8, 0), nan, nan),
    ("negative real power of zero", lambda u, v: u**-1.5, (0, 0), inf, -inf),
    ("negative integer power of zero", lambda u, v: u**-2, (0, 0), inf, nan),
    ("variable exponent at zero", lambda u, v: v**u, (1, 0), 0, nan),
    ("overflow of exp", lambda u, v: np.exp(u), (1000, 0), inf, inf),
    ("overflow of a product", lambda u, v: (u * u) ** 2, (1e200, 0), inf, inf),
    ("overflow of cosh", lambda u, v: np.cosh(u), (-800, 0), inf, -inf),
    ("sine of infinity", lambda u, v: np.sin(1 / u), (0, 0), nan, nan),
    ("arcsine beyond one", lambda u, v: np.arcsin(u), (2, 0), nan, nan),
    ("arcsine at one", lambda u, v: np.arcsin(u), (1, 0), np.pi / 2, inf),
    ("zero over zero", lambda u, v: u / v, (0, 0), nan, inf),
    ("data zero times undefined", lambda u, v: np.zeros(1) @ np.log(u[None]), (-1, 0), nan, 0),
    ("NaN in the larger of two", lambda u, v: np.maximum(np.log(u), v), (-1, 0), nan, -1),
    ("NaN second in the smaller of two", lambda u, v: np.minimum(v, np.log(u)), (-1, 0), nan, -1),
]  # fmt: skip


@pytest.mark.parametrize("case", UNDEFINED, ids=lambda case: case[0])
def test_undefined_values(case):
    _, formula, point, value, slope = case

    def definition(p):
        x = p.variables(2)
        p.minimize(formula(x[0], x[1]))

    x, y, v = np.array(point, float), np.zeros(0), np.array([1.0, 0.0])
    problem = trace(definition)
    if case[0].startswith("data zero"):
        value, slope = nan, -0.0  # the literal that one-element data become is kept as data
    results = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for generator in ("python", "numpy", "mixed"):
            own = problem.using(generator)
            f, g = own._fun_and_grad(x)
            np.testing.assert_equal(own._fun(x), f)
            np.testing.assert_allclose(f, value)
            np.testing.assert_allclose(g[0], slope)
            results.append((f, g, own.hess_values(x, y), own._hessp(x, y, v)))
    for one, *others in zip(*results, strict=True):
        for other in others:
            np.testing.assert_allclose(one, other, rtol=1e-14)


def test_undefined_values_compiled():
    """All cases as one problem of separate variables, so that one set of kernels suffices."""
    chosen = [case for case in UNDEFINED if not case[0].startswith("data zero")]

    def definition(p):
        x = p.variables((len(chosen), 2))
        p.between(-1, np.stack([case[1](*x[k]) for k, case in enumerate(chosen)]), 1)

    x = np.array([case[2] for case in chosen], float).ravel()
    problem = trace(definition)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        results = [
            (p._cons(x), p.jac_values(x))
            for p in (problem.using(g) for g in ("python", "numpy", "numba"))
        ]
    np.testing.assert_allclose(results[0][0], [case[3] for case in chosen])
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-14)


def rosenbrock(p, n=10, weight=2.3):
    x = p.variables(n, start=-1)
    p.minimize(np.sum(weight * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))
    p.equal(np.exp(x[1:-1]) * x[2:] - 0.3 / n * x[:-2], np.cos(np.arange(n - 2)))


def texts(problem):
    return [
        kernel_text(t.pattern, OBJECTIVE if t.rows is None else CONSTRAINT)
        for t in problem.structure.terms
    ]


def test_sizes_and_data_do_not_enter_the_code():
    first = texts(trace(rosenbrock))
    assert texts(trace(rosenbrock, n=500)) == first
    assert texts(trace(rosenbrock, n=77, weight=3.7)) == first


SCRIPT = """
import hashlib, test_generators as t
print(hashlib.sha256("".join(t.texts(t.trace(t.rosenbrock, n=30))).encode()).hexdigest())
print("numba" in __import__("sys").modules)
"""


def in_process(script, **environment):
    here = Path(__file__)
    path = os.pathsep.join([str(here.parent), str(here.parents[2])])
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": path, **environment},
    )  # fmt: skip
    return run.stdout.split()


def test_code_is_equal_in_all_processes_and_numba_stays_away():
    outputs = [in_process(SCRIPT, PYTHONHASHSEED=seed) for seed in ("1", "2")]
    assert outputs[0] == outputs[1]
    assert outputs[0][1] == "False"


def test_results_are_bitwise_reproducible():
    x = np.cos(np.arange(200.0))
    y = np.sin(np.arange(198.0))
    for generator in ("numpy", "numba"):
        one, two = (trace(rosenbrock, n=200).using(generator) for _ in range(2))
        assert one._fun(x) == two._fun(x)
        np.testing.assert_array_equal(one.hess_values(x, y), two.hess_values(x, y))


def test_one_module_per_pattern(kernel_folder):
    before = set(kernel_folder.glob("k*.py"))
    x, y = np.cos(np.arange(50.0)), np.ones(48)
    problem = trace(rosenbrock, n=50).using("numba")
    problem.hess_values(x, y)
    compiled = set(kernel_folder.rglob("*.nbc"))
    assert len(set(kernel_folder.glob("k*.py")) - before) <= 2
    other = trace(rosenbrock, n=50, weight=4.1).using("numba")
    other.hess_values(x, y)
    x.flags.writeable = False
    other.hess_values(x, y)
    assert set(kernel_folder.rglob("*.nbc")) == compiled


def test_plain_python_when_compilation_is_disabled(kernel_folder):
    script = """
import numpy as np, test_generators as t
p = t.trace(t.rosenbrock, n=12)
x, y = np.cos(np.arange(12.0)), np.ones(10)
q = p.using("numba")
assert np.allclose(p._fun(x), q._fun(x))
assert np.allclose(p.hess_values(x, y), q.hess_values(x, y))
assert np.isfinite(q._cons(x)).all() and not np.isfinite(q._cons(1e4 * np.ones(12))).all()
print("done")
"""
    assert in_process(script, NUMBA_DISABLE_JIT="1") == ["done"]


def test_damaged_kernel_files_are_replaced(kernel_folder):
    text = f"# only here\nvalue = {np.pi!r}\n"
    path = Path(kernel_cache.load(text).__file__)
    path.write_text("value = 3\n")
    kernel_cache._load.cache_clear()
    assert kernel_cache.load(text).value == np.pi
    assert path.read_text() == text


@pytest.mark.skipif(sys.platform == "win32", reason="no access bits")
def test_a_folder_that_others_can_write_is_refused(tmp_path, monkeypatch):
    tmp_path.chmod(0o777)
    monkeypatch.setenv("NUMOPT_CACHE", str(tmp_path))
    with pytest.raises(NumoptError, match="NUMOPT_CACHE"):
        kernel_cache.folder()


def test_default_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("NUMOPT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    kernel_cache._default_folder.cache_clear()
    assert kernel_cache.folder() == tmp_path / "numopt" / "kernels"
    kernel_cache._default_folder.cache_clear()
    blocked = tmp_path / "blocked"
    blocked.write_text("a file")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert kernel_cache.folder().name.startswith("numopt-")
    kernel_cache._default_folder.cache_clear()


def test_large_patterns_are_not_compiled():
    def definition(p, n=24):
        x = p.variables(n, start=1.01)
        product = x[0]
        for k in range(1, n):
            product = product * x[k]
        p.minimize(product)
        p.equal(np.sin(x), 0.5)

    problem = trace(definition, compile=True)
    assert [compilable(t.pattern) for t in problem.structure.terms] == [False, True]
    x = problem.x0
    np.testing.assert_allclose(problem._fun(x), 1.01**24)


def test_terms_of_few_rows_are_not_compiled():
    def definition(p, n=24):
        x = p.variables(n, start=1.01)
        p.minimize(np.sum(np.exp(x[1:] - x[:-1])) + np.sin(x[0]))

    problem = trace(definition, compile=True).using("numba")
    kinds = sorted(type(term).__name__ for term in problem._engine._made.values())
    assert kinds == ["ArrayTerm", "LoopTerm"]
    x = problem.x0
    assert problem._fun(x) == pytest.approx(23 + np.sin(1.01))


def test_infinite_constants_are_spelled():
    table = Table()
    x, zero = table.intern("var", 0), table.const(0)
    for pole in (table.make_div(table.const(1), zero), table.make_div(zero, zero)):
        pattern = Pattern(table, table.make_mul(pole, x), (1, 0, 0))
        function, _ = array_function(pattern, "value")
        assert not np.isfinite(function(np.ones(2))[0]).any()
        assert "from math import" in kernel_text(pattern, OBJECTIVE)


def test_deep_formulas(check):
    def definition(p):
        x = p.variables(2, start=0.7)
        e = x[0]
        for _ in range(300):
            e = np.sin(e + x[1]) * 1.5
        p.minimize(e)

    problem = trace(definition)
    assert problem.using("numpy")._fun(problem.x0) == pytest.approx(problem._fun(problem.x0))


def test_choice_of_the_generator():
    assert trace(rosenbrock, n=5).generator == "python"
    assert trace(rosenbrock, n=5, compile=True).generator == "python"
    assert trace(rosenbrock, n=100).generator == "mixed"
    assert trace(rosenbrock, n=500).generator == "numpy"
    assert trace(rosenbrock, n=100, compile=True).generator == "numba"
    assert trace(rosenbrock, n=100, compile="auto").generator == "mixed"
    assert trace(rosenbrock, n=1000, compile="auto").generator == "numba"
    with pytest.raises(ValueError, match="compile"):
        trace(rosenbrock, compile="always")


def test_missing_numba(monkeypatch):
    monkeypatch.setattr("numopt.models.separable.find_spec", lambda name: None)
    assert trace(rosenbrock, n=1000, compile="auto").generator == "numpy"
    with pytest.raises(ImportError, match="Numba"):
        trace(rosenbrock, n=100, compile=True)
