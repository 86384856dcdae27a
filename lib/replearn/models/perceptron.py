"""The plain multi-layer perceptron of the theory chapters."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import nn

from replearn.validate import check_integer, check_positive


def mlp(
    widths: Sequence[int],
    activation: Callable = nn.ReLU,
    *,
    bias_std: float | None = None,
    dtype: torch.dtype | None = None,
) -> nn.Sequential:
    """Build a multi-layer perceptron: linear maps with an activation between them, the last one plain.

    ``f(x) = W_L a(W_{L-1} ... a(W_1 x + b_1)) + b_L``.

    Parameters
    ----------
    widths : sequence of int
        Sizes of the input, the hidden layers and the output, at least two: ``[2, 32, 32, 2]``.
    activation : callable
        Makes the activation module, for example ``nn.ReLU`` or ``partial(nn.LeakyReLU, 0.01)``.
    bias_std : float, optional
        Redraw every bias from N(0, bias_std^2), which spreads the fold lines of a 2-D network over the plane. By
        default PyTorch's initialisation is kept. Draws come from torch's global generator, as all initialisation does.
    dtype : torch.dtype, optional
        Type of the parameters; exact geometry wants ``torch.float64``.

    Returns
    -------
    torch.nn.Sequential
        A module (N, widths[0]) -> (N, widths[-1]).

    References
    ----------
    The networks of Humayun et al., "SplineCam" (2023), and of the other spline chapters.

    Examples
    --------
    >>> mlp([2, 32, 2])
    Sequential(
      (0): Linear(in_features=2, out_features=32, bias=True)
      (1): ReLU()
      (2): Linear(in_features=32, out_features=2, bias=True)
    )
    """
    if len(widths) < 2:
        raise ValueError(f"widths needs at least an input and an output size, but has {len(widths)} entries")
    for i, width in enumerate(widths):
        check_integer(f"widths[{i}]", width, 1)
    modules = []
    for a, b in pairwise(widths):
        modules += [nn.Linear(a, b, dtype=dtype), activation()]
    net = nn.Sequential(*modules[:-1])
    if bias_std is not None:
        check_positive("bias_std", bias_std, allow_zero=True)
        for layer in net:
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.bias, std=bias_std)
    return net
