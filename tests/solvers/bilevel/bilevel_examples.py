"""Small bilevel problems with known solutions."""

import numpy as np

import numopt
from numopt import AffineRows, Bilevel

METHODS = ("implicit", "kkt", "lv_hba", "f2sa", "f3sa", "bamm")
QUICK = {"kkt": {"starts": 2}}
A = np.array([[2.0, 0.5], [0.5, 1.0]])
B = np.array([[1.0, 0.0, 1.0], [0.0, -1.0, 0.5]])


def quadratic(**given):
    """Minimise |x - 1|^2/2 + |y|^2/2 with y = A^-1 B x."""
    return Bilevel(
        lambda x, y: 0.5 * (x - 1.0) @ (x - 1.0) + 0.5 * y @ y,
        lambda x, y: 0.5 * y @ A @ y - y @ B @ x,
        **{"n": 3, "m": 2} | given,
        grad_F=lambda x, y: (x - 1.0, y),
        grad_f=lambda x, y: (-B.T @ y, A @ y - B @ x),
        hvp=lambda x, y, v: (-B.T @ v, A @ v),
    )


def answer(lb=-np.inf, ub=np.inf):
    """Return x of the solution of `quadratic` within bounds."""
    S = np.linalg.solve(A, B)
    res = numopt.minimize(
        lambda x: 0.5 * (x - 1.0) @ (x - 1.0) + 0.5 * (S @ x) @ (S @ x),
        np.zeros(3),
        bounds=[(lb, ub)] * 3,
        tol=1e-9,
    )
    return res.x


def rows():
    """One bounded lower variable whose bound depends on x, and a constraint above."""
    return Bilevel(
        lambda x, y: (x[0] - 2.0) ** 2 + (y[0] - 2.0) ** 2,
        lambda x, y: (y[0] - 3.0) ** 2,
        x0=([0.0], [0.0]),
        g=AffineRows([[-1.0]], [[1.0]], [0.0]),
        G=AffineRows([[1.0]], [[0.0]], [1.0]),
        autodiff="trace",
    )
