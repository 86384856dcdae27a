"""Losses of whole batches are computed in full precision, whatever precision the network ran in."""

import functools

import torch

_HALF = (torch.float16, torch.bfloat16)


def full_precision(loss):
    """Return ``loss`` such that half-precision tensors are raised to float32 and autocast is off inside it.

    Sums over a batch and log-sum-exps lose their meaning in half precision; float32 and float64 pass untouched.
    """

    @functools.wraps(loss)
    def wrapped(*args, **kwargs):
        args = [_raise(a) for a in args]
        kwargs = {name: _raise(value) for name, value in kwargs.items()}
        device = next(a.device.type for a in (*args, *kwargs.values()) if isinstance(a, torch.Tensor))
        with torch.autocast(device, enabled=False):
            return loss(*args, **kwargs)

    return wrapped


def _raise(value):
    return value.float() if isinstance(value, torch.Tensor) and value.dtype in _HALF else value
