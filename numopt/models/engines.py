"""Evaluation of a whole problem, term by term, with auxiliary variables eliminated.

All engines have the methods ``fun, fun_and_grad, cons, jac_values, hess_values, hessp, jprod,
jtprod`` of a point (and weights, and a direction) and agree to rounding. None of them warns or
raises where a function is undefined: the values are NaN or infinite.
"""

from functools import wraps

import numpy as np

from numopt.models.evaluators import ArrayTerm, LoopTerm, worth_compiling


def _quiet(method):
    @wraps(method)
    def wrapper(self, *arguments):
        if self.silent:
            return method(self, *arguments)
        with np.errstate(all="ignore"):
            return method(self, *arguments)

    return wrapper


class TermEngine:
    """Evaluates term by term, with NumPy or with Numba.

    Parameters
    ----------
    structure : Structure
    theta : ndarray
        Parameter values.
    loops : bool
        Whether to compile the patterns that are small enough.
    """

    def __init__(self, structure, theta, loops):
        self.structure, n = structure, structure.n
        fast = [loops and worth_compiling(term) for term in structure.terms]
        self.silent = all(fast)
        self._start = np.zeros(n + structure.q)
        self._f0, self._c0 = 0.0, np.zeros(structure.m)
        made = {}
        for k, term in enumerate(structure.terms):
            if term.pattern.nv == 0:
                self._constant(ArrayTerm(term, theta), term)
            else:
                made[k] = (LoopTerm if fast[k] else ArrayTerm)(term, theta)
        self._made, self._places = made, {}
        self._objective = [made[k] for k in structure.objective if k in made]
        self._constraint = [made[k] for k in structure.constraint if k in made]
        self._levels = [[made[k] for k in level if k in made] for level in structure.definitions]

    def _constant(self, term, source):
        with np.errstate(all="ignore"):
            if source.rows is None:
                self._f0 += float(term.fun(self._start))
            elif source.level == 0:
                term.cons(self._start, self._c0)
            else:
                term.cons(self._start, self._start[self.structure.n :])

    def _at(self, sparsity, name):
        """Pair the terms with the places of their entries in a pattern."""
        pairs = self._places.get(name)
        if pairs is None:
            places = sparsity.places
            pairs = {t: t.places(places[k]) for k, t in self._made.items() if places[k]}
            self._places[name] = pairs
        return pairs

    # -- auxiliary variables -----------------------------------------------------------------

    def _point(self, x):
        """Return z = (x, t(x))."""
        n = self.structure.n
        if not self.structure.q:
            return x
        z = self._start.copy()
        z[:n] = x
        for level in self._levels:
            for t in level:
                t.cons(z, z[n:])
        return z

    def _direction(self, z, v):
        """Return E v."""
        n = self.structure.n
        if not self.structure.q:
            return v
        out = np.zeros(z.size)
        out[:n] = v
        for level in self._levels:
            for t in level:
                t.jprod(z, out, out[n:])
        return out

    def _pull(self, z, g):
        """Turn g into E'g, whose first n entries are wanted; the others are the weights of t."""
        n = self.structure.n
        for level in reversed(self._levels):
            for t in level:
                t.jtprod(z, g[n:], g)
        return g[:n] if self.structure.q else g

    def _weights(self, z, y):
        """Return the derivatives of f + y'c with respect to the auxiliary variables."""
        g = np.zeros(z.size)
        for t in self._objective:
            t.fun_and_grad(z, g)
        for t in self._constraint:
            t.jtprod(z, y, g)
        self._pull(z, g)
        return g[self.structure.n :]

    # -- evaluations -------------------------------------------------------------------------

    @_quiet
    def fun(self, x):
        """Return f(x)."""
        z, total = self._point(x), self._f0
        for t in self._objective:
            total += t.fun(z)
        return float(total)

    @_quiet
    def fun_and_grad(self, x):
        """Return f(x) and its gradient."""
        z, total = self._point(x), self._f0
        g = np.zeros(z.size)
        for t in self._objective:
            total += t.fun_and_grad(z, g)
        return float(total), self._pull(z, g)

    @_quiet
    def cons(self, x):
        """Return c(x)."""
        z, out = self._point(x), self._c0.copy()
        for t in self._constraint:
            t.cons(z, out)
        return out

    @_quiet
    def jprod(self, x, v):
        """Return J(x) v."""
        z = self._point(x)
        v, out = self._direction(z, v), np.zeros(self.structure.m)
        for t in self._constraint:
            t.jprod(z, v, out)
        return out

    @_quiet
    def jtprod(self, x, y):
        """Return J(x)'y."""
        z = self._point(x)
        g = np.zeros(z.size)
        for t in self._constraint:
            t.jtprod(z, y, g)
        return self._pull(z, g)

    @_quiet
    def jac_values(self, x):
        """Return the entries of J(x)."""
        s, z = self.structure, self._point(x)
        out = np.zeros(s.jac_z.nnz)
        for t, places in self._at(s.jac_z, "jac").items():
            t.jac(z, places, out)
        return s.jac_plan.values(out, self._chain(z)) if s.q else out

    def _chain(self, z):
        """Return the values of E."""
        s = self.structure
        out = np.zeros(s.aux_z.nnz)
        for t, places in self._at(s.aux_z, "aux").items():
            t.jac(z, places, out)
        return s.lift.values(out)

    @_quiet
    def hess_values(self, x, y):
        """Return the entries of the lower triangle of the Hessian of f + y'c."""
        s, z = self.structure, self._point(x)
        places, out = self._at(s.hess_z, "hess"), np.zeros(s.hess_z.nnz)
        for t in self._objective:
            if t in places:
                t.hess(z, places[t], out)
        for t in self._constraint:
            if t in places:
                t.whess(z, y, places[t], out)
        if not s.q:
            return out
        weights = self._weights(z, y)
        for level in self._levels:
            for t in level:
                if t in places:
                    t.whess(z, weights, places[t], out)
        return s.hess_plan.values(out, self._chain(z))

    @_quiet
    def hessp(self, x, y, v):
        """Return the Hessian of f + y'c times v, without forming it."""
        z = self._point(x)
        v, out = self._direction(z, v), np.zeros(z.size)
        for t in self._objective:
            t.hessp(z, v, out)
        for t in self._constraint:
            t.whessp(z, y, v, out)
        if self.structure.q:
            weights = self._weights(z, y)
            for level in self._levels:
                for t in level:
                    t.whessp(z, weights, v, out)
        return self._pull(z, out)
