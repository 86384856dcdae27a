"""Shifts of a test set: one kind of damage at one severity, each image with its own draw."""

import torch

from replearn.data.affine import RandomAffine
from replearn.data.augment import GaussianNoise, RandomAffineCrop, RandomErase, check_images
from replearn.validate import check_choice, check_finite, check_positive

_WORST = {"rotate": 180.0, "crop": 0.95, "noise": torch.inf, "contrast": 1.0, "occlusion": 1.0}


def corruptions(images: torch.Tensor, kind: str, severity: float, generator: torch.Generator) -> torch.Tensor:
    """Damage a batch of images for a test of robustness; severity 0 leaves them as they are.

    =========== ============================================================================ ========
    kind        severity s                                                                   the book
    =========== ============================================================================ ========
    rotate      turned by U[-s, s] degrees, black outside, s <= 180                          25
    crop        a share U[1 - s, 1 - s / 2] of the area, stretched to the size, s <= 0.95    0.4
    noise       plus N(0, s^2) on each entry; values may leave [0, 1]                        0.5
    contrast    times 1 - s, towards black, s <= 1                                           0.6
    occlusion   a black square of a share s of the area, s <= 1                              0.12
    =========== ============================================================================ ========

    Parameters
    ----------
    images : torch.Tensor
        (N, C, H, W), floating-point, black is 0; standardize them afterwards.
    kind : str
        "rotate", "crop", "noise", "contrast" or "occlusion".
    severity : float
        How strong, in the units of the table.
    generator : torch.Generator
        On the device of the images. A fixed seed gives the same damaged test set to every model.

    Returns
    -------
    torch.Tensor
        (N, C, H, W), a new tensor.

    References
    ----------
    After Hendrycks & Dietterich (2019); the five shifts are those of this book's chapter on evaluation.

    Examples
    --------
    >>> corruptions(torch.ones(1, 1, 2, 2), "contrast", 0.6, torch.Generator())
    tensor([[[[0.4000, 0.4000],
              [0.4000, 0.4000]]]])
    """
    check_images(images)
    check_finite("images", images)
    check_choice("kind", kind, _WORST)
    if severity != torch.inf:
        check_positive("severity", severity, allow_zero=True)
    if severity == torch.inf or severity > _WORST[kind]:
        raise ValueError(f"severity of {kind} must be finite and at most {_WORST[kind]}, but is {severity}")
    if severity == 0:
        return images.clone()
    if kind == "contrast":
        return (1 - severity) * images
    if kind == "rotate":
        damage = RandomAffine(degrees=severity, zoom=(1, 1), shift=0)
    elif kind == "crop":
        damage = RandomAffineCrop(scale=(1 - severity, 1 - severity / 2), degrees=0)
    elif kind == "noise":
        damage = GaussianNoise(severity)
    else:
        damage = RandomErase(scale=(severity, severity))
    return damage(images, generator)
