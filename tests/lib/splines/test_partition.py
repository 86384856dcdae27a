from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from scipy.spatial import ConvexHull, HalfspaceIntersection
from torch import nn

from replearn import splines
from replearn.models import mlp
from replearn.papers.splinecam import arrangement_count, partition_2d_reference
from replearn.splines import Abs, Residual

SQUARE = torch.tensor([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=torch.float64)


def he_mlp(widths, activation=nn.ReLU, seed=0, bias=0.3):
    torch.manual_seed(seed)
    net = mlp(widths, activation, bias_std=bias, dtype=torch.float64)
    for layer in net[::2]:
        nn.init.kaiming_normal_(layer.weight)
    return net


def residual_net():
    torch.manual_seed(0)
    blocks = [Residual(nn.Sequential(nn.Linear(16, 16), nn.ReLU())) for _ in range(3)]
    return nn.Sequential(nn.Linear(2, 16), *blocks, nn.Linear(16, 3)).double()


def residual_cnn(seed=0):
    torch.manual_seed(seed)
    body = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1))
    net = nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 4, 3, stride=2, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        Residual(body),
        nn.LeakyReLU(0.1),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16, 3),
    )
    for _ in range(20):
        net(torch.randn(64, 64))
    return net.double().eval()


def pooling_net(kernel=2, stride=2):
    torch.manual_seed(1)
    conv = nn.Sequential(nn.Unflatten(1, (1, 6, 6)), nn.Conv2d(1, 2, 3), nn.MaxPool2d(kernel, stride), nn.ReLU())
    return nn.Sequential(*conv, nn.Flatten(), nn.LazyLinear(3)).double()


def plane(dim, half=2.0, seed=0):
    frame = splines.random_frame(2, dim, seed)
    origin = torch.randn(dim, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return splines.PlanePolygon(origin, frame.T, half * SQUARE)


def grid(n, piece=None):
    line = (torch.arange(n, dtype=torch.float64) + 0.5) / n * 2 - 1
    points = torch.cartesian_prod(line, line)
    return points if piece is None else points * piece.polygon.abs().max()


def assert_sound(partition, *, map_error=1e-10):
    check = partition.check()
    assert check["area_error"] <= 1e-9
    assert check["distinct_patterns"] == len(partition)
    assert check["map_error"] <= map_error


NETS = {
    "relu": lambda: he_mlp([2, 24, 24, 24, 3]),
    "leaky": lambda: he_mlp([2, 24, 24, 24, 3], partial(nn.LeakyReLU, 0.01)),
    "abs": lambda: he_mlp([2, 24, 24, 24, 3], Abs),
    "residual": residual_net,
    "deep": lambda: he_mlp([2, 12, 12, 12, 12, 12, 12, 1]),
}


@pytest.mark.parametrize("name", NETS)
def test_the_partition_covers_the_square_once_and_misses_no_pattern_of_a_grid(name):
    net = NETS[name]()
    partition = splines.partition_2d(net, SQUARE, with_patterns=True)
    assert_sound(partition)
    seen = splines.activation_patterns(net, grid(301))
    together = splines.count_patterns(torch.cat([partition.patterns, seen]))
    assert together == len(partition) > splines.count_patterns(seen) > len(partition) // 2


@pytest.mark.parametrize("activation", [nn.ReLU, partial(nn.LeakyReLU, 0.1), Abs])
@pytest.mark.parametrize("seed", range(3))
def test_plain_recursive_clipping_finds_the_same_regions(activation, seed):
    net = he_mlp([2, 10, 10, 10, 2], activation, seed)
    partition = splines.partition_2d(net, SQUARE)
    reference = partition_2d_reference(net, SQUARE)
    areas = sorted(polygon_area(np.array(vertices)) for vertices, _ in reference)
    np.testing.assert_allclose(sorted(partition.areas().tolist()), areas, rtol=0, atol=1e-13)
    centres = torch.tensor(np.array([vertices.mean(0) for vertices, _ in reference]))
    maps = torch.tensor(np.array([A for _, A in reference]))
    torch.testing.assert_close(partition.maps[partition.locate(centres)], maps, rtol=0, atol=1e-10)


def polygon_area(v):
    return 0.5 * abs(np.dot(v[:, 0], np.roll(v[:, 1], -1)) - np.dot(v[:, 1], np.roll(v[:, 0], -1)))


def test_each_region_is_the_intersection_of_its_own_half_planes():
    net = he_mlp([2, 8, 8, 2])
    partition = splines.partition_2d(net, SQUARE, with_patterns=True)
    inner = partition.inner_points()
    W1, b1, W2, b2 = (p.detach() for p in (net[0].weight, net[0].bias, net[2].weight, net[2].bias))
    walls = np.array([[1, 0, -1], [-1, 0, -1], [0, 1, -1], [0, -1, -1]])
    for region, pattern in enumerate(partition.patterns):
        sign = torch.where(pattern, -1.0, 1.0).double()
        on = pattern[:8].double()
        A = torch.cat([W1, W2 @ (on[:, None] * W1)]) * sign[:, None]
        b = torch.cat([b1, W2 @ (on * b1) + b2]) * sign
        half_planes = np.vstack([torch.cat([A, b[:, None]], 1).numpy(), walls])
        hull = ConvexHull(HalfspaceIntersection(half_planes, inner[region].numpy()).intersections)
        assert hull.volume == pytest.approx(float(partition.areas()[region]), abs=1e-14)


@pytest.mark.parametrize("seed", range(3))
def test_one_layer_obeys_the_arrangement_formula(seed):
    net = he_mlp([2, 40, 1], seed=seed)
    expected = arrangement_count(net[0].weight, net[0].bias, SQUARE)
    assert len(splines.partition_2d(net, SQUARE)) == expected > 100


@pytest.mark.parametrize("name", ["relu", "abs", "residual"])
def test_the_maps_are_the_jacobians_of_autograd(name):
    net = NETS[name]()
    partition = splines.partition_2d(net, SQUARE)
    J = torch.func.vmap(torch.func.jacrev(net))(partition.inner_points())
    torch.testing.assert_close(partition.maps[:, :2], J.mT, rtol=0, atol=1e-10)


def test_a_residual_cnn_with_batch_norm_on_a_slice_of_image_space():
    net = residual_cnn()
    piece = plane(64, half=3.0)
    partition = splines.partition_2d(net, piece, with_patterns=True, chunk=300)
    assert len(partition) > 1000
    assert_sound(partition)
    seen = splines.activation_patterns(net, piece.embed(grid(101, piece)))
    assert splines.count_patterns(torch.cat([partition.patterns, seen])) == len(partition)


@pytest.mark.parametrize(("kernel", "stride"), [(2, 2), (3, 1)])
def test_max_pooling_cuts_only_where_the_winner_changes(kernel, stride):
    piece = plane(36)
    net = pooling_net(kernel, stride)
    net(torch.zeros(1, 36).double())
    partition = splines.partition_2d(net, piece, with_patterns=True)
    assert_sound(partition)
    seen = splines.activation_patterns(net, piece.embed(grid(201, piece)))
    assert splines.count_patterns(torch.cat([partition.patterns, seen])) == len(partition) > 20


def test_max_pooling_makes_no_cut_below_the_winner():
    weight = torch.tensor([[1.0, 0], [0, 1], [0, 0]])
    net = nn.Sequential(nn.Linear(2, 3), nn.Unflatten(1, (1, 1, 3)), nn.MaxPool2d((1, 3)), nn.Flatten())
    net[0].weight.data, net[0].bias.data = weight, torch.tensor([0.0, 0.0, 5.0])
    assert len(splines.partition_2d(net, SQUARE)) == 1
    net[0].bias.data[2] = 0
    areas = splines.partition_2d(net, SQUARE).areas()
    torch.testing.assert_close(areas.sort().values, torch.tensor([1.0, 1.5, 1.5], dtype=torch.float64))


def test_max_pooling_after_relu_meets_exact_ties():
    torch.manual_seed(0)
    modules = [nn.Linear(2, 16), nn.ReLU(), nn.Unflatten(1, (1, 4, 4)), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4, 2)]
    net = nn.Sequential(*modules).double()
    assert_sound(splines.partition_2d(net, SQUARE, with_patterns=True))


def test_zero_biases_send_every_line_of_the_first_layer_through_one_vertex():
    net = he_mlp([2, 32, 32, 32, 2], bias=0.0)
    partition = splines.partition_2d(net, SQUARE, with_patterns=True)
    assert_sound(partition)
    assert len(splines.partition_2d(net, SQUARE, up_to=1)) == 64
    torch.testing.assert_close(partition.areas(), splines.partition_2d(net, 2 * SQUARE).areas() / 4)


def test_duplicated_units_change_nothing():
    net = he_mlp([2, 12, 12, 2])
    double = he_mlp([2, 24, 24, 2])
    with torch.no_grad():
        for a, b in zip(net[::2], double[::2], strict=True):
            last = b is double[-1]
            b.weight.copy_(a.weight.repeat(1 if last else 2, 1 if a is net[0] else 2) / (1 if a is net[0] else 2))
            b.bias.copy_(a.bias.repeat(1 if last else 2))
    plain, copied = (splines.partition_2d(model, SQUARE, with_patterns=True) for model in (net, double))
    assert_sound(copied)
    assert len(copied) == len(plain)


def test_dead_and_constant_units_do_not_cut():
    net = he_mlp([2, 12, 12, 2])
    with torch.no_grad():
        net[0].weight[0], net[0].bias[0] = 0, 0
        net[0].weight[1], net[0].bias[1] = 0, 1
        net[0].bias[2] = -100
        net[2].weight[3], net[2].bias[3] = 0, 0
    partition = splines.partition_2d(net, SQUARE, with_patterns=True)
    assert_sound(partition)
    assert (partition.patterns[:, [0, 2, 15]] == torch.tensor([False, False, False])).all()
    assert partition.patterns[:, 1].all()


def test_a_line_on_the_edge_or_through_a_corner_of_the_domain_is_no_cut():
    layer = nn.Linear(2, 3).double()
    layer.weight.data = torch.tensor([[1, 0], [0, -1], [1, 1]], dtype=torch.float64)
    layer.bias.data = torch.tensor([1, 1, 2], dtype=torch.float64)
    assert len(splines.partition_2d(nn.Sequential(layer, nn.ReLU()), SQUARE)) == 1


def test_parallel_lines_and_lines_in_general_position():
    layer = nn.Linear(2, 3).double()
    layer.bias.data = torch.tensor([-0.5, 0, 0.5], dtype=torch.float64)
    layer.weight.data = torch.tensor([[1, 0], [1, 0], [1, 0]], dtype=torch.float64)
    assert len(splines.partition_2d(nn.Sequential(layer, nn.ReLU()), SQUARE)) == 4
    layer.weight.data = torch.tensor([[1, 0], [0, 1], [1, 1]], dtype=torch.float64)
    layer.bias.data = torch.tensor([0, 0, 0.5], dtype=torch.float64)
    assert len(splines.partition_2d(nn.Sequential(layer, nn.ReLU()), SQUARE)) == 7


@pytest.mark.parametrize("half", [1e-2, 1e-4, 1e-5])
def test_the_partition_stays_exact_under_the_microscope(half):
    net = he_mlp([2, 32, 32, 32, 2])
    whole = splines.partition_2d(net, SQUARE)
    centre = whole.vertices[len(whole) // 2, 0]
    assert (centre.abs() < 0.9).all()
    zoomed = splines.partition_2d(net, centre + half * SQUARE, with_patterns=True)
    assert_sound(zoomed)
    assert len(zoomed) >= 2


@pytest.mark.parametrize("half", [1e2, 1e4])
def test_a_domain_far_larger_than_the_net_keeps_every_pattern_distinct(half):
    net = he_mlp([2, 32, 32, 32, 2])
    assert_sound(splines.partition_2d(net, half * SQUARE, with_patterns=True))


def test_check_reports_a_partition_that_is_wrong():
    partition = splines.partition_2d(he_mlp([2, 12, 12, 2]), SQUARE, with_patterns=True)
    patterns = partition.patterns.clone()
    patterns[0] = patterns[1]
    assert replace(partition, patterns=patterns).check()["distinct_patterns"] == len(partition) - 1
    fewer = replace(partition, vertices=partition.vertices[1:], counts=partition.counts[1:], maps=partition.maps[1:])
    assert fewer.check()["area_error"] == pytest.approx(float(partition.areas()[0]) / 4, rel=1e-6)
    assert replace(partition, maps=partition.maps.flip(0)).check()["map_error"] > 1e-3


@pytest.mark.parametrize("options", [{"chunk": 7}, {"cap": 1}, {"cap": 3, "chunk": 50}, {"cap": 100}])
def test_chunk_and_cap_change_the_order_only(options):
    net = he_mlp([2, 24, 24, 3])
    a = splines.partition_2d(net, SQUARE).areas().sort().values
    b = splines.partition_2d(net, SQUARE, **options).areas().sort().values
    torch.testing.assert_close(a, b, rtol=0, atol=1e-13)


def test_up_to_gives_the_coarser_partitions_of_the_first_layers():
    net = he_mlp([2, 12, 12, 12, 2])
    levels = [splines.partition_2d(net, SQUARE, up_to=k, with_patterns=True) for k in (1, 2, 3)]
    finest = splines.partition_2d(net, SQUARE, with_patterns=True)
    assert len(levels[0]) < len(levels[1]) < len(levels[2]) == len(finest)
    for k, level in enumerate(levels, 1):
        assert_sound(level)
        assert splines.count_patterns(finest.patterns[:, : 12 * k]) == len(level)


def test_locate_and_evaluate_agree_with_position_and_network():
    net = residual_net()
    partition = splines.partition_2d(net, SQUARE)
    points = 2.4 * torch.rand(400, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) - 1.2
    outside = (points.abs() > 1).any(1)
    region = partition.locate(points)
    assert torch.equal(region < 0, outside) and outside.any()
    for point, i in zip(points[~outside][:100].numpy(), region[~outside][:100], strict=True):
        polygon = partition.polygons()[i]
        side = np.roll(polygon, -1, 0) - polygon
        assert (side[:, 0] * (point - polygon)[:, 1] - side[:, 1] * (point - polygon)[:, 0] > -1e-12).all()
    torch.testing.assert_close(partition.evaluate(points[~outside]), net(points[~outside]), rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match="outside"):
        partition.evaluate(points)


def test_points_on_walls_belong_to_a_region_that_touches_them():
    net = he_mlp([2, 12, 12, 2], bias=0.0)
    partition = splines.partition_2d(net, SQUARE)
    corners = torch.cat([partition.vertices.flatten(0, 1), SQUARE, torch.zeros(1, 2, dtype=torch.float64)])
    assert (partition.locate(corners) >= 0).all()
    torch.testing.assert_close(partition.evaluate(corners), net(corners), rtol=0, atol=1e-10)


def test_a_point_whose_pattern_has_no_region_gets_one_that_holds_it():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU()).double()
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[1.0, 0], [-1, 0], [0, 1]]))
        net[0].bias.copy_(torch.tensor([0.0, 0, -0.25]))
    partition = splines.partition_2d(net, SQUARE)
    points = torch.tensor([[0.0, 0.9], [0.0, -0.9]], dtype=torch.float64)  # neither x > 0 nor -x > 0
    touched = partition.inner_points()[partition.locate(points)]
    assert len(partition) == 4 and touched[0, 1] > 0.25 > touched[1, 1]


def test_values_to_colour_by():
    net = he_mlp([2, 12, 12, 3])
    partition = splines.partition_2d(net, SQUARE)
    assert [len(p) for p in partition.polygons()] == partition.counts.tolist()
    torch.testing.assert_close(partition.norms(), torch.linalg.matrix_norm(partition.maps[:, :2]))
    assert torch.equal(partition.classes(), net(partition.inner_points()).argmax(1))
    single = splines.partition_2d(he_mlp([2, 12, 1]), SQUARE)
    assert torch.equal(single.classes(), (he_mlp([2, 12, 1])(single.inner_points())[:, 0] > 0).long())


def test_the_slice_may_lie_anywhere_in_the_input_space():
    net = he_mlp([5, 16, 16, 2])
    piece = plane(5, half=1.5)
    partition = splines.partition_2d(net, piece, with_patterns=True)
    assert_sound(partition)
    same = splines.partition_2d(net, piece.polygon, origin=piece.origin, basis=piece.basis)
    assert torch.equal(same.vertices, partition.vertices)
    points = grid(31, piece)
    torch.testing.assert_close(partition.evaluate(points), net(piece.embed(points)), rtol=0, atol=1e-12)


def test_the_work_counts_the_same_on_every_run_and_grows_with_the_regions():
    net = he_mlp([2, 32, 32, 2])
    small, again, large = (splines.partition_2d(net, half * SQUARE) for half in (0.3, 0.3, 1.0))
    assert small.work == again.work and set(small.work) == {"affine", "evaluate", "split"}
    assert small.operations == sum(small.work.values())
    assert 0.3 < (large.operations / len(large)) / (small.operations / len(small)) < 3


def test_float32_models_are_worked_in_float64_and_left_alone():
    net = he_mlp([2, 12, 12, 2]).float()
    partition = splines.partition_2d(net, SQUARE.float())
    assert partition.vertices.dtype == torch.float64
    assert net[0].weight.dtype == torch.float32 and net[0].weight.requires_grad
    assert partition.check()["map_error"] < 1e-12


def test_a_model_without_activations_has_one_region():
    assert len(splines.partition_2d(nn.Linear(2, 2), SQUARE)) == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net: splines.partition_2d(net, SQUARE.flip(0)), "clockwise"),
        (lambda net: splines.partition_2d(net, SQUARE[[0, 2, 1, 3]]), "convex"),
        (lambda net: splines.partition_2d(net, SQUARE, basis=torch.eye(3)[:, :2]), "2 inputs"),
        (lambda net: splines.partition_2d(net, SQUARE, basis=torch.eye(3)), "basis"),
        (lambda net: splines.partition_2d(net, SQUARE, origin=torch.zeros(3)), "basis"),
        (lambda net: splines.partition_2d(net, SQUARE, basis=2 * torch.eye(2)), "orthonormal"),
        (lambda net: splines.partition_2d(net, plane(2), basis=torch.eye(2)), "carries its own"),
        (lambda net: splines.partition_2d(net, SQUARE, up_to=3), "up_to"),
        (lambda net: splines.partition_2d(net, SQUARE, cap=0), "cap"),
        (lambda net: splines.partition_2d(net, SQUARE, chunk=0), "chunk"),
        (lambda net: splines.partition_2d(net, SQUARE, rtol=0.0), "rtol"),
        (lambda net: splines.partition_2d(net, SQUARE, max_regions=0), "max_regions"),
        (lambda net: splines.partition_2d(nn.Sequential(nn.Linear(2, 2), nn.Tanh()), SQUARE), "Tanh"),
        (lambda net: splines.partition_2d(nn.Sequential(net, nn.BatchNorm1d(2)), SQUARE), "training mode"),
        (lambda net: splines.partition_2d(nn.Conv2d(1, 1, 3), SQUARE), "Unflatten"),
        (lambda net: splines.partition_2d(net, SQUARE).locate(torch.zeros(2)), "points"),
        (lambda net: splines.partition_2d(net, SQUARE).locate(torch.full((1, 2), torch.nan)), "NaN"),
        (lambda net: partition_2d_reference(residual_net(), SQUARE), "Linear, ReLU"),
        (lambda net: arrangement_count(torch.zeros(3, 3), torch.zeros(3), SQUARE), "W must"),
        (lambda net: arrangement_count(torch.zeros(3, 2), torch.zeros(3), SQUARE.flip(0)), "clockwise"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(he_mlp([2, 4, 4, 2]))


def test_too_many_regions_stop_the_work_with_the_count_so_far():
    with pytest.raises(RuntimeError, match=r"at least \d+ regions, more than max_regions=100"):
        splines.partition_2d(he_mlp([2, 32, 32, 2]), SQUARE, max_regions=100)
