"""The dual active-set method for small dense quadratic programs, in the variables v = L'd.

What it solves and how is told in `numopt.linalg.quadratic`. The normals n_i of the rows are the
rows of N, and those of the working set are factorised as N_W = T Q: T is lower triangular, the rows
of Q are orthonormal. The first m rows of W, T and Q are in use; what changes m returns it.
"""

from math import hypot, inf, sqrt
from typing import NamedTuple

import numpy as np
from numba import njit

DEPENDENT = 1e-10  # a normal this close to the span of others, relatively, belongs to it
MET = 1e-15  # violation, relative to the rounding errors that are possible, of a row that is met
STEPS_PER_ROW, FEWEST_STEPS = 5, 100
FREE, WORKING, CAPPED = 0, 1, 2  # a row outside of W with u_i = 0, in W, outside at its cap

# A kernel that only kernels call: its entry from Python would take longer to compile than itself.
part = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True)  # pyright: ignore


class Dual(NamedTuple):
    """The data, the multipliers u, v = -(c + N'u), and the working set with its factors."""

    N: np.ndarray  # (k, n)
    size: np.ndarray  # lengths of the normals, 1 for a normal without, (k,)
    c: np.ndarray  # (n,)
    lower: np.ndarray  # (k,)
    upper: np.ndarray  # (k,)
    cap: np.ndarray  # (k,)
    u: np.ndarray  # (k,)
    v: np.ndarray  # (n,)
    target: np.ndarray  # the side that a row of W is on, (k,)
    low: np.ndarray  # range of u, given that side, (k,)
    high: np.ndarray  # (k,)
    place: np.ndarray  # FREE, WORKING or CAPPED, (k,)
    W: np.ndarray  # rows of the working set, (n,)
    T: np.ndarray  # (n, n)
    Q: np.ndarray  # (n, n)


@njit(cache=True)
def dual_active_set(N, c, lower, upper, cap, guess, u, v, working):
    """Compute u and v, and return whether that succeeded.

    Parameters
    ----------
    N : ndarray, shape (k, n)
        Row i is L^-1 a_i.
    c : ndarray, shape (n,)
        L^-1 g.
    lower, upper, cap : ndarray, shape (k,)
    guess : ndarray of int, shape (k,)
        Sides +1, -1 of the rows that the working set may begin with; 0 for the others.
    u, working : ndarray, shape (k,)
        Zero before; afterwards the multipliers and, of integers, the sides of the working set.
    v : ndarray, shape (n,)
    """
    s = _dual(N, c, lower, upper, cap, u, v)
    m = _begin(s, guess)
    for _ in range(STEPS_PER_ROW * u.size + FEWEST_STEPS):
        p, sign = _most_violated(s)
        if sign == 0.0:
            for i in range(u.size):
                if s.place[i] == WORKING:
                    working[i] = -1 if u[i] < 0.0 else 1
            return True
        m = _move(s, m, p, sign)
        if m < 0:
            return False
        _polish(s, m)
    return False


@part
def _dual(N, c, lower, upper, cap, u, v):
    k, n = N.shape
    size, target, low, high = np.empty(k), np.empty(k), np.empty(k), np.empty(k)
    for i in range(k):
        length = sqrt(_dot(N[i], N[i]))
        size[i] = length if length > 0.0 else 1.0
    place, W = np.empty(k, np.int64), np.empty(n, np.int64)
    T, Q = np.empty((n, n)), np.empty((n, n))
    return Dual(N, size, c, lower, upper, cap, u, v, target, low, high, place, W, T, Q)


@part
def _begin(s, guess):
    """Start from the independent rows of the guess whose multipliers are admissible."""
    for i in range(guess.size):
        equal, side = s.lower[i] == s.upper[i], guess[i]
        s.target[i] = s.lower[i] if side < 0 else s.upper[i]
        s.low[i] = 0.0 if side > 0 and not equal else -s.cap[i]
        s.high[i] = 0.0 if side < 0 and not equal else s.cap[i]
        chosen = equal or (side != 0 and abs(s.target[i]) < inf)
        s.place[i] = WORKING if chosen else FREE
    while True:
        m = _factorise(s)
        _polish(s, m)
        if not _expelled(s, m):
            return m


@part
def _expelled(s, m):
    """Free the rows of W whose multipliers are not admissible, and return whether there are any."""
    found = False
    for j in range(m):
        i = s.W[j]
        if not s.low[i] <= s.u[i] <= s.high[i]:
            s.u[i], s.place[i], found = 0.0, FREE, True
    return found


# -- one row ---------------------------------------------------------------------------------------


@part
def _most_violated(s):
    """Return (row, sign of the change of its multiplier), the latter 0 if all is well."""
    row, sign = -1, 0.0
    largest = MET * (sqrt(_dot(s.c, s.c)) + sqrt(_dot(s.v, s.v)))
    for i in range(s.u.size):
        if s.place[i] == WORKING:
            continue
        value = _dot(s.N[i], s.v)
        over, under = value - s.upper[i], s.lower[i] - value
        way = 1.0 if over > under else -1.0
        amount = max(over, under)
        if s.place[i] == CAPPED:  # such a row wants to be violated
            way = -1.0 if s.u[i] > 0.0 else 1.0
            amount = -over if s.u[i] > 0.0 else -under
        if amount > largest * s.size[i]:
            row, sign, largest = i, way, amount / s.size[i]
    return row, sign


@part
def _move(s, m, p, sign):
    """Move u_p in the direction of `sign` until row p is met or u_p ends; m < 0 if never."""
    _choose_side(s, p, sign)
    own_end = s.high[p] if sign > 0.0 else s.low[p]
    along, z, rates = np.empty(s.W.size), np.empty(s.W.size), np.empty(s.W.size)
    while True:
        _split(s.Q, m, s.N[p], along, z)
        for j in range(m):
            rates[j] = -sign * along[j]
        _solve_transposed(s.T, m, rates)
        curvature, full = _dot(z, z), inf
        if curvature > (DEPENDENT * s.size[p]) ** 2:
            full = max(0.0, sign * (_dot(s.N[p], s.v) - s.target[p])) / curvature
        step, blocking = _longest(s, m, rates)
        t = min(full, step, sign * (own_end - s.u[p]))
        if not t < inf:
            return -1
        for j in range(m):
            s.u[s.W[j]] += t * rates[j]
        s.u[p] += sign * t
        if full < inf:
            _add(-sign * t, z, s.v)
        if t == full:
            return _join(s, m, p, along, z, sqrt(curvature))
        if t < step:
            _settle(s, p, own_end)
            return m
        row = s.W[blocking]
        _settle(s, row, s.high[row] if rates[blocking] > 0.0 else s.low[row])
        m = _leave(s, m, blocking)


@part
def _choose_side(s, p, sign):
    """Note which side row p is on, or goes to, and the range of its multiplier there."""
    equal = s.lower[p] == s.upper[p]
    upwards = s.u[p] > 0.0 or (s.u[p] == 0.0 and sign > 0.0)
    s.target[p] = s.upper[p] if upwards else s.lower[p]
    s.low[p] = 0.0 if upwards and not equal else -s.cap[p]
    s.high[p] = s.cap[p] if upwards or equal else 0.0


@part
def _longest(s, m, rates):
    """Return (length, position) of the first multiplier of W to end its range."""
    shortest, first = inf, -1
    for j in range(m):
        if rates[j] != 0.0:
            i = s.W[j]
            length = ((s.high[i] if rates[j] > 0.0 else s.low[i]) - s.u[i]) / rates[j]
            if length < shortest:
                shortest, first = length, j
    return max(0.0, shortest), first


@part
def _settle(s, i, end):
    """Put the multiplier of a row that is not in W, or leaves it, at an end of its range."""
    s.u[i] = end
    s.place[i] = CAPPED if end != 0.0 else FREE


# -- factors ---------------------------------------------------------------------------------------


@part
def _factorise(s):
    """Make the independent ones of the rows that are WORKING the working set, by pivoting."""
    k, n = s.N.shape
    rests, along, z = np.empty(k), np.empty(n), np.empty(n)  # squared, relative: the order only
    for i in range(k):
        rests[i] = 1.0 if s.place[i] == WORKING else -inf
        s.place[i] = FREE
    m = np.int64(0)  # a literal would have its callees compiled twice
    while m < n:
        p = _largest(rests)
        if p < 0:
            break
        rests[p] = -inf
        _split(s.Q, m, s.N[p], along, z)
        length = sqrt(_dot(z, z))
        if length > DEPENDENT * s.size[p]:
            m = _join(s, m, p, along, z, length)
            for i in range(k):
                if rests[i] > -inf:
                    rests[i] -= (_dot(s.Q[m - 1], s.N[i]) / s.size[i]) ** 2
    return m


@part
def _largest(values):
    """Return the position of the largest entry above -inf, -1 if there is none."""
    first, largest = -1, -inf
    for i in range(values.size):
        if values[i] > largest:
            first, largest = i, values[i]
    return first


@part
def _join(s, m, p, along, z, length):
    """Append row p with its coefficients and the rest of its normal, see `_split`."""
    for j in range(m):
        s.T[m, j] = along[j]
    s.T[m, m] = length
    for i in range(z.size):
        s.Q[m, i] = z[i] / length
    s.W[m], s.place[p] = p, WORKING
    return m + 1


@part
def _leave(s, m, j):
    """Take the row at position j out, and make T triangular again by rotations."""
    T, Q = s.T, s.Q
    for i in range(j, m - 1):
        s.W[i] = s.W[i + 1]
        for column in range(i + 2):
            T[i, column] = T[i + 1, column]
    for i in range(j, m - 1):
        length = hypot(T[i, i], T[i, i + 1])
        cos, sin = T[i, i] / length, T[i, i + 1] / length
        for row in range(i, m - 1):
            x, y = T[row, i], T[row, i + 1]
            T[row, i], T[row, i + 1] = cos * x + sin * y, cos * y - sin * x
        for column in range(Q.shape[1]):
            x, y = Q[i, column], Q[i + 1, column]
            Q[i, column], Q[i + 1, column] = cos * x + sin * y, cos * y - sin * x
    return m - 1


@part
def _polish(s, m):
    """Compute v and the multipliers of W anew: v meets the rows of W to full accuracy."""
    n = s.c.size
    c, rest, along, step = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    for i in range(n):
        c[i] = s.c[i]
    for i in range(s.u.size):
        if s.place[i] == CAPPED:
            _add(s.u[i], s.N[i], c)
    _split(s.Q, m, c, along, rest)
    for i in range(n):
        s.v[i] = -rest[i]
    for j in range(m):
        step[j] = s.target[s.W[j]]
    _solve(s.T, m, step)
    for j in range(m):
        _add(step[j], s.Q[j], s.v)
        along[j] += step[j]
    _solve_transposed(s.T, m, along)
    for j in range(m):
        s.u[s.W[j]] = -along[j]


@part
def _split(Q, m, vector, along, rest):
    """Compute the coefficients of a vector in the first m rows of Q, and the rest of it."""
    for i in range(rest.size):
        rest[i] = vector[i]
    for j in range(m):
        along[j] = 0.0
    for _ in range(2):  # once more, for the rounding errors of the first time
        for j in range(m):
            more = _dot(Q[j], rest)
            along[j] += more
            _add(-more, Q[j], rest)


@part
def _solve(T, m, b):
    """Replace the first m entries of b by the solution of Tx = b."""
    for i in range(m):
        for j in range(i):
            b[i] -= T[i, j] * b[j]
        b[i] /= T[i, i]


@part
def _solve_transposed(T, m, b):
    """Replace the first m entries of b by the solution of T'x = b."""
    for i in range(m - 1, -1, -1):
        b[i] /= T[i, i]
        for j in range(i):
            b[j] -= T[i, j] * b[i]


@part
def _add(factor, a, out):
    """Add a multiple of a to the entries of `out` where a has some."""
    for i in range(a.size):
        out[i] += factor * a[i]


@part
def _dot(a, b):
    """Return a'b, by four sums that can be formed at the same time."""
    s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
    whole = a.size - a.size % 4
    for i in range(0, whole, 4):
        s0 += a[i] * b[i]
        s1 += a[i + 1] * b[i + 1]
        s2 += a[i + 2] * b[i + 2]
        s3 += a[i + 3] * b[i + 3]
    for i in range(whole, a.size):
        s0 += a[i] * b[i]
    return (s0 + s1) + (s2 + s3)
