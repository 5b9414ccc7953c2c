import csv
import io
import re

import numpy as np
import pytest

from numopt import plot
from numopt.bench import data_profile, performance_profile, runtime_profile
from numopt.bench import quick as quick_module
from numopt.bench.quick import unexpected
from numopt.bench.report import Report, aligned, write_whole
from numopt.core.watch import History

inf = float("inf")


def run(problem, solver, status="solved", fun=0.0, cpu=1.0, **more):
    row = {"problem": problem, "params": {}, "class": "bound", "n": 2, "m": 0, "solver": solver}
    row |= {"seed": 0, "status": status, "claimed": True, "fun": fun, "cpu": cpu, "wall": cpu}
    row |= {"nfev": 10, "ncev": 0, "eval_cpu": cpu / 2, "f_best": None, "message": "=1+1"}
    return row | more


ROWS = [
    run("A", "sketched_newton", cpu=1.0),
    run("A", "peer", cpu=4.0, fun=1.0, **{"class": "bound"}),
    run("B", "sketched_newton", cpu=1.0, fun=-3.0, **{"class": "equality"}),
    run("B", "peer", cpu=9.0, fun=-3.0, **{"class": "equality"}),
    run("C", "sketched_newton", "failed", fun=5.0),
    run("C", "peer", "failed", fun=5.0, claimed=False),
]


def test_performance_profile():
    costs = {"a": [1.0, 2.0, 4.0, inf], "b": [2.0, 2.0, inf, inf]}
    factor, fraction = performance_profile(costs)["a"]
    assert factor.tolist() == [1.0]
    assert fraction.tolist() == [0.75]
    factor, fraction = performance_profile(costs)["b"]
    assert factor.tolist() == [1.0, 2.0]
    assert fraction.tolist() == [0.25, 0.5]


def test_data_profile():
    units, fraction = data_profile({"a": [6.0, 30.0, inf]}, [2, 2, 2])["a"]
    assert units.tolist() == [0.0, 2.0, 10.0]
    np.testing.assert_allclose(fraction, [0.0, 1 / 3, 2 / 3])


def test_profile_of_a_method_that_solves_nothing_is_flat():
    factor, fraction = performance_profile({"a": [1.0], "b": [inf]})["b"]
    assert (factor.tolist(), fraction.tolist()) == ([1.0], [0.0])


def test_summary():
    ours, peer = Report(ROWS).summary()
    assert ours["solved"] == "2/3"
    assert (ours["bound"], ours["equality"]) == ("1/2", "1/1")
    assert (ours["false success"], peer["false success"]) == (1, 0)
    assert (ours["best f"], peer["best f"]) == ("2/2", "1/2")
    assert float(peer["CPU ratio"]) == 6.0  # the geometric mean of 4 and 9
    assert ours["CPU ratio"] == "1.00"


def test_evaluations_by_class():
    rows = [
        run("A", "peer", nfev=3),
        run("B", "peer", nfev=7),
        run("C", "peer", m=1, ncev=30, **{"class": "mixed"}),
        run("D", "peer", "failed", nfev=100),
    ]
    (line,) = Report(rows).evaluations()
    assert line == {"median evaluations": "peer", "all": "7", "bound": "5", "mixed": "30"}


def test_seeds_enter_by_their_median():
    rows = [run("A", "m", cpu=cpu, seed=i) for i, cpu in enumerate([1.0, 2.0, 30.0])]
    assert Report(rows).costs("cpu")["m"].tolist() == [2.0]


def test_the_known_optimum_counts_as_best():
    found = Report([run("A", "m", fun=1.0, f_best=0.5), run("B", "m", fun=1.0, f_best=1.00009)])
    assert [row["best"] for row in found.rows] == [False, True]


def test_unexpected_failures(monkeypatch):
    monkeypatch.setattr(quick_module, "EXPECTED", ("A", "B", "C"))
    rows = [
        run("Z", "sketched_newton", "failed"),
        run("A", "sketched_newton", fun=1.0, f_best=0.0),
        run("B", "sketched_newton", fun=0.0, f_best=0.0),
        run("C", "sketched_newton", "failed"),
        run("D", "sketched_newton", "error"),
        run("E", "ipopt", "error"),
    ]
    names = lambda quick: [t.split()[2][0] for t in unexpected(Report(rows), quick)]  # noqa: E731
    assert names(quick=True) == ["A", "C", "D"]
    assert names(quick=False) == ["D"]


def test_csv_is_harmless_in_a_spreadsheet():
    first = next(csv.DictReader(io.StringIO(Report([run("A", "m", fun=-1.5)]).csv())))
    assert first["message"] == "'=1+1"
    assert first["fun"] == "-1.5"


def test_markdown_has_two_tables():
    summary, evaluations = Report(ROWS).markdown().split("\n\n")
    assert summary.startswith("| method | solved | bound | equality |")
    assert evaluations.startswith("| median evaluations | all | bound | equality |")
    for table in (summary, evaluations):
        assert len({line.count("|") for line in table.splitlines()}) == 1


def test_aligned():
    assert aligned([{"a": "x", "bb": 1}]) == "a  bb\n-  --\nx   1"
    assert aligned([]) == ""


def test_the_page_needs_nothing_else(tmp_path):
    rows = [*ROWS, run("<D>", "m", "unsupported", n=3)]
    files = {path.name: path for path in Report(rows).write(tmp_path)}
    assert files["profile_cpu.png"].read_bytes().startswith(b"\x89PNG")
    page = files["report.html"].read_text()
    assert page.count("data:image/png;base64,") == 3
    outside = re.sub(r"base64,[^\"]*", "", page)
    assert "http" not in outside
    assert not re.search(r"(src|href)=\"(?!data:)", outside)
    assert "&lt;D&gt;" in page
    assert "<D>" not in page
    assert not list(tmp_path.glob(".*"))


def test_a_report_of_nothing(tmp_path):
    files = Report([]).write(tmp_path)
    assert sorted(path.name for path in files) == ["report.html", "runs.csv", "summary.md"]


def test_files_are_replaced_as_a_whole(tmp_path):
    path = tmp_path / "deep" / "file"
    write_whole(path, "old")
    write_whole(path, "new")
    assert path.read_text() == "new"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


# -- plots -----------------------------------------------------------------------------------------


def test_performance_profile_plot_ends_at_the_plateau():
    ax = plot.performance_profile(performance_profile({"a": [1.0, 2.0], "b": [3.0, inf]}))
    heights = {line.get_label(): line.get_ydata()[-1] for line in ax.get_lines()}
    assert heights == {"a": 1.0, "b": 0.5}
    assert ax.get_xscale() == "log"
    assert ax.get_title() == ""


def test_plots_draw_on_the_axes_given():
    ax = plot.data_profile(data_profile({"a": [3.0]}, [2]))
    assert plot.performance_profile(performance_profile({"a": [1.0]}), ax=ax) is ax


class Run:
    nit, nfev, elapsed = 0, 0, 0.0


def history(values):
    record, run = History(), Run()
    for run.nit, value in enumerate(values):
        record(
            type("It", (), {"fun": 0, "optimality": value, "violation": 0, "scalars": {}}), run, 0
        )
    return record


def test_convergence_plot_of_one_run_and_of_several():
    one = history([1.0, 0.1, 0.01])
    ax = plot.convergence(one)
    assert ax.get_lines()[0].get_ydata().tolist() == [1.0, 0.1, 0.01]
    ax = plot.convergence({"m": [one, history([3.0, 0.3, 0.03]), history([2.0, 0.2, 0.02])]})
    np.testing.assert_allclose(ax.get_lines()[0].get_ydata(), [2.0, 0.2, 0.02])
    assert len(ax.collections) == 1
    assert ax.get_yscale() == "log"


def test_convergence_takes_results():
    assert plot.convergence({"m": {"history": history([1.0, 0.5])}}).get_lines()


def test_runtime_profile_keeps_the_colours_of_a_method():
    profiles = runtime_profile({"b": [[2.0, inf], [4.0, 20.0]]}, 2)
    ax = plot.runtime_profile(profiles, names=["a", "b"])
    line = ax.get_lines()[0]
    np.testing.assert_array_equal(line.get_xydata()[:-1].T, profiles["b"])
    assert profiles["b"][1].tolist() == [0.0, 0.25, 0.5, 0.75]
    assert line.get_color() == plot.COLOURS[1]
    assert ax.get_xscale() == "log"


PLOTS = ["performance_profile", "data_profile", "runtime_profile", "convergence"]


@pytest.mark.parametrize("name", PLOTS)
def test_plots_have_labels(name):
    arguments = {
        "performance_profile": (performance_profile({"a": [1.0]}),),
        "data_profile": (data_profile({"a": [1.0]}, [1]),),
        "runtime_profile": (runtime_profile({"a": [1.0]}, 1),),
        "convergence": (history([1.0]),),
    }
    ax = getattr(plot, name)(*arguments[name])
    assert ax.get_xlabel()
    assert ax.get_ylabel()
