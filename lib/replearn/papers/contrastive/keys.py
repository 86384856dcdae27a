"""How old a key may be: MoCo's queue against keys made anew."""

from collections import deque
from typing import NamedTuple

import torch

from replearn.methods import MoCo
from replearn.training.loop import pretrain
from replearn.training.schedules import constant_lr
from replearn.validate import check_integer


class AgedKeys(NamedTuple):
    """Keys (ages, batch, K), the newest first: as the queue has them, and those of the same views, made anew."""

    stored: torch.Tensor
    renewed: torch.Tensor


def aged_keys(
    moco: MoCo,
    images: torch.Tensor,
    *,
    steps: int = 120,
    batch_size: int = 32,
    lr: float = 3e-3,
    weight_decay: float = 1e-4,
    seed: int = 0,
) -> AgedKeys:
    """Train MoCo at a constant learning rate, then encode the views behind its queue again.

    A stored key was made by the key network of its day; a renewed one comes from the key network at the end, for the
    same views in the same batches.

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
    AgedKeys
        Row a of both is a batch of keys that is a steps old.

    References
    ----------
    What He et al. 2020 (MoCo), section 3.2, mean by consistent keys.

    Examples
    --------
    >>> from torch import nn
    >>> from replearn import data, losses
    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(64, 8))
    >>> moco = MoCo(network, nn.Identity(), losses.info_nce, data.GaussianNoise(0.1), size=64, dim=8, decay=1.0)
    >>> keys = aged_keys(moco, data.load("digits").images, steps=2)  # of a network that never moves
    >>> torch.allclose(keys.stored, keys.renewed)
    True
    """
    check_integer("batch_size", batch_size, 2)
    ages, rest = divmod(len(moco.queue), batch_size)
    if rest or steps < ages:
        raise ValueError(
            f"the queue of {len(moco.queue)} keys must be filled by whole batches, at most {steps} of {batch_size}"
        )
    newest: deque[dict[str, torch.Tensor]] = deque(maxlen=ages)
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
    renewed = torch.stack([moco.key_encoder(out["key_view"]) for out in newest])
    return AgedKeys(moco.queue.get().view(ages, batch_size, -1).flip(0), renewed.flip(0))
