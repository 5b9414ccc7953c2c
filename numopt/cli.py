"""The command line: ``numopt bench | solve | methods | cutest | warmup``.

Exit codes: 0 done, 1 a method failed where it should not, 2 wrong usage, 130 interrupted.
"""

import argparse
import ast
import json
import sys
from pathlib import Path

from numopt._version import __version__

FULL = "sketched_newton,scipy:SLSQP,scipy:trust-constr,scipy:COBYQA,ipopt,uno"
USAGE, INTERRUPTED = 2, 130


class UserError(Exception):
    """Something that the user can put right; the message says how."""


def main(argv=None):
    """Run the command line and return its exit code."""
    args = _parser().parse_args(argv)
    try:
        return args.run(args)
    except KeyboardInterrupt:
        print("numopt: interrupted; finished runs are kept", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe, such as `head`, has seen enough
        sys.stderr.close()
        return 0
    except Exception as error:
        if args.debug or not _users_fault(error):
            raise
        print(f"numopt: {error}", file=sys.stderr)
        return USAGE


def _users_fault(error):
    from numopt.core.errors import NumoptError

    return isinstance(error, (UserError, NumoptError, OSError))


# -- numopt bench ----------------------------------------------------------------------------------


def bench(args):
    """Run a sweep, print its table and write its files."""
    from numopt.bench.peers import find_peer, peer_names
    from numopt.bench.report import Report
    from numopt.bench.sweep import Sweep

    if args.list_peers:
        for name in peer_names():
            peer = find_peer(name)
            print(f"{name:20} {peer.version() or peer.missing()}")
        return 0
    if args.topic:
        return _print_lines(TOPICS[args.topic](args))
    if args.speed:
        from numopt.bench.speed import file_lines, lines

        return _print_lines(lines() if args.mastsif is None else file_lines(args.mastsif))
    if args.experiments:
        from numopt.bench.experiments import find_experiment

        if args.figures:
            return _print_lines(find_experiment(args.experiments, "figures")(args.figures))
        return _print_lines(find_experiment(args.experiments)())
    problems, methods = _selection(args)
    sweep = Sweep(problems, methods, range(args.seeds), _suite(args), args.tol, args.time_limit)
    for why in sweep.missing_methods.values():
        print(f"left out: {why}")
    store = args.store or Path(args.out) / "runs.sqlite"
    rows = sweep.run(
        store,
        args.workers,
        fresh=args.fresh,
        retry_failed=args.retry_failed,
        watch=_print_run,
    )
    report = Report(rows)
    files = report.write(args.out)
    print(f"\n{report.text()}\n")
    print("written: " + ", ".join(map(str, files)))
    return _conclude(report, args.quick)


def _transport_lines(args):
    """Return the lines of ``bench ot``; in NAME:n=100 n is the size."""
    from numopt.bench.transport import lines

    problems: dict = {}
    for name, params in map(_with_parameters, args.problems or ()):
        if set(params) - {"n"}:
            raise UserError(f"--problems {name}: the only parameter is n, as in {name}:n=500")
        problems[name] = (*problems.get(name, ()), *params.values())
    values = {"etas": args.etas, "tols": args.tols, "methods": args.methods}
    given = {key: value for key, value in values.items() if value is not None}
    return lines(
        args.seed, args.seeds, args.quick, problems=problems, at_most=args.at_most, **given
    )


def _global_lines(args):
    """Return the lines of the benchmark of global search that was asked for."""
    from numopt.bench import bbob, enclosed, global_search, swarm_steps

    if args.speed:
        return swarm_steps.lines()
    if args.constraints:
        return enclosed.lines(args.seed, args.seeds, args.detail)
    if args.figures:
        return _global_figures(args)
    dimensions = tuple(
        map(int, args.dimensions or (("2", "5") if args.quick else ("5", "10", "20")))
    )
    peers = args.peers or args.methods
    if args.bbob:
        return bbob.lines(args.seed, args.seeds, dimensions, peers, store=args.store)
    choice = {"held_out": args.held_out, "peers": peers, "detail": args.detail}
    choice["store"] = args.store
    return global_search.lines(args.seed, args.seeds, dimensions, **choice)


def _global_figures(args):
    from numopt.bench.global_profiles import figures

    if not args.store:
        raise UserError("--figures needs the attempts of earlier runs: --store FILE")
    families = "bbob" if args.bbob else "held_out" if args.held_out else "shifted"
    dimensions = args.dimensions and tuple(map(int, args.dimensions))
    return figures(args.store, args.figures, families, dimensions, args.peers or args.methods)


def _sparse_lines(args):
    from numopt.bench.sparse import large, lines

    if args.large:
        return large.lines(args.seed)
    return lines(args.seed, args.seeds, args.quick, args.problems, args.peers, args.time_limit)


def _bilevel_lines(args):
    from numopt.bench.bilevel import lines

    return lines(args.seed, args.seeds, args.quick, args.at_most)


def _inclusion_lines(args):
    from numopt.bench.halpern import lines

    return lines(args.seed, args.seeds, args.quick, args.out)


def _zeroth_order_lines(args):
    from numopt.bench.zeroth_order import lines

    return lines(args.seed, args.seeds, args.quick)


TOPICS = {
    "bcd": _sparse_lines,
    "bilevel": _bilevel_lines,
    "global": _global_lines,
    "halpern": _inclusion_lines,
    "ot": _transport_lines,
    "zeroth_order": _zeroth_order_lines,
}


def _print_lines(lines):
    for line in lines:
        print(line, flush=True)
    return 0


def _selection(args):
    from numopt.bench import large, quick
    from numopt.bench.suite import open_suite

    if args.quick:
        return quick.problems(open_suite("cutest")), args.methods or quick.METHODS
    if args.large:
        return large.PROBLEMS, args.methods or large.METHODS
    methods = args.methods or FULL.split(",")
    if args.problems:
        return [_with_parameters(text) for text in args.problems], methods
    suite, names = open_suite(_suite(args)), []
    for condition in map(_condition, args.kinds or ("",)):
        names += suite.names(max_n=args.max_n, **condition)
    if args.held_out:
        known = open_suite("cutest").names()
        names = [name for name in names if name not in known]
    if not names:
        raise UserError("no problem matches; see `numopt cutest list`")
    return list(dict.fromkeys(names)), methods


def _suite(args):
    """Return the name of the collection: that of a folder, where one is given."""
    if args.mastsif is None:
        return args.suite
    if args.suite != "cutest":
        raise UserError("--mastsif belongs to --suite cutest")
    from numopt.bench.suite import FOLDER

    return FOLDER + (args.mastsif and str(Path(args.mastsif).resolve()))


def _condition(text):
    """Return what ``--class`` selects: a kind, or a pattern such as ``QLR2-*``."""
    from numopt.cutest import KINDS

    if not text:
        return {}
    if text in KINDS:
        return {"kind": text}
    if "-" in text or "*" in text:
        return {"classification": text}
    raise UserError(f"unknown class {text!r}; classes: {', '.join(KINDS)}, or a pattern: QLR2-*")


def _with_parameters(text):
    """Return (name, parameters) for ``NAME:n=100:m=5``."""
    name, *parts = text.split(":")
    return name, dict(map(_assignment, parts))


def _print_run(row, done, total):
    size = len(str(total))
    cpu = f"{1e3 * row['cpu']:9.1f} ms" if row.get("cpu") is not None else " " * 12
    value = f"  f = {row['fun']:.8g}" if row.get("fun") is not None else ""
    words = f"  {row['message'][:60]}" if row["status"] != "solved" else ""
    where = f"{row['problem']:12} {row['solver']:20}"
    print(f"{done:{size}}/{total}  {where} {row['status']:12} {cpu}{value}{words}", flush=True)


def _conclude(report, quick):
    """Print one line and return the exit code."""
    from numopt.bench.quick import unexpected

    wrong = unexpected(report, quick)
    for text in wrong:
        print(f"unexpected: {text}")
    solved = sum(row["status"] == "solved" for row in report.rows)
    print(f"{len(report.rows)} runs, {solved} solved, {len(wrong)} unexpected failures")
    return 1 if wrong else 0


# -- the other commands ----------------------------------------------------------------------------


def solve(args):
    """Solve one problem and print the result."""
    import numopt

    problem = _problem(args.problem, _suite(args))
    options = dict(map(_assignment, args.option))
    res = numopt.solve(problem, method=args.method, options=options, rng=args.seed)
    if args.json:
        hidden = ("state", "history")
        shown = {key: value for key, value in res.items() if key not in hidden}
        print(json.dumps(shown, default=_plain))
    else:
        print(res)
    return 0 if res.success else 1


def _problem(text, suite="cutest"):
    """Return the problem of a name in the collection or of a file."""
    if text.upper().endswith(".SIF"):
        from numopt.cutest import read_sif

        return read_sif(text)
    if not text.endswith(".py"):
        from numopt.bench.suite import open_suite

        return open_suite(suite).load(*_with_parameters(text))
    import runpy

    from numopt.models.problem import Problem

    try:
        found = runpy.run_path(text).get("problem")
    except Exception as error:
        raise UserError(f"{text}: {type(error).__name__}: {error}") from error
    if callable(found) and not isinstance(found, Problem):
        from numopt.models.separable import PartiallySeparable

        return PartiallySeparable.trace(found)
    if not isinstance(found, Problem):
        raise UserError(f"{text} must define `problem`: an NLP, or a function `problem(p)`")
    return found


def _plain(value):
    """Return what JSON can hold: lists for arrays, numbers for NumPy's."""
    return value.tolist() if hasattr(value, "tolist") else repr(value)


def methods(args):
    """Print the table of methods."""
    import numopt

    for row in numopt.methods():
        print(f"{row['name']:20} {', '.join(row['accepts']):20} {row['reference']}")
    return 0


def cutest(args):
    """List a collection; show, load or check its problems; count what of it can be read."""
    from numopt.bench.suite import open_suite

    return _print_lines(CUTEST[args.action](open_suite(_suite(args)), args))


def _list(suite, args):
    asked = {key: getattr(args, key) for key in ("min_n", "min_m", "max_m", "degree")}
    conditions = {key: value for key, value in asked.items() if value is not None}
    return suite.names(max_n=args.max_n, **_condition(args.kind), **conditions)


def _show(suite, args):
    entry = suite.entry(args.name)
    problem = suite.load(args.name)
    for field in ("name", "classification", "source", "f_best", "note", "params"):
        yield f"{field:15} {getattr(entry, field)}"
    for name, values in getattr(entry, "alternatives", {}).items():
        yield f"{'':15} {name} = {', '.join(map(str, values))}"
    yield f"{'size':15} n = {problem.n}, m = {problem.m}"


def _load(suite, args):
    from time import perf_counter

    for text in args.names:
        start = perf_counter()
        problem = suite.load(*_with_parameters(text))
        yield problem.summary()
        yield f"loaded in {1e3 * (perf_counter() - start):.1f} ms"


def _check(suite, args):
    from dataclasses import asdict

    from numopt.cutest import Collection, check_derivative_cards, facts

    for name, params in map(_with_parameters, args.names):
        suite.check(name, params)
        files = suite.module if isinstance(suite.module, Collection) else None
        problem = files.load(name, stored=False, **params) if files else suite.load(name, params)
        found = facts(problem)
        if files:
            wrong = check_derivative_cards(problem, rng=0)
            found["wrong_derivative_cards"] = [asdict(card) for card in wrong]
        yield json.dumps(found, indent=1, default=_plain)


def _coverage(suite, args):
    from numopt.cutest import coverage

    how = {"derivatives": args.derivatives, "constants": args.constants}
    return coverage(suite.module, args.reference, **how)


def _faults(suite, args):
    from numopt.cutest import faults

    return faults(suite.module)


CUTEST = {
    "list": _list, "show": _show, "load": _load, "check": _check, "coverage": _coverage,
    "faults": _faults,
}  # fmt: skip


def warmup(args):
    """Compile what is compiled at first use, so that later runs start at once."""
    import numopt
    from numopt.bench.runner import warm_up
    from numopt.bench.tiny import EXAMPLES

    for row in numopt.methods():
        _compile(row["name"], lambda name=row["name"]: warm_up(name))
    _compile("path", lambda: numopt.path(next(EXAMPLES["composite"]()), n_lambdas=2))
    for sketch in ("rk", "gv"):
        options = {"variant": "paper", "linear_solver": sketch, "maxiter": 1}
        given = {"method": "sketched_newton", "options": options, "rng": 0}
        _compile(f"sketch {sketch}", lambda given=given: numopt.solve(_problem("HS6"), **given))
    for variant in ("hybrid", "paper"):
        options = {"variant": variant, "maxiter": 1, "n_particles": 10}
        _compile(f"cbo {variant}, compiled", lambda options=options: _search(options))
    return 0


def _compile(name, run):
    """Run something for the first time, and tell how long it took."""
    from time import perf_counter

    start = perf_counter()
    run()
    print(f"{name:21} ready after {perf_counter() - start:.1f} s", flush=True)


def _search(options):
    """Run `cbo` on an objective compiled by Numba."""
    from numba import njit

    import numopt

    @njit
    def first(x):
        return x[0]

    numopt.minimize(first, bounds=[(0, 1)] * 2, method="cbo", rng=0, options=options)


# -- arguments -------------------------------------------------------------------------------------


def _assignment(text):
    name, equal, value = text.partition("=")
    if not equal:
        raise UserError(f"expected name=value, got {text!r}")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value  # a word, such as a choice


def _words(text):
    return [word for word in text.split(",") if word]


def _numbers(text):
    return [_positive(float)(word) for word in _words(text)]


def _positive(kind):
    def convert(text):
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"must be positive, got {text}")
        return value

    return convert


def _parser():
    parser = argparse.ArgumentParser(prog="numopt", description="Classical numerical optimisation.")
    parser.add_argument("--version", action="version", version=f"numopt {__version__}")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    commands = parser.add_subparsers(required=True, metavar="command")
    for function in (bench, solve, methods, cutest, warmup):
        summary = str(function.__doc__).splitlines()[0]
        command = commands.add_parser(function.__name__, help=summary, description=summary)
        command.set_defaults(run=function)
        ARGUMENTS.get(function.__name__, lambda command: None)(command)
    return parser


def _bench_arguments(command):
    add = command.add_argument
    topics = "ot: transport; bcd: sparse models; halpern: games; bilevel; global: search; "
    topics += "zeroth_order: gradients from values"
    add("topic", nargs="?", choices=sorted(TOPICS), help=topics)
    which = command.add_mutually_exclusive_group()
    which.add_argument("--problems", type=_words, help="NAME,NAME:n=100,... (bcd: lasso:dense,...)")
    which.add_argument(
        "--class", dest="kinds", type=_words, help="unconstrained,bound,..., or patterns: QLR2-*"
    )
    which.add_argument("--quick", action="store_true", help="problems with n <= 5, 3 methods")
    summary = "18 problems with n >= 1000, 2 methods; `bcd`: a million columns"
    which.add_argument("--large", action="store_true", help=summary)
    add("--max-n", type=_positive(int), help="at most so many variables")
    add("--suite", default="cutest", help="collection, or a module like it")
    _folder_argument(add)
    add("--held-out", action="store_true", help="only problems that are not embedded")
    add("--methods", type=_words, help=f"default: {FULL}")
    add("--seeds", type=_positive(int), default=1, metavar="K", help="run each K times")
    add("--seed", type=int, default=0, help="first seed of a topic")
    add("--peers", type=_words, help="of `bcd`, `global`: libraries to compare; default: all")
    add("--etas", type=_numbers, metavar="ETA,...", help="of `ot`; default: 100,400,1200")
    add("--tols", type=_numbers, metavar="TOL,...", help="of `ot`; default: 1e-9,1e-12")
    summary = "of `ot`, `bilevel`: stop a peer after R times the time of our method (20)"
    add("--at-most", type=_positive(float), default=20.0, metavar="R", help=summary)
    add("--dimensions", type=_words, metavar="D,...", help="numbers of variables of `global`")
    add("--bbob", action="store_true", help="`global` on the functions of COCO; seeds: instances")
    add("--detail", action="store_true", help="families one by one in `global`")
    summary = "`global` with constraints: ways to treat them"
    add("--constraints", action="store_true", help=summary)
    summary = "seconds per solve; of `bcd` for all that a solver tries on a problem"
    add("--time-limit", type=_positive(float), default=60.0, metavar="S", help=summary)
    add("--tol", type=_positive(float), default=1e-6, help="tolerance of the judge")
    add("--workers", type=int, default=1, metavar="N", help="processes; 0: run in this one")
    add("--out", default="results", help="folder of the outputs")
    summary = (
        "file of the results; default: runs.sqlite in the folder of the outputs; of `global`: csv"
    )
    add("--store", help=summary)
    again = command.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="run what is missing (the default)")
    again.add_argument("--fresh", action="store_true", help="run everything again")
    add("--retry-failed", action="store_true", help="also what crashed or ran out of time")
    add("--speed", action="store_true", help="time evaluations instead; of files with --mastsif")
    add("--experiments", metavar="NAME", help="run the experiments of a paper instead")
    summary = "draw the figures of --experiments there, or of `global` from the attempts of --store"
    add("--figures", metavar="FOLDER", help=summary)
    add("--list-peers", action="store_true", help="show the methods and their versions")


def _solve_arguments(command):
    add = command.add_argument
    add(
        "problem",
        help="NAME or NAME:n=100 of the collection, a SIF file, or a file that defines `problem`",
    )
    _folder_argument(add)
    command.set_defaults(suite="cutest")
    add("--method", help="see `numopt methods`")
    add("--option", action="append", default=[], metavar="K=V", help="option of the method")
    add("--seed", type=int, help="of a randomised method")
    add("--json", action="store_true", help="print the result as JSON")


def _folder_argument(add):
    summary = "SIF files of a folder instead; by default that of the variable MASTSIF"
    add("--mastsif", nargs="?", const="", metavar="DIR", help=summary)


def _cutest_arguments(command):
    actions = command.add_subparsers(dest="action", required=True)
    summaries = {
        "list": "names of the problems", "show": "what is known of a problem",
        "load": "read problems: NAME or NAME:N=100", "check": "facts of problems, as JSON",
        "coverage": "read and evaluate all files of a folder: counts, times, agreement",
        "faults": "what the files of a folder have wrong",
    }  # fmt: skip
    for name, summary in summaries.items():
        action = actions.add_parser(name, help=summary, description=summary)
        action.add_argument("--suite", default="cutest", help="cutest, s2mpj or pycutest")
        _folder_argument(action.add_argument)
        if name in ("load", "check"):
            action.add_argument("names", nargs="+", metavar="name")
        elif name == "show":
            action.add_argument("name")
        elif name == "coverage":
            _coverage_arguments(action.add_argument)
        else:
            _conditions(action.add_argument)


def _coverage_arguments(add):
    add("--reference", metavar="FILE", help="JSON of facts to agree with")
    add("--derivatives", choices=("exact", "cards"), default="exact", help="cards: of the files")
    add("--constants", choices=("double", "fortran"), help="compare one way to read constants only")


def _conditions(add):
    add("--class", dest="kind", metavar="CLASS", default="", help="kind, or pattern: QLR2-*")
    for name in ("min-n", "max-n", "min-m", "max-m"):
        add(f"--{name}", type=int, metavar="K", help="limit on the size")
    add("--degree", type=int, metavar="K", help="degree of the derivatives")


ARGUMENTS = {"bench": _bench_arguments, "solve": _solve_arguments, "cutest": _cutest_arguments}


if __name__ == "__main__":
    sys.exit(main())
