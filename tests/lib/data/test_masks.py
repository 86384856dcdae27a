"""Patches against torch's unfold and fold; masks against what they promise, counted."""

import math
from functools import partial

import pytest
import torch
from torch.nn import functional as F

from replearn.data import block_mask, hidden_flags, multiblock_mask, patchify, random_mask, take_patches, unpatchify
from sampling import draws


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


def assert_partition(mask, length):
    both = torch.cat([mask.keep, mask.masked], 1)
    assert torch.equal(both.sort(1).values, torch.arange(length).expand_as(both))
    assert torch.equal(both.gather(1, mask.restore), torch.arange(length).expand_as(both))


@pytest.mark.parametrize("make", [random_mask, block_mask])
@pytest.mark.parametrize(("grid", "ratio", "visible"), [((7, 7), 0.75, 12), ((1, 10), 0.9, 1), ((4, 4), 0.99, 1)])
def test_kept_and_masked_are_a_partition_of_the_right_size(make, grid, ratio, visible):
    mask = make(9, grid, draws(), ratio=ratio)
    assert mask.keep.shape == (9, visible) and mask.masked.shape == (9, grid[0] * grid[1] - visible)
    assert_partition(mask, grid[0] * grid[1])


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
