"""Networks that take whole images, such as convolutions, in the place of a transformer that sees patches."""

from collections.abc import Sequence

import torch

from replearn.data import hidden_flags, patch_grid, patchify, unpatchify
from replearn.models.encoder import Encoder


class MaskedInput(Encoder):
    """Let a network that takes whole images see masked ones: hidden patches are set to zero, and nothing is saved.

    Zero should be the mean of the images, as it is of standardised ones.

    Parameters
    ----------
    network : Encoder
        (N, C, H, W) -> (N, ``network.dim``), for example ``TinyConv`` or ``ResNet``.
    image_shape : pair of int
        H and W.
    patch : int
        Side of a patch, in pixels, which divides both.

    Attributes
    ----------
    dim, grid, patch
        As of :class:`TinyViT`, whose place it can take in ``MaskedAutoencoder``.

    References
    ----------
    Context encoders (Pathak et al., 2016), which fill what is hidden with the mean.

    Examples
    --------
    >>> from replearn.models import TinyConv
    >>> MaskedInput(TinyConv(4), (28, 28), 7).grid
    (4, 4)
    """

    def __init__(self, network: Encoder, image_shape: Sequence[int], patch: int) -> None:
        super().__init__()
        self.network, self.dim, self.patch, self.grid = network, network.dim, patch, patch_grid(image_shape, patch)

    def forward(self, x: torch.Tensor, keep: torch.Tensor | None = None, *, tokens: bool = False) -> torch.Tensor:
        """Encode images, or the patches ``keep`` (N, K) of them: (N, dim), or (N, 1, dim) with ``tokens``."""
        if keep is not None:
            patches = patchify(x, self.patch)
            x = unpatchify(patches.masked_fill(hidden_flags(patches, keep).bool(), 0.0), self.patch, x.shape[2:])
        z = self.network(x)
        return z.unsqueeze(1) if tokens else z
