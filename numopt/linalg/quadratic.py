"""Small dense convex quadratic programs, some of whose rows may be violated at a price.

    minimise   g'd + d'Hd/2 + sum_i cap_i * (violation of row i)      H = LL' positive definite
    where row i is   lower_i <= a_i'd <= upper_i,   cap_i = inf for a row that must hold

In v = L'd with n_i = L^-1 a_i the dual is a least-squares problem with bounds:

    minimise  |L^-1 g + sum_i u_i n_i|^2 / 2 + sum_i u_i * (its side)   over  -cap <= u <= cap,

u_i >= 0 at an upper side, u_i <= 0 at a lower one. From multipliers that are optimal for the rows
of a working set W (independent, met exactly), the method of Goldfarb and Idnani takes the row that
is violated most and moves its multiplier until the row is met or a multiplier reaches an end of
its range: zero, where that row leaves W, or its cap, where it stays violated. A problem whose rows
contradict each other is therefore solved like any other.

D. Goldfarb, A. Idnani, A numerically stable dual method for solving strictly convex quadratic
programs, Math. Program. 27, 1983.
"""

from math import inf, sqrt
from typing import NamedTuple

import numpy as np
from scipy.linalg import qr_delete  # pyright: ignore
from scipy.linalg.blas import dtrsm, dtrsv  # pyright: ignore
from scipy.linalg.lapack import dgeqp3, dorgqr  # pyright: ignore

DEPENDENT = 1e-10  # a normal this close to the span of others, relatively, belongs to it
MET = 1e-15  # violation, relative to the rounding errors that are possible, of a row that is met
STEPS_PER_ROW, FEWEST_STEPS = 5, 100


class Quadratic(NamedTuple):
    """The solution of a quadratic program."""

    d: np.ndarray  # (n,)
    y: np.ndarray  # multipliers of the rows, (k,): Hd + g + A'y = 0, y >= 0 at upper sides
    working: np.ndarray  # int, (k,): +1 or -1 for rows met at their upper or lower side, else 0


def solve_quadratic(L, g, A, lower, upper, cap, guess=None):
    """Minimise g'd + d'LL'd/2 plus the price of the rows of lower <= Ad <= upper that d violates.

    Parameters
    ----------
    L : ndarray, shape (n, n)
        Lower triangular, with a positive diagonal.
    g : ndarray, shape (n,)
    A : ndarray, shape (k, n)
    lower, upper : ndarray, shape (k,)
        Equal for an equation, infinite where there is no side.
    cap : ndarray, shape (k,)
        Price of a violation of size 1, positive; infinite for a row that must hold.
    guess : ndarray of int, shape (k,), optional
        The field `working` of a similar problem, which saves most of the work.

    Returns
    -------
    Quadratic or None
        None if rows that must hold contradict each other, or rounding prevents progress.
    """
    dual = _Dual(L, g, A, lower, upper, cap)
    dual.begin(guess)
    if not dual.run():
        return None
    d = triangular(L, dual.v, lower=1, trans=1)
    return Quadratic(d, dual.u, dual.signs()) if np.isfinite(d).all() else None


class _Dual:
    """The dual iterates: multipliers u, v = -(L^-1 g + N u), the working set and its factors QR."""

    def __init__(self, L, g, A, lower, upper, cap):
        transformed = triangular(L, np.concatenate([A.T, g[:, None]], axis=1), lower=1)
        self.N, self.c = transformed[:, :-1], transformed[:, -1]
        self.lower, self.upper, self.cap = lower, upper, cap
        self.equal = lower == upper
        self.size = np.sqrt(np.einsum("ij,ij->j", self.N, self.N))
        self.per_size = 1.0 / np.where(self.size > 0.0, self.size, 1.0)
        self.u = np.zeros(lower.size)
        self.v = -self.c
        self.low, self.high = -cap, cap.copy()  # range of u, given the side for rows in W
        self.target = upper.copy()  # that side
        self.W, self.capped = [], []
        self.Q, self.R = np.zeros((self.c.size, 0)), np.zeros((0, 0))

    def run(self):
        """Move multipliers until no row is violated; return whether that succeeded."""
        for _ in range(STEPS_PER_ROW * self.u.size + FEWEST_STEPS):
            p, sign = self._most_violated()
            if sign == 0:
                return True
            if not self._move(p, sign):
                return False
            self._polish()
        return False

    def signs(self):
        """Return the side of each row in W, that of an equation by its multiplier."""
        signs = np.zeros(self.u.size, int)
        signs[self.W] = np.where(self.u[self.W] < 0.0, -1, 1)
        return signs

    def begin(self, guess):
        """Start from the independent rows of the guess whose multipliers are admissible."""
        chosen = self.equal
        if guess is not None:
            at_upper, at_lower = guess > 0, guess < 0
            chosen = chosen | at_upper & (self.upper < inf) | at_lower & (self.lower > -inf)
            self.low[at_upper & ~self.equal] = 0.0
            self.high[at_lower & ~self.equal] = 0.0
            self.target[at_lower] = self.lower[at_lower]
        W = np.flatnonzero(chosen)
        while W.size:
            self._factorise(W)
            self._polish()
            W, u = np.array(self.W, int), self.u[self.W]
            fine = (self.low[W] <= u) & (u <= self.high[W])
            if fine.all():
                return
            self.u[W] = 0.0
            W = W[fine]
        self._factorise(W)
        self._polish()

    # -- one row -------------------------------------------------------------------------------

    def _most_violated(self):
        """Return (row, sign of the change of its multiplier), the latter 0 if all is well."""
        if not self.u.size:
            return -1, 0
        value = self.v @ self.N
        over, under = value - self.upper, self.lower - value
        amount = np.maximum(over, under)
        for i in self.capped:  # such a row wants to be violated
            amount[i] = -over[i] if self.u[i] > 0.0 else -under[i]
        amount[self.W] = -inf
        amount *= self.per_size
        p = int(amount.argmax())
        rounding = sqrt(self.c @ self.c) + sqrt(self.v @ self.v)
        if not amount[p] > MET * rounding:
            return p, 0
        if self.u[p]:
            return p, (-1 if self.u[p] > 0.0 else 1)
        return p, (1 if over[p] > under[p] else -1)

    def _move(self, p, sign):
        """Move u_p in the direction of `sign` until row p is met or u_p ends; False if never."""
        self._choose_side(p, sign)
        normal, u = self.N[:, p], self.u
        while True:
            along, z = self._split(normal)
            rates = -sign * self._back(along)
            curvature = float(z @ z)
            full = inf
            if curvature > (DEPENDENT * self.size[p]) ** 2:
                full = max(0.0, sign * float(normal @ self.v - self.target[p])) / curvature
            own_end = self.high[p] if sign > 0 else self.low[p]
            step, blocking, end = self._longest(rates)
            t = min(full, step, sign * (own_end - u[p]))
            if not t < inf:
                return False
            u[self.W] += t * rates
            u[p] += sign * t
            if full < inf:
                self.v = self.v - sign * t * z
            if t == full:
                self._join(p, along, z, sqrt(curvature))
                return True
            if t < step:
                self._settle(p, own_end)
                return True
            self._settle(self.W[blocking], end)
            self._leave(blocking)

    def _choose_side(self, p, sign):
        """Note which side row p is on, or goes to, and the range of its multiplier there."""
        upwards = self.u[p] > 0.0 or (self.u[p] == 0.0 and sign > 0)
        self.target[p] = self.upper[p] if upwards else self.lower[p]
        self.low[p] = 0.0 if upwards and not self.equal[p] else -self.cap[p]
        self.high[p] = self.cap[p] if upwards or self.equal[p] else 0.0
        if p in self.capped:
            self.capped.remove(p)

    def _longest(self, rates):
        """Return (length, position, end value) of the first multiplier of W to end its range."""
        if not self.W:
            return inf, -1, 0.0
        end = np.where(rates > 0.0, self.high[self.W], self.low[self.W])
        lengths = np.full(rates.size, inf)
        np.divide(end - self.u[self.W], rates, out=lengths, where=rates != 0.0)
        first = int(lengths.argmin())
        return max(0.0, float(lengths[first])), first, end[first]

    def _settle(self, i, end):
        """Put the multiplier of a row outside of W at an end of its range."""
        self.u[i] = end
        if end:
            self.capped.append(i)

    # -- factors: N_W = QR ---------------------------------------------------------------------

    def _split(self, normal):
        """Return the coefficients of a normal in Q, and the rest of it."""
        along = normal @ self.Q
        z = normal - self.Q @ along
        more = z @ self.Q  # once more, for the rounding errors of the first time
        return along + more, z - self.Q @ more

    def _join(self, p, along, z, size):
        k = len(self.W)
        R = np.zeros((k + 1, k + 1), order="F")
        R[:k, :k], R[:k, k], R[k, k] = self.R, along, size
        self.R, self.Q = R, np.concatenate([self.Q, z[:, None] / size], axis=1)
        self.W.append(p)

    def _leave(self, j):
        """Take the row at position j out of the working set."""
        del self.W[j]
        k = len(self.W)
        Q, R = qr_delete(self.Q, self.R, j, which="col", check_finite=False)
        self.Q, self.R = Q[:, :k], R[:k]

    def _factorise(self, W):
        """Make the independent ones of the given rows the working set."""
        n, k = self.c.size, len(W)
        if not k:
            self.W, self.Q, self.R = [], np.zeros((n, 0)), np.zeros((0, 0))
            return
        qr, order, tau = dgeqp3(self.N[:, W] * self.per_size[W])[:3]
        rank = int((np.abs(qr.diagonal()) > DEPENDENT).sum())
        order = order[:rank] - 1
        self.W = [int(W[i]) for i in order]
        self.R = np.triu(qr[:rank, :rank]) * self.size[self.W]
        self.Q = dorgqr(qr[:, :rank], tau[:rank])[0]

    def _polish(self):
        """Compute v and the multipliers of W anew: v meets the rows of W to full accuracy."""
        c = self.c
        if self.capped:
            c = c + self.N[:, self.capped] @ self.u[self.capped]
        along, rest = self._split(c)
        step = self._back(self.target[self.W], 1)
        self.v = self.Q @ step - rest
        self.u[self.W] = -self._back(along + step)

    def _back(self, b, trans=0):
        return triangular(self.R, b, trans=trans) if b.size else b


def triangular(T, b, lower=0, trans=0):
    """Return the solution of a triangular system for one or several right-hand sides.

    By BLAS: LAPACK's routine waits for a second thread even in the smallest systems.
    """
    if b.ndim == 1:
        return dtrsv(T, b, lower=lower, trans=trans)
    return dtrsm(1.0, T, b, lower=lower, trans_a=trans)
