"""Fine-tuning: go on training a pre-trained encoder on labels, with a linear head behind it."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from replearn.data import as_float
from replearn.losses.precision import to_at_least_float32
from replearn.training.inference import features
from replearn.training.loop import pretrain
from replearn.training.method import Method
from replearn.training.optimizers import param_groups
from replearn.training.seed import seeded
from replearn.validate import check_classes, check_positive


class Classification(Method):
    """Cross-entropy of an encoder with a linear head, whose encoder may learn more slowly than the head.

    ``loss = cross_entropy(head(f(t(x))), y)``, one view t of each image.

    Parameters
    ----------
    encoder, head : torch.nn.Module
        f: (N, ...) -> (N, d), and (N, d) -> (N, C).
    labels : torch.Tensor
        (N,) int64, the class 0 ... C - 1 of each image of the data set, on its device.
    augment : callable, optional
        ``augment(x, generator)``; the images as they are without.
    encoder_lr : float
        Learning rate of the encoder, in units of the head's; 0 trains the head alone.

    References
    ----------
    The common protocol of fine-tuning (Balestriero et al. 2023, the Cookbook).

    Examples
    --------
    >>> x, labels = torch.randn(8, 4), torch.tensor([0, 1] * 4)
    >>> method = Classification(nn.Identity(), nn.Linear(4, 2), labels)
    >>> views = method.views(x, torch.tensor([0, 1, 2]), torch.Generator())
    >>> method.step(views)["loss"].shape
    torch.Size([])
    """

    labels: torch.Tensor

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Module,
        labels: torch.Tensor,
        *,
        augment: Callable | None = None,
        encoder_lr: float = 0.1,
    ) -> None:
        super().__init__()
        check_positive("encoder_lr", encoder_lr, allow_zero=True)
        self.encoder, self.head, self.augment, self.encoder_lr = encoder, head, augment, encoder_lr
        self.register_buffer("labels", labels, persistent=False)

    def views(self, images: torch.Tensor, index: torch.Tensor, generator: torch.Generator) -> Any:
        x = as_float(images[index])
        return (x if self.augment is None else self.augment(x, generator)), self.labels[index]

    def step(self, views: Any) -> dict[str, torch.Tensor]:
        x, labels = views
        z = self.encoder(x)
        logits = to_at_least_float32(self.head(z))
        return {"loss": F.cross_entropy(logits, labels), "z": to_at_least_float32(z).detach()}

    def param_groups(self, weight_decay: float) -> list[dict]:
        slow = [group | {"lr_scale": self.encoder_lr} for group in param_groups(self.encoder, weight_decay)]
        return slow + param_groups(self.head, weight_decay)


def fine_tune(
    encoder: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    *,
    steps: int = 200,
    batch_size: int = 64,
    lr: float = 5e-3,
    encoder_lr: float = 0.1,
    augment: Callable | None = None,
    seed: int = 0,
    **loop: Any,
) -> nn.Sequential:
    """Train a copy of an encoder, and a linear head behind it, on labelled images.

    The head starts at zero, so that the first steps do not throw away what the encoder knows, and reads the features
    divided by their root mean square over the images, so that one learning rate suits every encoder.

    Parameters
    ----------
    encoder : torch.nn.Module
        (N, ...) -> (N, d); it is left as it is.
    images : torch.Tensor
        (N, ...) on the encoder's device.
    labels : torch.Tensor
        (N,) integers 0 ... C - 1, every class present.
    steps, batch_size, lr, seed, **loop
        As in ``pretrain``.
    encoder_lr : float
        Learning rate of the encoder in units of ``lr``, which is the head's.
    augment : callable, optional
        ``augment(x, generator)``, one view of each image.

    Returns
    -------
    torch.nn.Sequential
        Encoder and head in evaluation mode: (N, ...) -> logits (N, C).

    Raises
    ------
    NonFiniteLossError
        If the loss becomes NaN or infinite.

    References
    ----------
    The common protocol of fine-tuning (Balestriero et al. 2023, the Cookbook), with one rate for the whole
    encoder; deep transformers let it decay from block to block.

    Examples
    --------
    >>> x = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    >>> labels = (x[:, 0] > 0).long()
    >>> network = fine_tune(nn.Linear(2, 8), x, labels, lr=0.05)
    >>> (network(x).argmax(1) == labels).float().mean() > 0.9
    tensor(True)
    """
    check_classes("labels", labels, len(images))
    classes = int(labels.max()) + 1
    with seeded(seed):
        encoder = deepcopy(encoder)
        h = features(encoder, images)
        head = nn.Linear(h.shape[1], classes, device=h.device)
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
    scaled = nn.Sequential(_Scale(h.pow(2).mean().sqrt()), head)
    method = Classification(encoder, scaled, labels.to(images.device), augment=augment, encoder_lr=encoder_lr)
    pretrain(method, images, steps=steps, batch_size=batch_size, lr=lr, seed=seed, **loop)
    return nn.Sequential(encoder, scaled).eval()


class _Scale(nn.Module):
    """Divide by a positive number that is kept with the network."""

    size: torch.Tensor

    def __init__(self, size: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("size", size.clamp(min=1e-12))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return z / self.size
