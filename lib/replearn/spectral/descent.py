"""The long way round: minimise a loss over free embeddings by descent, to compare with its closed form."""

from typing import NamedTuple

import numpy as np
import torch

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
    max_iter : int, iterations allowed; it stops earlier where the gradient is below 1e-12.

    Returns
    -------
    Descent. Where the loss ignores the mean of Z, that mean is what the random start happened to have.

    Raises
    ------
    ValueError
        If n, k or max_iter is not a positive integer.

    Source: Liu & Nocedal 1989 (L-BFGS), as in ``torch.optim``, with a strong Wolfe line search.
    """
    for name, value in (("n", n), ("k", k), ("max_iter", max_iter)):
        check_integer(name, value, 1)
    generator = torch.Generator().manual_seed(seed)
    Z = torch.randn(n, k, dtype=torch.float64, generator=generator, requires_grad=True)
    stop = {"max_iter": max_iter, "tolerance_grad": 1e-12, "tolerance_change": 1e-16}
    optimiser = torch.optim.LBFGS([Z], history_size=20, line_search_fn="strong_wolfe", **stop)
    losses = []

    def closure():
        optimiser.zero_grad()
        value = loss(Z)
        value.backward()
        losses.append(value.item())
        return value

    optimiser.step(closure)
    with torch.no_grad():
        losses.append(loss(Z).item())
    return Descent(Z.detach().numpy(), np.array(losses))
