"""Recipes by name: every family trains, downloaded data takes a ResNet, and what was trained can be loaded."""

import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from replearn.data import Dataset, GaussianNoise
from replearn.models import ResNet, TinyConv
from replearn.training import features, pretrain
from replearn.training import run as runner
from replearn.training.families import FAMILIES, family


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")


def fabric():
    return Fabric(accelerator="cpu", devices=1)


def pictures(n=24, channels=1, side=14):
    return torch.randn(n, channels, side, side, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_trains_and_equal_seeds_start_equally(name):
    def make(seed):
        torch.manual_seed(0)
        return family(name, TinyConv(4), GaussianNoise(0.1), d_hidden=8, d_out=6, seed=seed)

    first, again, other = make(1), make(1), make(2)
    for a, b in zip(first.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(first.projector[0].weight, other.projector[0].weight)
    before = first.encoder[0].weight.detach().clone()
    loss = pretrain(first, pictures(), steps=4, batch_size=16, warmup=1).loss
    assert len(loss) == 4 and not torch.equal(before, first.encoder[0].weight)


def test_an_unknown_family_is_refused():
    with pytest.raises(ValueError, match="'simclr', 'vicreg'"):
        family("sim_clr", TinyConv(4), GaussianNoise(0.1))


def test_settings_suit_the_data_and_what_is_given_goes_first():
    small, large = runner.settings_for("dino", "photos"), runner.settings_for("vicreg", "cifar10")
    assert (small.encoder, small.lr, small.steps, small.warmup) == ("tiny", 3e-3, 200, 20)
    assert (large.encoder, large.optimiser, large.batch_size) == ("resnet18", "lars", 256)
    given = runner.settings_for("vicreg", "cifar10", steps=50, lr=None, seed=7)
    assert (given.steps, given.warmup, given.lr, given.seed) == (50, 5, 0.3, 7)


def test_a_run_on_bytes_takes_a_resnet_and_is_loaded_as_it_was(tmp_path, monkeypatch):
    images = torch.randint(0, 256, (40, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    data = Dataset(images, torch.arange(40) % 2, ("a", "b"), 30)
    monkeypatch.setattr(runner, "load", lambda name: data)
    settings = runner.settings_for("simclr", "cifar10", steps=2, batch_size=8, d_hidden=8, d_out=4)
    result = runner.run(settings, tmp_path, fabric=fabric())
    assert 0 <= result["knn"] <= 1 and 0 <= result["ridge"] <= 1 and result["steps"] == 2
    loaded = runner.load_run(tmp_path)
    assert loaded.settings == settings and isinstance(loaded.encoder, ResNet) and len(loaded.history.loss) == 2
    z = features(nn.Sequential(runner._Prepare(data), loaded.encoder), images)
    assert z.shape == (40, 512) and torch.isfinite(z).all()
    score = runner.score(loaded.encoder, data, torch.device("cpu"))
    assert score == {name: result[name] for name in ("knn", "ridge")}


def test_images_without_labels_are_not_scored():
    data = Dataset(pictures(), torch.full((24,), -1), (), 24)
    assert runner.score(TinyConv(4), data, torch.device("cpu")) == {}


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no run"):
        runner.load_run(tmp_path)
