"""Two views of each image and a loss that compares them: the method that most of the book uses."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from replearn.data import as_float
from replearn.losses.precision import full_precision, to_at_least_float32
from replearn.training.distributed import gather
from replearn.training.gradient_cache import grad_cache
from replearn.training.method import Method, describe
from replearn.validate import check_integer


class JointEmbedding(Method):
    """Two views of each image, embedded by one network, and a loss that compares the two embeddings.

    ``z_a = g(f(t_a(x)))`` and ``z_b = g(f(t_b(x)))`` with encoder f, projector g and independent augmentations; the
    loss is ``loss(z_a, z_b)``, in float32 at least whatever the precision of the networks.

    Parameters
    ----------
    encoder, projector : torch.nn.Module
        f: (N, ...) -> (N, d) and g: (N, d) -> (N, K); ``nn.Identity()`` for no projector.
    loss : callable
        ``loss(z_a, z_b)`` with (N, K) each; returns a scalar, or a NamedTuple of terms with ``.total``.
    augment : callable
        ``augment(x, generator)``, a new draw at each call.
    micro_batches : int
        Parts in which the 2N views pass through the network, for batches that do not fit the memory at once.

    Notes
    -----
    Both views pass through the network as one batch of 2N, so that BatchNorm sees them together. In ``micro_batches``
    the gradient is still that of the loss of the whole batch (``grad_cache``), but BatchNorm sees one part at a time.
    With several processes the loss is that of the whole batch, whose embeddings every process gathers.

    References
    ----------
    Chen et al. 2020 (SimCLR), figure 2; the same shape serves VICReg, Barlow Twins and W-MSE.

    Examples
    --------
    >>> from replearn import data, losses
    >>> method = JointEmbedding(nn.Linear(4, 3), nn.Identity(), losses.vicreg, data.GaussianNoise(0.1))
    >>> views = method.views(torch.randn(50, 4), torch.arange(8), torch.Generator())
    >>> method.step(views)["z"].shape  # two views of eight images
    torch.Size([16, 3])
    """

    def __init__(
        self, encoder: nn.Module, projector: nn.Module, loss: Callable, augment: Callable, *, micro_batches: int = 1
    ) -> None:
        super().__init__()
        check_integer("micro_batches", micro_batches, 1)
        self.encoder, self.projector = encoder, projector
        self.loss, self.augment, self.micro_batches = loss, augment, micro_batches

    def extra_repr(self) -> str:
        return f"loss={describe(self.loss)}, augment={describe(self.augment)}, micro_batches={self.micro_batches}"

    def views(self, images: torch.Tensor, index: torch.Tensor, generator: torch.Generator) -> Any:
        batch = as_float(images[index])
        return self.augment(batch, generator), self.augment(batch, generator)

    def step(self, views: Any) -> dict[str, torch.Tensor]:
        z = grad_cache(nn.Sequential(self.encoder, self.projector), torch.cat(views), self.micro_batches)
        z = to_at_least_float32(z)
        z_a, z_b = z.chunk(2)
        loss = full_precision(self.loss)(gather(z_a), gather(z_b))
        return {"loss": getattr(loss, "total", loss), "z": z.detach()}
