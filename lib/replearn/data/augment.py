"""Augmentations of whole batches on their device, each image with its own parameters, from an explicit generator.

Each is a small frozen object, called as ``augment(x, generator)`` with images ``x`` (N, C, H, W) and a
``torch.Generator`` on the device of ``x``; its ``repr`` says what it does. Images are floating-point.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from replearn.validate import check_integer, check_positive


@dataclass(frozen=True)
class RandomAffineCrop:
    """Crop, rotate, shift and flip each image by one affine map and one bilinear resampling of the whole batch.

    The crop covers a share ``a ~ U[scale]`` of the area with sides ``sqrt(a r)`` and ``sqrt(a / r)`` of the image's
    width and height, ``log r ~ U[log ratio]`` (a side is never longer than the image's). Its centre is uniform among
    those that keep it inside; it is then turned by ``U[degrees]`` about its centre and its content shifted by
    ``U[translate]`` along each axis. What falls outside the image repeats its border.

    Parameters
    ----------
    scale : pair of float
        Range of the area's share, in (0, 1].
    ratio : pair of float
        Range of the aspect ratio (width over height), relative to the image's own.
    degrees : float or pair of float
        Range of the turn in degrees, counter-clockwise; a number d means [-d, d].
    translate : float or pair of float
        Range of the shift, in half-widths and half-heights of the image; a number t means [-t, t].
    hflip : bool
        Whether every second image, at random, is mirrored left to right.
    size : int or pair of int, optional
        Height and width of the result, by default those of the input.

    References
    ----------
    Random resized crop (Szegedy et al., 2015; SimCLR, Chen et al., 2020), as the tiny recipe uses it.

    Examples
    --------
    >>> RandomAffineCrop(scale=(0.3, 1.0))(torch.zeros(4, 1, 8, 8), torch.Generator()).shape
    torch.Size([4, 1, 8, 8])
    """

    scale: tuple = (0.4, 1.0)
    ratio: tuple = (3 / 4, 4 / 3)
    degrees: float | tuple = 15.0
    translate: float | tuple = 0.0
    hflip: bool = False
    size: int | tuple | None = None

    def __post_init__(self) -> None:
        low, high = check_range("scale", self.scale)
        if low <= 0 or high > 1:
            raise ValueError(f"scale is a share of the area and must lie in (0, 1], but is {self.scale}")
        if check_range("ratio", self.ratio)[0] <= 0:
            raise ValueError(f"ratio must be positive, but is {self.ratio}")
        check_range("degrees", self.degrees)
        check_range("translate", self.translate)
        for side in self._size(1, 1):
            check_integer("size", side, 1)

    def __call__(self, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        check_images(x)
        n, c, height, width = x.shape
        theta = self._maps(n, width / height, x, generator)
        grid = F.affine_grid(theta, [n, c, *self._size(height, width)], align_corners=False)
        return F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)

    def _size(self, height: int, width: int) -> tuple[int, int]:
        if self.size is None:
            return height, width
        return (self.size, self.size) if isinstance(self.size, int) else tuple(self.size)

    def _maps(self, n: int, aspect: float, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Affine maps (n, 2, 3) from the result's coordinates to the image's, both in [-1, 1]."""

        def uniform(low: float, high: float) -> torch.Tensor:
            return low + (high - low) * torch.rand(n, generator=generator, device=x.device, dtype=x.dtype)

        area = uniform(*self.scale)
        ratio = uniform(*(math.log(r) for r in self.ratio)).exp()
        half_w, half_h = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
        centre_x, centre_y = (1 - half_w) * uniform(-1, 1), (1 - half_h) * uniform(-1, 1)
        turn = torch.deg2rad(uniform(*check_range("degrees", self.degrees)))
        shift_x, shift_y = (uniform(*check_range("translate", self.translate)) for _ in range(2))
        flip = 1 - 2 * (uniform(0, 1) < 0.5).to(x.dtype) if self.hflip else torch.ones_like(area)
        cos, sin = turn.cos(), turn.sin()
        row_x = torch.stack([flip * half_w * cos, -half_h * sin / aspect, centre_x - shift_x], dim=1)
        row_y = torch.stack([flip * half_w * sin * aspect, half_h * cos, centre_y - shift_y], dim=1)
        return torch.stack([row_x, row_y], dim=1)


@dataclass(frozen=True)
class RandomErase:
    """Overwrite one rectangle of each image, of random size and place, with a constant.

    Its area is a share ``a ~ U[scale]`` of the image and its aspect ``log r ~ U[log ratio]``; the sides are rounded to
    whole pixels and the place is uniform among those inside the image.

    Parameters
    ----------
    scale : pair of float
        Range of the area's share, in (0, 1].
    ratio : pair of float
        Range of the aspect ratio (width over height), relative to the image's own.
    fill : float
        The constant; 0 is the mean of standardised images.

    References
    ----------
    Zhong et al., "Random Erasing Data Augmentation" (2020).

    Examples
    --------
    >>> RandomErase()(torch.zeros(4, 1, 8, 8), torch.Generator()).shape
    torch.Size([4, 1, 8, 8])
    """

    scale: tuple = (0.15, 0.15)
    ratio: tuple = (1.0, 1.0)
    fill: float = 0.0

    def __post_init__(self) -> None:
        low, high = check_range("scale", self.scale)
        if low <= 0 or high > 1:
            raise ValueError(f"scale is a share of the area and must lie in (0, 1], but is {self.scale}")
        if check_range("ratio", self.ratio)[0] <= 0:
            raise ValueError(f"ratio must be positive, but is {self.ratio}")

    def __call__(self, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        check_images(x)
        n, _, height, width = x.shape

        def uniform(low: float, high: float) -> torch.Tensor:
            return low + (high - low) * torch.rand(n, generator=generator, device=x.device)

        area = uniform(*self.scale)
        ratio = uniform(*(math.log(r) for r in self.ratio)).exp()
        rows = _random_interval(height, (area / ratio).sqrt(), uniform(0, 1))
        columns = _random_interval(width, (area * ratio).sqrt(), uniform(0, 1))
        return x.masked_fill(rows.view(n, 1, height, 1) & columns.view(n, 1, 1, width), self.fill)


@dataclass(frozen=True)
class GaussianNoise:
    """Add independent noise from N(0, std^2) to every entry of ``x``, of any shape.

    Parameters
    ----------
    std : float
        Standard deviation, in the units of the images.

    Examples
    --------
    >>> GaussianNoise(0.0)(torch.zeros(1, 2), torch.Generator())
    tensor([[0., 0.]])
    """

    std: float

    def __post_init__(self) -> None:
        check_positive("std", self.std, allow_zero=True)

    def __call__(self, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return x + self.std * torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)


@dataclass(frozen=True)
class HueRotate:
    """Turn the colours of each RGB image about the grey axis (1, 1, 1), which keeps each pixel's intensity.

    ``R(t) = cos t I + sin t K + (1 - cos t) u u'`` with ``u = (1, 1, 1) / sqrt 3``, ``K v = u x v`` and t from
    ``U[degrees]``. Grey is fixed, and so is the mean of the three channels; values may leave [0, 1].

    Parameters
    ----------
    degrees : float or pair of float
        Range of the turn in degrees; a number d means [-d, d], so that 180 destroys hue entirely.

    References
    ----------
    Rodrigues' rotation formula.

    Examples
    --------
    >>> HueRotate(90)(torch.ones(4, 3, 8, 8), torch.Generator()).shape
    torch.Size([4, 3, 8, 8])
    """

    degrees: float | tuple = 180.0

    def __post_init__(self) -> None:
        check_range("degrees", self.degrees)

    def __call__(self, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        check_images(x, channels=3)
        low, high = check_range("degrees", self.degrees)
        turn = torch.rand(len(x), generator=generator, device=x.device, dtype=x.dtype)
        turn = torch.deg2rad(low + (high - low) * turn).view(-1, 1, 1)
        grey = x.new_full((3, 3), 1 / 3)
        cross = x.new_tensor([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
        rotation = turn.cos() * (torch.eye(3, device=x.device, dtype=x.dtype) - grey) + turn.sin() * cross + grey
        return (rotation @ x.flatten(2)).view_as(x)


@dataclass(frozen=True)
class Normalize:
    """Subtract a mean and divide by a deviation, channel by channel: what comes after colours have been changed.

    Parameters
    ----------
    mean, std : tuple of float
        One number for each channel, ``std`` positive.

    Examples
    --------
    >>> Normalize([0.5], [0.25])(torch.ones(1, 1, 1, 1), torch.Generator())
    tensor([[[[2.]]]])
    """

    mean: tuple
    std: tuple

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.std):
            raise ValueError(f"mean and std need one number for each channel, but have {self.mean} and {self.std}")
        for value in self.std:
            check_positive("std", value)

    def __call__(self, x: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        check_images(x, channels=len(self.mean))
        mean, std = (x.new_tensor(v).view(-1, 1, 1) for v in (self.mean, self.std))
        return (x - mean) / std


class Compose:
    """Apply augmentations one after the other: ``Compose(a, b)(x, g) = b(a(x, g), g)``.

    Parameters
    ----------
    *augmentations : callable
        Each called as ``augment(x, generator)``. None at all leaves the images as they are.

    Examples
    --------
    >>> views = Compose(GaussianNoise(0.1), RandomErase())
    >>> views(torch.zeros(4, 1, 8, 8), torch.Generator()).shape
    torch.Size([4, 1, 8, 8])
    """

    def __init__(self, *augmentations: Callable) -> None:
        self.augmentations = augmentations

    def __call__(self, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        for augment in self.augmentations:
            x = augment(x, generator)
        return x

    def __repr__(self) -> str:
        return f"Compose({', '.join(map(repr, self.augmentations))})"


@dataclass(frozen=True)
class MultiCrop:
    """Make several views of each image: a few global crops, which serve as targets, and more small local ones.

    A local crop of side s costs ``(s / S)^2`` of a global one of side S, so V of them cost ``V (s / S)^2``.

    Parameters
    ----------
    global_crop, local_crop : callable
        Augmentations of the large and of the small views; the local one usually sets ``size``.
    n_global, n_local : int
        How many views of each kind.

    Returns
    -------
    list of torch.Tensor
        When called: ``n_global`` global views, then ``n_local`` local views, each (N, C, h, w).

    References
    ----------
    Caron et al., "SwAV" (2020), section 3.2.

    Examples
    --------
    >>> crops = MultiCrop(RandomAffineCrop(), RandomAffineCrop(scale=(0.1, 0.3)), n_local=3)
    >>> len(crops(torch.zeros(4, 1, 8, 8), torch.Generator()))
    5
    """

    global_crop: Callable
    local_crop: Callable
    n_global: int = 2
    n_local: int = 4

    def __post_init__(self) -> None:
        check_integer("n_global", self.n_global, 1)
        check_integer("n_local", self.n_local, 0)

    def __call__(self, x: torch.Tensor, generator: torch.Generator) -> list[torch.Tensor]:
        crops = [self.global_crop] * self.n_global + [self.local_crop] * self.n_local
        return [crop(x, generator) for crop in crops]


def check_range(name: str, value: float | tuple) -> tuple:
    """The pair (low, high) that a pair, or a number d as [-d, d], stands for."""
    low, high = value if isinstance(value, (tuple, list)) else (-value, value)
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError(f"{name} must be a range low <= high of finite numbers, but is {value}")
    return low, high


def check_images(x: torch.Tensor, channels: int | None = None) -> None:
    if x.ndim != 4 or (channels is not None and x.shape[1] != channels):
        raise ValueError(f"x must be a batch of images (N, {channels or 'C'}, H, W), but has shape {tuple(x.shape)}")
    if not x.is_floating_point():
        raise ValueError(f"x must hold floating-point images, but is {x.dtype}; divide bytes by 255 first")


def _random_interval(length: int, share: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
    """Mask (N, length) of an interval of ``share * length`` pixels, at ``place`` in [0, 1) of its free play."""
    size = (share * length).round().clamp(max=length)
    start = (place * (length - size + 1)).floor()
    pixel = torch.arange(length, device=share.device)
    return (pixel >= start.unsqueeze(1)) & (pixel < (start + size).unsqueeze(1))
