"""Layout of a SIF file: lines become cards, cards become three parts.

    columns   2-3     5-14     15-24    25-36    40-49    50-61    25-65
    field     1       2        3        4        5        6        7 (expressions)

In free format blanks and ``;`` separate the fields and ``_`` stands for an empty one.
"""

import re
from typing import NamedTuple

from numopt.core.errors import SifError

# A file beyond these sizes is no optimisation problem that anybody has written.
LARGEST_FILE = 64_000_000
LONGEST_LINE = 1000

SECTIONS = (
    "VARIABLES", "COLUMNS", "GROUPS", "ROWS", "CONSTRAINTS", "CONSTANTS", "RHS", "RHS'", "RANGES",
    "BOUNDS", "START POINT", "QUADRATIC", "HESSIAN", "QMATRIX", "QUADS", "QUADOBJ", "QSECTION",
    "ELEMENT TYPE", "ELEMENT USES", "GROUP TYPE", "GROUP USES", "OBJECT BOUND", "NAME", "ENDATA",
    "ELEMENTS", "TEMPORARIES", "GLOBALS", "INDIVIDUALS", "FREE FORMAT", "FIXED FORMAT",
)  # fmt: skip

# Cards of parts 2 and 3 that end with an expression, so that free format knows where it starts.
_FIELDS_BEFORE_EXPRESSION = {"A": 1, "I": 2, "E": 2, "F": 0, "G": 1, "H": 2}

_SECTION = re.compile("|".join(sorted(map(re.escape, SECTIONS), key=len, reverse=True)))


class Card(NamedTuple):
    """One card.

    Attributes
    ----------
    line : int
        Number of its line, counted from 1.
    section : str
        The keyword of a section card; empty for a data card.
    code : str
        Field 1.
    f2, f3, f4, f5, f6 : str
        The other fields, without trailing blanks; for section cards `f2` is what follows.
    f7 : str
        The expression that may stand in place of fields 4 to 6.
    text : str
        The whole line.
    """

    line: int
    section: str
    code: str
    f2: str
    f3: str
    f4: str
    f5: str
    f6: str
    f7: str
    text: str


class Parts(NamedTuple):
    """A file taken apart.

    Attributes
    ----------
    data : list of Card
        Part 1, the problem data.
    elements, groups : list of Card
        Parts 2 and 3, empty where absent.
    comments : list of (int, str)
        Comment lines of part 1 with their numbers.
    """

    data: list
    elements: list
    groups: list
    comments: list


def split(text, file=""):
    """Return the `Parts` of the text of a problem.

    Raises
    ------
    SifError
        If the text is too large, or is not closed by ENDATA.
    """
    if len(text) > LARGEST_FILE:
        raise SifError(f"{len(text)} characters are more than {LARGEST_FILE}", file)
    parts = Parts([], [], [], [])
    chapters = {"NAME": parts.data, "ELEMENTS": parts.elements, "GROUPS": parts.groups}
    current, opened = None, None
    for card in _cards(text, file, parts.comments):
        if current is None:
            if card.section not in chapters or (card.section == "NAME") != (opened is None):
                if opened is None:
                    raise _error("the file does not begin with a NAME card", file, card, "NAME")
                break  # Fortran text after the last part
            current = chapters[card.section]
            opened = card
        elif card.section == "ENDATA":
            current = None
        else:
            current.append(card)
            continue
        if current is not None:
            current.append(card)
    if opened is None:
        raise SifError("the text holds no problem", file, expected="a NAME card")
    if current is not None:
        raise _error("the part that this card opens is not closed", file, opened, "ENDATA")
    return parts


def _error(reason, file, card, expected):
    return SifError(reason, file, card.line, card.text, expected)


def _cards(text, file, comments):
    """Yield the cards of a text; comment lines of part 1 are collected."""
    free = False
    in_data = True
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if not line or line.isspace():
            continue
        if line[0] == "*":
            if in_data:
                comments.append((number, line))
            continue
        if len(line) > LONGEST_LINE:
            raise SifError("the line is too long", file, number, line[:80], "at most 160 columns")
        line = line.expandtabs() if "\t" in line else line
        if line[0] != " ":
            card = _section_card(number, line)
            if card.section.endswith("FORMAT"):
                free = card.section == "FREE FORMAT"
                continue
            in_data = in_data and card.section != "ENDATA"
            yield card
        elif free:
            yield from _free_cards(number, line, in_data)
        else:
            yield _fixed_card(number, line)


def _section_card(number, line):
    found = _SECTION.match(line)
    keyword = found.group() if found else line[:14].strip()
    rest = line[len(keyword) :].strip()
    return Card(number, keyword, "", rest, "", "", "", "", "", line)


def _fixed_card(number, line):
    f3, f5 = line[14:24].rstrip(), line[39:49].rstrip()
    f4, f6, f7 = line[24:36].strip(), line[49:61].strip(), line[24:65]
    if f3.startswith("$"):
        f3 = f4 = f5 = f6 = f7 = ""
    elif f5.startswith("$"):
        f5 = f6 = ""
    return Card(number, "", line[1:3].strip(), line[4:14].rstrip(), f3, f4, f5, f6, f7, line)


def _free_cards(number, line, in_data):
    """Yield the cards of a line in free format."""
    for piece in line.split("$")[0].split(";"):
        words = piece.split()
        if not words:
            continue
        code, *fields = ["" if word == "_" else word for word in words]
        before = 2 if in_data else _FIELDS_BEFORE_EXPRESSION.get(code.rstrip("+"), 2)
        f7 = " ".join(fields[before:])
        padded = fields[:before] + [""] * (2 - before) + fields[before:] + [""] * 5
        yield Card(number, "", code, *padded[:5], f7=f7, text=line)  # pyright: ignore
