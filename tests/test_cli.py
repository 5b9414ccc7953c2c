import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from numopt.bench import Store
from numopt.cli import main

ROOT = Path(__file__).parents[1]
SUITES = ROOT / "tests" / "bench"


@pytest.fixture(autouse=True)
def suites(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(SUITES)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (SUITES, ROOT))))
    monkeypatch.chdir(tmp_path)


def bench(*words):
    return main(["bench", "--suite", "tiny_suite", "--workers", "0", *words])


def test_version_imports_nothing_heavy():
    code = "import sys, numopt.cli\ntry: numopt.cli.main(['--version'])\nexcept SystemExit: pass\n"
    code += "print([m for m in ('numpy', 'scipy', 'numba') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1:] == ["[]"]
    assert done.stdout.startswith("numopt ")


def test_bench_prints_and_writes(capsys):
    assert bench("--problems", "HS71,HS35", "--methods", "scipy:SLSQP") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[:2]] == [["1/2", "HS71"], ["2/2", "HS35"]]
    assert lines[-1] == "2 runs, 2 solved, 0 unexpected failures"
    written = {path.name for path in Path("results").iterdir()}
    assert {"runs.csv", "summary.md", "report.html", "runs.sqlite"} <= written


def test_bench_resumes(capsys):
    words = ("--problems", "HS71", "--methods", "scipy:SLSQP")
    bench(*words)
    capsys.readouterr()
    assert bench(*words, "--resume") == 0
    assert "1/1  HS71" not in capsys.readouterr().out
    assert bench(*words, "--fresh") == 0
    assert "1/1  HS71" in capsys.readouterr().out


def test_bench_selects_by_class_and_size(capsys):
    assert bench("--class", "bound,unconstrained", "--methods", "scipy:L-BFGS-B") == 0
    out = capsys.readouterr().out
    assert "HS1 " in out
    assert "HS6" not in out
    assert bench("--max-n", "3", "--methods", "scipy:SLSQP") == 0
    assert "HS71" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--problems", "HS7I"], "unknown problem 'HS7I'. Did you mean 'HS71'?"),
        (["--methods", "slsqp", "--problems", "HS71"], "unknown method 'slsqp'"),
        (["--class", "hard"], "unknown class 'hard'"),
        (["--experiments", "sketch_newton"], "Did you mean 'sketched_newton'? Experiments: "),
        (["--max-n", "1"], "no problem matches"),
        (["--problems", "HS71", "--methods", "scipy:SLSQP", "--store", "."], "cannot be opened"),
        (["--problems", "HS71:n"], "expected name=value"),
    ],
)
def test_mistakes_end_with_one_line_and_code_2(capsys, words, sentence):
    assert bench(*words) == 2
    error = capsys.readouterr().err
    assert error.startswith("numopt: ")
    assert sentence in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("words", [["bench", "--tol", "0"], ["nothing"], [], ["solve"]])
def test_wrong_arguments_end_with_code_2(capsys, words):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "usage: numopt" in capsys.readouterr().err


def test_debug_shows_the_traceback():
    with pytest.raises(ValueError, match="unknown problem"):
        main(["--debug", "bench", "--suite", "tiny_suite", "--problems", "HS7I"])


def test_list_peers(capsys):
    assert main(["bench", "--list-peers"]) == 0
    out = capsys.readouterr().out
    assert "scipy:trust-constr" in out
    assert "ipopt" in out


def test_experiments_prints_each_line_of_the_named_report(capsys, monkeypatch):
    from numopt.bench.experiments import sketched_newton

    monkeypatch.setattr(sketched_newton, "rows", lambda: iter(["first", "second"]))
    assert main(["bench", "--experiments", "sketched_newton"]) == 0
    assert capsys.readouterr().out == "first\nsecond\n"


def test_an_interrupt_keeps_what_is_finished(tmp_path):
    words = ["bench", "--suite", "faulty_suite", "--problems", "GOOD,HANG", "--methods"]
    words = [sys.executable, "-m", "numopt", *words, "scipy:SLSQP"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    # A shell's background job ignores Ctrl-C, and so would what it starts.
    listening = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(words, preexec_fn=listening, **pipes) as driver:
        assert b"GOOD" in driver.stdout.readline()
        driver.send_signal(signal.SIGINT)
        _, error = driver.communicate()
    assert driver.returncode == 130
    assert error == b"numopt: interrupted; finished runs are kept\n"
    with closing(Store(tmp_path / "results" / "runs.sqlite")) as store:
        assert [row["problem"] for row in store.rows()] == ["GOOD"]


PROBLEM = """
def problem(p):
    x = p.variables(2, start=3.0)
    p.minimize(x[0] ** 2 + x[1] ** 2)
    p.equal(x[0] + x[1], 2.0)
"""


def test_solve_refuses_a_file_without_a_problem(capsys):
    Path("empty.py").write_text("answer = 42\n")
    assert main(["solve", "empty.py"]) == 2
    assert "must define `problem`" in capsys.readouterr().err
    assert main(["solve", "absent.py"]) == 2


def test_solve_prints_the_result(capsys):
    assert main(["solve", "HS71"]) == 0
    assert "success: True" in capsys.readouterr().out
    Path("mine.py").write_text(PROBLEM)
    assert main(["solve", "mine.py", "--json", "--option", "tol=1e-8", "--seed", "0"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["fun"] == pytest.approx(2.0)
    assert found["status"] == 0


def test_solve_ends_with_code_1_if_it_did_not_converge(capsys):
    assert main(["solve", "HS71", "--option", "maxiter=1"]) == 1
    assert "MAX_ITER" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["HS71:n=3"], "no parameter 'n'"),
        (["HS7I"], "unknown problem"),
        (["HS71", "--option", "tole=1"], "Did you mean 'tol'?"),
        (["HS71", "--method", "newton"], "unknown method"),
    ],
)
def test_mistakes_in_solve_end_with_code_2(capsys, words, sentence):
    assert main(["solve", *words]) == 2
    assert sentence in capsys.readouterr().err


def test_methods_prints_the_table(capsys):
    assert main(["methods"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {"gradient_newton", "sketched_newton"} <= {line.split()[0] for line in lines}


def test_cutest_lists_and_shows(capsys):
    assert main(["cutest", "list", "--class", "mixed", "--max-n", "4"]) == 0
    names = capsys.readouterr().out.split()
    assert "HS71" in names
    assert "HS114" not in names
    assert main(["cutest", "show", "HS71"]) == 0
    assert "n = 4, m = 2" in capsys.readouterr().out
    assert main(["cutest", "list", "--class", "hard"]) == 2


def test_warmup(capsys):
    assert main(["warmup"]) == 0
    assert "sketched_newton" in capsys.readouterr().out


def test_the_module_is_the_command():
    done = subprocess.run([sys.executable, "-m", "numopt", "--version"], capture_output=True)
    assert done.stdout.startswith(b"numopt ")
