"""One algorithm per file or folder; importing this package enters them into the table."""

from numopt.solvers import bcd, gradient_newton, sketched_newton, transport

__all__ = ["bcd", "gradient_newton", "sketched_newton", "transport"]
