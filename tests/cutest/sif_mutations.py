"""Damage to the text of a problem, reproducible from a random generator."""

NUMBERS = (
    "1.0D+400", "-1", "0", "1D308", "99999999999", "NaN", "Infinity", "1e-320", "", "1..2", "D",
    "1000000", "-5", "1e20", "2147483648",
)  # fmt: skip
CODES = (
    "DO", "OD", "ND", "DI", "IE", "IR", "I/", "R(", "A(", "RF", "ZV", "XE", "E", "T", "G", "H",
    "F", "A", "I", "E+", "F+", "R", "L", "ZN", "ZP", "MI", "M", "V", "DN", "X",
)  # fmt: skip
SECTIONS = (
    "VARIABLES", "GROUPS", "BOUNDS", "RANGES", "ENDATA", "ELEMENTS", "FREE FORMAT", "INDIVIDUALS",
    "GLOBALS", "TEMPORARIES", "QUADRATIC", "START POINT", "OBJECT BOUND", "NAME", "XYZZY",
)  # fmt: skip
EXPRESSIONS = (
    "((((((((", "V1**V1**V1", "1/0", "2**9999", "EXP(EXP(EXP(9.0)))", ".NOT.1", "A.B", "MOD(1,0)",
    "SQRT(-1.0)", "MAX()", "X Y", '__import__("os")', "0.0**(-1.0)", "SIGN(1.0)", "1.LT.2",
)  # fmt: skip
LINES = (
    " DO I1        1                        N", " DO I         N                        1", " ND",
    " OD I", " IE N                   100000000", " IE 1                   -5", "*" * 2000,
    " I/ N         N                        0", "\x00" * 20, " " * 2000 + "x",
    "*LO SOLUTION            1.0D+400",
)  # fmt: skip
LETTERS = "\x00\x01\t\x0b\x1c $(*)+-./0%Zz\x85\xa0é\xff\u2028\U0001f600"

FIELDS = ((1, 3), (4, 14), (14, 24), (24, 36), (39, 49), (49, 61))


def damaged(text, random):
    """Return a text with one to six lines, fields or letters damaged.

    Parameters
    ----------
    text : str
    random : random.Random
    """
    lines = text.split("\n")
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        random.choice(DAMAGES)(lines, random)
        lines = lines or [""]
    return "\n".join(lines) + "\n"


def _at(lines, random):
    return random.randrange(len(lines))


def _drop(lines, random):
    del lines[_at(lines, random)]


def _drop_block(lines, random):
    k = _at(lines, random)
    del lines[k : k + random.randrange(1, 20)]


def _cut(lines, random):
    del lines[_at(lines, random) + 1 :]


def _repeat(lines, random):
    lines.insert(_at(lines, random), random.choice(lines))


def _swap(lines, random):
    k, j = _at(lines, random), _at(lines, random)
    lines[k], lines[j] = lines[j], lines[k]


def _letter(lines, random):
    k = _at(lines, random)
    i = random.randrange(len(lines[k]) + 1)
    lines[k] = lines[k][:i] + random.choice(LETTERS) + lines[k][i + random.randrange(2) :]


def _replace(lines, random, field, word):
    k, (a, b) = _at(lines, random), field
    lines[k] = f"{lines[k]:<61}"[:a] + f"{word:<{b - a}}"[: b - a] + f"{lines[k]:<61}"[b:]


def _number(lines, random):
    _replace(lines, random, random.choice(((24, 36), (49, 61))), random.choice(NUMBERS))


def _code(lines, random):
    _replace(lines, random, (1, 3), random.choice(CODES))


def _field(lines, random):
    a, b = random.choice(FIELDS)
    _replace(lines, random, random.choice(FIELDS), random.choice(lines)[a:b])


def _section(lines, random):
    lines[_at(lines, random)] = random.choice(SECTIONS)


def _expression(lines, random):
    k = _at(lines, random)
    lines[k] = lines[k][:24] + random.choice(EXPRESSIONS)


def _line(lines, random):
    lines.insert(_at(lines, random), random.choice(LINES))


DAMAGES = (
    _drop, _drop_block, _cut, _repeat, _swap, _letter, _number, _code, _field, _section,
    _expression, _line,
)  # fmt: skip
