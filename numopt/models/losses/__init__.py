"""Smooth losses of a linear model."""

from numopt.models.losses.base import Loss, Point
from numopt.models.losses.classification import Logistic, Multinomial
from numopt.models.losses.linear import LinearLoss
from numopt.models.losses.regression import Huber, LeastSquares, Poisson

__all__ = [
    "Huber",
    "LeastSquares",
    "LinearLoss",
    "Logistic",
    "Loss",
    "Multinomial",
    "Point",
    "Poisson",
]
