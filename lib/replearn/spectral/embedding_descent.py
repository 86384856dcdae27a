"""The long way round: minimise a loss over free embeddings by descent, to compare with its closed form."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from replearn.descent import minimize
from replearn.validate import check_integer


class Descent(NamedTuple):
    """Where a descent ended, ``Z`` (N, K), and the loss at each of its evaluations, ``losses`` (T,)."""

    Z: np.ndarray
    losses: np.ndarray


def minimize_embedding(loss: Callable, n: int, dim: int, *, seed: int = 0, steps: int = 1500) -> Descent:
    """Minimise loss(Z) over all embeddings Z (n, dim) by L-BFGS from standard normal numbers, in float64.

    Parameters
    ----------
    loss : function of an (n, dim) float64 tensor, returning a differentiable scalar tensor.
    n, dim : int, shape of the embedding.
    seed : int, of the starting point.
    steps : int, iterations allowed; it stops earlier where the loss stands still.

    Returns
    -------
    Descent. Where the loss ignores the mean of Z, that mean is what the random start happened to have.

    References
    ----------
    See :func:`replearn.descent.minimize`.

    Examples
    --------
    >>> minimize_embedding(lambda Z: (Z - 1).square().sum(), 3, 2).Z.round(4)
    array([[1., 1.],
           [1., 1.],
           [1., 1.]])
    """
    for name, value in (("n", n), ("dim", dim), ("steps", steps)):
        check_integer(name, value, 1)
    generator = torch.Generator().manual_seed(seed)
    losses = []

    def recorded(Z: torch.Tensor) -> torch.Tensor:
        value = loss(Z)
        losses.append(value.item())
        return value

    start = torch.randn(n, dim, dtype=torch.float64, generator=generator)
    (Z,) = minimize(recorded, [start], steps=steps)
    with torch.no_grad():
        losses.append(loss(Z).item())
    return Descent(Z.numpy(), np.array(losses))
