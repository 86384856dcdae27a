"""MoCo as a method: queries learn by gradient, their keys come from a slow copy, and a queue remembers old keys."""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from replearn.training.gather import gather
from replearn.training.methods import JointEmbedding, raised
from replearn.training.queue import FeatureQueue
from replearn.training.teacher import EMA
from replearn.validate import check_integer, check_positive


class MoCo(JointEmbedding):
    """Queries of one view look for the keys of the other, among the keys of many past batches.

    ``q = g(f(t_a(x)))`` and ``k = g'(f'(t_b(x)))``, where f' and g' are moving averages of f and g and receive no
    gradient. The loss is ``loss(q, k, queue=old_keys)``. After each step of the optimiser the averages move, and then
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

    Raises
    ------
    ValueError
        If ``decay`` is outside [0, 1] or a size is not a positive integer; at a step, if the batch does not fit.

    Notes
    -----
    Source: He et al. 2020 (MoCo), algorithm 1, which has 65,536 keys and decay 0.999. There the negatives are the
    queue's keys alone; ``info_nce`` also takes the other keys of the batch. The key network keeps BatchNorm statistics
    of its own, and keys are not shuffled between processes. With several processes the loss is that of the whole batch.
    """

    def __init__(self, encoder, projector, loss, augment, *, size=1024, dim=64, decay=0.99, seed=0):
        super().__init__(encoder, projector, loss, augment)
        self.key_encoder = EMA(nn.Sequential(encoder, projector), decay)
        self.queue = FeatureQueue(size, dim, seed=seed)
        self.keys = None

    def extra_repr(self):
        return f"{super().extra_repr()}, size={len(self.queue)}"

    def step(self, views):
        q, k = self.projector(self.encoder(views[0])), self.key_encoder(views[1])
        with torch.autocast(q.device.type, enabled=False):
            q, self.keys = raised(q), raised(k)
            loss = self.loss(gather(q), gather(self.keys), queue=self.queue.get())
        return {"loss": loss, "z": q.detach(), "keys": self.keys}

    @torch.no_grad()
    def after_step(self):
        self.key_encoder.update(nn.Sequential(self.encoder, self.projector))
        self.queue.push(self.keys)


class KeyFreshness(NamedTuple):
    """Cosines (ages,) of stored keys with fresh ones, the newest first, and how many stored keys are out of place."""

    cosine: torch.Tensor
    misplaced: int


def key_freshness(moco, images, *, steps=120, batch_size=32, lr=3e-3, weight_decay=1e-4, seed=0):
    """Train MoCo at a constant learning rate, then encode the views behind its queue again and compare.

    A stored key was made by the key network of its day; a fresh one comes from the key network at the end, for the same
    views in the same batches.

    Parameters
    ----------
    moco : MoCo
        Trained in place; the length of its queue is a multiple of ``batch_size``.
    images : torch.Tensor
        The data set (N, ...), on the device of the networks.
    steps, batch_size : int
        At least as many steps as fill the queue.
    lr, weight_decay : float
        Of AdamW, without warm-up or decay.
    seed : int
        Seed of the images and views drawn.

    Returns
    -------
    KeyFreshness
        Entry a of ``cosine`` is the mean over a batch of keys that is a steps old.

    Raises
    ------
    ValueError
        If the queue is not filled by whole batches, or an argument is out of its range.

    Notes
    -----
    Source: what He et al. 2020 (MoCo), section 3.2, mean by consistent keys.
    """
    check_integer("batch_size", batch_size, 2)
    check_positive("lr", lr)
    ages = len(moco.queue) // batch_size
    if ages * batch_size != len(moco.queue) or steps < ages:
        raise ValueError(
            f"the queue of {len(moco.queue)} keys must be filled by whole batches, at most {steps} of {batch_size}"
        )
    optimiser = torch.optim.AdamW(moco.train().param_groups(weight_decay), lr=lr)
    generator = torch.Generator(images.device).manual_seed(seed)
    views, keys = [], []
    for _ in range(steps):
        index = torch.randint(len(images), (batch_size,), generator=generator, device=images.device)
        views.append(moco.views(images, index, generator))
        out = moco.step(views[-1])
        out["loss"].backward()
        optimiser.step()
        optimiser.zero_grad()
        moco.after_step()
        keys.append(out["keys"])
    stored = moco.queue.get()
    misplaced = (stored != torch.cat(keys[-ages:])).any(1).sum().item()
    fresh = torch.cat([moco.key_encoder(key_view) for _, key_view in views[-ages:]])
    cosine = F.cosine_similarity(stored, fresh).view(ages, batch_size).mean(1)
    return KeyFreshness(cosine.flip(0), misplaced)
