"""Features read a block of rows at a time, so that float64 sums and products of large ones stay small in memory."""

from collections.abc import Iterator
from functools import reduce

import torch

BLOCK = 2**22  # numbers in a block: 32 MiB in float64


def rows_in_block(width: int) -> int:
    """How many rows of so many numbers fit a block, at least one."""
    return max(1, BLOCK // width)


def blocks(z: torch.Tensor) -> Iterator[torch.Tensor]:
    """Yield the rows of ``z`` (N, D) in float64, a block at a time."""
    return (rows.double() for rows in z.split(rows_in_block(z.shape[1])))


def centre_and_scale(z: torch.Tensor, standardize: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and deviation (D,) of the columns of ``z`` in float64; a scale of one where they do not vary, or for all."""
    mean = reduce(torch.add, (rows.sum(0) for rows in blocks(z))) / len(z)
    if not standardize:
        return mean, torch.ones_like(mean)
    std = (reduce(torch.add, ((rows - mean).square().sum(0) for rows in blocks(z))) / len(z)).sqrt()
    return mean, torch.where(std <= 1e-12 * mean.abs(), 1.0, std)


def unit_rows(name: str, z: torch.Tensor) -> torch.Tensor:
    """Return ``z`` in float64 with rows of length one, or raise ``ValueError`` if one is zero."""
    norms = z.double().norm(dim=1, keepdim=True)
    if (norms == 0).any():
        raise ValueError(f"{name} has a zero vector, which has no direction; use a probe that is not based on cosines")
    return z.double() / norms
