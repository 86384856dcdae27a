"""Losses of whole batches are computed in full precision, whatever precision the network ran in."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import torch

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")

_HALF = (torch.float16, torch.bfloat16)


def full_precision(loss: Callable[Arguments, Value]) -> Callable[Arguments, Value]:
    """Return ``loss`` such that half-precision tensors are raised to float32 and autocast is off inside it.

    Sums over a batch and log-sum-exps lose their meaning in half precision; float32 and float64 pass untouched.
    """

    @functools.wraps(loss)
    def wrapped(*args: Any, **kwargs: Any) -> Value:
        args = [to_at_least_float32(a) for a in args]
        kwargs = {name: to_at_least_float32(value) for name, value in kwargs.items()}
        with torch.autocast(_device([*args, *kwargs.values()]), enabled=False):
            return loss(*args, **kwargs)

    return wrapped


def to_at_least_float32(value: Any) -> Any:
    """Raise a half-precision tensor, or those in a list, to float32; whatever else comes stays as it is."""
    if isinstance(value, (list, tuple)):
        return [to_at_least_float32(part) for part in value]
    return value.float() if isinstance(value, torch.Tensor) and value.dtype in _HALF else value


def _device(values: list) -> str:
    """The kind of device of the first tensor among values, or in a list that is one of them."""
    for value in values:
        if isinstance(value, torch.Tensor):
            return value.device.type
        if isinstance(value, list) and value:
            return _device(value)
    return "cpu"
