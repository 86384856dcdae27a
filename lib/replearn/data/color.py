"""Colour and blur augmentations of whole batches, each image with its own parameters (see ``augment``).

Images are RGB in [0, 1]: use these before anything that standardises pixels.
"""

from dataclasses import dataclass

import torch

from replearn.data.augment import check_images
from replearn.validate import check_integer, check_positive

_LUMA = (0.2989, 0.587, 0.114)


@dataclass(frozen=True)
class ColorJitter:
    """Change brightness, contrast, saturation and hue of some images, in this order, each by its own random amount.

    Brightness, contrast and saturation factors are ``U[max(0, 1 - s), 1 + s]`` with their strength s: the image is
    blended with black, with its mean grey, and with its greyscale; values are clipped to [0, 1] after each. The hue is
    turned by ``U[-hue, hue]`` of the colour wheel.

    Parameters
    ----------
    brightness, contrast, saturation : float
        Strengths, at least 0.
    hue : float
        Share of the wheel, 0 to 0.5.
    p : float
        Probability that an image is changed.

    References
    ----------
    SimCLR (Chen et al., 2020), appendix A, at strength 1: 0.8, 0.8, 0.8, 0.2 and p = 0.8. torchvision draws the order
    of the four anew for each image.

    Examples
    --------
    >>> ColorJitter()(torch.ones(2, 3, 4, 4), torch.Generator()).shape
    torch.Size([2, 3, 4, 4])
    """

    brightness: float = 0.8
    contrast: float = 0.8
    saturation: float = 0.8
    hue: float = 0.2
    p: float = 0.8

    def __post_init__(self) -> None:
        for name in ("brightness", "contrast", "saturation"):
            check_positive(name, getattr(self, name), allow_zero=True)
        if not 0 <= self.hue <= 0.5:
            raise ValueError(f"hue must lie between 0 and 0.5, but is {self.hue}")
        _check_probability(self.p)

    def __call__(self, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        check_images(x, channels=3)
        chosen = _uniform(x, generator) < self.p

        def factor(strength: float) -> torch.Tensor:
            low, high = max(0.0, 1 - strength), 1 + strength
            return torch.where(chosen, low + (high - low) * _uniform(x, generator), 1.0)

        x = (x * factor(self.brightness)).clamp(0, 1)
        x = _blend(x, grayscale(x).mean((2, 3), keepdim=True), factor(self.contrast))
        x = _blend(x, grayscale(x), factor(self.saturation))
        if not self.hue:
            return x
        return turn_hue(x, torch.where(chosen, self.hue * (2 * _uniform(x, generator) - 1), 0.0))


@dataclass(frozen=True)
class RandomGrayscale:
    """Replace some images by their greyscale, on all three channels.

    Parameters
    ----------
    p : float
        Probability that an image loses its colour.

    References
    ----------
    SimCLR (Chen et al., 2020), appendix A.

    Examples
    --------
    >>> RandomGrayscale(1.0)(torch.ones(2, 3, 4, 4), torch.Generator()).shape
    torch.Size([2, 3, 4, 4])
    """

    p: float = 0.2

    def __post_init__(self) -> None:
        _check_probability(self.p)

    def __call__(self, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        check_images(x, channels=3)
        return torch.where(_uniform(x, generator) < self.p, grayscale(x), x)


@dataclass(frozen=True)
class GaussianBlur:
    """Blur some images with a Gaussian of random width, cut off at ``size`` pixels; borders are reflected.

    Parameters
    ----------
    size : int
        Odd number of pixels of the kernel: about a tenth of the image's side in SimCLR.
    sigma : pair of float
        Range of the standard deviation, in pixels.
    p : float
        Probability that an image is blurred.

    References
    ----------
    SimCLR (Chen et al., 2020), appendix A. Rows and columns are blurred by a matrix for each image, one batched product
    each.

    Examples
    --------
    >>> GaussianBlur(p=1.0)(torch.ones(2, 3, 9, 9), torch.Generator()).shape
    torch.Size([2, 3, 9, 9])
    """

    size: int = 3
    sigma: tuple = (0.1, 2.0)
    p: float = 0.5

    def __post_init__(self) -> None:
        check_integer("size", self.size, 1)
        if self.size % 2 == 0:
            raise ValueError(f"size must be odd, so that the kernel has a middle, but is {self.size}")
        check_positive("the smallest sigma", self.sigma[0])
        if self.sigma[1] < self.sigma[0]:
            raise ValueError(f"sigma must be a range low <= high, but is {self.sigma}")
        _check_probability(self.p)

    def __call__(self, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        check_images(x)
        reach = self.size // 2
        if min(x.shape[2:]) <= reach:
            raise ValueError(f"a kernel of {self.size} pixels does not fit images of {tuple(x.shape[2:])}")
        low, high = self.sigma
        chosen = _uniform(x, generator) < self.p
        sigma = low + (high - low) * _uniform(x, generator)
        offsets = torch.arange(-reach, reach + 1, device=x.device, dtype=x.dtype)
        weights = torch.exp(-0.5 * (offsets / sigma).square())
        weights = weights / weights.sum(-1, keepdim=True)
        weights = torch.where(chosen, weights, (offsets == 0).to(x.dtype)).flatten(1)
        rows, columns = (_blur_matrices(weights, side) for side in x.shape[2:])
        return rows.unsqueeze(1) @ x @ columns.unsqueeze(1).mT


def grayscale(x: torch.Tensor) -> torch.Tensor:
    """Luma of RGB images (N, 3, H, W) as (N, 1, H, W): 0.2989 R + 0.587 G + 0.114 B."""
    return (x * x.new_tensor(_LUMA).view(3, 1, 1)).sum(1, keepdim=True)


def turn_hue(x: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Turn the hue of RGB images (N, 3, H, W) in [0, 1] by a share (N, 1, 1, 1) of the colour wheel, in HSV space."""
    value, chroma = x.amax(1, keepdim=True), x.amax(1, keepdim=True) - x.amin(1, keepdim=True)
    red, green, blue = x.split(1, dim=1)
    safe = torch.where(chroma == 0, 1.0, chroma)
    sextant = torch.where(
        value == red,
        (green - blue) / safe,
        torch.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    k = (x.new_tensor([5.0, 3.0, 1.0]).view(3, 1, 1) + sextant + 6 * share) % 6
    return value - chroma * torch.minimum(k, 4 - k).clamp(0, 1)


def _blend(x: torch.Tensor, other: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    return (factor * x + (1 - factor) * other).clamp(0, 1)


def _uniform(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """One number of U[0, 1) for each image, (N, 1, 1, 1)."""
    return torch.rand(len(x), 1, 1, 1, generator=generator, device=x.device, dtype=x.dtype)


def _blur_matrices(weights: torch.Tensor, side: int) -> torch.Tensor:
    """Matrices (N, side, side) that blur a line of pixels by the kernels (N, size), with reflected borders."""
    n, size = weights.shape
    place = (
        torch.arange(side, device=weights.device).unsqueeze(1) + torch.arange(size, device=weights.device) - size // 2
    )
    place = (side - 1) - (place.abs() - (side - 1)).abs()
    matrices = weights.new_zeros(n, side, side)
    return matrices.scatter_add_(2, place.expand(n, side, size), weights.unsqueeze(1).expand(n, side, size))


def _check_probability(p: float) -> None:
    if not 0 <= p <= 1:
        raise ValueError(f"p must be a probability between 0 and 1, but is {p}")
