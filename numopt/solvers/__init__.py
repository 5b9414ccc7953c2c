"""One algorithm per file or folder; importing this package enters them into the table."""

from numopt.solvers import cbo, gradient_newton, sketched_newton, transport

__all__ = ["cbo", "gradient_newton", "sketched_newton", "transport"]
