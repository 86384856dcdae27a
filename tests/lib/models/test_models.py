import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision import models

from replearn.models import ResNet, TinyConv, mlp, mlp_head


def test_tiny_conv_is_the_recipe_written_out():
    net = TinyConv(width=4, in_channels=3).double()
    x = torch.randn(6, 3, 14, 14, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    h = x
    convs = [m for m in net if isinstance(m, nn.Conv2d)]
    for conv, stride, pad in zip(convs, (2, 2, 1), (2, 1, 1), strict=True):
        h = F.conv2d(h, conv.weight, stride=stride, padding=pad)
        mean, var = h.mean((0, 2, 3), keepdim=True), h.var((0, 2, 3), correction=0, keepdim=True)
        h = ((h - mean) / (var + 1e-5).sqrt()).clamp(min=0)
    assert h.shape == (6, 8, 4, 4)
    quarters = h.reshape(6, 8, 2, 2, 2, 2).mean((3, 5)).reshape(6, 32)
    torch.testing.assert_close(net(x), quarters)


@pytest.mark.parametrize(("width", "channels", "side"), [(16, 1, 14), (8, 3, 32), (3, 2, 9)])
def test_tiny_conv_sizes(width, channels, side):
    net = TinyConv(width, channels)
    assert net.dim == 8 * width
    assert net(torch.zeros(2, channels, side, side)).shape == (2, net.dim)
    convs = 25 * channels * width + 9 * width * 2 * width + 9 * (2 * width) ** 2
    assert sum(p.numel() for p in net.parameters()) == convs + 2 * (width + 2 * width + 2 * width)


def test_mlp_head_written_out():
    net = mlp_head(5, 7, 3, layers=3).double()
    x = torch.randn(10, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    first, second, last = (m for m in net if isinstance(m, nn.Linear))
    h = x
    for layer in (first, second):
        assert layer.bias is None
        h = h @ layer.weight.T
        h = ((h - h.mean(0)) / (h.var(0, correction=0) + 1e-5).sqrt()).clamp(min=0)
    torch.testing.assert_close(net(x), h @ last.weight.T + last.bias)


def test_mlp_head_without_batch_norm_has_biases():
    net = mlp_head(5, 7, 3, batch_norm=False)
    assert [type(m) for m in net] == [nn.Linear, nn.ReLU, nn.Linear]
    assert net[0].bias is not None


def test_mlp_head_of_one_layer_is_linear():
    (layer,) = mlp_head(5, 7, 3, layers=1)
    assert isinstance(layer, nn.Linear) and layer.weight.shape == (3, 5)


def test_mlp_written_out():
    net = mlp([2, 5, 4, 3], nn.Tanh, dtype=torch.float64)
    x = torch.randn(10, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    (w1, b1), (w2, b2), (w3, b3) = ((m.weight, m.bias) for m in net[::2])
    expected = torch.tanh(torch.tanh(x @ w1.T + b1) @ w2.T + b2) @ w3.T + b3
    torch.testing.assert_close(net(x), expected)


def test_mlp_spreads_its_biases():
    torch.manual_seed(0)
    net = mlp([2, 4000, 4000, 1], bias_std=0.3)
    for layer in net[:4:2]:
        assert layer.bias.std().item() == pytest.approx(0.3, rel=0.05)
    assert (mlp([2, 10, 1], bias_std=0.0)[0].bias == 0).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TinyConv(0), "width"),
        (lambda: TinyConv(16, 0), "in_channels"),
        (lambda: mlp_head(5, 0, 3), "d_hidden"),
        (lambda: mlp_head(5, 7, 3, layers=0), "layers"),
        (lambda: mlp([2]), "widths"),
        (lambda: mlp([2, 0, 1]), r"widths\[1\]"),
        (lambda: mlp([2, 3], bias_std=-1.0), "bias_std"),
    ],
)
def test_models_refuse_bad_sizes(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(("depth", "reference", "dim"), [(18, models.resnet18, 512), (50, models.resnet50, 2048)])
def test_a_resnet_with_its_usual_stem_is_torchvisions(depth, reference, dim):
    net, usual = ResNet(depth, small_images=False).eval(), reference(weights=None).eval()
    usual.fc = nn.Identity()
    usual.load_state_dict(net.network.state_dict())
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(net(x), usual(x))
    assert net.dim == dim and net(x).shape == (2, dim)


def test_a_resnet_for_small_images_keeps_their_size_to_the_first_block():
    net, sizes = ResNet(18, in_channels=1), []
    net.network.layer1.register_forward_pre_hook(lambda module, inputs: sizes.append(inputs[0].shape))
    net(torch.zeros(2, 1, 32, 32))
    assert sizes == [(2, 64, 32, 32)]


def test_a_resnet_of_unknown_depth_is_refused():
    with pytest.raises(ValueError, match="18, 34, 50, but is 19"):
        ResNet(19)
    with pytest.raises(ValueError, match="in_channels"):
        ResNet(in_channels=0)
