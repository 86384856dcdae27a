"""Random numbers for tests, each from a seed of its own."""

import numpy as np
import torch


def normal(*shape, seed=0):
    """A standard normal array, float64."""
    return np.random.default_rng(seed).standard_normal(shape)


def draws(seed=0):
    """A generator."""
    return torch.Generator().manual_seed(seed)


def rows(n, dim=6, *, seed=1, dtype=torch.float32):
    """Standard normal rows (n, dim)."""
    return torch.randn(n, dim, generator=draws(seed), dtype=dtype)
