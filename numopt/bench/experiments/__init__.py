"""Experiments of the papers, one module each, whose ``rows()`` yields the lines of its report."""

from importlib import import_module
from pkgutil import iter_modules

from numopt.core.errors import OptionError
from numopt.core.solver import suggestion


def experiment_names():
    """Return the names that `find_experiment` takes, sorted."""
    return sorted(module.name for module in iter_modules(__path__))


def find_experiment(name, what="rows"):
    """Return the function ``rows() -> iterator of str`` of the experiments of that name.

    Or, with `what` "figures", the function ``figures(folder) -> iterator of str`` that draws them
    and yields the names of the files.

    Raises
    ------
    OptionError
        For an unknown name, with the list of them, and for experiments without figures.
    """
    names = experiment_names()
    if name not in names:
        hint = suggestion(name, names)
        raise OptionError(f"unknown experiments {name!r}.{hint} Experiments: {', '.join(names)}.")
    function = getattr(import_module(f"{__name__}.{name}"), what, None)
    if function is None:
        raise OptionError(f"the experiments {name!r} have no {what}")
    return function
