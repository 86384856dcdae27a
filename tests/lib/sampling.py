"""Random numbers for tests, each from a seed of its own."""

import torch


def draws(seed=0):
    """A generator."""
    return torch.Generator().manual_seed(seed)


def rows(n, dim=6, *, seed=1, dtype=torch.float32):
    """Standard normal rows (n, dim)."""
    return torch.randn(n, dim, generator=draws(seed), dtype=dtype)
