"""Block coordinate descent for composite problems.

    minimise F(x) = f(x) + sum_b g_b(x_b)

There are two engines: `working_set` for sparse models, and `rules`, the literature's partition x
selection x update, for everything else and whenever one of its options is given.
"""

from dataclasses import dataclass

import numpy as np

from numopt.core.solver import Iterate
from numopt.solvers.bcd.columns import Columns
from numopt.solvers.bcd.options import RuleOptions
from numopt.solvers.bcd.rules import Rules, check_descent
from numopt.solvers.bcd.working_set import WorkingSets

__all__ = ["BCD"]


@dataclass(frozen=True, kw_only=True)
class BCD(RuleOptions):
    """Options of ``method="bcd"``: block coordinate descent.

        minimise f(x) + sum_b g_b(x_b)

    Parameters
    ----------
    working_set : bool
        Take the engine for sparse models; it has options `first_size`, `small`, `newton_phase`,
        `screening`.
        Without it, and whenever one of the following options is given, blocks are chosen and
        updated by rules. Quadratic forms and nonlinear programs always are.
    first_size : int
        Least number of units in a working set.
    small : int
        With up to this many units all of them are the working set.
    newton_phase : bool
        Allow Newton steps on the support.
    screening : bool
        Leave out columns that the duality gap proves to be unused, for good. It never changes the
        solution; beside working sets it saves little.
    blocks : int, list of array_like, str, optional
        Fixed blocks: their size, or the blocks themselves, which cover all variables; with a
        sparse quadratic form also "red_black" (independent sets) and "forest". Variable ones,
        chosen afresh in each iteration: "variable", "greedy_forest", "random_forest". A unit of
        the penalty, such as a group, is never divided, and sizes count units.
    block_size : int, optional
        Size of blocks, if `blocks` does not tell; by default at most 50. If no option asks for
        rules, and the penalty is separable, blocks are variable and of at most 2000 variables; with
        a sparse quadratic form they hold all variables.
    order : {"sorted", "natural", "random", "alternating"}
        How blocks of a given size are cut: by decreasing Lipschitz constant; as numbered; at
        random; the smallest constant, the largest, the second smallest, and so on.
    selection : str, optional
        Without the full gradient "random", "cyclic", "shuffle", "lipschitz"; greedy for a smooth
        objective "gs", "gsl", "gsd", "gsq", "gsc", see `numopt.solvers.bcd.selection`, and "gsb",
        which is "gsl" with a bound of the constant, the trace if `bound` tells nothing else; greedy
        for all "gs-s", "gs-r", "gsl-r", "gs-q". By default "gsd", "gs-q", or "gsl-r" for
        `UserProx`; "cyclic" for structured
        blocks, and "shuffle" for nonlinear programs.
    update : str, optional
        "gradient", "matrix", "exact", "newton", "proximal_newton" or "two_metric", see
        `numopt.solvers.bcd.steps`; by default the strongest that suits the problem. Where values
        are all that is known of a function, Hessians of fixed blocks are guessed from the gradients
        at successive visits (BFGS).
    lipschitz : array_like, shape (n,), "adaptive", optional
        Constants of the gradient along each variable instead of those of the loss; that of a block
        is their sum. "adaptive" begins with 1 and doubles them as needed, as is done where the
        loss has none.
    bound : {"eigenvalue", "trace", "rowsum"}
        What the constant of a block is, of the bound of its Hessian.
    score_norm : {2, 1}
        Greedy rules rank fixed blocks by sums of squares, or of moduli, as published experiments.
    refresh : int, optional
        Renew the gradient of only so many blocks before each greedy choice, the oldest ones.
    inner : int
        Updates in one iteration, for blocks of one variable, chosen greedily, of a sparse
        quadratic form: compiled, at O(degree log n) each.
    jac_block, hess_block : callable, optional
        For functions: ``jac_block(x, b)`` and ``hess_block(x, b)`` return the gradient, shape
        (|b|,), and the Hessian, shape (|b|, |b|), of the variables b.
    block_solve : callable, optional
        ``block_solve(x, b)`` returns the best values of the variables b, shape (|b|,).
    init_state, update_state, fun_state : callable, optional
        For functions, what is carried along instead of being computed anew, such as residuals:
        ``init_state(x)`` makes it, ``update_state(state, b, d)`` returns that of the point with d
        added to the variables b and leaves the given one as it is; `jac_block` and `hess_block`
        get it as third argument. ``fun_state(x, state)`` is then called instead of the objective.
    check_descent : bool
        Raise ProblemError where an update raises F by more than rounding, 1e-12 (1 + |F|):
        for looking into one's own constants, derivatives and proximal maps.
    tol, maxiter, maxfun, maxtime, target, disp
        As for every method, see `Solver`.

    Raises
    ------
    OptionError
        For combinations that make no sense: a rule that does not know the penalty, an update that
        needs another loss.

    Notes
    -----
    The measure is the duality gap relative to F at zero where there is a dual and the engine for
    sparse models runs, and else the largest distance of -grad f to the subdifferential relative to
    the largest entry of grad f at zero (absolute for functions). ``res.certificate`` tells which.

    Result: ``active_set`` (variables, or groups, off their kinks), ``identified_at`` (the last
    iteration that changed it), ``kkt``; by working sets ``gap``, ``dual``, ``intercept``; by rules
    ``nepoch``. By rules one iteration updates one block, and F never rises.

    "gs-r" and "gs-s" can be arbitrarily slow with absolute values: they do not see how far a step
    can go. "gs" on fixed blocks may be slower than "cyclic".

    References
    ----------
    .. [1] J. Nutini, I. Laradji, M. Schmidt, Let's Make Block Coordinate Descent Converge Faster,
       JMLR 23(131), 2022.
    .. [2] J. Nutini, M. Schmidt, I. Laradji, M. Friedlander, H. Koepke, Coordinate Descent
       Converges Faster with the Gauss-Southwell Rule Than Random Selection, ICML 2015.
    """

    name = "bcd"
    measure = "relative duality gap, or KKT violation"
    certificate = "gap"
    problems = ("composite", "nlp")
    accepts = frozenset({"bounds"})
    reference = "Nutini, Laradji, Schmidt, JMLR 23, 2022"

    tol: float = 1e-8
    maxiter: int = 1000
    working_set: bool = True
    first_size: int = 100
    small: int = 200
    newton_phase: bool = True
    screening: bool = False

    def __post_init__(self):
        super().__post_init__()
        self.require(self.first_size >= 1, "first_size", "must be >= 1")
        self.require(self.small >= 0, "small", "must be >= 0")

    def by_rules(self, problem):
        """Return whether blocks are chosen and updated by rules."""
        if problem.kind != "composite" or problem.loss.design is None or problem.penalty.code < 0:
            return True
        bounded = problem.penalty.convex or np.isfinite(problem.loss.majorant)
        return not (bounded and self.working_set) or self.rules_given

    def engine(self, problem):
        """Return the engine of a run, made at its first use."""
        if "engine" not in problem.memo:
            by_rules = self.by_rules(problem)
            made = Rules(problem, self) if by_rules else WorkingSets(Columns(problem), self)
            problem.memo["engine"] = made
        return problem.memo["engine"]

    def init(self, problem, x0, run):
        return self.engine(problem).init(problem, x0, run)

    def step(self, problem, s, run):
        new = self.engine(problem).step(problem, s, run)
        if self.check_descent:
            check_descent(*(t.place.fun if self.by_rules(problem) else t.at.fun for t in (s, new)))
        return new

    def report(self, problem, s, run):
        engine = self.engine(problem)
        if isinstance(engine, Rules):
            return engine.report(s)
        at = engine.kept(s).at
        optimality = self._measure(problem, at, s.dual)
        scalars = {"kkt": at.kkt, "working_set": float(s.size)}
        return Iterate(at.point.x, at.fun, optimality, 0.0, scalars, lambda: fields(problem, s))

    def _measure(self, problem, at, dual):
        if problem.penalty.dual:
            return max(at.fun - dual, 0.0) / problem.reference
        return at.kkt / problem.largest_slope

    def verify(self, problem, it):
        engine = self.engine(problem)
        if isinstance(engine, Rules):
            return engine.verify(it.x)
        at = engine.verified(problem, it.x)
        return at.fun, self._measure(problem, at, max(at.dual, engine.best_dual)), 0.0


def fields(problem, s):
    """Return the fields of the result besides the common ones."""
    at = s.at
    dual = s.dual if problem.penalty.dual else None
    return {
        "gap": None if dual is None else max(at.fun - dual, 0.0),
        "dual": dual,
        "kkt": at.kkt,
        "active_set": np.flatnonzero(at.point.x),
        "identified_at": s.identified_at,
        "intercept": problem.users_intercept(at.point),
        "certificate": "gap" if problem.penalty.dual else "kkt",
    }
