"""Methods for optimal transport: `sinkhorn`, `sns` and `sparse_ot`; see the module of each."""

from numopt.solvers.transport.sinkhorn import Sinkhorn
from numopt.solvers.transport.sns import SNS
from numopt.solvers.transport.sparse import SparseOT

__all__ = ["SNS", "Sinkhorn", "SparseOT"]
