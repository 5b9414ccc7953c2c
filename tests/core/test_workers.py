"""Every kind of workers gives the results of the serial map, in order."""

import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from numopt.core.errors import InputTypeError, WorkerError
from numopt.core.workers import ProcessMap, SerialMap, mapper

ITEMS = [k / 7 for k in range(23)]


def cube(x):
    return x**3 + 0.1 * x


def _die_once(marker):
    path = Path(marker)
    if path.suffix == ".once" and not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return path.stem


def _die(i):
    if i == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return i


SERIAL = [cube(x) for x in ITEMS]


@pytest.fixture(scope="module")
def pool():
    with mapper(2) as pmap:
        yield pmap


@pytest.mark.parametrize("workers", [None, 1])
def test_serial(workers):
    with mapper(workers) as pmap:
        assert type(pmap) is SerialMap
        assert pmap(cube, iter(ITEMS)) == SERIAL


def test_threads():
    with ThreadPoolExecutor(3) as executor, mapper(executor) as pmap:
        names = set()

        def seen(x):
            names.add(threading.current_thread().name)
            return cube(x)

        assert pmap(seen, ITEMS) == SERIAL
        assert threading.current_thread().name not in names


def test_an_executor_stays_open():
    with ThreadPoolExecutor(1) as executor:
        with mapper(executor) as pmap:
            pmap(cube, ITEMS)
        assert executor.submit(cube, 1.0).result() == cube(1.0)


def test_map_like_callables():
    with mapper(map) as pmap:
        assert pmap(cube, ITEMS) == SERIAL
    loses_one = mapper(lambda fun, items: [fun(item) for item in items][:-1])
    with pytest.raises(WorkerError, match="22 results for 23 items"):
        loses_one(cube, ITEMS)


def test_own_pool_runs_lambdas_in_other_processes(pool):
    offset = 0.5
    assert pool(lambda x: cube(x) + offset, ITEMS) == [value + offset for value in SERIAL]
    assert os.getpid() not in pool(lambda _: os.getpid(), range(4))
    assert pool(cube, []) == []


def test_own_pool_passes_exceptions_on_and_lives(pool):
    with pytest.raises(ZeroDivisionError):
        pool(lambda x: 1 / x, [1.0, 0.0, 2.0])
    assert pool(cube, ITEMS) == SERIAL


def test_killed_worker_loses_nothing(pool, tmp_path):
    items = [str(tmp_path / f"{i}{'.once' if i in (2, 7) else ''}") for i in range(10)]
    assert pool(_die_once, items) == [str(i) for i in range(10)]


def test_task_that_kills_twice_is_blamed(pool):
    with pytest.raises(WorkerError, match="item 3 "):
        pool(_die, range(6))
    assert pool(cube, ITEMS) == SERIAL


def test_own_pool_can_be_pickled_and_opened_again(pool):
    import pickle

    twin = pickle.loads(pickle.dumps(pool))
    assert isinstance(twin, ProcessMap)
    assert twin.size == 2
    pool.close()
    assert pool(cube, [1.0]) == [cube(1.0)]


def test_users_process_pool_takes_lambdas():
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        assert mapper(executor)(lambda x: cube(x), ITEMS) == SERIAL


def test_all_processors():
    pmap = mapper(-1)
    assert type(pmap) is SerialMap or pmap.size > 1


@pytest.mark.parametrize("workers", [0, -2, True, 2.0, "2", [2]])
def test_anything_else_is_refused(workers):
    with pytest.raises(InputTypeError, match="`workers` must be"):
        mapper(workers)


def test_dask_cluster(client):
    pmap = mapper(client)
    offset = 0.5
    assert pmap(lambda x: cube(x) + offset, ITEMS) == [value + offset for value in SERIAL]
    with pytest.raises(ZeroDivisionError):
        pmap(lambda x: 1 / x, [1.0, 0.0])


def test_dask_cluster_with_dying_workers(client, tmp_path):
    pmap = mapper(client)
    items = [str(tmp_path / f"{i}{'.once' if i == 1 else ''}") for i in range(3)]
    assert pmap(_die_once, items) == ["0", "1", "2"]
    with pytest.raises(WorkerError, match="killed its Dask worker"):
        pmap(_die, [3])
