"""What the compilers of all sections share: reading the fields of a card.

A card with ``Z`` in front takes its value from the real parameter of field 5, all others from the
numbers in fields 4 and 6, where nothing means zero. Names on ``X``, ``Z`` and ``D`` cards may be
array names.
"""

from numopt.cutest.fields import FieldError, constant, number

PREFIXES = ("X", "Z", "D")

# The name that stands for all variables, groups or elements not named otherwise.
DEFAULT = "'DEFAULT'"


class Reader:
    """Reads fields of cards into functions without arguments.

    Parameters
    ----------
    data : Data
    scope : Scope
    """

    def __init__(self, data, scope):
        self.data, self.scope = data, scope

    def name(self, card, field):
        """Return a function for the name in a field."""
        return self.scope.name(field, has_arrays(card))

    def value(self, card, default=0.0):
        """Return a function for the one value of a card."""
        if card.code[:1] == "Z":
            return self.scope.real(card.f5, array=True)
        return _number(card.f4, default)

    def pairs(self, card, default=0.0):
        """Return pairs of functions (name, value): of fields 3 and 4, of fields 5 and 6."""
        if not card.f3:
            return []
        pairs = [(self.name(card, card.f3), self.value(card, default))]
        if card.f5 and card.code[:1] != "Z":
            pairs.append((self.name(card, card.f5), _number(card.f6, default)))
        return pairs


def has_arrays(card):
    """Tell whether names on a card may be array names."""
    return card.code[:1] in PREFIXES


def letter(card, allowed):
    """Return the letter of a card without its prefix.

    Raises
    ------
    FieldError
        If the section knows no such card.
    """
    code = card.code
    rest = code[1:] if code[:1] in PREFIXES else code
    if rest not in allowed:
        kinds = ", ".join(kind or "blank" for kind in allowed)
        raise FieldError(f"unknown card {code!r}", f"{kinds}; perhaps after X or Z")
    return rest


def _number(field, default):
    return constant(number(field) if field else default)


def nothing():
    """Do nothing."""
