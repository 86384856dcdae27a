"""Descent over free embeddings, against least squares."""

import numpy as np
import pytest
import torch

from replearn import spectral
from sampling import normal


def test_descent_solves_least_squares_and_repeats_itself():
    A, target = torch.tensor(normal(9, 6)), torch.tensor(normal(9, 2, seed=1))
    found = spectral.minimize_embedding(lambda Z: (A @ Z - target).square().sum(), 6, 2, seed=3)
    np.testing.assert_allclose(found.Z, np.linalg.lstsq(A.numpy(), target.numpy())[0], atol=1e-8)
    np.testing.assert_allclose(found.losses[-1], np.sum((A.numpy() @ found.Z - target.numpy()) ** 2))
    again = spectral.minimize_embedding(lambda Z: (A @ Z - target).square().sum(), 6, 2, seed=3)
    np.testing.assert_array_equal(found.Z, again.Z)
    with pytest.raises(ValueError, match="dim must be"):
        spectral.minimize_embedding(torch.sum, 6, 0)
