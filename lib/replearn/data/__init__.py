"""Small data sets, 2-D toys, a shapes renderer and augmentations that run batched on the device."""

from replearn.data.affine import RandomAffine, affine_warp
from replearn.data.augment import (
    Compose,
    GaussianNoise,
    HueRotate,
    MultiCrop,
    Normalise,
    RandomAffineCrop,
    RandomErase,
)
from replearn.data.backgrounds import hot_pixels, smooth_background
from replearn.data.color import ColorJitter, GaussianBlur, RandomGrayscale
from replearn.data.corruptions import corruptions
from replearn.data.folders import ImageFolders, image_folders
from replearn.data.latent_worlds import (
    InvertibleMLP,
    LatentWorld,
    bayes_cross_entropy,
    invertible_mlp,
    latent_world,
    sample_vmf,
)
from replearn.data.load import Dataset, as_float, load, standardise
from replearn.data.masks import (
    Mask,
    MultiBlock,
    block_mask,
    hidden_flags,
    multiblock_mask,
    patch_grid,
    patchify,
    random_mask,
    take_patches,
    unpatchify,
)
from replearn.data.shapes import shape_targets, shapes
from replearn.data.sources import ica_sources, radial_rotation, xor_triple
from replearn.data.sphere_grid import sphere_grid
from replearn.data.toys import circles, half_moons, s_curve, spirals, swiss_roll, two_moons

__all__ = [
    "ColorJitter",
    "Compose",
    "Dataset",
    "GaussianBlur",
    "GaussianNoise",
    "HueRotate",
    "ImageFolders",
    "InvertibleMLP",
    "LatentWorld",
    "Mask",
    "MultiBlock",
    "MultiCrop",
    "Normalise",
    "RandomAffine",
    "RandomAffineCrop",
    "RandomErase",
    "RandomGrayscale",
    "affine_warp",
    "as_float",
    "bayes_cross_entropy",
    "block_mask",
    "circles",
    "corruptions",
    "half_moons",
    "hidden_flags",
    "hot_pixels",
    "ica_sources",
    "image_folders",
    "invertible_mlp",
    "latent_world",
    "load",
    "multiblock_mask",
    "patch_grid",
    "patchify",
    "radial_rotation",
    "random_mask",
    "s_curve",
    "sample_vmf",
    "shape_targets",
    "shapes",
    "smooth_background",
    "sphere_grid",
    "spirals",
    "standardise",
    "swiss_roll",
    "take_patches",
    "two_moons",
    "unpatchify",
    "xor_triple",
]
