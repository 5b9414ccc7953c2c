"""Performance profiles (Dolan, More, 2002), data profiles (More, Wild, 2009), runtime profiles."""

import numpy as np


def performance_profile(costs):
    """Return, for each method, how often it is within a factor of the best.

    Parameters
    ----------
    costs : dict of str to array_like, shape (n_problems,)
        Positive costs, infinite where the method failed; the same problems for all methods.

    Returns
    -------
    dict of str to (ndarray, ndarray)
        Factors in increasing order, from 1, and the fraction of all problems solved within each.

    Examples
    --------
    >>> from numopt.bench import performance_profile
    >>> factor, fraction = performance_profile({"a": [1.0, 4.0], "b": [2.0, float("inf")]})["b"]
    >>> factor.tolist(), fraction.tolist()
    ([1.0, 2.0], [0.0, 0.5])
    """
    best = np.min([np.asarray(cost, dtype=float) for cost in costs.values()], axis=0)
    with np.errstate(invalid="ignore"):  # inf / inf where nobody succeeded
        return {m: _steps(np.asarray(cost, dtype=float) / best, 1.0) for m, cost in costs.items()}


def data_profile(evaluations, n):
    """Return, for each method, how many problems it solves with so many evaluations.

    Parameters
    ----------
    evaluations : dict of str to array_like, shape (n_problems,)
        Numbers of evaluations, infinite where the method failed.
    n : array_like, shape (n_problems,)
        Numbers of variables.

    Returns
    -------
    dict of str to (ndarray, ndarray)
        Evaluations divided by n + 1 in increasing order, from 0, and fractions of all problems.
    """
    units = np.asarray(n, dtype=float) + 1.0
    return {m: _steps(np.asarray(count) / units, 0.0) for m, count in evaluations.items()}


def runtime_profile(hits, d):
    """Return, for each method, how many targets it reaches with so many evaluations.

    Parameters
    ----------
    hits : dict of str to array_like
        Number of the evaluation that reached each target of each problem, infinite where none did.
    d : int
        Number of variables of the problems.

    Returns
    -------
    dict of str to (ndarray, ndarray)
        Evaluations divided by d in increasing order, from 0, and fractions of all targets.

    References
    ----------
    .. [1] N. Hansen, A. Auger, D. Brockhoff, T. Tusar, Anytime Performance Assessment in Blackbox
       Optimization Benchmarking, IEEE Transactions on Evolutionary Computation 26(6), 2022.
    """
    return {
        m: _steps(np.ravel(np.asarray(count, dtype=float)) / d, 0.0) for m, count in hits.items()
    }


def _steps(values, start):
    """Return the points of the distribution function of the finite values, from `start` on."""
    finite = np.sort(values[np.isfinite(values)])
    places, last = np.unique(finite, return_index=True)
    below = np.append(last[1:], finite.size)[: places.size] / max(1, values.size)
    if places.size and places[0] == start:
        return places, below
    return np.insert(places, 0, start), np.insert(below, 0, 0.0)
