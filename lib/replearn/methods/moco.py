"""MoCo as a method: queries learn by gradient, their keys come from a slow copy, and a queue remembers old keys."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from replearn.losses.precision import full_precision, to_at_least_float32
from replearn.methods.joint_embedding import JointEmbedding
from replearn.methods.queue import FeatureQueue
from replearn.methods.teacher import EMA
from replearn.training.distributed import gather


class MoCo(JointEmbedding):
    """Queries of one view look for the keys of the other, among the keys of many past batches.

    ``q = g(f(t_a(x)))`` and ``k = g'(f'(t_b(x)))``, where f' and g' are moving averages of f and g and receive no
    gradient. The loss is ``loss(q, k, queue=old_keys)``. After each step of the optimizer the averages move, and then
    the keys of this step take the place of the oldest in the queue.

    Parameters
    ----------
    encoder, projector : torch.nn.Module
        f: (N, ...) -> (N, d) and g: (N, d) -> (N, dim).
    loss : callable
        ``loss(q, k, queue=...)`` with (N, dim) twice and (size, dim), for example ``replearn.losses.info_nce``.
    augment : callable
        ``augment(x, generator)``, a new draw at each call.
    size, dim : int
        Length of the queue, at least a batch, and the size of the projector's output.
    decay : float
        m in [0, 1] of the moving averages; 0 makes the keys with the network that the last step left.
    seed : int
        The queue starts full of random unit vectors.

    Notes
    -----
    The paper has 65,536 keys and decay 0.999. There the negatives are the queue's keys alone; ``info_nce`` also takes
    the other keys of the batch. The key network keeps BatchNorm statistics of its own, and keys are not shuffled
    between processes. With several processes the loss is that of the whole batch.

    References
    ----------
    He et al. 2020 (MoCo), algorithm 1.

    Examples
    --------
    >>> from replearn import data, losses
    >>> moco = MoCo(nn.Linear(4, 3), nn.Identity(), losses.info_nce, data.GaussianNoise(0.1), size=64, dim=3)
    >>> moco.step(moco.views(torch.randn(9, 4), torch.arange(8), torch.Generator()))["keys"].shape
    torch.Size([8, 3])
    """

    def __init__(
        self,
        encoder: nn.Module,
        projector: nn.Module,
        loss: Callable,
        augment: Callable,
        *,
        size: int = 1024,
        dim: int = 64,
        decay: float = 0.99,
        seed: int = 0,
    ) -> None:
        super().__init__(encoder, projector, loss, augment)
        self.key_encoder = EMA(nn.Sequential(encoder, projector), decay)
        self.queue = FeatureQueue(size, dim, seed=seed)
        self.keys = torch.empty(0, dim)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, size={len(self.queue)}"

    def step(self, views: Any) -> dict[str, torch.Tensor]:
        q = to_at_least_float32(self.projector(self.encoder(views[0])))
        self.keys = to_at_least_float32(self.key_encoder(views[1]))
        loss = full_precision(self.loss)(gather(q), gather(self.keys), queue=self.queue.get())
        return {"loss": loss, "z": q.detach(), "keys": self.keys, "key_view": views[1]}

    @torch.no_grad()
    def after_step(self) -> None:
        self.key_encoder.update(nn.Sequential(self.encoder, self.projector))
        self.queue.push(self.keys)
