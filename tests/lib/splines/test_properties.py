"""What holds for every small network: its regions tile the square, each has a pattern and a map of its own."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from replearn import splines
from replearn.models import mlp
from replearn.training import seeded
from strategies import seeds

SQUARE = torch.tensor([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=torch.float64)
ACTIVATIONS = st.sampled_from([nn.ReLU, nn.LeakyReLU, splines.Abs])


@st.composite
def networks(draw, layers=3, dim=2):
    widths = draw(st.lists(st.integers(1, 6), min_size=1, max_size=layers))
    with seeded(draw(seeds)):
        return mlp([dim, *widths, 2], draw(ACTIVATIONS), bias_std=0.5, dtype=torch.float64)


@given(net=networks())
def test_regions_tile_the_square_with_patterns_and_maps_of_their_own(net):
    partition = splines.partition_2d(net, SQUARE, with_patterns=True)
    assert (partition.areas() > 0).all() and partition.areas().sum() == pytest.approx(4, rel=1e-9)
    assert len({tuple(row) for row in partition.patterns.tolist()}) == len(partition)
    inner = partition.inner_points()
    assert torch.equal(splines.activation_patterns(net, inner), partition.patterns)
    assert torch.equal(partition.locate(inner), torch.arange(len(partition)))
    with torch.no_grad():
        torch.testing.assert_close(partition.evaluate(inner), net(inner))


@given(net=networks(), cut=st.floats(-0.9, 0.9))
def test_two_halves_have_the_regions_of_the_whole_and_those_that_the_cut_divides_twice(net, cut):
    left, right = SQUARE.clone(), SQUARE.clone()
    left[1:3, 0] = right[[0, 3], 0] = cut
    whole, *halves = (splines.partition_2d(net, domain, with_patterns=True) for domain in (SQUARE, left, right))
    seen = [{tuple(row) for row in part.patterns.tolist()} for part in (whole, *halves)]
    assert seen[0] == seen[1] | seen[2]
    divided = sum(bool(v[:, 0].min() < cut - 1e-9 and v[:, 0].max() > cut + 1e-9) for v in whole.polygons())
    assert len(halves[0]) + len(halves[1]) == len(whole) + divided


@given(width=st.integers(1, 8), seed=seeds)
def test_one_layer_makes_no_more_regions_than_lines_in_general_position(width, seed):
    with seeded(seed):
        net = mlp([2, width, 1], nn.ReLU, bias_std=0.3, dtype=torch.float64)
    assert 1 <= len(splines.partition_2d(net, SQUARE)) <= 1 + width + width * (width - 1) // 2


@given(net=networks(dim=3), seed=seeds, angle=st.floats(0, 6))
def test_a_turned_frame_of_the_plane_gives_the_same_regions(net, seed, angle):
    frame = splines.random_frame(2, 3, seed).T
    turn = torch.tensor([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    plain, turned = (
        splines.partition_2d(net, splines.PlanePolygon(torch.zeros(3, dtype=torch.float64), basis, polygon))
        for basis, polygon in ((frame, SQUARE), (frame @ turn, SQUARE @ turn))
    )
    torch.testing.assert_close(turned.areas().sort().values, plain.areas().sort().values, rtol=1e-7, atol=1e-10)


@given(bits=st.lists(st.lists(st.booleans(), min_size=9, max_size=9), min_size=1, max_size=12))
def test_packed_patterns_are_numpys_and_are_counted_once_each(bits):
    p = torch.tensor(bits)
    np.testing.assert_array_equal(splines.pack_patterns(p), np.packbits(p.numpy(), axis=1))
    assert splines.count_patterns(p) == len({tuple(row) for row in bits})
