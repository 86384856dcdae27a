"""The lines of latitude and longitude of a globe, to be pushed through a network and drawn."""

import math

import torch

from replearn.validate import check_integer


def sphere_grid(*, parallels: int = 5, meridians: int = 12, pieces: int = 60) -> torch.Tensor:
    """Cut the parallels and meridians of the unit sphere in three dimensions into short straight pieces.

    Parallels have the latitudes ``-90 + 180 j / (parallels + 1)`` degrees, meridians the longitudes
    ``360 j / meridians``; meridians stop 6 degrees before the poles.

    Parameters
    ----------
    parallels, meridians : int
        Numbers of lines, at least 1.
    pieces : int
        Number of pieces of each line, at least 1.

    Returns
    -------
    torch.Tensor
        ((parallels + meridians) * pieces, 2, 3): both ends of each piece, on the sphere; parallels come first.

    References
    ----------
    Spherical coordinates.

    Examples
    --------
    >>> sphere_grid(parallels=5, meridians=12, pieces=60).shape
    torch.Size([1020, 2, 3])
    """
    for name, value in {"parallels": parallels, "meridians": meridians, "pieces": pieces}.items():
        check_integer(name, value, 1)
    around = torch.linspace(-math.pi, math.pi, pieces + 1).expand(parallels, -1)
    up = torch.linspace(-math.pi / 2, math.pi / 2, parallels + 2)[1:-1, None].expand_as(around)
    along = torch.linspace(-0.4667 * math.pi, 0.4667 * math.pi, pieces + 1).expand(meridians, -1)
    east = (2 * math.pi / meridians * torch.arange(meridians))[:, None].expand_as(along)
    latitude, longitude = torch.cat([up, along]), torch.cat([around, east])
    plane = latitude.cos()
    points = torch.stack([plane * longitude.cos(), plane * longitude.sin(), latitude.sin()], -1)
    return torch.stack([points[:, :-1], points[:, 1:]], 2).flatten(0, 1)
