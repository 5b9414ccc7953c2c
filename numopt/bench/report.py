"""What a sweep has found: summary, table, CSV, Markdown and one self-contained HTML page."""

import base64
import csv
import io
import os
from collections import defaultdict
from html import escape
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from numopt.bench.environment import environment
from numopt.bench.profiles import data_profile, performance_profile
from numopt.cutest.catalogue import KINDS

SAME = 1e-4  # relative difference up to which two objective values are the same optimum
RUN_COLUMNS = (
    *("problem", "params", "class", "n", "m", "solver", "seed", "status", "claimed"),
    *("best", "fun", "maxcv", "relative_maxcv", "stationarity", "complementarity", "multipliers"),
    *("nit", "nfev", "ncev", "njev", "ncjev", "nhev", "cpu", "eval_cpu", "wall", "peak_mem"),
    *("message", "host", "started", "finished"),
)


class Report:
    """The rows of a sweep and what follows from them.

    Parameters
    ----------
    rows : list of dict
        From `Sweep.run`.
    reference : str
        Method to which processor times are compared; the first one present if it is absent.

    Attributes
    ----------
    rows : list of dict
        With the further field `best`: whether the objective is that of the best judged run of any
        method, or of the literature; None for runs that are not solved.
    methods, classes : list of str
        In the order in which they are shown.
    """

    def __init__(self, rows, reference="sketched_newton"):
        self.rows = _with_best(rows)
        self.methods = list(dict.fromkeys(row["solver"] for row in rows))
        present = {row.get("class") for row in rows}
        self.classes = [kind for kind in KINDS if kind in present]
        self.reference = reference if reference in self.methods else next(iter(self.methods), "")

    def summary(self):
        """Return one dictionary for each method: column title -> value."""
        return [self._line(method) for method in self.methods]

    def _line(self, method):
        mine = [row for row in self.rows if row["solver"] == method]
        solved = [row for row in mine if row["status"] == "solved"]
        line = {"method": method, "solved": _of(solved, mine)}
        for kind in self.classes:
            here = [row for row in mine if row.get("class") == kind]
            line[kind] = _of([row for row in here if row["status"] == "solved"], here)
        line["false success"] = sum(r["claimed"] and r["status"] != "solved" for r in mine)
        line["best f"] = _of([row for row in solved if row["best"]], solved)
        line["median ncev"] = _median(row["ncev"] for row in solved if row["m"])
        line["median nfev"] = _median(row["nfev"] for row in solved)
        line["median CPU ms"] = _median(1e3 * row["cpu"] for row in solved)
        line["beyond evaluations"] = _median(1e3 * (row["cpu"] - row["eval_cpu"]) for row in solved)
        line["CPU ratio"] = self._ratio(method)
        return line

    def evaluations(self):
        """Return a line for each method: class -> median of its distinct evaluations.

        Of the constraints, or of the objective where there are none; over what it solves.
        """
        lines = []
        for method in self.methods:
            line = {"median evaluations": method}
            for kind in ("all", *self.classes):
                line[kind] = _median(
                    row["ncev"] if row["m"] else row["nfev"]
                    for row in self.rows
                    if row["solver"] == method and row["status"] == "solved"
                    if kind in ("all", row["class"])
                )
            lines.append(line)
        return lines

    def _ratio(self, method):
        """Return the geometric mean of the ratio of CPU times over what both methods solve."""
        mine, theirs = self.costs("cpu")[method], self.costs("cpu")[self.reference]
        both = np.isfinite(mine) & np.isfinite(theirs)
        return f"{np.exp(np.mean(np.log(mine[both] / theirs[both]))):.2f}" if both.any() else "-"

    def instances(self):
        """Return one (problem, params, n) for each problem that a method was run on."""
        found = {_case(row): row["n"] for row in self.rows if row.get("n")}
        return [(*key, n) for key, n in found.items()]

    def costs(self, *fields):
        """Return the sum of some fields: for each method, an array over `instances`.

        The median of the solved runs of all seeds; infinite where no run is solved.
        """
        runs = defaultdict(list)
        for row in self.rows:
            if row["status"] == "solved":
                cost = sum(row[field] for field in fields)
                runs[row["solver"], *_case(row)].append(max(cost, 1e-9))
        return {
            method: np.array(
                [np.median(runs.get((method, *case[:2]), [np.inf])) for case in self.instances()]
            )
            for method in self.methods
        }

    # -- outputs -----------------------------------------------------------------------------------

    def text(self):
        """Return the summary and the evaluations as aligned tables."""
        return "\n\n".join(map(aligned, (self.summary(), self.evaluations())))

    def markdown(self):
        """Return the summary and the evaluations as Markdown tables."""
        return "\n".join(map(_markdown, (self.summary(), self.evaluations())))

    def csv(self):
        """Return all runs as CSV; text that a spreadsheet would take for a formula is quoted."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(RUN_COLUMNS)
        for row in self.rows:
            writer.writerow(_harmless(row.get(name)) for name in RUN_COLUMNS)
        return out.getvalue()

    def plots(self):
        """Return the profiles as PNG: name -> bytes."""
        from numopt import plot

        if not self.instances():
            return {}
        sizes = [n for *_, n in self.instances()]
        evaluations = self.costs("nfev", "ncev")
        axes = {
            "profile_cpu": plot.performance_profile(performance_profile(self.costs("cpu"))),
            "profile_evaluations": plot.performance_profile(
                performance_profile(evaluations), cost="evaluations"
            ),
            "profile_data": plot.data_profile(data_profile(evaluations, sizes)),
        }
        return {name: _png(ax) for name, ax in axes.items()}

    def html(self, plots=None):
        """Return one self-contained page: summary, profiles, all runs, and the environment."""
        runs = [{name: _short(row.get(name)) for name in RUN_COLUMNS} for row in self.rows]
        figures = "".join(
            f'<img alt="{name}" src="data:image/png;base64,{base64.b64encode(png).decode()}">\n'
            for name, png in (plots or {}).items()
        )
        facts = [{"fact": name, "value": str(value)} for name, value in environment().items()]
        dates = [row["finished"] for row in self.rows if row.get("finished")]
        facts.append({"fact": "last run", "value": max(dates, default="-")})
        figures = figures or "<p>not drawn: nothing to show, or matplotlib is not installed</p>"
        summary = _table(self.summary()) + _table(self.evaluations())
        parts = ("Summary", summary), ("Profiles", figures)
        parts += ("Runs", _table(runs)), ("Environment", _table(facts))
        return PAGE.format(body="".join(f"<h2>{title}</h2>\n{part}" for title, part in parts))

    def write(self, folder):
        """Write all outputs to a folder and return their paths."""
        plots = self.plots() if find_spec("matplotlib") else {}
        files = {"runs.csv": self.csv(), "summary.md": self.markdown()}
        files["report.html"] = self.html(plots)
        files |= {f"{name}.png": png for name, png in plots.items()}
        return [write_whole(Path(folder) / name, content) for name, content in files.items()]


def _with_best(rows):
    """Return copies of the rows with the field `best`."""
    lowest = defaultdict(lambda: np.inf)
    for row in rows:
        known = [row["fun"]] if row["status"] == "solved" else []
        known += [row["f_best"]] if row.get("f_best") is not None else []
        lowest[_case(row)] = min([*known, lowest[_case(row)]])
    return [row | {"best": is_best(row, lowest[_case(row)])} for row in rows]


def _case(row):
    return row["problem"], str(row["params"])


def is_best(row, f):
    """Return whether a solved run has reached the objective value f; None if it is not solved."""
    if row["status"] != "solved":
        return None
    return bool(row["fun"] - f <= SAME * max(1.0, abs(f)))


def _of(some, all_):
    return f"{len(some)}/{len(all_)}"


def _median(values):
    values = list(values)
    return f"{np.median(values):.3g}" if values else "-"


def aligned(lines):
    """Return dictionaries of the same keys as a table, the first column to the left."""
    if not lines:
        return ""
    cells = [[str(key) for key in lines[0]], *([str(v) for v in line.values()] for line in lines)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    cells.insert(1, ["-" * width for width in widths])
    form = "  ".join(f"{{:{'>' if i else '<'}{width}}}" for i, width in enumerate(widths))
    return "\n".join(form.format(*row) for row in cells)


def _markdown(lines):
    head = list(lines[0]) if lines else []
    rows = [head, ["---"] * len(head), *(map(str, line.values()) for line in lines)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _harmless(value):
    text = isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r")
    return f"'{value}" if text else value


def _short(value):
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)


def _png(ax):
    out = io.BytesIO()
    ax.figure.savefig(out, format="png", dpi=120)
    return out.getvalue()


def _table(lines):
    if not lines:
        return "<p>none</p>\n"
    head = "".join(f"<th>{escape(str(key))}</th>" for key in lines[0])
    rows = ("".join(f"<td>{escape(str(v))}</td>" for v in line.values()) for line in lines)
    return f"<table><tr>{head}</tr>\n" + "".join(f"<tr>{row}</tr>\n" for row in rows) + "</table>\n"


def write_whole(path, content):
    """Write a file under another name first, so that readers never see half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(content if isinstance(content, bytes) else content.encode())
    return partial.replace(path)


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>numopt benchmark</title>
<style>
body {{ font: 14px sans-serif; margin: 2em; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: 2px 8px; border-bottom: 1px solid #ddd; text-align: right; }}
td {{ white-space: nowrap; }}
th {{ cursor: pointer; background: #eee; }}
td:first-child, th:first-child {{ text-align: left; }}
img {{ max-width: 48%; }}
</style></head><body>
<h1>numopt benchmark</h1>
<p>A run is solved when scaled stationarity, complementarity and the violation of the constraints,
recomputed from the original problem at the returned point, are within the tolerance. Click on a
heading to sort.</p>
{body}
<script>
for (const head of document.querySelectorAll("th")) head.onclick = () => {{
  const table = head.closest("table"), i = head.cellIndex, up = head.dataset.up !== "1";
  head.dataset.up = up ? "1" : "0";
  const cell = row => row.cells[i].textContent;
  const order = (a, b) => cell(a) !== "" && cell(b) !== "" && !isNaN(cell(a)) && !isNaN(cell(b))
    ? cell(a) - cell(b) : cell(a).localeCompare(cell(b));
  const rows = [...table.rows].slice(1).sort((a, b) => up ? order(a, b) : order(b, a));
  rows.forEach(row => table.tBodies[0].append(row));
}};
</script>
</body></html>
"""
