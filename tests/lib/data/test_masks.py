"""Patches against torch's unfold and fold; masks against what they promise, counted."""

import math
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from replearn.data import (
    block_mask,
    hidden_flags,
    multiblock_mask,
    patch_grid,
    patchify,
    random_mask,
    take_patches,
    unpatchify,
)
from sampling import draws
from strategies import grids, seeds


def images(n=3, c=2, h=8, w=12):
    return torch.randn(n, c, h, w, generator=draws(1), dtype=torch.float64)


def test_patches_are_those_of_unfold_and_go_back_by_fold():
    x = images()
    tokens = patchify(x, 4)
    assert torch.equal(tokens, F.unfold(x, 4, stride=4).transpose(1, 2))
    assert torch.equal(unpatchify(tokens, 4, (8, 12)), F.fold(tokens.transpose(1, 2), (8, 12), 4, stride=4))
    assert torch.equal(unpatchify(tokens, 4, (8, 12)), x)
    pixels = torch.arange(96).reshape(1, 1, 8, 12)
    assert patchify(pixels, 2)[0, 7].tolist() == [26, 27, 38, 39]


def test_take_patches_is_indexing():
    tokens, ids = torch.randn(3, 6, 2, generator=draws()), torch.tensor([[5, 0], [1, 1], [2, 4]])
    for out, rows, row in zip(take_patches(tokens, ids), tokens, ids, strict=True):
        assert torch.equal(out, rows[row])


@given(st.data(), st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), grids(4))
def test_any_images_survive_being_cut_and_put_together(data, n, channels, patch, grid):
    size = (grid[0] * patch, grid[1] * patch)
    x = torch.arange(n * channels * size[0] * size[1]).view(n, channels, *size)
    tokens = patchify(x, patch)
    assert patch_grid(size, patch) == grid and tokens.shape == (n, grid[0] * grid[1], channels * patch**2)
    assert torch.equal(unpatchify(tokens, patch, size), x)
    row, column = data.draw(st.integers(0, grid[0] - 1)), data.draw(st.integers(0, grid[1] - 1))
    corner = x[:, :, row * patch : (row + 1) * patch, column * patch : (column + 1) * patch]
    assert torch.equal(tokens[:, row * grid[1] + column], corner.flatten(1))


def assert_partition(mask, length):
    both = torch.cat([mask.keep, mask.masked], 1)
    assert torch.equal(both.sort(1).values, torch.arange(length).expand_as(both))
    assert torch.equal(both.gather(1, mask.restore), torch.arange(length).expand_as(both))


@pytest.mark.parametrize("make", [random_mask, block_mask])
@pytest.mark.parametrize(
    ("grid", "ratio", "visible"), [((7, 7), 0.75, 12), ((1, 10), 0.9, 1), ((1, 20), 0.9, 2), ((4, 4), 0.99, 1)]
)
def test_kept_and_masked_are_a_partition_of_the_right_size(make, grid, ratio, visible):
    mask = make(9, grid, draws(), ratio=ratio)
    assert mask.keep.shape == (9, visible) and mask.masked.shape == (9, grid[0] * grid[1] - visible)
    assert_partition(mask, grid[0] * grid[1])


@pytest.mark.parametrize("make", [random_mask, block_mask])
@given(n=st.integers(1, 5), grid=grids(), ratio=st.floats(0.01, 0.99), seed=seeds)
def test_any_mask_is_a_partition_that_keeps_its_ratio_and_leaves_something_on_both_sides(make, n, grid, ratio, seed):
    mask, length = make(n, grid, draws(seed), ratio=ratio), grid[0] * grid[1]
    assert_partition(mask, length)
    assert abs(mask.masked.shape[1] - ratio * length) <= 1 and 1 <= mask.keep.shape[1] < length
    assert mask.keep.shape[1] in (1, length - 1) or mask.keep.shape[1] <= length * (1 - ratio) + 1e-6


def test_every_patch_is_hidden_as_often_as_the_ratio_says_and_samples_differ():
    mask = random_mask(4000, (4, 4), draws())
    share = torch.bincount(mask.masked.flatten(), minlength=16) / 4000
    assert (share - 0.75).abs().max() < 5 * math.sqrt(0.75 * 0.25 / 4000)
    assert mask.keep.sort(1).values.unique(dim=0).shape[0] > 1000


def hidden(mask, grid):
    shape = (len(mask.keep), grid[0] * grid[1])
    return torch.zeros(shape, dtype=torch.bool).scatter_(1, mask.masked, True).reshape(-1, *grid)


def test_one_block_of_fixed_scale_is_a_square():
    share = 25 / 49
    seen = hidden(block_mask(200, (7, 7), draws(), ratio=share, scale=(share, share), aspect=(1, 1)), (7, 7))
    for one in seen:
        rows, columns = one.any(1).nonzero(), one.any(0).nonzero()
        assert len(rows) == rows.max() - rows.min() + 1 == len(columns) == columns.max() - columns.min() + 1 == 5
    assert seen.unique(dim=0).shape[0] == 9


def extent(flags):
    """Rows and columns that a picture of flags spans."""
    return [int(line.max() - line.min()) + 1 for line in (flags.any(1).nonzero(), flags.any(0).nonzero())]


def test_aspect_is_height_over_width_and_the_grids_shape_bounds_the_sides():
    for aspect, expected in ((4, [8, 2]), (1 / 4, [2, 8])):
        mask = block_mask(20, (16, 16), draws(), ratio=1 / 16, scale=(1 / 16, 1 / 16), aspect=(aspect, aspect))
        assert all(extent(one) == expected for one in hidden(mask, (16, 16)))
        targets = multiblock_mask(5, (16, 16), draws(), scale=(1 / 16, 1 / 16), aspect=(aspect, aspect)).masked
        seen = torch.zeros(20, 256, dtype=torch.bool).scatter_(1, targets.flatten(0, 1), True)
        assert all(extent(one) == expected for one in seen.view(-1, 16, 16))
    for grid, expected in (((2, 32), [2, 4]), ((32, 2), [4, 2])):
        one = multiblock_mask(9, grid, draws(), targets=1, scale=(1 / 4, 1 / 4), aspect=(1, 1), min_context=0).masked
        seen = torch.zeros(9, 64, dtype=torch.bool).scatter_(1, one[:, 0], True)
        assert all(extent(block) == expected for block in seen.view(-1, *grid))


@pytest.mark.parametrize(("share", "side"), [(0.25, 7), (1.0, 14)])
def test_the_context_is_a_square_of_the_share_asked_for_less_the_targets(share, side):
    tiny = dict(targets=1, scale=(1 / 196, 1 / 196), aspect=(1, 1))
    keep, masked = multiblock_mask(30, (14, 14), draws(), context_scale=(share, share), **tiny)
    assert masked.shape[2] == 1 and keep.shape[1] == side**2 - 1
    for one in torch.zeros(30, 196, dtype=torch.bool).scatter_(1, keep, True).view(-1, 14, 14):
        assert all(side - 1 <= length <= side for length in extent(one))


def test_blocks_hang_together_more_than_random_patches():
    def borders(mask):
        one = hidden(mask, (14, 14))
        return (one.diff(dim=1).sum() + one.diff(dim=2).sum()) / len(one)

    assert borders(block_mask(300, (14, 14), draws())) < borders(random_mask(300, (14, 14), draws(), ratio=0.4)) / 2


@pytest.mark.parametrize("grid", [(14, 14), (7, 9), (4, 4)])
def test_the_context_never_lies_in_a_target_and_counts_agree(grid):
    context, targets = multiblock_mask(100, grid, draws(), min_context=0.2)
    length = grid[0] * grid[1]
    assert targets.shape[:2] == (100, 4) and context.shape[1] >= 0.2 * length
    for seen, blocks in zip(context.tolist(), targets.tolist(), strict=True):
        assert len(set(seen)) == len(seen) and not set(seen) & {i for block in blocks for i in block}
        for block in blocks:
            rows, columns = ({i // grid[1] for i in block}, {i % grid[1] for i in block})
            assert len(set(block)) == len(block) == len(rows) * len(columns)
            assert max(rows) - min(rows) < len(rows) and max(columns) - min(columns) < len(columns)


def test_targets_have_the_size_that_was_asked_for():
    for seed in range(20):
        _, targets = multiblock_mask(2, (14, 14), draws(seed))
        assert 0.13 < targets.shape[2] / 196 < 0.23


@pytest.mark.parametrize("make", [random_mask, block_mask, multiblock_mask])
def test_draws_come_from_the_generator_alone(make):
    state = torch.get_rng_state()
    first, again, other = (make(8, (7, 7), draws(seed)) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first.masked, other.masked)
    assert torch.equal(state, torch.get_rng_state())


blocks = partial(multiblock_mask, 4, (4, 4), draws())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: patchify(images(), 3), "patch must divide"),
        (lambda: patchify(images(), 0), "patch must be an integer"),
        (lambda: patchify(images()[0], 4), "batch of images"),
        (lambda: unpatchify(torch.zeros(2, 5, 16), 4, (8, 12)), "must have shape"),
        (lambda: unpatchify(torch.zeros(2, 6, 17), 4, (8, 12)), "must have shape"),
        (lambda: random_mask(4, (4, 4), draws(), ratio=1.0), "ratio must lie"),
        (lambda: random_mask(4, (4, 4), draws(), ratio=math.nan), "ratio must lie"),
        (lambda: random_mask(0, (4, 4), draws()), "n must be"),
        (lambda: random_mask(4, (1, 1), draws()), "at least two patches"),
        (lambda: random_mask(4, (4, 0), draws()), "columns of grid"),
        (lambda: block_mask(4, (4, 4), draws(), scale=(0.5, 0.2)), "scale must be"),
        (lambda: block_mask(4, (4, 4), draws(), scale=(0.5, 1.2)), "scale must be"),
        (lambda: block_mask(4, (4, 4), draws(), aspect=(0.0, 1.0)), "aspect must be"),
        (lambda: blocks(targets=0), "targets must be"),
        (lambda: blocks(context_scale=(0.0, 1.0)), "scale must be"),
        (lambda: blocks(min_context=1.0), "min_context must be"),
        (lambda: blocks(min_context=0.9), "fewer than 15 of 16 patches"),
        (lambda: blocks(targets=1, scale=(1.0, 1.0), aspect=(1, 1)), "fewer than 2 of 16"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_hidden_flags_are_one_where_a_patch_is_not_kept():
    mask = random_mask(5, (3, 4), torch.Generator().manual_seed(0), ratio=0.6)
    flags = hidden_flags(torch.zeros(5, 12, 7), mask.keep)
    assert flags.shape == (5, 12, 1)
    for n in range(5):
        assert set(flags[n, :, 0].nonzero().flatten().tolist()) == set(mask.masked[n].tolist())
