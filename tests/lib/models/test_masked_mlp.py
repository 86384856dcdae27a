"""The masked perceptron written out, and that it learns digits."""

from functools import partial

import pytest
import torch
from torch.nn import functional as F

from replearn.data import patchify, random_mask
from replearn.methods import MaskedAutoencoder
from replearn.models import MaskedMLP, MaskedMLPDecoder
from replearn.recipes import low_shot, tiny_mnist
from replearn.training import pretrain, seeded, warm_up_batch_norm
from sampling import draws


def networks(*args, **options):
    with seeded(0):
        encoder = MaskedMLP(*args, **options)
        return encoder, MaskedMLPDecoder(encoder.dim, encoder.patch**2, encoder.grid)


@pytest.mark.parametrize("masked", [False, True])
def test_the_encoder_written_out(masked):
    net, _ = networks((4, 6), 2, hidden=7, dim=5)
    x = torch.randn(9, 1, 4, 6, generator=draws())
    keep = random_mask(9, net.grid, draws(), ratio=0.5).keep
    rows = []
    for patches, ids in zip(patchify(x, 2), keep, strict=True):
        seen = [not masked or l in ids for l in range(6)]
        pairs = zip(patches, seen, strict=True)
        rows.append(torch.cat([torch.cat([p * s, torch.tensor([float(not s)])]) for p, s in pairs]))
    h = torch.stack(rows)
    for weight in (net.layers[0].weight, net.layers[3].weight):
        h = h @ weight.T
        h = ((h - h.mean(0)) / (h.var(0, correction=0) + 1e-5).sqrt()).clamp(min=0)
    torch.testing.assert_close(net(x, keep if masked else None), h)
    assert net(x, tokens=True).shape == (9, 1, net.dim)


def test_the_decoder_written_out():
    _, decoder = networks((4, 6), 2)
    code, mask = torch.randn(9, 1, 128, generator=draws()), random_mask(9, (2, 3), draws(), ratio=0.5)
    first, _, last = decoder.layers
    patches = F.linear(F.linear(code[:, 0], first.weight, first.bias).relu(), last.weight, last.bias).reshape(9, 6, 4)
    expected = torch.stack([p[ids] for p, ids in zip(patches, mask.masked, strict=True)])
    torch.testing.assert_close(decoder(code, mask.keep, mask.masked), expected)


def test_hidden_pixels_have_no_influence():
    net, _ = networks((4, 6), 2)
    x, mask = torch.randn(9, 1, 4, 6, generator=draws()), random_mask(9, (2, 3), draws(), ratio=0.5)
    x.requires_grad_()
    net(x, mask.keep).square().sum().backward()
    slopes = patchify(x.grad, 2)
    assert not slopes.gather(1, mask.masked[:, :, None].expand(-1, -1, 4)).any() and slopes.any()


def test_it_learns_digits():
    sets, scores = tiny_mnist(), []
    for steps in (0, 150):
        encoder, decoder = networks()
        if steps:
            method = MaskedAutoencoder(encoder, decoder, mask=partial(random_mask, ratio=0.25))
            pretrain(method, sets.x_train, steps=steps, lr=3e-3, weight_decay=1e-3, seed=0)
        else:
            warm_up_batch_norm(encoder, sets.x_train[:1000])
        scores.append(low_shot(encoder, sets))
    assert scores[1] > 0.78 and scores[1] > scores[0] + 0.05


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: MaskedMLP((14, 14), 3), "patch must divide"),
        (lambda: MaskedMLP(dim=0), "dim must be"),
        (lambda: MaskedMLP()(torch.zeros(2, 1, 28, 28)), "another shape"),
        (lambda: MaskedMLPDecoder(4, 0, (2, 2)), "widths"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
