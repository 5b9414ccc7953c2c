"""Cards to be written: fields in their columns, numbers that lose nothing."""

from math import isfinite

from numopt.core.errors import ProblemError
from numopt.cutest.data import INFINITY

# Columns of a number on a card of part 1.
_WIDTH = 12

_Z_CODES = {"LO": "ZL", "UP": "ZU", "FX": "ZX"}


def line(code, f2="", f3="", f4="", f5="", f6=""):
    """Return a card with its fields in their columns."""
    return f" {code:<2} {f2:<10}{f3:<10}{f4:<12}   {f5:<10}{f6:<12}".rstrip()


def literal(value):
    """Return a double precision constant of Fortran."""
    if not isfinite(value):
        raise ProblemError(f"the number {value} cannot be written")
    mantissa, _, exponent = repr(float(value)).partition("e")
    point = "" if "." in mantissa else "."
    return f"{mantissa}{point}D{int(exponent or 0)}"


def valued(code, f2, f3, value):
    """Yield a card with a number; what does not fit its columns becomes a parameter first."""
    if not abs(value) < INFINITY:
        raise ProblemError(f"the number {value} of {f2} {f3} cannot be written")
    text = _short(value)
    if text:
        yield line(code, f2, f3, text)
        return
    first, total = "RE", 0.0
    while total != value:
        text = _nearest(value - total)
        yield line(first, "VALUE", "" if first == "RE" else "VALUE", text)
        first, total = "RA", float(text.replace("D", "e")) + total
    yield line(_Z_CODES.get(code, "Z" + code), f2, f3, "", "VALUE")


def _short(value):
    """Return a number that fits its columns and loses nothing, or an empty string."""
    plain = repr(float(value))
    for text in (plain if "e" not in plain else "", literal(value)):
        if text and len(text) <= _WIDTH:
            return text
    return ""


def _nearest(value):
    """Return the nearest number that fits its columns."""
    for digits in range(_WIDTH, 0, -1):
        mantissa, exponent = f"{value:.{digits}e}".split("e")
        text = f"{mantissa}D{int(exponent)}"
        if len(text) <= _WIDTH:
            return text
    raise ProblemError(f"the number {value} cannot be written")
