"""Fine-tuning against supervised training by hand, and what it promises of the encoder it was given."""

import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import make_moons
from torch import nn

from replearn.training import Classification, NonFiniteLossError, fine_tune, seeded


def moons(n=300, seed=0):
    x, y = make_moons(n, noise=0.1, random_state=seed)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


def encoder():
    with seeded(0):
        return nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU())


def accuracy(network, x, y):
    return (network(x).argmax(1) == y).float().mean().item()


def test_the_encoder_learns_and_the_one_given_stays():
    given, (x, y), test = encoder(), moons(), moons(seed=1)
    before = [p.clone() for p in given.parameters()]
    whole = fine_tune(given, x, y, steps=200, lr=2e-2, encoder_lr=1.0)
    head_alone = fine_tune(given, x, y, steps=200, lr=2e-2, encoder_lr=0.0)
    assert all(torch.equal(a, b) for a, b in zip(before, given.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(before, head_alone[0].parameters(), strict=True))
    assert not whole.training
    assert accuracy(whole, *test) > 0.97
    assert accuracy(whole, *test) > accuracy(head_alone, *test) + 0.03


def test_one_step_equals_sgd_by_hand():
    x, y = moons(64)
    tuned = fine_tune(
        encoder(), x, y, steps=1, warmup=0, batch_size=64, lr=0.5, encoder_lr=0.25, weight_decay=0.0,
        optimizer=torch.optim.SGD, augment=lambda x, generator: x * 0 + 1.0,
    )  # fmt: skip
    with seeded(0):  # constant views and a head at zero: the loss has no gradient but the head's
        h = encoder()(torch.ones(1, 2))
    scale = encoder()(x).pow(2).mean().sqrt()
    index = torch.randint(64, (64,), generator=torch.Generator().manual_seed(0))
    residual = F.one_hot(y[index], 2).float() - 0.5
    expected = 0.5 * residual.mean(0)
    torch.testing.assert_close(tuned[1][1].bias, expected)
    torch.testing.assert_close(tuned[1][1].weight, expected[:, None] * h / scale)


def test_rates_of_the_groups():
    groups = Classification(encoder(), nn.Linear(32, 2), torch.zeros(3).long(), encoder_lr=0.1).param_groups(0.0)
    assert [group.get("lr_scale", 1.0) for group in groups] == [0.1, 0.1, 1.0, 1.0]


def test_equal_seeds_give_equal_networks():
    x, y = moons(64)
    a, b = (fine_tune(encoder(), x, y, steps=5, warmup=1, seed=3) for _ in range(2))
    assert torch.equal(a(x), b(x))


@pytest.mark.parametrize("labels", [torch.zeros(63).long(), torch.zeros(64), torch.ones(64).long()])
def test_labels_that_do_not_suit(labels):
    with pytest.raises(ValueError, match="labels"):
        fine_tune(encoder(), moons(64)[0], labels)


def test_other_bad_input():
    x, y = moons(64)
    with pytest.raises(ValueError, match="encoder_lr"):
        fine_tune(encoder(), x, y, encoder_lr=-1.0)
    with pytest.raises(NonFiniteLossError):
        fine_tune(encoder(), x * 1e30, y, steps=3, warmup=1, lr=1e30, encoder_lr=1.0)
