"""The grid of a globe against the angles it was made of."""

import pytest
import torch

from replearn.data import sphere_grid


def test_pieces_lie_on_their_parallels_and_meridians():
    ends = sphere_grid(parallels=5, meridians=12, pieces=40).double()
    assert ends.shape == (17 * 40, 2, 3)
    torch.testing.assert_close(ends.norm(dim=2), torch.ones(680, 2).double(), atol=1e-6, rtol=0)
    latitude = torch.rad2deg(ends[:200, :, 2].asin()).reshape(5, 80)
    torch.testing.assert_close(latitude[:, 0], torch.tensor([-60.0, -30, 0, 30, 60]).double(), atol=1e-4, rtol=0)
    assert latitude.std(1).max() < 1e-4
    longitude = torch.rad2deg(torch.atan2(ends[200:, :, 1], ends[200:, :, 0])).reshape(12, 80) % 360
    torch.testing.assert_close(
        (longitude[1:] - longitude[:1]).mean(1), 30.0 * torch.arange(1, 12).double(), atol=1e-3, rtol=0
    )


def test_pieces_join():
    lines = sphere_grid(parallels=2, meridians=3, pieces=10).reshape(5, 10, 2, 3)
    torch.testing.assert_close(lines[:, 1:, 0], lines[:, :-1, 1])
    torch.testing.assert_close(lines[:2, 0, 0], lines[:2, -1, 1], atol=1e-6, rtol=0)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="meridians"):
        sphere_grid(parallels=3, meridians=0)
