"""MAE and latent prediction as methods: their losses written out, the teacher, the collapse without it, resuming."""

from functools import partial

import pytest
import torch

from replearn import losses
from replearn.data import block_mask, load, multiblock_mask, patchify, random_mask, standardise
from replearn.models import MaeDecoder, TinyViT
from replearn.training import LatentPrediction, MaskedAutoencoder, cosine_ramp, features, pretrain, seeded


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")


half = partial(random_mask, ratio=0.5)
run = partial(pretrain, steps=12, batch_size=8, warmup=2, lr=1e-2, seed=0)


def networks(d_out, **options):
    with seeded(0):
        encoder = TinyViT((8, 8), 2, dim=8, depth=1, **options)
        return encoder, MaeDecoder(8, d_out, encoder.grid, dim=8)


def mae(mask=half, **options):
    return MaskedAutoencoder(*networks(4), mask=mask, **options)


def latent(class_token=False, **options):
    return LatentPrediction(*networks(8, class_token=class_token), **{"mask": half, **options})


def images(n=30):
    return torch.randn(n, 1, 8, 8, generator=torch.Generator().manual_seed(1))


def views(method, n=6):
    return method.views(images(), torch.arange(n), torch.Generator().manual_seed(0))


@pytest.mark.parametrize("normalise", [False, True])
def test_mae_predicts_the_pixels_of_what_it_does_not_see(normalise):
    method = mae(normalise=normalise)
    x, keep, masked = views(method)
    assert torch.equal(x, images()[:6]) and keep.shape == masked.shape == (6, 8)
    tokens = method.encoder(x, keep, tokens=True)
    expected = losses.mae_loss(method.decoder(tokens, keep, masked), patchify(x, 2), masked, normalise)
    out = method.step((x, keep, masked))
    torch.testing.assert_close(out["loss"], expected)
    torch.testing.assert_close(out["z"], tokens.mean(1).detach())


def test_masks_are_redrawn_and_may_be_blocks():
    method, draws = mae(partial(block_mask, ratio=0.5)), torch.Generator().manual_seed(0)
    first, second = (method.views(images(), torch.arange(6), draws)[2] for _ in range(2))
    assert first.shape == (6, 8) and not torch.equal(first, second)


def test_mae_learns_images_that_can_be_predicted():
    flat = torch.randn(64, 1, 1, 1, generator=torch.Generator().manual_seed(0)).expand(-1, 1, 8, 8).contiguous()
    history = run(mae(), flat, steps=150, batch_size=32)
    assert history.loss[0] > 0.8 and sum(history.loss[-10:]) / 10 < 0.1


@pytest.mark.parametrize("class_token", [False, True])
def test_latent_targets_are_the_teachers_tokens_of_the_whole_image(class_token):
    method = latent(class_token, decay=0.9)
    for p in method.teacher.parameters():
        p.mul_(1.3)
    x, keep, masked = views(method)
    t = method.teacher.module(x, tokens=True)[:, int(class_token) :]
    t = torch.stack([one[ids] for one, ids in zip(t, masked, strict=True)])
    p = method.decoder(method.encoder(x, keep, tokens=True), keep, masked)
    loss = method.step((x, keep, masked))["loss"]
    torch.testing.assert_close(loss, losses.latent_loss(p, t))
    loss.backward()
    assert all(p.grad is None for p in method.teacher.parameters())


def test_each_block_is_predicted_by_itself():
    method = latent(mask=partial(multiblock_mask, min_context=0.2))
    x, keep, masked = views(method)
    tokens, t = method.encoder(x, keep, tokens=True), method.teacher.module(x, tokens=True)
    each = []
    for block in masked.unbind(1):
        target = torch.stack([one[ids] for one, ids in zip(t, block, strict=True)])
        each.append(losses.latent_loss(method.decoder(tokens, keep, block), target))
    torch.testing.assert_close(method.step((x, keep, masked))["loss"], torch.stack(each).mean())


def test_the_teachers_decay_follows_the_run():
    method, seen = latent(decay=(0.5, 1.0)), []
    update = method.teacher.update
    method.teacher.update = lambda model, decay: (seen.append(decay), update(model, decay))
    run(method, images())
    assert seen == pytest.approx([cosine_ramp(step, 12, 0.5, 1.0) for step in range(12)])


def test_without_a_teacher_features_collapse():
    x, spread = standardise(load("mnist_10k").images[:1000]), {}
    for decay in (None, (0.99, 1.0)):
        with seeded(0):
            encoder = TinyViT()
            method = LatentPrediction(encoder, MaeDecoder(64, 64, encoder.grid), mask=half, decay=decay)
        history = run(method, x, steps=60, batch_size=64, warmup=10, lr=3e-3)
        spread[decay] = features(encoder, x).std(0).mean()
        assert decay or history.loss[-1] < 0.02
    assert spread[None] < spread[(0.99, 1.0)] / 3


@pytest.mark.parametrize("make", [mae, latent, partial(latent, decay=None)])
def test_a_checkpoint_resumes_bit_for_bit(tmp_path, make):
    whole, path = make(), tmp_path / "run.pt"
    expected = run(whole, images())

    def stop(step, out):
        if step == 8:
            raise KeyboardInterrupt

    kept = {"checkpoint": path, "checkpoint_every": 4, "log_every": 1}
    assert run(make(), images(), monitor=stop, **kept).interrupted
    fresh = make()
    assert run(fresh, images(), resume=True, **kept).loss == expected.loss
    for a, b in zip(fresh.state_dict().values(), whole.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_settings_are_part_of_the_name():
    assert repr(mae()) != repr(mae(partial(random_mask, ratio=0.6)))
    assert repr(mae()) != repr(mae(normalise=True)) and repr(latent()) != repr(latent(decay=None))


@pytest.mark.parametrize("decay", [1.5, (-0.1, 1.0)])
def test_bad_settings_are_refused(decay):
    with pytest.raises(ValueError, match="decay must lie"):
        latent(decay=decay)
