"""NNCLR as a method: the positive of an image is the nearest neighbour of its view among past embeddings."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from replearn.losses.precision import full_precision, to_at_least_float32
from replearn.methods.joint_embedding import JointEmbedding
from replearn.methods.queue import FeatureQueue
from replearn.training.distributed import gather


class NNCLR(JointEmbedding):
    """Contrastive learning whose positives are other images: the nearest in a queue of past embeddings.

    With ``z_v = g(f(v))``, predictions ``p_v = h(z_v)`` and the queue's nearest neighbours ``n_v`` of z_v, which
    receive no gradient, the loss is ``(loss(n_a, p_b) + loss(n_b, p_a)) / 2``. After each step of the optimizer z_a
    takes the place of the oldest in the queue.

    Parameters
    ----------
    encoder, projector, predictor : torch.nn.Module
        f: (N, ...) -> (N, d), g: (N, d) -> (N, dim) and h: (N, dim) -> (N, dim); ``nn.Identity()`` for no predictor.
    loss : callable
        ``loss(q, k)`` of (N, dim) each, for example ``replearn.losses.info_nce``.
    augment : callable
        ``augment(x, generator)``, a new draw at each call.
    size, dim : int
        Length of the queue, at least a batch, and the size of the projector's output.
    seed : int
        The queue starts full of random unit vectors.

    References
    ----------
    Dwibedi et al. 2021 (NNCLR), equations 3 and 4 and algorithm 1, where the queue holds 98,304 embeddings.

    Examples
    --------
    >>> from replearn import data, losses
    >>> parts = nn.Linear(4, 3), nn.Identity(), losses.info_nce, data.GaussianNoise(0.1)
    >>> nnclr = NNCLR(*parts, predictor=nn.Linear(3, 3), size=64, dim=3)
    >>> nnclr.step(nnclr.views(torch.randn(9, 4), torch.arange(8), torch.Generator()))["neighbours"].shape
    torch.Size([8, 3])
    """

    def __init__(
        self,
        encoder: nn.Module,
        projector: nn.Module,
        loss: Callable,
        augment: Callable,
        *,
        predictor: nn.Module,
        size: int = 1024,
        dim: int = 64,
        seed: int = 0,
    ) -> None:
        super().__init__(encoder, projector, loss, augment)
        self.predictor, self.queue = predictor, FeatureQueue(size, dim, seed=seed)
        self.embedded = torch.empty(0, dim)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, size={len(self.queue)}"

    def step(self, views: Any) -> dict[str, torch.Tensor]:
        z = self.projector(self.encoder(torch.cat(views)))
        p_a, p_b = to_at_least_float32(self.predictor(z)).chunk(2)
        z_a, z_b = to_at_least_float32(z.detach()).chunk(2)
        n_a, n_b = self.queue.nearest(z_a), self.queue.nearest(z_b)
        self.embedded = F.normalize(z_a, dim=1)
        loss = full_precision(self.loss)
        total = (loss(gather(n_a), gather(p_b)) + loss(gather(n_b), gather(p_a))) / 2
        return {"loss": total, "z": z.detach(), "neighbours": n_a}

    def after_step(self) -> None:
        self.queue.push(self.embedded)
