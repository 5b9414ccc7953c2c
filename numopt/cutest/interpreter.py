"""Execution of part 1: cards one after the other, loops compiled once into closures."""

from numopt.core.errors import SifError
from numopt.cutest.fields import FieldError
from numopt.cutest.parameters import CODES, compile_parameter

DEEPEST_LOOP = 3

# A million variables with fifty cards each, about a minute.
MOST_CARDS = 50_000_000


class Interpreter:
    """Runs the cards of part 1.

    Parameters
    ----------
    scope : Scope
    sections : callable
        ``sections(keyword)`` returns the compiler of the section's cards, which turns a card into
        a function without arguments; KeyError for unknown keywords.
    given : callable
        See `numopt.cutest.parameters.compile_parameter`.
    file : str
        Name in messages.
    """

    def __init__(self, scope, sections, given, file=""):
        self.scope, self.sections, self.given, self.file = scope, sections, given, file
        self.executed = 0

    def run(self, cards):
        """Execute all cards.

        Raises
        ------
        SifError
            With the card that cannot be understood or executed.
        """
        compiler, at, end = self._no_section, 0, len(cards)
        while at < end:
            card = cards[at]
            if card.section:
                compiler = self._section(card)
                at += 1
            elif card.code == "DO":
                operation, at = self._loop(cards, at, compiler, 1)
                self._execute([(operation, card)])
            else:
                self._execute([(self._compiled(card, compiler), card)])
                at += 1

    def _section(self, card):
        try:
            return self.sections(card.section)
        except KeyError:
            raise self._error(card, f"unknown section {card.section!r}", "a section") from None

    def _no_section(self, card):
        raise FieldError("a data card before the first section", "VARIABLES or GROUPS")

    def _error(self, card, reason, expected=""):
        return SifError(reason, self.file, card.line, card.text, expected)

    def _compiled(self, card, compiler):
        try:
            if card.code in CODES:
                return compile_parameter(card, self.scope, self.given)
            return compiler(card)
        except FieldError as error:
            raise self._error(card, error.reason, error.expected) from None

    # -- loops -------------------------------------------------------------------------------

    def _loop(self, cards, at, compiler, depth):
        """Return a function that carries out the loop at a DO card, and where it ends."""
        head = cards[at]
        if depth > DEEPEST_LOOP:
            raise self._error(head, f"loops are nested deeper than {DEEPEST_LOOP}")
        step, body, at = None, [], at + 1
        while at < len(cards) and not cards[at].section:
            card = cards[at]
            if card.code == "ND":
                # closes all open loops: the outer ones look at this card again
                return self._looping(head, step, body), at + (depth == 1)
            if card.code == "OD":
                return self._looping(head, step, body), at + 1
            if card.code == "DI":
                step = card.f3
                at += 1
            elif card.code == "DO":
                operation, at = self._loop(cards, at, compiler, depth + 1)
                body.append((operation, card))
            else:
                body.append((self._compiled(card, compiler), card))
                at += 1
        raise self._error(head, "the loop is not closed in its section", "OD or ND")

    def _looping(self, head, step, body):
        integers, execute = self.scope.integers, self._execute
        name, first, last = head.f2, head.f3, head.f5

        def loop():
            by = 1 if step is None else integers[step]
            stop = integers[last] + (1 if by > 0 else -1)
            # The official decoder skips a loop whose increment is zero.
            values = range(integers[first], stop, by) if by else ()
            self._spend(len(values) * (len(body) + 1))
            for value in values:
                integers[name] = value
                execute(body)

        return loop

    def _spend(self, amount):
        self.executed += amount
        if self.executed > MOST_CARDS:
            raise FieldError(f"loops execute more than {MOST_CARDS} cards", "smaller parameters")

    def _execute(self, body):
        card = None
        try:
            for operation, card in body:  # noqa: B007 - the card is for messages
                operation()
        except FieldError as error:
            raise self._error(card, error.reason, error.expected) from None
        except KeyError as error:
            reason = f"the name {error.args[0]!r} is not known here"
            raise self._error(card, reason, "a name defined above") from None
        except (ValueError, ArithmeticError) as error:
            if isinstance(error, SifError):
                raise
            raise self._error(card, f"the value is undefined ({error})") from None
