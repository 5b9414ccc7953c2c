"""Formulas as text: from the nodes of a pattern to cards of parts 2 and 3.

What is used twice, and what would become too long, is assigned to a name first: ``T1, T2, ...``
for numbers, ``L1, L2, ...`` for conditions.
"""

import re
from dataclasses import dataclass, field
from math import isnan

from numopt.core.errors import ProblemError
from numopt.cutest.output import line, literal
from numopt.models.trees import COMPARISONS, CONDITIONS

# Columns of an expression on a card, and the length from which a part of a formula gets a name.
WIDTH = 41
LONGEST = 200

_SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**"}
_FUNCTIONS = {
    "exp": "EXP", "log": "LOG", "sqrt": "SQRT", "sin": "SIN", "cos": "COS", "tan": "TAN",
    "asin": "ASIN", "acos": "ACOS", "atan": "ATAN", "sinh": "SINH", "cosh": "COSH",
    "tanh": "TANH", "abs": "ABS", "atan2": "ATAN2", "trunc": "AINT",
}  # fmt: skip
_TOKEN = re.compile(r"[\d.]+D[+-]?\d+|\*\*|\.[A-Z]+\.|\w+|.")


def expression_cards(code, f2, f3, text):
    """Yield a card that ends with an expression, and its continuations."""
    pieces = [""]
    for token in _TOKEN.findall(bare(text)):
        if len(pieces[-1]) + len(token) > WIDTH:
            pieces.append("")
        pieces[-1] += token
    yield f" {code:<2} {f2:<10}{f3:<10}{pieces[0]}"
    for piece in pieces[1:]:
        yield f" {code}+{'':21}{piece}"


@dataclass
class Names:
    """Names that formulas of one part use, for its TEMPORARIES.

    Attributes
    ----------
    numbers, conditions : int
        Most names of either sort in one type.
    functions : set of str
    """

    numbers: int = 0
    conditions: int = 0
    functions: set = field(default_factory=set)

    def cards(self):
        """Yield the cards that declare them."""
        yield from (line("R", f"T{k + 1}") for k in range(self.numbers))
        yield from (line("L", f"L{k + 1}") for k in range(self.conditions))
        yield from (line("M", function) for function in sorted(self.functions))


class Formulas:
    """The text of a function and its derivatives.

    Parameters
    ----------
    table : Table
    roots : list of int
    leaves : callable
        ``leaves(kind, k)`` returns the text of a leaf.
    names : Names
        Gets what is used.

    Attributes
    ----------
    cards : list of str
        Assignments to names, in order.
    """

    def __init__(self, table, roots, leaves, names):
        self.table, self.leaves, self.names = table, leaves, names
        self.cards, self.text = [], {}
        self.numbers = self.conditions = 0
        order = table.reachable(roots)
        uses = dict.fromkeys(order, 0)
        for a in order:
            for b in self._arguments(a):
                uses[b] += 1
        for a in order:
            self._enter(a, uses[a] > 1)
        names.numbers = max(names.numbers, self.numbers)
        names.conditions = max(names.conditions, self.conditions)

    def __getitem__(self, root):
        """Return the text of a root."""
        return self.text[root]

    def _arguments(self, a):
        op, *arguments = self.table.nodes[a]
        return () if op in ("const", "var", "dat", "par") else arguments

    def _enter(self, a, shared):
        op, *arguments = self.table.nodes[a]
        if op == "const":
            # Nothing stands for what is undefined; see _enter_choice.
            self.text[a] = "" if isnan(arguments[0]) else _signed(literal(arguments[0]))
        elif op in ("var", "dat", "par"):
            self.text[a] = _signed(self.leaves(op, arguments[0]))
        elif op == "where":
            self._enter_choice(a, *arguments)
        else:
            text = self._operation(op, [self.text[b] for b in arguments])
            named = shared or op in CONDITIONS or len(text) > LONGEST
            self.text[a] = self._named(op in CONDITIONS, text) if named else text

    def _operation(self, op, arguments):
        if "" in arguments:
            raise ProblemError("a formula that is undefined everywhere cannot be written")
        if op == "neg":
            return f"(-{arguments[0]})"
        if op in _SIGNS:
            return f"({arguments[0]}{_SIGNS[op]}{arguments[1]})"
        if op == "not":
            return f".NOT.{arguments[0]}"
        if op in COMPARISONS or op in ("and", "or"):
            return f"{arguments[0]}.{op.upper()}.{arguments[1]}"
        if op not in _FUNCTIONS:
            raise ProblemError(f"the function {op!r} cannot be written: Fortran 77 has none such")
        self.names.functions.add(_FUNCTIONS[op])
        return f"{_FUNCTIONS[op]}({','.join(map(bare, arguments))})"

    def _named(self, logical, text):
        name = self._name(logical)
        self.cards += expression_cards("A", name, "", text)
        return name

    def _name(self, logical):
        if logical:
            self.conditions += 1
            return f"L{self.conditions}"
        self.numbers += 1
        return f"T{self.numbers}"

    def _enter_choice(self, a, condition, yes, no):
        """Assign to a name by condition: ``I`` where it holds, ``E`` elsewhere.

        A name to which nothing is assigned is undefined there.
        """
        name = self.text[a] = self._name(False)
        for code, branch in (("I", yes), ("E", no)):
            if self.text[branch]:
                self.cards += expression_cards(code, self.text[condition], name, self.text[branch])


def bare(text):
    """Return an expression without parentheses around all of it."""
    depth = 0
    for k, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and k < len(text) - 1:
            return text
    return text[1:-1] if text.startswith("(") else text


def _signed(text):
    return f"({text})" if text.startswith("-") else text
