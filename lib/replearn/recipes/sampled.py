"""Training on endless data: every batch is drawn anew by a sampler, so that nothing can be memorised."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from replearn.methods.joint_embedding import JointEmbedding
from replearn.training.loop import pretrain
from replearn.training.method import Method, describe
from replearn.training.progress import History


class SampledClasses(Method):
    """Cross-entropy of a classifier on batches that a sampler draws: ``F.cross_entropy(head(encoder(x)), y)``.

    Parameters
    ----------
    encoder, head : torch.nn.Module
        (n, ...) -> (n, d), and (n, d) -> (n, C) logits.
    sampler : callable
        ``sampler(n, generator)`` draws inputs (n, ...) and their classes (n,), int64.
    """

    def __init__(self, encoder: nn.Module, head: nn.Module, sampler: Callable) -> None:
        super().__init__()
        self.encoder, self.head, self.sampler = encoder, head, sampler

    def extra_repr(self) -> str:
        return f"sampler={describe(self.sampler)}"

    def views(self, images: torch.Tensor, index: torch.Tensor, generator: torch.Generator) -> Any:
        return self.sampler(len(index), generator)

    def step(self, views: Any) -> dict[str, torch.Tensor]:
        x, y = views
        z = self.encoder(x)
        return {"loss": F.cross_entropy(self.head(z), y), "z": z.detach()}


class SampledPairs(JointEmbedding):
    """A loss of two views on batches of pairs that a sampler draws: ``loss(encoder(x), encoder(x'))``.

    Parameters
    ----------
    encoder : torch.nn.Module
        (n, ...) -> (n, d).
    loss : callable
        ``loss(z_a, z_b)`` with (n, d) each.
    sampler : callable
        ``sampler(n, generator)`` draws two views (n, ...) of n things.
    """

    def __init__(self, encoder: nn.Module, loss: Callable, sampler: Callable) -> None:
        super().__init__(encoder, nn.Identity(), loss, augment=sampler)

    def views(self, images: torch.Tensor, index: torch.Tensor, generator: torch.Generator) -> Any:
        return self.augment(len(index), generator)


def train_ce(
    encoder: nn.Module,
    head: nn.Module,
    sampler: Callable,
    steps: int,
    *,
    batch_size: int = 512,
    lr: float = 2e-2,
    seed: int = 0,
    **loop: Any,
) -> History:
    """Train an encoder and a head by cross-entropy on endless data: Adam, half a cosine from ``lr`` to 0.

    Descent may end in a local minimum, a fold of the latent sphere. The loss tells: keep the best of several starts.

    Parameters
    ----------
    encoder, head : torch.nn.Module
        (n, ...) -> (n, d), and (n, d) -> (n, C) logits; trained in place, on the encoder's device.
    sampler : callable
        ``sampler(n, generator)`` draws inputs (n, ...) and their classes (n,), int64.
    steps, batch_size : int
        Number of steps, and samples in each.
    lr : float
        Learning rate at the start.
    seed : int
        Seed of the draws. What the networks start from was decided when they were made.
    **loop
        More arguments of ``pretrain``, which go before these.

    Returns
    -------
    History
        ``loss`` and ``lr``, one entry a step.

    Raises
    ------
    NonFiniteLossError
        If the loss becomes NaN or infinite.

    References
    ----------
    The simulations of Reizinger et al., "Cross-Entropy Is All You Need To Invert the Data Generating Process"
    (2025), with a larger learning rate and far fewer steps.

    Examples
    --------
    >>> def blobs(n, generator):
    ...     c = torch.randint(2, (n,), generator=generator)
    ...     return torch.randn(n, 2, generator=generator) + 20 * c[:, None] - 10, c
    >>> train_ce(nn.Identity(), nn.Linear(2, 2), blobs, 100, lr=0.1).loss[-1] < 0.01
    True
    """
    return _train(SampledClasses(encoder, head, sampler), steps, batch_size, lr, seed, loop)


def train_pairs(
    encoder: nn.Module,
    loss: Callable,
    sampler: Callable,
    steps: int,
    *,
    batch_size: int = 512,
    lr: float = 2e-2,
    seed: int = 0,
    **loop: Any,
) -> History:
    """Train an encoder by a loss of two views on endless data: Adam, half a cosine from ``lr`` to 0.

    Parameters
    ----------
    encoder : torch.nn.Module
        (n, ...) -> (n, d); trained in place, on its device.
    loss : callable
        ``loss(z_a, z_b)``, for example ``partial(replearn.losses.info_nce, similarity="sqdist")``.
    sampler : callable
        ``sampler(n, generator)`` draws two views (n, ...) of n things.
    steps, batch_size : int
        Number of steps, and pairs in each.
    lr : float
        Learning rate at the start.
    seed : int
        Seed of the draws. What the encoder starts from was decided when it was made.
    **loop
        More arguments of ``pretrain``, which go before these.

    Returns
    -------
    History
        ``loss`` and ``lr``, one entry a step.

    Raises
    ------
    NonFiniteLossError
        If the loss becomes NaN or infinite.

    References
    ----------
    The simulations of Zimmermann et al., "Contrastive Learning Inverts the Data Generating Process" (2021).

    Examples
    --------
    >>> from replearn import losses
    >>> def pairs(n, generator):
    ...     x = torch.randn(n, 3, generator=generator)
    ...     return x, x + 0.1 * torch.randn(n, 3, generator=generator)
    >>> history = train_pairs(nn.Linear(3, 2), losses.vicreg, pairs, 50)
    >>> history.loss[-1] < history.loss[0]
    True
    """
    return _train(SampledPairs(encoder, loss, sampler), steps, batch_size, lr, seed, loop)


def _train(method: Method, steps: int, batch_size: int, lr: float, seed: int, loop: dict[str, Any]) -> History:
    settings = {"warmup": 0, "weight_decay": 0.0, "optimizer": torch.optim.Adam}
    no_images = torch.zeros(1, device=next(method.parameters()).device)
    return pretrain(method, no_images, steps=steps, batch_size=batch_size, lr=lr, seed=seed, **{**settings, **loop})
