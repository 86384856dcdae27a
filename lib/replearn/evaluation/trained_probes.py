"""Probes that are trained by descent: multinomial logistic regression, and a network with one hidden layer."""

from typing import Annotated

import torch
from torch import nn
from torch.nn import functional as F

from replearn.contract import Positive, Seed, Whole, checked
from replearn.descent import minimize
from replearn.evaluation.blocks import centre_and_scale
from replearn.evaluation.labeled import (
    TestClasses,
    TestFeatures,
    TrainClasses,
    TrainFeatures,
    accuracy,
    labeled_features,
)


@checked
def logistic_probe(
    z_train: TrainFeatures,
    y_train: TrainClasses,
    z_test: TestFeatures,
    y_test: TestClasses | None = None,
    *,
    lam: Positive = 1.0,
    steps: Annotated[int, Whole(1)] = 100,
) -> float | torch.Tensor:
    r"""Linear classification by multinomial logistic regression on standardised features, with a free intercept.

    .. math:: \min_{W, b} \; \frac1N \sum_i -\log \mathrm{softmax}(W^\top z_i + b)_{y_i} + \frac{\lambda}{2 N} \|W\|_F^2

    Parameters
    ----------
    z_train : features (N, D), array or tensor; standardised by their own mean and deviation, computed in their dtype.
    y_train : classes (N,), integers 0..C-1.
    z_test : features (M, D).
    y_test : classes (M,) or None.
    lam : lambda > 0, which is 1 / C in scikit-learn's LogisticRegression.
    steps : largest number of L-BFGS iterations.

    Returns
    -------
    Accuracy in [0, 1] as a float; the predicted classes (M,) where ``y_test`` is None.

    References
    ----------
    The linear evaluation of Shwartz-Ziv et al. 2023 (arXiv 2303.00633) and of most papers on pretraining.

    Examples
    --------
    >>> z, y = torch.eye(2).repeat(5, 1), torch.tensor([0, 1]).repeat(5)
    >>> logistic_probe(z, y, z, y)
    1.0
    """
    z_train, y_train, z_test, y_test = labeled_features(z_train, y_train, z_test, y_test)
    dtype = z_train.dtype
    mean, scale = (part.to(dtype) for part in centre_and_scale(z_train, True))
    x, n = (z_train - mean) / scale, len(z_train)

    def loss(w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(x @ w + b, y_train) + lam / (2 * n) * w.square().sum()

    start = torch.zeros(x.shape[1] + 1, int(y_train.max()) + 1, dtype=dtype, device=x.device)
    w, b = minimize(loss, [start[1:], start[0]], steps=steps)
    return accuracy(((z_test.to(dtype) - mean) / scale @ w + b).argmax(1), y_test)


_BATCH = 256


@checked
def mlp_probe(
    z_train: TrainFeatures,
    y_train: TrainClasses,
    z_test: TestFeatures,
    y_test: TestClasses | None = None,
    *,
    hidden: Annotated[int, Whole(1)] = 256,
    steps: Annotated[int, Whole(1)] = 1000,
    lr: Positive = 3e-3,
    seed: Seed = 0,
) -> float | torch.Tensor:
    r"""Classification by a network with one hidden layer of rectifiers on standardised features.

    .. math:: \min_{V, a, W, b} \; \frac1N \sum_i
        -\log \mathrm{softmax}\big(W^\top \max(V^\top z_i + a, 0) + b\big)_{y_i}

    AdamW on batches of min(N, 256) samples, whose step falls to zero along a half cosine.

    Parameters
    ----------
    z_train : features (N, D), array or tensor; standardised by their own mean and deviation, at least float32.
    y_train : classes (N,), integers 0..C-1.
    z_test : features (M, D).
    y_test : classes (M,) or None.
    hidden : number of hidden units.
    steps : number of AdamW's steps.
    lr : its first step size, > 0.
    seed : of the initialisation and the batches, drawn on the CPU; the result depends on nothing else.

    Returns
    -------
    Accuracy in [0, 1] as a float; the predicted classes (M,) where ``y_test`` is None.

    References
    ----------
    The MLP probe of Balestriero et al. 2023 (the Cookbook), section on evaluation; initialised as by He et al. 2015.

    Examples
    --------
    >>> z, y = torch.eye(2).repeat(5, 1), torch.tensor([0, 1]).repeat(5)
    >>> mlp_probe(z, y, z, y, hidden=8, steps=50)
    1.0
    """
    z_train, y_train, z_test, y_test = labeled_features(z_train, y_train, z_test, y_test)
    dtype, device = torch.promote_types(z_train.dtype, torch.float32), z_train.device
    mean, scale = (part.to(dtype) for part in centre_and_scale(z_train, True))
    x, classes = (z_train.to(dtype) - mean) / scale, int(y_train.max()) + 1
    generator = torch.Generator().manual_seed(int(seed))
    network = nn.Sequential(
        _he_linear(x.shape[1], hidden, generator, dtype), nn.ReLU(), _he_linear(hidden, classes, generator, dtype)
    ).to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    with torch.enable_grad():
        for _ in range(steps):
            batch = torch.randint(len(x), (min(len(x), _BATCH),), generator=generator).to(device)
            optimizer.zero_grad()
            F.cross_entropy(network(x[batch]), y_train[batch]).backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        return accuracy(network((z_test.to(dtype) - mean) / scale).argmax(1), y_test)


def _he_linear(d_in: int, d_out: int, generator: torch.Generator, dtype: torch.dtype) -> nn.Linear:
    """A linear layer with weights N(0, 2 / d_in) and no bias at first, drawn on the CPU."""
    layer = nn.utils.skip_init(nn.Linear, d_in, d_out, dtype=dtype)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(d_in, d_out, generator=generator, dtype=dtype).T * (2 / d_in) ** 0.5)
        layer.bias.zero_()
    return layer
