"""SplineCam's small networks and digits, against plain loops, brute force and networks trained alone."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from matplotlib.path import Path
from scipy import ndimage
from torch import nn

from replearn import models, splines
from replearn.papers import splinecam

PERCEPTRON = partial(models.mlp, [196, 12, 12, 10])


@pytest.fixture(scope="module")
def digits():
    return splinecam.small_digits(200)


@pytest.fixture(scope="module")
def mosaic():
    return splines.partition_2d(splinecam.network([2, 12, 12, 2], 0), splinecam.square(1))


def test_moons_are_centred_and_scaled():
    points, labels = splinecam.moons(3)
    torch.testing.assert_close(points.mean(0), torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-12)
    torch.testing.assert_close(points.var(0, correction=0), torch.ones(2, dtype=torch.float64))
    assert labels.bincount().tolist() == [200, 200]


def test_training_pauses_where_it_says_and_learns():
    points, labels = splinecam.moons(0)
    net = splinecam.network([2, 16, 2], 0)
    fresh = net[0].weight.clone()
    pauses = splinecam.training(net, points, labels, steps=60, every=20)
    assert next(pauses) == 0 and torch.equal(net[0].weight, fresh)
    assert list(pauses) == [20, 40, 60]
    again = splinecam.train(splinecam.network([2, 16, 2], 0), points, labels, steps=60)
    assert torch.equal(net[0].weight, again[0].weight)
    assert (net(points).argmax(1) == labels).double().mean() > 0.8


def test_grid_and_square():
    assert splinecam.square(2, (1, 0)).tolist() == [[-1, -2], [3, -2], [3, 2], [-1, 2]]
    assert splinecam.grid(2, half=2).tolist() == [[-1, -1], [-1, 1], [1, -1], [1, 1]]


def test_a_quarter_turn_is_a_rotation():
    assert splinecam.quarter_turn(torch.tensor([[1.0, 0.0], [0.0, 2.0]])).tolist() == [[0, 1], [-2, 0]]


def test_each_point_is_held_by_the_tile_that_matplotlib_finds(mosaic):
    points = splinecam.grid(13)[:100]
    held = splinecam.tiles_holding(mosaic, points)
    brute = sum(Path(polygon).contains_points(points.numpy()).astype(int) for polygon in mosaic.polygons())
    assert held.tolist() == brute.tolist() == [1] * 100


def test_a_gap_and_an_overlap_are_seen(mosaic):
    point = mosaic.inner_points()[:1]
    gap = replace(mosaic, vertices=mosaic.vertices[1:], counts=mosaic.counts[1:])
    twice = replace(mosaic, vertices=torch.cat([mosaic.vertices, mosaic.vertices[:1]]))
    assert [splinecam.tiles_holding(found, point).item() for found in (gap, mosaic, twice)] == [0, 1, 2]


def test_the_typical_area_is_a_geometric_mean(mosaic):
    points, areas = mosaic.inner_points()[:5], mosaic.areas()[:5]
    assert splinecam.typical_area(mosaic, points) == pytest.approx(np.prod(areas.numpy()) ** 0.2)


def test_shifts_move_each_image_by_its_own_and_bring_in_black(digits):
    images = digits.images[:30]
    moves = torch.randint(-2, 3, (30, 2), generator=torch.Generator().manual_seed(0))
    for image, (down, right), shifted in zip(images, moves.tolist(), splinecam.shift_each(images, moves), strict=True):
        expected = ndimage.shift(image[0].numpy(), (down, right), order=0, cval=0.0)
        np.testing.assert_array_equal(shifted[0].numpy(), expected)
    assert torch.equal(splinecam.shift_each(images, torch.zeros(30, 2, dtype=torch.long)), images)


def test_networks_trained_together_are_those_trained_alone(digits):
    together = splinecam.follow_training(PERCEPTRON, [0, 5], digits, [0, 2], shift=1)
    for which, start in enumerate([0, 5]):
        alone = splinecam.follow_training(PERCEPTRON, [start], digits, [0, 2], shift=1)
        for epoch in (0, 2):
            for name, value in alone[epoch].weights.items():
                torch.testing.assert_close(together[epoch].weights[name][which], value[0], rtol=1e-3, atol=1e-5)


def test_one_epoch_is_what_a_plain_loop_does(digits):
    stage = splinecam.follow_training(PERCEPTRON, [3], digits, [1])[1]
    torch.manual_seed(3)
    net, generator = PERCEPTRON(), torch.Generator().manual_seed(3)
    adam = torch.optim.Adam(net.parameters(), lr=3e-3)
    for batch in torch.randperm(200, generator=generator).split(100):
        adam.zero_grad()
        nn.functional.cross_entropy(net(digits.images[batch].flatten(1)), digits.labels[batch]).backward()
        adam.step()
    kept = splinecam.network_at(PERCEPTRON, stage, 0)
    x = digits.test_images[:50].flatten(1)
    torch.testing.assert_close(kept(x), net(x), rtol=1e-4, atol=1e-5)
    guess = kept(digits.test_images.flatten(1)).argmax(1)
    assert stage.accuracy[0] == pytest.approx((guess == digits.test_labels).double().mean().item())


def test_triangles_have_images_of_three_classes_as_corners(digits):
    for plane in splinecam.triangles(digits, 0, 4):
        corners = plane.embed(plane.polygon)
        distance, nearest = torch.cdist(corners, digits.images.flatten(1).double()).min(1)
        assert distance.max() < 1e-6 and len(digits.labels[nearest].unique()) == 3


def test_tiles_per_area(digits):
    planes = splinecam.triangles(digits, 0, 2)
    net = PERCEPTRON()
    found = [
        len(partition) / partition.areas().sum().item() for partition in map(partial(splines.partition_2d, net), planes)
    ]
    assert splinecam.tiles_per_area(net, planes) == pytest.approx(np.mean(found))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: next(splinecam.training(nn.Linear(2, 2), torch.ones(2, 2), torch.ones(2), steps=5, every=2)),
            "divide",
        ),
        (lambda: splinecam.square(0.0), "half"),
        (lambda: splinecam.grid(0), "n must"),
        (lambda: splinecam.small_digits(10**6), "n must"),
        (lambda: splinecam.shift_each(torch.ones(2, 1, 4, 4), torch.ones(1, 2).long()), "moves"),
        (lambda: splinecam.shift_each(torch.ones(2, 1, 4, 4), torch.ones(2, 2)), "moves"),
        (lambda: splinecam.follow_training(PERCEPTRON, [0], None, [1], shift=-1), "shift"),
        (lambda: splinecam.follow_training(PERCEPTRON, [0], None, [2, 1]), "ascending"),
        (lambda: splinecam.follow_training(PERCEPTRON, [0], None, []), "ascending"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_typical_area_refuses_points_outside(mosaic):
    with pytest.raises(ValueError, match="outside"):
        splinecam.typical_area(mosaic, torch.tensor([[5.0, 0.0]], dtype=torch.float64))
