"""How old a key may be: MoCo's queue against keys made anew."""

from typing import NamedTuple

import torch
from torch.nn import functional as F

from replearn.validate import check_integer, check_positive


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
