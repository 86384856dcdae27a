"""Images in folders, on small files in the real layout, against Pillow."""

import numpy as np
import pytest
import torch
from PIL import Image

from replearn.data import image_folders


def write(folder, *sizes, mode="RGB"):
    folder.mkdir(parents=True)
    for i, (width, height) in enumerate(sizes):
        pixels = np.random.default_rng(i).integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).convert(mode).save(folder / f"{i}.png")


@pytest.fixture
def folders(tmp_path):
    write(tmp_path / "train" / "cat", (20, 12), (12, 12))
    write(tmp_path / "train" / "dog", (12, 30), mode="L")
    write(tmp_path / "val" / "cat", (16, 16))
    write(tmp_path / "val" / "dog", (16, 16))
    return tmp_path


def test_parts_classes_and_images(folders):
    data = image_folders(folders, side=12)
    assert data.names == ("cat", "dog") and len(data.train) == 3 and len(data.test) == 2
    image, label = data.train[0]
    assert image.dtype == torch.uint8 and image.shape == (3, 12, 12) and label == 0
    with Image.open(folders / "train" / "cat" / "0.png") as raw:
        assert torch.equal(image, torch.from_numpy(np.array(raw)[:, 4:16]).permute(2, 0, 1))
    assert data.train[2][0].shape == (3, 12, 12) and data.train[2][1] == 1
    assert image_folders(folders, side=8).test[0][0].shape == (3, 8, 8)


def test_without_a_test_part(folders, tmp_path):
    write(tmp_path / "other" / "train" / "a", (8, 8))
    assert image_folders(tmp_path / "other").test is None


def test_bad_folders(folders):
    with pytest.raises(FileNotFoundError, match="must hold a folder train"):
        image_folders(folders / "val")
    write(folders / "val" / "fox", (8, 8))
    with pytest.raises(ValueError, match="fox"):
        image_folders(folders)
    with pytest.raises(ValueError, match="side"):
        image_folders(folders, side=0)
    (folders / "train" / "owl").mkdir()
    with pytest.raises(FileNotFoundError, match="owl"):
        image_folders(folders)
