"""Small problems in SIF, written for the tests."""


def card(code="", f2="", f3="", f4="", f5="", f6=""):
    """Return a data card in fixed format."""
    return f" {code:<2} {f2:<10}{f3:<10}{f4:<12}   {f5:<10}{f6:<12}".rstrip()


def expression(code, text, f2="", f3=""):
    """Return a card with an expression, continued where it is long."""
    pieces = [text[k : k + 40] for k in range(0, max(len(text), 1), 40)]
    lines = [f" {code:<2} {f2:<10}{f3:<10}{pieces[0]}"]
    return "\n".join(lines + [f" {code}+                     {piece}" for piece in pieces[1:]])


def text(name, *sections, elements=(), groups=()):
    """Return the text of a problem from sections ``(keyword, card, card, ...)``."""
    lines = [f"NAME          {name}"]
    for keyword, *cards in sections:
        lines += [keyword, *cards]
    lines.append("ENDATA")
    for part, cards in (("ELEMENTS", elements), ("GROUPS", groups)):
        if cards:
            lines += [f"{part:<14}{name}", *cards, "ENDATA"]
    return "\n".join(lines) + "\n"


def external(name, n, start, bounds, kinds, uses):
    """Return a problem whose elements are functions in Fortran.

    Parameters
    ----------
    kinds : dict
        Parameters by the name of the element type; every type has n variables.
    uses : list of (str, str, list)
        Group cards: letter, name, list of (element, type, parameter or None, weight).
    """
    x = [f"X{k + 1}" for k in range(n)]
    types, elements, weights = [], [], []
    for kind, parameters in kinds.items():
        types += [card("EV", kind, v) for v in x]
        types += [card("EP", kind, p) for p in parameters]
    for _, group, members in uses:
        for element, kind, parameter, weight in members:
            elements.append(card("T", element, kind))
            elements += [card("V", element, v, "", v) for v in x]
            if parameter is not None:
                elements.append(card("P", element, kinds[kind][0], f"{parameter:.10g}"))
            weights.append(card("E", group, element, str(weight)))
    return text(
        name,
        ("VARIABLES", *(card("", v) for v in x)),
        ("GROUPS", *(card(letter, group) for letter, group, _ in uses)),
        ("BOUNDS", *bounds),
        ("START POINT", *(card("", name, v, str(s)) for v, s in zip(x, start, strict=True))),
        ("ELEMENT TYPE", *types),
        ("ELEMENT USES", *dict.fromkeys(elements)),
        ("GROUP USES", *weights),
        elements=["TEMPORARIES", card("F", "OUTSIDE"), "INDIVIDUALS"]
        + [f"{card('T', kind)}\n{expression('F', 'OUTSIDE(X1)')}" for kind in kinds],
    )
