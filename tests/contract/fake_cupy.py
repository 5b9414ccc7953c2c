"""A stand-in for CuPy where there is no device: arrays that NumPy does not take for its own.

As those of CuPy they have no `__array_namespace__`, come to the host by `get` only, and are made by
an `asarray` without `device`; what NumPy's functions return is wrapped again.
"""

import contextlib
import operator
import types

import numpy as np


class ndarray:
    """An array on the device."""

    __module__ = "cupy"
    device = contextlib.nullcontext()
    __array_ufunc__ = None

    def __init__(self, values):
        self._values = values

    def get(self):
        return self._values.copy()

    def __array__(self, *args, **kwargs):
        raise TypeError("implicit conversion to a NumPy array is not allowed")

    def __getattr__(self, name):
        if name not in ("dtype", "shape", "ndim", "T", "size"):
            raise AttributeError(name)
        return wrapped(getattr(self._values, name))

    def __float__(self):
        return float(self._values)

    def __int__(self):
        return int(self._values)

    def __bool__(self):
        return bool(self._values)

    def __getitem__(self, key):
        return wrapped(self._values[bare(key)])


def bare(value):
    if isinstance(value, ndarray):
        return value._values
    return type(value)(map(bare, value)) if isinstance(value, (list, tuple)) else value


def wrapped(value):
    return ndarray(np.asarray(value)) if isinstance(value, (np.ndarray, np.generic)) else value


def _binary(name):
    def method(self, other):
        if isinstance(other, np.ndarray):
            raise TypeError("a NumPy array met one of the device")
        return wrapped(getattr(operator, name)(self._values, bare(other)))

    def reflected(self, other):
        return wrapped(getattr(operator, name)(bare(other), self._values))

    return method, reflected


for _name in ("add", "sub", "mul", "truediv", "and_", "or_", "le", "lt", "ge", "gt", "eq"):
    _method, _reflected = _binary(_name)
    setattr(ndarray, f"__{_name.strip('_')}__", _method)
    setattr(ndarray, f"__r{_name.strip('_')}__", _reflected)


class Generator:
    """Random numbers that are drawn on the device."""

    def __init__(self, bits):
        self._own = np.random.Generator(bits)

    def standard_normal(self, size, dtype):
        return ndarray(self._own.standard_normal(size, dtype))


def module():
    """Return a module that can take the place of ``cupy`` in ``sys.modules``."""

    class Module(types.ModuleType):
        def __getattr__(self, name):
            value = getattr(np, name)
            if not callable(value) or isinstance(value, type):
                return value

            def function(*args, **kwargs):
                kwargs.pop("device", None) if name in ("arange",) else None
                out = value(*bare(args), **{key: bare(v) for key, v in kwargs.items()})
                return tuple(map(wrapped, out)) if isinstance(out, tuple) else wrapped(out)

            return function

    cupy = Module("cupy")
    cupy.ndarray = ndarray
    cupy.random = types.SimpleNamespace(Generator=Generator, Philox4x3210=np.random.Philox)
    cupy.asarray = lambda values, dtype=None: ndarray(np.asarray(bare(values), dtype=dtype))
    return cupy
