"""Imports point downwards only; the package is light to import."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "numopt"

# What each layer may import of numopt, besides itself.
ALLOWED = {
    "core": {"scipy_like"},  # a solver called by SciPy builds a problem, at call time
    "kernels": set(),
    "linalg": {"kernels"},
    "models": {"core.errors", "core.backend", "linalg", "kernels"},
    "solvers": {"core", "models", "linalg", "kernels"},
    "scipy_like": {"core", "models", "front"},
    "front": {"core", "models", "solvers", "scipy_like"},
    "paths": {"front", "core", "models", "solvers"},
    "sklearn": {"front", "core", "models"},
    "cutest": {"core", "models"},
    "problems": {"core", "models"},
    "plot": {"front", "core", "models"},
    "bench": {"front", "core", "models", "solvers", "plot", "cutest", "problems"},
    "cli": {"front", "core", "models", "solvers", "plot", "cutest", "problems", "bench"},
    "__main__": {"cli"},
    "__init__": None,
    "_version": set(),
}
FILES = sorted(PACKAGE.rglob("*.py"))


def imported(path):
    """Yield the dotted names below numopt that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.startswith("numopt."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("numopt"):
            base = node.module.removeprefix("numopt").removeprefix(".")
            names = [base] if "." in base else [f"{base}.{a.name}".strip(".") for a in node.names]
            yield from (f"numopt.{name}" for name in names)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_downwards(path):
    layer = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    allowed = ALLOWED[layer]
    if allowed is None:
        return
    for name in imported(path):
        target = name.removeprefix("numopt.")
        top = target.split(".")[0]
        fine = top in (layer, "_version") or top in allowed
        fine = fine or any(target.startswith(a) for a in allowed if "." in a)
        assert fine, f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("solvers/*")), ids=lambda p: p.name)
def test_solvers_do_not_import_each_other(path):
    name = path.name.removesuffix(".py")
    if name.startswith("__"):
        return
    for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
        for target in imported(file):
            if target.startswith("numopt.solvers."):
                assert target.split(".")[2] == name, f"{file} imports {target}"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("solvers/**/*.py")), ids=lambda p: p.name)
def test_solver_files_are_short(path):
    assert len(path.read_text().splitlines()) <= 300


HEAVY = ("numba", "cvxpy", "matplotlib", "scipy.stats", "scipy.optimize", "cupy", "dask")


@pytest.mark.parametrize(
    "statement",
    [
        "import numopt",
        "import numopt; numopt.minimize",
        "import numopt; numopt.SketchedNewton()",
        "import numopt.cutest",
        "import cutest_problems; cutest_problems.load('HS71', compile=None)",
    ],
)
def test_import_is_light(statement):
    code = f"import sys; {statement}; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_print_and_no_seeded_global_generator():
    for path in FILES:
        if path.name in ("watch.py", "cli.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called != "print", path
                assert not called.startswith("np.random.seed"), path
                assert called not in ("eval", "pickle.load"), path
                assert called != "pickle.loads" or path.name == "workers.py", path
