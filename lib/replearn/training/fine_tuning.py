"""Fine-tuning: go on training a pre-trained encoder on labels, with a linear head behind it."""

from copy import deepcopy

import torch.nn.functional as F
from torch import nn

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

    Notes
    -----
    Source: the common protocol of fine-tuning (Balestriero et al. 2023, the Cookbook).
    """

    def __init__(self, encoder, head, labels, *, augment=None, encoder_lr=0.1):
        super().__init__()
        check_positive("encoder_lr", encoder_lr, allow_zero=True)
        self.encoder, self.head, self.augment, self.encoder_lr = encoder, head, augment, encoder_lr
        self.register_buffer("labels", labels, persistent=False)

    def views(self, images, index, generator):
        x = as_float(images[index])
        return (x if self.augment is None else self.augment(x, generator)), self.labels[index]

    def step(self, views):
        x, labels = views
        z = self.encoder(x)
        logits = to_at_least_float32(self.head(z))
        return {"loss": F.cross_entropy(logits, labels), "z": to_at_least_float32(z).detach()}

    def param_groups(self, weight_decay):
        slow = [group | {"lr_scale": self.encoder_lr} for group in param_groups(self.encoder, weight_decay)]
        return slow + param_groups(self.head, weight_decay)


def fine_tune(
    encoder,
    images,
    labels,
    *,
    steps=200,
    batch_size=64,
    lr=5e-3,
    encoder_lr=0.1,
    warmup=20,
    weight_decay=1e-4,
    augment=None,
    seed=0,
    **loop,
):
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
    steps, batch_size, lr, warmup, weight_decay, seed, **loop
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
    ValueError
        If the labels do not suit the images, or an argument of the loop is out of its range.
    NonFiniteLossError
        If the loss becomes NaN or infinite.

    Notes
    -----
    Source: the common protocol of fine-tuning (Balestriero et al. 2023, the Cookbook), with one rate for the whole
    encoder; deep transformers let it decay from block to block.
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
    pretrain(
        method, images, steps=steps, batch_size=batch_size, lr=lr, warmup=warmup, weight_decay=weight_decay, seed=seed,
        **loop,
    )  # fmt: skip
    return nn.Sequential(encoder, scaled).eval()


class _Scale(nn.Module):
    """Divide by a positive number that is kept with the network."""

    def __init__(self, size):
        super().__init__()
        self.register_buffer("size", size.clamp(min=1e-12))

    def forward(self, z):
        return z / self.size
