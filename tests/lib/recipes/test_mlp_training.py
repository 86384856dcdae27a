from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from replearn.data import RandomAffine
from replearn.evaluation import logdet_entropy, ridge_probe
from replearn.losses import vicreg
from replearn.recipes import TINY_MLP, mlp_encoder, tiny_affine, tiny_mnist, train_mlp, train_networks
from replearn.training import features


def test_the_recipe_is_that_of_the_book():
    assert TINY_MLP.loop() == {"steps": 400, "batch_size": 256, "lr": 6e-3, "warmup": 20, "weight_decay": 1e-4}
    assert RandomAffine(degrees=20, zoom=(0.8, 1.2), shift=0.15) == tiny_affine
    encoder, projector = mlp_encoder()
    shapes = [tuple(p.shape) for p in [*encoder.parameters(), *projector.parameters()]]
    assert shapes == [(256, 196), (256,), (128, 256), (128,), (64, 128), (64,)]
    x = torch.randn(5, 1, 14, 14)
    first, second = (m for m in encoder if isinstance(m, nn.Linear))
    torch.testing.assert_close(encoder(x), second(first(x.flatten(1)).clamp(min=0)).clamp(min=0))


def test_pixels_are_those_of_the_tiny_recipe_before_standardising(raw_mnist):
    standardised = tiny_mnist()
    assert raw_mnist.x_train.min() == 0 and raw_mnist.x_train.max() <= 1
    both = torch.cat([raw_mnist.x_train, raw_mnist.x_test])
    torch.testing.assert_close((raw_mnist.x_test - both.mean()) / both.std(correction=0), standardised.x_test)


def test_training_raises_the_entropy_and_the_probe_and_invariance_alone_collapses(raw_mnist):
    def read(encoder, projector):
        z, z_test = features(encoder, raw_mnist.x_train[:2000]), features(encoder, raw_mnist.x_test)
        accuracy = ridge_probe(z, raw_mnist.y_train[:2000], z_test, raw_mnist.y_test, lam=1e-2)
        return accuracy, logdet_entropy(features(projector, z_test))

    untrained = read(*mlp_encoder())
    full, alone = (
        train_mlp(partial(vicreg, **weights), raw_mnist.x_train, steps=100)
        for weights in ({"cov": 25.0}, {"var": 0.0, "cov": 0.0})
    )
    trained, collapsed = read(*full[:2]), read(*alone[:2])
    assert np.mean(full.history.loss[-10:]) < full.history.loss[0] - 3
    assert trained[0] > untrained[0] + 0.02 and trained[1] > untrained[1] + 60
    assert collapsed[0] < 0.6 and collapsed[1] < untrained[1] - 60


def test_frozen_parameters_stay_and_the_rest_is_trained(raw_mnist):
    encoder, projector = mlp_encoder(TINY_MLP._replace(d_hidden=16, width=8, dim=4))
    projector.requires_grad_(False)
    before = [p.clone() for p in (encoder[1].weight, projector[0].weight)]
    run = train_networks(encoder, projector, vicreg, raw_mnist.x_train[:100], steps=25)
    assert run.encoder is encoder and len(run.history.loss) == 25
    assert not torch.equal(encoder[1].weight, before[0]) and torch.equal(projector[0].weight, before[1])


@pytest.mark.parametrize("train", [train_mlp, partial(train_networks, *mlp_encoder())])
def test_flat_images_are_refused(train):
    with pytest.raises(ValueError, match=r"\(N, C, H, W\), but have \(10, 196\)"):
        train(vicreg, torch.zeros(10, 196))
