"""RotNet: the turns it makes, the loss it takes, and that it learns to tell them."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from replearn.data import Compose, GaussianNoise
from replearn.papers.two_views import RotationPrediction
from replearn.training import pretrain, seeded


def method(augment=None):
    with seeded(0):
        encoder, head = nn.Sequential(nn.Flatten(), nn.Linear(50, 16), nn.ReLU()), nn.Linear(16, 4)
        return RotationPrediction(encoder, head, F.cross_entropy, augment or Compose())


def images(n=30):
    x = torch.randn(n, 2, 5, 5, generator=torch.Generator().manual_seed(1))
    x[:, :, 0] += 3  # a bright upper edge, which tells where up is
    return x


def test_each_image_comes_turned_four_times():
    x, index = images(), torch.tensor([4, 4, 9])
    turned, turns = method().views(x, index, torch.Generator().manual_seed(0))
    assert turns.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    for image, original, k in zip(turned, x[index].repeat(4, 1, 1, 1), turns, strict=True):
        np.testing.assert_array_equal(image.numpy(), np.rot90(original.numpy(), k, axes=(1, 2)))


def test_images_are_augmented_before_they_are_turned():
    turned, _ = method(GaussianNoise(0.1)).views(images(), torch.arange(6), torch.Generator().manual_seed(0))
    torch.testing.assert_close(turned[6:12].rot90(-1, (2, 3)), turned[:6], rtol=0, atol=0)
    assert not torch.equal(turned[:6], images()[:6])


def test_the_loss_is_the_cross_entropy_of_the_turns():
    rotnet = method()
    views = rotnet.views(images(), torch.arange(8), torch.Generator().manual_seed(0))
    log_p = rotnet.head(rotnet.encoder(views[0])).log_softmax(1).detach().numpy()
    expected = -np.mean([log_p[i, k] for i, k in enumerate(views[1])])
    assert rotnet.step(views)["loss"].item() == pytest.approx(expected, rel=1e-5)


def test_it_learns_which_way_is_up():
    rotnet = method()
    history = pretrain(rotnet, images(), steps=60, batch_size=16, warmup=5, lr=1e-2, seed=0)
    assert history.loss[0] > 1 and history.loss[-1] < 0.1


def test_images_that_are_not_square_are_refused():
    with pytest.raises(ValueError, match="square"):
        method().views(torch.zeros(4, 2, 5, 6), torch.arange(2), torch.Generator())
