"""What all sources of problems share: select by what is known of them, look up, iterate."""

import warnings
from dataclasses import dataclass
from difflib import get_close_matches

from numopt.core.errors import SifError
from numopt.cutest.header import Header, degree, matches

KINDS = ("unconstrained", "bound", "equality", "inequality", "mixed")


@dataclass(frozen=True)
class Entry:
    """One problem of a catalogue; sizes and kind are those at the default parameters.

    Attributes
    ----------
    name : str
    header : Header
        What is known without building the problem.
    owner : Catalogue
    """

    name: str
    header: Header
    owner: "Catalogue"

    note = ""
    classification = property(lambda self: self.header.classification)
    source = property(lambda self: self.header.source)
    params = property(lambda self: self.header.params)
    alternatives = property(lambda self: self.header.alternatives)

    def _fact(self, key):
        return self.owner.facts(self.name)[key]

    n = property(lambda self: self._fact("n"), doc="Number of variables.")
    m = property(lambda self: self._fact("m"), doc="Number of constraints.")
    kind = property(lambda self: self._fact("kind"), doc="One of `KINDS`.")

    @property
    def f_best(self):
        """Optimal value that is quoted; None where parameters leave open for which size."""
        return None if self.params else self._fact("f_opt_quoted")

    @property
    def digest(self):
        """Hash of the file and of the code that reads it."""
        return self.owner.digest(self.name)


class Catalogue:
    """Problems by name; iteration gives the names, ``len`` their number.

    Subclasses define ``header(name)``, ``facts(name)``, ``digest(name)`` and
    ``load(name, **params)``.

    Parameters
    ----------
    known : container of str
        The names, in order.
    where : str
        Where the problems come from, for messages.

    Attributes
    ----------
    errors : dict
        Why problems that could not be read could not, by name, as far as they have been tried.
    """

    def __init__(self, known, where):
        self._known, self.where, self.errors = known, where, {}

    def __len__(self):
        return len(self._known)

    def __iter__(self):
        return iter(self._known)

    def __contains__(self, name):
        return name in self._known

    def names(
        self, kind=None, max_n=None, *, min_n=None, min_m=None, max_m=None,
        classification=None, degree=None,
    ):  # fmt: skip
        """Return the names of the problems that fit all conditions.

        Parameters
        ----------
        kind : str or sequence of str, optional
            Out of `KINDS`: ``"unconstrained"``, ``"bound"`` (bounds only), ``"equality"``,
            ``"inequality"`` or ``"mixed"`` constraints.
        min_n, max_n, min_m, max_m : int, optional
            Limits on the number of variables and of constraints.
        classification : str, optional
            Pattern such as ``"QLR2-AN-*"``: ``*`` is any text, ``?`` any letter.
        degree : int, optional
            Degree of the derivatives that the classification promises.

        Raises
        ------
        ValueError
            For an unknown kind.

        Warns
        -----
        UserWarning
            If `kind` or sizes are asked for and problems cannot be read; see `errors`.

        Notes
        -----
        Sizes and kind are those at the default parameters. For files they are found by decoding,
        since many classifications leave them open and some are wrong; each file is decoded once and
        its facts are remembered.
        """
        kinds = _kinds(kind)
        chosen = list(self)
        if classification is not None or degree is not None:
            entries = map(self.entry, self)
            chosen = [e.name for e in entries if _fits(e, classification, degree)]
        limits = {"n": (min_n, max_n), "m": (min_m, max_m)}
        if kinds is None and all(limit == (None, None) for limit in limits.values()):
            return chosen
        facts = self._all_facts(chosen)
        return [
            name for name, row in facts.items()
            if (kinds is None or row["kind"] in kinds)
            and all(_within(row[key], *limit) for key, limit in limits.items())
        ]  # fmt: skip

    def entry(self, name):
        """Return the `Entry` of a problem.

        Raises
        ------
        KeyError
            For an unknown name, with the nearest ones.
        """
        if name not in self:
            near = get_close_matches(str(name).upper(), list(self), n=3)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise KeyError(f"no problem {name!r} in {self.where}{hint}")
        return Entry(name, self.header(name), self)

    def header(self, name):
        """Return the `Header` of a problem."""
        raise NotImplementedError

    def facts(self, name):
        """Return ``n, m, kind, f_opt_quoted`` at the default parameters, as a dictionary."""
        raise NotImplementedError

    def digest(self, name):
        """Return a hash of what defines a problem."""
        raise NotImplementedError

    def _all_facts(self, names):
        """Return the facts by name of all files that can be decoded."""
        found, failed = {}, []
        for name in names:
            try:
                found[name] = self.facts(name)
            except SifError as error:
                self.errors[name] = error
                failed.append(name)
        if failed:
            message = f"cannot be read, see `errors`: {', '.join(failed)}"
            warnings.warn(message, UserWarning, stacklevel=3)
        return found


def kind_of(problem):
    """Return one of `KINDS`, by the constraints and bounds of a problem."""
    features = problem.features()
    if {"eq", "ineq"} <= features:
        return "mixed"
    if "eq" in features:
        return "equality"
    if "ineq" in features:
        return "inequality"
    return "bound" if "bounds" in features else "unconstrained"


def _kinds(kind):
    kinds = None if kind is None else (kind,) if isinstance(kind, str) else tuple(kind)
    unknown = [k for k in kinds or () if k not in KINDS]
    if unknown:
        raise ValueError(f"`kind` must be among {', '.join(KINDS)}, got {unknown[0]!r}")
    return kinds


def _fits(entry, pattern, wanted):
    fits = pattern is None or matches(entry.classification, pattern)
    return fits and (wanted is None or degree(entry.classification) == wanted)


def _within(value, low, high):
    return (low is None or value >= low) and (high is None or value <= high)
