"""One algorithm per file or folder; importing this package enters them into the table."""

from numopt.solvers import gradient_newton, inclusions, sketched_newton, transport

__all__ = ["gradient_newton", "inclusions", "sketched_newton", "transport"]
