"""The data sets, each behind its name: those that work with no network, and those that are downloaded once."""

import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from replearn.data import downloads
from replearn.validate import check_choice, check_finite

PHOTOGRAPHS = {
    "astronaut": "astronaut.png",
    "chelsea": "chelsea.png",
    "coffee": "coffee.png",
    "rocket": "rocket.jpg",
    "motorcycle": "motorcycle_left.png",
    "hubble": "hubble_deep_field.jpg",
    "retina": "retina.jpg",
    "ihc": "ihc.png",
    "brick": "brick.png",
    "grass": "grass.png",
    "gravel": "gravel.png",
}


class LabeledImages(NamedTuple):
    """Images (N, C, H, W), labels (N,) int64 and the classes' names; training images come first.

    Images are float32 in [0, 1], or uint8 where the data set is large: ``as_float`` makes the former of a batch.
    """

    images: torch.Tensor
    labels: torch.Tensor
    names: tuple
    n_train: int

    @property
    def train(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The training images and their labels."""
        return self.images[: self.n_train], self.labels[: self.n_train]

    @property
    def test(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The test images and their labels."""
        return self.images[self.n_train :], self.labels[self.n_train :]


def load(name: str) -> LabeledImages:
    """Load a data set: the first three need no network, the others are downloaded once.

    =================== ===================== ================ ===================================================
    name                images                train / test     source
    =================== ===================== ================ ===================================================
    ``digits``          (1797, 1, 8, 8)       1200 / 597       scikit-learn's handwritten digits, in their order
    ``mnist_10k``       (10000, 1, 28, 28)    8000 / 2000      10,000 MNIST digits, shipped, verified by SHA-256
    ``photos``          (1050, 3, 32, 32)     734 / 316        tiles of scikit-image's photographs
    ``cifar10``         (60000, 3, 32, 32)    50000 / 10000    torchvision, uint8
    ``cifar100``        (60000, 3, 32, 32)    50000 / 10000    torchvision, uint8
    ``stl10``           (13000, 3, 96, 96)    5000 / 8000      torchvision, uint8
    ``stl10_unlabeled`` (100000, 3, 96, 96)   100000 / 0       torchvision, uint8; every label is -1
    ``imagenette``      (13394, 3, 160, 160)  9469 / 3925      torchvision, uint8, middle of the image
    =================== ===================== ================ ===================================================

    ``photos`` cuts 48-pixel tiles that do not overlap, keeps at most 100 of each of eleven photographs, averages them
    down to 32 pixels and trains on the first 70 % of each photograph's shuffled tiles. It is always the same draw.

    Parameters
    ----------
    name : str
        One of the names above.

    Returns
    -------
    LabeledImages
        ``images`` (N, C, H, W), ``labels`` (N,) int64, ``names`` of the classes, ``n_train``, and the pairs ``train``
        and ``test`` of images and labels.

    Raises
    ------
    ValueError
        If the name is unknown, or a file's checksum is not the recorded one.
    FileNotFoundError
        If a file is missing. The shipped files are looked for in the folder ``data`` of the source tree, or in the
        folder that the environment variable ``REPLEARN_DATA`` names; downloaded ones are kept in ``~/.cache/replearn``,
        or in the folder that ``REPLEARN_CACHE`` names, and the message says what to do without a network.

    Examples
    --------
    >>> load("digits").images.shape
    torch.Size([1797, 1, 8, 8])
    """
    check_choice("name", name, tuple(_LOADERS))
    return _LOADERS[name]()


def as_float(images: torch.Tensor) -> torch.Tensor:
    """Return images as floating-point numbers: uint8 (N, C, H, W) divided by 255, everything else as it is.

    Examples
    --------
    >>> as_float(torch.tensor([0, 255], dtype=torch.uint8))
    tensor([0., 1.])
    """
    return images.float().div_(255) if images.dtype == torch.uint8 else images


def standardize(x: torch.Tensor, dim: int | tuple[int, ...] | None = None) -> torch.Tensor:
    """Subtract the mean and divide by the standard deviation: ``(x - mean(x)) / std(x)``.

    Parameters
    ----------
    x : torch.Tensor
        Any shape.
    dim : int or tuple of int, optional
        Dimensions over which the two moments are taken (0: each column by itself); by default all of them. The
        standard deviation is the biased one, which divides by the number of entries.

    Returns
    -------
    torch.Tensor
        Same shape and type as ``x``.

    Examples
    --------
    >>> standardize(torch.tensor([1.0, 3.0]))
    tensor([-1.,  1.])
    """
    check_finite("x", x)
    dims = tuple(range(x.ndim)) if dim is None else dim
    std = x.std(dims, correction=0, keepdim=True)
    if (std == 0).any():
        raise ValueError("x does not vary, so it has no standard deviation to divide by; remove the constant part")
    return (x - x.mean(dims, keepdim=True)) / std


def _digits() -> LabeledImages:
    from sklearn.datasets import load_digits  # slow to import

    raw = load_digits()
    images = torch.from_numpy(raw.images).float().unsqueeze(1) / 16
    return LabeledImages(images, torch.from_numpy(raw.target).long(), tuple(map(str, range(10))), 1200)


def _mnist_10k() -> LabeledImages:
    with np.load(io.BytesIO(_verified_bytes("mnist_10k.npz")), allow_pickle=False) as arrays:
        images, labels = arrays["images"], arrays["labels"]
    images = torch.from_numpy(images).float().unsqueeze(1) / 255
    return LabeledImages(images, torch.from_numpy(labels).long(), tuple(map(str, range(10))), 8000)


def _photos(tile: int = 48, res: int = 32, most: int = 100, train_share: float = 0.7) -> LabeledImages:
    draw = np.random.default_rng(0)
    parts: dict[str, list] = {"train": [], "test": []}
    for label, file in enumerate(PHOTOGRAPHS.values()):
        tiles = _tiles(_photograph(file), tile)
        tiles = tiles[draw.permutation(len(tiles))[:most]]
        tiles = F.interpolate(tiles, size=(res, res), mode="area")
        cut = int(train_share * len(tiles))
        parts["train"].append((tiles[:cut], torch.full((cut,), label)))
        parts["test"].append((tiles[cut:], torch.full((len(tiles) - cut,), label)))
    images, labels = (torch.cat(kind) for kind in zip(*parts["train"], *parts["test"], strict=True))
    return LabeledImages(images, labels, tuple(PHOTOGRAPHS), sum(len(x) for x, _ in parts["train"]))


def _downloaded(loader: Callable) -> Callable:
    return lambda: LabeledImages(*loader())


_LOADERS = {"digits": _digits, "mnist_10k": _mnist_10k, "photos": _photos} | {
    name: _downloaded(getattr(downloads, name))
    for name in ("cifar10", "cifar100", "stl10", "stl10_unlabeled", "imagenette")
}


def _photograph(file: str) -> torch.Tensor:
    """A photograph that is inside scikit-image's wheel, (H, W, 3) float32 in [0, 1]."""
    import skimage.data  # slow to import

    path = Path(skimage.data.__file__).parent / file
    if not path.is_file():
        raise FileNotFoundError(f"scikit-image does not bundle {file} here; reinstall it: pip install scikit-image")
    with Image.open(path) as image:
        return torch.from_numpy(np.asarray(image.convert("RGB"), dtype=np.float32) / 255)


def _tiles(photo: torch.Tensor, size: int) -> torch.Tensor:
    """Cut (H, W, 3) into the tiles that fit, none overlapping: (N, 3, size, size)."""
    return photo.unfold(0, size, size).unfold(1, size, size).flatten(0, 1)


def _verified_bytes(file: str) -> bytes:
    """Read a shipped file, and return its bytes only if they have the SHA-256 that the folder records."""
    folder = Path(os.environ.get("REPLEARN_DATA") or Path(__file__).parents[3] / "data")
    path, sums = folder / file, folder / "SHA256SUMS"
    for needed in (path, sums):
        if not needed.is_file():
            raise FileNotFoundError(
                f"{needed} is missing; restore it from the book's folder data, or set REPLEARN_DATA to where it is"
            )
    content = path.read_bytes()
    expected = {name.lstrip("*"): digest for digest, name in map(str.split, sums.read_text().splitlines())}
    if hashlib.sha256(content).hexdigest() != expected.get(file):
        raise ValueError(f"{path} is not the file that {sums.name} records; restore both from the book's folder data")
    return content
