"""Methods: what the loop asks of a way to train, and the one that most of the book uses."""

from functools import partial

import torch
from torch import nn

from replearn.data import as_float
from replearn.training.gather import gather
from replearn.training.grad_cache import grad_cache
from replearn.training.optimisers import param_groups
from replearn.validate import check_integer


class Method(nn.Module):
    """What ``pretrain`` needs: views of a batch, a loss of the views, and what follows the optimiser's step.

    A family of methods subclasses this and keeps whatever it trains or remembers (encoder, projector, teacher, queue)
    as submodules and buffers, so that one checkpoint holds it all. The loop keeps ``progress``, the share of the run
    that is done, for schedules.
    """

    progress = 0.0

    def views(self, images, index, generator):
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

    def step(self, views):
        """Return ``dict(loss=..., z=...)``: the scalar to descend, and the embeddings (N, K) for whoever monitors."""
        raise NotImplementedError

    def after_step(self):
        """Follow the optimiser's step: move a teacher, a queue, a centre. Nothing by default."""

    def param_groups(self, weight_decay):
        """What the optimiser is given; a group's ``lr_scale`` multiplies its learning rate."""
        return param_groups(self, weight_decay)

    def forward(self, views):
        """Run ``step``, under the precision and across the processes that Fabric arranges."""
        return self.step(views)


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

    Raises
    ------
    ValueError
        If ``micro_batches`` is not a positive integer; in training, if the batch has fewer views.

    Notes
    -----
    Source: SimCLR (Chen et al., 2020), figure 2; the same shape serves VICReg, Barlow Twins and W-MSE. Both views
    pass through the network as one batch of 2N, so that BatchNorm sees them together. In ``micro_batches`` the
    gradient is still that of the loss of the whole batch (``grad_cache``), but BatchNorm sees one part at a time. With
    several processes the loss is that of the whole batch, whose embeddings every process gathers.
    """

    def __init__(self, encoder, projector, loss, augment, *, micro_batches=1):
        super().__init__()
        check_integer("micro_batches", micro_batches, 1)
        self.encoder, self.projector = encoder, projector
        self.loss, self.augment, self.micro_batches = loss, augment, micro_batches

    def extra_repr(self):
        return f"loss={describe(self.loss)}, augment={describe(self.augment)}, micro_batches={self.micro_batches}"

    def views(self, images, index, generator):
        batch = as_float(images[index])
        return self.augment(batch, generator), self.augment(batch, generator)

    def step(self, views):
        z = grad_cache(nn.Sequential(self.encoder, self.projector), torch.cat(views), self.micro_batches)
        with torch.autocast(z.device.type, enabled=False):
            z = raised(z)
            loss = self.loss(*map(gather, z.chunk(2)))
        return {"loss": getattr(loss, "total", loss), "z": z.detach()}


def raised(z):
    """Return ``z`` in float32, or in float64 where it has that already."""
    return z.to(torch.promote_types(z.dtype, torch.float32))


def describe(function):
    """Name a callable in a way that is the same in every process: its name, a partial's arguments, or its ``repr``."""
    if isinstance(function, partial):
        given = [*map(repr, function.args), *(f"{key}={value!r}" for key, value in function.keywords.items())]
        return f"{describe(function.func)}({', '.join(given)})"
    return getattr(function, "__qualname__", None) or repr(function)
