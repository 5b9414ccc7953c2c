"""Parameters that a file offers for change: sizes, mostly, with alternatives in comments.

*IE N                   10             $-PARAMETER
IE N                   100            $-PARAMETER
"""

import re
import warnings
from numbers import Real

from numopt.core.errors import SifError
from numopt.cutest.fields import FieldError, number

MARK = "$-PARAMETER"
OFFER = re.compile(r"[ *][IRA]E (.{10}).{10}([^$]{1,15})\$-PARAMETER")


class Sizes:
    """The parameters that a file offers, and the values that the caller wants.

    Parameters
    ----------
    parts : Parts
    wanted : dict
    file : str
        Name in messages.

    Attributes
    ----------
    values : dict
        Values in force, filled while the cards are executed.
    listed : dict
        Values that the file lists, by name.

    Raises
    ------
    SifError
        If a wanted parameter is not offered, or is no number.

    Warns
    -----
    UserWarning
        For wanted values that the file does not list.
    """

    def __init__(self, parts, wanted, file):
        self.wanted, self.values, self.listed = wanted, {}, {}
        texts = [card.text for card in parts.data] + [line for _, line in parts.comments]
        for text in texts:
            if MARK in text:
                self._list(text)
        for name, value in wanted.items():
            self._check(name, value, file)

    def _list(self, text):
        found = OFFER.match(text)
        try:
            if found is not None:
                values = self.listed.setdefault(found.group(1).strip(), [])
                values.append(number(found.group(2)))
        except FieldError:
            pass  # a comment; a card is refused when it is executed

    def _check(self, name, value, file):
        if name not in self.listed:
            known = ", ".join(self.listed) or "none"
            raise SifError(f"there is no parameter {name!r}; parameters: {known}", file)
        if not isinstance(value, Real) or value - value != 0:
            raise SifError(f"the parameter {name!r} cannot be {value!r}", file, expected="a number")
        listed = self.listed[name]
        if value not in listed:
            known = ", ".join(f"{v:g}" for v in listed)
            message = f"{name} = {value} is not among the values that the file lists: {known}"
            warnings.warn(message, UserWarning, stacklevel=4)

    def __call__(self, card):
        """Return the value that the caller wants instead of a card's, or None."""
        if MARK not in card.text:
            return None
        value = self.wanted.get(card.f2, number(card.f4))
        value = int(value) if card.code[0] == "I" else float(value)
        self.values[card.f2] = value
        return value
