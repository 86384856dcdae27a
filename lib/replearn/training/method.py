"""What the loop asks of a way to train."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn

from replearn.training.optimizers import param_groups


class Method(nn.Module):
    """What ``pretrain`` needs: views of a batch, a loss of the views, and what follows the optimizer's step.

    A family of methods subclasses this and keeps whatever it trains or remembers (encoder, projector, teacher, queue)
    as submodules and buffers, so that one checkpoint holds it all. The loop keeps ``progress``, the share of the run
    that is done, for schedules.
    """

    encoder: nn.Module
    progress = 0.0

    def views(self, images: torch.Tensor, index: torch.Tensor, generator: torch.Generator) -> Any:
        """Make the views of the images drawn for this step.

        Parameters
        ----------
        images : torch.Tensor
            The whole data set (N, ...), on the device.
        index : torch.Tensor
            (B,) int64, the images of this step: ``images[index]``.
        generator : torch.Generator
            On the same device; all randomness of the views comes from it.

        Returns
        -------
        object
            Whatever ``step`` takes.
        """
        raise NotImplementedError

    def step(self, views: Any) -> dict[str, torch.Tensor]:
        """Return ``dict(loss=..., z=...)``: the scalar to descend, and the embeddings (N, K) for whoever monitors."""
        raise NotImplementedError

    def after_step(self) -> None:
        """Follow the optimizer's step: move a teacher, a queue, a centre. Nothing by default."""

    def param_groups(self, weight_decay: float) -> list[dict]:
        """What the optimizer is given; a group's ``lr_scale`` multiplies its learning rate."""
        return param_groups(self, weight_decay)

    def forward(self, views: Any) -> dict[str, torch.Tensor]:
        """Run ``step``, under the precision and across the processes that Fabric arranges."""
        return self.step(views)


def describe(function: Callable | None) -> str:
    """Name a callable in a way that is the same in every process: its name, a partial's arguments, or its ``repr``.

    Examples
    --------
    >>> describe(partial(torch.nn.functional.mse_loss, reduction="sum"))
    "mse_loss(reduction='sum')"
    """
    if isinstance(function, partial):
        given = [*map(repr, function.args), *(f"{key}={value!r}" for key, value in function.keywords.items())]
        return f"{describe(function.func)}({', '.join(given)})"
    return getattr(function, "__qualname__", None) or repr(function)
