"""Nuisances to add to images: large and smooth, or small and isolated. Neither says anything about the label."""

import math

import torch

from replearn.validate import check_integer, check_positive


def smooth_background(n: int, size: int, *, modes: int = 4, amp: float = 1.0, seed: int = 0) -> torch.Tensor:
    """Draw random smooth fields: sums of the lowest cosine modes with decaying normal coefficients.

    ``b(r, c) = amp sum_{u,v < modes} g_uv / (1 + u + v) cos(pi u (r + 1/2) / size) cos(pi v (c + 1/2) / size)`` with
    ``g_uv`` standard normal.

    Parameters
    ----------
    n : int
        Number of fields.
    size : int
        Height and width in pixels.
    modes : int
        Cosines per axis, 1 to ``size``.
    amp : float
        Amplitude, at least 0, in units of the pixels.
    seed : int
        Seed of the draw.

    Returns
    -------
    torch.Tensor
        (n, 1, size, size) float64.

    References
    ----------
    Made for this book, as the uninformative directions of large variance of Balestriero & LeCun (2024).

    Examples
    --------
    >>> smooth_background(3, 16).shape
    torch.Size([3, 1, 16, 16])
    """
    check_integer("n", n, 1)
    check_integer("size", size, 1)
    check_integer("modes", modes, 1, size)
    check_positive("amp", amp, allow_zero=True)
    order = torch.arange(modes, dtype=torch.float64)
    waves = torch.cos(math.pi * order[:, None] * (torch.arange(size, dtype=torch.float64) + 0.5) / size)
    coefficients = torch.randn(n, modes, modes, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    coefficients = amp * coefficients / (1 + order[:, None] + order)
    return (waves.T @ coefficients @ waves).unsqueeze(1)
