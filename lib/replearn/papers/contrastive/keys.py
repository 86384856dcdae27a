"""How old a key may be: MoCo's queue against keys made anew."""

from collections import deque
from typing import NamedTuple

import torch
from torch.nn import functional as F

from replearn.methods import MoCo
from replearn.training.loop import pretrain
from replearn.training.schedules import constant_lr
from replearn.validate import check_integer


class KeyFreshness(NamedTuple):
    """Cosines (ages,) of stored keys with fresh ones, the newest first, and how many stored keys are out of place."""

    cosine: torch.Tensor
    misplaced: int


def key_freshness(
    moco: MoCo,
    images: torch.Tensor,
    *,
    steps: int = 120,
    batch_size: int = 32,
    lr: float = 3e-3,
    weight_decay: float = 1e-4,
    seed: int = 0,
) -> KeyFreshness:
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

    References
    ----------
    What He et al. 2020 (MoCo), section 3.2, mean by consistent keys.

    Examples
    --------
    >>> from torch import nn
    >>> from replearn import data, losses
    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(64, 8))
    >>> moco = MoCo(network, nn.Identity(), losses.info_nce, data.GaussianNoise(0.1), size=64, dim=8, decay=1.0)
    >>> key_freshness(moco, data.load("digits").images, steps=2).cosine  # a network that never moves
    tensor([1.0000, 1.0000])
    """
    check_integer("batch_size", batch_size, 2)
    ages, rest = divmod(len(moco.queue), batch_size)
    if rest or steps < ages:
        raise ValueError(
            f"the queue of {len(moco.queue)} keys must be filled by whole batches, at most {steps} of {batch_size}"
        )
    newest = deque(maxlen=ages)
    pretrain(
        moco,
        images,
        steps=steps,
        batch_size=batch_size,
        lr=lr,
        warmup=0,
        weight_decay=weight_decay,
        seed=seed,
        schedule=constant_lr,
        log_every=1,
        monitor=lambda step, out: newest.append(out),
    )
    stored = moco.queue.get()
    as_pushed = torch.cat([out["keys"] for out in newest])
    fresh = torch.cat([moco.key_encoder(out["key_view"]) for out in newest])
    cosine = F.cosine_similarity(stored, fresh).view(ages, batch_size).mean(1)
    return KeyFreshness(cosine.flip(0), misplaced=(stored != as_pushed).any(1).sum().item())
