"""Masked modelling as methods: hide patches, and predict their pixels."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from replearn.data import as_float, patchify, random_mask, take_patches
from replearn.losses import mae_loss, simmim_loss
from replearn.losses.precision import to_at_least_float32
from replearn.models.masked_input import MaskedInput
from replearn.models.masked_mlp import MaskedMLP
from replearn.models.vit import TinyViT
from replearn.training.method import Method, describe

PatchEncoder = TinyViT | MaskedMLP | MaskedInput


class Masked(Method):
    """Encode the visible patches of a batch and predict something of the hidden ones."""

    encoder: PatchEncoder

    def __init__(self, encoder: PatchEncoder, decoder: nn.Module, *, mask: Callable, augment: Callable | None) -> None:
        super().__init__()
        self.encoder, self.decoder, self.mask, self.augment = encoder, decoder, mask, augment

    def views(self, images: torch.Tensor, index: torch.Tensor, generator: torch.Generator) -> Any:
        x = as_float(images[index])
        x = x if self.augment is None else self.augment(x, generator)
        keep, masked = self.mask(len(x), self.encoder.grid, generator)[:2]
        return x, keep, masked

    def of_patches(self, tokens: torch.Tensor) -> torch.Tensor:
        """Leave out the class token, where there is one, of the tokens of all patches."""
        return tokens[:, -self.encoder.grid[0] * self.encoder.grid[1] :]


class MaskedAutoencoder(Masked):
    """MAE: reconstruct the pixels of hidden patches from the visible ones, which are all that the encoder computes.

    The loss is ``mae_loss(g(f(x, keep), keep, masked), patchify(x), masked)``.

    Parameters
    ----------
    encoder : torch.nn.Module
        f, a ``TinyViT`` or alike: ``f(x, keep, tokens=True)`` with ``grid`` and ``patch``.
    decoder : torch.nn.Module
        g: tokens, ``keep``, ``masked`` -> (N, M, C p^2), a ``MaeDecoder``. Thrown away after training.
    mask : callable
        ``mask(n, grid, generator)``: ``random_mask``, ``block_mask``, or a partial of one with another ratio.
    normalize : bool
        Whether each patch is predicted relative to its own mean and deviation.
    augment : callable, optional
        ``augment(x, generator)``, one view of each image; masked modelling does without, or with crops alone.

    References
    ----------
    He et al. 2022 (MAE). ``z`` in what ``step`` returns is the mean of the visible tokens.

    Examples
    --------
    >>> from replearn.models import MaeDecoder, TinyViT
    >>> encoder = TinyViT((8, 8), 2, dim=16, depth=1)
    >>> mae = MaskedAutoencoder(encoder, MaeDecoder(16, 4, encoder.grid, dim=8))
    >>> mae.step(mae.views(torch.randn(5, 1, 8, 8), torch.arange(5), torch.Generator()))["z"].shape
    torch.Size([5, 16])
    """

    def __init__(
        self,
        encoder: PatchEncoder,
        decoder: nn.Module,
        *,
        mask: Callable = random_mask,
        normalize: bool = False,
        augment: Callable | None = None,
    ) -> None:
        super().__init__(encoder, decoder, mask=mask, augment=augment)
        self.normalize = normalize

    def extra_repr(self) -> str:
        return f"mask={describe(self.mask)}, augment={describe(self.augment)}, normalize={self.normalize}"

    def step(self, views: Any) -> dict[str, torch.Tensor]:
        x, keep, masked = views
        tokens = self.encoder(x, keep, tokens=True)
        pred = self.decoder(tokens, keep, masked)
        loss = mae_loss(pred, patchify(x, self.encoder.patch), masked, normalize=self.normalize)
        return {"loss": loss, "z": to_at_least_float32(tokens).mean(1).detach()}


class SimMIM(Masked):
    """SimMIM: a mask token takes the place of hidden patches in the encoder, and a linear map predicts their pixels.

    The loss is ``simmim_loss(W f(x, keep, mask token)[masked], patchify(x), masked)``.

    Parameters
    ----------
    encoder : TinyViT
        f: ``f(x, keep, tokens=True, fill=mask_token)`` gives a token (N, L, d) for every patch, hidden or not.
    decoder : torch.nn.Module
        W: (..., d) -> (..., C p^2), ``nn.Linear``. Thrown away after training.
    mask, augment
        As in :class:`MaskedAutoencoder`.

    References
    ----------
    Xie et al. 2022 (SimMIM), section 3: 60 % hidden, in squares of 32 pixels. ``z`` is the mean of all tokens.

    Examples
    --------
    >>> from replearn.models import TinyViT
    >>> simmim = SimMIM(TinyViT((8, 8), 2, dim=16, depth=1), nn.Linear(16, 4))
    >>> simmim.step(simmim.views(torch.randn(5, 1, 8, 8), torch.arange(5), torch.Generator()))["z"].shape
    torch.Size([5, 16])
    """

    def __init__(
        self, encoder: TinyViT, decoder: nn.Module, *, mask: Callable = random_mask, augment: Callable | None = None
    ) -> None:
        super().__init__(encoder, decoder, mask=mask, augment=augment)
        self.mask_token = nn.Parameter(torch.zeros(encoder.dim))

    def extra_repr(self) -> str:
        return f"mask={describe(self.mask)}, augment={describe(self.augment)}"

    def step(self, views: Any) -> dict[str, torch.Tensor]:
        x, keep, masked = views
        tokens = self.of_patches(self.encoder(x, keep, tokens=True, fill=self.mask_token))
        pred = self.decoder(take_patches(tokens, masked))
        loss = simmim_loss(pred, patchify(x, self.encoder.patch), masked)
        return {"loss": loss, "z": to_at_least_float32(tokens).mean(1).detach()}
