"""Nonlinear sections of part 1: types of elements and groups, and what they apply to."""

from numopt.cutest.compilers import DEFAULT, Reader, letter
from numopt.cutest.data import Kind
from numopt.cutest.fields import FieldError


class NonlinearSections(Reader):
    """Compilers of the nonlinear sections."""

    # -- types -------------------------------------------------------------------------------

    def element_type(self, card):
        """Compile a card of ELEMENT TYPE: names of variables and parameters."""
        return self._declared(card, self.data.element_kinds, ("EV", "IV", "EP"))

    def group_type(self, card):
        """Compile a card of GROUP TYPE: names of the variable and of parameters."""
        return self._declared(card, self.data.group_kinds, ("GV", "GP"))

    def _declared(self, card, kinds, codes):
        if card.code not in codes or not card.f2:
            raise FieldError(f"unknown card {card.code!r}", " ".join(codes))

        def declare():
            kind = kinds.setdefault(card.f2, Kind(card.f2, card=card))
            if kind.members:
                raise FieldError(f"type {card.f2!r} is in use already", "types before uses")
            members = {
                "EV": kind.variables, "GV": kind.variables, "IV": kind.internals,
                "EP": kind.parameters, "GP": kind.parameters,
            }[card.code]  # fmt: skip
            for name in filter(None, (card.f3, card.f5)):
                members.setdefault(name, len(members))

        return declare

    @staticmethod
    def _known(kinds, name):
        if name not in kinds:
            raise FieldError(f"unknown type {name!r}", "a type declared above")
        return kinds[name]

    # -- elements ----------------------------------------------------------------------------

    def element_uses(self, card):
        """Compile a card of ELEMENT USES: type (T), variables (V), parameters (P)."""
        kind = "T" if card.f2 == DEFAULT else letter(card, ("T", "V", "P"))
        compiler = {"T": self._typed, "V": self._variable, "P": self._parameters}[kind]
        return compiler(card, self.name(card, card.f2))

    def _typed(self, card, name):
        data, kind = self.data, self._known(self.data.element_kinds, card.f3)
        if card.f2 == DEFAULT:
            return lambda: setattr(data, "default_element_kind", kind)
        return lambda: data.add_element(name(), kind)

    def _variable(self, card, name):
        data, slot, variable = self.data, card.f3, self.name(card, card.f5)

        def assign():
            kind, position = data.element(name())
            at = position * len(kind.variables) + kind.variables[slot]
            kind.slots[at] = data.variable(variable())

        return assign

    def _parameters(self, card, name):
        return self._assigned(self._parameter_pairs(card), name, self.data.element)

    def _parameter_pairs(self, card):
        """Return pairs (parameter, function for its value): such names are never array names."""
        values = [value for _, value in self.pairs(card)]
        return list(zip((card.f3, card.f5), values, strict=False))

    @staticmethod
    def _assigned(pairs, name, find):
        def assign():
            kind, position = find(name())
            for parameter, value in pairs:
                at = position * len(kind.parameters) + kind.parameters[parameter]
                kind.values[at] = value()

        return assign

    # -- groups ------------------------------------------------------------------------------

    def group_uses(self, card):
        """Compile a card of GROUP USES: type (T), elements (E), parameters (P)."""
        kind = "T" if card.f2 == DEFAULT else letter(card, ("T", "E", "P"))
        data, name = self.data, self.name(card, card.f2)
        if kind == "P":
            return self._assigned(self._parameter_pairs(card), name, data.typed_group)
        if kind == "E":
            return self._uses(card, name)
        group_kind = self._known(data.group_kinds, card.f3)
        if card.f2 == DEFAULT:
            return lambda: setattr(data, "default_group_kind", group_kind)
        return lambda: data.type_group(data.groups[name()], group_kind)

    def _uses(self, card, name):
        groups, elements, uses = self.data.groups, self.data.elements, self.data.uses
        pairs = self.pairs(card, default=1.0)

        def use():
            k = groups[name()]
            for element, weight in pairs:
                uses.add(k, elements[element()], weight())

        return use
