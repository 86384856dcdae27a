"""Downloaded data sets, read from small files in the real format on disk; nothing touches the network."""

import hashlib
import pickle
import socket

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets

from replearn.data import as_float, load


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder and no network."""

    def refuse(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("REPLEARN_CACHE", str(tmp_path))
    return tmp_path


def write(path, content):
    """Write a file and return its MD5, which torchvision verifies before it reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return hashlib.md5(content).hexdigest()


def cifar(cache, monkeypatch, loader, labels, n=4):
    """CIFAR's pickled batches, five (or one) for training and one for test, ``n`` images each."""
    rng, folder, written = np.random.default_rng(0), cache / loader.base_folder, []
    for kind in ("train_list", "test_list"):
        entries = []
        for name, _ in getattr(loader, kind):
            pixels = rng.integers(0, 256, (n, 3072), dtype=np.uint8)
            digest = write(folder / name, pickle.dumps({"data": pixels, labels: list(range(n))}))
            entries.append([name, digest])
            written.append(pixels)
        monkeypatch.setattr(loader, kind, entries)
    names = [f"class {i}" for i in range(n)]
    digest = write(folder / loader.meta["filename"], pickle.dumps({loader.meta["key"]: names}))
    monkeypatch.setattr(loader, "meta", loader.meta | {"md5": digest})
    return np.concatenate(written)


@pytest.mark.parametrize(
    ("name", "loader", "labels", "n_train"),
    [("cifar10", datasets.CIFAR10, "labels", 20), ("cifar100", datasets.CIFAR100, "fine_labels", 4)],
)
def test_cifar_is_read_from_its_own_format(cache, monkeypatch, name, loader, labels, n_train):
    pixels = cifar(cache, monkeypatch, loader, labels)
    data = load(name)
    assert data.images.dtype == torch.uint8 and data.n_train == n_train
    np.testing.assert_array_equal(data.images.flatten(1), pixels)
    assert data.labels.tolist() == list(range(4)) * (len(pixels) // 4)
    assert data.names == tuple(f"class {i}" for i in range(4))


def test_stl10_is_read_from_its_own_format(cache, monkeypatch):
    folder, rng = cache / datasets.STL10.base_folder, np.random.default_rng(0)
    sizes = {"train_X.bin": 3, "unlabeled_X.bin": 5, "test_X.bin": 2}
    pixels = {name: rng.integers(0, 256, (n, 3, 96, 96), dtype=np.uint8) for name, n in sizes.items()}
    files = {name: x.transpose(0, 1, 3, 2).tobytes() for name, x in pixels.items()}
    files |= {"train_y.bin": bytes([1, 2, 3]), "test_y.bin": bytes([2, 1])}
    digests = {name: write(folder / name, content) for name, content in files.items()}
    write(folder / "class_names.txt", b"plane\nbird\ncar\n")
    for kind in ("train_list", "test_list"):
        monkeypatch.setattr(datasets.STL10, kind, [[n, digests[n]] for n, _ in getattr(datasets.STL10, kind)])
    data, unlabeled = load("stl10"), load("stl10_unlabeled")
    np.testing.assert_array_equal(data.train[0], pixels["train_X.bin"])
    np.testing.assert_array_equal(data.test[0], pixels["test_X.bin"])
    assert data.labels.tolist() == [0, 1, 2, 1, 0] and data.names == ("plane", "bird", "car")
    np.testing.assert_array_equal(unlabeled.images, pixels["unlabeled_X.bin"])
    assert unlabeled.labels.tolist() == [-1] * 5 and unlabeled.n_train == 5


def test_imagenette_is_read_from_its_own_format(cache):
    classes = ("n01440764", "n03888257")
    for split, sizes in (("train", [(200, 180), (160, 300)]), ("val", [(170, 170)])):
        for wnid in classes:
            for i, size in enumerate(sizes):
                path = cache / "imagenette2-160" / split / wnid / f"{i}.JPEG"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", size, (255 * (wnid == classes[0]), 0, 0)).save(path, "jpeg")
    data = load("imagenette")
    assert data.images.shape == (6, 3, 160, 160) and data.images.dtype == torch.uint8 and data.n_train == 4
    assert data.labels.tolist() == [0, 0, 1, 1, 0, 1] and data.names == ("tench", "parachute")
    assert (data.images[data.labels == 0, 0] > 250).all() and (data.images[data.labels == 1] < 5).all()


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "stl10", "stl10_unlabeled", "imagenette"])
def test_without_a_network_the_message_says_what_to_do(cache, name):
    with pytest.raises(FileNotFoundError, match=f"{name} is not in .*{cache.name}.*Connect to the network once"):
        load(name)


def test_a_damaged_file_is_not_read(cache, monkeypatch):
    cifar(cache, monkeypatch, datasets.CIFAR10, "labels")
    (cache / datasets.CIFAR10.base_folder / "data_batch_3").write_bytes(b"\x80\x04N.")
    with pytest.raises(FileNotFoundError, match="cifar10 is not in"):
        load("cifar10")


def test_bytes_become_numbers_between_0_and_1():
    images = torch.tensor([0, 51, 255], dtype=torch.uint8)
    torch.testing.assert_close(as_float(images), torch.tensor([0, 0.2, 1]))
    numbers = torch.rand(3, dtype=torch.float64)
    assert as_float(numbers) is numbers
