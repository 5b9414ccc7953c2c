"""Penalties that are a sum over units: coordinates, or groups of them."""

from numopt.models.penalties.base import GROUPED, Penalty, soft
from numopt.models.penalties.concave import MCP, SCAD
from numopt.models.penalties.groups import GroupL2, MultiTask, SparseGroup
from numopt.models.penalties.separable import (
    L1,
    BoxConstraint,
    ElasticNet,
    NonNegativeL1,
    Separable,
)
from numopt.models.penalties.user import UserProx

__all__ = [
    "GROUPED",
    "L1",
    "MCP",
    "SCAD",
    "BoxConstraint",
    "ElasticNet",
    "GroupL2",
    "MultiTask",
    "NonNegativeL1",
    "Penalty",
    "Separable",
    "SparseGroup",
    "UserProx",
    "soft",
]
