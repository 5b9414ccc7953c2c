"""The functions of a bilevel problem: called, checked, counted, differenced where missing."""

from typing import Any

import numpy as np

from numopt.models.bilevel_inputs import AcceptParts
from numopt.models.bilevel_rows import AffineRows
from numopt.models.calls import Caller
from numopt.models.problem import Problem

STEP = np.finfo(float).eps ** (1 / 3)  # of central differences, relative to max(1, |w|)
SECOND_STEP = np.finfo(float).eps ** (1 / 4)  # of differences of differences


class BilevelFunctions(Caller, Problem):
    """The evaluations of a `Bilevel`, which sets the attributes."""

    n: int
    m: int
    p: int
    q: int
    _users: dict[str, Any]
    _accept: dict[str, Any]
    lost: dict[str, Any]  # function -> first joint vector where it was not finite

    def ask(self, kind, key, user, x, accept, amount=1):
        """Call a user's function, see `Caller`; keep in mind where it was not finite."""
        value = super().ask(kind, key, user, x, accept, amount)
        if key not in self.lost and not np.isfinite(value).all():
            self.lost[key] = x.copy()
        return value

    def split(self, w):
        """Return the parts x and y of a joint vector."""
        return w[: self.n], w[self.n :]

    def shown(self, w):
        """Return the text of a joint vector for messages; of long ones the ends."""
        x, y = (np.array2string(part, precision=6, threshold=8) for part in self.split(w))
        return f"x = {x}, y = {y}"

    def F(self, x, y, idx=None):
        """Return the upper objective, a float."""
        return self._value("F", x, y, idx)

    def f(self, x, y, idx=None):
        """Return the lower objective, a float."""
        return self._value("f", x, y, idx)

    def fun(self, w):
        """Return the upper objective at a joint vector."""
        return self.F(*self.split(w))

    def grad_F(self, x, y, idx=None):
        """Return the gradient of F, a pair of arrays of shapes (n,) and (m,)."""
        return self._gradient("F", x, y, idx)

    def grad_f(self, x, y, idx=None):
        """Return the gradient of f, a pair of arrays of shapes (n,) and (m,)."""
        return self._gradient("f", x, y, idx)

    def grad_f_y(self, x, y, idx=None):
        """Return the part of the gradient of f in y, shape (m,)."""
        return self._gradient("f", x, y, idx, only_y=True)[1]

    def g(self, x, y):
        """Return the lower constraints, shape (p,)."""
        return self._rows("g", x, y, self.p)

    def G(self, x, y):
        """Return the upper constraints, shape (q,)."""
        return self._rows("G", x, y, self.q)

    def jac_g(self, x, y):
        """Return the Jacobian of g, a pair of arrays of shapes (p, n) and (p, m)."""
        return self._jacobian("g", x, y, self.p)

    def jac_G(self, x, y):
        """Return the Jacobian of G, a pair of arrays of shapes (q, n) and (q, m)."""
        return self._jacobian("G", x, y, self.q)

    def hvp(self, x, y, v, idx=None):
        """Return (d2f/dxdy v, d2f/dydy v), arrays of shapes (n,) and (m,)."""
        user = self._users["hvp"]
        if user is None:
            return self._differenced_hvp("f", x, y, v, idx)
        rows = {} if idx is None else {"idx": idx}

        def along(w):
            return user(*self.split(w), v.copy(), **rows)

        return self._pair("hessp", "hvp", along, x, y)

    def hvp_F(self, x, y, v):
        """Return (d2F/dxdy v, d2F/dydy v) by a difference of `grad_F`, shapes (n,) and (m,)."""
        return self._differenced_hvp("F", x, y, v, None)

    def affine(self, name):
        """Return the `AffineRows` of g or G, None if they are not declared affine."""
        user = self._users[name]
        return user if isinstance(user, AffineRows) else None

    def exact(self, name):
        """Return whether a derivative comes from the user or a package, not from differences."""
        return self._users[name] is not None

    def _joined(self, name, idx=None):
        user, rows = self._users[name], {} if idx is None else {"idx": idx}
        return lambda w: user(*self.split(w), **rows)

    def _value(self, name, x, y, idx):
        w = np.concatenate([x, y])
        return self.ask("fun", name, self._joined(name, idx), w, self._accept[name])

    def _rows(self, name, x, y, k):
        if not k:
            return np.zeros(0)
        affine = self.affine(name)
        if affine is not None:
            return affine.value(x, y)
        w = np.concatenate([x, y])
        return self.ask("cons", name, self._joined(name), w, self._accept[name])

    def _gradient(self, name, x, y, idx, only_y=False):
        if self._users["grad_" + name] is None:
            first = self.n if only_y else 0
            g = self._differences(lambda *w: self._value(name, w[0], w[1], idx), x, y, first)
            return self.split(g)
        return self._pair("grad", "grad_" + name, self._joined("grad_" + name, idx), x, y)

    def _pair(self, kind, name, user, x, y):
        accept = AcceptParts(f"`{name}`", (self.n,), (self.m,))
        return self.split(self.ask(kind, name, user, np.concatenate([x, y]), accept))

    def _jacobian(self, name, x, y, k):
        if not k:
            return np.zeros((0, self.n)), np.zeros((0, self.m))
        affine = self.affine(name)
        if affine is not None:
            return affine.Ax, affine.Ay
        if self._users["jac_" + name] is None:
            J = self._differences(lambda *w: self._rows(name, w[0], w[1], k), x, y).T
        else:
            accept = AcceptParts(f"`jac_{name}`", (k, self.n), (k, self.m))
            w = np.concatenate([x, y])
            J = self.ask("jac", "jac_" + name, self._joined("jac_" + name), w, accept)
        return J[:, : self.n], J[:, self.n :]

    def _differences(self, function, x, y, first=0):
        """Return the derivatives in the entries from `first` on of (x, y), zero in those before."""
        w = np.concatenate([x, y])
        steps = STEP * np.maximum(1.0, np.abs(w))
        slopes = [0.0] * first
        for j in range(first, w.size):
            ends = [moved(w, j, h) for h in (steps[j], -steps[j])]
            above, below = (function(*self.split(end)) for end in ends)
            slopes.append((above - below) / (ends[0][j] - ends[1][j]))
        return np.array(slopes)

    def _differenced_hvp(self, name, x, y, v, idx):
        length = np.linalg.norm(v)
        if length == 0.0:
            return np.zeros(self.n), np.zeros(self.m)
        step = STEP if self.exact("grad_" + name) else SECOND_STEP
        h = step * max(1.0, float(np.linalg.norm(y))) / length
        above, below = (self._gradient(name, x, y + s * v, idx) for s in (h, -h))
        return tuple((a - b) / (2 * h) for a, b in zip(above, below, strict=True))

    def _pay(self, kind, key, amount=1):
        """Count the calls of both levels together."""
        self.spend(kind, amount)
        self.tally.calls[kind, key] = self.tally.calls.get((kind, key), 0) + amount


def moved(w, j, h):
    """Return w with h added to entry j."""
    w = w.copy()
    w[j] += h
    return w
