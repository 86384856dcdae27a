"""Small data sets, 2-D toys, a shapes renderer and augmentations that run batched on the device."""

from replearn.data.augment import Compose, GaussianNoise, HueRotate, MultiCrop, RandomAffineCrop, RandomErase
from replearn.data.load import Dataset, load, standardise
from replearn.data.shapes import shapes
from replearn.data.toys import circles, s_curve, spirals, swiss_roll, two_moons

__all__ = [
    "Compose",
    "Dataset",
    "GaussianNoise",
    "HueRotate",
    "MultiCrop",
    "RandomAffineCrop",
    "RandomErase",
    "circles",
    "load",
    "s_curve",
    "shapes",
    "spirals",
    "standardise",
    "swiss_roll",
    "two_moons",
]
