"""Checks of what users hand over: one sentence for each fault."""

import warnings
from contextlib import suppress
from numbers import Number

import numpy as np
from scipy.sparse import csr_matrix, issparse

from numopt.core.errors import InputTypeError, ProblemError


def real_vector(a, name, *, n=None, finite=False):
    """Return `a` as a fresh contiguous float64 vector, or say what is wrong with it.

    Parameters
    ----------
    a : array_like
        Real numbers, of shape (n,), or a scalar.
    name : str
        The argument's name, for the message.
    n : int, optional
        Demanded length; a scalar is repeated.
    finite : bool
        Whether every entry must be finite (NaN is always refused).

    Raises
    ------
    InputTypeError
        For masked, matrix, complex, object and string input, and arrays of other libraries.
    ProblemError
        For a wrong shape, NaN, or infinity where it is refused.
    """
    if isinstance(a, (np.ma.MaskedArray, np.matrix)):
        raise InputTypeError(f"`{name}` is a {type(a).__name__}; pass a plain array")
    library = type(a).__module__.partition(".")[0]
    foreign = library == "cupy" or hasattr(a, "__array_namespace__")
    if foreign and not isinstance(a, (np.ndarray, np.generic)):
        raise InputTypeError(f"`{name}` is an array of {library}; this needs a NumPy array")
    v = np.asarray(a)
    if v.dtype.kind not in "biuf":
        raise InputTypeError(f"`{name}` must hold real numbers, got dtype {v.dtype}")
    if v.ndim > 1:
        raise ProblemError(f"`{name}` must be a vector of shape (n,), got shape {v.shape}")
    if n is not None and v.ndim == 0:
        v = np.full(n, v)
    v = np.array(v, dtype=np.float64, order="C", ndmin=1)
    if n is not None and v.size != n:
        raise ProblemError(f"`{name}` must have {n} entries, got shape {v.shape}")
    bad = ~np.isfinite(v) if finite else np.isnan(v)
    if np.count_nonzero(bad):  # faster than `any`, and this is called often
        kind, i = "finite numbers" if finite else "numbers", bad.argmax()
        raise ProblemError(f"`{name}` must hold {kind} only, entry {i} is {v[i]}")
    return v


def repeated(a, name, n):
    """Return `a` as a vector of length n; a single entry stands for all, as SciPy has it."""
    v = real_vector(a, name)
    return np.full(n, v[0]) if v.size == 1 else real_vector(v, name, n=n)


def projected(x, lb, ub, strict=False, depth=4):
    """Return the point within the bounds nearest to the start point x.

    If that is another point, a UserWarning tells at the caller `depth` frames up.

    Raises
    ------
    ProblemError
        If it is another point and `strict` is set.
    """
    if not np.all((lb <= ub) & (lb < np.inf) & (ub > -np.inf)):
        return x  # the problem will refuse these bounds
    inside = np.clip(x, lb, ub)
    moved = np.flatnonzero(inside != x)
    if moved.size:
        i = moved[0]
        if strict:
            raise ProblemError(f"`x0` lies outside the bounds, first at index {i}: {x[i]}")
        warnings.warn(
            f"`x0` was moved into the bounds, first at index {i}: {x[i]} to {inside[i]}",
            UserWarning,
            stacklevel=depth,
        )
    return inside


def float_dtype(a):
    """Return the native float type of an array; float64 if it holds other numbers."""
    dtype = np.asarray(a).dtype.newbyteorder("=")
    return dtype if dtype.kind == "f" else np.dtype(np.float64)


def real_scalar(value, name):
    """Return the value of a user's function as a float, or say what came back instead.

    Raises
    ------
    InputTypeError
        For None, strings, objects and complex numbers.
    ProblemError
        For arrays of more than one entry.
    """
    if isinstance(value, float):  # np.float64 among them
        return float(value)
    array = _plain(value, f"{name} returned", "a float")
    if array.size != 1:
        raise ProblemError(f"{name} returned an array of shape {array.shape}, expected a float")
    return float(array.reshape(())[()])


def real_array(value, name, shape, dtype=np.float64):
    """Return what a user's function returned as a fresh vector, or say what came back instead.

    Parameters
    ----------
    value : array_like
        Real numbers of the demanded shape; a scalar will do for one entry.
    name : str
        Who returned it, for the message.
    shape : tuple of int
        Demanded shape ``(k,)``; k is None if every length will do.
    dtype : dtype
        ``complex`` at a complex point, where real numbers are refused: they have lost the
        derivative.

    Raises
    ------
    InputTypeError
        For None, strings, objects, masked arrays and numbers of the wrong kind.
    ProblemError
        For a wrong shape.
    """
    array = _plain(value, f"{name} returned", f"an array of shape {shape}", dtype)
    length = array.size if shape[0] is None else shape[0]
    if array.ndim > 1 or array.size != length:
        raise ProblemError(f"{name} returned shape {array.shape}, expected shape {shape}")
    return np.array(array.reshape(length), dtype=dtype)


def real_matrix(value, name, shape, dtype=np.float64, verb="returned"):
    """Return a dense, sparse or matrix-free matrix as a fresh canonical CSR matrix.

    Parameters
    ----------
    value : array_like, sparse matrix or LinearOperator
        A vector will do for a matrix of one row.
    name : str
        Who returned it, for the message.
    shape : tuple
        Demanded shape ``(k, n)``; k is None if every number of rows will do.
    dtype : dtype
        As in `real_array`.
    verb : str
        What `name` did, for the message.

    Raises
    ------
    InputTypeError, ProblemError
        As in `real_array`.
    """
    if hasattr(value, "matvec") and not issparse(value):
        value = value @ np.eye(shape[1])
    said, expected = f"{name} {verb}", f"a matrix of shape {shape}"
    if not issparse(value):
        value = _plain(value, said, expected, dtype)
    elif value.dtype.kind not in "biufc":
        raise InputTypeError(f"{said} a sparse matrix of dtype {value.dtype}, expected {expected}")
    _check_kind(value.dtype, said, dtype)
    found = value.shape
    if value.ndim < 2 and shape[0] in (None, 1):
        value = value.reshape((1, -1))
    if value.ndim != 2 or value.shape[1] != shape[1] or shape[0] not in (None, value.shape[0]):
        raise ProblemError(f"{said} shape {found}, expected shape {shape}")
    matrix = csr_matrix(value, dtype=dtype, copy=True)
    matrix.sum_duplicates()
    return matrix


def _plain(value, said, expected, dtype=np.float64):
    """Return `value` as an array of numbers of the right kind; objects such as Decimal count."""
    if isinstance(value, (np.ma.MaskedArray, np.matrix)):
        raise InputTypeError(f"{said} a {type(value).__name__}, expected {expected}")
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind == "O" and value is not None:
        array = _numbers(array)
    if array.dtype.kind not in "biufc":
        raise InputTypeError(f"{said} {type(value).__name__}, expected {expected}")
    _check_kind(array.dtype, said, dtype)
    return array


def _numbers(array):
    """Return an array of objects as floats if all of them are real numbers, unchanged if not."""
    if all(isinstance(entry, (Number, np.number)) for entry in array.flat):
        with suppress(TypeError):  # complex among them
            return array.astype(np.float64)
    return array


def _check_kind(kind, said, dtype):
    if np.dtype(dtype).kind == "c" and kind.kind != "c":
        raise InputTypeError(
            f"{said} real numbers at a complex point, so 'cs' would see no derivative; "
            "use '2-point' or '3-point'"
        )
    if np.dtype(dtype).kind != "c" and kind.kind == "c":
        raise InputTypeError(f"{said} complex numbers, expected real ones")
