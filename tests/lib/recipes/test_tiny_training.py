import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.linear_model import Ridge
from torch import nn

from replearn import recipes
from replearn.data import GaussianNoise, RandomAffineCrop, RandomErase, load
from replearn.methods import JointEmbedding
from replearn.models import TinyConv
from replearn.recipes import TINY, TINY_SHORT, tiny_augmentation, tiny_encoder, train_tiny, untrained
from replearn.training import features, warm_up_batch_norm


def nt_xent(a, b, tau=0.5):
    z = F.normalize(torch.cat([a, b]), dim=1)
    similarity = (z @ z.T / tau).fill_diagonal_(-torch.inf)
    return F.cross_entropy(similarity, torch.arange(len(z)).roll(len(a)))


def low_shot(network, mnist):
    """Mean accuracy of ridge classifiers on five blocks of 200 labels, features standardised by the block."""
    z, z_test = features(network, mnist.x_train[:1000]).numpy(), features(network, mnist.x_test).numpy()
    targets, accuracies = np.eye(10)[mnist.y_train[:1000].numpy()], []
    for block in np.split(np.arange(1000), 5):
        mean, std = z[block].mean(0), z[block].std(0) + 1e-6
        ridge = Ridge(alpha=0.1 * 200).fit((z[block] - mean) / std, targets[block])
        accuracies.append((ridge.predict((z_test - mean) / std).argmax(1) == mnist.y_test.numpy()).mean())
    return np.mean(accuracies)


def test_tiny_mnist_is_pooled_and_standardised(mnist):
    raw = load("mnist_10k")
    pooled = raw.images.double().numpy().reshape(10000, 1, 14, 2, 14, 2).mean((3, 5))
    expected = (pooled - pooled.mean()) / pooled.std()
    np.testing.assert_allclose(torch.cat([mnist.x_train, mnist.x_test]).numpy(), expected, atol=1e-5)
    assert mnist.x_train.shape == (8000, 1, 14, 14) and mnist.x_test.shape == (2000, 1, 14, 14)
    assert torch.equal(torch.cat([mnist.y_train, mnist.y_test]), raw.labels)


def test_the_recipes_are_those_of_the_book():
    assert TINY.loop() == {"steps": 200, "batch_size": 128, "lr": 5e-3, "warmup": 20, "weight_decay": 1e-4}
    assert TINY._replace(width=8, steps=100) == TINY_SHORT
    encoder, projector = tiny_encoder(TINY)
    assert encoder.dim == 128 and [tuple(p.shape) for p in projector.parameters()] == [
        (128, 128),
        (128,),
        (128,),
        (64, 128),
        (64,),
    ]


def test_the_start_is_decided_by_the_seed_alone():
    state = torch.get_rng_state()
    first, again, other = (tiny_encoder(TINY_SHORT, seed=seed)[0][0].weight for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.allclose(first, other)
    assert torch.equal(state, torch.get_rng_state())


def test_training_by_the_recipe_beats_the_untrained_encoder(mnist):
    untrained, _ = tiny_encoder(TINY_SHORT, seed=0)
    warm_up_batch_norm(untrained, mnist.x_train[:1000])
    trained = train_tiny(nt_xent, mnist.x_train, recipe=TINY_SHORT, seed=0)
    assert len(trained.history.loss) == 100
    assert np.mean(trained.history.loss[-10:]) < trained.history.loss[0] - 0.8
    assert low_shot(trained.encoder, mnist) - low_shot(untrained, mnist) > 0.1


def test_train_tiny_takes_another_method_augmentation_and_length(mnist):
    class OneView(JointEmbedding):
        def views(self, images, index, generator):
            return (self.augment(images[index], generator),) * 2

    def shift(x, generator):
        return x + 1

    trained = train_tiny(F.mse_loss, mnist.x_train[:64], recipe=TINY_SHORT, augment=shift, method=OneView, steps=25)
    assert trained.history.loss == [0.0] * 25 and trained.encoder.dim == 64


def test_train_tiny_refuses_flat_images():
    with pytest.raises(ValueError, match=r"\(N, C, H, W\), but have \(10, 196\)"):
        train_tiny(nt_xent, torch.zeros(10, 196))


def test_features_are_those_of_evaluation_mode_in_any_batches():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.5))
    x = torch.randn(25, 4)
    net(x)
    bn = net[1]
    expected = (x @ net[0].weight.T + net[0].bias - bn.running_mean) / (bn.running_var + bn.eps).sqrt()
    for batch_size in (1, 7, 1000):
        z = features(net, x, batch_size=batch_size)
        torch.testing.assert_close(z, expected.detach())
        assert not z.requires_grad and net.training and net[2].training
    features(net.eval(), x)
    assert not net.training
    with pytest.raises(ValueError, match="batch_size"):
        features(net, x, batch_size=0)


def test_warm_up_settles_the_running_statistics():
    bn = nn.BatchNorm1d(3).eval()
    x = torch.randn(40, 3, generator=torch.Generator().manual_seed(0)) * 3 + 5
    assert warm_up_batch_norm(bn, x, steps=20) is bn
    left = 0.9**20
    torch.testing.assert_close(bn.running_mean, (1 - left) * x.mean(0))
    torch.testing.assert_close(bn.running_var, (1 - left) * x.var(0) + left)
    assert not bn.training and (bn.weight == 1).all()
    with pytest.raises(ValueError, match="steps"):
        warm_up_batch_norm(TinyConv(), x, steps=0)


def test_an_augmentation_of_no_strength_leaves_images_as_they_are(mnist):
    x, generator = mnist.x_train[:8], torch.Generator().manual_seed(0)
    torch.testing.assert_close(tiny_augmentation()(x, generator), x, atol=1e-5, rtol=0)


def test_an_augmentation_is_its_parts_one_after_the_other(mnist):
    x = mnist.x_train[:8]
    generator, again = torch.Generator().manual_seed(1), torch.Generator().manual_seed(1)
    expected = RandomAffineCrop((0.4, 1.0), (3 / 4, 4 / 3), 15)(x, again)
    expected = GaussianNoise(0.5)(RandomErase((0.2, 0.2))(expected, again), again)
    torch.testing.assert_close(tiny_augmentation(0.4, 15, 0.2, 0.5)(x, generator), expected)


@pytest.mark.parametrize(
    ("strength", "message"),
    [
        ({"area": 0.0}, "scale"),
        ({"erased": 1.5}, "scale"),
        ({"noise": -1.0}, "std"),
        ({"degrees": float("nan")}, "degrees"),
    ],
)
def test_strengths_out_of_range_are_refused(strength, message):
    with pytest.raises(ValueError, match=message):
        tiny_augmentation(**strength)


def test_the_score_of_few_labels_is_that_of_scikit_learns_ridge(mnist):
    encoder = untrained(mnist.x_train, TINY_SHORT, seed=1)
    assert recipes.low_shot(encoder, mnist) == pytest.approx(low_shot(encoder, mnist), abs=2e-3)
    assert recipes.low_shot(nn.Flatten(), mnist) == pytest.approx(low_shot(nn.Flatten(), mnist), abs=2e-3)


def test_the_score_reads_no_more_images_than_it_needs(mnist):
    short = mnist._replace(x_train=mnist.x_train[:400], y_train=mnist.y_train[:400])
    few = {"n_labels": 200, "repeats": 2}
    assert recipes.low_shot(nn.Flatten(), short, **few) == recipes.low_shot(nn.Flatten(), mnist, **few)
    with pytest.raises(ValueError, match="labels need"):
        recipes.low_shot(nn.Flatten(), short)


def test_the_untrained_encoder_is_where_training_starts(mnist):
    start, _ = tiny_encoder(TINY_SHORT, seed=3)
    settled = untrained(mnist.x_train, TINY_SHORT, seed=3)
    for a, b in zip(settled.parameters(), start.parameters(), strict=True):
        assert torch.equal(a, b)
    for layer in settled:
        if isinstance(layer, nn.BatchNorm2d):
            assert layer.num_batches_tracked == 20
    with pytest.raises(ValueError, match="N, C, H, W"):
        untrained(mnist.x_train.flatten(1), TINY_SHORT)
