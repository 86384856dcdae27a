"""Recipes by name: every family trains, downloaded data takes a ResNet, and what was trained can be loaded."""

import pytest
import torch
from lightning_fabric import Fabric
from PIL import Image
from torch import nn

from replearn.data import GaussianNoise, LabeledImages
from replearn.methods import MASKED, TWO_VIEWS, method
from replearn.models import ResNet, TinyConv, TinyViT
from replearn.runs import load_run, run, run_data, running, settings_for
from replearn.runs.building import make_encoder
from replearn.training import features, pretrain, seeded


def write(folder, *sizes):
    folder.mkdir(parents=True)
    for i, size in enumerate(sizes):
        Image.effect_noise(size, 60).convert("RGB").save(folder / f"{i}.png")


def fabric():
    return Fabric(accelerator="cpu", devices=1)


def pictures(n=24, channels=1, side=14):
    return torch.randn(n, channels, side, side, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", TWO_VIEWS)
def test_every_family_trains_and_equal_seeds_start_equally(name):
    def make(seed):
        torch.manual_seed(0)
        return method(name, TinyConv(4), GaussianNoise(0.1), d_hidden=8, dim=6, seed=seed)

    first, again, other = make(1), make(1), make(2)
    for a, b in zip(first.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(first.projector[0].weight, other.projector[0].weight)
    before = first.encoder[0].weight.detach().clone()
    loss = pretrain(first, pictures(), steps=4, batch_size=16, warmup=1).loss
    assert len(loss) == 4 and not torch.equal(before, first.encoder[0].weight)


def test_an_unknown_family_is_refused():
    with pytest.raises(ValueError, match="'simclr', 'vicreg'"):
        method("sim_clr", TinyConv(4), GaussianNoise(0.1))


def test_settings_suit_the_data_and_what_is_given_goes_first():
    small, large = settings_for("dino", "photos"), settings_for("vicreg", "cifar10")
    assert (small.encoder, small.lr, small.steps, small.warmup) == ("tiny", 3e-3, 200, 20)
    assert (large.encoder, large.optimizer, large.batch_size) == ("resnet18", "lars", 256)
    given = settings_for("vicreg", "cifar10", steps=50, lr=None, seed=7)
    assert (given.steps, given.warmup, given.lr, given.seed) == (50, 5, 0.3, 7)


def test_a_run_on_bytes_takes_a_resnet_and_is_loaded_as_it_was(tmp_path, monkeypatch):
    images = torch.randint(0, 256, (40, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    data = LabeledImages(images, torch.arange(40) % 2, ("a", "b"), 30)
    monkeypatch.setattr(run_data, "load", lambda name: data)
    settings = settings_for("simclr", "cifar10", steps=2, batch_size=8, d_hidden=8, dim=4)
    result = run(settings, tmp_path, fabric=fabric())
    assert 0 <= result["knn"] <= 1 and 0 <= result["ridge"] <= 1 and result["steps"] == 2
    loaded = load_run(tmp_path)
    assert loaded.settings == settings and isinstance(loaded.encoder, ResNet) and len(loaded.history.loss) == 2
    network = nn.Sequential(loaded.prepare, loaded.encoder)
    pixels = images[:30].double() / 255
    mean, std = (moment.view(1, 3, 1, 1) for moment in (pixels.mean((0, 2, 3)), pixels.std((0, 2, 3))))
    torch.testing.assert_close(loaded.prepare(images), ((images / 255 - mean) / std).float(), atol=1e-5, rtol=1e-5)
    z = features(network, images)
    assert z.shape == (40, 512) and torch.isfinite(z).all()
    score = running.score(network, (data.train, data.test), torch.device("cpu"))
    assert score == {name: result[name] for name in ("knn", "ridge")}


def test_images_without_labels_are_not_scored(monkeypatch):
    data = LabeledImages(pictures(channels=3).to(torch.uint8), torch.full((24,), -1), (), 24)
    monkeypatch.setattr(run_data, "load", lambda name: data)
    parts = run_data.open_data("stl10_unlabeled").parts
    assert parts == () and running.score(TinyConv(4), parts, torch.device("cpu")) == {}


@pytest.mark.parametrize("name", MASKED)
def test_every_masked_family_trains_and_equal_seeds_start_equally(name):
    def make(seed):
        with seeded(0):
            encoder = TinyConv(4) if name == "context_encoder" else TinyViT((14, 14), 2, dim=16, depth=1)
        return method(name, encoder, shape=(1, 14, 14), seed=seed)

    first, again, other = make(1), make(1), make(2)
    for a, b in zip(first.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert any(not torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))
    before = [p.clone() for p in first.encoder.parameters()]
    loss = pretrain(first, pictures(), steps=4, batch_size=16, warmup=1).loss
    after = first.encoder.parameters()
    assert len(loss) == 4 and all(not torch.equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize(
    ("sides", "patch"), [((14, 14), 2), ((8, 8), 2), ((32, 32), 4), ((224, 224), 32), ((96, 48), 6)]
)
def test_the_patches_of_a_context_encoder(sides, patch):
    assert method("context_encoder", TinyConv(4), shape=(1, *sides)).encoder.patch == patch


def test_families_that_do_not_suit():
    with pytest.raises(ValueError, match="mae needs an encoder of patches, a TinyViT"):
        method("mae", TinyConv(4), shape=(1, 14, 14))
    with pytest.raises(ValueError, match="'context_encoder', 'mae'"):
        method("beit", TinyConv(4), shape=(1, 14, 14))
    with pytest.raises(ValueError, match="micro_batches is for simclr"):
        method("byol", TinyConv(4), GaussianNoise(0.1), micro_batches=2)


def test_masked_recipes_take_a_transformer_and_a_context_encoder_a_convolution():
    mae, context = settings_for("mae", "mnist_10k"), settings_for("context_encoder", "mnist_10k")
    assert (mae.encoder, mae.steps, context.encoder, context.steps) == ("vit", 1500, "tiny", 200)
    large = settings_for("ijepa", "cifar10")
    assert (large.encoder, large.optimizer, large.mask_ratio) == ("vit", "adamw", 0.75)
    vit = make_encoder("vit", (3, 32, 32), small=False)
    assert (vit.dim, vit.grid, len(vit.blocks)) == (192, (8, 8), 12)
    assert make_encoder("vit", (3, 224, 224), small=False).grid == (14, 14)


@pytest.mark.parametrize("recipe", ["mae", "context_encoder", "vicreg"])
def test_a_run_on_a_folder_reads_it_while_it_goes(tmp_path, recipe):
    write(tmp_path / "images" / "train" / "a", (10, 8), (8, 8), (8, 9))
    write(tmp_path / "images" / "train" / "b", (8, 8), (8, 8), (8, 8))
    write(tmp_path / "images" / "val" / "a", (8, 8))
    write(tmp_path / "images" / "val" / "b", (8, 8))
    given = {"steps": 2, "batch_size": 4, "side": 8} | ({"d_hidden": 8, "dim": 4} if recipe == "vicreg" else {})
    given |= {"encoder": "tiny"} if recipe != "mae" else {}
    settings = settings_for(recipe, str(tmp_path / "images"), **given)
    result = run(settings, tmp_path / "run", fabric=fabric(), workers=0)
    assert result["steps"] == 2 and 0 <= result["knn"] <= 1
    loaded = load_run(tmp_path / "run")
    x = torch.randint(0, 256, (5, 3, 8, 8), dtype=torch.uint8)
    assert features(nn.Sequential(loaded.prepare, loaded.encoder), x).shape == (5, loaded.encoder.dim)


def test_networks_are_compiled_where_asked(monkeypatch):
    compiled = []
    monkeypatch.setattr(nn.Module, "compile", lambda self: compiled.append(self))
    byol = method("byol", TinyConv(4), GaussianNoise(0.1), d_hidden=8, dim=6)
    assert running.place(byol, fabric(), compiled=False) is byol and compiled == []
    running.place(byol, fabric(), compiled=True)
    assert compiled == [byol.encoder, byol.projector, byol.predictor, byol.teacher]


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no run"):
        load_run(tmp_path)
