"""What a method is: frozen options with `init`, `step` and `report`; and the table of methods."""

from dataclasses import dataclass, fields
from difflib import get_close_matches
from math import inf, isnan
from typing import Any, ClassVar, Literal, NamedTuple, get_args, get_origin, get_type_hints

from numopt.core.errors import OptionError, UnsupportedError

METHODS: dict[str, type["Solver"]] = {}
ALIASES = {"maxfev": "maxfun"}


class Iterate(NamedTuple):
    """What a method reports of one iteration; numbers on the host.

    Attributes
    ----------
    x : array, shape (n,)
        Current point.
    fun, optimality, violation : float
        Objective, the method's stated measure, largest violation of a constraint.
    scalars : dict
        The method's own columns of the history.
    fields : callable or None
        Returns the method's own fields of the result; called only when a result is built.
    """

    x: Any
    fun: float
    optimality: float
    violation: float = 0.0
    scalars: dict[str, float] = {}  # noqa: RUF012 - never written to
    fields: Any = None


@dataclass(frozen=True, kw_only=True)
class Solver:
    """Base of all methods: the options that each of them has, and the protocol.

    Parameters
    ----------
    tol : float
        Tolerance of the method's stated measure and of feasibility.
    maxiter : int
        Largest number of iterations; 0 evaluates the start point only.
    maxfun : float
        Largest number of evaluations of the objective (and of the constraints), never exceeded.
    maxtime : float
        Seconds; checked before each evaluation.
    target : float
        Stop at a feasible point with an objective at or below this value.
    disp : int
        Print a line every `disp` iterations; 0 prints nothing.
    on_error : {"raise", "nan"}
        An exception in a user's function ends the run, or counts as NaN; then one RuntimeWarning
        tells, and 20 in a row end the run.
    on_interrupt : {"raise", "return"}
        Ctrl-C passes through, with the result so far attached as ``numopt_result``, or ends the
        run with the status INTERRUPTED.
    check_derivatives : {"no", "once", "full"}
        Compare the derivatives with differences near the start point: along two directions, or
        entry by entry.
    strict_x0, deterministic_check : bool
        Refuse a start point outside the bounds instead of moving it; call the objective twice at
        the start point and refuse one that answers differently. The evaluations for this and for
        `check_derivatives` are outside the run: neither counted nor limited.

    Notes
    -----
    A subclass names itself in `name` and thereby enters the table of methods. It implements

    ``init(problem, x0, run) -> state``, ``step(problem, state, run) -> state`` and
    ``report(problem, state, run) -> Iterate``;

    stopping, counting, callbacks, history and messages are the loop's work.
    """

    name: ClassVar[str] = ""
    measure: ClassVar[str] = "optimality"
    certificate: ClassVar[str | None] = None
    problems: ClassVar[tuple[str, ...]] = ("nlp",)
    accepts: ClassVar[frozenset[str]] = frozenset()
    backends: ClassVar[tuple[str, ...]] = ("numpy",)
    reference: ClassVar[str] = ""
    needs_x0: ClassVar[bool] = True  # without one, some methods draw a point of a finite box

    tol: float = 1e-6
    maxiter: int = 1000
    maxfun: float = inf
    maxtime: float = inf
    target: float = -inf
    disp: int = 0
    on_error: Literal["raise", "nan"] = "raise"
    on_interrupt: Literal["raise", "return"] = "raise"
    check_derivatives: Literal["no", "once", "full"] = "no"
    strict_x0: bool = False
    deterministic_check: bool = False

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if cls.__dict__.get("name"):
            METHODS[cls.name] = cls

    def __post_init__(self):
        for option in fields(self):
            if getattr(self, option.name) is not option.default:
                self._check_type(option.name, _option_types(type(self))[option.name])
        self.require(self.tol > 0, "tol", "must be > 0")
        self.require(self.maxiter >= 0, "maxiter", "must be >= 0")
        self.require(self.maxfun >= 1, "maxfun", "must be >= 1")
        self.require(self.maxtime >= 0, "maxtime", "must be >= 0")

    def require(self, ok, option, rule):
        """Raise `OptionError` naming method, option, rule and value, unless `ok`."""
        if not ok:
            value = getattr(self, option)
            raise OptionError(f"method {self.name!r}: `{option}` {rule}, got {value!r}")

    def _check_type(self, option, kind):
        value = getattr(self, option)
        if get_origin(kind) is Literal:
            choices = get_args(kind)
            self.require(
                value in choices, option, f"must be one of {', '.join(map(repr, choices))}"
            )
        elif kind is float:
            number = isinstance(value, (int, float)) or hasattr(value, "__float__")
            self.require(number and not isnan(float(value)), option, "must be a number")
            object.__setattr__(self, option, float(value))
        elif kind is int:
            whole = hasattr(value, "__index__") or (isinstance(value, float) and value.is_integer())
            self.require(whole, option, "must be a whole number")
            object.__setattr__(self, option, int(value))
        elif kind is bool:
            self.require(
                isinstance(value, (bool, int)) and value in (0, 1), option, "must be a bool"
            )

    # -- the protocol ------------------------------------------------------------------------

    def init(self, problem, x0, run):
        """Return the first state."""
        raise NotImplementedError

    def step(self, problem, state, run):
        """Return the next state; raise `Stop` when no next one exists."""
        raise NotImplementedError

    def report(self, problem, state, run):
        """Return the `Iterate` that this state stands for."""
        raise NotImplementedError

    def verify(self, problem, it):
        """Return (fun, optimality, violation) of an iterate, recomputed from the problem itself."""
        return it.fun, it.optimality, it.violation

    def concluded(self, problem, it, run):
        """Return fields of the final result only; may add to ``run.remarks``."""
        return {}

    # -- checks and conveniences -------------------------------------------------------------

    @property
    def like(self) -> Any:
        """An option that is an array like those of the user's functions, or None."""
        return None

    def check(self, problem):
        """Raise `UnsupportedError` unless this method can solve the problem."""
        features = problem.features() if hasattr(problem, "features") else set()
        missing = sorted(features - self.accepts)
        if problem.kind in self.problems and not missing:
            return
        able = [
            n for n, c in METHODS.items() if problem.kind in c.problems and features <= c.accepts
        ]
        what = f"problems of class {type(problem).__name__}"
        if problem.kind in self.problems:
            what = " and ".join(missing)
        raise UnsupportedError(
            f"method {self.name!r} cannot handle {what}. "
            f"Methods that can: {', '.join(able) or 'none'}."
        )

    def __call__(self, fun, x0, args=(), **kwargs):
        """Minimise by this method: the calling convention of SciPy's ``method=<callable>``."""
        from numopt.scipy_like import called_by_scipy

        return called_by_scipy(self, fun, x0, args, **kwargs)


def _option_types(cls, _cache={}):  # noqa: B006 - a cache
    if cls not in _cache:
        _cache[cls] = get_type_hints(cls)
    return _cache[cls]


def get_method(name):
    """Return the class of a method by its name, in any case.

    Raises
    ------
    ValueError
        For an unknown name, with the nearest one.
    """
    try:
        return METHODS[name.lower()]
    except KeyError:
        hint = suggestion(name.lower(), METHODS)
        names = ", ".join(sorted(METHODS))
        raise OptionError(f"unknown method {name!r}.{hint} Methods: {names}.") from None


def get_solver(method, options=None, tol=None):
    """Return the frozen solver that a name, a class or an instance with options stands for.

    Raises
    ------
    OptionError
        For an unknown option, a wrong type or a value out of range.
    """
    options = {ALIASES.get(k, k): value for k, value in dict(options or {}).items()}
    if tol is not None:
        options.setdefault("tol", tol)
    if isinstance(method, Solver):
        base = {f.name: getattr(method, f.name) for f in fields(method)}
        cls, options = type(method), base | options
    elif isinstance(method, type) and issubclass(method, Solver):
        cls = method
    elif isinstance(method, str):
        cls = get_method(method)
    else:
        raise OptionError(
            f"`method` must be a name, a solver class or a solver, got {type(method).__name__}"
        )
    names = [f.name for f in fields(cls)]
    for key in options:
        if key not in names:
            hint = suggestion(key, names)
            raise OptionError(
                f"method {cls.name!r} has no option {key!r}.{hint} Options: {', '.join(names)}."
            )
    return cls(**options)  # pyright: ignore


def suggestion(word, words):
    """Return " Did you mean 'x'?" for the nearest of the words, or an empty string."""
    near = get_close_matches(str(word), list(words), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
