import itertools

import pytest
import torch
from torch import nn

from replearn import splines
from replearn.models import mlp
from replearn.training import seeded


@pytest.fixture
def net():
    torch.manual_seed(0)
    return mlp([2, 12, 12, 2], bias_std=0.3, dtype=torch.float64)


def test_frames_are_orthonormal_and_reproducible():
    frame = splines.random_frame(5, 20, seed=3)
    torch.testing.assert_close(frame @ frame.T, torch.eye(5, dtype=torch.float64))
    assert torch.equal(frame, splines.random_frame(5, 20, seed=3))
    assert not torch.equal(frame, splines.random_frame(5, 20, seed=4))


def test_the_first_layer_has_a_closed_form(net):
    x = torch.randn(40, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    radius = 0.2
    frame = splines.random_frame(2, 2, 0)
    W, b = net[0].weight.detach(), net[0].bias.detach()
    reach = radius * (W @ frame.T).abs().amax(1)
    expected = ((x @ W.T + b).abs() < reach).sum(1)
    assert torch.equal(splines.local_complexity(net, x, radius)[:, 0], expected)


@pytest.mark.parametrize(("dim", "directions"), [(3, 3), (20, 8)])
def test_eight_directions_are_looked_into_or_all_there_are(dim, directions):
    with seeded(0):
        net = mlp([dim, 40, 2], bias_std=0.3, dtype=torch.float64)
    x = torch.randn(20, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    counts = splines.local_complexity(net, x, 0.5)
    assert torch.equal(counts, splines.local_complexity(net, x, 0.5, n_dirs=directions))
    assert (counts > splines.local_complexity(net, x, 0.5, n_dirs=directions - 1)).any()


def test_the_exact_partition_of_the_diamond_sees_the_same_units_of_the_first_layer(net):
    x = torch.randn(15, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    diamond = 0.3 * torch.tensor([[1, 0], [0, 1], [-1, 0], [0, -1]], dtype=torch.float64)
    counts = splines.local_complexity(net, x, 0.3, directions=torch.eye(2, dtype=torch.float64))
    assert counts.shape == (15, 2) and counts.dtype == torch.long
    for point, count in zip(x, counts, strict=True):
        patterns = splines.partition_2d(net, diamond + point, with_patterns=True).patterns
        crossing = patterns.any(0) & ~patterns.all(0)
        assert crossing[:12].sum() == count[0]
        assert count[1] <= crossing[12:].sum()


def test_brute_force_over_the_vertices_and_any_chunk_agree(net):
    x = torch.randn(7, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    frame = splines.random_frame(2, 2, 5)
    counts = splines.local_complexity(net, x, 0.4, seed=5)
    assert torch.equal(counts, splines.local_complexity(net, x, 0.4, seed=5, chunk=4))
    for point, count in zip(x, counts, strict=True):
        vertices = [point + sign * 0.4 * q for sign, q in itertools.product((1, -1), frame)]
        signs = torch.stack([splines.activation_patterns(net, v[None])[0] for v in vertices])
        change = (signs != signs[0]).any(0)
        assert count.tolist() == [int(change[:12].sum()), int(change[12:].sum())]


def test_an_affine_model_has_no_layers_to_count():
    assert splines.local_complexity(nn.Linear(3, 1), torch.zeros(4, 3), 1.0).shape == (4, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"radius": 0.0}, "radius"),
        ({"radius": 1.0, "n_dirs": 3}, "n_dirs"),
        ({"radius": 1.0, "directions": torch.ones(1, 3)}, "directions must have shape"),
        ({"radius": 1.0, "directions": torch.eye(2) * 1.01}, "orthonormal"),
    ],
)
def test_bad_inputs_are_refused(net, options, message):
    with pytest.raises(ValueError, match=message):
        splines.local_complexity(net, torch.zeros(1, 2).double(), **options)
