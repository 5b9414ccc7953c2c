"""A million sparse columns: memory beside that of the data, and passes beside plain ones.

``numopt bench bcd --large`` needs 4 GiB of memory.
"""

import tracemalloc
from time import process_time
from typing import Any

import numpy as np
from scipy.sparse import csc_array

from numopt.front import solve
from numopt.models.composite import Composite
from numopt.models.losses import LeastSquares, Logistic
from numopt.models.penalties import L1
from numopt.solvers.bcd.columns import Columns, Subproblem

COLUMNS, ENTRIES, ROWS = 1_000_000, 100, 100_000
STRIP = 10_000  # columns that are drawn at a time
REPEATS = 3


def random_columns(rng, p=COLUMNS, m=ROWS, entries=ENTRIES):
    """Return a canonical CSC matrix (m, p) with so many entries in each column, drawn in place.

    Entry k of a column lies in the k-th of `entries` equal ranges of rows.
    """
    indices, data = np.empty((p, entries), dtype=np.int32), np.empty((p, entries))
    width = m // entries
    first = np.arange(entries, dtype=np.int32) * width
    for s in range(0, p, STRIP):
        rows = indices[s : s + STRIP]
        rows[:] = rng.integers(width, size=rows.shape, dtype=np.int32) + first
        data[s : s + STRIP] = rng.standard_normal(rows.shape)
    indptr = np.arange(0, p * entries + 1, entries, dtype=np.int32)
    return csc_array((data.ravel(), indices.ravel(), indptr), shape=(m, p))


def targets(X, rng, support=20):
    """Return y = X w + noise with a sparse w."""
    w = np.zeros(X.shape[1])
    w[:: w.size // support] = 3.0
    return X @ w + rng.standard_normal(X.shape[0])


def lines(seed=0, columns=COLUMNS):
    """Yield the lines of the report, for so many columns."""
    rng = np.random.default_rng(seed)
    X: Any = random_columns(rng, columns)
    y = targets(X, rng)
    plain = seconds(lambda: (X.data.sum(), X.indices.sum()))
    size = (X.data.nbytes + X.indices.nbytes) / 2**20
    yield f"{X.shape[0]} x {X.shape[1]}, {X.nnz} entries, {size:.0f} MiB; CPU time, one thread"
    yield f"a sum over the values and over the indices: {plain:.3f} s, the unit of time below"
    yield ""
    yield "| loss | posing | X'r | epoch | solution, passes | more memory, MiB |"
    yield f"|{'---|' * 6}"
    for make, y_of, share in ((LeastSquares, y, 0.2), (Logistic, np.sign(y), 0.3)):
        yield _row(make, X, y_of, share, plain)


def posed(make, X, y, share):
    """Return the problem with absolute values, at a share of the weight that makes x zero."""
    loss = make(X, y)
    lam = share * np.abs(loss.gradient(loss.state(np.zeros(loss.n)))).max()
    return Composite(loss, L1(lam))


def _row(make, X, y, share, plain):
    def solution():
        return solve(posed(make, X, y, share), tol=1e-6)

    res, more = more_memory(solution)
    problem = posed(make, X, y, share)
    steps = lambda: make(X, y), lambda: problem.loss.design.tdot(y), epoch_of(problem), solution
    posing, product, epoch, whole = (seconds(step) / plain for step in steps)
    return (
        f"| {make.__name__} | {posing:.1f} | {product:.1f} | {epoch:.1f} | "
        f"{whole:.1f}, {res.njev} | {more / 2**20:.0f} |"
    )


def more_memory(function):
    """Return what a function returns, and the largest number of bytes in arrays it has made."""
    tracemalloc.start()
    found = function()
    more = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found, more


def epoch_of(problem):
    """Return a function that makes one pass of coordinate descent over all columns."""
    sub = Subproblem(Columns(problem), np.arange(problem.n))
    point = problem.state(np.zeros(problem.n))
    model = sub.least_squares(point) if problem.loss.quadratic else sub.tangent(point)
    return lambda: sub.epoch(model, sub.units)


def seconds(function):
    """Return the least processor time of a few calls."""
    found = []
    for _ in range(REPEATS):
        start = process_time()
        function()
        found.append(process_time() - start)
    return min(found)
