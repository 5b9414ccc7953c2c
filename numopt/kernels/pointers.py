"""Compiled functions that call an objective through a pointer.

A kernel that takes a compiled function as an argument is compiled anew in each process. With a
pointer it is compiled once for all objectives, and kept on disk.
"""

import functools

from numba import njit, typeof, types


def with_objective(kernel):
    """Return a function that calls ``kernel(fun, args, *rest)``, compiled.

    `fun` is compiled by Numba and maps a float64 vector and `args` to a number; an exception that
    it raises passes through.
    """

    @functools.cache
    def compiled(*signature):
        function = njit(cache=True)(kernel)
        function.compile(signature)
        function.disable_compile()
        return function

    @functools.wraps(kernel)
    def call(fun, args, *rest):
        if not hasattr(fun, "compile"):  # NUMBA_DISABLE_JIT=1
            return kernel(fun, args, *rest)
        pointer = types.FunctionType(types.float64(types.float64[::1], *map(typeof, args)))
        return compiled(pointer, *map(typeof, (args, *rest)))(fun, args, *rest)

    return call
