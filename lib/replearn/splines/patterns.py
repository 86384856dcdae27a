"""Which side of every unit's boundary a point lies on."""

import itertools
from collections.abc import Hashable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from replearn.splines.compiling import Op, check_inputs, compile_piecewise_affine, input_shape, run

# Layers of this many points stay in the processor's cache.
CHUNK = 8192


def activation_patterns(model: nn.Module, x: Tensor) -> Tensor:
    """Tell for each point the sign of every unit's pre-activation, q(x)_k = [h_k(x) > 0].

    The units stand in forward order. A window of a max-pooling layer counts as ``size`` units, of which the winner's
    is True (the first of equals), so that the pattern names the affine piece in every network of this room.

    Parameters
    ----------
    model : nn.Module
        A piecewise-affine model, see `compile_piecewise_affine`.
    x : Tensor (N, *)
        Inputs in the model's own shape, dtype and device.

    Returns
    -------
    BoolTensor (N, U)

    Raises
    ------
    ValueError
        The model is not piecewise affine, or x does not fit it or is not finite.

    References
    ----------
    Balestriero & Baraniuk 2018, "A spline theory of deep learning"; Humayun et al. 2023 (SplineCam).

    Examples
    --------
    >>> activation_patterns(nn.ReLU(), torch.tensor([[1.0, -1.0]]))
    tensor([[ True, False]])
    """
    ops = compile_piecewise_affine(model)
    check_inputs(model, ops, x, flat=False)
    return patterns_of(ops, x)


@torch.no_grad()
def patterns_of(ops: list[Op], x: Tensor) -> Tensor:
    """The activation patterns (N, U) of a compiled program, without checks."""
    return torch.cat([_patterns_of_chunk(ops, part) for part in x.split(CHUNK)])


def _patterns_of_chunk(ops: list[Op], x: Tensor) -> Tensor:
    layers = [torch.zeros(len(x), 0, dtype=torch.bool, device=x.device)]
    run(ops, x[:, None], lambda op, rows, pattern: layers.append(pattern.flatten(1)))
    return torch.cat(layers, 1)


def layer_slices(model: nn.Module, input_size: tuple[int, ...] | None = None) -> list[slice]:
    """Give for each layer the columns of `activation_patterns` that belong to it.

    Parameters
    ----------
    model : nn.Module
    input_size : tuple of int, optional
        Shape of one input; needed only where the model begins with a convolution or pooling.

    Returns
    -------
    list of slice
        One for each activation or max-pooling layer, in forward order.

    Raises
    ------
    ValueError
        The model is not piecewise affine, or its input shape is needed and was not given.

    Examples
    --------
    >>> layer_slices(nn.Sequential(nn.Linear(2, 3), nn.ReLU()))
    [slice(0, 3, None)]
    """
    ops = compile_piecewise_affine(model)
    size = input_size or input_shape(ops, flat=True)
    if size is None:
        raise ValueError("the model does not tell its input shape; pass input_size, for example (1, 28, 28)")
    weight = next(model.parameters(), torch.zeros(()))
    return slices_of(ops, torch.zeros(1, *size, dtype=weight.dtype, device=weight.device))


@torch.no_grad()
def slices_of(ops: list[Op], x: Tensor) -> list[slice]:
    """The columns of each layer of a compiled program, found by passing the batch ``x`` through it."""
    ends = [0]
    run(ops, x[:, None], lambda op, rows, pattern: ends.append(ends[-1] + pattern[0].numel()))
    return [slice(a, b) for a, b in itertools.pairwise(ends)]


def pack_patterns(p: Tensor) -> Tensor:
    """Pack patterns into bytes, eight units to a byte, the first unit in the highest bit and zeros at the end.

    Parameters
    ----------
    p : BoolTensor (N, U)

    Returns
    -------
    ByteTensor (N, ceil(U / 8))

    References
    ----------
    The book's own; the layout of ``numpy.packbits(axis=1)``.

    Examples
    --------
    >>> pack_patterns(torch.tensor([[True, False, True]]))
    tensor([[160]], dtype=torch.uint8)
    """
    if p.ndim != 2 or p.dtype != torch.bool:
        raise ValueError(f"p must be a boolean matrix (N, U), but is {p.dtype} of shape {tuple(p.shape)}")
    return torch.from_numpy(np.packbits(p.cpu().numpy(), axis=1)).to(p.device)


def count_patterns(p: Tensor) -> int:
    """Count the distinct rows of a matrix of patterns.

    Parameters
    ----------
    p : BoolTensor (N, U)

    Returns
    -------
    int

    Examples
    --------
    >>> count_patterns(torch.tensor([[True], [False], [True]]))
    2
    """
    return len(set(pattern_keys(p)))


def pattern_keys(p: Tensor) -> Sequence[Hashable]:
    """The packed patterns as bytes, one hashable key a row."""
    packed = np.ascontiguousarray(pack_patterns(p).cpu().numpy())
    if not packed.shape[1]:
        return [b""] * len(packed)
    return packed.view(np.dtype((np.void, packed.shape[1]))).ravel().tolist()
