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
from replearn.training.batches import item_count
from replearn.training.inference import features

SMALL = ("mnist_10k", "digits", "photos")
LARGE = ("cifar10", "cifar100", "stl10", "stl10_unlabeled", "imagenette")

Part = tuple[torch.Tensor, torch.Tensor] | Dataset


class Prepare(nn.Module):
    """Bytes become floating-point numbers, and with a mean and a deviation per channel they are normalized."""

    def __init__(self, mean: tuple[float, ...] | None = None, std: tuple[float, ...] | None = None) -> None:
        super().__init__()
        self.mean, self.std = mean, std

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = as_float(x)
        return x if self.mean is None or self.std is None else Normalize(self.mean, self.std)(x, None)


class RunData(NamedTuple):
    """A data set as a run takes it.

    ``images``: tensor (N, C, H, W), or Dataset that is read while the run goes. ``shape``: (C, H, W). ``views``: the
    augmentation of joint embeddings. ``crop``: the light one of masked modelling. ``prepare``: what goes before the
    encoder when images are scored as they are. ``parts``: labelled data for training and testing probes, each a pair
    (images, labels) or a Dataset of such pairs; empty where nothing is labelled.
    """

    images: torch.Tensor | Dataset
    shape: tuple[int, ...]
    views: Compose | RandomAffineCrop
    crop: Compose | RandomAffineCrop
    prepare: Prepare
    parts: tuple[Part, ...]


def open_data(name: str, *, side: int = 224, full_size: bool = False) -> RunData:
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

    Examples
    --------
    >>> open_data("mnist_10k").shape
    (1, 14, 14)
    """
    if name in SMALL:
        return _small(name, full_size)
    if name in LARGE:
        return _large(name)
    if Path(name).is_dir():
        return _folder(name, side)
    raise ValueError(f"there is no data {name!r}; known are {', '.join((*SMALL, *LARGE))}, or the path of a folder")


def embed(
    network: nn.Module, part: Part, device: torch.device, *, most: int = 50_000
) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute features and labels (N, d), (N,) of a labelled part, at most so many samples of it, on the CPU."""
    if not isinstance(part, Dataset):
        images, labels = part
        return features(network, images.to(device)).cpu(), labels
    loader = DataLoader(_sample(part, most), 256, num_workers=2)
    found = [(features(network, images.to(device)).cpu(), labels) for images, labels in loader]
    z, labels = zip(*found, strict=True)
    return torch.cat(z), torch.cat(labels)


def _small(name: str, full_size: bool) -> RunData:
    data = load(name)
    if name == "mnist_10k" and not full_size:
        data = data._replace(images=tiny_digits(data.images))
    data = data._replace(images=standardize(data.images))
    views = tiny_crop if name == "mnist_10k" else RandomAffineCrop(degrees=0.0, hflip=name == "photos")
    return RunData(data.train[0], tuple(data.images.shape[1:]), views, Compose(), Prepare(), (data.train, data.test))


def _large(name: str) -> RunData:
    data = load(name)
    images, _ = data.train
    has_test = data.n_train < len(data.labels)
    parts = (data.train, data.test) if has_test else ()
    return _photographs(images, tuple(images.shape[1:]), parts, sample=images[:5000])


def _folder(path: str, side: int) -> RunData:
    train, test, _ = image_folders(path, side=side)
    parts = (train, test) if test else ()
    sample = torch.stack([train[i][0] for i in _sample(train, 1000).indices])
    return _photographs(train, (3, side, side), parts, sample=sample)


def _photographs(
    images: torch.Tensor | Dataset, shape: tuple[int, ...], parts: tuple[Part, ...], *, sample: torch.Tensor
) -> RunData:
    """Natural images take the usual crops and colours, and are normalized by the moments of a sample."""
    pixels = as_float(sample)
    mean, std = tuple(pixels.mean((0, 2, 3)).tolist()), tuple(pixels.std((0, 2, 3)).tolist())
    crop = RandomAffineCrop(scale=(0.2, 1.0), degrees=0.0, hflip=True)
    normalize = Normalize(mean, std)
    views = Compose(crop, ColorJitter(0.4, 0.4, 0.2, 0.1), RandomGrayscale(0.2), normalize)
    return RunData(images, shape, views, Compose(crop, normalize), Prepare(mean, std), parts)


def _sample(data: Dataset, most: int) -> Subset:
    """At most so many items of a data set, always the same."""
    order = torch.randperm(item_count(data), generator=torch.Generator().manual_seed(0))[:most]
    return Subset(data, order.tolist())
