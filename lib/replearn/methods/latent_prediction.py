"""Latent prediction as a method: hide patches, and predict what a teacher makes of them."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from replearn.data import random_mask, take_patches
from replearn.losses import latent_loss
from replearn.losses.precision import full_precision, to_at_least_float32
from replearn.methods.masked import Masked
from replearn.methods.teacher import EMA, decay_at
from replearn.models.vit import TinyViT
from replearn.training.method import describe


class LatentPrediction(Masked):
    """data2vec and I-JEPA: from the visible patches, predict the tokens that a teacher makes of the hidden ones.

    The teacher, a moving average of f, sees the whole image. With its tokens ``t`` the loss is
    ``loss(g(f(x, keep), keep, masked), t[masked])``.

    Parameters
    ----------
    encoder, decoder
        As in :class:`MaskedAutoencoder`; the decoder's predictions have the size of the encoder's tokens.
    mask : callable
        As there, or ``replearn.data.multiblock_mask``, each of whose blocks is predicted by itself.
    loss : callable
        ``loss(pred, target)`` of (N, M, d) each, which need not stop the gradient of the target.
    decay : float, pair of float, or None
        The teacher's; a pair goes from one to the other along half a cosine over the run. With None there is neither
        teacher nor stop-gradient: the targets are the encoder's own tokens, which collapse.
    augment : callable, optional
        As in :class:`MaskedAutoencoder`; teacher and student see the same view.

    References
    ----------
    Baevski et al. 2022 (data2vec), here with the last block's tokens as targets in the place of an average over
    blocks; Assran et al. 2023 (I-JEPA), whose decay grows linearly. ``z`` is as in :class:`MaskedAutoencoder`.

    Examples
    --------
    >>> from replearn.models import MaeDecoder, TinyViT
    >>> encoder = TinyViT((8, 8), 2, dim=16, depth=1)
    >>> data2vec = LatentPrediction(encoder, MaeDecoder(16, 16, encoder.grid, dim=8))
    >>> data2vec.step(data2vec.views(torch.randn(5, 1, 8, 8), torch.arange(5), torch.Generator()))["z"].shape
    torch.Size([5, 16])
    """

    def __init__(
        self,
        encoder: TinyViT,
        decoder: nn.Module,
        *,
        mask: Callable = random_mask,
        loss: Callable = latent_loss,
        decay: float | tuple[float, float] | None = (0.99, 1.0),
        augment: Callable | None = None,
    ) -> None:
        super().__init__(encoder, decoder, mask=mask, augment=augment)
        self.loss, self.decay = loss, decay
        self.teacher = None if decay is None else EMA(encoder, decay_at(decay, 0.0))

    def extra_repr(self) -> str:
        return (
            f"mask={describe(self.mask)}, loss={describe(self.loss)}, "
            f"augment={describe(self.augment)}, decay={self.decay}"
        )

    def step(self, views: Any) -> dict[str, torch.Tensor]:
        x, keep, masked = views
        tokens, targets = self.encoder(x, keep, tokens=True), self._targets(x)
        z = to_at_least_float32(tokens).mean(1).detach()
        if masked.ndim == 3:  # blocks: each meets a copy of the context
            tokens, targets, keep = (t.repeat_interleave(masked.shape[1], 0) for t in (tokens, targets, keep))
            masked = masked.flatten(0, 1)
        pred = self.decoder(tokens, keep, masked)
        loss = full_precision(self.loss)(pred, take_patches(targets, masked))
        return {"loss": loss, "z": z}

    def _targets(self, x: torch.Tensor) -> torch.Tensor:
        if self.teacher is None:
            tokens = self.encoder(x, tokens=True)
        else:
            with torch.no_grad():
                tokens = self.teacher.module(x, tokens=True)
        return self.of_patches(tokens)

    def after_step(self) -> None:
        if self.teacher is not None and self.decay is not None:
            self.teacher.update(self.encoder, decay_at(self.decay, self.progress))
