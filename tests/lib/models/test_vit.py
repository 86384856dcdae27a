"""The small transformer against torch's own layers, positions against their formula; and hidden patches stay unseen."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from replearn.data import patchify, random_mask, unpatchify
from replearn.models import MaeDecoder, TinyViT, TransformerBlock, sincos_2d, vit_flops
from replearn.training import seeded
from sampling import draws


def images(n=5, c=1):
    return torch.randn(n, c, 28, 28, generator=draws(), dtype=torch.float64)


def vit(**options):
    with seeded(0):
        return TinyViT(**{"dim": 16, **options}).double()


def torch_layer(block):
    """Torch's pre-norm encoder layer with a block's weights."""
    dim, hidden = block.out.in_features, block.mlp[0].out_features
    layer = nn.TransformerEncoderLayer(
        dim, block.heads, hidden, dropout=0, activation="gelu", batch_first=True, norm_first=True
    )
    pairs = {
        "self_attn.in_proj_": block.qkv,
        "self_attn.out_proj.": block.out,
        "linear1.": block.mlp[0],
        "linear2.": block.mlp[2],
        "norm1.": block.norm1,
        "norm2.": block.norm2,
    }
    layer.load_state_dict({f"{a}{k}": v for a, part in pairs.items() for k, v in part.state_dict().items()})
    return layer.double()


def test_positions_written_out():
    codes = sincos_2d((2, 3), 8)
    for r in range(2):
        for c in range(3):
            angles = [place / 10_000 ** (i / 2) for place in (r, c) for i in range(2)]
            expected = [f(a) for pair in (angles[:2], angles[2:]) for f in (math.sin, math.cos) for a in pair]
            assert codes[3 * r + c].tolist() == pytest.approx(expected, abs=1e-6)
    assert torch.cdist(sincos_2d((7, 7), 16), sincos_2d((7, 7), 16)).fill_diagonal_(1).min() > 0.1


def test_a_block_is_torchs_encoder_layer():
    with seeded(0):
        block = TransformerBlock(16, 4, 3.0).double()
    x = torch.randn(2, 7, 16, generator=draws(), dtype=torch.float64)
    torch.testing.assert_close(block(x), torch_layer(block)(x))


@pytest.mark.parametrize("class_token", [False, True])
def test_the_encoder_written_out(class_token):
    net, x = vit(depth=3, in_channels=2, class_token=class_token), images(c=2)
    weight = net.embed.weight.reshape(16, 2, 7, 7)
    z = F.conv2d(x, weight, net.embed.bias, stride=7).flatten(2).transpose(1, 2) + net.positions
    if class_token:
        z = torch.cat([net.class_token.expand(5, 1, 16), z], 1)
    for block in net.blocks:
        z = torch_layer(block)(z)
    z = F.layer_norm(z, (16,), net.norm.weight, net.norm.bias)
    torch.testing.assert_close(net(x, tokens=True), z)
    torch.testing.assert_close(net(x), z[:, 0] if class_token else z.mean(1))
    assert net(x).shape == (5, net.dim) and net.grid == (4, 4)


def test_hidden_pixels_have_no_gradient_and_no_influence():
    net, x = vit(), images().requires_grad_()
    mask = random_mask(5, net.grid, draws())
    net(x, mask.keep).square().sum().backward()
    seen = torch.zeros(5, 16, dtype=torch.bool).scatter_(1, mask.keep, True)
    slopes = patchify(x.grad, 7)
    assert not slopes[~seen].any() and (slopes[seen] != 0).all()
    other = torch.where(seen[:, :, None], patchify(x.detach(), 7), torch.nan)
    torch.testing.assert_close(net(unpatchify(other, 7, (28, 28)), mask.keep), net(x, mask.keep))


def test_tokens_follow_the_order_of_the_kept_patches():
    net, x = vit(), images()
    keep = random_mask(5, net.grid, draws(), ratio=0.5).keep
    forward, back = net(x, keep, tokens=True), net(x, keep.flip(1), tokens=True)
    torch.testing.assert_close(back, forward.flip(1))
    torch.testing.assert_close(net(x, torch.arange(16).expand(5, -1)), net(x))


@pytest.mark.parametrize("extra", [0, 1])
def test_the_decoder_is_that_of_mae_in_the_order_of_the_image(extra):
    with seeded(0):
        decoder = MaeDecoder(16, 49, (4, 4), dim=8, depth=2).double()
    mask = random_mask(5, (4, 4), draws(), ratio=0.6)
    tokens = torch.randn(5, extra + 6, 16, generator=draws(), dtype=torch.float64)
    z = decoder.embed(tokens)
    filled = torch.cat([z[:, extra:], decoder.mask_token.expand(5, 10, 8)], 1)
    whole = filled.gather(1, mask.restore[:, :, None].expand(-1, -1, 8)) + decoder.positions
    z = torch.cat([z[:, :extra], whole], 1)
    for block in decoder.blocks:
        z = torch_layer(block)(z)
    everywhere = decoder.head(decoder.norm(z))[:, extra:]
    expected = torch.stack([one[ids] for one, ids in zip(everywhere, mask.masked, strict=True)])
    torch.testing.assert_close(decoder(tokens, mask.keep, mask.masked), expected)


def test_positions_are_not_trained_and_vectors_do_not_decay():
    net = vit(class_token=True)
    names = dict(net.named_parameters())
    assert "positions" not in names and names["class_token"].ndim == 1
    assert MaeDecoder(8, 4, (2, 2)).mask_token.ndim == 1


@pytest.mark.parametrize("length", [5, 16])
def test_operations_are_those_that_torch_counts(length):
    with seeded(0):
        blocks = nn.Sequential(*(TransformerBlock(16, 4, 3.0) for _ in range(2)))
    x = torch.randn(1, length, 16, generator=draws())
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        blocks(x)
    assert counter.get_total_flops() == vit_flops(length, 16, 2, mlp_ratio=3.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sincos_2d((4, 4), 6), "multiple of 4"),
        (lambda: sincos_2d((4, 0), 8), "columns of grid"),
        (lambda: TransformerBlock(16, 3), "heads must divide"),
        (lambda: TransformerBlock(16, 4, 0.3), "width of the mlp"),
        (lambda: TinyViT((28, 28), 5), "patch must divide"),
        (lambda: TinyViT(depth=0), "depth must be"),
        (lambda: TinyViT(in_channels=0), "in_channels must be"),
        (lambda: vit()(images(c=3)), "takes images"),
        (lambda: vit()(images()[:, :, :14]), "takes images"),
        (lambda: vit()(images().reshape(5, 1, 14, 56)), "takes images"),
        (lambda: MaeDecoder(8, 0, (4, 4)), "d_out must be"),
        (lambda: MaeDecoder(8, 4, (4, 4), dim=10), "multiple of 4"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
