"""SwAV as a method: two views, an encoder, a projector, and the prototypes that both views are assigned to."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from replearn.losses.precision import full_precision
from replearn.methods.joint_embedding import JointEmbedding
from replearn.training.distributed import gather
from replearn.validate import check_integer


class SwAV(JointEmbedding):
    """Two views of each image, compared through their similarities to K learned unit vectors.

    ``s_v = z_v C^T`` with unit embeddings z_v and prototypes C (K, d); the loss is ``loss(s_a, s_b)``. After each step
    of the optimizer the prototypes return to unit length.

    Parameters
    ----------
    encoder, projector : torch.nn.Module
        f: (N, ...) -> (N, h) and g: (N, h) -> (N, d).
    loss : callable
        ``loss(s_a, s_b)`` of scores (N, K), for example ``replearn.losses.swav_loss``.
    augment : callable
        ``augment(x, generator)``, a new draw at each call.
    n_prototypes, dim : int
        K, and the size d of the projector's output.
    seed : int
        Seed of the prototypes' start, uniform on the sphere.

    References
    ----------
    Caron et al. 2020 (SwAV), section 3, with two full crops, no queue, and prototypes that move from the start.

    Examples
    --------
    >>> from replearn import data, losses
    >>> swav = SwAV(nn.Linear(4, 3), nn.Identity(), losses.swav_loss, data.GaussianNoise(0.1), n_prototypes=5, dim=3)
    >>> swav.scores(torch.randn(8, 3)).shape
    torch.Size([8, 5])
    """

    def __init__(
        self,
        encoder: nn.Module,
        projector: nn.Module,
        loss: Callable,
        augment: Callable,
        *,
        n_prototypes: int = 32,
        dim: int = 64,
        seed: int = 0,
    ) -> None:
        super().__init__(encoder, projector, loss, augment)
        check_integer("n_prototypes", n_prototypes, 2)
        check_integer("dim", dim, 1)
        start = torch.randn(n_prototypes, dim, generator=torch.Generator().manual_seed(seed))
        self.prototypes = torch.nn.Parameter(F.normalize(start, dim=1))

    def scores(self, z: torch.Tensor) -> torch.Tensor:
        """Cosines (N, K) of embeddings (N, d) with the prototypes."""
        return F.normalize(z, dim=1) @ self.prototypes.T

    def step(self, views: Any) -> dict[str, torch.Tensor]:
        z = self.projector(self.encoder(torch.cat(views)))
        s_a, s_b = full_precision(self.scores)(z).chunk(2)
        loss = full_precision(self.loss)(gather(s_a), gather(s_b))
        return {"loss": loss, "z": z.detach()}

    @torch.no_grad()
    def after_step(self) -> None:
        self.prototypes.copy_(F.normalize(self.prototypes, dim=1))
