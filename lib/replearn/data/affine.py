"""Turning, zooming and shifting whole batches of images, by given amounts or at random."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from replearn.data.augment import check_images, check_range
from replearn.validate import check_finite


def affine_warp(
    x: torch.Tensor,
    *,
    degrees: float | torch.Tensor = 0.0,
    zoom: float | torch.Tensor = 1.0,
    shift: float | torch.Tensor = 0.0,
    fill: float = 0.0,
) -> torch.Tensor:
    """Turn, zoom and shift the content of each image by one affine map and one bilinear resampling of the batch.

    The result at position p is the image at ``R(-degrees) (p - shift) / zoom``, where positions run over [-1, 1] from
    left to right and from top to bottom, and R turns counter-clockwise as seen.

    Parameters
    ----------
    x : torch.Tensor
        (N, C, H, W), floating-point.
    degrees, zoom : float or torch.Tensor
        Turn in degrees, and magnification (not 0): one number, or (N,).
    shift : float or torch.Tensor
        Shift in half-widths to the right and half-heights down: one number for both, (2,), or (N, 2).
    fill : float
        What lies outside the image; 0 is black for images in [0, 1].

    Returns
    -------
    torch.Tensor
        (N, C, H, W).

    References
    ----------
    The planar similarity; resampled as in spatial transformers (Jaderberg et al., 2015).

    Examples
    --------
    >>> affine_warp(torch.eye(3)[None, None], degrees=90.0)[0, 0].round(decimals=3)
    tensor([[0., 0., 1.],
            [0., 1., 0.],
            [1., 0., 0.]])
    """
    check_images(x)
    n, _, height, width = x.shape
    degrees, zoom = _amounts("degrees", degrees, x, (n,)), _amounts("zoom", zoom, x, (n,))
    shift = _amounts("shift", shift, x, (n, 2))
    if (zoom == 0).any():
        raise ValueError("zoom must not be 0, which shrinks the image to a point")
    aspect, turn = width / height, torch.deg2rad(degrees)
    cos, sin = turn.cos() / zoom, turn.sin() / zoom
    linear = torch.stack([torch.stack([cos, -sin / aspect], 1), torch.stack([sin * aspect, cos], 1)], 1)
    theta = torch.cat([linear, -linear @ shift.unsqueeze(2)], 2)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    return F.grid_sample(x - fill, grid, mode="bilinear", padding_mode="zeros", align_corners=False) + fill


def _amounts(name: str, value: float | torch.Tensor, x: torch.Tensor, shape: tuple) -> torch.Tensor:
    value = torch.as_tensor(value, dtype=x.dtype, device=x.device)
    check_finite(name, value)
    try:
        return value.expand(shape)
    except RuntimeError:
        raise ValueError(f"{name} must be one number or have shape {shape}, but has {tuple(value.shape)}") from None


@dataclass(frozen=True)
class RandomAffine:
    """Turn, zoom and shift each image at random, each with its own amounts (see ``affine_warp``).

    Parameters
    ----------
    degrees : float or pair of float
        Range of the turn in degrees, counter-clockwise; a number d means [-d, d].
    zoom : pair of float
        Range of the magnification, positive.
    shift : float or pair of float
        Range of the shift along each axis, in half-widths and half-heights; a number t means [-t, t].
    fill : float
        What lies outside the image; 0 is black for images in [0, 1].

    References
    ----------
    The augmentation of this book's 14 x 14 MLP recipe.

    Examples
    --------
    >>> RandomAffine(degrees=10)(torch.zeros(4, 1, 8, 8), torch.Generator()).shape
    torch.Size([4, 1, 8, 8])
    """

    degrees: float | tuple = 20.0
    zoom: tuple = (0.8, 1.2)
    shift: float | tuple = 0.15
    fill: float = 0.0

    def __post_init__(self) -> None:
        check_range("degrees", self.degrees)
        check_range("shift", self.shift)
        if check_range("zoom", self.zoom)[0] <= 0:
            raise ValueError(f"zoom must be positive, but is {self.zoom}")

    def __call__(self, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        check_images(x)

        def uniform(bounds: tuple, *shape: int) -> torch.Tensor:
            low, high = bounds
            return low + (high - low) * torch.rand(shape, generator=generator, device=x.device, dtype=x.dtype)

        return affine_warp(
            x,
            degrees=uniform(check_range("degrees", self.degrees), len(x)),
            zoom=uniform(self.zoom, len(x)),
            shift=uniform(check_range("shift", self.shift), len(x), 2),
            fill=self.fill,
        )
