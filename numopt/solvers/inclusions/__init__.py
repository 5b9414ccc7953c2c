"""Methods for monotone inclusions, saddle points and games."""

from numopt.solvers.inclusions.extragradient import Extragradient
from numopt.solvers.inclusions.halpern_vr import HalpernVR
from numopt.solvers.inclusions.rhpdhg import RHPDHG

__all__ = ["RHPDHG", "Extragradient", "HalpernVR"]
