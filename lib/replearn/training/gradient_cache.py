"""Large batches in little memory: embeddings computed a chunk at a time, whose loss still sees them all."""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from replearn.validate import check_integer


def grad_cache(network: nn.Module, x: torch.Tensor, chunks: int) -> torch.Tensor:
    r"""Embed a batch chunk by chunk, keeping no activations, so that a loss of all embeddings can be descended.

    Backward from ``loss(z)``, each chunk is computed a second time, with its graph, and receives the rows of
    G = dL/dz that belong to it: dL/dtheta = sum_i G_i^T dz_i/dtheta, the gradient of the whole batch. The memory is
    that of one chunk's activations and of z, the time about 4/3 of a plain step's. Random layers (dropout) draw the
    same numbers both times.

    Parameters
    ----------
    network : torch.nn.Module
        (N, ...) -> (N, K).
    x : torch.Tensor
        (N, ...) inputs.
    chunks : int
        Number of chunks, at most N; with 1 it is ``network(x)``.

    Returns
    -------
    torch.Tensor
        z (N, K).

    References
    ----------
    GradCache (Gao et al., 2021), here by way of activation checkpointing (Chen et al., 2016), of which it is
    the case of whole chunks. BatchNorm in training mode normalises each chunk by itself, so that its gradient is not
    that of the whole batch, and moves its running statistics twice.

    Examples
    --------
    >>> x, network = torch.randn(12, 3), nn.Linear(3, 2)
    >>> torch.allclose(grad_cache(network, x, chunks=4), network(x))
    True
    """
    check_integer("chunks", chunks, 1, len(x))
    if chunks == 1:
        return network(x)
    return torch.cat([checkpoint(network, part, use_reentrant=False) for part in x.tensor_split(chunks)])
