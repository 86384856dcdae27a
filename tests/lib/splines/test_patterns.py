import numpy as np
import pytest
import torch
from torch import nn

from replearn import splines
from replearn.models import mlp
from replearn.splines import Residual


@pytest.fixture
def net():
    torch.manual_seed(0)
    return mlp([3, 6, 5, 2], bias_std=0.3, dtype=torch.float64)


def test_patterns_are_the_signs_that_forward_hooks_see(net):
    x = torch.randn(50, 3, dtype=torch.float64)
    seen = []
    for module in net:
        if isinstance(module, nn.ReLU):
            module.register_forward_hook(lambda _, args, out: seen.append(args[0] > 0))
    net(x)
    assert torch.equal(splines.activation_patterns(net, x), torch.cat(seen, 1))
    assert splines.layer_slices(net) == [slice(0, 6), slice(6, 11)]


def test_patterns_of_a_convolution_are_read_inside_a_skip_and_mark_the_winner_of_a_window():
    torch.manual_seed(0)
    conv = nn.Conv2d(1, 2, 3, padding=1)
    net = nn.Sequential(Residual(nn.Sequential(conv, nn.ReLU())), nn.MaxPool2d(2, 1))
    x = torch.randn(4, 1, 3, 3)
    patterns = splines.activation_patterns(net, x)
    before, inside = splines.layer_slices(net, (1, 3, 3))
    assert torch.equal(patterns[:, before], (conv(x) > 0).flatten(1))
    value = x + conv(x).relu()
    for r, c in [(0, 0), (0, 1), (1, 0), (1, 1)]:
        window = value[:, :, r : r + 2, c : c + 2].flatten(2)
        marked = patterns[:, inside].view(4, 2, 2, 2, 4)[:, :, r, c]
        assert torch.equal(marked.int().argmax(2), window.argmax(2))
        assert (marked.sum(2) == 1).all()


def test_layer_slices_asks_for_the_shape_that_a_convolution_does_not_tell():
    with pytest.raises(ValueError, match="input_size"):
        splines.layer_slices(nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU()))


def test_packing_is_that_of_numpy_and_counting_that_of_a_set():
    p = torch.rand(500, 11, generator=torch.Generator().manual_seed(0)) > 0.8
    assert np.array_equal(splines.pack_patterns(p).numpy(), np.packbits(p.numpy(), axis=1))
    assert splines.count_patterns(p) == len({tuple(row) for row in p.tolist()})
    assert splines.count_patterns(p[:, :0]) == 1


@pytest.mark.parametrize("bad", [torch.zeros(3, 4), torch.zeros(4, dtype=torch.bool)])
def test_only_boolean_matrices_are_packed(bad):
    with pytest.raises(ValueError, match="boolean matrix"):
        splines.pack_patterns(bad)
    with pytest.raises(ValueError, match="boolean matrix"):
        splines.count_patterns(bad)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(4, 2, dtype=torch.float64), "shape"),
        (torch.zeros(3, dtype=torch.float64), "shape"),
        (torch.zeros(0, 3, dtype=torch.float64), "N >= 1"),
        (torch.zeros(4, 3), "float32"),
        (torch.full((4, 3), torch.inf, dtype=torch.float64), "NaN or inf"),
    ],
)
def test_bad_inputs_are_refused(net, x, message):
    with pytest.raises(ValueError, match=message):
        splines.activation_patterns(net, x)
