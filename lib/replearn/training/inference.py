"""A network at work: its features, and BatchNorm statistics for one that was never trained."""

from typing import TypeVar

import torch
from torch import nn

from replearn.data import as_float
from replearn.validate import check_integer

Network = TypeVar("Network", bound=nn.Module)


@torch.no_grad()
def features(network: nn.Module, x: torch.Tensor, *, batch_size: int = 1000) -> torch.Tensor:
    """Compute a network's outputs in evaluation mode, without gradients, a batch at a time.

    Parameters
    ----------
    network : torch.nn.Module
        (N, ...) -> (N, d). It is left in the mode it was in.
    x : torch.Tensor
        (N, ...) inputs on the network's device.
    batch_size : int
        Inputs at a time, which bounds the memory.

    Returns
    -------
    torch.Tensor
        (N, d).


    Examples
    --------
    >>> features(nn.Linear(3, 2), torch.randn(2500, 3)).shape
    torch.Size([2500, 2])
    """
    check_integer("batch_size", batch_size, 1)
    training = network.training
    network.eval()
    try:
        return torch.cat([network(as_float(part)) for part in x.split(batch_size)])
    finally:
        network.train(training)


@torch.no_grad()
def warm_up_batch_norm(network: Network, x: torch.Tensor, *, steps: int = 20) -> Network:
    """Settle the running statistics of BatchNorm on data, in place, without training.

    An untrained network is unfairly poor in evaluation mode until it has seen data, since its statistics are still the
    initial 0 and 1.

    Parameters
    ----------
    network : torch.nn.Module
        (N, ...) -> anything. It is left in the mode it was in.
    x : torch.Tensor
        (N, ...) inputs on the network's device, about 1,000 of them.
    steps : int
        Forward passes; with momentum 0.1, 20 of them leave 12 % of the initial values.

    Returns
    -------
    torch.nn.Module
        The same network.


    Examples
    --------
    >>> network = warm_up_batch_norm(nn.BatchNorm1d(1), torch.full((10, 1), 5.0), steps=50)
    >>> round(network.running_mean.item(), 1)
    5.0
    """
    check_integer("steps", steps, 1)
    training = network.training
    network.train()
    try:
        for _ in range(steps):
            network(x)
    finally:
        network.train(training)
    return network
