"""Partially separable problems: sums of small formulas, with exact sparse derivatives."""

import copy
from importlib.util import find_spec
from math import inf

import numpy as np

from numopt.core.errors import ProblemError
from numopt.models.assembly import Structure
from numopt.models.engines import TermEngine
from numopt.models.lowering import Lowering
from numopt.models.nlp import NLP
from numopt.models.recorder import Recorder, record
from numopt.models.terms import make_terms
from numopt.models.unrolled import MixedEngine, ScalarEngine

# Plain Python costs 0.9 us per 100 operations and no set-up of arrays; beyond this many operations
# of f, gradient and Hessian the array code is faster.
MOST_SCALAR_OPERATIONS = 400

# Functions without derivatives are worth plain Python up to here: beyond, f alone takes 15 us.
MOST_VALUE_OPERATIONS = 1600

# From this many rows on, loops are worth compiling under compile="auto".
FEWEST_COMPILED_ROWS = 1000

# A dense row of the chain rule makes a dense block of the Hessian.
WIDE = 500

# A constraint without variables counts as violated beyond this.
CONSTANT_TOLERANCE = 1e-9


class PartiallySeparable(NLP):
    """A nonlinear program made of terms: one formula evaluated on many rows each.

        minimise sum of f_k(x[I_k], data_k)   subject to   cl <= c(x) <= cu,   lb <= x <= ub

    Usually made by `PartiallySeparable.trace` from a definition in NumPy notation. First and second
    derivatives are exact and sparse, with fixed patterns.

    Parameters
    ----------
    x0, lb, ub : array_like, shape (n,)
        Start point and bounds.
    cl, cu : array_like, shape (m,)
        Bounds of the constraints.
    terms : list of Term
        The formulas; see `numopt.models.terms`.
    levels : list of int
        Level of each auxiliary variable that the terms use beyond the n variables.
    theta : ndarray
        Values of the parameters.
    name : str
    compile : {None, True, "auto"}
        None: NumPy. True: Numba. "auto": Numba where it is installed and there are at least
        1000 rows. Tiny problems run in plain Python in any case, and small ones as far as f and c
        go. The choice depends on the problem only and never changes during a run.

    Attributes
    ----------
    facts : dict
        What the definition says about the problem: classification, best known value, ...
    notes : list of str
        What is worth knowing about the model: dropped constraints, dense rows, ...
    generator : str
        ``"python"``, ``"numpy"``, ``"numba"``, or ``"mixed"``: values in plain Python, derivatives
        with NumPy.

    Raises
    ------
    ImportError
        With ``compile=True`` if Numba is missing.
    ProblemError
        For ill-posed bounds; see `NLP`.

    Examples
    --------
    >>> import numpy as np
    >>> def rosenbrock(p, n=4):
    ...     x = p.variables(n, start=-1)
    ...     p.minimize(np.sum(100 * (x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2))
    >>> problem = PartiallySeparable.trace(rosenbrock, n=1000)
    >>> problem.hess(problem.x0).nnz
    2998
    """

    def __init__(
        self, x0, lb, ub, cl, cu, terms, levels=(), theta=(), name="", compile=None, facts=None
    ):
        super().__init__(x0, lb, ub, cl, cu, name)
        self.facts, self.notes = dict(facts or {}), []
        self.structure = Structure(self.n, self.m, terms, list(levels))
        self.theta = np.asarray(theta, dtype=float)
        self.generator = _choose(self.structure, compile)
        self._engine = self._make_engine()
        self._recorder: Recorder | None = None
        self._compile = compile

    @classmethod
    def trace(cls, definition, name=None, compile=None, **params):
        """Return the problem that a definition states.

        Parameters
        ----------
        definition : callable
            ``definition(p, **params)`` states variables, objective and constraints to the recorder
            `p`, see `numopt.models.recorder.Recorder`, in plain NumPy notation.
        name : str, optional
            Default: the name of the definition.
        compile : {None, True, "auto"}
            See `PartiallySeparable`.
        **params
            Passed on to the definition.

        Raises
        ------
        SymbolicError
            If the definition does what has no meaning for symbols; the message says what to write
            instead, and a note names the line.
        ProblemError
            For data that are not finite, crossed bounds, violated constraints without variables.
        """
        recorder = record(definition, params)
        name = name if name is not None else getattr(definition, "__name__", "")
        return cls._lowered(recorder, recorder.objective, recorder.constraints, name, compile)

    @classmethod
    def _lowered(cls, recorder, objective, constraints, name, compile):
        with recorder.reopened():
            lowering = Lowering(recorder.n)
            for e in objective:
                lowering.objective(e)
            first = 0
            for e, _, _ in constraints:
                lowering.constraints(e, first)
                first += e.size
        cl, cu = (_join([sides[k] for sides in constraints]) for k in (1, 2))
        terms = make_terms(lowering.flats)
        terms, kept, notes = _without_constants(terms, cl, cu, recorder.theta)
        problem = cls(
            recorder.x0, recorder.lb, recorder.ub, cl[kept], cu[kept], terms,
            levels=lowering.levels, theta=recorder.theta, name=name, compile=compile,
            facts=recorder.facts,
        )  # fmt: skip
        problem._recorder = recorder
        problem.notes += lowering.notes + notes
        return problem

    # -- variants ----------------------------------------------------------------------------

    def using(self, generator):
        """Return the same problem evaluated by another generator, sharing all patterns.

        Parameters
        ----------
        generator : {"python", "numpy", "numba", "mixed"}
        """
        if generator not in ("python", "numpy", "numba", "mixed"):
            raise ValueError(f"no generator {generator!r}: use 'python', 'numpy' or 'numba'")
        if generator in ("python", "mixed") and self.structure.q:
            raise ValueError("plain Python cannot evaluate auxiliary variables: use 'numpy'")
        other = copy.copy(self)
        other.reset_counts()
        other.generator = generator
        other._engine = other._make_engine()
        return other

    def set_parameter(self, name, value):
        """Give a parameter of the definition another value; nothing is traced or compiled again.

        Raises
        ------
        KeyError
            If the definition states no parameter of this name.
        ProblemError
            If the value has the wrong shape or is not finite.
        """
        known = {} if self._recorder is None else self._recorder.parameters
        if name not in known:
            raise KeyError(f"no parameter {name!r}; the definition states {sorted(known)}")
        first, shape = known[name]
        value = np.asarray(value, dtype=float)
        if value.shape != shape or not np.isfinite(value).all():
            raise ProblemError(f"parameter {name!r} must be finite and of shape {shape}")
        self.theta = self.theta.copy()
        self.theta[first : first + value.size] = value.ravel()
        self._engine = self._make_engine()

    @property
    def residuals(self):
        """The residuals stated by ``p.residuals``, as a problem with c(x) = r(x); None if none are.

        Its Jacobian is what Gauss-Newton methods need.
        """
        recorder = self._recorder
        if recorder is None or not recorder.squares:
            return None
        zeros = [np.zeros(r.size) for r in recorder.squares]
        rows = list(zip(recorder.squares, zeros, zeros, strict=True))
        name = f"{self.name} residuals"
        problem = type(self)._lowered(recorder, [], rows, name, self._compile)
        problem.theta = self.theta
        problem._engine = problem._make_engine()
        return problem

    def _make_engine(self):
        if self.generator == "python":
            return ScalarEngine(self.structure, self.theta)
        if self.generator == "mixed":
            return MixedEngine(self.structure, self.theta)
        return TermEngine(self.structure, self.theta, loops=self.generator == "numba")

    def __copy__(self):
        """Copy without the detour over pickling, which would drop the kernels."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def __getstate__(self):
        return {key: value for key, value in self.__dict__.items() if key != "_engine"}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._engine = self._make_engine()

    @property
    def linear_rows(self):
        """Which rows of c are known to be linear, shape (m,)."""
        return self.structure.linear_rows

    # -- evaluations without matrices --------------------------------------------------------

    @property
    def jac_structure(self):
        """Row pointers and column numbers of the Jacobian, as in CSR."""
        return self.structure.jac.indptr, self.structure.jac.indices

    @property
    def hess_structure(self):
        """Row pointers and column numbers of the lower triangle of the Hessian, as in CSR."""
        return self.structure.hess.indptr, self.structure.hess.indices

    def jac_values(self, x):
        """Return the entries of the Jacobian at x in the order of `jac_structure`."""
        return self._engine.jac_values(x)

    def hess_values(self, x, y):
        """Return the entries of the lower triangle of the Hessian of f + y'c."""
        return self._engine.hess_values(x, y)

    # -- hooks of NLP ------------------------------------------------------------------------

    def _fun(self, x):
        return self._engine.fun(x)

    def _grad(self, x):
        return self._engine.fun_and_grad(x)[1]

    def _fun_and_grad(self, x):
        return self._engine.fun_and_grad(x)

    def _cons(self, x):
        return self._engine.cons(x)

    def _jac(self, x):
        return self.structure.jac.matrix(self._engine.jac_values(x))

    def _jprod(self, x, v):
        return self._engine.jprod(x, v)

    def _jtprod(self, x, y):
        return self._engine.jtprod(x, y)

    def _hess_lower(self, x, y):
        return self.structure.hess.matrix(self._engine.hess_values(x, y))

    def _hess(self, x, y):
        sparsity, source = self.structure.full
        return sparsity.matrix(self._engine.hess_values(x, y).take(source))

    def _hessp(self, x, y, v):
        return self._engine.hessp(x, y, v)

    # -- description -------------------------------------------------------------------------

    def summary(self):
        """Return a few lines about the model: sizes, generator, notes."""
        s = self.structure
        lines = [
            f"{self.name}: {self.n} variables, {self.m} constraints",
            f"{len(s.terms)} formulas on {sum(t.size for t in s.terms)} rows, {self.generator}",
            f"Jacobian: {s.jac.nnz} entries, lower triangle of the Hessian: {s.hess.nnz}",
        ]
        if s.q:
            lines.append(f"{s.q} auxiliary variables for sums inside functions")
            if (widest := s.lift.widest()) > WIDE:
                lines.append(f"a sum inside a function runs over {widest} variables: its Hessian "
                             "is a dense block, prefer products with vectors")  # fmt: skip
        return "\n".join(lines + self.notes)


def _choose(structure, compile):
    """Return the generator by the rules that depend on the problem only."""
    if compile not in (None, True, "auto") and compile is not False:
        raise ValueError(f"compile must be None, True or 'auto', got {compile!r}")
    if _tiny(structure):
        return "python"
    if compile is True:
        if find_spec("numba") is None:
            raise ImportError("compile=True needs Numba; install numba or use compile='auto'")
        return "numba"
    rows = sum(t.size for t in structure.terms)
    auto = compile == "auto" and rows >= FEWEST_COMPILED_ROWS and find_spec("numba") is not None
    if auto:
        return "numba"
    return "mixed" if _value_operations(structure) <= MOST_VALUE_OPERATIONS else "numpy"


def _tiny(structure):
    """Tell whether f, c and all derivatives together take few operations."""
    total = _value_operations(structure)
    for t in structure.terms:
        if total > MOST_SCALAR_OPERATIONS:
            return False
        total += t.size * (t.pattern.operations() - t.pattern.operations(0))
    return total <= MOST_SCALAR_OPERATIONS


def _value_operations(structure):
    """Return the operations of f and c, infinite where there are auxiliary variables."""
    rows = sum(t.size for t in structure.terms)
    if structure.q or rows > MOST_VALUE_OPERATIONS:
        return inf
    return max(rows, sum(t.size * t.pattern.operations(0) for t in structure.terms))


def _join(parts):
    return np.concatenate(parts) if parts else np.zeros(0)


def _without_constants(terms, cl, cu, theta):
    """Drop constraints without variables; refuse those that no point satisfies.

    Returns
    -------
    terms : list of Term
        With renumbered rows.
    kept : ndarray
        Constraints that stay.
    notes : list of str
    """
    main = [t for t in terms if t.level == 0 and t.rows is not None]
    varies = np.zeros(cl.size, dtype=bool)
    for t in main:
        if t.pattern.nv:
            varies[t.rows] = True
    kept = np.flatnonzero(varies)
    if kept.size == cl.size:
        return terms, kept, []
    structure = Structure(0, cl.size, [t for t in main if not t.pattern.nv], [])
    value = TermEngine(structure, theta, loops=False).cons(np.zeros(0))
    bad = ~varies & ~((value >= cl - CONSTANT_TOLERANCE) & (value <= cu + CONSTANT_TOLERANCE))
    if bad.any():
        k = int(np.argmax(bad))
        raise ProblemError(
            f"constraint {k} has no variables and its value {value[k]} is not in [{cl[k]}, {cu[k]}]"
        )
    number = np.cumsum(varies) - 1
    out = [t for t in terms if not any(t is s for s in main)]
    for t in main:
        keep = np.flatnonzero(varies[t.rows])
        if keep.size:
            out.append(t.restricted(keep, number[t.rows[keep]]))
    dropped = np.flatnonzero(~varies).tolist()
    return out, kept, [f"constraints {dropped} have no variables and hold: dropped"]
