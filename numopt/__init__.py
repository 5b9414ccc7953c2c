"""numopt: classical numerical optimisation behind one SciPy-style door.

>>> import numopt
>>> res = numopt.minimize(lambda x: (x[0] - 1)**2 + (x[1] + 2)**2, [0.0, 0.0])
>>> res.success
True
"""

from importlib import import_module
from typing import Any

from numopt._version import __version__

# Where each public name lives; a module is imported when one of its names is first used.
_HOMES = {
    "numopt.front": ("minimize", "solve", "iterate", "methods"),
    "numopt.paths": ("path",),
    "numopt.core.result": ("OptimizeResult",),
    "numopt.core.status": ("Status",),
    "numopt.core.errors": (
        "ConvergenceWarning",
        "DerivativeError",
        "InputTypeError",
        "NotConverged",
        "NumoptError",
        "OptionError",
        "ProblemError",
        "SifError",
        "Stop",
        "SymbolicError",
        "UnsupportedError",
        "WorkerError",
    ),
    "numopt.core.solver": ("Iterate", "Solver"),
    "numopt.models.nlp": ("NLP",),
    "numopt.models.callable_nlp": ("CallableNLP", "LinearRows", "NonlinearRows"),
    "numopt.models.composite": ("Composite",),
    "numopt.models.losses": ("LeastSquares", "Logistic", "Multinomial", "Huber", "Poisson"),
    "numopt.models.quadratic_form": ("QuadForm", "LabelPropagation"),
    "numopt.models.penalties": (
        "L1",
        "BoxConstraint",
        "ElasticNet",
        "GroupL2",
        "MCP",
        "MultiTask",
        "NonNegativeL1",
        "SCAD",
        "Separable",
        "SparseGroup",
        "UserProx",
    ),
    "numopt.models.separable": ("PartiallySeparable",),
    "numopt.models.barycenter": ("Barycenter",),
    "numopt.models.factorisation": (
        "DictionaryLearning",
        "MatrixCompletion",
        "NonnegativeFactorisation",
    ),
    "numopt.models.finite_sum": ("FiniteSum", "Term"),
    "numopt.models.games": ("MatrixGame",),
    "numopt.models.geometry": ("PointCloud",),
    "numopt.models.inclusion": ("Inclusion",),
    "numopt.models.linear_program": ("LinearProgram",),
    "numopt.models.saddle": ("SaddlePoint",),
    "numopt.models.supervised_dictionary": ("SupervisedDictionary",),
    "numopt.models.transport": ("Transport",),
    "numopt.models.bilevel": ("Bilevel",),
    "numopt.models.bilevel_rows": ("AffineRows",),
    "numopt.models.preference": ("Preference",),
    "numopt.models.atomic_sets": ("KSparsePolytope", "L1Ball", "NuclearBall", "Spectrahedron"),
    "numopt.models.sets": ("Affine", "Ball", "Box", "CvxSet", "Halfspaces", "Simplex"),
    "numopt.models.derivatives": ("check_derivatives",),
    "numopt.solvers.alternating": ("Alternating",),
    "numopt.solvers.bcd": ("BCD",),
    "numopt.solvers.cbo": ("CBO",),
    "numopt.solvers.gradient_newton": ("GradientNewton",),
    "numopt.solvers.inclusions": ("Extragradient", "HalpernVR", "RHPDHG"),
    "numopt.solvers.sketched_newton": ("SketchedNewton",),
    "numopt.solvers.transport": ("SNS", "Sinkhorn", "SparseOT"),
    "numopt.solvers.zeroth_order": ("ZerothOrder",),
    "numopt.solvers.bilevel": ("BAMM", "F2SA", "F3SA", "Implicit", "KKTReplacement", "LVHBA"),
}
_SUBMODULES = ("bench", "cutest", "models", "plot", "problems", "sklearn", "solvers")
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME_OF)]  # pyright: ignore


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        value = getattr(import_module(_HOME_OF[name]), name)
        globals()[name] = value
        return value
    if name in _SUBMODULES:
        return import_module(f"numopt.{name}")
    raise AttributeError(f"module 'numopt' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_HOME_OF, *_SUBMODULES])
