"""Claims on the number of iterations and on memory."""

import subprocess
import sys

import numpy as np
import pytest

from numopt import Transport, solve


@pytest.mark.claims
def test_images_with_an_l1_cost():
    pytest.importorskip("sklearn")
    from numopt.bench.transport_cases import image_case

    cases = [image_case(28, np.random.default_rng(seed), 1) for seed in range(10)]
    results = [solve(Transport(*case[:3], eta=1200.0)) for case in cases]
    assert all(res.success for res in results)
    steps = [res.newton_iterations for res in results]
    assert np.median(steps) <= 18
    assert max(steps) <= 25
    assert all(solve(Transport(*case[:3], eta=4800.0)).success for case in cases[:3])


@pytest.mark.slow
@pytest.mark.claims
def test_large_cloud_in_little_memory():
    code = """
import resource, numpy as np, numopt
X, Y = np.random.default_rng(0).uniform(size=(2, 20_000, 2))
cloud = numopt.PointCloud(X, Y, scale=0.5)
res = numopt.solve(numopt.Transport(None, None, cloud, eta=1200.0), tol=1e-6)
print(res.success, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    success, kilobytes = done.stdout.split()
    assert success == "True"
    assert int(kilobytes) < 2e6
