"""From the data of a file to terms: group by group, or through auxiliary variables.

A group is (1/s) g(t) with t = a'x - b + sum of weighted elements. Three ways lead to terms:

    trivial      g is the identity: linear part, elements of each type and constant are terms
    fused        t has few summands: groups of equal structure are one term, (1/s) g(t) in full
    lifted       otherwise t is an auxiliary variable, defined like a trivial group
"""

from itertools import count

import numpy as np

from numopt.cutest.builders import Builder, tables

# A group is fused up to this many occurrences of variables, in problems of few variables up to
# more: there the plain code for a whole problem needs formulas without auxiliary variables.
WIDEST = 16
FEW_VARIABLES = 50
WIDEST_OF_FEW = 100

# The second derivatives of a fused formula take about this many operations per operation and
# variable of the formula; more than this is lifted, too.
MOST_WORK = 20_000

# With more different structures than this, those of few groups are lifted.
MOST_STRUCTURES = 24
FEW_GROUPS = 4


class Assembly:
    """Makes the terms of a problem.

    Parameters
    ----------
    data : Data
    functions : Functions

    Attributes
    ----------
    terms : list of Term
    levels : list of int
        One per auxiliary variable.
    row, kind, member : ndarray of int
        Per group its constraint (-1: objective), its type (-1: trivial), its position among those
        of its type.
    scale, constant : ndarray
        Per group s and b.
    linear : (ndarray, ndarray, ndarray)
        Group, variable and coefficient, sorted by group; `linear_starts` has the first per group.
    uses : (ndarray, ndarray, ndarray, ndarray)
        Group, element type, position among those of its type, weight, sorted by group and type;
        `use_starts` has the first per group.
    lifted, auxiliary : ndarray
        Which groups are lifted, and the numbers of their auxiliary variables.
    structures : dict
        Fused groups by structure.
    """

    def __init__(self, data, functions):
        self.data, self.functions = data, functions
        self.n, self.terms, self.levels = len(data.variables), [], []
        self._read_groups()
        self._read_linear()
        self._read_uses()
        self._sort_groups()
        trivial = self.kind < 0
        self._sums(trivial & (self.row < 0), None, 0, 1 / self.scale)
        self._sums(trivial & (self.row >= 0), self.row, 0, 1 / self.scale)
        self._sums(self.lifted, self.auxiliary, 1, np.ones(self.size))
        self._lifted_groups()
        self._fused_groups()
        self._quadratic()

    # -- arrays ------------------------------------------------------------------------------

    def _read_groups(self):
        data = self.data
        self.size = len(data.groups)
        constrains = np.array([letter != "N" for letter in data.group_letters], dtype=bool)
        self.row = np.where(constrains, np.cumsum(constrains) - 1, -1)
        self.scale = np.ones(self.size)
        for k, scale in data.scales.items():
            self.scale[k] = scale
        self.constant = np.full(self.size, data.constants.default, dtype=float)
        for k, constant in data.constants.entries.items():
            self.constant[k] = constant
        if data.default_group_kind is not None:
            for k in range(self.size):
                if k not in data.group_kind:
                    data.type_group(k, data.default_group_kind)
        self.kinds = list(data.group_kinds.values())
        number = {id(kind): k for k, kind in enumerate(self.kinds)}
        self.kind, self.member = np.full(self.size, -1), np.zeros(self.size, dtype=np.int64)
        for k, kind in data.group_kind.items():
            self.kind[k], self.member[k] = number[id(kind)], data.group_position[k]

    def _read_linear(self):
        """Add up repeated coefficients; sort by group, then in the order of appearance."""
        rows, cols, values = arrays(self.data.linear)
        key = rows * max(self.n, 1) + cols
        _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
        values = np.bincount(inverse, values, minlength=first.size)
        order = np.lexsort((first, rows[first]))
        self.linear = rows[first][order], cols[first][order], values[order]
        self.linear_starts = np.searchsorted(self.linear[0], np.arange(self.size + 1))

    def _read_uses(self):
        """Sort uses by group, then by type of element."""
        rows, elements, weights = arrays(self.data.uses)
        self.element_kinds = list(self.data.element_kinds.values())
        number = {id(kind): k for k, kind in enumerate(self.element_kinds)}
        kind_of = np.array([number[id(kind)] for kind in self.data.element_kind], dtype=np.int64)
        position = np.array(self.data.element_position, dtype=np.int64)
        kinds = kind_of[elements]
        order = np.lexsort((np.arange(rows.size), kinds, rows))
        self.uses = rows[order], kinds[order], position[elements][order], weights[order]
        self.use_starts = np.searchsorted(self.uses[0], np.arange(self.size + 1))

    def _sort_groups(self):
        """Decide which groups are lifted, and number the auxiliary variables."""
        width = np.diff(self.linear_starts).astype(np.int64)
        slots = np.array([len(kind.variables) for kind in self.element_kinds], dtype=np.int64)
        np.add.at(width, self.uses[0], slots[self.uses[1]])
        limit = WIDEST_OF_FEW if self.n <= FEW_VARIABLES else WIDEST
        work = self._operations() * np.minimum(width, self.n)
        self.lifted = (self.kind >= 0) & ((width > limit) | (work > MOST_WORK))
        self.structures = self._structures(np.flatnonzero((self.kind >= 0) & ~self.lifted))
        if len(self.structures) > MOST_STRUCTURES and self.n > FEW_VARIABLES:
            for key, groups in list(self.structures.items()):
                if len(groups) < FEW_GROUPS:
                    self.lifted[groups] = True
                    del self.structures[key]
        self.auxiliary = np.where(self.lifted, np.cumsum(self.lifted) - 1, -1)
        self.levels = [1] * int(self.lifted.sum())

    def _operations(self):
        """Return about how many operations t takes, per group that has a type."""
        cost = np.zeros(len(self.element_kinds), dtype=np.int64)
        for k in np.unique(self.uses[1][self.kind[self.uses[0]] >= 0]):
            f = Builder(self.functions)
            cost[k] = len(f.table.reachable([f.element(self.element_kinds[k], np.zeros(1, int))]))
        return np.bincount(self.uses[0], cost[self.uses[1]], minlength=self.size)

    def _structures(self, groups):
        """Sort groups by kind, side, number of linear entries and types of elements."""
        found, kinds = {}, self.uses[1].tolist()
        linear, uses = np.diff(self.linear_starts).tolist(), self.use_starts.tolist()
        for g in groups.tolist():
            types = tuple(kinds[uses[g] : uses[g + 1]])
            key = int(self.kind[g]), bool(self.row[g] >= 0), linear[g], types
            found.setdefault(key, []).append(g)
        return {key: np.array(members) for key, members in found.items()}

    # -- terms -------------------------------------------------------------------------------

    def _sums(self, chosen, row, level, factor):
        """Add the terms of t, times a factor, for the chosen groups; `row` None: objective."""

        def rows(groups):
            return None if row is None else row[groups]

        groups, cols, values = self.linear
        keep = np.flatnonzero(chosen[groups])
        if keep.size:
            g, f = groups[keep], self.functions.builder()
            root = f.times(values[keep] * factor[g], f.variable(cols[keep]))
            self.terms.append(f.term(root, keep.size, rows(g), level))
        groups, kinds, members, weights = self.uses
        for k, kind in enumerate(self.element_kinds):
            keep = np.flatnonzero(chosen[groups] & (kinds == k))
            if keep.size:
                g, f = groups[keep], self.functions.builder()
                root = f.times(weights[keep] * factor[g], f.element(kind, members[keep]))
                self.terms.append(f.term(root, keep.size, rows(g), level))
        g = np.flatnonzero(chosen & (self.constant != 0))
        if g.size:
            f = self.functions.builder()
            root = f.number(-self.constant[g] * factor[g])
            self.terms.append(f.term(root, g.size, rows(g), level))

    def _lifted_groups(self):
        for k, kind in enumerate(self.kinds):
            for constrains in (False, True):
                side = (self.row >= 0) == constrains
                g = np.flatnonzero(self.lifted & (self.kind == k) & side)
                if g.size:
                    f = self.functions.builder()
                    t = f.variable(self.n + self.auxiliary[g])
                    self._finish(f, kind, g, t)

    def _fused_groups(self):
        for (k, _, linear, types), g in self.structures.items():
            f = self.functions.builder()
            parts = self._linear_parts(f, g, linear) + self._element_parts(f, g, types)
            if self.constant[g].any():
                parts.append(f.number(-self.constant[g]))
            self._finish(f, self.kinds[k], g, f.sum(parts))

    def _linear_parts(self, f, g, number):
        first, (_, cols, values) = self.linear_starts[g], self.linear
        at = [first + k for k in range(number)]
        return [f.times(values[k], f.variable(cols[k])) for k in at]

    def _element_parts(self, f, g, types):
        first, (_, _, members, weights) = self.use_starts[g], self.uses
        return [
            f.times(weights[first + k], f.element(self.element_kinds[kind], members[first + k]))
            for k, kind in zip(count(), types, strict=False)
        ]

    def _finish(self, f, kind, g, t):
        """Add the term (1/s) g(t) of the groups `g`."""
        root = f.times(1 / self.scale[g], f.group(kind, self.member[g], t))
        rows = self.row[g]
        self.terms.append(f.term(root, g.size, rows if rows[0] >= 0 else None))

    def _quadratic(self):
        i, j, values = arrays(self.data.quadratic)
        for keep, factor in ((np.flatnonzero(i == j), 0.5), (np.flatnonzero(i != j), 1.0)):
            if keep.size:
                f = self.functions.builder()
                x, y = (f.variable(k[keep]) for k in (i, j))
                root = f.times(factor * values[keep], f.product(x, y))
                self.terms.append(f.term(root, keep.size, None))


def arrays(triplets):
    """Return rows, columns and values of triplets as arrays."""
    return (
        np.array(triplets.rows, dtype=np.int64),
        np.array(triplets.cols, dtype=np.int64),
        np.array(triplets.values, dtype=float),
    )


def check_members(data, file):
    """Refuse elements and groups that lack variables or parameters.

    Raises
    ------
    SifError
    """
    for kind in data.group_kinds.values():
        if len(kind.variables) != 1:
            reason = f"group type {kind.name!r} has {len(kind.variables)} variables"
            raise kind.refusal(reason, file, "one GV card")
        _refuse_missing(kind, kind.parameters, np.isnan(tables(kind)[1]), "P", file)
    for kind in data.element_kinds.values():
        slots, values = tables(kind)
        _refuse_missing(kind, kind.variables, slots < 0, "V", file)
        _refuse_missing(kind, kind.parameters, np.isnan(values), "P", file)


def _refuse_missing(kind, names, missing, code, file):
    if missing.any():
        name = list(names)[int(np.argwhere(missing)[0][1])]
        what = "variable" if code == "V" else "parameter"
        reason = f"the {what} {name!r} of type {kind.name!r} is not given everywhere"
        raise kind.refusal(reason, file, f"{code} cards for all members")
