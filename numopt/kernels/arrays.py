"""Moving vectors between NumPy and another array library."""

import sys

import numpy as np


def namespace_of(array):
    """Return the module of functions for an array that is not one of NumPy."""
    if hasattr(array, "__array_namespace__"):
        return array.__array_namespace__()
    return sys.modules[type(array).__module__.partition(".")[0]]  # CuPy


def placed(values, like, dtype=None):
    """Return a NumPy array as one of the library, on the device and with the dtype of `like`."""
    xp, dtype = namespace_of(like), dtype or like.dtype
    if xp.__name__ == "cupy":  # its `asarray` follows the current device
        with like.device:
            return xp.asarray(values, dtype=dtype)
    return xp.asarray(values, dtype=dtype, device=like.device)


def copied(array):
    """Return a copy in the library of the array."""
    if type(array) is np.ndarray:
        return array.copy()
    return namespace_of(array).astype(array, array.dtype)


def on_host(array):
    """Return the array as one of NumPy."""
    return array.get() if hasattr(array, "get") else np.asarray(array)
