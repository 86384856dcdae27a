"""A network of whole images that sees zeros in the place of hidden patches."""

import pytest
import torch

from replearn.data import random_mask
from replearn.models import MaskedInput, TinyConv


def test_hidden_patches_are_zero_and_the_others_as_they_are():
    seen = []
    network = TinyConv(2)
    network.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    masked = MaskedInput(network, (8, 12), 4)
    x = torch.randn(3, 1, 8, 12)
    keep, hidden, _ = random_mask(3, masked.grid, torch.Generator().manual_seed(0), ratio=0.5)
    z = masked(x, keep)
    expected = x.clone()
    for n in range(3):
        for patch in hidden[n].tolist():
            row, column = divmod(patch, 3)
            expected[n, :, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = 0
    assert torch.equal(seen[0], expected) and z.shape == (3, 16) and masked.grid == (2, 3)
    assert torch.equal(masked.eval()(x), network(x))
    assert torch.equal(masked(x, keep, tokens=True)[:, 0], masked(x, keep))


def test_patches_that_do_not_fill_the_image():
    with pytest.raises(ValueError, match="patch must divide"):
        MaskedInput(TinyConv(2), (8, 8), 3)
