"""One algorithm per file or folder; importing this package enters them into the table."""

from numopt.solvers import (
    alternating,
    bcd,
    cbo,
    gradient_newton,
    inclusions,
    sketched_newton,
    transport,
)

__all__ = [
    "alternating",
    "bcd",
    "cbo",
    "gradient_newton",
    "inclusions",
    "sketched_newton",
    "transport",
]
