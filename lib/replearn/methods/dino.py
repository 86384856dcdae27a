"""DINO as a method: a teacher's centred distribution over prototypes, which the student is to give for other views."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from replearn.data import as_float
from replearn.losses.precision import full_precision, to_at_least_float32
from replearn.methods.teacher import EMA, decay_at
from replearn.models import UnitRows
from replearn.training.distributed import gather
from replearn.training.method import Method, describe
from replearn.training.seed import seeded
from replearn.validate import check_between


class DINO(Method):
    """DINO: the student's distribution over prototypes follows the teacher's, of another view, centred and sharpened.

    Logits are cosines of ``g(f(v))`` with K unit prototypes. The teacher is a moving average of everything, and its
    logits lose their running mean, the centre, before they are sharpened.

    Parameters
    ----------
    encoder, projector : torch.nn.Module
        f: (N, ...) -> (N, d) and g: (N, d) -> (N, dim).
    loss : callable
        ``loss(student, teacher, center)`` of logits (V, N, K) and (T, N, K): ``replearn.losses.dino_loss``, or a
        partial of it with other temperatures.
    augment : callable
        ``augment(x, generator)``: one view, drawn twice, or a list of views, of which the first two are the teacher's
        (``replearn.data.MultiCrop``).
    n_prototypes, dim : int
        K, and the size of the projector's output.
    decay : float or pair of float
        The teacher's; a pair goes from one to the other along half a cosine over the run.
    center_momentum : float or None
        Momentum of the centre; None for no centring.
    seed : int
        Seed of the prototypes' start.

    References
    ----------
    Caron et al. 2021 (DINO), algorithm 1, without their freezing of the prototypes in the first epoch.

    Examples
    --------
    >>> from replearn import data, losses
    >>> noise = data.GaussianNoise(0.1)
    >>> dino = DINO(nn.Linear(4, 3), nn.Identity(), losses.dino_loss, noise, n_prototypes=5, dim=3)
    >>> dino.step(dino.views(torch.randn(9, 4), torch.arange(9), torch.Generator()))["teacher"].shape
    torch.Size([2, 9, 5])
    """

    N_TARGETS = 2
    center: torch.Tensor
    batch_mean: torch.Tensor

    def __init__(
        self,
        encoder: nn.Module,
        projector: nn.Module,
        loss: Callable,
        augment: Callable,
        *,
        n_prototypes: int = 64,
        dim: int = 64,
        decay: float | tuple[float, float] = (0.996, 1.0),
        center_momentum: float | None = 0.9,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if center_momentum is not None:
            check_between("center_momentum", center_momentum, 0, 1)
        self.encoder, self.projector = encoder, projector
        with seeded(seed):
            self.prototypes = UnitRows(dim, n_prototypes)
        self.loss, self.augment, self.decay, self.center_momentum = loss, augment, decay, center_momentum
        self.teacher = EMA(self._student(), decay_at(decay, 0.0))
        self.register_buffer("center", torch.zeros(n_prototypes))
        self.register_buffer("batch_mean", torch.zeros(n_prototypes))

    def extra_repr(self) -> str:
        return (
            f"loss={describe(self.loss)}, augment={describe(self.augment)}, "
            f"decay={self.decay}, center_momentum={self.center_momentum}"
        )

    def _student(self) -> nn.Sequential:
        return nn.Sequential(self.encoder, self.projector, _UnitLength(), self.prototypes)

    def views(self, images: torch.Tensor, index: torch.Tensor, generator: torch.Generator) -> Any:
        batch = as_float(images[index])
        made = self.augment(batch, generator)
        return [made, self.augment(batch, generator)] if isinstance(made, torch.Tensor) else made

    def step(self, views: Any) -> dict[str, torch.Tensor]:
        targets = self.teacher(torch.cat(views[: self.N_TARGETS])).unflatten(0, (self.N_TARGETS, -1))
        logits = _by_size(self._student(), views)
        targets = to_at_least_float32(targets)
        loss = full_precision(self.loss)(logits, targets, self.center)
        self.batch_mean.copy_(gather(targets.mean((0, 1)).unsqueeze(0)).mean(0))
        return {"loss": loss, "z": logits[: self.N_TARGETS].flatten(0, 1).detach(), "teacher": targets}

    @torch.no_grad()
    def after_step(self) -> None:
        self.teacher.update(self._student(), decay_at(self.decay, self.progress))
        if self.center_momentum is not None:
            self.center.lerp_(self.batch_mean, 1 - self.center_momentum)


class _UnitLength(nn.Module):
    """Scale each row to length one."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.normalize(x, dim=1)


def _by_size(network: nn.Module, views: list[torch.Tensor]) -> torch.Tensor:
    """Run views (V of (N, C, h, w)) through a network, those of one size together, and stack its outputs (V, N, K)."""
    outputs, start = [], 0
    for stop in range(1, len(views) + 1):
        if stop == len(views) or views[stop].shape != views[start].shape:
            outputs.append(network(torch.cat(views[start:stop])).unflatten(0, (stop - start, -1)))
            start = stop
    return torch.cat(outputs)
