import numpy as np
import pytest
import torch

from replearn.models import mlp
from replearn.papers.what_do_we_maximize import push_clouds


@pytest.fixture
def setting():
    torch.manual_seed(0)
    net = mlp([3, 8, 6, 2], dtype=torch.float64)
    return net, torch.randn(4, 3, dtype=torch.float64), torch.randn(4, 200, 3, dtype=torch.float64)


def by_hand(net, x, e):
    """Slope and signs from the weights alone, one point at a time, in numpy."""
    (W1, b1), (W2, b2), (W3, b3) = [(m.weight.detach().numpy(), m.bias.detach().numpy()) for m in list(net)[::2]]

    def run(p):
        h = W1 @ p + b1
        g = W2 @ np.maximum(h, 0) + b2
        return W3 @ np.maximum(g, 0) + b3, np.concatenate([h, g]) > 0

    value, on = run(x)
    A = W3 @ np.diag(on[8:]) @ W2 @ np.diag(on[:8]) @ W1
    z, signs = zip(*(run(x + step) for step in e), strict=True)
    return A, np.array(z), (np.array(signs) == on).all(1), np.abs(np.array(z) - value - e @ A.T).max(1)


@pytest.mark.parametrize("sigma", [0.05, 1.0])
def test_clouds_agree_with_a_point_by_point_reference(setting, sigma):
    net, x, noise = setting
    out = push_clouds(net, x, noise, sigma)
    for i in range(4):
        A, z, inside, miss = by_hand(net, x[i].numpy(), sigma * noise[i].numpy())
        np.testing.assert_allclose(out.z[i], z, atol=1e-12)
        assert np.array_equal(out.inside[i], inside)
        np.testing.assert_allclose(out.miss[i], miss, atol=1e-12)
        expected = sigma**2 * A @ A.T
        error = np.linalg.norm(np.cov(z.T) - expected) / np.linalg.norm(expected)
        assert out.cov_error[i].item() == pytest.approx(error)


def test_copies_inside_are_met_exactly_and_copies_outside_are_not(setting):
    net, x, noise = setting
    out = push_clouds(net, x, noise, 0.3)
    assert 0 < out.inside.double().mean() < 1
    assert out.miss[out.inside].max() < 1e-12 and out.miss[~out.inside].max() > 1e-2


@pytest.mark.parametrize("shape", [(4, 200, 2), (3, 200, 3), (4, 3), (4, 1, 3)])
def test_noise_that_does_not_fit_is_refused(setting, shape):
    net, x, _ = setting
    with pytest.raises(ValueError, match=r"shape \(4, n, 3\)"):
        push_clouds(net, x, torch.zeros(shape, dtype=torch.float64))
