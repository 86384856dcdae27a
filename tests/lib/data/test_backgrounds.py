import numpy as np
import pytest
import torch
from scipy.fft import dctn

from replearn.data import half_moons, smooth_background
from replearn.papers.reconstruction_features import hot_pixels


def test_a_background_is_made_of_the_lowest_cosines():
    fields = smooth_background(4000, 8, modes=3, amp=0.5, seed=1)
    assert fields.shape == (4000, 1, 8, 8) and fields.dtype == torch.float64
    coefficients = dctn(fields[:, 0].numpy(), axes=(1, 2)) / 256
    scale = np.where(np.arange(8) == 0, 1, 2)
    coefficients = coefficients * np.outer(scale, scale)
    u, v = np.indices((8, 8))
    inside = (u < 3) & (v < 3)
    np.testing.assert_allclose(coefficients[:, ~inside], 0, atol=1e-12)
    spread = coefficients.std(axis=0)
    np.testing.assert_allclose((spread * (1 + u + v))[inside] / spread[0, 0], 1, rtol=0.1)
    assert fields[:, 0].mean(dim=(1, 2)).std().item() == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize("draw", [smooth_background, hot_pixels])
def test_a_seed_repeats_itself(draw):
    assert torch.equal(draw(3, 8, seed=4), draw(3, 8, seed=4))
    assert not torch.equal(draw(3, 8, seed=4), draw(3, 8, seed=5))


def test_half_moons_are_the_halves_of_a_circle_pulled_apart():
    x, y, t = half_moons(500, noise=0.0, seed=2)
    moon, upper = y % 2, y // 2
    centre = torch.stack([torch.zeros(500, dtype=x.dtype), moon.double()], dim=1)
    torch.testing.assert_close((x - centre).norm(dim=1), torch.ones(500, dtype=x.dtype))
    assert torch.equal(moon.bool(), x[:, 0] > 0) and torch.equal(upper.bool(), (x - centre)[:, 1] > 0)
    torch.testing.assert_close((x - centre)[:, 1], t.sin())
    assert all(100 < n < 150 for n in torch.bincount(y))
    assert (half_moons(500, noise=0.1, seed=2)[0] - x).std().item() == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: smooth_background(0, 8), "n must be"),
        (lambda: smooth_background(2, 8, modes=9), "modes must be"),
        (lambda: smooth_background(2, 8, amp=-1.0), "amp must be"),
        (lambda: half_moons(1), "n must be"),
        (lambda: half_moons(10, noise=-0.1), "noise must be"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
