"""MAE and latent prediction as methods: their losses written out, the teacher, the collapse without it, resuming."""

from functools import partial

import pytest
import torch
from torch import nn

from replearn import losses
from replearn.data import block_mask, load, multiblock_mask, patchify, random_mask, standardize, unpatchify
from replearn.methods import LatentPrediction, MaskedAutoencoder, SimMIM
from replearn.models import MaeDecoder, TinyViT
from replearn.training import cosine_ramp, features, pretrain, seeded

half = partial(random_mask, ratio=0.5)
run = partial(pretrain, steps=12, batch_size=8, warmup=2, lr=1e-2, seed=0)


def networks(d_out, **options):
    with seeded(0):
        encoder = TinyViT((8, 8), 2, dim=8, depth=1, **options)
        return encoder, MaeDecoder(8, d_out, encoder.grid, dim=8)


def mae(mask=half, **options):
    return MaskedAutoencoder(*networks(4), mask=mask, **options)


def simmim(class_token=False):
    with seeded(0):
        encoder = TinyViT((8, 8), 2, dim=8, depth=1, class_token=class_token)
        return SimMIM(encoder, nn.Linear(8, 4), mask=half)


def latent(class_token=False, **options):
    return LatentPrediction(*networks(8, class_token=class_token), **{"mask": half, **options})


def images(n=30):
    return torch.randn(n, 1, 8, 8, generator=torch.Generator().manual_seed(1))


def views(method, n=6):
    return method.views(images(), torch.arange(n), torch.Generator().manual_seed(0))


@pytest.mark.parametrize("normalise", [False, True])
def test_mae_predicts_the_pixels_of_what_it_does_not_see(normalise):
    method = mae(normalize=normalise)
    x, keep, masked = views(method)
    assert torch.equal(x, images()[:6]) and keep.shape == masked.shape == (6, 8)
    tokens = method.encoder(x, keep, tokens=True)
    expected = losses.mae_loss(method.decoder(tokens, keep, masked), patchify(x, 2), masked, normalize=normalise)
    out = method.step((x, keep, masked))
    torch.testing.assert_close(out["loss"], expected)
    torch.testing.assert_close(out["z"], tokens.mean(1).detach())


def test_masks_are_redrawn_and_may_be_blocks():
    method, draws = mae(partial(block_mask, ratio=0.5)), torch.Generator().manual_seed(0)
    first, second = (method.views(images(), torch.arange(6), draws)[2] for _ in range(2))
    assert first.shape == (6, 8) and not torch.equal(first, second)


@pytest.mark.parametrize("class_token", [False, True])
def test_simmim_shows_the_encoder_a_mask_token_where_patches_are_hidden(class_token):
    method = simmim(class_token)
    method.mask_token.data.normal_(generator=torch.Generator().manual_seed(2))
    x, keep, masked = views(method)
    f = method.encoder
    z = f.embed(patchify(x, 2)).clone()
    for n in range(6):
        z[n, masked[n]] = method.mask_token
    z = z + f.positions
    if class_token:
        z = torch.cat([f.class_token.expand(6, 1, -1), z], 1)
    tokens = f.norm(f.blocks(z))[:, int(class_token) :]
    pred = torch.stack([method.decoder(t[ids]) for t, ids in zip(tokens, masked, strict=True)])
    out = method.step((x, keep, masked))
    torch.testing.assert_close(out["loss"], losses.simmim_loss(pred, patchify(x, 2), masked))
    torch.testing.assert_close(out["z"], tokens.mean(1).detach())


@pytest.mark.parametrize("make", [mae, simmim])
def test_pixels_of_hidden_patches_do_not_reach_the_prediction(make):
    method = make()
    x, keep, masked = views(method)
    changed, fill = paint_noise(x, masked), getattr(method, "mask_token", None)
    assert torch.equal(method.encoder(x, keep, fill=fill), method.encoder(changed, keep, fill=fill))


def paint_noise(x, masked):
    tokens = patchify(x, 2)
    noise = torch.randn(tokens.shape, generator=torch.Generator().manual_seed(3))
    hidden = torch.zeros(tokens.shape[:2]).scatter_(1, masked, 1.0).bool()
    return unpatchify(torch.where(hidden[:, :, None], noise, tokens), 2, x.shape[2:])


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
    x, spread = standardize(load("mnist_10k").images[:300]), {}
    for decay in (None, (0.99, 1.0)):
        with seeded(0):
            encoder = TinyViT()
            method = LatentPrediction(encoder, MaeDecoder(64, 64, encoder.grid), mask=half, decay=decay)
        history = run(method, x, steps=60, batch_size=32, warmup=10, lr=3e-3)
        spread[decay] = features(encoder, x).std(0).mean()
        assert decay or history.loss[-1] < 0.02
    assert spread[None] < spread[(0.99, 1.0)] / 3


@pytest.mark.parametrize("make", [mae, simmim, latent, partial(latent, decay=None)])
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
    assert repr(mae()) != repr(mae(normalize=True)) and repr(latent()) != repr(latent(decay=None))


@pytest.mark.parametrize("decay", [1.5, (-0.1, 1.0)])
def test_bad_settings_are_refused(decay):
    with pytest.raises(ValueError, match="decay must lie"):
        latent(decay=decay)
