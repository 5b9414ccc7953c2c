"""Bilevel methods: `implicit`, `kkt`, `lv_hba`, `f2sa`, `f3sa`, `bamm`; see the module of each."""

from numopt.solvers.bilevel.bamm import BAMM
from numopt.solvers.bilevel.f2sa import F2SA, F3SA
from numopt.solvers.bilevel.implicit import Implicit
from numopt.solvers.bilevel.kkt import KKTReplacement
from numopt.solvers.bilevel.lv_hba import LVHBA

__all__ = ["BAMM", "F2SA", "F3SA", "LVHBA", "Implicit", "KKTReplacement"]
