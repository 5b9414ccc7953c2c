"""Derivatives of functions of (x, y) by numopt's own formulas or an installed package.

Each entry of `PACKAGES` offers, for a scalar function, ``grad(x, y) -> (gx, gy)`` and
``hvp(x, y, v)``, the derivative of that pair along (0, v); and for rows ``jac(x, y) -> (Jx, Jy)``.
"""

import numpy as np

from numopt.core.errors import ProblemError, SymbolicError


def derivatives(fun, package, n, m):
    """Return (grad, hvp) of a scalar function.

    Parameters
    ----------
    fun : callable
        ``fun(x, y) -> float`` in the notation of the package.
    package : {"trace", "autograd", "jax", "torch"}
        ``"trace"`` is numopt's own: formulas in NumPy notation.
    n, m : int
        Lengths of x and y.

    Raises
    ------
    ImportError
        Naming the extra, if the package is not installed.
    ProblemError
        For an unknown package.
    """
    return _package(package)[0](fun, n, m)


def row_derivatives(fun, package, n, m):
    """Return jac of a function of several rows; parameters and errors as of `derivatives`."""
    return _package(package)[1](fun, n, m)


def as_affine(fun, n, m):
    """Return (Ax, Ay, b) if numopt's formulas show that all rows are Ax x + Ay y - b, else None."""
    nlp = _traced_rows(fun, n, m)
    if not nlp.m or not nlp.linear_rows.all():
        return None
    w = np.zeros(n + m)
    A = nlp.jac(w).toarray()
    return A[:, :n], A[:, n:], -nlp.cons(w)


def _package(name):
    if name not in PACKAGES:
        known = ", ".join(map(repr, PACKAGES))
        raise ProblemError(f"`autodiff` must be None or one of {known}, got {name!r}")
    return PACKAGES[name]


def _missing(package):
    return ImportError(f"autodiff={package!r} needs the package {package}: pip install {package}")


# -- numopt's own formulas -------------------------------------------------------------------------


def _trace(fun, n, m):
    from numopt.models.separable import PartiallySeparable

    def definition(p):
        w = p.variables(n + m)
        p.minimize(fun(w[:n], w[n:]))

    nlp = _traced(PartiallySeparable, definition)

    def grad(x, y):
        g = nlp.grad(np.concatenate([x, y]))
        return g[:n], g[n:]

    def hvp(x, y, v):
        product = nlp.hess(np.concatenate([x, y])) @ np.concatenate([np.zeros(n), v])
        return product[:n], product[n:]

    return grad, hvp


def _traced_rows(fun, n, m):
    from numopt.models.separable import PartiallySeparable

    def definition(p):
        w = p.variables(n + m)
        p.minimize(np.sum(w))
        for row in fun(w[:n], w[n:]):
            p.at_most(row)

    return _traced(PartiallySeparable, definition)


def _trace_rows(fun, n, m):
    nlp = _traced_rows(fun, n, m)

    def jac(x, y):
        J = nlp.jac(np.concatenate([x, y])).toarray()
        return J[:, :n], J[:, n:]

    return jac


def _traced(model, definition):
    try:
        return model.trace(definition)
    except SymbolicError as error:
        error.add_note("autodiff='trace' needs functions in NumPy notation that do not branch")
        raise


# -- packages --------------------------------------------------------------------------------------


def _autograd(fun, n, m):
    try:
        import autograd  # pyright: ignore
    except ImportError:
        raise _missing("autograd") from None
    first, second = autograd.grad(fun, 0), autograd.grad(fun, 1)

    def grad(x, y, **rows):
        return first(x, y, **rows), second(x, y, **rows)

    def along(x, y, v, **rows):
        return second(x, y, **rows) @ v

    by_x, by_y = autograd.grad(along, 0), autograd.grad(along, 1)

    def hvp(x, y, v, **rows):
        return by_x(x, y, v, **rows), by_y(x, y, v, **rows)

    return grad, hvp


def _autograd_rows(fun, n, m):
    try:
        import autograd  # pyright: ignore
        import autograd.numpy as anp  # pyright: ignore
    except ImportError:
        raise _missing("autograd") from None

    def rows(x, y):
        return anp.array(fun(x, y))

    by_x, by_y = autograd.jacobian(rows, 0), autograd.jacobian(rows, 1)
    return lambda x, y: (by_x(x, y), by_y(x, y))


def _jax_module():
    try:
        import jax  # pyright: ignore
    except ImportError:
        raise _missing("jax") from None
    jax.config.update("jax_enable_x64", True)  # in single precision no certificate would hold
    return jax


def _jax(fun, n, m):
    jax = _jax_module()
    pair = jax.grad(fun, argnums=(0, 1))

    def along(x, y, v, **rows):
        return jax.jvp(lambda t: pair(x, t, **rows), (y,), (v,))[1]

    return jax.jit(pair), jax.jit(along)


def _jax_rows(fun, n, m):
    jax = _jax_module()
    rows = lambda x, y: jax.numpy.asarray(fun(x, y))  # noqa: E731
    return jax.jit(jax.jacfwd(rows, argnums=(0, 1)))


def _torch_module():
    try:
        import torch  # pyright: ignore
    except ImportError:
        raise _missing("torch") from None
    return torch


def _torch(fun, n, m):
    torch = _torch_module()

    def leaves(*arrays):
        return [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in arrays]

    def pair(both, rows, create):
        g = torch.autograd.grad(fun(*both, **rows), both, create_graph=create, allow_unused=True)
        return [torch.zeros_like(w) if d is None else d for w, d in zip(both, g, strict=True)]

    def grad(x, y, **rows):
        return tuple(d.detach().numpy() for d in pair(leaves(x, y), rows, False))

    def hvp(x, y, v, **rows):
        x, y = leaves(x, y)
        slope = pair((x, y), rows, True)[1] @ torch.tensor(v)
        if not slope.requires_grad:
            return np.zeros(n), np.zeros(m)
        found = torch.autograd.grad(slope, (x, y), allow_unused=True)
        sizes = zip(found, (n, m), strict=True)
        return tuple(np.zeros(k) if d is None else d.numpy() for d, k in sizes)

    return grad, hvp


def _torch_rows(fun, n, m):
    torch = _torch_module()

    def stacked(x, y):
        rows = fun(x, y)
        return rows if isinstance(rows, torch.Tensor) else torch.stack(list(rows))

    def jac(x, y):
        pair = tuple(torch.tensor(a, dtype=torch.float64) for a in (x, y))
        found = torch.autograd.functional.jacobian(stacked, pair)
        return tuple(J.numpy() for J in found)

    return jac


PACKAGES = {
    "trace": (_trace, _trace_rows),
    "autograd": (_autograd, _autograd_rows),
    "jax": (_jax, _jax_rows),
    "torch": (_torch, _torch_rows),
}
