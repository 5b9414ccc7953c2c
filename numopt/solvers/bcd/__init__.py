"""Block coordinate descent."""

from dataclasses import dataclass

from numopt.solvers.bcd import rules
from numopt.solvers.bcd.rules import RuleOptions

__all__ = ["BCD"]


@dataclass(frozen=True, kw_only=True)
class BCD(RuleOptions):
    """Options of ``method="bcd"``: block coordinate descent.

    minimise f(x) + sum_b g_b(x_b)
    """

    name = "bcd"
    measure = "KKT violation"
    certificate = "kkt"
    problems = ("composite", "nlp")
    accepts = frozenset({"bounds"})
    reference = "Nutini, Laradji, Schmidt, JMLR 23(131), 2022"

    def init(self, problem, x0, run):
        return rules.init(self, problem, x0, run)

    def step(self, problem, state, run):
        return rules.step(self, problem, state, run)

    def report(self, problem, state, run):
        return rules.report(self, problem, state, run)

    def verify(self, problem, it):
        return rules.verify(self, problem, it)
