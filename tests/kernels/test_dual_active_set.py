"""The kernel of quadratic programs does the same compiled and as plain Python."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from numopt.linalg.quadratic import solve_quadratic

INF = np.inf


def random_program(rng):
    """Return (L, g, A, lower, upper, cap, guess): rows leave the set, are capped, or dependent."""
    n = int(rng.integers(1, 7))
    L = np.tril(rng.standard_normal((n, n)), -1) + np.diag(rng.uniform(0.1, 1.0, n))
    A = np.vstack([rng.integers(-2, 3, size=(8, n)), np.eye(n)]).astype(float)
    lower, upper = np.full(8 + n, -1.0), np.ones(8 + n)
    lower[:2], upper[2:4] = 0.5, INF
    upper[:1] = 0.5
    cap = np.r_[np.full(8, rng.choice([1.0, 100.0])), np.full(n, INF)]
    return L, rng.standard_normal(n) * 5, A, lower, upper, cap, rng.integers(-1, 2, size=8 + n)


def solutions():
    rng = np.random.default_rng(0)
    return np.concatenate([solve_quadratic(*random_program(rng)).d for _ in range(60)])


def test_the_plain_form_agrees():
    """It also refuses indices beyond the end of an array."""
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
    code += "import test_dual_active_set as t; print(*map(float, t.solutions()))"
    env = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.array(done.stdout.split(), float), solutions(), atol=1e-9)
