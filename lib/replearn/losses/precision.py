"""Losses of whole batches are computed in full precision, whatever precision the network ran in."""

import functools
from collections.abc import Callable

import torch

_HALF = (torch.float16, torch.bfloat16)


def full_precision(loss: Callable) -> Callable:
    """Return ``loss`` such that half-precision tensors are raised to float32 and autocast is off inside it.

    Sums over a batch and log-sum-exps lose their meaning in half precision; float32 and float64 pass untouched.
    """

    @functools.wraps(loss)
    def wrapped(*args, **kwargs):
        args = [to_at_least_float32(a) for a in args]
        kwargs = {name: to_at_least_float32(value) for name, value in kwargs.items()}
        with torch.autocast(_device([*args, *kwargs.values()]), enabled=False):
            return loss(*args, **kwargs)

    return wrapped


def to_at_least_float32(
    value: bool | float | list[torch.Tensor] | str | torch.Tensor,
) -> bool | float | list[torch.Tensor] | str | torch.Tensor:
    if isinstance(value, (list, tuple)):
        return [to_at_least_float32(part) for part in value]
    return value.float() if isinstance(value, torch.Tensor) and value.dtype in _HALF else value


def _device(
    values: list[bool | torch.Tensor]
    | list[float | str | torch.Tensor]
    | list[float | torch.Tensor]
    | list[int | torch.Tensor]
    | list[list | torch.Tensor]
    | list[str | torch.Tensor]
    | list[torch.Tensor],
) -> str:
    """The kind of device of the first tensor among values, or in a list that is one of them."""
    for value in values:
        if isinstance(value, torch.Tensor):
            return value.device.type
        if isinstance(value, list) and value:
            return _device(value)
    return "cpu"
