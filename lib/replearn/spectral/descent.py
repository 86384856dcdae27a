"""The long way round: minimise a loss over free embeddings by descent, to compare with its closed form."""

from typing import NamedTuple

import numpy as np
import torch

from replearn.descent import minimise
from replearn.validate import check_integer


class Descent(NamedTuple):
    """Where a descent ended, ``Z`` (N, K), and the loss at each of its evaluations, ``losses`` (T,)."""

    Z: np.ndarray
    losses: np.ndarray


def descend(loss, n, k, *, seed=0, max_iter=1500):
    """Minimise loss(Z) over all embeddings Z (n, k) by L-BFGS from standard normal numbers, in float64.

    Parameters
    ----------
    loss : function of a (n, k) float64 tensor, returning a differentiable scalar tensor.
    n, k : int, shape of the embedding.
    seed : int, of the starting point.
    max_iter : int, iterations allowed; it stops earlier where the loss stands still.

    Returns
    -------
    Descent. Where the loss ignores the mean of Z, that mean is what the random start happened to have.

    Raises
    ------
    ValueError
        If n, k or max_iter is not a positive integer.

    Source: see :func:`replearn.descent.minimise`.
    """
    for name, value in (("n", n), ("k", k), ("max_iter", max_iter)):
        check_integer(name, value, 1)
    generator = torch.Generator().manual_seed(seed)
    losses = []

    def recorded(Z):
        value = loss(Z)
        losses.append(value.item())
        return value

    start = torch.randn(n, k, dtype=torch.float64, generator=generator)
    (Z,) = minimise(recorded, [start], steps=max_iter)
    with torch.no_grad():
        losses.append(loss(Z).item())
    return Descent(Z.numpy(), np.array(losses))
