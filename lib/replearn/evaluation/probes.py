"""Probes with closed forms: how much of the labels can be read off a frozen representation.

All of them compute in float64 on the features' device and read the rows in blocks, so that memory stays bounded.
"""

from typing import Annotated, NamedTuple

import torch
from numpy.typing import ArrayLike
from torch.nn import functional as F

from replearn.contract import Array, Choice, Positive, Samples, Whole, checked
from replearn.evaluation.blocks import blocks, centre_and_scale, rows_in_block, unit_rows
from replearn.evaluation.labeled import (
    TestClasses,
    TestFeatures,
    TrainClasses,
    TrainFeatures,
    accuracy,
    labeled_features,
)
from replearn.evaluation.tensors import as_columns, detached

_LOO_GRID = tuple(10.0**p for p in range(-6, 3))


@checked
def knn_probe(
    z_train: TrainFeatures,
    y_train: TrainClasses,
    z_test: TestFeatures,
    y_test: TestClasses | None = None,
    *,
    k: Annotated[int, Whole(1)] = 20,
    temperature: Positive = 0.07,
) -> float | torch.Tensor:
    r"""Weighted k-nearest-neighbour classification by cosine similarity.

    Class c receives the votes :math:`\sum_{i \in \mathrm{kNN}} e^{s_i / \tau} \, 1[y_i = c]` of the k training samples
    with the largest cosines s.

    Parameters
    ----------
    z_train : features (N, D), array or tensor.
    y_train : classes (N,), integers 0..C-1.
    z_test : features (M, D).
    y_test : classes (M,) or None.
    k : number of neighbours, 1 <= k <= N.
    temperature : tau > 0, in units of cosine.

    Returns
    -------
    Accuracy in [0, 1] as a float; the predicted classes (M,) where ``y_test`` is None.

    Notes
    -----
    Costs O(N M D) time and O(N) memory per test row.

    References
    ----------
    Wu et al. 2018; k and tau as in Caron et al. 2021 (DINO).

    Examples
    --------
    >>> z, y = torch.eye(2).repeat(5, 1), torch.tensor([0, 1]).repeat(5)
    >>> knn_probe(z, y, z, y, k=3)
    1.0
    """
    z_train, y_train, z_test, y_test = labeled_features(z_train, y_train, z_test, y_test)
    if k > len(z_train):
        raise ValueError(f"k must be at most the number of training samples, {len(z_train)}, but is {k}")
    z_train, votes = unit_rows("z_train", z_train), F.one_hot(y_train).double()
    predicted = []
    for rows in z_test.split(rows_in_block(len(z_train))):
        s, nearest = (unit_rows("z_test", rows) @ z_train.T).topk(k)
        weights = ((s - s[:, :1]) / temperature).exp()
        predicted.append((weights.unsqueeze(-1) * votes[nearest]).sum(1).argmax(1))
    return accuracy(torch.cat(predicted), y_test)


@checked
def ridge_probe(
    z_train: TrainFeatures,
    y_train: TrainClasses,
    z_test: TestFeatures,
    y_test: TestClasses | None = None,
    *,
    lam: Positive | Annotated[str, Choice("loo")] = 1e-3,
    standardize: bool = True,
) -> float | torch.Tensor:
    r"""Linear classification by ridge regression on one-hot targets, with a free intercept.

    .. math:: \min_{W, b} \; \frac1N \|Z W + 1 b^\top - Y\|_F^2 + \lambda \|W\|_F^2

    Parameters
    ----------
    z_train : features (N, D), array or tensor.
    y_train : classes (N,), integers 0..C-1.
    z_test : features (M, D).
    y_test : classes (M,) or None.
    lam : lambda > 0 (scikit-learn's ``alpha`` is lambda N), or "loo": the power of ten between 1e-6 and 1e2 with the
        smallest leave-one-out error.
    standardize : scale features to unit variance on the training set; constant features are only centred.

    Returns
    -------
    Accuracy in [0, 1] as a float; the predicted classes (M,) where ``y_test`` is None.

    Notes
    -----
    Costs O(N D min(N, D)) time and O(min(N, D)^2) memory.

    References
    ----------
    Hoerl and Kennard 1970.

    Examples
    --------
    >>> z, y = torch.eye(2).repeat(5, 1), torch.tensor([0, 1]).repeat(5)
    >>> ridge_probe(z, y, z, y)
    1.0
    """
    z_train, y_train, z_test, y_test = labeled_features(z_train, y_train, z_test, y_test)
    targets = F.one_hot(y_train).double()
    if isinstance(lam, str):
        errors = {v: _loo_residuals(z_train, targets, v, standardize).square().sum().item() for v in _LOO_GRID}
        lam = min(errors, key=errors.__getitem__)
    predict = fit_ridge(z_train, targets, lam, standardize)
    return accuracy(predict(z_test).argmax(1), y_test)


@checked
def low_shot_probe(
    z_train: TrainFeatures,
    y_train: TrainClasses,
    z_test: TestFeatures,
    y_test: TestClasses,
    *,
    n_labels: Annotated[int, Whole(2)] = 200,
    repeats: Annotated[int, Whole(1)] = 5,
    lam: Positive = 0.1,
) -> float:
    r"""Mean accuracy of ridge probes that see few labels: disjoint blocks of the first ``repeats * n_labels`` samples.

    Parameters
    ----------
    z_train : features (N, D) in random order, array or tensor.
    y_train : classes (N,), integers 0..C-1.
    z_test : features (M, D).
    y_test : classes (M,).
    n_labels : labels per block; each block must hold every class.
    repeats : number of blocks.
    lam : lambda of :func:`ridge_probe`, whose features are standardised by the statistics of the block.

    Returns
    -------
    Accuracy in [0, 1] as a float.

    References
    ----------
    The label-budget protocol of Balestriero et al. 2023 (the Cookbook), section on evaluation.

    Examples
    --------
    >>> z, y = torch.eye(2).repeat(5, 1), torch.tensor([0, 1]).repeat(5)
    >>> low_shot_probe(z, y, z, y, n_labels=2)
    1.0
    """
    z_train, y_train, z_test, y_test = labeled_features(z_train, y_train, z_test, y_test)
    if repeats * n_labels > len(z_train):
        raise ValueError(
            f"{repeats} blocks of {n_labels} labels need {repeats * n_labels} samples, but have {len(z_train)}"
        )
    blocks = (slice(b * n_labels, (b + 1) * n_labels) for b in range(repeats))
    return sum(float(ridge_probe(z_train[b], y_train[b], z_test, y_test, lam=lam)) for b in blocks) / repeats


@checked
def r2_probe(
    z_train: TrainFeatures,
    t_train: Annotated[ArrayLike, Array("N [Q]")],
    z_test: TestFeatures,
    t_test: Annotated[ArrayLike, Array("M [Q]")],
    *,
    lam: Positive = 1e-3,
    standardize: bool = True,
) -> float:
    r"""Share of the variance of continuous factors that a ridge regression reads off the features (mean over factors).

    .. math:: R^2 = 1 - \frac{\sum_i (t_i - \hat t_i)^2}{\sum_i (t_i - \bar t)^2}

    Parameters
    ----------
    z_train : features (N, D), array or tensor.
    t_train : factors (N,) or (N, Q), any unit.
    z_test : features (M, D).
    t_test : factors (M,) or (M, Q).
    lam, standardize : as in :func:`ridge_probe`, with factors in place of one-hot targets.

    Returns
    -------
    R^2 on the test set as a float: 1 is perfect, 0 is as good as the mean, less is worse.

    Raises
    ------
    ValueError
        Wrong shapes, non-finite values, ``lam <= 0``, a factor that is constant on the test set.

    References
    ----------
    Wright 1921 for R^2; the factor regressions of Balestriero et al. 2023 (the Cookbook).

    Examples
    --------
    >>> z = torch.linspace(0, 1, 20)[:, None]
    >>> round(r2_probe(z, 3 * z, z, 3 * z, lam=1e-9), 4)
    1.0
    """
    z_train, z_test = detached(z_train), detached(z_test)
    t_train, t_test = (as_columns(t).to(z_train.device) for t in (t_train, t_test))
    spread = (t_test - t_test.mean(0)).square().sum(0)
    if (spread == 0).any():
        raise ValueError("t_test has a constant factor, whose R^2 is undefined; leave it out")
    predict = fit_ridge(z_train, t_train, lam, standardize)
    error = (t_test - predict(z_test)).square().sum(0)
    return (1 - error / spread).mean().item()


@checked
def loo_residuals(
    z: Samples, t: Annotated[ArrayLike, Array("N Q")], *, lam: Positive = 1e-3, standardize: bool = True
) -> torch.Tensor:
    r"""Leave-one-out residuals of a ridge regression from a single fit.

    .. math:: \frac{t_i - \hat t_i}{1 - H_{ii}}, \qquad \hat t = H t

    Exact for the unpenalised intercept; the features keep the scale of the whole set when a sample is left out.

    Parameters
    ----------
    z : features (N, D), array or tensor.
    t : targets (N, Q).
    lam, standardize : as in :func:`ridge_probe`; lambda N is the same with and without the sample.

    Returns
    -------
    Tensor (N, Q), float64, in units of t.

    Notes
    -----
    Costs O(N D min(N, D)).

    References
    ----------
    Allen 1974 (PRESS).

    Examples
    --------
    >>> z = torch.linspace(0, 1, 20)[:, None]
    >>> bool(loo_residuals(z, 3 * z, lam=1e-9).abs().max() < 1e-6)
    True
    """
    z, t = detached(z), detached(t)
    return _loo_residuals(z, t.double(), lam, standardize)


def _loo_residuals(z: torch.Tensor, targets: torch.Tensor, lam: float, standardize: bool) -> torch.Tensor:
    n = len(z)
    mean, scale = centre_and_scale(z, standardize)
    U, s, _ = torch.linalg.svd((z.double() - mean) / scale, full_matrices=False)
    shrunk = U * (s**2 / (s**2 + lam * n))
    residuals = targets - targets.mean(0) - shrunk @ (U.T @ targets)
    return residuals / (1 - (shrunk * U).sum(1) - 1 / n)[:, None]


class Ridge(NamedTuple):
    """A fitted ridge regression: a function of features (M, D)."""

    mean: torch.Tensor
    scale: torch.Tensor
    weights: torch.Tensor
    offset: torch.Tensor

    def __call__(self, z: torch.Tensor) -> torch.Tensor:
        return torch.cat([(rows - self.mean) / self.scale @ self.weights + self.offset for rows in blocks(z)])


def fit_ridge(z: torch.Tensor, targets: torch.Tensor, lam: float, standardize: bool) -> Ridge:
    """Weights (Z^T Z + lam N I)^{-1} Z^T T of scaled features and centered targets, by the smaller Gram matrix."""
    n, d = z.shape
    mean, scale = centre_and_scale(z, standardize)
    offset = targets.mean(0)
    penalty = lam * n * torch.eye(min(n, d), dtype=torch.float64, device=z.device)
    if n < d:
        Z = (z.double() - mean) / scale
        weights = Z.T @ torch.linalg.solve(Z @ Z.T + penalty, targets - offset)
    else:
        gram, cross = penalty, 0.0
        for rows, t in zip(blocks(z), targets.split(rows_in_block(d)), strict=True):
            rows = (rows - mean) / scale
            gram, cross = gram + rows.T @ rows, cross + rows.T @ (t - offset)
        weights = torch.linalg.solve(gram, cross)
    return Ridge(mean, scale, weights, offset)
