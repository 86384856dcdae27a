"""Pairs of one group: who becomes whose partner, and what training on them is."""

import pytest
import torch
from torch import nn

from replearn import losses
from replearn.data import Compose, GaussianNoise
from replearn.methods import JointEmbedding
from replearn.papers.two_views import GroupedPairs
from replearn.training import pretrain, seeded
from sampling import rows


def method(groups, augment=None, seed=0):
    with seeded(seed):
        return GroupedPairs(nn.Linear(6, 4), nn.Linear(4, 3), losses.nt_xent, augment or Compose(), groups=groups)


def images(n=40):
    return rows(n)


def test_partners_are_uniform_over_the_group():
    groups = torch.tensor([4, 0, 4, 2, 4, 0, 2, 4])
    drawn = method(groups).partners(torch.arange(8).repeat(4000), torch.Generator().manual_seed(0)).view(4000, 8)
    for i in range(8):
        members = torch.nonzero(groups == groups[i])[:, 0]
        share = torch.bincount(drawn[:, i], minlength=8) / 4000
        torch.testing.assert_close(share[members], torch.full((len(members),), 1 / len(members)), atol=0.03, rtol=0)
        assert share[groups != groups[i]].sum() == 0


def test_groups_of_one_give_two_views_of_one_image():
    x, index = images(), torch.tensor([3, 3, 7, 0])
    first, second = method(torch.arange(40)).views(x, index, torch.Generator().manual_seed(0))
    assert torch.equal(first, x[index]) and torch.equal(second, x[index])
    noisy = method(torch.arange(40), GaussianNoise(0.1)).views(x, index, torch.Generator().manual_seed(0))
    assert not torch.equal(*noisy)


def test_the_loss_is_that_of_joint_embedding():
    grouped = method(torch.arange(40))
    plain = JointEmbedding(grouped.encoder, grouped.projector, losses.nt_xent, Compose())
    views = images().chunk(2)
    torch.testing.assert_close(grouped.step(views)["loss"], plain.step(views)["loss"])


def test_training_is_reproducible_and_resumes(tmp_path):
    groups = torch.arange(40) % 5
    whole, parts = method(groups), method(groups)
    settings = {"steps": 8, "batch_size": 16, "warmup": 2, "seed": 0}
    pretrain(whole, images(), **settings)

    def stop(step, out):
        if step == 5:
            raise KeyboardInterrupt

    kept = {"checkpoint": tmp_path / "pairs.pt", "checkpoint_every": 4, "log_every": 1}
    assert pretrain(parts, images(), monitor=stop, **kept, **settings).interrupted
    fresh = method(groups, seed=9)
    pretrain(fresh, images(), resume=True, **kept, **settings)
    for a, b in zip(fresh.parameters(), whole.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize(
    "groups",
    [torch.zeros(4, 2, dtype=torch.long), torch.zeros(4), torch.tensor([0, -1]), torch.zeros(0, dtype=torch.long)],
)
def test_bad_groups_are_refused(groups):
    with pytest.raises(ValueError, match="groups must hold one integer"):
        method(groups)


def test_groups_of_another_data_set_are_refused():
    with pytest.raises(ValueError, match="one entry per image, 40"):
        method(torch.arange(39)).views(images(), torch.arange(4), torch.Generator())
