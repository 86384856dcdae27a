"""Two views: pairs of images that somebody called the same, and a pretext task from before there were two views."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from replearn.data import as_float
from replearn.losses.precision import full_precision
from replearn.methods import JointEmbedding
from replearn.training.method import Method, describe


class GroupedPairs(JointEmbedding):
    """Two views as in ``JointEmbedding``, the second one of another image of the same group.

    The partner of image i is uniform over its group, i itself included. Groups of one image give two views of that
    image, classes give the pairs of supervised learning, and a single group gives unrelated images.

    Parameters
    ----------
    encoder, projector, loss, augment
        As in ``JointEmbedding``.
    groups : torch.Tensor
        (N,) int64, at least 0: the group of each image of the data set, on its device.

    References
    ----------
    Positive pairs as weak labels (Balestriero et al. 2023, the Cookbook); classes as in SupCon (Khosla et al.
    2020), with one partner instead of all.

    Examples
    --------
    >>> from torch import nn
    >>> from replearn import data, losses
    >>> groups = torch.tensor([0, 0, 1, 1])
    >>> method = GroupedPairs(nn.Linear(4, 3), nn.Identity(), losses.nt_xent, data.Compose(), groups=groups)
    >>> groups[method.partners(torch.tensor([0, 3]), torch.Generator())]
    tensor([0, 1])
    """

    groups: torch.Tensor
    members: torch.Tensor
    sizes: torch.Tensor
    starts: torch.Tensor

    def __init__(
        self, encoder: nn.Module, projector: nn.Module, loss: Callable, augment: Callable, *, groups: torch.Tensor
    ) -> None:
        super().__init__(encoder, projector, loss, augment)
        if groups.ndim != 1 or groups.is_floating_point() or len(groups) == 0 or groups.min() < 0:
            raise ValueError("groups must hold one integer, at least 0, for each image, in one dimension")
        sizes = groups.bincount()
        self.register_buffer("groups", groups)
        self.register_buffer("members", groups.argsort(stable=True), persistent=False)
        self.register_buffer("sizes", sizes, persistent=False)
        self.register_buffer("starts", sizes.cumsum(0) - sizes, persistent=False)

    def partners(self, index: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Draw the partner (B,) of each image ``index`` (B,)."""
        group = self.groups[index]
        share = torch.rand(len(index), generator=generator, device=index.device)
        place = (share * self.sizes[group]).long().clamp(max=self.sizes[group] - 1)
        return self.members[self.starts[group] + place]

    def views(self, images: torch.Tensor, index: torch.Tensor, generator: torch.Generator) -> Any:
        if len(images) != len(self.groups):
            raise ValueError(f"groups must hold one entry per image, {len(images)}, but hold {len(self.groups)}")
        first, second = as_float(images[index]), as_float(images[self.partners(index, generator)])
        return self.augment(first, generator), self.augment(second, generator)


class RotationPrediction(Method):
    """Turn each image by 0, 90, 180 and 270 degrees, and tell which turn it was.

    With ``v_k`` the image turned k times by 90 degrees, counter-clockwise, the loss is ``loss(g(f(v_k)), k)``, averaged
    over the batch and the four turns.

    Parameters
    ----------
    encoder, head : torch.nn.Module
        f: (N, C, H, W) -> (N, d) and g: (N, d) -> (N, 4), the logits of the four turns.
    loss : callable
        ``loss(logits, turns)`` with (4N, 4) and (4N,) int64: ``torch.nn.functional.cross_entropy``.
    augment : callable
        ``augment(x, generator)``, before the turn; ``replearn.data.Compose()`` for none.

    References
    ----------
    Gidaris et al. 2018 (RotNet), equations 1 to 3; all four turns of an image are in its batch, as there. The
    images must be square.

    Examples
    --------
    >>> from torch import nn
    >>> from replearn import data
    >>> encoder = nn.Sequential(nn.Flatten(), nn.Linear(9, 4))
    >>> method = RotationPrediction(encoder, nn.Identity(), nn.functional.cross_entropy, data.Compose())
    >>> turned, turns = method.views(torch.rand(2, 1, 3, 3), torch.arange(2), torch.Generator())
    >>> turns
    tensor([0, 0, 1, 1, 2, 2, 3, 3])
    """

    def __init__(self, encoder: nn.Module, head: nn.Module, loss: Callable, augment: Callable) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head
        self.loss, self.augment = loss, augment

    def extra_repr(self) -> str:
        return f"loss={describe(self.loss)}, augment={describe(self.augment)}"

    def views(self, images: torch.Tensor, index: torch.Tensor, generator: torch.Generator) -> Any:
        if images.ndim != 4 or images.shape[2] != images.shape[3]:
            raise ValueError(f"images must be square, (N, C, S, S), to be turned, but have shape {tuple(images.shape)}")
        x = self.augment(as_float(images[index]), generator)
        turned = torch.cat([x.rot90(k, (2, 3)) for k in range(4)])
        return turned, torch.arange(4, device=x.device).repeat_interleave(len(x))

    def step(self, views: Any) -> dict[str, torch.Tensor]:
        turned, turns = views
        logits = self.head(self.encoder(turned))
        loss = full_precision(self.loss)(logits, turns)
        return {"loss": loss, "z": logits.detach()}
