"""Benchmarks: problems x methods x seeds, each answer judged by one independent check."""

from numopt.bench.judge import Verdict, judge
from numopt.bench.peers import PEERS, Answer, find_peer
from numopt.bench.profiles import data_profile, performance_profile, runtime_profile
from numopt.bench.store import Store, StoreError
from numopt.bench.sweep import Sweep, Task

__all__ = [
    "PEERS",
    "Answer",
    "Store",
    "StoreError",
    "Sweep",
    "Task",
    "Verdict",
    "data_profile",
    "find_peer",
    "judge",
    "performance_profile",
    "runtime_profile",
]
