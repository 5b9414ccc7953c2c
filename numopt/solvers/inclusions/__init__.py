"""Methods for monotone inclusions, saddle points and games."""

from numopt.solvers.inclusions.rhpdhg import RHPDHG

__all__ = ["RHPDHG"]
