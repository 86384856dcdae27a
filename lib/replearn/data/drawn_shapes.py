"""Images of simple shapes whose factors are known."""

import math

import torch

from replearn.validate import check_integer

SHAPES = ("circle", "square", "triangle")


def shapes(n: int, *, seed: int = 0, res: int = 32) -> tuple[torch.Tensor, dict]:
    """Render circles, squares and triangles on a striped grey background, with every factor known.

    On coordinates in [-1, 1]^2 (y down), each image draws: ``shape`` from circle, square, triangle; ``hue`` from
    U[0, 1], fully saturated; ``x, y`` from U[-0.4, 0.4], the centre; ``size`` from U[0.3, 0.5]: the circle's radius,
    the square's half side, the distance from the triangle's centre to its corners; ``angle`` from U[0, 2 pi] radians.
    The background is ``grey + 0.15 sin(6 d + phase)`` with grey from U[0, 0.5] and d the coordinate along a random
    direction. Edges are anti-aliased: with s the signed distance in pixels, ``alpha = clip(1/2 - s, 0, 1)``.

    Parameters
    ----------
    n : int
        Number of images.
    seed : int
        Seed of the draw.
    res : int
        Side of the images in pixels, at least 4.

    Returns
    -------
    images : torch.Tensor
        (n, 3, res, res) float32 in [0, 1].
    factors : dict of str to torch.Tensor
        ``shape`` (n,) int64 and ``hue``, ``x``, ``y``, ``size``, ``angle``, ``grey`` (n,) float32.

    References
    ----------
    The controlled images of this book's chapter on two views.

    Examples
    --------
    >>> shapes(8)[0].shape
    torch.Size([8, 3, 32, 32])
    """
    check_integer("n", n, 1)
    check_integer("res", res, 4)
    generator = torch.Generator().manual_seed(seed)

    def uniform(low: float, high: float) -> torch.Tensor:
        return low + (high - low) * torch.rand(n, generator=generator)

    factors = {
        "shape": torch.randint(len(SHAPES), (n,), generator=generator),
        "hue": uniform(0, 1),
        "x": uniform(-0.4, 0.4),
        "y": uniform(-0.4, 0.4),
        "size": uniform(0.3, 0.5),
        "angle": uniform(0, 2 * math.pi),
        "grey": uniform(0, 0.5),
    }
    stripes = _stripes(res, uniform(0, 2 * math.pi), uniform(0, 2 * math.pi))
    background = (factors["grey"].view(-1, 1, 1) + stripes).clamp(0, 1).unsqueeze(1)
    alpha = (0.5 - _signed_distance(res, factors) * res / 2).clamp(0, 1).unsqueeze(1)
    colour = _hue_to_rgb(factors["hue"]).view(n, 3, 1, 1)
    return alpha * colour + (1 - alpha) * background, factors


def shape_targets(factors: dict) -> dict:
    """Turn the factors of ``shapes`` into what a linear probe can be asked for.

    Parameters
    ----------
    factors : dict of str to torch.Tensor
        As ``shapes`` returns them, (n,) each.

    Returns
    -------
    dict of str to torch.Tensor
        ``hue`` (n, 2), its point on the unit circle, since hues 0 and 1 are one colour; ``position`` (n, 2), in
        half-widths of the image; ``size`` and ``background`` (n, 1).

    Examples
    --------
    >>> shape_targets(shapes(8)[1])["hue"].shape
    torch.Size([8, 2])
    """
    angle = 2 * math.pi * factors["hue"]
    return {
        "hue": torch.stack([angle.cos(), angle.sin()], dim=1),
        "position": torch.stack([factors["x"], factors["y"]], dim=1),
        "size": factors["size"].unsqueeze(1),
        "background": factors["grey"].unsqueeze(1),
    }


def _coordinates(res: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pixel centres in [-1, 1], as columns' x (1, 1, res) and rows' y (1, res, 1)."""
    centres = (torch.arange(res) + 0.5) * 2 / res - 1
    return centres.view(1, 1, res), centres.view(1, res, 1)


def _stripes(res: int, direction: torch.Tensor, phase: torch.Tensor) -> torch.Tensor:
    x, y = _coordinates(res)
    direction, phase = direction.view(-1, 1, 1), phase.view(-1, 1, 1)
    return 0.15 * torch.sin(6 * (direction.cos() * x + direction.sin() * y) + phase)


def _signed_distance(res: int, factors: dict) -> torch.Tensor:
    """Signed distance (n, res, res) of each pixel to its image's shape, negative inside."""
    x, y = _coordinates(res)
    size, angle = (factors[name].view(-1, 1, 1) for name in ("size", "angle"))
    x, y = x - factors["x"].view(-1, 1, 1), y - factors["y"].view(-1, 1, 1)
    u, v = angle.cos() * x + angle.sin() * y, -angle.sin() * x + angle.cos() * y
    each = torch.stack([_circle(u, v, size), _square(u, v, size), _triangle(u, v, size)])
    return each[factors["shape"], torch.arange(len(u))]


def _circle(u: torch.Tensor, v: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
    return torch.hypot(u, v) - radius


def _square(u: torch.Tensor, v: torch.Tensor, half: torch.Tensor) -> torch.Tensor:
    du, dv = u.abs() - half, v.abs() - half
    return torch.hypot(du.clamp(min=0), dv.clamp(min=0)) + torch.maximum(du, dv).clamp(max=0)


def _triangle(u: torch.Tensor, v: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
    """Equilateral: the largest of the three half-plane distances (exact inside and along the edges)."""
    normals = [(math.cos(a), math.sin(a)) for a in (math.pi / 2, math.pi * 7 / 6, math.pi * 11 / 6)]
    return torch.stack([a * u + b * v - radius / 2 for a, b in normals]).amax(0)


def _hue_to_rgb(hue: torch.Tensor) -> torch.Tensor:
    """Fully saturated colour of a hue in [0, 1]: (n,) -> (n, 3)."""
    offsets = torch.tensor([0.0, 2 / 3, 1 / 3])
    return ((((hue.unsqueeze(1) + offsets) % 1) * 6 - 3).abs() - 1).clamp(0, 1)
