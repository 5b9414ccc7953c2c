"""Wardrop equilibria of traffic: every used route of a pair of places is a shortest one.

Flows are kept by destination; the
multipliers of their conservation at the nodes are the times to go.
"""

from typing import Any

import numpy as np

from numopt.models.saddle import SaddlePoint

# from, to, capacity (1000 vehicles), free travel time; 24 nodes, 76 links
SIOUX_FALLS = """
1 2 25.90020064 6;1 3 23.40347319 4;2 1 25.90020064 6;2 6 4.958180928 5;3 1 23.40347319 4;
3 4 17.11052372 4;3 12 23.40347319 4;4 3 17.11052372 4;4 5 17.7827941 2;4 11 4.90882673 6;
5 4 17.7827941 2;5 6 4.947995469 4;5 9 10 5;6 2 4.958180928 5;6 5 4.947995469 4;
6 8 4.898587646 2;7 8 7.84181131 3;7 18 23.40347319 2;8 6 4.898587646 2;8 7 7.84181131 3;
8 9 5.050193156 10;8 16 5.045822583 5;9 5 10 5;9 8 5.050193156 10;9 10 13.91578842 3;
10 9 13.91578842 3;10 11 10 5;10 15 13.51200155 6;10 16 4.854917717 4;10 17 4.993510694 8;
11 4 4.90882673 6;11 10 10 5;11 12 4.90882673 6;11 14 4.876508287 4;12 3 23.40347319 4;
12 11 4.90882673 6;12 13 25.90020064 3;13 12 25.90020064 3;13 24 5.091256152 4;
14 11 4.876508287 4;14 15 5.127526119 5;14 23 4.924790605 4;15 10 13.51200155 6;
15 14 5.127526119 5;15 19 14.56475315 3;15 22 9.599180565 3;16 8 5.045822583 5;
16 10 4.854917717 4;16 17 5.229910063 2;16 18 19.67989671 3;17 10 4.993510694 8;
17 16 5.229910063 2;17 19 4.823950831 2;18 7 23.40347319 2;18 16 19.67989671 3;
18 20 23.40347319 4;19 15 14.56475315 3;19 17 4.823950831 2;19 20 5.002607563 4;
20 18 23.40347319 4;20 19 5.002607563 4;20 21 5.05991234 6;20 22 5.075697193 5;
21 20 5.05991234 6;21 22 5.229910063 2;21 24 4.885357564 3;22 15 9.599180565 3;
22 20 5.075697193 5;22 21 5.229910063 2;22 23 5 4;23 14 4.924790605 4;23 22 5 4;
23 24 5.078508436 2;24 13 5.091256152 4;24 21 4.885357564 3;24 23 5.078508436 2
"""

# trips from row to column, hundreds of vehicles
SIOUX_FALLS_TRIPS = """
0 1 1 5 2 3 5 8 5 13 5 2 5 3 5 5 4 1 3 3 1 4 3 1
1 0 1 2 1 4 2 4 2 6 2 1 3 1 1 4 2 0 1 1 0 1 0 0
1 1 0 2 1 3 1 2 1 3 3 2 1 1 1 2 1 0 0 0 0 1 1 0
5 2 2 0 5 4 4 7 7 12 14 6 6 5 5 8 5 1 2 3 2 4 5 2
2 1 1 5 0 2 2 5 8 10 5 2 2 1 2 5 2 0 1 1 1 2 1 0
3 4 3 4 2 0 4 8 4 8 4 2 2 1 2 9 5 1 2 3 1 2 1 1
5 2 1 4 2 4 0 10 6 19 5 7 4 2 5 14 10 2 4 5 2 5 2 1
8 4 2 7 5 8 10 0 8 16 8 6 6 4 6 22 14 3 7 9 4 5 3 2
5 2 1 7 8 4 6 8 0 28 14 6 6 6 9 14 9 2 4 6 3 7 5 2
13 6 3 12 10 8 19 16 28 0 40 20 19 21 40 44 39 7 18 25 12 26 18 8
5 2 3 15 5 4 5 8 14 39 0 14 10 16 14 14 10 1 4 6 4 11 13 6
2 1 2 6 2 2 7 6 6 20 14 0 13 7 7 7 6 2 3 4 3 7 7 5
5 3 1 6 2 2 4 6 6 19 10 13 0 6 7 6 5 1 3 6 6 13 8 8
3 1 1 5 1 1 2 4 6 21 16 7 6 0 13 7 7 1 3 5 4 12 11 4
5 1 1 5 2 2 5 6 10 40 14 7 7 13 0 12 15 2 8 11 8 26 10 4
5 4 2 8 5 9 14 22 14 44 14 7 6 7 12 0 28 5 13 16 6 12 5 3
4 2 1 5 2 5 10 14 9 39 10 6 5 7 15 28 0 6 17 17 6 17 6 3
1 0 0 1 0 1 2 3 2 7 2 2 1 1 2 5 6 0 3 4 1 3 1 0
3 1 0 2 1 2 4 7 4 18 4 3 3 3 8 13 17 3 0 12 4 12 3 1
3 1 0 3 1 3 5 9 6 25 6 5 6 5 11 16 17 4 12 0 12 24 7 4
1 0 0 2 1 1 2 4 3 12 4 3 6 4 8 6 6 1 4 12 0 18 7 5
4 1 1 4 2 2 5 5 7 26 11 7 13 12 26 12 17 3 12 24 18 0 21 11
3 0 1 5 1 1 2 3 5 18 13 7 8 11 10 5 6 1 3 7 7 21 0 7
1 0 0 2 0 1 1 2 2 8 6 5 7 4 4 3 3 0 1 4 5 11 7 0
"""


NEWTON_STEPS = 50


class Traffic:
    """A network with demands, and its equilibrium as a saddle point in two forms.

    Links have the travel time free + rate v^power at the flow v.

    Parameters
    ----------
    links : array_like, shape (k, 2)
        Nodes from 0 on.
    trips : array_like, shape (nodes, nodes)
        Demand from row to column.
    free, rate : array_like, shape (k,)
    power : float

    Attributes
    ----------
    problem : SaddlePoint
        x holds the flows to each destination, destination by destination; travel times are the
        operator.
    separated : SaddlePoint
        x holds the total flows of the links too, whose travel times are a proximal map.
    """

    def __init__(self, links, trips, free, rate, power=1.0):
        from scipy.sparse import block_diag, coo_matrix

        links, trips = np.asarray(links), np.asarray(trips, dtype=float)
        k, nodes = len(links), len(trips)
        incidence = coo_matrix(
            (np.repeat([1.0, -1.0], k), (links.T.ravel(), np.tile(np.arange(k), 2))), (nodes, k)
        ).tocsr()
        self.ends = np.flatnonzero(trips.sum(axis=0))
        self.free, self.rate, self.power, self.k = free, rate, power, k
        rows = [np.delete(np.arange(nodes), end) for end in self.ends]
        self.balance: Any = block_diag([incidence[r] for r in rows]).tocsr()
        demand = [trips[r, e] for r, e in zip(rows, self.ends, strict=True)]
        self.demand = np.concatenate(demand)

    @property
    def problem(self):
        """The equilibrium over the flows to each destination."""
        return SaddlePoint(
            self.balance, lambda v, t: np.maximum(v, 0.0), q=-self.demand,
            grad_x=lambda x: np.tile(self.time(self.flows(x)), self.ends.size),
            fun=lambda x, y: self.value(self.flows(x)),
        )  # fmt: skip

    @property
    def separated(self):
        """The equilibrium over the flows to each destination and the totals of the links."""
        from scipy.sparse import bmat, hstack, identity

        eye, columns, k = identity(self.k), self.balance.shape[1], self.k
        K = bmat([[self.balance, None], [hstack([eye] * self.ends.size), -eye]])

        def prox(v, t):
            t = np.broadcast_to(t, v.shape)[columns:]
            return np.concatenate([np.maximum(v[:columns], 0.0), self.delayed(v[columns:], t)])

        return SaddlePoint(
            K, prox, q=np.concatenate([-self.demand, np.zeros(k)]), with_metric=True,
            fun=lambda x, y: self.value(x[columns:]),
        )  # fmt: skip

    def flows(self, x):
        """Return the flow on each link from the flows to each destination, shape (k,)."""
        return x[: self.ends.size * self.k].reshape(self.ends.size, self.k).sum(axis=0)

    def time(self, v):
        """Return the travel times at flows v, shape (k,)."""
        return self.free + self.rate * v**self.power

    def value(self, v):
        """Return the sum of the integrals of the travel times, least at the equilibrium."""
        return float(v @ (self.free + self.rate * v**self.power / (self.power + 1.0)))

    def delayed(self, v, t):
        """Return the proximal map of the value: x >= 0 with x + t time(x) = v, or 0.

        Newton's method falls towards the root from its right, as the left side is convex.
        """
        x = np.maximum(v - t * self.free, 0.0)
        for _ in range(NEWTON_STEPS):
            excess = x + t * self.time(x) - v
            slope = 1.0 + t * self.rate * self.power * x ** (self.power - 1.0)
            before, x = x, np.maximum(x - excess / slope, 0.0)
            if np.all(before - x <= np.finfo(float).eps * before):
                break
        return x


def braess():
    """Return Braess's network: 6 vehicles choose among three routes, and 2 take each of them."""
    free, rate = np.array([0.0, 50.0, 50.0, 0.0, 10.0]), np.array([10.0, 1.0, 1.0, 10.0, 1.0])
    trips = np.zeros((4, 4))
    trips[0, 3] = 6.0
    return Traffic([(0, 1), (0, 2), (1, 3), (2, 3), (1, 2)], trips, free, rate)


def sioux_falls(b=0.15):
    """Return the network of Sioux Falls: 24 nodes, 76 links, 360 600 trips, flows in thousands.

    The sum of the integrals of the travel times is 4231.335287 at the equilibrium.

    References
    ----------
    .. [1] L. J. LeBlanc, E. K. Morlok, W. P. Pierskalla, An efficient approach to solving the road
       network equilibrium traffic assignment problem, Transportation Research 9, 1975.
    """
    table = np.array([[float(v) for v in row.split()] for row in SIOUX_FALLS.split(";")])
    trips = 0.1 * np.array(
        [row.split() for row in SIOUX_FALLS_TRIPS.split("\n")[1:-1]], dtype=float
    )
    capacity, free = table[:, 2], table[:, 3]
    links = table[:, :2].astype(int) - 1
    return Traffic(links, trips, free, free * b / capacity**4, power=4.0)
