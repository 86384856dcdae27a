import hashlib
import socket
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from replearn.data import load, standardize

DATA = Path(__file__).parents[3] / "data"


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a loader reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.delenv("REPLEARN_DATA", raising=False)


def folder_with(tmp_path, monkeypatch, content, digest=None):
    (tmp_path / "mnist_10k.npz").write_bytes(content)
    digest = digest or hashlib.sha256(content).hexdigest()
    (tmp_path / "SHA256SUMS").write_text(f"{digest}  mnist_10k.npz\n")
    monkeypatch.setenv("REPLEARN_DATA", str(tmp_path))


@pytest.mark.parametrize(
    ("name", "shape", "n_train", "classes"),
    [
        ("digits", (1797, 1, 8, 8), 1200, 10),
        ("mnist_10k", (10000, 1, 28, 28), 8000, 10),
        ("photos", (1050, 3, 32, 32), 734, 11),
    ],
)
def test_every_data_set_keeps_the_contract(name, shape, n_train, classes):
    data = load(name)
    assert data.images.shape == shape and data.images.dtype == torch.float32
    assert data.images.min() == 0 and data.images.max() == 1
    assert data.labels.shape == shape[:1] and data.labels.dtype == torch.int64
    assert sorted(data.labels.unique().tolist()) == list(range(classes)) and len(data.names) == classes
    for (x, y), n in ((data.train, n_train), (data.test, shape[0] - n_train)):
        assert len(x) == len(y) == n
        assert len(y.unique()) == classes
    torch.testing.assert_close(torch.cat([data.train[0], data.test[0]]), data.images)
    torch.testing.assert_close(load(name).images, data.images, rtol=0, atol=0)


def test_digits_are_scikit_learns():
    data, raw = load("digits"), load_digits()
    np.testing.assert_array_equal(data.images.flatten(1).numpy() * 16, raw.data)
    np.testing.assert_array_equal(data.labels.numpy(), raw.target)


def test_mnist_reaches_its_sanity_figure():
    (x, y), (x_test, y_test) = load("mnist_10k").train, load("mnist_10k").test
    nearest = KNeighborsClassifier(3).fit(x.flatten(1).numpy(), y.numpy())
    assert nearest.score(x_test.flatten(1).numpy(), y_test.numpy()) == pytest.approx(0.9415, abs=1e-9)


def test_checksums_are_those_of_the_shipped_files():
    lines = (DATA / "SHA256SUMS").read_text().splitlines()
    assert [line.split("  ")[1] for line in lines] == sorted(path.name for path in DATA.glob("*.npz"))
    for line in lines:
        digest, name = line.split("  ")
        assert hashlib.sha256((DATA / name).read_bytes()).hexdigest() == digest


def test_data_are_found_through_the_environment(tmp_path, monkeypatch):
    with np.load(DATA / "mnist_10k.npz") as arrays:
        images, labels = arrays["images"][:50], arrays["labels"][:50]
    np.savez(tmp_path / "small.npz", images=images, labels=labels)
    folder_with(tmp_path, monkeypatch, (tmp_path / "small.npz").read_bytes())
    np.testing.assert_array_equal((load("mnist_10k").images[:, 0] * 255).round().numpy(), images)


def test_a_corrupt_file_is_refused_before_it_is_read(tmp_path, monkeypatch):
    content = bytearray((DATA / "mnist_10k.npz").read_bytes())
    content[5000] ^= 1
    folder_with(tmp_path, monkeypatch, bytes(content), digest=(DATA / "SHA256SUMS").read_text().split()[0])
    monkeypatch.setattr(np, "load", lambda *args, **kwargs: pytest.fail("the file was parsed before it was verified"))
    with pytest.raises(ValueError, match=r"mnist_10k.npz is not the file that SHA256SUMS records; restore both"):
        load("mnist_10k")


def test_arrays_are_never_unpickled(tmp_path, monkeypatch):
    np.savez(tmp_path / "pickled.npz", images=np.array([{"a": 1}], dtype=object), labels=np.zeros(1))
    folder_with(tmp_path, monkeypatch, (tmp_path / "pickled.npz").read_bytes())
    with pytest.raises(ValueError, match="allow_pickle=False"):
        load("mnist_10k")


def test_a_missing_file_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("REPLEARN_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"mnist_10k.npz is missing; restore it .* or set REPLEARN_DATA"):
        load("mnist_10k")
    (tmp_path / "mnist_10k.npz").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match="SHA256SUMS is missing"):
        load("mnist_10k")


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"'digits', 'mnist_10k', 'photos', .*, but is 'imagenet'"):
        load("imagenet")


def test_photos_are_all_the_tiles_of_a_photograph_each_once():
    data = load("photos")
    photo = skimage.data.astronaut().astype(np.float64) / 255
    tiles = [photo[i : i + 48, j : j + 48] for i in range(0, 480, 48) for j in range(0, 480, 48)]
    low, high = (np.arange(32) * 3) // 2, -((-(np.arange(32) + 1) * 3) // 2)
    average = np.stack([(np.arange(48) >= a) & (np.arange(48) < b) for a, b in zip(low, high, strict=True)])
    average = torch.tensor(average).double() / 2
    expected = torch.stack([average @ torch.tensor(tile).permute(2, 0, 1) @ average.T for tile in tiles])
    found = data.images[data.labels == data.names.index("astronaut")].double()
    distance = torch.cdist(found.flatten(1), expected.flatten(1), p=torch.inf)
    assert sorted(distance.argmin(1).tolist()) == list(range(100))
    assert distance.amin(1).max() < 1e-6


def test_photos_keep_70_percent_of_each_photograph_for_training():
    data = load("photos")
    total, train = data.labels.bincount(), data.train[1].bincount()
    assert total.tolist() == [100, 54, 96] + [100] * 8
    assert train.tolist() == [int(0.7 * n) for n in total]


def test_a_photograph_that_is_not_bundled_is_named(monkeypatch):
    monkeypatch.setattr(skimage.data, "__file__", "/nowhere/__init__.py")
    with pytest.raises(FileNotFoundError, match=r"does not bundle astronaut.png .* pip install scikit-image"):
        load("photos")


@pytest.mark.parametrize("dim", [None, 0, (0, 2)])
def test_standardise_against_numpy(dim):
    x = torch.randn(20, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 3 + 2
    expected = (x.numpy() - x.numpy().mean(dim, keepdims=True)) / x.numpy().std(dim, keepdims=True)
    np.testing.assert_allclose(standardize(x, dim).numpy(), expected, atol=1e-12)


def test_standardise_refuses_what_has_no_deviation():
    with pytest.raises(ValueError, match="does not vary"):
        standardize(torch.ones(4, 2))
    with pytest.raises(ValueError, match="does not vary"):
        standardize(torch.tensor([[1.0, 2.0], [1.0, 3.0]]), 0)
    with pytest.raises(ValueError, match="NaN"):
        standardize(torch.tensor([1.0, float("nan")]))
