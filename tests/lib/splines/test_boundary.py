import numpy as np
import pytest
import torch
from skimage.measure import find_contours
from torch import nn

from replearn import splines
from replearn.models import mlp

SQUARE = torch.tensor([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=torch.float64)


def he_mlp(widths, seed=0):
    torch.manual_seed(seed)
    net = mlp(widths, bias_std=0.3, dtype=torch.float64)
    for layer in net[::2]:
        nn.init.kaiming_normal_(layer.weight)
    return net


def length(segments):
    return float((segments[:, 1] - segments[:, 0]).norm(dim=1).sum())


def gap(net, points):
    top = net(points).topk(2).values
    return (top[:, 0] - top[:, 1]).abs().max().item()


@pytest.mark.parametrize("classes", [2, 3, 6])
def test_the_two_largest_outputs_tie_on_the_whole_boundary(classes):
    net = he_mlp([2, 24, 24, classes], seed=1)
    segments = splines.decision_boundary_2d(splines.partition_2d(net, SQUARE))
    points = splines.sample_segments(segments, 2000, seed=0)
    assert gap(net, points) <= 1e-9
    assert gap(net, points + 1e-3) > 1e-5


@pytest.mark.parametrize("level", [0.0, 0.25])
def test_one_output_is_cut_at_its_level_with_the_length_of_marching_squares(level):
    net = he_mlp([2, 24, 24, 1], seed=1)
    segments = splines.decision_boundary_2d(splines.partition_2d(net, SQUARE), level=level)
    points = splines.sample_segments(segments, 2000, seed=0)
    assert (net(points) - level).abs().max() <= 1e-9
    line = torch.linspace(-1, 1, 801, dtype=torch.float64)
    values = net(torch.cartesian_prod(line, line)).detach().numpy().reshape(801, 801)
    contours = [c / 400 - 1 for c in find_contours(values, level)]
    expected = sum(np.linalg.norm(np.diff(c, axis=0), axis=1).sum() for c in contours)
    assert length(segments) == pytest.approx(expected, rel=0.01)
    on_grid = torch.tensor(np.concatenate(contours))
    assert splines.distance_to_segments(on_grid, segments).max() < 1e-2


def test_three_classes_of_an_affine_net_meet_in_one_point():
    net = nn.Linear(2, 3, bias=False).double()
    angle = torch.tensor([0.0, 2, 4], dtype=torch.float64) * torch.pi / 3
    net.weight.data = torch.stack([angle.cos(), angle.sin()], 1)
    segments = splines.decision_boundary_2d(splines.partition_2d(net, SQUARE))
    assert len(segments) == 3
    # Rays from the origin at 60, 180 and 300 degrees leave the square through its top, left and bottom sides.
    assert length(segments) == pytest.approx(1 + 2 * 2 / 3**0.5)
    assert segments.norm(dim=2).amin(1).max() < 1e-12


def test_a_boundary_that_runs_along_a_fold_is_found():
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1)).double()
    net[0].weight.data = torch.tensor([[1, 0], [-1, 0]], dtype=torch.float64)
    net[0].bias.data.zero_()
    net[2].weight.data = torch.tensor([[1, -2]], dtype=torch.float64)
    net[2].bias.data.zero_()
    segments = splines.decision_boundary_2d(splines.partition_2d(net, SQUARE))
    assert segments[:, :, 0].abs().max() == 0
    assert splines.distance_to_segments(torch.tensor([[0, 0.7], [0, -0.7]]).double(), segments).max() < 1e-12


def test_one_class_everywhere_has_no_boundary():
    net = he_mlp([2, 8, 2])
    net[-1].bias.data[0] = 1e3
    assert splines.decision_boundary_2d(splines.partition_2d(net, SQUARE)).shape == (0, 2, 2)


def test_duplicated_outputs_tie_everywhere_and_make_no_boundary():
    net = he_mlp([2, 8, 2])
    net[-1].weight.data[1] = net[-1].weight.data[0]
    net[-1].bias.data[1] = net[-1].bias.data[0]
    assert len(splines.decision_boundary_2d(splines.partition_2d(net, SQUARE))) == 0


def test_samples_are_uniform_by_length():
    segments = torch.tensor([[[0, 0], [1, 0]], [[0, 5], [3, 5]], [[7, 7], [7, 7]]], dtype=torch.float64)
    points = splines.sample_segments(segments, 20_000, seed=0)
    assert (points[:, 1] == 5).double().mean() == pytest.approx(0.75, abs=0.01)
    assert points[points[:, 1] == 5, 0].mean() == pytest.approx(1.5, abs=0.03)
    assert torch.equal(points, splines.sample_segments(segments, 20_000, seed=0))


def test_distances_are_those_of_brute_force():
    generator = torch.Generator().manual_seed(0)
    segments = torch.rand(12, 2, 2, generator=generator, dtype=torch.float64)
    x = 2 * torch.rand(50, 2, generator=generator, dtype=torch.float64)
    t = torch.linspace(0, 1, 4001, dtype=torch.float64)[:, None, None]
    dense = torch.lerp(segments[:, 0], segments[:, 1], t).flatten(0, 1)
    brute = torch.cdist(x, dense).amin(1)
    torch.testing.assert_close(splines.distance_to_segments(x, segments, chunk=7), brute, rtol=0, atol=1e-3)
    corner = torch.tensor([[[0, 0], [1, 0]], [[4, 4], [4, 4]]], dtype=torch.float64)
    distances = splines.distance_to_segments(torch.tensor([[2, 1], [0.5, 3], [4, 5]]).double(), corner)
    torch.testing.assert_close(distances, torch.tensor([2**0.5, 3, 1]).double())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: splines.decision_boundary_2d(p, level=1.0), "one output"),
        (lambda p: splines.decision_boundary_2d(p, level=float("nan")), "NaN"),
        (lambda p: splines.sample_segments(torch.zeros(0, 2, 2), 3, 0), "segments"),
        (lambda p: splines.sample_segments(torch.zeros(1, 2, 2), 3, 0), "length zero"),
        (lambda p: splines.sample_segments(torch.rand(1, 2, 2), 0, 0), "n must"),
        (lambda p: splines.distance_to_segments(torch.zeros(1, 3), torch.rand(1, 2, 2)), "shape"),
        (lambda p: splines.distance_to_segments(torch.zeros(1, 2), torch.rand(2, 2)), "segments"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(splines.partition_2d(he_mlp([2, 4, 2]), SQUARE))
