"""How kernels are compiled: parts that only kernels call, and calls through pointers.

A kernel that takes a compiled function as an argument is compiled anew in each process. With a
pointer it is compiled once for all objectives, and kept on disk.
"""

from collections.abc import Callable

from numba import njit, typeof, types

part = njit(cache=True, no_cpython_wrapper=True)  # pyright: ignore


def with_objective(kernel) -> Callable:
    """Return a function that calls ``kernel(fun, args, *rest)``, compiled.

    `fun` is compiled by Numba and maps a float64 vector and `args` to a number; an exception that
    it raises passes through. The types of `rest` are the same in all calls.
    """
    versions = {}

    def call(fun, args, *rest):
        if not hasattr(fun, "compile"):  # NUMBA_DISABLE_JIT=1
            return kernel(fun, args, *rest)
        pointer = types.FunctionType(types.float64(types.float64[::1], *map(typeof, args)))
        if pointer not in versions:  # finding the types of the rest takes long, and they are fixed
            function = njit(cache=True)(kernel)
            function.compile((pointer, *map(typeof, (args, *rest))))
            function.disable_compile()
            versions[pointer] = function
        return versions[pointer](fun, args, *rest)

    call.__doc__ = kernel.__doc__
    return call
