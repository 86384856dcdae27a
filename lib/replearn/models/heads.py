"""Heads that sit on an encoder: projectors and predictors."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from replearn.validate import check_integer


def mlp_head(d_in: int, d_hidden: int, d_out: int, *, layers: int = 2, batch_norm: bool = True) -> nn.Sequential:
    """Build a projector g: ``layers`` linear maps with BatchNorm and ReLU between them, the last one plain.

    ``g(h) = W_L relu(bn(W_{L-1} ... relu(bn(W_1 h)))) + b``. A hidden layer has a bias only where BatchNorm, which
    would cancel it, is absent. ``layers=1`` is a single linear map and ``d_hidden`` is unused.

    Parameters
    ----------
    d_in, d_hidden, d_out : int
        Sizes of the representation, of the hidden layers and of the embedding.
    layers : int
        Number of linear maps, at least 1.
    batch_norm : bool
        Whether hidden layers are batch-normalised.

    Returns
    -------
    torch.nn.Sequential
        A module (N, d_in) -> (N, d_out).

    References
    ----------
    The projector of SimCLR (Chen et al., 2020, section 2.1), with BatchNorm as in its released code.

    Examples
    --------
    >>> mlp_head(16, 32, 8)[0]
    Linear(in_features=16, out_features=32, bias=False)
    >>> mlp_head(16, 32, 8)[-1]
    Linear(in_features=32, out_features=8, bias=True)
    """
    for name, value in {"d_in": d_in, "d_hidden": d_hidden, "d_out": d_out, "layers": layers}.items():
        check_integer(name, value, 1)
    widths = [d_in] + [d_hidden] * (layers - 1)
    modules = []
    for a, b in pairwise(widths):
        modules += [nn.Linear(a, b, bias=not batch_norm), *([nn.BatchNorm1d(b)] if batch_norm else []), nn.ReLU()]
    return nn.Sequential(*modules, nn.Linear(widths[-1], d_out))


class UnitRows(nn.Linear):
    """A linear head without bias whose rows have length one, so that directions alone are learned: ``h -> h W^T``.

    Parameters
    ----------
    d_in, n_classes : int
        Sizes d of the representation and C of the logits.

    References
    ----------
    The weight-normalised case of Reizinger et al., "Cross-Entropy Is All You Need To Invert the Data Generating
    Process" (2025).

    Examples
    --------
    >>> UnitRows(4, 10).weight.shape
    torch.Size([10, 4])
    """

    def __init__(self, d_in: int, n_classes: int) -> None:
        check_integer("d_in", d_in, 1)
        check_integer("n_classes", n_classes, 1)
        super().__init__(d_in, n_classes, bias=False)

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        return F.linear(h, F.normalize(self.weight, dim=1))
