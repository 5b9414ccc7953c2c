"""What the first lines of a file say: classification, source, parameters; nothing is decoded."""

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from numopt.cutest.fields import FieldError, number
from numopt.cutest.sizes import OFFER

CLASSIFICATION = re.compile(r"^\*\s*classification\s*:?\s*([A-Z0-9\-]+)", re.IGNORECASE)

# The letters of a classification such as QLR2-AN-V-5, by position.
OBJECTIVES = {
    "N": "none", "C": "constant", "L": "linear", "Q": "quadratic", "S": "sum of squares",
    "O": "other",
}  # fmt: skip
CONSTRAINTS = {
    "U": "none", "X": "fixed variables", "B": "bounds", "N": "linear network", "L": "linear",
    "Q": "quadratic", "O": "other",
}  # fmt: skip

# The problem data begin here at the latest.
_BODY = re.compile(r"^(VARIABLES|COLUMNS|GROUPS|ROWS|CONSTRAINTS)\b")
_SOURCE = re.compile(r"^\*\s*Source\s*:\s*(.*)$", re.IGNORECASE)


@dataclass
class Header:
    """What the comments in front of a problem say.

    Attributes
    ----------
    classification : str
        For example ``"QLR2-AN-V-5"``, empty where absent.
    source : str
        Where the problem comes from, in one line.
    params : dict
        Value by name of the parameters that the file marks as such.
    alternatives : dict
        All values by name that the file lists for these.
    """

    classification: str = ""
    source: str = ""
    params: dict = field(default_factory=dict)
    alternatives: dict = field(default_factory=dict)


def read_header(lines):
    """Return the `Header` of a file.

    Parameters
    ----------
    lines : iterable of str
        The lines of the file; reading stops where the problem data begin.
    """
    header, comments = Header(), []
    for line in lines:
        if _BODY.match(line):
            break
        comments.append(line.rstrip())
        if found := OFFER.match(line):
            _enter(header, line[0] == " ", line[1], *found.groups())
        elif not header.classification and (found := CLASSIFICATION.match(line)):
            header.classification = found.group(1).upper()
    header.source = _source(comments)
    return header


def _enter(header, active, kind, name, text):
    """Enter one card of a parameter; cards that are no comments are in force."""
    name = name.strip()
    try:
        value = number(text)
    except FieldError:
        return  # the reader of the whole file refuses what it cannot read
    value = int(value) if kind == "I" else value
    listed = header.alternatives.setdefault(name, [])
    if value not in listed:
        listed.append(value)
    if active:
        header.params[name] = value


def _source(comments):
    """Return the lines from "Source:" to the next empty comment as one."""
    for k, line in enumerate(comments):
        if found := _SOURCE.match(line):
            pieces = [found.group(1)]
            for text in comments[k + 1 :]:
                text = text.lstrip("*").strip()
                if not text or text.lower().startswith(("sif input", "classification")):
                    break
                pieces.append(text)
            return " ".join(" ".join(pieces).split())
    return ""


def degree(classification):
    """Return the degree of the derivatives that a classification promises, or None."""
    first = classification.split("-")[0]
    return int(first[3]) if len(first) == 4 and first[3].isdigit() else None


def matches(classification, pattern):
    """Tell whether a classification fits a pattern such as ``"QLR2-AN-*"`` or ``"[QS]??2-*"``.

    ``*`` stands for any text, ``?`` for any letter, ``[..]`` for one of several; case is ignored,
    and what a pattern leaves out at its end may be anything.
    """
    return fnmatchcase(classification.upper(), pattern.upper() + "*")
