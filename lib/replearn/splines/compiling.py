"""A piecewise-affine network as a flat list of operations, the form in which the whole room reads a model."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

AFFINE_MODULES = (nn.Linear, nn.Conv2d, nn.BatchNorm1d, nn.BatchNorm2d, nn.AvgPool2d, nn.Flatten, nn.Unflatten)


class NotPiecewiseAffineError(ValueError):
    """A model contains a module that is not piecewise affine, or that this room does not know."""


class Abs(nn.Module):
    """The absolute value |t|, entry by entry: a leaky ReLU of slope -1, which folds space along hyperplanes.

    Examples
    --------
    >>> Abs()(torch.tensor([-2.0]))
    tensor([2.])
    """

    def forward(self, x: Tensor) -> Tensor:
        return x.abs()


class Residual(nn.Module):
    """A skip connection, x -> body(x) + shortcut(x).

    Parameters
    ----------
    body : nn.Module
    shortcut : nn.Module or None
        An affine module that brings x to the shape of body(x); None adds x itself.

    Examples
    --------
    >>> Residual(nn.ReLU())(torch.tensor([-2.0, 2.0]))
    tensor([-2.,  4.])
    """

    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None):
        super().__init__()
        self.body = body
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + (x if self.shortcut is None else self.shortcut(x))


# Rows. An operation acts on a tensor (N, rows, *shape): for each of N points (or regions) the last row is the value
# c of an affine map and the rows before it are its derivatives, so that one code serves patterns (the value alone),
# Jacobians (D derivatives) and partitions of a plane (2 derivatives).


@dataclass(frozen=True)
class Affine:
    """An affine module: derivatives pass through its linear part, the value through all of it."""

    module: nn.Module

    def __call__(self, rows: Tensor) -> Tensor:
        if isinstance(self.module, nn.Linear):
            out = nn.functional.linear(rows, self.module.weight)
            if self.module.bias is not None:
                out[:, -1] += self.module.bias
            return out
        out = self.module(rows.flatten(0, 1)).unflatten(0, rows.shape[:2])
        if rows.shape[1] == 1:
            return out
        offset = self.module(rows.new_zeros(1, *rows.shape[2:]))
        return torch.cat([out[:, :-1] - offset, out[:, -1:]], 1)


@dataclass(frozen=True)
class Activation:
    """t for t > 0 and slope * t otherwise: ReLU (0), leaky ReLU, absolute value (-1)."""

    slope: float

    def pattern(self, value: Tensor) -> Tensor:
        return value > 0

    def select(self, rows: Tensor, pattern: Tensor) -> Tensor:
        one = rows.new_ones(())
        return rows * torch.where(pattern, one, one * self.slope)[:, None]


@dataclass(frozen=True)
class MaxPool:
    """The largest value of each window of a feature map; its pattern marks the winner of each window."""

    kernel: tuple[int, int]
    stride: tuple[int, int]

    def windows(self, x: Tensor) -> Tensor:
        """(..., H, W) -> (..., H', W', size): the values that compete in each window."""
        return x.unfold(-2, self.kernel[0], self.stride[0]).unfold(-2, self.kernel[1], self.stride[1]).flatten(-2)

    def pattern(self, value: Tensor) -> Tensor:
        windows = self.windows(value)
        winner = windows.argmax(-1, keepdim=True)
        return torch.zeros_like(windows, dtype=torch.bool).scatter(-1, winner, True)

    def select(self, rows: Tensor, pattern: Tensor) -> Tensor:
        return (self.windows(rows) * pattern[:, None]).sum(-1)


@dataclass(frozen=True)
class SaveSkip:
    """Remember the rows for the ``AddSkip`` that closes this skip connection."""


@dataclass(frozen=True)
class AddSkip:
    """Add the remembered rows, brought to shape by the affine operations of the shortcut."""

    shortcut: tuple[Affine, ...] = ()

    def __call__(self, rows: Tensor, skip: Tensor) -> Tensor:
        for op in self.shortcut:
            skip = op(skip)
        return rows + skip


Op = Affine | Activation | MaxPool | SaveSkip | AddSkip
Layer = Activation | MaxPool


def compile_piecewise_affine(model: nn.Module) -> list[Op]:
    """Flatten a continuous piecewise-affine (CPA) model into the list of its operations, in forward order.

    Known are Sequential, Linear, Conv2d, BatchNorm1d/2d and Dropout (in evaluation mode), AvgPool2d, MaxPool2d,
    Flatten, Unflatten, Identity, ReLU, LeakyReLU, `Abs` and `Residual`. A leaky ReLU of slope 1 is the identity
    and leaves no operation.

    Parameters
    ----------
    model : nn.Module

    Returns
    -------
    list of Affine, Activation, MaxPool, SaveSkip and AddSkip

    Raises
    ------
    ValueError
        A module is not piecewise affine or not known (it is named), normalises by its batch, is a Dropout in training
        mode, or has a weight that is not finite.

    References
    ----------
    The layers of Humayun et al. 2023 (SplineCam); skip connections, |t| and max-pooling are ours.

    Examples
    --------
    >>> [type(op).__name__ for op in compile_piecewise_affine(nn.Sequential(nn.Linear(2, 3), nn.ReLU()))]
    ['Affine', 'Activation']
    """
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if not torch.isfinite(tensor).all():
            raise ValueError(f"the weight {name} contains NaN or infinite values; the model has no geometry to show")
    return _compile(model, "model")


def _compile(module: nn.Module, name: str) -> list[Op]:
    if isinstance(module, nn.Sequential):
        return [op for key, child in module.named_children() for op in _compile(child, f"{name}.{key}")]
    if isinstance(module, Residual):
        return [
            SaveSkip(),
            *_compile(module.body, f"{name}.body"),
            AddSkip(_shortcut(module.shortcut, f"{name}.shortcut")),
        ]
    if isinstance(module, nn.Identity):
        return []
    if isinstance(module, nn.Dropout):
        _require_evaluation(module, name)
        return []
    if isinstance(module, nn.ReLU | nn.LeakyReLU | Abs):
        slope = _negative_slope(module)
        return [] if slope == 1 else [Activation(slope)]
    if isinstance(module, nn.MaxPool2d):
        return [_max_pool(module, name)]
    if isinstance(module, AFFINE_MODULES):
        _check_affine(module, name)
        return [Affine(module)]
    raise NotPiecewiseAffineError(
        f"{name} is a {type(module).__name__}, which is not a piecewise-affine module that is known here; use Linear, "
        "Conv2d, BatchNorm, AvgPool2d, MaxPool2d, Flatten, Unflatten, ReLU, LeakyReLU, Abs, Residual or Sequential"
    )


def _negative_slope(module: nn.Module) -> float:
    if isinstance(module, nn.LeakyReLU):
        return float(module.negative_slope)
    return -1.0 if isinstance(module, Abs) else 0.0


def _shortcut(module: nn.Module | None, name: str) -> tuple[Affine, ...]:
    ops = [] if module is None else _compile(module, name)
    affine = tuple(op for op in ops if isinstance(op, Affine))
    if len(affine) < len(ops):
        raise NotPiecewiseAffineError(f"{name} must be affine: Linear, Conv2d, BatchNorm or AvgPool2d, no activation")
    return affine


def _require_evaluation(module: nn.Module, name: str) -> None:
    if module.training:
        raise ValueError(f"{name} is a {type(module).__name__} in training mode; call model.eval() first")


def _check_affine(module: nn.Module, name: str) -> None:
    if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        _require_evaluation(module, name)
        if module.running_mean is None:
            raise ValueError(f"{name} keeps no running statistics, so its output depends on the batch")
    if isinstance(module, nn.Flatten) and (module.start_dim, module.end_dim) != (1, -1):
        raise ValueError(f"{name} must flatten everything but the batch, Flatten(1, -1)")
    if isinstance(module, nn.Unflatten) and module.dim != 1:
        raise ValueError(f"{name} must unflatten dimension 1, but unflattens dimension {module.dim}")


def _max_pool(module: nn.MaxPool2d, name: str) -> MaxPool:
    kernel, stride, padding, dilation = (
        size if isinstance(size, tuple) else (size, size)
        for size in (module.kernel_size, module.stride, module.padding, module.dilation)
    )
    if padding != (0, 0) or dilation != (1, 1) or module.ceil_mode or module.return_indices:
        raise ValueError(f"{name}: MaxPool2d is known here without padding, dilation, ceil_mode and return_indices")
    return MaxPool(kernel, stride)


def run(ops: list[Op], rows: Tensor, visit: Callable[[Layer, Tensor, Tensor], None] | None = None) -> Tensor:
    """SaveSkip ``rows`` (N, rows, *shape) through the operations; ``visit(layer, rows, pattern)`` sees each layer."""
    skips = []
    for op in ops:
        if isinstance(op, SaveSkip):
            skips.append(rows)
        elif isinstance(op, AddSkip):
            rows = op(rows, skips.pop())
        elif isinstance(op, Affine):
            rows = op(rows)
        else:
            pattern = op.pattern(rows[:, -1])
            if visit is not None:
                visit(op, rows, pattern)
            rows = op.select(rows, pattern)
    return rows


def is_layer(op: Op) -> bool:
    """Whether the operation has an activation pattern."""
    return isinstance(op, Activation | MaxPool)


def input_shape(ops: list[Op], *, flat: bool) -> tuple[int, ...] | None:
    """The shape of one input, where the first affine module tells it; None where it does not.

    Inputs known to be ``flat`` pass a leading Flatten unchanged; others may have any shape there.
    """
    modules = (op.module for op in ops if isinstance(op, Affine))
    module = next((module for module in modules if not (flat and isinstance(module, nn.Flatten))), None)
    if isinstance(module, nn.Linear):
        return (module.in_features,)
    if isinstance(module, nn.BatchNorm1d):
        return (module.num_features,)
    if isinstance(module, nn.Unflatten):
        return (math.prod(module.unflattened_size),)
    return None


def check_inputs(model: nn.Module, ops: list[Op], x: Tensor, *, flat: bool) -> None:
    """Raise ``ValueError`` unless ``x`` is a finite batch of the model's input shape, dtype and device."""
    if x.ndim < 2 or len(x) < 1 or (flat and x.ndim != 2):
        raise ValueError(f"x must have shape (N, {'D' if flat else '*'}) with N >= 1, but has shape {tuple(x.shape)}")
    expected = input_shape(ops, flat=flat)
    if expected is not None and tuple(x.shape[1:]) != expected:
        raise ValueError(f"x must have shape (N, {expected[0]}) for this model, but has shape {tuple(x.shape)}")
    weight = next(model.parameters(), None)
    if weight is not None and (x.dtype != weight.dtype or x.device != weight.device):
        raise ValueError(f"x is {x.dtype} on {x.device}, but the model is {weight.dtype} on {weight.device}")
    if not torch.isfinite(x).all():
        raise ValueError("x contains NaN or infinite values; clean or rescale it first")
