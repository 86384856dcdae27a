"""What a run outside the notebook reads: images to train on, their augmentations, and labelled parts for probes."""

from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset

from replearn.data import (
    ColorJitter,
    Compose,
    Normalize,
    RandomAffineCrop,
    RandomGrayscale,
    as_float,
    image_folders,
    load,
    standardize,
)
from replearn.recipes.tiny_data import tiny_crop, tiny_digits
from replearn.training.inference import features

SMALL = ("mnist_10k", "digits", "photos")
LARGE = ("cifar10", "cifar100", "stl10", "stl10_unlabeled", "imagenette")


class RunData(NamedTuple):
    """A data set as a run takes it.

    ``images``: tensor (N, C, H, W), or Dataset that is read while the run goes. ``shape``: (C, H, W). ``views``: the
    augmentation of joint embeddings. ``crop``: the light one of masked modelling. ``prepare``: what goes before the
    encoder when images are scored as they are. ``parts``: labelled data for training and testing probes, each a pair
    (images, labels) or a Dataset of such pairs; empty where nothing is labelled.
    """

    images: torch.Tensor | Dataset
    shape: tuple
    views: Compose | RandomAffineCrop
    crop: Compose | RandomAffineCrop
    prepare: nn.Module
    parts: tuple


class Prepare(nn.Module):
    """Bytes become floating-point numbers, and with a mean and a deviation per channel they are normalised."""

    def __init__(self, mean=None, std=None):
        super().__init__()
        self.mean, self.std = mean, std

    def forward(self, x):
        x = as_float(x)
        return x if self.mean is None else Normalize(self.mean, self.std)(x, None)


def open_data(name, *, side=224, full_size=False):
    """Open a data set by its name, or a folder of images by its path.

    Parameters
    ----------
    name : str
        One of ``SMALL`` and ``LARGE``, or the path of a folder as of ``replearn.data.image_folders``.
    side : int
        Height and width of a folder's images.
    full_size : bool
        Whether ``mnist_10k`` keeps its 28 x 28 pixels, instead of the 14 x 14 of the tiny recipe.

    Returns
    -------
    RunData

    Raises
    ------
    ValueError, FileNotFoundError
        If there is no such data (see ``replearn.data.load`` and ``image_folders``).
    """
    if name in SMALL:
        return _small(name, full_size)
    if name in LARGE:
        data = load(name)
        images, parts = data.train[0], (data.train, data.test) if data.n_train < len(data.labels) else ()
        sample, shape = images[:5000], images.shape[1:]
    elif Path(name).is_dir():
        images, test, _ = image_folders(name, side=side)
        parts, sample, shape = (
            (images, test) if test else (),
            torch.stack([image for image, _ in _sample(images, 1000)]),
            (3, side, side),
        )
    else:
        raise ValueError(f"there is no data {name!r}; known are {', '.join((*SMALL, *LARGE))}, or the path of a folder")
    mean, std = (tuple(moment.tolist()) for moment in _moments(as_float(sample)))
    flip = RandomAffineCrop(scale=(0.2, 1.0), degrees=0.0, hflip=True)
    normalise = Normalize(mean, std)
    views = Compose(flip, ColorJitter(0.4, 0.4, 0.2, 0.1), RandomGrayscale(0.2), normalise)
    return RunData(images, tuple(shape), views, Compose(flip, normalise), Prepare(mean, std), parts)


def embed(network, part, device, *, most=50_000):
    """Compute features and labels (N, d), (N,) of a labelled part, at most so many samples of it, on the CPU."""
    if not isinstance(part, Dataset):
        return features(network, part[0].to(device)).cpu(), part[1]
    loader = DataLoader(_sample(part, most), 256, num_workers=2)
    found = [(features(network, images.to(device)).cpu(), labels) for images, labels in loader]
    z, labels = zip(*found, strict=True)
    return torch.cat(z), torch.cat(labels)


def _small(name, full_size):
    data = load(name)
    if name == "mnist_10k" and not full_size:
        data = data._replace(images=tiny_digits(data.images))
    data = data._replace(images=standardize(data.images))
    views = tiny_crop if name == "mnist_10k" else RandomAffineCrop(degrees=0.0, hflip=name == "photos")
    return RunData(data.train[0], tuple(data.images.shape[1:]), views, Compose(), Prepare(), (data.train, data.test))


def _sample(data, most):
    """At most so many items of a data set, always the same."""
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(0))[:most]
    return Subset(data, order.tolist())


def _moments(pixels):
    return pixels.mean((0, 2, 3)), pixels.std((0, 2, 3))
