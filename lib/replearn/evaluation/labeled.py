"""What every probe is given, features and their classes, and the score of what it answers."""

from typing import Annotated

import torch
from numpy.typing import ArrayLike

from replearn.contract import Array, IntegerArray
from replearn.evaluation.tensors import detached

TrainFeatures = Annotated[ArrayLike, Array("N>=2 D")]
TrainClasses = Annotated[ArrayLike, IntegerArray("N")]
TestFeatures = Annotated[ArrayLike, Array("M D")]
TestClasses = Annotated[ArrayLike, IntegerArray("M")]


def labeled_features(
    z_train: ArrayLike, y_train: ArrayLike, z_test: ArrayLike, y_test: ArrayLike | None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Return features and int64 classes 0..C-1 as tensors (``y_test`` may be None), or raise ``ValueError``."""
    z_train, z_test = detached(z_train), detached(z_test)
    y_train = detached(y_train).to(z_train.device).long()
    present = y_train.unique()
    if present[0] != 0 or present[-1] != len(present) - 1:
        raise ValueError("y_train must hold integer classes 0..C-1, each of them at least once")
    if y_test is not None:
        y_test = detached(y_test).to(z_train.device).long()
        if y_test.min() < 0 or y_test.max() > present[-1]:
            raise ValueError(f"y_test must hold classes that y_train has, integers 0..{present[-1]}")
    return z_train, y_train, z_test, y_test


def accuracy(predicted: torch.Tensor, y_test: torch.Tensor | None) -> float | torch.Tensor:
    """Share of predictions that are right, or the predictions themselves where ``y_test`` is None."""
    return predicted if y_test is None else (predicted == y_test).double().mean().item()
