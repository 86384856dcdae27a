"""Flat directions of functions whose Hessian is known."""

import numpy as np
import pytest
import torch

from replearn.data import latent_world
from replearn.papers.singular_identifiability import flat_directions


def tabular(n_classes, d, n, unit):
    """Cross-entropy of free embeddings and a free (or unit-row) head, and a minimiser of it."""
    world = latent_world(d, n_classes=n_classes, dtype=torch.float64)
    z = world.sample(n, torch.Generator().manual_seed(0))
    posterior = torch.softmax(world.kappa * z @ world.centres.T, 1)

    def loss(theta):
        h, w = theta[: n * d].view(n, d), theta[n * d :].view(n_classes, d)
        w = w / w.norm(dim=1, keepdim=True) if unit else w
        return -(posterior * (h @ w.T).log_softmax(1)).sum(1).mean()

    return loss, torch.cat([world.kappa * z.flatten(), world.centres.flatten()])


@pytest.mark.parametrize(
    ("n_classes", "d", "unit", "expected"),
    [
        (6, 3, False, 3**2 + 3),
        (5, 2, False, 2**2 + 2),
        (6, 3, True, 6 + 3 + 3),
        (10, 3, True, 10 + 3),
        (3, 3, False, (12 + 3) * 3 - 12 * 2),
    ],
)
def test_flat_directions_of_a_classifier_are_those_of_its_symmetries(n_classes, d, unit, expected):
    result = flat_directions(*tabular(n_classes, d, 12, unit))
    magnitude = result.eigenvalues.abs().sort().values
    assert result.nullity == expected
    assert magnitude[expected - 1] < 1e-12 and magnitude[expected] > 1e-8


def test_flat_directions_of_known_functions():
    curved = flat_directions(lambda t: (t[0] ** 2 + 3 * t[1] ** 2 + t[2] ** 4) / 2, np.zeros(3))
    assert curved.nullity == 1
    np.testing.assert_allclose(curved.eigenvalues.numpy(), [0, 1, 3], atol=1e-12)
    assert flat_directions(lambda t: t.sum() * 0, np.ones(4)).nullity == 4
    assert flat_directions(lambda t: t[0] ** 2 + 1e-4 * t[1] ** 2, np.zeros(2), rtol=1e-3).nullity == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: flat_directions(lambda t: t.square().sum(), np.ones(2)), "critical point"),
        (lambda: flat_directions(lambda t: t.square().sum(), np.zeros((2, 2))), "vector"),
        (lambda: flat_directions(lambda t: t.square().sum(), [np.nan]), "NaN"),
        (lambda: flat_directions(lambda t: t.square().sum(), [0.0], rtol=-1), "rtol"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
