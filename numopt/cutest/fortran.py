"""Expressions of Fortran 77: from text to trees.

A tree is a tuple whose first entry names the node:

    ("number", text)                      ("name", NAME)
    ("logical", bool)                     ("call", NAME, tree, ...)
    (operator, tree, tree)                ("neg", tree)    ("not", tree)

with the operators ``add sub mul div pow lt le gt ge eq ne and or``. Names are in capitals.
Blanks have no meaning in Fortran and are dropped first.
"""

import re

from numopt.cutest.fields import FieldError

# Beyond these an expression is no formula that anybody has written.
LONGEST = 4_000
DEEPEST = 100

_TOKEN = re.compile(
    r"(?P<number>(?:\d+(?:\.(?![A-Z]+\.)\d*)?|\.\d+)(?:[ED][+-]?\d+)?)"
    r"|(?P<name>[A-Z_][A-Z0-9_]*)"
    r"|(?P<word>\.[A-Z]+\.)"
    r"|(?P<sign>\*\*|<=|>=|==|/=|[-+*/(),<>])"
)
_WORDS = {
    ".LT.": "lt", ".LE.": "le", ".GT.": "gt", ".GE.": "ge", ".EQ.": "eq", ".NE.": "ne",
    ".AND.": "and", ".OR.": "or", ".NOT.": "not", ".EQV.": "eqv", ".NEQV.": "neqv",
    "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "/=": "ne",
    "+": "add", "-": "sub", "*": "mul", "/": "div", "**": "pow",
}  # fmt: skip

# Binding power to the left; what stands to the right of a binary operator binds at least one
# stronger, but for the power, which associates to the right.
_STRENGTH = {
    "eqv": 1, "neqv": 1, "or": 2, "and": 3,
    "lt": 5, "le": 5, "gt": 5, "ge": 5, "eq": 5, "ne": 5,
    "add": 6, "sub": 6, "mul": 7, "div": 7, "pow": 9,
}  # fmt: skip
_NOT, _SIGN = 4, 6


def parse(text):
    """Return the tree of an expression.

    Raises
    ------
    FieldError
        For what is no expression, and beyond the limits on length and depth.
    """
    if len(text) > LONGEST:
        raise FieldError(f"an expression of {len(text)} characters", f"at most {LONGEST}")
    parser = _Parser(_tokens("".join(text.split()).upper()))
    tree = parser.expression(0, 0)
    if parser.at < len(parser.tokens) - 1:
        raise FieldError(f"{parser.text!r} after the end of the expression", "an operator")
    return tree


def _tokens(text):
    tokens, at = [], 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise FieldError(f"{text[at]!r} has no meaning in an expression", "an expression")
        kind, word = found.lastgroup, found.group()
        if kind in ("word", "sign") and word in _WORDS:
            kind = "operator"
        tokens.append((kind, word))
        at = found.end()
    return [*tokens, ("end", "")]


class _Parser:
    """Operator precedence, with a limit on the depth."""

    def __init__(self, tokens):
        self.tokens, self.at = tokens, 0

    @property
    def text(self):
        return self.tokens[self.at][1]

    def _next(self):
        token = self.tokens[self.at]
        self.at += 1
        return token

    def expression(self, strength, depth):
        """Return the tree of all that binds at least as strongly as `strength`."""
        if depth > DEEPEST:
            raise FieldError(f"parentheses are nested deeper than {DEEPEST}", "a simpler formula")
        left = self._operand(depth)
        while self.tokens[self.at][0] == "operator":
            operator = _WORDS[self.text]
            power = _STRENGTH.get(operator, -1)
            if power < max(strength, 0):
                break
            self.at += 1
            right = self.expression(power + (operator != "pow"), depth + 1)
            left = operator, left, right
        return left

    def _operand(self, depth):
        kind, text = self._next()
        if kind == "number":
            return "number", text
        if kind == "name":
            return self._call(text, depth) if self.text == "(" else ("name", text)
        if text in ("+", "-"):
            tree = self.expression(_SIGN + 1, depth + 1)
            return tree if text == "+" else ("neg", tree)
        if text == ".NOT.":
            return "not", self.expression(_NOT, depth + 1)
        if text in (".TRUE.", ".FALSE."):
            return "logical", text == ".TRUE."
        if text == "(":
            tree = self.expression(0, depth + 1)
            self._expect(")")
            return tree
        raise FieldError(f"{text or 'the end'!r} stands where a value should", "a value")

    def _call(self, name, depth):
        self.at += 1
        arguments = [self.expression(0, depth + 1)]
        while self.text == ",":
            self.at += 1
            arguments.append(self.expression(0, depth + 1))
        self._expect(")")
        return "call", name, *arguments

    def _expect(self, text):
        _, found = self._next()
        if found != text:
            raise FieldError(f"{found or 'the end'!r} in an expression", repr(text))
