"""Masked modelling as methods: hide patches, and predict their pixels, or what a teacher makes of them."""

import torch
from torch import nn

from replearn.data import as_float, patchify, random_mask, take_patches
from replearn.losses import latent_loss, mae_loss, simmim_loss
from replearn.training.methods import Method, describe, raised
from replearn.training.teacher import EMA, decay_at


class _Masked(Method):
    """Encode the visible patches of a batch and predict something of the hidden ones."""

    def __init__(self, encoder, decoder, *, mask, augment):
        super().__init__()
        self.encoder, self.decoder, self.mask, self.augment = encoder, decoder, mask, augment

    def views(self, images, index, generator):
        x = as_float(images[index])
        x = x if self.augment is None else self.augment(x, generator)
        keep, masked = self.mask(len(x), self.encoder.grid, generator)[:2]
        return x, keep, masked

    def _of_patches(self, tokens):
        """Leave out the class token, where there is one, of the tokens of all patches."""
        return tokens[:, -self.encoder.grid[0] * self.encoder.grid[1] :]


class MaskedAutoencoder(_Masked):
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
    normalise : bool
        Whether each patch is predicted relative to its own mean and deviation.
    augment : callable, optional
        ``augment(x, generator)``, one view of each image; masked modelling does without, or with crops alone.

    Notes
    -----
    Source: He et al. 2022 (MAE). ``z`` in what ``step`` returns is the mean of the visible tokens.
    """

    def __init__(self, encoder, decoder, *, mask=random_mask, normalise=False, augment=None):
        super().__init__(encoder, decoder, mask=mask, augment=augment)
        self.normalise = normalise

    def extra_repr(self):
        return f"mask={describe(self.mask)}, augment={describe(self.augment)}, normalise={self.normalise}"

    def step(self, views):
        x, keep, masked = views
        tokens = self.encoder(x, keep, tokens=True)
        pred = self.decoder(tokens, keep, masked)
        loss = mae_loss(pred, patchify(x, self.encoder.patch), masked, self.normalise)
        return {"loss": loss, "z": raised(tokens).mean(1).detach()}


class SimMIM(_Masked):
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

    Notes
    -----
    Source: Xie et al. 2022 (SimMIM), section 3: 60 % hidden, in squares of 32 pixels. ``z`` is the mean of all tokens.
    """

    def __init__(self, encoder, decoder, *, mask=random_mask, augment=None):
        super().__init__(encoder, decoder, mask=mask, augment=augment)
        self.mask_token = nn.Parameter(torch.zeros(encoder.dim))

    def extra_repr(self):
        return f"mask={describe(self.mask)}, augment={describe(self.augment)}"

    def step(self, views):
        x, keep, masked = views
        tokens = self._of_patches(self.encoder(x, keep, tokens=True, fill=self.mask_token))
        pred = self.decoder(take_patches(tokens, masked))
        loss = simmim_loss(pred, patchify(x, self.encoder.patch), masked)
        return {"loss": loss, "z": raised(tokens).mean(1).detach()}


class LatentPrediction(_Masked):
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

    Raises
    ------
    ValueError
        If a decay lies outside [0, 1].

    Notes
    -----
    Source: Baevski et al. 2022 (data2vec), here with the last block's tokens as targets in the place of an average over
    blocks; Assran et al. 2023 (I-JEPA), whose decay grows linearly. ``z`` is as in :class:`MaskedAutoencoder`.
    """

    def __init__(self, encoder, decoder, *, mask=random_mask, loss=latent_loss, decay=(0.99, 1.0), augment=None):
        super().__init__(encoder, decoder, mask=mask, augment=augment)
        self.loss, self.decay = loss, decay
        self.teacher = None if decay is None else EMA(encoder, decay_at(decay, 0.0))

    def extra_repr(self):
        return (
            f"mask={describe(self.mask)}, loss={describe(self.loss)}, "
            f"augment={describe(self.augment)}, decay={self.decay}"
        )

    def step(self, views):
        x, keep, masked = views
        tokens, targets = self.encoder(x, keep, tokens=True), self._targets(x)
        z = raised(tokens).mean(1).detach()
        if masked.ndim == 3:  # blocks: each meets a copy of the context
            tokens, targets, keep = (t.repeat_interleave(masked.shape[1], 0) for t in (tokens, targets, keep))
            masked = masked.flatten(0, 1)
        pred = self.decoder(tokens, keep, masked)
        with torch.autocast(x.device.type, enabled=False):
            loss = self.loss(raised(pred), take_patches(raised(targets), masked))
        return {"loss": loss, "z": z}

    def _targets(self, x):
        if self.teacher is None:
            tokens = self.encoder(x, tokens=True)
        else:
            with torch.no_grad():
                tokens = self.teacher.module(x, tokens=True)
        return self._of_patches(tokens)

    def after_step(self):
        if self.teacher is not None:
            self.teacher.update(self.encoder, decay_at(self.decay, self.progress))
