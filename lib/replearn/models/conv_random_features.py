"""Fixed random filters: image features that nobody trained."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from replearn.validate import check_integer


class ConvRandomFeatures(nn.Module):
    """Describe each image by the mean and the standard deviation, over positions, of rectified random filter responses.

    ``(mean, std) over positions of relu(w_m * x)`` for the fixed filters w_m with normal weights of variance
    1 / (in_channels size^2), without padding: (N, in_channels, H, W) -> (N, 2 filters), means first.

    Parameters
    ----------
    filters : int
        Number of filters.
    size : int
        Height and width of a filter.
    in_channels : int
        Channels of the images.
    seed : int
        Seed of the filters.

    Attributes
    ----------
    dim : int
        Number of features, 2 filters.

    Raises
    ------
    ValueError
        If a number is not a positive integer, or an image is smaller than a filter.

    Notes
    -----
    Source: the fixed features with which this book reads textures after Balestriero & LeCun (2024); Saxe et al., "On
    random weights and unsupervised feature learning" (2011).
    """

    def __init__(self, filters=48, *, size=5, in_channels=1, seed=0):
        super().__init__()
        for name, value in (("filters", filters), ("size", size), ("in_channels", in_channels)):
            check_integer(name, value, 1)
        generator = torch.Generator().manual_seed(seed)
        weight = torch.randn(filters, in_channels, size, size, generator=generator, dtype=torch.float64)
        self.register_buffer("weight", weight / math.sqrt(in_channels * size**2))
        self.dim = 2 * filters

    def forward(self, x):
        channels, size = self.weight.shape[1:3]
        if x.ndim != 4 or x.shape[1] != channels or min(x.shape[2:]) < size:
            raise ValueError(
                f"images must have shape (N, {channels}, H, W) with sides of at least {size}, but have {tuple(x.shape)}"
            )
        responses = F.conv2d(x, self.weight.to(x.dtype)).relu().flatten(2)
        return torch.cat([responses.mean(2), responses.std(2, correction=0)], 1)
