"""Turning what a caller holds (array or tensor) into a float64 tensor, the currency of the measures of this room."""

import torch
from numpy.typing import ArrayLike

from replearn.validate import check_matrix, check_same_rows


def as_tensor(x: ArrayLike) -> torch.Tensor:
    """Return ``x`` as a detached float64 tensor, on the device where it is."""
    return torch.as_tensor(x).detach().double()


def as_matrix(name: str, x: ArrayLike, *, min_rows: int = 1) -> torch.Tensor:
    """Return ``x`` as a finite float64 matrix (N, K) with N >= ``min_rows``, or raise ``ValueError``."""
    x = as_tensor(x)
    check_matrix(name, x, min_rows=min_rows)
    return x


def as_square(name: str, x: ArrayLike, *, min_rows: int = 1) -> torch.Tensor:
    """Return ``x`` as a finite float64 matrix (N, N) with N >= ``min_rows``, or raise ``ValueError``."""
    x = as_matrix(name, x, min_rows=min_rows)
    if x.shape[0] != x.shape[1]:
        raise ValueError(f"{name} must be a square matrix (N, N), but has shape {tuple(x.shape)}")
    return x


def as_rows_of_same(
    name_a: str, a: ArrayLike, name_b: str, b: ArrayLike, *, min_rows: int = 2
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return two finite float64 matrices (N, K) and (N, L) of the same N samples, or raise ``ValueError``."""
    a, b = as_matrix(name_a, a, min_rows=min_rows), as_matrix(name_b, b, min_rows=min_rows)
    check_same_rows(name_a, a, name_b, b)
    return a, b
