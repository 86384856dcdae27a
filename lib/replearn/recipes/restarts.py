"""Several starts of one training, of which the loss chooses."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import torch
from torch import nn
from torch.nn import functional as F

from replearn.recipes.sampled import train_ce
from replearn.training.inference import features
from replearn.validate import check_integer

Made = TypeVar("Made")


class Start(NamedTuple):
    """Trained ``encoder`` and ``head``, and the ``gap`` in nats of their cross-entropy to the best possible one."""

    encoder: nn.Module
    head: nn.Module
    gap: float


def train_best_of(
    build: Callable[[int], tuple[nn.Module, nn.Module]],
    sampler: Callable[[int, torch.Generator], tuple[torch.Tensor, torch.Tensor]],
    held_out: tuple[torch.Tensor, torch.Tensor, float],
    steps: int,
    *,
    stop_below: float = 0.04,
    starts: int = 4,
    seed: int = 0,
    monitor_for: Callable[[nn.Module, nn.Module], Callable] | None = None,
    **settings: Any,
) -> list[Start]:
    """Train a classifier from one start after another until its cross-entropy is nearly the best possible one.

    ``gap = mean_i -log softmax(head(encoder(x_i)))_{c_i} - bayes`` on held-out samples, with BatchNorm's running
    averages. Nothing but the loss is looked at, so that a latent may be scored afterwards.

    Parameters
    ----------
    build : callable
        ``build(seed)`` returns a new encoder and head: (n, ...) -> (n, d), and (n, d) -> (n, C) logits.
    sampler : callable
        ``sampler(n, generator)`` draws inputs (n, ...) and their classes (n,), int64.
    held_out : tuple
        Inputs (n, ...), classes (n,), and the cross-entropy of the true posterior on them, in nats.
    steps : int
        Steps of training from each start.
    stop_below : float
        Gap in nats below which no further start is made.
    starts : int
        Largest number of starts; they have the seeds ``seed``, ``seed + 1``, ...
    monitor_for : callable, optional
        ``monitor_for(encoder, head)`` returns the ``monitor`` of that start (see ``pretrain``).
    **settings
        More arguments of ``train_ce``.

    Returns
    -------
    list of Start
        All that were made, the smallest gap first.

    References
    ----------
    Reizinger et al., "Cross-Entropy Is All You Need To Invert the Data Generating Process" (2025): the theorem is about
    the global minimum, which in a synthetic world is known.

    Examples
    --------
    Two blobs that a line separates, so that the best cross-entropy is 0.

    >>> def blobs(n, generator):
    ...     c = torch.randint(2, (n,), generator=generator)
    ...     return torch.randn(n, 2, generator=generator) + 20 * c[:, None] - 10, c
    >>> def build(seed):
    ...     return nn.Identity(), nn.Linear(2, 2)
    >>> held_out = (*blobs(500, torch.Generator().manual_seed(1)), 0.0)
    >>> [round(start.gap, 2) for start in train_best_of(build, blobs, held_out, 100, lr=0.1)]
    [0.0]
    """
    x, classes, bayes = held_out

    def train(start: int) -> Start:
        encoder, head = build(start)
        monitor = None if monitor_for is None else monitor_for(encoder, head)
        train_ce(encoder, head, sampler, steps, seed=start, monitor=monitor, **settings)
        with torch.no_grad():
            reached = F.cross_entropy(head(features(encoder, x)), classes).item()
        return Start(encoder, head, reached - bayes)

    return best_starts(train, lambda start: start.gap, stop_below=stop_below, starts=starts, seed=seed)


def best_starts(
    train: Callable[[int], Made], shortfall: Callable[[Made], float], *, stop_below: float, starts: int, seed: int
) -> list[Made]:
    """Run ``train(seed)``, ``train(seed + 1)``, ... until one falls short by less than ``stop_below``; best first."""
    check_integer("starts", starts, 1)
    made = []
    for start in range(seed, seed + starts):
        made.append(train(start))
        if shortfall(made[-1]) < stop_below:
            break
    return sorted(made, key=shortfall)
