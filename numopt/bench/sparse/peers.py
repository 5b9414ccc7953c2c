"""Solvers of other libraries as functions ``solve(task, tol) -> coefficients (p, k)``.

`tol` is the tolerance in each library's own meaning; the judge does not rely on it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

LIMIT = 100_000  # passes or iterations that no solver should need


@dataclass(frozen=True)
class Peer:
    """A solver, the distribution and module it needs, and the families that it can solve."""

    name: str
    package: str
    module: str
    families: frozenset
    solve: Callable


def _own(task, tol):
    import numopt

    loss = (numopt.Logistic if task.logistic else numopt.LeastSquares)(task.X, task.y)
    if task.l1.size > 1:
        return numopt.path(numopt.Composite(loss, numopt.L1(1.0)), task.l1, tol=tol).coefs.T
    l1 = task.l1[0]
    if task.size > 1:
        penalty = numopt.GroupL2(l1, task.size)
    else:
        penalty = numopt.ElasticNet(l1, task.l2) if task.l2 else numopt.L1(l1)
    problem = numopt.Composite(loss, penalty)
    return _column(numopt.minimize(problem, tol=tol).x)


def family(task):
    """Return the kind of a task: lasso, enet, logistic, group or path."""
    if task.l1.size > 1:
        return "path"
    if task.logistic:
        return "logistic"
    return "enet" if task.l2 else "group" if task.size > 1 else "lasso"


def _column(w):
    return np.asarray(w, float).reshape(-1, 1)


def _sklearn(task, tol):
    from sklearn.linear_model import enet_path  # pyright: ignore

    alphas = (task.l1 + task.l2) / task.n
    ratio = task.l1[-1] / (task.l1[-1] + task.l2)
    common: dict[str, Any] = {"tol": tol, "max_iter": LIMIT, "check_input": False}
    return enet_path(task.X, task.y, l1_ratio=ratio, alphas=alphas, **common)[1]


def _liblinear(task, tol):
    from sklearn.linear_model import LogisticRegression  # pyright: ignore

    options: dict[str, Any] = {"l1_ratio": 1.0, "C": 1 / task.l1[0], "fit_intercept": False}
    model = LogisticRegression(solver="liblinear", tol=tol, max_iter=LIMIT, **options)
    return _column(model.fit(task.X, task.y).coef_)


def _celer(task, tol):
    from celer import celer_path  # pyright: ignore

    scale = 1.0 if task.logistic else 1 / task.n
    what = "logreg" if task.logistic else "grouplasso" if task.size > 1 else "lasso"
    ratio = task.l1[-1] / (task.l1[-1] + task.l2)
    more = {"groups": task.size} if task.size > 1 else {}
    _, W, *_ = celer_path(
        task.X, task.y, what, alphas=scale * (task.l1 + task.l2), l1_ratio=ratio,
        tol=tol * task.at_zero * scale, max_iter=LIMIT, prune=True, use_PN=task.logistic, **more,
    )  # fmt: skip
    return W


def _skglm(task, tol):
    from skglm.datafits import Logistic, Quadratic, QuadraticGroup  # pyright: ignore
    from skglm.penalties import L1, L1_plus_L2, WeightedGroupL2  # pyright: ignore
    from skglm.solvers import AndersonCD, GroupBCD, ProxNewton  # pyright: ignore

    n, p = task.X.shape
    common = {"max_iter": 1000, "tol": tol * task.l1_max / n, "fit_intercept": False}
    if task.logistic:
        solver, loss = ProxNewton(**common), Logistic()
    elif task.size > 1:
        pointers, members = (
            np.arange(0, p + 1, task.size, dtype=np.int32),
            np.arange(p, dtype=np.int32),
        )
        solver, loss = GroupBCD(max_epochs=10_000, **common), QuadraticGroup(pointers, members)
    else:
        solver, loss = AndersonCD(warm_start=True, **common), Quadratic()
    columns, Xw = [], np.zeros(n)
    w: Any = np.zeros(p)
    for l1 in task.l1:
        if task.size > 1:
            penalty = WeightedGroupL2(l1 / n, np.ones(p // task.size), pointers, members)
        elif task.l2:
            penalty = L1_plus_L2((l1 + task.l2) / n, l1 / (l1 + task.l2))
        else:
            penalty = L1(l1 / n)
        solved: Any = solver.solve(task.X, task.y, loss, penalty, w.copy(), Xw, run_checks=False)
        w = solved[0]
        Xw = task.X @ w if task.l1.size > 1 else Xw
        columns.append(w)
    return np.array(columns).T


def _glmnet(task, tol):
    from glmnet import ElasticNet, LogitNet  # pyright: ignore

    path = task if task.l1.size > 1 else task.ladder()
    common = {"standardize": False, "fit_intercept": False, "n_splits": 0, "max_iter": 10 * LIMIT}
    if task.logistic:
        model = LogitNet(alpha=1, lambda_path=path.l1 / task.n, tol=tol, **common)
        return _column(model.fit(task.X, task.y).coef_path_[0, :, -1])
    # It divides y by its norm, but not the ridge term: with this norm 1, both agree.
    scale = np.sqrt(task.y @ task.y / task.n)
    l1, l2 = path.l1 / scale, task.l2
    alpha = l1[-1] / (l1[-1] + l2)
    model = ElasticNet(alpha=alpha, lambda_path=l1 / alpha / task.n, tol=tol, **common)
    W = scale * model.fit(task.X, task.y / scale).coef_path_
    return W if task.l1.size > 1 else W[:, -1:]


def _adelie(task, tol):
    import adelie  # pyright: ignore

    n, p = task.X.shape
    path = task if task.l1.size > 1 else task.ladder()
    X = adelie.matrix.sparse(task.X) if sp.issparse(task.X) else task.X
    glm = adelie.glm.binomial((task.y + 1) / 2) if task.logistic else adelie.glm.gaussian(task.y)
    ratio = path.l1[-1] / (path.l1[-1] + task.l2)
    groups = np.arange(0, p, task.size)
    state = adelie.grpnet(
        X, glm, groups=groups, alpha=ratio, penalty=np.ones(groups.size), tol=tol, irls_tol=tol,
        lmda_path=path.l1 / ratio / n, intercept=False, early_exit=False, progress_bar=False,
    )  # fmt: skip
    W = state.betas.toarray().T
    return W if task.l1.size > 1 else W[:, -1:]


def _blitz(task, tol):
    from blitzl1 import _blitzl1  # pyright: ignore

    _blitzl1.data_as = _as_pointer
    _blitzl1.set_use_intercept(False)
    _blitzl1.set_tolerance(tol)
    kind = _blitzl1.LogRegProblem if task.logistic else _blitzl1.LassoProblem
    return _column(kind(task.X, task.y).solve(float(task.l1[0])).x)


def _as_pointer(array, kind):
    """Convert as blitzl1 does, but without comparing a type of NumPy with one of ctypes."""
    array = np.asfortranarray(array, kind._type_)
    return array, array.ctypes.data_as(kind)


_LINEAR = frozenset({"lasso", "enet", "path"})
_ALL = _LINEAR | {"logistic", "group"}
OWN = Peer("numopt", "numopt", "numopt", _ALL, _own)
PEERS = (
    Peer("celer", "celer", "celer", _ALL, _celer),
    Peer("skglm", "skglm", "skglm", _ALL, _skglm),
    Peer("scikit-learn", "scikit-learn", "sklearn", _LINEAR, _sklearn),
    Peer("glmnet", "python-glmnet", "glmnet", _LINEAR | {"logistic"}, _glmnet),
    Peer("adelie", "adelie", "adelie", _ALL, _adelie),
    Peer("blitzl1", "blitzl1", "blitzl1", frozenset({"lasso", "logistic"}), _blitz),
    Peer("liblinear", "scikit-learn", "sklearn", frozenset({"logistic"}), _liblinear),
)
