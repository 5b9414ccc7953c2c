"""Rivals of the methods for inclusions: accelerated gradients, proximal Newton, HiGHS."""

import subprocess
import sys
import tempfile
from pathlib import Path
from time import process_time

import numpy as np

PATIENCE = 20_000  # passes
INNER = 200  # iterations of the quadratic model of proximal Newton
PDLP = """
import sys, time
import numpy as np, highspy
data = np.load(sys.argv[1])
A = data["A"]
m, n = A.shape
highs = highspy.Highs()
highs.setOptionValue("output_flag", False)
highs.setOptionValue("solver", "pdlp")
highs.setOptionValue("kkt_tolerance", float(sys.argv[3]))
inf = highspy.kHighsInf
lp = highspy.HighsLp()
lp.num_col_, lp.num_row_ = n + 1, m + 1
lp.col_cost_ = np.append(np.zeros(n), 1.0)
lp.col_lower_, lp.col_upper_ = np.append(np.zeros(n), -inf), np.full(n + 1, inf)
lp.row_lower_ = np.append(np.full(m, -inf), 1.0)
lp.row_upper_ = np.append(np.zeros(m), 1.0)
whole = np.vstack([np.column_stack([A, -np.ones(m)]), np.append(np.ones(n), 0.0)])
lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
lp.a_matrix_.start_ = np.arange(m + 2) * (n + 1)
lp.a_matrix_.index_ = np.tile(np.arange(n + 1), m + 1)
lp.a_matrix_.value_ = whole.ravel()
highs.passModel(lp)
start = time.process_time()
highs.run()
seconds = time.process_time() - start
found = highs.getSolution()
np.savez(sys.argv[2], x=found.col_value[:n], y=-np.array(found.row_dual[:m]), seconds=seconds)
"""


def fista(problem, tol):
    """Return passes, seconds and the point of accelerated proximal gradients with restarts."""
    L, x = problem.curvature, problem.x0
    y, t, start, passes = x, 1.0, process_time(), 0
    while passes < PATIENCE:
        passes += 1
        F = problem.value_and_operator(y)[1]
        new = problem.resolvent(y - F / L, 1.0 / L)
        if L * np.linalg.norm(y - new) <= tol:
            break
        t = 1.0 if (y - new) @ (new - x) > 0.0 else t
        following = (1.0 + np.sqrt(1.0 + 4.0 * t * t)) / 2.0
        x, y, t = new, new + (t - 1.0) / following * (new - x), following
    return passes, process_time() - start, new


def prox_newton(problem, tol, steps=50):
    """Return steps, seconds and the point of proximal Newton on logistic regression."""
    A, b, L, x = problem.A, problem.b, problem.curvature, problem.x0
    start, step = process_time(), 0
    while step < steps:
        step += 1
        value, F = problem.value_and_operator(x)
        if L * np.linalg.norm(x - problem.resolvent(x - F / L, 1.0 / L)) <= tol:
            break
        share = 1.0 / (1.0 + np.exp(b * (A @ x)))
        H = A.T @ ((share * (1.0 - share) / len(b))[:, None] * A)
        d = _model(problem, H, F, x) - x
        value, length = value + problem.term.value(x), 1.0
        while _objective(problem, x + length * d) > value and length > 1e-8:
            length /= 2.0
        x = x + length * d
    return step, process_time() - start, x


def _objective(problem, x):
    return problem.value_and_operator(x)[0] + problem.term.value(x)


def _model(problem, H, F, x):
    """Return the minimiser of the quadratic model plus the term, by FISTA."""
    L = float(np.linalg.eigvalsh(H)[-1])
    z, y, t = x, x, 1.0
    for _ in range(INNER):
        new = problem.resolvent(y - (F + H @ (y - x)) / L, 1.0 / L)
        following = (1.0 + np.sqrt(1.0 + 4.0 * t * t)) / 2.0
        z, y, t = new, new + (t - 1.0) / following * (new - z), following
    return z


def highs(game, method):
    """Return the gap and the seconds of HiGHS on a game."""
    from scipy.optimize import linprog

    A = game.A.K
    m, n = A.shape
    start = process_time()
    res = linprog(
        np.append(np.zeros(n), 1.0), np.column_stack([A, -np.ones(m)]), np.zeros(m),
        np.append(np.ones(n), 0.0)[None], [1.0], [(0, None)] * n + [(None, None)], method=method,
    )  # fmt: skip
    seconds = process_time() - start
    return gap_of(A, res.x[:n], -res.ineqlin.marginals), seconds


def pdlp(game, tol=1e-6):
    """Return the gap and the seconds of the PDLP of HiGHS, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "game.npz", Path(folder) / "found.npz"
        np.savez(given, A=game.A.K)
        subprocess.run([sys.executable, "-c", PDLP, given, found, str(tol)], check=True)
        with np.load(found) as res:
            return gap_of(game.A.K, res["x"], res["y"]), float(res["seconds"])


def gap_of(A, x, y):
    """Return the gap of strategies, made probabilities first."""
    x, y = np.maximum(x, 0.0), np.maximum(y, 0.0)
    return float((A @ x).max() / x.sum() - (y @ A).min() / max(y.sum(), 1e-300))
