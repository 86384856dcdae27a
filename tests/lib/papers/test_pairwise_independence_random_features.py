import math

import numpy as np
import pytest
import torch
from sklearn.kernel_approximation import RBFSampler
from torch import nn

from replearn.models import UnitRows
from replearn.papers.pairwise_independence import RandomFeatures


def column(n=50):
    return torch.randn(n, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("bandwidth", [0.5, 2.0])
def test_cosines_are_scikit_learns_given_its_draws(bandwidth):
    x = column()
    sampler = RBFSampler(gamma=1 / (2 * bandwidth**2), n_components=40, random_state=0).fit(x)
    features = RandomFeatures(40, bandwidth=bandwidth)
    features.weight, features.bias = (
        torch.tensor(v.ravel()) for v in (sampler.random_weights_, sampler.random_offset_)
    )
    np.testing.assert_allclose(features(x)[:, 0].numpy(), sampler.transform(x), atol=1e-12)


@pytest.mark.parametrize("bandwidth", [0.5, 2.0])
def test_cosines_estimate_the_gaussian_kernel(bandwidth):
    x = column()
    phi = RandomFeatures(20_000, bandwidth=bandwidth)(x)[:, 0]
    expected = np.exp(-((x - x.T) ** 2) / (2 * bandwidth**2))
    assert (phi @ phi.T - expected).abs().max() < 0.05


@pytest.mark.parametrize("kind", ["rff", "relu", "linear"])
def test_features_are_one_formula_for_every_variable(kind):
    features = RandomFeatures(6, kind, seed=3)
    x = torch.randn(4, 5, generator=torch.Generator().manual_seed(0))
    activation = {"rff": math.cos, "relu": lambda v: max(v, 0.0), "linear": float}[kind]
    w, b = features.weight.tolist(), features.bias.tolist()
    expected = [[[math.sqrt(2 / 6) * activation(w[p] * v + b[p]) for p in range(6)] for v in row] for row in x.tolist()]
    assert features(x).dtype == torch.float32
    torch.testing.assert_close(features(x), torch.tensor(expected))


def test_features_are_decided_by_the_seed_and_are_not_trained():
    x = column()
    state = torch.get_rng_state()
    assert torch.equal(RandomFeatures(8, seed=1)(x), RandomFeatures(8, seed=1)(x))
    assert not torch.allclose(RandomFeatures(8, seed=1)(x), RandomFeatures(8, seed=2)(x))
    assert torch.equal(state, torch.get_rng_state())
    assert not list(RandomFeatures(8).parameters()) and set(RandomFeatures(8).state_dict()) == {"weight", "bias"}


def test_unit_rows_are_a_linear_map_with_normalised_weights():
    torch.manual_seed(0)
    head, h = UnitRows(3, 5), torch.randn(7, 3)
    expected = torch.stack([h @ row / row.norm() for row in head.weight], 1)
    torch.testing.assert_close(head(h), expected)
    assert head.bias is None and isinstance(head, nn.Linear)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: RandomFeatures(0), "n_features"),
        (lambda: RandomFeatures(3, "sine"), "kind must be one of"),
        (lambda: RandomFeatures(3, bandwidth=0), "bandwidth must be positive"),
        (lambda: UnitRows(0, 3), "d_in"),
        (lambda: UnitRows(3, 0), "n_classes"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
