"""Training on a world whose latents are known, which tell the loss that can be reached."""

from typing import NamedTuple

import torch
from torch import nn

from replearn.data import bayes_cross_entropy
from replearn.recipes.restarts import best_starts, train_best_of
from replearn.recipes.sampled import train_pairs
from replearn.training.inference import features
from replearn.training.seed import seeded
from replearn.validate import check_integer

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


def loss_range(loss, world, *, batch_size=512, seed=0):
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

    Raises
    ------
    ValueError
        If ``batch_size`` is not an integer of at least 2, or the latents are no better than nothing.

    Notes
    -----
    Source: for InfoNCE with matching similarity the latents are optimal (Zimmermann et al., 2021), at scale 1.
    """
    batches = _pairs(world, batch_size, seed)
    losses = {c / 10: _mean(loss, [(c / 10 * a, c / 10 * b) for a, b in batches]) for c in range(31)}
    nothing = losses.pop(0.0)
    scale = min(losses, key=losses.get)
    if not losses[scale] < nothing:
        raise ValueError(f"the loss of the latents, {losses[scale]:.3g}, is not below that of nothing, {nothing:.3g}")
    return LossRange(nothing, losses[scale], scale)


def train_world(build, loss, world, steps, *, stop_below=0.15, starts=3, batch_size=512, seed=0, **settings):
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
    ValueError
        If an argument is out of its range.
    NonFiniteLossError
        If the loss becomes NaN or infinite.

    Notes
    -----
    Source: Zimmermann et al., "Contrastive Learning Inverts the Data Generating Process" (2021): the theorem is about
    the global minimum, which in a synthetic world is known.
    """
    reach = loss_range(loss, world._replace(style=0), batch_size=batch_size)
    batches = [[world.render(z) for z in pair] for pair in _pairs(world, batch_size, 0)]

    def train(start):
        encoder = build(start)
        train_pairs(encoder, loss, world.views, steps, batch_size=batch_size, seed=start, **settings)
        reached = _mean(loss, [(features(encoder, a), features(encoder, b)) for a, b in batches])
        return WorldRun(encoder, (reached - reach.truth) / (reach.nothing - reach.truth))

    return best_starts(train, lambda run: run.missing, stop_below=stop_below, starts=starts, seed=seed)


def train_world_classes(build, world, steps, *, stop_below=0.06, starts=4, seed=0, **settings):
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
    ValueError
        If an argument is out of its range.
    NonFiniteLossError
        If the loss becomes NaN or infinite.

    Notes
    -----
    Source: Reizinger et al., "Cross-Entropy Is All You Need To Invert the Data Generating Process" (2025), with the
    posterior of their process and another law of the latents, on which the theorem does not depend.
    """
    classes, d = world.centres.shape
    generator = torch.Generator(world.centres.device).manual_seed(seed)
    z = world.sample(2000, generator)
    c = world.posterior(z).multinomial(1, generator=generator)[:, 0]
    held_out = world.render(z), c, bayes_cross_entropy(world.centres, world.kappa, z[:, :d], c)

    def with_head(start):
        encoder = build(start)
        width = features(encoder, held_out[0][:2]).shape[1]
        with seeded(start):
            return encoder, nn.Linear(width, classes, bias=False, device=held_out[0].device)

    return train_best_of(
        with_head, world.labelled, held_out, steps, stop_below=stop_below, starts=starts, seed=seed, **settings
    )


def _pairs(world, batch_size, seed):
    check_integer("batch_size", batch_size, 2)
    generator = torch.Generator(world.centres.device).manual_seed(seed)
    return [world.pair(batch_size, generator) for _ in range(_BATCHES)]


def _mean(loss, batches):
    terms = [loss(a, b) for a, b in batches]
    return torch.stack([getattr(term, "total", term) for term in terms]).mean().item()
