"""What every probe is given, features and their classes, and the score of what it answers."""

import torch
from numpy.typing import ArrayLike

from replearn.validate import check_classes, check_labels, check_matrix


def detached(x: ArrayLike) -> torch.Tensor:
    """Return an array or tensor as a tensor without gradient, in the type it has."""
    return torch.as_tensor(x).detach()


def feature_pair(z_train: ArrayLike, z_test: ArrayLike) -> tuple[torch.Tensor, torch.Tensor]:
    """Return two finite matrices of equal width as tensors, or raise ``ValueError``."""
    z_train, z_test = detached(z_train), detached(z_test)
    check_matrix("z_train", z_train, min_rows=2)
    check_matrix("z_test", z_test)
    if z_train.shape[1] != z_test.shape[1]:
        raise ValueError(
            f"z_train and z_test need equally many features, but have {z_train.shape[1]} and {z_test.shape[1]}"
        )
    return z_train, z_test


def labeled_features(
    z_train: ArrayLike, y_train: ArrayLike, z_test: ArrayLike, y_test: ArrayLike | None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Return features and int64 classes 0..C-1 as tensors (``y_test`` may be None), or raise ``ValueError``."""
    z_train, z_test = feature_pair(z_train, z_test)
    y_train = detached(y_train).to(z_train.device)
    check_classes("y_train", y_train, len(z_train))
    if y_test is not None:
        y_test = detached(y_test).to(z_train.device)
        check_labels("y_test", y_test, len(z_test))
        if y_test.is_floating_point() or y_test.min() < 0 or y_test.max() > y_train.max():
            raise ValueError(f"y_test must hold classes that y_train has, integers 0..{y_train.max()}")
        y_test = y_test.long()
    return z_train, y_train.long(), z_test, y_test


def accuracy(predicted: torch.Tensor, y_test: torch.Tensor | None) -> float | torch.Tensor:
    """Share of predictions that are right, or the predictions themselves where ``y_test`` is None."""
    return predicted if y_test is None else (predicted == y_test).double().mean().item()
