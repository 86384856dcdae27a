"""Training on a world whose latents are known, which tell the loss that can be reached."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn

from replearn.data import LatentWorld, bayes_cross_entropy
from replearn.recipes.restarts import Start, best_starts, train_best_of
from replearn.recipes.sampled import train_pairs
from replearn.training.inference import features
from replearn.training.seed import seeded
from replearn.validate import check_integer

Batches = list[tuple[torch.Tensor, torch.Tensor]]
_BATCHES = 5


class LossRange(NamedTuple):
    """A loss of pairs for a constant embedding, ``nothing``, and for the latents at their best ``scale``, ``truth``."""

    nothing: float
    truth: float
    scale: float


class WorldRun(NamedTuple):
    """A trained ``encoder``, and the share of the way from ``nothing`` to ``truth`` that its loss is ``missing``."""

    encoder: nn.Module
    missing: float


def loss_range(loss: Callable, world: LatentWorld, *, batch_size: int = 512, seed: int = 0) -> LossRange:
    """Measure what a loss of two views is for embeddings that say nothing, and for the true latents.

    ``truth = min_c loss(c z, c z')`` over the scales c = 0.1, 0.2, ... 3, each a mean over 5 batches.

    Parameters
    ----------
    loss : callable
        ``loss(z_a, z_b)``, a scalar tensor or terms with a ``total``.
    world : LatentWorld
        Without style, whose latents are content alone.
    batch_size : int
        Pairs in a batch; contrastive losses depend on it.
    seed : int
        Seed of the pairs.

    Returns
    -------
    LossRange
        ``nothing``, ``truth`` and ``scale``.

    References
    ----------
    Zimmermann et al. 2021: for InfoNCE with matching similarity the latents are optimal, at scale 1.

    Examples
    --------
    >>> from functools import partial
    >>> from replearn import data, losses
    >>> found = loss_range(partial(losses.info_nce, similarity="sqdist"), data.latent_world(3, kappa=5.0))
    >>> round(found.nothing, 2), found.truth < found.nothing
    (6.24, True)
    """
    pairs = _pairs(world, batch_size, seed)

    def at(scale: float) -> float:
        return _mean(loss, [(scale * a, scale * b) for a, b in pairs])

    nothing = at(0.0)
    truth, scale = min((at(c / 10), c / 10) for c in range(1, 31))
    if not truth < nothing:
        raise ValueError(f"the loss of the latents, {truth:.3g}, is not below that of nothing, {nothing:.3g}")
    return LossRange(nothing, truth, scale)


def train_world(
    build: Callable[[int], nn.Module],
    loss: Callable,
    world: LatentWorld,
    steps: int,
    *,
    stop_below: float = 0.15,
    starts: int = 3,
    batch_size: int = 512,
    seed: int = 0,
    **settings: Any,
) -> list[WorldRun]:
    """Train an encoder on pairs of a world from one start after another, until its loss is nearly that of the latents.

    ``missing = (loss - truth) / (nothing - truth)`` on given pairs (see ``loss_range``; content alone counts), with
    BatchNorm's running averages. A folded sphere misses 0.2 or more. Only the loss is looked at, so that latents may be
    scored afterwards.

    Parameters
    ----------
    build : callable
        ``build(seed)`` returns a new encoder (n, d + style) -> (n, k).
    loss : callable
        ``loss(z_a, z_b)``, a scalar tensor or terms with a ``total``.
    world : LatentWorld
        Gives pairs, ``world.views``.
    steps : int
        Steps of training from each start.
    stop_below : float
        Share below which no further start is made.
    starts : int
        Largest number of starts; they have the seeds ``seed``, ``seed + 1``, ...
    batch_size : int
        Pairs in each step, and in each batch of the measurement.
    **settings
        More arguments of ``train_pairs``.

    Returns
    -------
    list of WorldRun
        All that were made, the smallest ``missing`` first.

    Raises
    ------
    NonFiniteLossError
        If the loss becomes NaN or infinite.

    References
    ----------
    Zimmermann et al., "Contrastive Learning Inverts the Data Generating Process" (2021): the theorem is about
    the global minimum, which in a synthetic world is known.
    """
    reach = loss_range(loss, world._replace(style=0), batch_size=batch_size)
    held_out = [(world.render(a), world.render(b)) for a, b in _pairs(world, batch_size, 0)]

    def train(start: int) -> WorldRun:
        encoder = build(start)
        train_pairs(encoder, loss, world.views, steps, batch_size=batch_size, seed=start, **settings)
        reached = _mean(loss, [(features(encoder, a), features(encoder, b)) for a, b in held_out])
        return WorldRun(encoder, (reached - reach.truth) / (reach.nothing - reach.truth))

    return best_starts(train, lambda run: run.missing, stop_below=stop_below, starts=starts, seed=seed)


def train_world_classes(
    build: Callable[[int], nn.Module],
    world: LatentWorld,
    steps: int,
    *,
    stop_below: float = 0.06,
    starts: int = 4,
    seed: int = 0,
    **settings: Any,
) -> list[Start]:
    """Train a classifier on a world whose content is uniform: ``train_best_of`` with 2,000 things to check it on.

    Parameters
    ----------
    build : callable
        ``build(seed)`` returns a new encoder (n, d + style) -> (n, k). It gets a linear head without bias.
    world : LatentWorld
        Gives things and their classes, ``world.labelled``.
    steps : int
        Steps of training from each start.
    stop_below : float
        Gap in nats to the cross-entropy of the true posterior below which no further start is made.
    starts : int
        Largest number of starts; they have the seeds ``seed``, ``seed + 1``, ...
    seed : int
        Seed of the first start and of the check.
    **settings
        More arguments of ``train_ce``.

    Returns
    -------
    list of Start
        All that were made, the smallest gap first.

    Raises
    ------
    NonFiniteLossError
        If the loss becomes NaN or infinite.

    References
    ----------
    Reizinger et al., "Cross-Entropy Is All You Need To Invert the Data Generating Process" (2025), with the
    posterior of their process and another law of the latents, on which the theorem does not depend.
    """
    n_classes, d = world.centres.shape
    device = world.centres.device
    generator = torch.Generator(device).manual_seed(seed)
    z = world.sample(2000, generator)
    x, classes = world.render(z), world.posterior(z).multinomial(1, generator=generator)[:, 0]
    held_out = x, classes, bayes_cross_entropy(world.centres, world.kappa, z[:, :d], classes)

    def with_head(start: int) -> tuple[nn.Module, nn.Linear]:
        encoder = build(start)
        dim = features(encoder, x[:2]).shape[1]
        with seeded(start):
            return encoder, nn.Linear(dim, n_classes, bias=False, device=device)

    return train_best_of(
        with_head, world.labelled, held_out, steps, stop_below=stop_below, starts=starts, seed=seed, **settings
    )


def _pairs(world: LatentWorld, batch_size: int, seed: int) -> Batches:
    check_integer("batch_size", batch_size, 2)
    generator = torch.Generator(world.centres.device).manual_seed(seed)
    return [world.pair(batch_size, generator) for _ in range(_BATCHES)]


def _mean(loss: Callable, batches: Batches) -> float:
    terms = [loss(a, b) for a, b in batches]
    return torch.stack([getattr(term, "total", term) for term in terms]).mean().item()
