"""The data sets that must be downloaded once: torchvision's loaders, and one folder that keeps their files."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

IMAGENETTE_SIDE = 160


def cache_folder() -> Path:
    """The folder of downloaded files: REPLEARN_CACHE, or else ``~/.cache/replearn``."""
    return Path(os.environ.get("REPLEARN_CACHE") or Path.home() / ".cache" / "replearn")


def cifar10() -> tuple[torch.Tensor, torch.Tensor, tuple, int]:
    """(images, labels, names, n_train) of CIFAR-10: 50,000 and 10,000 of 32 x 32 pixels."""
    return _cifar("cifar10", "CIFAR10")


def cifar100() -> tuple[torch.Tensor, torch.Tensor, tuple, int]:
    """(images, labels, names, n_train) of CIFAR-100: 50,000 and 10,000 of 32 x 32 pixels, 100 fine classes."""
    return _cifar("cifar100", "CIFAR100")


def stl10() -> tuple[torch.Tensor, torch.Tensor, tuple, int]:
    """(images, labels, names, n_train) of STL-10's labelled images: 5,000 and 8,000 of 96 x 96 pixels."""
    parts = [_open("stl10", "STL10", split=split) for split in ("train", "test")]
    images, labels = (np.concatenate([getattr(part, name) for part in parts]) for name in ("data", "labels"))
    return torch.from_numpy(images), torch.from_numpy(labels).long(), tuple(parts[0].classes), len(parts[0].data)


def stl10_unlabeled() -> tuple[torch.Tensor, torch.Tensor, tuple, int]:
    """(images, labels, names, n_train) of STL-10's 100,000 images without labels, all of label -1."""
    images = torch.from_numpy(_open("stl10_unlabeled", "STL10", split="unlabeled").data)
    return images, torch.full((len(images),), -1), (), len(images)


def imagenette() -> tuple[torch.Tensor, torch.Tensor, tuple, int]:
    """(images, labels, names, n_train) of Imagenette: the middle 160 x 160 pixels of images of ten easy classes."""
    parts = [_open("imagenette", "Imagenette", split=split, size="160px") for split in ("train", "val")]
    files = [sample for part in parts for sample in part._samples]
    images = torch.stack([_middle(path) for path, _ in files])
    names = tuple(name[0] for name in parts[0].classes)
    return images, torch.tensor([label for _, label in files]), names, len(parts[0]._samples)


def _cifar(name: str, loader: str) -> tuple[torch.Tensor, torch.Tensor, tuple, int]:
    train, test = (_open(name, loader, train=train) for train in (True, False))
    images = torch.from_numpy(np.concatenate([train.data, test.data])).permute(0, 3, 1, 2).contiguous()
    return images, torch.tensor(train.targets + test.targets), tuple(train.classes), len(train.data)


def _open(name: str, loader: str, **options: Any) -> Any:
    """Open the files in the cache folder, downloading them (their checksums are verified) where they are missing."""
    from torchvision import datasets  # slow to import, and few readers download

    folder, load = cache_folder(), getattr(datasets, loader)
    try:
        return load(folder, download=False, **options)
    except RuntimeError:
        folder.mkdir(parents=True, exist_ok=True)
    try:
        return load(folder, download=True, **options)
    except (OSError, RuntimeError) as error:
        raise FileNotFoundError(
            f"{name} is not in {folder} and could not be downloaded ({error}). Connect to the network once, or copy "
            "the files there from a machine that has them; REPLEARN_CACHE names another folder"
        ) from error


def _middle(path: str, side: int = IMAGENETTE_SIDE) -> torch.Tensor:
    from torchvision.transforms.functional import center_crop, pil_to_tensor, resize

    with Image.open(path) as image:
        return pil_to_tensor(center_crop(resize(image.convert("RGB"), side), [side, side]))
