"""Parts 2 and 3 of a file: the functions of element types and group types.

Cards of these parts: ``T`` opens a type; ``R`` gives a row of the matrix W of internal variables;
``A`` assigns an expression to a name, ``I`` and ``E`` do so where a logical name is true or false;
``F`` is the value, ``G`` a first and ``H`` a second derivative. A ``+`` continues an expression.
"""

from dataclasses import dataclass, field

from numopt.core.errors import SifError
from numopt.cutest.cards import Card
from numopt.cutest.fields import FieldError, number
from numopt.cutest.fortran import parse

MOST_CONTINUATIONS = 19
_DECLARED = {"R": "double", "I": "integer", "L": "logical", "M": "intrinsic", "F": "external"}

# Names that the nine files with stray declarations after ELEMENTS leave there.
_STRAY = ("EV", "IV", "EP")


@dataclass
class Statement:
    """``target = tree``, everywhere or where the logical `condition` equals `wanted`."""

    target: str
    tree: tuple
    condition: str = ""
    wanted: bool = True
    card: Card | None = None


@dataclass
class Formula:
    """The expression of an F, G or H card, which comes after that many statements."""

    tree: tuple
    after: int
    card: Card


@dataclass
class Routine:
    """The function of one type.

    Attributes
    ----------
    name, file : str
        Names of the type, and of the file in messages.
    card : Card or None
        The T card.
    statements : list of Statement
    rows : dict
        Per internal variable its row of W: coefficients by elemental variable.
    value : Formula or None
        Of the F card.
    gradient, hessian : dict
        Of the G and H cards by the names on them, in capitals; `()` in part 3.
    """

    name: str
    file: str = ""
    card: Card | None = None
    statements: list = field(default_factory=list)
    rows: dict = field(default_factory=dict)
    value: Formula | None = None
    gradient: dict = field(default_factory=dict)
    hessian: dict = field(default_factory=dict)

    def refusal(self, reason, expected):
        """Return the error that something is wrong with this function."""
        line, text = (self.card.line, self.card.text) if self.card else (0, "")
        return SifError(reason, self.file, line, text, expected)


@dataclass
class Library:
    """The functions of part 2 or of part 3.

    Attributes
    ----------
    routines : dict
        By the name of the type.
    declared : dict
        What the names of TEMPORARIES hold, in capitals.
    common : list of Statement
        Of GLOBALS, before those of every type.
    file : str
        Name in messages.
    """

    file: str = ""

    routines: dict = field(default_factory=dict)
    declared: dict = field(default_factory=dict)
    common: list = field(default_factory=list)


def read_library(cards, file=""):
    """Return the `Library` of part 2 or 3.

    Raises
    ------
    SifError
        For cards and expressions that cannot be understood.
    """
    return _Reader(file).read(cards)


_NOWHERE = Routine("")


class _Reader:
    def __init__(self, file):
        self.library, self.routine = Library(file), _NOWHERE
        self.sections = {
            "ELEMENTS": self._stray, "GROUPS": self._stray, "TEMPORARIES": self._temporary,
            "GLOBALS": self._global, "INDIVIDUALS": self._individual,
        }  # fmt: skip

    def read(self, cards):
        section = self._stray
        for card, expression in self._joined(cards):
            try:
                if card.section:
                    section = self._section(card.section)
                else:
                    section(card, expression)
            except FieldError as error:
                raise self._error(card, error) from None
        return self.library

    def _error(self, card, error):
        return SifError(error.reason, self.library.file, card.line, card.text, error.expected)

    def _joined(self, cards):
        """Return pairs (card, expression), continuations joined."""
        out = []
        for card in cards:
            if card.code.endswith("+"):
                if not out or out[-1][0].code != card.code[0]:
                    raise self._error(card, FieldError("nothing to continue", card.code[0]))
                out[-1][1].append(card.f7)
                if len(out[-1][1]) > MOST_CONTINUATIONS + 1:
                    raise self._error(card, FieldError("too many continuations", "a shorter one"))
            else:
                out.append((card, [card.f7]))
        return [(card, "".join(pieces)) for card, pieces in out]

    def _section(self, keyword):
        if keyword not in self.sections:
            raise FieldError(f"unknown section {keyword!r}", "TEMPORARIES, GLOBALS, INDIVIDUALS")
        return self.sections[keyword]

    # -- cards -------------------------------------------------------------------------------

    def _stray(self, card, expression):
        if card.code not in _STRAY:
            raise FieldError(f"unknown card {card.code!r}", "a section")

    def _temporary(self, card, expression):
        if card.code not in _DECLARED:
            raise FieldError(f"unknown card {card.code!r}", " ".join(_DECLARED))
        self.library.declared[card.f2.strip().upper()] = _DECLARED[card.code]

    def _statement(self, card, expression):
        if card.code == "A":
            return Statement(_word(card.f2), parse(expression), card=card)
        return Statement(
            _word(card.f3), parse(expression), _word(card.f2), card.code == "I", card=card
        )

    def _global(self, card, expression):
        if card.code not in ("A", "I", "E"):
            raise FieldError(f"unknown card {card.code!r}", "A, I or E")
        self.library.common.append(self._statement(card, expression))

    def _individual(self, card, expression):
        if card.code == "T":
            self.routine = Routine(card.f2, self.library.file, card)
            self.library.routines[card.f2] = self.routine
            return
        if self.routine is _NOWHERE:
            raise FieldError("a card before the first type", "T")
        handler = {
            "R": self._row, "F": self._value, "G": self._derivative, "H": self._derivative,
            "A": self._assignment, "I": self._assignment, "E": self._assignment,
        }.get(card.code)  # fmt: skip
        if handler is None:
            raise FieldError(f"unknown card {card.code!r}", "T R A I E F G H")
        handler(card, expression)

    def _row(self, card, expression):
        row = self.routine.rows.setdefault(card.f2, {})
        for name, value in ((card.f3, card.f4), (card.f5, card.f6)):
            if name:
                row[name] = row.get(name, 0.0) + number(value)

    def _value(self, card, expression):
        self.routine.value = self._formula(card, expression)

    def _derivative(self, card, expression):
        names = tuple(_word(name) for name in (card.f2, card.f3) if name)
        store = self.routine.gradient if card.code == "G" else self.routine.hessian
        store[names] = self._formula(card, expression)

    def _formula(self, card, expression):
        return Formula(parse(expression), len(self.routine.statements), card)

    def _assignment(self, card, expression):
        self.routine.statements.append(self._statement(card, expression))


def _word(name):
    return name.strip().upper()
