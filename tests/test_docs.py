"""Every example runs: docstrings, the README, the pages of the documentation."""

import doctest
import importlib
import json
import pkgutil
import re
from pathlib import Path

import numpy as np
import pytest

import cutest_problems
import numopt

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NOTEBOOKS = sorted((ROOT / "docs").rglob("*.ipynb"))
SKIPPED = {"numopt.__main__"}
MODULES = sorted(
    {
        m.name
        for p in (numopt, cutest_problems)
        for m in pkgutil.walk_packages(p.__path__, f"{p.__name__}.")
    }
    - SKIPPED
    | {"numopt", "cutest_problems"}
)


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name):
    if name == "numopt.sklearn":
        pytest.importorskip("sklearn")
    module = importlib.import_module(name)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    names = vars(module) | {"np": np, "numopt": numopt}
    assert doctest.testmod(module, optionflags=flags, extraglobs=names).failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_pages(page, capsys):
    names = {}
    for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        exec(compile(block, str(page), "exec"), names)
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.name)
def test_notebooks(notebook, monkeypatch):
    pytest.importorskip("matplotlib")
    if "hyperparameters" in notebook.name:
        pytest.importorskip("sklearn")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    cells, names = json.loads(notebook.read_text())["cells"], {}
    for cell in cells:
        assert not cell.get("outputs"), "notebooks are kept without their output"
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), str(notebook), "exec"), names)
    names["plt"].close("all")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links(page):
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_table_of_methods_in_the_readme():
    text = (ROOT / "README.md").read_text()
    for row in numopt.methods():
        cells = (
            f"`{row['name']}`",
            ", ".join(row["problems"]),
            ", ".join(row["accepts"]),
            row["measure"],
            row["reference"],
        )
        assert f"| {' | '.join(cells)} |" in text


def test_version_is_the_one_of_the_package():
    from importlib.metadata import version

    assert version("numopt") == numopt.__version__


def test_every_public_name_is_documented():
    for name in numopt.__all__:
        assert name == "__version__" or getattr(numopt, name).__doc__, name
