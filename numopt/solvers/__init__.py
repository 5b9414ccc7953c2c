"""One algorithm per file or folder; importing this package enters them into the table."""

from numopt.solvers import (
    alternating,
    bcd,
    bilevel,
    cbo,
    gradient_newton,
    inclusions,
    sketched_newton,
    transport,
    zeroth_order,
)

__all__ = [
    "alternating",
    "bcd",
    "bilevel",
    "cbo",
    "gradient_newton",
    "inclusions",
    "sketched_newton",
    "transport",
    "zeroth_order",
]
