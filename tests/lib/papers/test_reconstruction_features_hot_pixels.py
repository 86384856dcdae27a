"""Noise on a few pixels."""

import numpy as np
import pytest
import torch

from replearn.papers.reconstruction_features import hot_pixels


def test_hot_pixels_are_the_same_ones_in_every_image_and_independent():
    images = hot_pixels(3000, 6, count=5, std=2.0, seed=1).flatten(1)
    hot = images.abs().sum(dim=0) > 0
    assert images.shape == (3000, 36) and hot.sum() == 5
    np.testing.assert_allclose(torch.cov(images[:, hot].T), 4 * np.eye(5), atol=0.4)
    assert not torch.equal(hot, hot_pixels(2, 6, count=5, seed=2).flatten(1).abs().sum(dim=0) > 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hot_pixels(2, 0), "size must be"),
        (lambda: hot_pixels(2, 6, count=37), "count must be"),
        (lambda: hot_pixels(2, 6, count=5, std=-1.0), "std must be"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
