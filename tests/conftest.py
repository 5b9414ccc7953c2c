"""Fixtures shared by all tests."""

from pathlib import Path

import numpy as np
import pytest

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def reference_data():
    """Folder of reference values; the test skips where it is absent."""
    if not REFERENCE.is_dir():
        pytest.skip("the folder of reference values is absent")
    return REFERENCE


@pytest.fixture(scope="module")
def client():
    """A client of a local Dask cluster of processes, which gives a task up when its worker dies."""
    distributed = pytest.importorskip("distributed")
    import dask

    local = {"processes": True, "dashboard_address": None, "host": "127.0.0.1"}
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, **local) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client
