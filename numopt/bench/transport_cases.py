"""Random transport problems of the benchmark, drawn from a seed."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

FLOOR = 1e-2  # mass of an empty pixel relative to the darkest


class Case(NamedTuple):
    """Marginals and cost of one problem."""

    a: np.ndarray
    b: np.ndarray
    C: np.ndarray
    k: int = 0  # largest number of entries of a column; 0 is no limit


def random_case(n, rng):
    """Return a uniformly random cost between uniform marginals."""
    return Case(np.full(n, 1 / n), np.full(n, 1 / n), rng.uniform(size=(n, n)))


def cloud_case(n, rng):
    """Return squared distances of points in the unit square, largest one 1."""
    X, Y = rng.uniform(size=(2, n, 2))
    return Case(np.full(n, 1 / n), np.full(n, 1 / n), _scaled(X, Y, 2))


def image_case(size, rng, power):
    """Return two handwritten digits of so many pixels a side, by distances of pixels."""
    from scipy.ndimage import zoom

    images = _digits()
    pair = images[rng.choice(len(images), 2, replace=False)]
    masses = []
    for image in pair:
        larger: Any = zoom(image, size / image.shape[0], order=1)
        grey = np.maximum(larger, 0.0) + FLOOR * image.max()
        masses.append((grey / grey.sum()).ravel())
    x = np.linspace(0.0, 1.0, size)
    pixels = np.stack(np.meshgrid(x, x, indexing="ij"), axis=-1).reshape(-1, 2)
    return Case(masses[0], masses[1], _scaled(pixels, pixels, power))


def _scaled(X, Y, power):
    C = (np.abs(X[:, None] - Y) ** power).sum(axis=2)
    return C / C.max()


@lru_cache
def _digits():
    from sklearn.datasets import load_digits  # pyright: ignore

    return load_digits().images  # pyright: ignore


class Family(NamedTuple):
    """Cases of one kind: ``make(size, rng)``, and what of them is run by default."""

    make: Callable
    sizes: tuple
    regularisation: str = "entropy"  # or "square": eta is then the reciprocal of its weight
    etas: tuple = (100.0, 400.0, 1200.0)
    tols: tuple = (1e-9, 1e-12)
    limits: tuple = (0,)  # values of k


FAMILIES = {
    "random": Family(random_case, (500, 1000, 2000)),
    "cloud": Family(cloud_case, (1000, 2000, 4000)),
    "image-l1": Family(lambda size, rng: image_case(size, rng, 1), (28,)),
    "image-l2": Family(lambda size, rng: image_case(size, rng, 2), (28,)),
    "qrot": Family(cloud_case, (500, 1000), "square", (1.0, 10.0), (1e-9, 1e-12)),
    "kot": Family(cloud_case, (500,), "square", (1.0,), (1e-8,), (4, 6, 8, 500)),
}


@lru_cache(maxsize=4)
def case_of(name, size, k, seed):
    """Return a `Case` of a family."""
    return FAMILIES[name].make(size, np.random.default_rng(seed))._replace(k=k)
