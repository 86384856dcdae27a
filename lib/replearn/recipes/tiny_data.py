"""The small digits that the tiny networks learn from, and the views they learn by."""

from typing import NamedTuple

import torch
import torch.nn.functional as F

from replearn.data import Compose, GaussianNoise, RandomAffine, RandomAffineCrop, RandomErase, load, standardize

tiny_crop = RandomAffineCrop(scale=(0.4, 1.0), ratio=(3 / 4, 4 / 3), degrees=15)
tiny_affine = RandomAffine(degrees=20, zoom=(0.8, 1.2), shift=0.15)


class TinyMnist(NamedTuple):
    """Digits of 14 x 14 pixels: ``x_*`` (N, 1, 14, 14) float32 and ``y_*`` (N,) int64, 8,000 and 2,000 of them."""

    x_train: torch.Tensor
    y_train: torch.Tensor
    x_test: torch.Tensor
    y_test: torch.Tensor


def tiny_mnist(*, standardized: bool = True) -> TinyMnist:
    """Load ``mnist_10k``, average 2 x 2 pixels, and standardize by the mean and deviation of all 10,000 images.

    Parameters
    ----------
    standardized : bool
        False leaves the pixels in [0, 1], where black is 0, as the MLP recipe takes them.

    Returns
    -------
    TinyMnist
        ``x_train`` (8000, 1, 14, 14), ``y_train``, ``x_test`` (2000, 1, 14, 14), ``y_test``.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing or damaged (see ``replearn.data.load``).

    Examples
    --------
    >>> digits = tiny_mnist()
    >>> digits.x_train.shape, digits.y_test.shape
    (torch.Size([8000, 1, 14, 14]), torch.Size([2000]))
    """
    data = load("mnist_10k")
    images = tiny_digits(data.images)
    data = data._replace(images=standardize(images) if standardized else images)
    return TinyMnist(*data.train, *data.test)


def tiny_digits(images: torch.Tensor) -> torch.Tensor:
    """Average 2 x 2 pixels of digits (N, 1, 28, 28): (N, 1, 14, 14).

    Examples
    --------
    >>> tiny_digits(torch.zeros(3, 1, 28, 28)).shape
    torch.Size([3, 1, 14, 14])
    """
    return F.interpolate(images, size=(14, 14), mode="area")


def tiny_augmentation(area: float = 1.0, degrees: float = 0.0, erased: float = 0.0, noise: float = 0.0) -> Compose:
    """Make an augmentation from four strengths: crop, turn, erase, and add noise, in this order.

    Parameters
    ----------
    area : float
        Smallest share of the area that a crop keeps, in (0, 1]; below 1 its aspect varies between 3/4 and 4/3.
    degrees : float
        Largest turn to either side, in degrees.
    erased : float
        Share of the image that is overwritten by its mean, in [0, 1].
    noise : float
        Standard deviation of the noise, in units of the pixels.

    Returns
    -------
    Compose
        ``augment(x, generator)``; with the defaults it leaves images as they are.


    Examples
    --------
    >>> x = torch.zeros(3, 1, 14, 14)
    >>> tiny_augmentation(area=0.5, noise=0.1)(x, torch.Generator()).shape
    torch.Size([3, 1, 14, 14])
    """
    ratio = (3 / 4, 4 / 3) if area < 1 else (1.0, 1.0)
    crop = RandomAffineCrop(scale=(area, 1.0), ratio=ratio, degrees=degrees)
    erase = [RandomErase(scale=(erased, erased))] if erased else []
    return Compose(crop, *erase, GaussianNoise(noise))
