"""Images in folders, one for each class, which are read while a run goes: data sets of any size."""

from pathlib import Path
from typing import NamedTuple

from torchvision.datasets import ImageFolder
from torchvision.transforms.v2 import CenterCrop, Compose, PILToTensor, Resize

from replearn.validate import check_integer


class ImageFolders(NamedTuple):
    """Data sets of (image (3, side, side) uint8, label) for training and, where there is one, for testing."""

    train: ImageFolder
    test: ImageFolder | None
    names: tuple


def image_folders(path: str | Path, *, side: int = 224) -> ImageFolders:
    """Open a folder of images as ImageNet is kept: ``train/CLASS/*.jpg``, and ``val/CLASS/*.jpg`` where it exists.

    Each image is read when it is asked for, scaled until its shorter side has ``side`` pixels, and cut to its middle.

    Parameters
    ----------
    path : path-like
        Holds ``train`` and, optionally, ``val``, with the same classes.
    side : int
        Height and width of the images.

    Returns
    -------
    ImageFolders
        ``train``, ``test`` (None without ``val``), each a ``torch.utils.data.Dataset``, and the classes' ``names``.

    Raises
    ------
    ValueError
        If ``side`` is not a positive integer, or the two parts have different classes.
    FileNotFoundError
        If there is no ``train``, or it holds no class or a class without images.
    """
    check_integer("side", side, 1)
    path = Path(path)
    if not (path / "train").is_dir():
        raise FileNotFoundError(f"{path} must hold a folder train with one folder of images for each class")
    change = Compose([Resize(side), CenterCrop(side), PILToTensor()])
    train = ImageFolder(path / "train", transform=change)
    test = ImageFolder(path / "val", transform=change) if (path / "val").is_dir() else None
    if test and test.classes != train.classes:
        other = sorted(set(test.classes) ^ set(train.classes))
        raise ValueError(f"train and val of {path} must hold the same classes; only one of them holds {other[:5]}")
    return ImageFolders(train, test, tuple(train.classes))
