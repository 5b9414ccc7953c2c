"""Methods that a sweep can run: those of numopt by name, and other solvers as plug-ins."""

from numopt.bench.peers import compiled, with_casadi, with_ipax, with_scipy  # noqa: F401 - plug-ins
from numopt.bench.peers.table import PEERS, Answer, Peer, find_peer, peer, peer_names

__all__ = ["PEERS", "Answer", "Peer", "find_peer", "peer", "peer_names"]
