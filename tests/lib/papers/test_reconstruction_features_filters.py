import numpy as np
import pytest
import torch
from scipy.signal import correlate2d

from replearn.papers.reconstruction_features import ConvRandomFeatures

IMAGES = torch.rand(3, 2, 9, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_features_are_moments_of_rectified_correlations():
    net = ConvRandomFeatures(4, size=3, in_channels=2, seed=1)
    found = net(IMAGES)
    assert found.shape == (3, net.dim) == (3, 8)
    for i, image in enumerate(IMAGES.numpy()):
        for m, filters in enumerate(net.weight.numpy()):
            response = sum(correlate2d(a, b, mode="valid") for a, b in zip(image, filters, strict=True))
            response = np.maximum(response, 0)
            np.testing.assert_allclose(found[i, [m, 4 + m]], [response.mean(), response.std()], atol=1e-12)


def test_filters_are_fixed_by_the_seed_and_have_the_stated_size():
    assert not list(ConvRandomFeatures().parameters())
    assert torch.equal(ConvRandomFeatures(seed=3).weight, ConvRandomFeatures(seed=3).weight)
    assert not torch.equal(ConvRandomFeatures(seed=3).weight, ConvRandomFeatures(seed=4).weight)
    many = ConvRandomFeatures(2000, size=3, in_channels=2)
    assert many.weight.square().sum(dim=(1, 2, 3)).mean().item() == pytest.approx(1, rel=0.03)
    assert many(IMAGES.float()).dtype == torch.float32


@pytest.mark.parametrize("bad", [{"filters": 0}, {"size": 0}, {"in_channels": 0}])
def test_bad_sizes_are_refused(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        ConvRandomFeatures(**bad)


@pytest.mark.parametrize("images", [IMAGES[0], IMAGES[:, :1], IMAGES[:, :, :2]])
def test_other_images_are_refused(images):
    with pytest.raises(ValueError, match="images must have shape"):
        ConvRandomFeatures(4, size=3, in_channels=2)(images)
