"""Turning what a caller holds (array, list or tensor) into a tensor, the currency of the measures of this room."""

import numpy as np
import torch
from numpy.typing import ArrayLike

from replearn.validate import check_matrix


def detached(x: ArrayLike) -> torch.Tensor:
    """Return ``x`` as a tensor without gradient, on the device where it is and in the type that it has."""
    return x.detach() if isinstance(x, torch.Tensor) else torch.as_tensor(np.ascontiguousarray(x))


def as_tensor(x: ArrayLike) -> torch.Tensor:
    """Return ``x`` as a detached float64 tensor."""
    return detached(x).double()


def as_columns(x: ArrayLike) -> torch.Tensor:
    """Return (N,) or (N, K) numbers as a detached float64 matrix, the former as its one column."""
    x = as_tensor(x)
    return x[:, None] if x.ndim == 1 else x


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
