"""Methods for optimal transport: `sinkhorn` and `sns`; see the module of each."""

from numopt.solvers.transport.sinkhorn import Sinkhorn
from numopt.solvers.transport.sns import SNS

__all__ = ["SNS", "Sinkhorn"]
