"""Batches that are spread over processes, seen as one by the losses that compare samples with each other."""

from typing import Any

import torch
from torch import distributed as dist


def gather(z: torch.Tensor) -> torch.Tensor:
    """Join the rows of every process, in the order of the ranks, and let gradients flow back to all of them.

    A loss of the whole batch that every process computes on the gathered rows, followed by the usual averaging of
    gradients over processes, has exactly the gradient of one process with the big batch. Without a process group, or
    with one process, ``z`` comes back as it is.

    Parameters
    ----------
    z : torch.Tensor
        (n, ...), the same shape in every process.

    Returns
    -------
    torch.Tensor
        (processes n, ...).

    Notes
    -----
    Backward sums what the processes send each other (reduce-scatter), and the average over P processes then divides
    by P: each process adds the same full loss once. Gathering without a gradient loses the terms in which a sample is
    somebody else's negative. Source: the released code of VICReg and of SimCLR for several devices.

    Examples
    --------
    >>> gather(torch.ones(2, 3)).shape  # one process
    torch.Size([2, 3])
    """
    if processes() == 1:
        return z
    return _Gather.apply(z)


def processes() -> int:
    """How many processes train together: 1 without a process group.

    Examples
    --------
    >>> processes()
    1
    """
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: torch.Tensor) -> torch.Tensor:
        ctx.rows = len(z)
        parts = [torch.empty_like(z) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, z.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        gradient = gradient.contiguous()
        dist.all_reduce(gradient)
        start = dist.get_rank() * ctx.rows
        return gradient[start : start + ctx.rows]
