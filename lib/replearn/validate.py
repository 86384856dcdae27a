"""Checks of arguments, shared by every room: each raises ``ValueError`` with what was wrong and what is expected."""

import math
import operator
from collections.abc import Collection
from typing import Any

import numpy as np
import torch

Array = torch.Tensor | np.ndarray


def check_finite(name: str, x: Array) -> None:
    """Raise unless every entry of the tensor or array ``x`` is finite."""
    if isinstance(x, torch.Tensor):
        # A finite sum has finite terms, and takes one pass and no copy. A sum may also overflow: hence the second look.
        finite = torch.isfinite(x.detach().sum()) or torch.isfinite(x).all()
    else:
        finite = np.isfinite(x).all()
    if not finite:
        raise ValueError(f"{name} contains NaN or infinite values; clean or rescale it first")


def check_matrix(name: str, x: Array, *, min_rows: int = 1) -> None:
    """Raise unless ``x`` is a finite matrix (N, K) with N >= ``min_rows`` and K >= 1."""
    check_matrix_shape(name, x, min_rows=min_rows)
    check_finite(name, x)


def check_matrix_shape(name: str, x: Array, *, min_rows: int = 1) -> None:
    """Raise unless ``x`` has the shape (N, K) with N >= ``min_rows`` and K >= 1, whatever it holds."""
    if x.ndim != 2 or x.shape[0] < min_rows or x.shape[1] < 1:
        raise ValueError(
            f"{name} must be a matrix (N, K) with N >= {min_rows} and K >= 1, but has shape {tuple(x.shape)}"
        )


def check_pair(name_a: str, a: Array, name_b: str, b: Array, *, min_rows: int = 2) -> None:
    """Raise unless ``a`` and ``b`` are finite matrices of one shape: two views, row i of each from the same sample."""
    check_pair_shapes(name_a, a, name_b, b, min_rows=min_rows)
    check_finite(name_a, a)
    check_finite(name_b, b)


def check_pair_shapes(name_a: str, a: Array, name_b: str, b: Array, *, min_rows: int = 2) -> None:
    """Raise unless ``a`` and ``b`` are matrices of one shape, whatever they hold."""
    check_matrix_shape(name_a, a, min_rows=min_rows)
    check_matrix_shape(name_b, b, min_rows=min_rows)
    if a.shape != b.shape:
        raise ValueError(
            f"{name_a} and {name_b} are two views of the same samples and need one shape, "
            f"but have {tuple(a.shape)} and {tuple(b.shape)}"
        )


def check_labels(name: str, y: Array, n: int) -> None:
    """Raise unless ``y`` holds one label for each of the ``n`` samples, in one dimension."""
    if y.ndim != 1 or len(y) != n:
        raise ValueError(f"{name} must hold one label per sample, shape ({n},), but has shape {tuple(y.shape)}")


def check_classes(name: str, y: torch.Tensor, n: int) -> None:
    """Raise unless ``y`` holds one class for each of the ``n`` samples, integers 0..C-1, each of them at least once."""
    check_labels(name, y, n)
    if y.is_floating_point() or y.min() < 0 or (torch.bincount(y.long()) == 0).any():
        raise ValueError(f"{name} must hold integer classes 0..C-1, each of them at least once")


def check_positive(name: str, value: float, *, allow_zero: bool = False) -> None:
    """Raise unless the number ``value`` is finite and positive (or zero, where ``allow_zero``)."""
    if not (math.isfinite(value) and (value > 0 or (allow_zero and value == 0))):
        raise ValueError(f"{name} must be {'at least 0' if allow_zero else 'positive'} and finite, but is {value}")


def check_choice(name: str, value: Any, choices: Collection) -> None:
    """Raise unless ``value`` is one of ``choices``."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, but is {value!r}")


def check_integer(name: str, value: Any, low: int, high: int | None = None) -> None:
    """Raise unless ``value`` is an integer with low <= value (<= high); 3.0 is none."""
    expected = f"{name} must be an integer, {f'at least {low}' if high is None else f'between {low} and {high}'}"
    try:
        whole = operator.index(value)
    except TypeError:
        error = ValueError if isinstance(value, float) else TypeError
        raise error(f"{expected}, but is {value!r}") from None
    if whole < low or (high is not None and whole > high):
        raise ValueError(f"{expected}, but is {value}")


def check_between(name: str, value: float, low: float, high: float, *, ends: str = "both") -> None:
    """Raise unless low <= value <= high; without the upper end with ``ends="low"``, without both with ``"none"``."""
    if ends == "both":
        inside, expected = low <= value <= high, f"lie between {low} and {high}"
    elif ends == "low":
        inside, expected = low <= value < high, f"be at least {low} and below {high}"
    else:
        inside, expected = low < value < high, f"lie strictly between {low} and {high}"
    if not inside:
        raise ValueError(f"{name} must {expected}, but is {value}")


def check_same_rows(name_a: str, a: Array, name_b: str, b: Array) -> None:
    """Raise unless ``a`` and ``b`` have one row for each of the same samples."""
    if len(a) != len(b):
        raise ValueError(f"{name_a} and {name_b} must hold the same samples, but have {len(a)} and {len(b)} rows")
